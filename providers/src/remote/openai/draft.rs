//! An answer as it grows: the fields that a whole `message` and a streamed `delta` share.

use std::collections::BTreeMap;

use serde_json::Value;

use super::usage;
use crate::{
    Advice, Answer, ErrorKind, Finish, LogprobSummary, ProviderError, Response, ServerWords, Side,
    Stage, Stamp, Timing, ToolCall,
};

/// Most tool calls of one answer.
const TOOL_CALLS: usize = 128;

/// What has come of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    text: String,
    reasoning: String,
    refusal: String,
    tool_calls: BTreeMap<u64, ToolDraft>,
    finish: Option<Finish>,
    usage: Option<Value>,
    server: ServerWords,
    logprobs: Logprobs,
    first_token: Option<Stamp>,
    first_content: Option<Stamp>,
    last_token: Option<Stamp>,
    has_choice: bool,
}

#[derive(Debug, Default)]
struct ToolDraft {
    id: String,
    name: String,
    arguments: String,
    /// Arguments that came as JSON instead of text.
    typed: Option<Value>,
}

#[derive(Debug, Default)]
struct Logprobs {
    sum: f64,
    tokens: u32,
    min_margin: Option<f64>,
}

impl Draft {
    /// Takes a whole response or one chunk; `part` is `message` or `delta`.
    ///
    /// # Errors
    /// `Protocol`: a finish reason that is not known, too many tool calls.
    pub(super) fn take(
        &mut self,
        value: &Value,
        part: &str,
        at: Stamp,
    ) -> Result<(), ProviderError> {
        self.take_server(value);
        if let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let choices = value.get("choices").and_then(Value::as_array);
        let Some(choice) = choices.into_iter().flatten().find(|choice| {
            choice.get("index").and_then(Value::as_u64).is_none_or(|index| index == 0)
        }) else {
            return Ok(());
        };
        self.has_choice = true;
        if let Some(message) = choice.get(part) {
            self.take_message(message, at)?;
        }
        self.logprobs.take(choice);
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            self.finish = Some(finish(reason)?);
        }
        Ok(())
    }

    fn take_server(&mut self, value: &Value) {
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        let words = [
            (&mut self.server.model, "model"),
            (&mut self.server.fingerprint, "system_fingerprint"),
            (&mut self.server.tier, "service_tier"),
            (&mut self.server.request_id, "id"),
        ];
        for (slot, key) in words {
            if let Some(word) = text(key)
                && slot.as_deref() != Some(word)
            {
                *slot = Some(word.to_owned());
            }
        }
    }

    fn take_message(&mut self, message: &Value, at: Stamp) -> Result<(), ProviderError> {
        let content = take_text(message.get("content"), &mut self.text)
            | take_text(message.get("refusal"), &mut self.refusal)
            | self.take_tool_calls(message.get("tool_calls"))?;
        // Two names for one thing; a server that sends both sends the same twice.
        let reasoning = take_text(message.get("reasoning_content"), &mut self.reasoning)
            || take_text(message.get("reasoning"), &mut self.reasoning);
        if content || reasoning {
            self.first_token.get_or_insert(at);
            self.last_token = Some(at);
        }
        if content {
            self.first_content.get_or_insert(at);
        }
        Ok(())
    }

    /// Adds fragments of tool calls; tells whether there was anything in them.
    fn take_tool_calls(&mut self, calls: Option<&Value>) -> Result<bool, ProviderError> {
        let mut found = false;
        for call in calls.and_then(Value::as_array).into_iter().flatten() {
            let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
            let place = match call.get("index").and_then(Value::as_u64) {
                Some(index) => index,
                None => self.place_of(id),
            };
            if !self.tool_calls.contains_key(&place) && self.tool_calls.len() >= TOOL_CALLS {
                return Err(protocol(format!("more than {TOOL_CALLS} tool calls"), Advice::Never));
            }
            let draft = self.tool_calls.entry(place).or_default();
            if draft.id.is_empty() {
                draft.id = id.to_owned();
            }
            let name = call.pointer("/function/name").and_then(Value::as_str).unwrap_or_default();
            if draft.name.is_empty() {
                draft.name = name.to_owned();
            }
            found |= !name.is_empty();
            match call.pointer("/function/arguments") {
                Some(Value::String(text)) => {
                    draft.arguments.push_str(text);
                    found |= !text.is_empty();
                }
                Some(Value::Null) | None => {}
                Some(typed) => {
                    draft.typed = Some(typed.clone());
                    found = true;
                }
            }
        }
        Ok(found)
    }

    /// The place of a fragment without an index: that of its id; a new id opens the next one, no
    /// id goes on with the last one.
    fn place_of(&self, id: &str) -> u64 {
        let last = self.tool_calls.keys().next_back().copied();
        let same = self.tool_calls.iter().find(|(_, draft)| !id.is_empty() && draft.id == id);
        match (same, last) {
            (Some((place, _)), _) => *place,
            (None, Some(last)) if id.is_empty() => last,
            (None, last) => last.map_or(0, |last| last.saturating_add(1)),
        }
    }

    /// Whether any choice has come.
    pub(super) fn has_choice(&self) -> bool {
        self.has_choice
    }

    /// Whether the server has said why the answer ended.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// The text so far, for an error.
    pub(super) fn partial_text(&self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text.clone())
    }

    /// The answer, with the stamps of its tokens. Without a finish reason it ended by itself: the
    /// caller knows that it is whole.
    pub(super) fn into_answer(self) -> Answer {
        let refused = !self.refusal.is_empty();
        let text = if self.text.is_empty() { self.refusal } else { self.text };
        let tool_calls: Vec<ToolCall> =
            self.tool_calls.into_values().map(ToolDraft::into_call).collect();
        let finish = match self.finish.unwrap_or_default() {
            Finish::Stop if refused => Finish::Refusal,
            // A forced tool choice ends with `stop` (OpenAI, "Function calling").
            Finish::Stop if !tool_calls.is_empty() => Finish::ToolCall,
            other => other,
        };
        let reasoning = (!self.reasoning.is_empty()).then_some(self.reasoning);
        Answer {
            response: Response { text, reasoning, tool_calls, finish, choices: Vec::new() },
            vector: None,
            usage: usage::read(self.usage.as_ref()),
            timing: Timing {
                first_token: self.first_token,
                first_content: self.first_content,
                last_token: self.last_token,
                ..Timing::default()
            },
            logprob: self.logprobs.into_summary(),
            server: self.server,
        }
    }
}

