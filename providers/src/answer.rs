//! What comes back: the model's words, token counts and stamps.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Stamp;

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the model said: the part that is read and scored.
    pub response: Response,
    /// The vector of an [`Embed`](crate::Embed) ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<f32>>,
    /// Token counts in one meaning for all providers.
    pub usage: Usage,
    /// Raw stamps.
    pub timing: Timing,
    /// How sure the model was, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<LogprobSummary>,
    /// What the server said of itself.
    #[serde(default)]
    pub server: ServerWords,
}

/// What a model said. All that a task may read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The answer, without reasoning.
    pub text: String,
    /// Reasoning text, kept apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Typed tool calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Why the answer ended.
    pub finish: Finish,
    /// Scores of the choices of a [`Choose`](crate::Choose) ask, in the ask's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceScore>,
}

/// A call of a tool that the model wants made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, or the text that was no JSON.
    pub arguments: Value,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended, or a stop string was met.
    #[default]
    Stop,
    /// `max_tokens` was reached: the answer is truncated.
    Length,
    /// The model declined.
    Refusal,
    /// The model wants a tool called.
    ToolCall,
    /// A content filter cut the answer.
    Filtered,
}

/// Log-probability of one choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoiceScore {
    /// The choice.
    pub choice: String,
    /// Sum of its tokens' log-probabilities, natural logarithm.
    pub logprob: f64,
    /// Its length in tokens.
    pub tokens: u32,
}

/// How sure the model was of the tokens it wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogprobSummary {
    /// Sum over the answer's tokens, natural logarithm.
    pub sum: f64,
    /// Tokens summed.
    pub tokens: u32,
    /// Smallest gap between the best and the second token on the way, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_margin: Option<f64>,
}

/// What a server said of itself in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerWords {
    /// The model's name as reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Build or configuration fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The service tier that was really used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The vendor's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Token counts, in one meaning for all vendors: totals include cached and reasoning tokens.
///
/// Invariants: `cache_read + cache_write_5m + cache_write_1h <= input_total` and
/// `reasoning <= output_total`. An unknown count is `None`, never zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// All tokens of the prompt.
    pub input_total: Option<u64>,
    /// Prompt tokens read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Prompt tokens written to a five-minute cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<u64>,
    /// Prompt tokens written to a one-hour cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// All tokens written, reasoning included.
    pub output_total: Option<u64>,
    /// Reasoning tokens. `Some(0)` where the provider is known to have none.
    pub reasoning: Option<u64>,
    /// Where the counts come from.
    pub source: UsageSource,
    /// The usage object as the server sent it, so that a better reader can be applied later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

/// Where token counts come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The server reported them.
    Reported,
    /// Counted with the model's own tokenizer.
    Tokenizer,
    /// Estimated.
    Estimated,
    /// Not known.
    #[default]
    Missing,
}

/// Raw stamps of one attempt, all of one clock, comparable within one session only.
///
/// Definitions derived from them stand in `rightsize_reports::latency`: TTFT, TTFO, TPOT,
/// end-to-end. A stamp that did not happen is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// When the runner wanted it sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Stamp>,
    /// When the request left (or the engine accepted the ask).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Stamp>,
    /// When the connection stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Stamp>,
    /// First byte of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Stamp>,
    /// First token of any kind, reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token: Option<Stamp>,
    /// First token of the answer proper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content: Option<Stamp>,
    /// Last token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_token: Option<Stamp>,
    /// When the runner handed the record to the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Stamp>,
    /// Nanoseconds slept for rate limits and retries, no part of any latency.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rate_limit_sleep_ns: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}
