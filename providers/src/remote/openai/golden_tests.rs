//! The transcripts of `tests/wire/openai`, read with bytes alone: as they are, cut, and mutated.

use std::path::PathBuf;

use jiff::Timestamp;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::stream::StreamReader;
use super::{failure, reply};
use crate::{
    Advice, Answer, ErrorKind, Finish, ProviderError, Side, Stage, Stamp, ToolCall, UsageSource,
};

struct Transcript {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn transcript(name: &str) -> Transcript {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/wire/openai")
        .join(format!("{name}.http"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap()))
        .collect();
    Transcript { status, headers, body: body.as_bytes().to_vec() }
}

/// Reads a stream in chunks of `size` bytes; a chunk's stamp is the offset of its first byte.
fn streamed(bytes: &[u8], size: usize) -> Result<Answer, ProviderError> {
    let mut reader = StreamReader::default();
    for (index, chunk) in bytes.chunks(size.max(1)).enumerate() {
        reader.push(chunk, Stamp((index * size) as u64))?;
    }
    reader.finish()
}

fn read(name: &str) -> Result<Answer, ProviderError> {
    let Transcript { status, headers, body } = transcript(name);
    if status != 200 {
        return Err(failure::of_status(status, &headers, &body, Timestamp::UNIX_EPOCH));
    }
    if headers["content-type"].to_str().unwrap().starts_with("text/event-stream") {
        streamed(&body, 1)
    } else {
        reply::read(&body, Stamp(7))
    }
}

/// Offset of the end of the event that contains `words`: the stamp of its token.
fn event_end(name: &str, words: &str) -> Stamp {
    let body = String::from_utf8(transcript(name).body).unwrap();
    let start = body.find(words).unwrap();
    Stamp((start + body[start..].find("\n\n").unwrap() + 1) as u64)
}

#[test]
fn stream() {
    let answer = read("stream").unwrap();
    assert_eq!(answer.response.text, "Rückgabe → €5 🦀");
    assert_eq!(answer.response.finish, Finish::Stop);
    assert_eq!(answer.response.reasoning, None);
    let usage = &answer.usage;
    assert_eq!((usage.input_total, usage.cache_read), (Some(31), Some(16)));
    assert_eq!((usage.output_total, usage.reasoning), (Some(4), Some(0)));
    assert_eq!(usage.source, UsageSource::Reported);
    assert_eq!(usage.raw.as_ref().unwrap()["total_tokens"], 35);
    assert_eq!(answer.server.model.as_deref(), Some("small-1-2026"));
    assert_eq!(answer.server.fingerprint.as_deref(), Some("fp_44709d6fcb"));
    assert_eq!(answer.server.tier.as_deref(), Some("default"));
    // The chunk with the role is no token.
    assert_eq!(answer.timing.first_token, Some(event_end("stream", "Rück")));
    assert_eq!(answer.timing.first_content, answer.timing.first_token);
    assert_eq!(answer.timing.last_token, Some(event_end("stream", "🦀")));
}

#[test]
fn nostream() {
    let answer = read("nostream").unwrap();
    assert_eq!(answer.response.text, "billing");
    assert_eq!(answer.response.finish, Finish::Length);
    assert_eq!(answer.usage.output_total, Some(4));
    assert_eq!(answer.timing.first_token, None);
    assert_eq!(answer.timing.first_content, None);
    assert_eq!(answer.timing.last_token, Some(Stamp(7)));
}

#[test]
fn rate_limited() {
    let error = read("429").unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Ours, ErrorKind::RateLimited));
    assert_eq!(error.advice, Advice::AfterMs(19_874));
    assert_eq!((error.http_status, error.request_id.as_deref()), (Some(429), Some("req_7f3a")));
}

#[test]
fn error() {
    let error = read("error").unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Ours, ErrorKind::Auth));
    assert_eq!((error.stage, error.advice), (Stage::Wait, Advice::EndsEntry));
    assert!(error.message.contains("Incorrect API key provided"), "{error}");
}

#[test]
fn error_in_stream() {
    let error = read("error_in_stream").unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Theirs, ErrorKind::Server));
    assert_eq!((error.stage, error.advice), (Stage::Stream, Advice::Backoff));
    assert_eq!(error.partial_text.as_deref(), Some("The answer"));
}

#[test]
fn truncated() {
    let error = read("truncated").unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Theirs, ErrorKind::CutStream));
    assert_eq!(error.partial_text.as_deref(), Some("half an answer"));
}

#[test]
fn usage_missing() {
    let answer = read("usage_missing").unwrap();
    assert_eq!(answer.response.text, "login");
    assert_eq!(answer.usage.source, UsageSource::Missing);
    assert_eq!(answer.usage.output_total, None);
}

#[test]
fn refusal() {
    let answer = read("refusal").unwrap();
    assert_eq!(answer.response.finish, Finish::Refusal);
    assert_eq!(answer.response.text, "I can't help with that.");
}

#[test]
fn reasoning() {
    let answer = read("reasoning").unwrap();
    assert_eq!(answer.response.text, "billing");
    assert_eq!(answer.response.reasoning.as_deref(), Some("It is about an invoice."));
    assert_eq!((answer.usage.output_total, answer.usage.reasoning), (Some(60), Some(57)));
    assert_eq!(answer.timing.first_token, Some(event_end("reasoning", "It is about")));
    assert_eq!(answer.timing.first_content, Some(event_end("reasoning", "billing")));
}