impl ToolDraft {
    fn into_call(self) -> ToolCall {
        let arguments = self.typed.unwrap_or_else(|| {
            serde_json::from_str(&self.arguments).unwrap_or(Value::String(self.arguments))
        });
        ToolCall { name: self.name, arguments }
    }
}

impl Logprobs {
    /// `logprobs.content[]`: `{logprob, top_logprobs: [{logprob}]}`, natural logarithms.
    fn take(&mut self, choice: &Value) {
        let logprob = |token: &Value| token.get("logprob").and_then(Value::as_f64);
        let tokens = choice.pointer("/logprobs/content").and_then(Value::as_array);
        for token in tokens.into_iter().flatten() {
            let Some(value) = logprob(token) else {
                continue;
            };
            self.sum += value;
            self.tokens = self.tokens.saturating_add(1);
            let alternatives = token.get("top_logprobs").and_then(Value::as_array);
            let mut best: Vec<f64> =
                alternatives.into_iter().flatten().filter_map(logprob).collect();
            best.sort_by(|a, b| b.total_cmp(a));
            if let [first, second, ..] = best.as_slice() {
                let margin = first - second;
                self.min_margin = Some(self.min_margin.map_or(margin, |least| least.min(margin)));
            }
        }
    }

    fn into_summary(self) -> Option<LogprobSummary> {
        (self.tokens > 0).then_some(LogprobSummary {
            sum: self.sum,
            tokens: self.tokens,
            min_margin: self.min_margin,
        })
    }
}

/// Appends a text, or a list of parts that hold one; tells whether there was anything in it.
fn take_text(value: Option<&Value>, onto: &mut String) -> bool {
    let before = onto.len();
    match value {
        Some(Value::String(text)) => onto.push_str(text),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            onto.extend(texts);
        }
        _ => {}
    }
    onto.len() > before
}

/// The finish reasons of this family, with the words that compatible servers use for them.
fn finish(reason: &str) -> Result<Finish, ProviderError> {
    Ok(match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => Finish::Stop,
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCall,
        "content_filter" => Finish::Filtered,
        "refusal" => Finish::Refusal,
        "error" => {
            return Err(ProviderError::new(
                Side::Theirs,
                ErrorKind::Server,
                Stage::Stream,
                Advice::Backoff,
                "the server ended the answer with the finish reason `error`",
            ));
        }
        other => {
            let other: String = other.chars().take(60).collect();
            let why = format!(
                "the finish reason `{other}` is not known: is this an OpenAI-compatible server?"
            );
            return Err(protocol(why, Advice::Never));
        }
    })
}

/// What came is not what the protocol says.
pub(super) fn protocol(why: String, advice: Advice) -> ProviderError {
    ProviderError::new(Side::Theirs, ErrorKind::Protocol, Stage::Read, advice, why)
}
