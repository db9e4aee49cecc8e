//! Texts of samples in compressed blocks: gzip for the browser's own `DecompressionStream`, base64
//! in script elements of a type that no browser runs (and that cannot hold `</script>`).

use std::collections::BTreeMap;
use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderStringWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use rightsize_providers::Response;
use rightsize_suites::{BESIDE, counted};
use serde::Serialize;
use serde_json::Value;

use super::HtmlError;
use super::browser::Samples;
use crate::folder::{RunFolder, Texts};
use crate::latency;
use crate::run::Record;

/// Samples in a block, unless their texts are long.
const SAMPLES: usize = 250;
/// Bytes of text after which a block ends early.
const LONG: usize = 1 << 20;

/// The texts of one sample.
#[derive(Debug, Serialize)]
pub struct Item {
    /// Index of the sample.
    #[serde(rename = "i")]
    pub index: usize,
    #[serde(rename = "id")]
    pub id: String,
    /// Different prompts that models were asked; usually one.
    #[serde(rename = "p")]
    pub prompts: Vec<Vec<Message>>,
    #[serde(rename = "x")]
    pub expected: String,
    #[serde(rename = "a")]
    pub answers: Vec<Said>,
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    #[serde(rename = "r")]
    pub role: String,
    #[serde(rename = "t")]
    pub text: String,
}

/// What one model said, in one repeat.
#[derive(Debug, Serialize)]
pub struct Said {
    #[serde(rename = "m")]
    pub model: usize,
    #[serde(rename = "p", skip_serializing_if = "is_zero")]
    prompt: usize,
    #[serde(rename = "n", skip_serializing_if = "is_zero")]
    repeat: usize,
    #[serde(rename = "o")]
    pub outcome: String,
    #[serde(rename = "s")]
    pub score: Option<f64>,
    #[serde(rename = "t")]
    pub text: String,
    #[serde(rename = "g", skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(rename = "d")]
    pub reading: String,
    #[serde(rename = "v", skip_serializing_if = "String::is_empty")]
    verdict: String,
    #[serde(rename = "e", skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// TTFT, end to end in milliseconds; tokens in and out.
    #[serde(rename = "l")]
    figures: [Option<f64>; 4],
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Which samples' texts are embedded, and the blocks that are ready.
#[derive(Debug)]
pub struct Blocks {
    /// Block of each embedded sample.
    block_of: BTreeMap<usize, usize>,
    /// Blocks made beforehand to know how many fit; at most the budget in size.
    ready: Vec<String>,
    /// Ranges of the order that are written as they are made.
    pending: Vec<Vec<usize>>,
}

impl Blocks {
    /// No text at all.
    pub fn none() -> Self {
        Blocks { block_of: BTreeMap::new(), ready: Vec::new(), pending: Vec::new() }
    }

    /// All texts, compressed while they are written: which sample stands in which block is known
    /// beforehand, and no block is ever held whole.
    pub fn all(samples: &Samples) -> Self {
        let mut blocks = Blocks::none();
        for chunk in samples.order.chunks(SAMPLES) {
            let number = blocks.pending.len();
            blocks.block_of.extend(chunk.iter().map(|sample| (*sample, number)));
            blocks.pending.push(chunk.to_vec());
        }
        blocks
    }

    /// As many texts as `budget` bytes hold, in the order of the samples.
    pub fn within(folder: &RunFolder, samples: &Samples, budget: usize) -> Result<Self, HtmlError> {
        let mut blocks = Blocks::none();
        let mut reader = folder.texts()?;
        let (mut left, mut start, mut most) = (budget, 0usize, SAMPLES);
        while let Some(rest) = samples.order.get(start..).filter(|rest| !rest.is_empty()) {
            let chunk = rest.get(..most.min(rest.len())).unwrap_or(rest);
            let (json, held) = json_of(folder, samples, chunk, &mut reader, LONG)?;
            let block = encode(&json)?;
            if block.len() > left {
                // The last block that does not fit is tried again with half of its samples.
                most = held / 2;
                if most == 0 {
                    break;
                }
                continue;
            }
            left -= block.len();
            let number = blocks.ready.len();
            blocks.block_of.extend(chunk.iter().take(held).map(|sample| (*sample, number)));
            blocks.ready.push(block);
            start += held;
        }
        Ok(blocks)
    }

    /// Samples with texts.
    pub fn samples(&self) -> usize {
        self.block_of.len()
    }

    /// The block of a sample.
    pub fn block_of(&self, sample: usize) -> Option<usize> {
        self.block_of.get(&sample).copied()
    }

