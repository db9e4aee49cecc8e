//! Remote servers.
//!
//! ```text
//! endpoint  the base URL, with its credentials kept apart
//! secret    keys that no output shows, and the scrubber of everything that a server echoes
//! http      the one driver: sends once, bounds what comes back, stamps it
//! sse       bytes to events, without I/O
//! failure   a status, headers and a body to a ProviderError
//! wait      how long the server asks to wait
//! openai    the OpenAI-compatible family: body, events and usage as pure functions, and its provider
//! ```
//!
//! A family is tested with bytes alone: `tests/wire/openai/*.http` in the repository. No file here
//! knows a vendor's name beyond the family's own.

mod endpoint;
pub mod failure;
mod http;
pub mod openai;
mod secret;
pub mod sse;
mod wait;

pub use openai::{OpenAi, Options as OpenAiOptions};
pub use secret::Secret;
