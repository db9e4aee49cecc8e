//! What answers an ask: the contract between the runner and a provider.
//!
//! A [`Provider`] makes exactly one attempt at an [`Ask`] and returns an [`Answer`] or a
//! [`ProviderError`]. It never loops, never sleeps, never sees the expected answer. The runner (in
//! the crate `rightsize`) retries, limits concurrency and keeps the time with the same [`Clock`].
//!
//! Implementations: [`replay`] (answers read from a file), `remote` (OpenAI-compatible servers,
//! feature `remote`) and `local` (llama.cpp and candle in an engine process, feature `engine`).

mod answer;
mod ask;
pub mod clock;
#[cfg(feature = "engine")]
pub mod demo_models;
mod description;
pub mod digest;
mod error;
#[cfg(feature = "engine")]
pub mod local;
#[cfg(feature = "remote")]
pub mod remote;
pub mod replay;

use std::future::Future;
use std::pin::Pin;

pub use answer::{
    Answer, ChoiceScore, Finish, LogprobSummary, Response, ServerWords, Timing, ToolCall, Usage,
    UsageSource,
};
pub use ask::{
    Ask, AskKind, Choose, Embed, Fields, Generate, Message, Prompt, Role, SampleRef, Sampling,
};
pub use clock::{Clock, Stamp};
pub use description::{Crash, Description};
pub use error::{Advice, ErrorKind, ProviderError, Side, Stage};

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
