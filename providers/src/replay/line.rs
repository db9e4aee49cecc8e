//! One line of recorded answers.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind as ErrorKindOfIo};
use std::os::unix::fs::FileExt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Source, unusable};
use crate::digest;
use crate::{Advice, Answer, ErrorKind, ProviderError, Response, Side, Stage};

/// The keys that a line which is no record may have.
const KEYS: [&str; 13] = [
    "sample", "id", "suite", "model", "repeat", "scenario", "text", "response", "usage", "timing",
    "error", "server", "logprob",
];

/// What a line says.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) suite: Option<String>,
    pub(super) sample: String,
    pub(super) model: Option<String>,
    pub(super) repeat: Option<u32>,
    /// A record of a run, which may be superseded by a later one.
    pub(super) is_record: bool,
    /// A record of the single-stream pass.
    pub(super) single_stream: bool,
    pub(super) content: Content,
}

/// What was recorded.
#[derive(Debug)]
pub(super) enum Content {
    Answer(Box<Answer>),
    Error(Box<ProviderError>),
}

/// Gives every line of a file to `each`, with where it begins; blank ones are none. Notes the file's
/// digest and returns its bytes.
///
/// # Errors
/// The first line that cannot be read, with file, line and, for broken JSON, column.
pub(super) fn lines(
    source: &mut Source,
    mut each: impl FnMut(&Source, u64, Line) -> Result<(), ProviderError>,
) -> Result<u64, ProviderError> {
    let mut after_record = false;
    let mut hasher = Sha256::new();
    let (mut offset, mut bytes, mut torn) = (0u64, Vec::new(), false);
    let file = source.file.try_clone().map_err(|e| broken(source, 1, &e))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    for number in 1usize.. {
        bytes.clear();
        let read = file.read_until(b'\n', &mut bytes).map_err(|e| broken(source, number, &e))?;
        if read == 0 {
            break;
        }
        hasher.update(&bytes);
        let start = offset;
        offset = offset.saturating_add(read as u64);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| broken(source, number, &"this line is no UTF-8"))?;
        if torn || text.trim().is_empty() {
            continue;
        }
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            // The last line of a run that was killed; the run asks that unit again.
            Err(_) if after_record && !text.ends_with('\n') => {
                torn = true;
                continue;
            }
            Err(e) => {
                let why = format!("{}:{number}:{}: not JSON: {e}", source.name, e.column());
                return Err(unusable(ErrorKind::Protocol, why));
            }
        };
        let line = read_line(value, number).map_err(|why| broken(source, number, &why))?;
        after_record = line.is_record;
        each(source, start, line)?;
    }
    source.sha256 = digest::of_finished(hasher);
    Ok(offset)
}

fn broken(source: &Source, line: usize, why: &dyn std::fmt::Display) -> ProviderError {
    unusable(ErrorKind::Protocol, format!("{}:{line}: {why}", source.name))
}

/// What the line that begins at an offset says; `None` where it cannot be read any more.
pub(super) fn content_at(file: &File, offset: u64) -> Option<Content> {
    let mut line = Vec::new();
    let mut block = [0u8; 2048];
    let mut at = offset;
    loop {
        let read = match file.read_at(&mut block, at) {
            Ok(read) => block.get(..read)?,
            Err(error) if error.kind() == ErrorKindOfIo::Interrupted => continue,
            Err(_) => return None,
        };
        match read.iter().position(|byte| *byte == b'\n') {
            Some(end) => line.extend(read.get(..end)?),
            None => line.extend(read),
        }
        if read.is_empty() || read.contains(&b'\n') {
            break;
        }
        at = at.saturating_add(read.len() as u64);
    }
    let value = serde_json::from_slice(&line).ok()?;
    read_line(value, 0).ok().map(|line| line.content)
}

fn read_line(value: Value, number: usize) -> Result<Line, String> {
    let Value::Object(mut map) = value else {
        return Err(format!("expected an object, found {value}"));
    };
    map.retain(|_, value| !value.is_null());
    let is_record = map.contains_key("schema");
    if !is_record && let Some(key) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("unknown key `{key}`; the keys are {}", KEYS.join(", ")));
    }
    let sample = match (text(&mut map, "sample")?, text(&mut map, "id")?) {
        (Some(_), Some(_)) if !is_record => {
            return Err("`sample` and `id` are one thing: leave one".into());
        }
        (Some(sample), _) | (None, Some(sample)) => sample,
        (None, None) => return Err("no `sample`: which sample does this line answer?".into()),
    };
    let scenario = text(&mut map, "scenario")?;
    Ok(Line {
        number,
        suite: text(&mut map, "suite")?,
        sample,
        model: text(&mut map, "model")?,
        repeat: typed(&mut map, "repeat")?,
        is_record,
        single_stream: scenario.as_deref() == Some("single-stream"),
        content: content(map)?,
    })
}

fn content(mut map: Map<String, Value>) -> Result<Content, String> {
    if let Some(error) = map.remove("error") {
        return Ok(Content::Error(Box::new(error_of(error)?)));
    }
    let response = match (text(&mut map, "text")?, map.remove("response")) {
        (Some(_), Some(_)) => return Err("`text` and `response` are one thing: leave one".into()),
        (Some(text), None) => Response { text, ..Response::default() },
        (None, Some(response)) => with_default("response", response, "finish", "stop")?,
        (None, None) => {
            return Err("neither `text`, `response` nor `error`: what was the answer?".into());
        }
    };
    let usage = match map.remove("usage") {
        Some(usage) => with_default("usage", usage, "source", "reported")?,
        None => Default::default(),
    };
    let logprob = match map.remove("logprob") {
        Some(value) => Some(value),
        None => {
            map.get_mut("signals").and_then(|signals| signals.get_mut("logprob")).map(Value::take)
        }
    };
    let logprob = logprob.filter(|value| !value.is_null());
    Ok(Content::Answer(Box::new(Answer {
        response,
        vector: None,
        usage,
        timing: typed(&mut map, "timing")?.unwrap_or_default(),
        logprob: logprob.map(|value| from("logprob", value)).transpose()?,
        server: typed(&mut map, "server")?.unwrap_or_default(),
    })))
}

/// A recorded error: one sentence, or an object as a record has it. Records have no advice; what
/// failed once fails again.
fn error_of(error: Value) -> Result<ProviderError, String> {
    match error {
        Value::String(message) => Ok(ProviderError::new(
            Side::Theirs,
            ErrorKind::Server,
            Stage::Wait,
            Advice::Never,
            message,
        )),
        object => with_default("error", object, "advice", "never"),
    }
}

fn text(map: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match map.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        // Ids are often numbers in the data.
        Some(Value::Number(number)) if matches!(key, "sample" | "id") => {
            Ok(Some(number.to_string()))
        }
        Some(other) => Err(format!("`{key}` is {other}: expected a text")),
    }
}

fn typed<T: serde::de::DeserializeOwned>(
    map: &mut Map<String, Value>,
    key: &str,
) -> Result<Option<T>, String> {
    map.remove(key).map(|value| from(key, value)).transpose()
}

fn with_default<T: serde::de::DeserializeOwned>(
    key: &str,
    mut value: Value,
    field: &str,
    default: &str,
) -> Result<T, String> {
    if let Value::Object(map) = &mut value
        && !map.contains_key(field)
    {
        map.insert(field.to_owned(), default.into());
    }
    from(key, value)
}

fn from<T: serde::de::DeserializeOwned>(key: &str, value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|e| format!("`{key}`: {e}"))
}
