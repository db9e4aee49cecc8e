//! What answers an ask: the whole contract between the runner and a provider, on one page.
//!
//! A [`Provider`] makes exactly one attempt at an [`Ask`] and returns an [`Answer`] or a
//! [`ProviderError`]. It never loops, never sleeps, never sees the expected answer. The runner (in
//! the crate `rightsize`) retries, limits concurrency and keeps the time with the same [`Clock`].
//!
//! Implementations: [`replay`] (answers read from a file), `remote` (OpenAI-compatible servers,
//! feature `remote`) and `local` (llama.cpp and candle in an engine process, feature `engine`).

pub mod clock;
#[cfg(feature = "engine")]
pub mod demo_models;
pub mod digest;
#[cfg(feature = "engine")]
pub mod local;
#[cfg(feature = "remote")]
pub mod remote;
pub mod replay;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use clock::{Clock, Stamp};

/// Columns of a row by name, without those that hold expected answers.
pub type Fields = serde_json::Map<String, Value>;

/// The future of one attempt.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send + 'a>>;

/// Whatever answers asks: a local engine, a remote server, a file of recorded answers.
pub trait Provider: Send + Sync {
    /// What this provider can serve; checked before the first call, so that an ask that it cannot
    /// serve ends the entry instead of failing a thousand samples.
    fn capabilities(&self) -> Capabilities;

    /// Makes exactly one attempt. Dropping the future cancels it.
    fn attempt<'a>(&'a self, ask: &'a Ask) -> Attempt<'a>;

    /// What answers: digests, versions, flags, memory, crashes so far. May be called at any time;
    /// the last call before the entry ends is the one that is recorded.
    fn describe(&self) -> Description;
}

/// What a provider can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Serves [`AskKind::Generate`].
    pub generate: bool,
    /// Serves [`AskKind::Choose`].
    pub choose: bool,
    /// Serves [`AskKind::Embed`].
    pub embed: bool,
    /// Can constrain an answer to a JSON Schema.
    pub schema: bool,
    /// Takes tools and returns tool calls.
    pub tools: bool,
    /// Runs on this machine in a process of its own: measured in two passes (batch, then
    /// single-stream), and its memory is recorded.
    pub local: bool,
    /// Stamps of its answers come from a clock of this session. False for recorded answers, whose
    /// timing is whatever their file says.
    pub live: bool,
    /// How many asks may be in flight at once when the entry does not say.
    pub default_concurrency: usize,
}

impl Capabilities {
    /// The first thing that `ask` needs and this provider lacks, in words for an error message.
    pub fn lacks(&self, ask: &Ask) -> Option<&'static str> {
        match &ask.kind {
            AskKind::Generate(_) if !self.generate => Some("cannot generate text"),
            AskKind::Generate(g) if g.schema.is_some() && !self.schema => {
                Some("cannot constrain answers to a JSON Schema")
            }
            AskKind::Generate(g) if !g.tools.is_empty() && !self.tools => Some("takes no tools"),
            AskKind::Choose(_) if !self.choose => Some("cannot score choices"),
            AskKind::Embed(_) if !self.embed => Some("cannot embed text"),
            _ => None,
        }
    }
}

/// One question to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Which sample is asked: for replay and logs only, never part of a prompt.
    pub sample: SampleRef,
    /// The row's columns without the expected ones, for applications that take fields.
    #[serde(default)]
    pub fields: Fields,
    /// What is asked.
    pub kind: AskKind,
}

/// Names a sample and its repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRef {
    /// The suite's name: ids are unique within a suite only.
    pub suite: String,
    /// The sample's id within its suite.
    pub id: String,
    /// The repeat, from 0.
    pub repeat: u32,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every ask is a generation")]
pub enum AskKind {
    /// Write an answer.
    Generate(Generate),
    /// Score each choice by its log-probability after the prompt.
    Choose(Choose),
    /// Turn a text into a vector.
    Embed(Embed),
}

/// A generation: prompt, sampling and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// Messages, or raw text.
    pub prompt: Prompt,
    /// JSON Schema that the answer must satisfy, where the provider can constrain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Strings that end the answer; they are not part of it.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Most tokens to write, reasoning included.
    pub max_tokens: u32,
    /// How many alternatives per token are wanted in the log-probability summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u8>,
    /// Tools in the OpenAI function form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// Tool choice in the OpenAI form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// Reasoning effort, in the vendor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Whether the answer is to be streamed. Changes no answer, so it is no part of the ask digest.
    #[serde(default)]
    pub stream: bool,
    /// Further fields of the request body, as the vendor names them.
    #[serde(default)]
    pub extras: serde_json::Map<String, Value>,
}

/// The text that a model is asked to go on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Chat messages; the provider applies the model's chat template.
    Messages(Vec<Message>),
    /// Text as it is; no chat template is applied.
    Raw(String),
}