    /// Writes the blocks.
    pub fn write(
        &mut self,
        folder: &RunFolder,
        samples: &Samples,
        out: &mut impl Write,
    ) -> Result<(), HtmlError> {
        for (number, block) in self.ready.drain(..).enumerate() {
            write_block(out, &format!("texts-{number}"), &block)?;
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut reader = folder.texts()?;
        for (number, chunk) in self.pending.drain(..).enumerate() {
            open_block(out, &format!("texts-{number}"))?;
            let base64 = base64::write::EncoderWriter::new(&mut *out, &STANDARD);
            let mut gzip = GzEncoder::new(base64, Compression::default());
            gzip.write_all(b"[")?;
            for (at, index) in chunk.into_iter().enumerate() {
                if at > 0 {
                    gzip.write_all(b",")?;
                }
                let item = item(folder, samples, index, &mut reader)?;
                serde_json::to_writer(&mut gzip, &item)?;
            }
            gzip.write_all(b"]")?;
            gzip.finish()?.finish()?;
            close_block(out)?;
        }
        Ok(())
    }
}

/// The items of `chunk` as JSON, until `long` bytes; and how many they are.
fn json_of(
    folder: &RunFolder,
    samples: &Samples,
    chunk: &[usize],
    reader: &mut Texts<'_>,
    long: usize,
) -> Result<(Vec<u8>, usize), HtmlError> {
    let mut json = vec![b'['];
    let mut held = 0;
    for index in chunk {
        if held > 0 {
            json.push(b',');
        }
        serde_json::to_writer(&mut json, &item(folder, samples, *index, reader)?)?;
        held += 1;
        if json.len() > long {
            break;
        }
    }
    json.push(b']');
    Ok((json, held))
}

/// `bytes` compressed and encoded.
pub fn encode(bytes: &[u8]) -> Result<String, HtmlError> {
    let mut gzip = GzEncoder::new(EncoderStringWriter::new(&STANDARD), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?.into_inner())
}

/// Writes one encoded block.
pub fn write_block(out: &mut impl Write, id: &str, block: &str) -> Result<(), HtmlError> {
    open_block(out, id)?;
    out.write_all(block.as_bytes())?;
    close_block(out)
}

fn open_block(out: &mut impl Write, id: &str) -> Result<(), HtmlError> {
    Ok(write!(out, "<script type=\"application/octet-stream\" id=\"{id}\">")?)
}

fn close_block(out: &mut impl Write) -> Result<(), HtmlError> {
    Ok(out.write_all(b"</script>\n")?)
}

/// Reads the texts of one sample.
pub fn item(
    folder: &RunFolder,
    samples: &Samples,
    index: usize,
    reader: &mut Texts<'_>,
) -> Result<Item, HtmlError> {
    let mut item = Item {
        index,
        id: String::new(),
        prompts: Vec::new(),
        expected: String::new(),
        answers: Vec::new(),
    };
    let Some(sample) = samples.listed.get(index) else {
        return Ok(item);
    };
    let mut known: Vec<u64> = Vec::new();
    for row in samples.units(folder, sample) {
        let prompt = match known.iter().position(|digest| *digest == row.prompt) {
            Some(at) => at,
            None => {
                let text = reader.prompt(row)?;
                item.prompts.push(text.map_or_else(Vec::new, |text| messages(&text)));
                known.push(row.prompt);
                known.len() - 1
            }
        };
        let record = reader.record(row)?;
        if item.answers.is_empty() {
            item.id = record.sample.clone();
            item.expected = text_of(&record.expected);
        }
        item.answers.push(said(row.model, prompt, record));
    }
    Ok(item)
}

fn said(model: usize, prompt: usize, record: Record) -> Said {
    let ms = |ns: Option<u64>| ns.map(|ns| (ns as f64 / 1e4).round() / 100.0);
    let figures = [
        ms(latency::ttft(&record.timing)),
        ms(latency::end_to_end(&record.timing)),
        record.usage.input_total.map(|n| n as f64),
        record.usage.output_total.map(|n| n as f64),
    ];
    let error = record.error.map_or(String::new(), |error| match error.partial_text {
        Some(partial) => format!("{}\n\nReceived before: {partial}", error.message),
        None => error.message,
    });
    let response = record.response.unwrap_or_default();
    let answer = answer_text(&response);
    let counted = counted(&record.readings).filter(|value| !value.is_null()).map(text_of);
    let beside = record.readings.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(BESIDE)?;
        Some(format!("{name}: {}", text_of(value)))
    });
    let reading: Vec<String> = counted.into_iter().chain(beside).collect();
    Said {
        model,
        prompt,
        repeat: record.repeat as usize,
        outcome: crate::analysis::word(&record.outcome),
        score: record.score,
        text: answer,
        reasoning: response.reasoning.unwrap_or_default(),
        reading: reading.join("\n"),
        verdict: verdict(&record.detail),
        error,
        figures,
    }
}

/// What a model said: its words, then each call that it wants made, on a line of its own.
fn answer_text(response: &Response) -> String {
    let calls = response.tool_calls.iter().map(|call| {
        serde_json::json!({"name": call.name, "arguments": call.arguments}).to_string()
    });
    let words = std::iter::once(response.text.clone()).filter(|text| !text.is_empty());
    words.chain(calls).collect::<Vec<_>>().join("\n")
}

/// Field verdicts as `field: wrong`, and `items.price: 2 wrong` for cells of lists; those that are
/// right are left out. Then the reason that a scoring command gave.
fn verdict(detail: &Value) -> String {
    let Some(detail) = detail.as_object() else {
        return String::new();
    };
    let is_wrong = |verdict: &str| matches!(verdict, "wrong" | "missing" | "invented");
    let mut lines = Vec::new();
    for (field, verdict) in detail {
        match verdict {
            Value::String(word) if is_wrong(word) => lines.push(format!("{field}: {word}")),
            Value::Object(counts) => lines.extend(
                counts
                    .iter()
                    .filter(|(word, count)| is_wrong(word) && count.is_u64())
                    .map(|(word, count)| format!("{field}: {count} {word}")),
            ),
            _ => {}
        }
    }
    let why = detail.get("command").and_then(|said| said.get("why")).and_then(Value::as_str);
    lines.extend(why.map(str::to_owned));
    lines.join(", ")
}

/// A value as a person would write it.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => other.to_string(),
    }
}

/// The messages of a prompt; a raw prompt is one message without a role.
fn messages(text: &str) -> Vec<Message> {
    #[derive(serde::Deserialize)]
    struct Sent {
        role: String,
        content: String,
    }
    match serde_json::from_str::<Vec<Sent>>(text) {
        Ok(sent) => sent.into_iter().map(|m| Message { role: m.role, text: m.content }).collect(),
        Err(_) => vec![Message { role: String::new(), text: text.to_owned() }],
    }
}