#[test]
fn tool_calls() {
    let response = read("tool_calls").unwrap().response;
    assert_eq!(response.finish, Finish::ToolCall);
    assert_eq!(
        response.tool_calls,
        [
            ToolCall { name: "get_weather".into(), arguments: json!({"city": "Köln"}) },
            ToolCall { name: "now".into(), arguments: json!("{bad") },
        ]
    );
}

#[test]
fn logprobs() {
    let summary = read("logprobs").unwrap().logprob.unwrap();
    assert_eq!((summary.sum, summary.tokens, summary.min_margin), (-0.75, 2, Some(0.5)));
}

const STREAMS: [&str; 7] = [
    "stream",
    "error_in_stream",
    "truncated",
    "usage_missing",
    "refusal",
    "reasoning",
    "tool_calls",
];

/// What does not depend on how the bytes were cut.
fn untimed(outcome: Result<Answer, ProviderError>) -> Result<Answer, ProviderError> {
    outcome.map(|answer| Answer { timing: Default::default(), ..answer })
}

#[test]
fn chunks_of_any_size_read_the_same() {
    for name in STREAMS {
        let body = transcript(name).body;
        let whole = untimed(streamed(&body, body.len()));
        for size in [1, 2, 3, 5, 64, 1000] {
            assert_eq!(untimed(streamed(&body, size)), whole, "{name} by {size}");
        }
    }
}

/// Wherever a stream is cut before the finish reason, it is no answer.
#[test]
fn a_stream_cut_anywhere_is_never_a_wrong_answer() {
    for name in ["stream", "refusal", "reasoning", "tool_calls"] {
        let body = transcript(name).body;
        let whole = streamed(&body, body.len()).unwrap();
        for end in 0..body.len() {
            match streamed(&body[..end], 4096) {
                Ok(answer) => assert_eq!(answer.response, whole.response, "{name} cut at {end}"),
                Err(error) => assert_eq!(error.kind, ErrorKind::CutStream, "{name} cut at {end}"),
            }
        }
    }
}

/// Reads hostile bytes and checks that what is kept is in proportion to what came: an invalid byte
/// becomes three, everything else shrinks.
fn read_hostile(bytes: &[u8], size: usize) {
    let kept = match streamed(bytes, size) {
        Ok(answer) => {
            let tools: usize =
                answer.response.tool_calls.iter().map(|c| c.arguments.to_string().len()).sum();
            answer.response.text.len()
                + answer.response.reasoning.map_or(0, |r| r.len())
                + tools / 6
        }
        Err(error) => error.partial_text.map_or(0, |text| text.len()),
    };
    assert!(kept <= 3 * bytes.len(), "{kept} bytes kept of {}", bytes.len());
    let _ = reply::read(bytes, Stamp(0));
    let _ = failure::of_status(429, &HeaderMap::new(), bytes, Timestamp::UNIX_EPOCH);
}

/// A small generator of fixed seed (Marsaglia, "Xorshift RNGs", 2003): the same mutations each time.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

#[test]
fn ten_thousand_mutations_do_not_panic() {
    let bodies: Vec<Vec<u8>> =
        STREAMS.iter().chain(&["nostream", "logprobs"]).map(|name| transcript(name).body).collect();
    let mut random = Xorshift(0x2545_F491_4F6C_DD1D);
    for _ in 0..10_000 {
        let mut bytes = bodies[random.below(bodies.len())].clone();
        for _ in 0..=random.below(8) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, b"\"{}[]:,\\\n\r0-\xff"[random.below(13)]),
                3 => drop(bytes.drain(at..(at + random.below(20)).min(bytes.len() - 1).max(at))),
                _ => {
                    let end = (at + random.below(200)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let place = random.below(bytes.len());
                    bytes.splice(place..place, piece);
                }
            }
        }
        let size = 1 + random.below(bytes.len());
        read_hostile(&bytes, size);
    }
}

#[test]
fn a_stream_without_end_is_refused() {
    let mut reader = StreamReader::default();
    let line = vec![b'x'; 1 << 16];
    let error = (0..100).find_map(|_| reader.push(&line, Stamp(0)).err()).unwrap();
    assert_eq!((error.kind, error.advice), (ErrorKind::Protocol, Advice::Never));
    let mut reader = StreamReader::default();
    let padding = format!(": {}\n\n", "x".repeat(1 << 16));
    let error = (0..1000).find_map(|_| reader.push(padding.as_bytes(), Stamp(0)).err()).unwrap();
    assert!(error.message.contains("larger than"), "{error}");
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(reply::read(deep.as_bytes(), Stamp(0)).unwrap_err().kind, ErrorKind::Protocol);
    let event = format!("data: {deep}\n\n");
    assert_eq!(streamed(event.as_bytes(), 4096).unwrap_err().kind, ErrorKind::Protocol);
}

proptest! {
    #[test]
    fn streams_of_odd_events_do_not_panic(
        events in prop::collection::vec(
            prop_oneof![
                "\\PC{0,30}",
                Just("[DONE]".to_owned()),
                r#"\{"choices":\[\{"(index|delta|finish_reason)":("stop"|1|null|\{"content":"(a|é|\\u00e9)\{0,9}"\})\}\]\}"#,
                r#"\{"choices":\[\{"delta":\{"tool_calls":\[\{"index":[0-9]{1,20},"function":\{"arguments":"[a-z]{0,5}"\}\}\]\}\}\]\}"#,
                r#"\{"usage":\{"prompt_tokens":-?[0-9]{1,25}\},"error":(null|"x"|\{"code":[0-9]{1,6}\})\}"#,
            ],
            0..20,
        ),
        size in 1usize..100,
    ) {
        let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        read_hostile(stream.as_bytes(), size);
    }
}
