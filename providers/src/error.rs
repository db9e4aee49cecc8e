//! Why an attempt gave no answer.

use serde::{Deserialize, Serialize};

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
