//! A streamed response: bytes in as they come, an answer out.

use serde_json::Value;

use super::draft::{Draft, protocol};
use crate::remote::{failure, sse};
use crate::{Advice, Answer, ErrorKind, ProviderError, Side, Stage, Stamp};

/// Largest event, in bytes.
const EVENT_LIMIT: usize = 1 << 20;

/// Largest stream, in bytes; padding included.
const STREAM_LIMIT: usize = 32 << 20;

/// The last event's data.
const DONE: &str = "[DONE]";

/// Reads a stream. Holds at most a few times the bytes it was given, and never more than a few
/// times 32 MiB.
#[derive(Debug)]
pub struct StreamReader {
    parser: sse::Parser,
    draft: Draft,
    received: usize,
    done: bool,
}

impl Default for StreamReader {
    fn default() -> Self {
        StreamReader {
            parser: sse::Parser::new(EVENT_LIMIT),
            draft: Draft::default(),
            received: 0,
            done: false,
        }
    }
}

impl StreamReader {
    /// Takes the next bytes and the moment when they came. A chunk that only names the role, or is
    /// empty, is no token.
    ///
    /// # Errors
    /// An error event; `Protocol` for broken JSON or a stream beyond the limits. Text that came
    /// before stands in `partial_text`. The reader is of no use afterwards.
    pub fn push(&mut self, bytes: &[u8], at: Stamp) -> Result<(), ProviderError> {
        self.take(bytes, at).map_err(|error| self.with_partial(error))
    }

    fn take(&mut self, bytes: &[u8], at: Stamp) -> Result<(), ProviderError> {
        if self.done {
            return Ok(());
        }
        self.received = self.received.saturating_add(bytes.len());
        if self.received > STREAM_LIMIT {
            let why = format!("the stream is larger than {STREAM_LIMIT} bytes");
            return Err(protocol(why, Advice::Never));
        }
        let mut events = Vec::new();
        let parsed = self.parser.push(bytes, &mut events);
        for event in events {
            self.take_event(&event, at)?;
            if self.done {
                return Ok(());
            }
        }
        parsed.map_err(|e| protocol(e.to_string(), Advice::Never))
    }

    fn take_event(&mut self, event: &sse::Event, at: Stamp) -> Result<(), ProviderError> {
        let data = event.data.trim();
        if data == DONE {
            self.done = true;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        let value = match serde_json::from_str::<Value>(data) {
            Ok(value) => value,
            Err(_) if event.name == "error" => Value::String(data.to_owned()),
            Err(e) => {
                let start: String = data.chars().take(200).collect();
                let why = format!("an event of the stream is no JSON ({e}): {start}");
                return Err(protocol(why, Advice::Backoff));
            }
        };
        match failure::in_success(&event.name, &value) {
            Some(error) => Err(error),
            None => self.draft.take(&value, "delta", at),
        }
    }

    /// Whether the server has said that nothing more comes.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the answer is whole: only the usage may still be missing.
    pub fn is_finished(&self) -> bool {
        self.done || self.draft.is_finished()
    }

    /// An error with the text that came before it.
    pub fn with_partial(&self, mut error: ProviderError) -> ProviderError {
        error.partial_text = self.draft.partial_text();
        error
    }

    /// The answer at the end of the stream.
    ///
    /// # Errors
    /// `CutStream` if the stream ended without a finish reason and without `[DONE]`: what came is
    /// never an answer. `Protocol` if it held no choice at all.
    pub fn finish(self) -> Result<Answer, ProviderError> {
        if !self.is_finished() {
            let error = ProviderError::new(
                Side::Theirs,
                ErrorKind::CutStream,
                Stage::Stream,
                Advice::Backoff,
                "the stream ended in the middle of the answer, without a finish reason and without [DONE]",
            );
            return Err(self.with_partial(error));
        }
        if !self.draft.has_choice() {
            return Err(protocol("the stream held no choice".to_owned(), Advice::Backoff));
        }
        Ok(self.draft.into_answer())
    }
}