/// One chat message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Who speaks in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The word that wire formats and chat templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// How tokens are drawn. The default is greedy with a fixed seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Nucleus mass in (0, 1]; absent leaves the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Seed of the draw; it only matters above temperature 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.0, top_p: None, seed: 7 }
    }
}

/// Choices to score by log-probability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choose {
    /// What the choices follow.
    pub prompt: Prompt,
    /// The choices, at least two.
    pub choices: Vec<String>,
}

/// A text to embed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The text.
    pub text: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the model said: the part that is read and scored.
    pub response: Response,
    /// The vector of an [`Embed`] ask.
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
    /// Scores of the choices of a [`Choose`] ask, in the ask's order.
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

/// Why an attempt gave no answer: what happened, whose side it was on, what the server advised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// Whose fault it is.
    pub side: Side,
    /// What happened.
    pub kind: ErrorKind,
    /// How far the attempt had come.
    pub stage: Stage,
    /// HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The server's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// One readable sentence with the remedy; holds no secret.
    pub message: String,
    /// Whether it is worth trying again.
    pub advice: Advice,
    /// Text received before the error; never scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_text: Option<String>,
}

impl ProviderError {
    /// An error with no HTTP status, request id or partial text.
    pub fn new(
        side: Side,
        kind: ErrorKind,
        stage: Stage,
        advice: Advice,
        message: impl Into<String>,
    ) -> Self {
        ProviderError {
            side,
            kind,
            stage,
            http_status: None,
            request_id: None,
            message: message.into(),
            advice,
            partial_text: None,
        }
    }
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Key, DNS, proxy, quota tier, our time limit, our machine.
    Ours,
    /// The server, the model file, the engine: 5xx, a cut stream, a crash.
    Theirs,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The key is missing, wrong or not allowed (401, 403).
    Auth,
    /// The model, endpoint or file does not exist (404).
    NotFound,
    /// The server refused the request as such (400, 413, 422).
    BadRequest,
    /// Too many requests for now (429).
    RateLimited,
    /// A quota or spend limit that waiting does not lift.
    Quota,
    /// The server failed (5xx).
    Server,
    /// Our time limit passed.
    Timeout,
    /// No connection: refused, DNS, TLS, proxy.
    Connect,
    /// The answer stopped in the middle.
    CutStream,
    /// The answer was not what the protocol says.
    Protocol,
    /// The engine process died while this ask was in flight.
    EngineCrash,
    /// The engine process died with no ask in flight, or would not start.
    EngineDead,
    /// The engine made no progress within its limit and was killed.
    EngineHang,
    /// The model file cannot be loaded.
    ModelFile,
    /// The chat template uses what is not supported, or failed on these messages.
    ChatTemplate,
    /// Prompt and answer do not fit into the model's context.
    ContextOverflow,
    /// The provider cannot serve this kind of ask.
    Unsupported,
    /// The file of recorded answers has none for this sample.
    NotRecorded,
    /// The run was interrupted.
    Cancelled,
}

/// How far an attempt had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Starting the provider: key, file, process.
    Start,
    /// Building the request: template, tokens.
    Prepare,
    /// Reaching the server.
    Connect,
    /// Sent; nothing back yet.
    Wait,
    /// In the middle of the answer.
    Stream,
    /// Reading what came back.
    Read,
}

/// Whether an attempt is worth making again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// No: the same ask will fail again.
    Never,
    /// Yes, with the runner's own backoff.
    Backoff,
    /// Yes, not before so many milliseconds have passed.
    AfterMs(u64),
    /// Yes, alone: with no other ask in flight, to find the one that kills the engine.
    Alone,
    /// No, and no other ask of this entry will succeed either: the entry ends.
    EndsEntry,
}

/// What answers, as it stands in the session of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The provider's word in the bake-off: `llama-cpp`, `candle`, `openai`, `replay`.
    pub provider: String,
    /// The model as the entry names it.
    pub model: String,
    /// Digest of what determines the answers besides the ask: SHA-256 of the weights or of the file
    /// of recorded answers; absent for servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Endpoint without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Engine name, version and commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Instruction sets compiled into the engine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub isa_compiled: Vec<String>,
    /// Threads used for inference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Where the chat template comes from, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// Time to start the process and load the model, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_ms: Option<u64>,
    /// Peak resident memory of the engine process, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Bytes of the weights file or folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_bytes: Option<u64>,
    /// Crashes of the engine process so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crashes: Vec<Crash>,
    /// Further facts by name: parameters, architecture, quantisation, context, batch.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// One death of an engine process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// How it ended: `SIGSEGV`, `exit code 1`, `hung for 60 s and was killed`.
    pub ended_by: String,
    /// Ids of the samples that were in flight.
    pub in_flight: Vec<String>,
    /// The last lines of its standard error.
    pub last_log: Vec<String>,
}
