//! Local models, each in an engine process of its own.
//!
//! Native code aborts and segfaults on models and machines that no test foresaw, so a model runs in a
//! child process: `engine` is what happens inside it, `process` starts and watches it, `frames` is
//! what the two say to each other. [`LocalProvider`] makes a [`crate::Provider`] of it and decides
//! what a crash means for the asks that were in flight.

#[cfg(feature = "candle")]
pub mod candle;
pub mod chat_template;
mod child;
pub mod choices;
pub mod engine;
pub mod frames;
pub mod generation;
pub mod gguf;
#[cfg(feature = "llama-cpp")]
pub mod llama_cpp;
mod log_tail;
mod memory;
pub mod process;
mod provider;
pub mod sampling;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use engine::{engine_main, engine_main_watched};
pub use provider::LocalProvider;

/// The first argument that makes a program the engine of another one: see [`engine_main`].
pub const ENGINE_ARGUMENT: &str = "__engine";

/// Which engine runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// llama.cpp, by the crate llama-cpp-2.
    LlamaCpp,
    /// candle.
    Candle,
}

impl EngineKind {
    /// The provider's word in a bake-off.
    pub fn word(self) -> &'static str {
        match self {
            EngineKind::LlamaCpp => "llama-cpp",
            EngineKind::Candle => "candle",
        }
    }
}

/// A model to load, and how to run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalModel {
    /// The engine.
    pub engine: EngineKind,
    /// The model's file or folder.
    pub model: PathBuf,
    /// Most tokens of a prompt and its answer together; absent leaves it to the engine.
    pub context: Option<u32>,
    /// How many asks are answered at the same time, from 1.
    pub parallel: usize,
    /// Threads for inference; absent takes what the machine offers.
    pub threads: Option<u32>,
    /// How long the engine may say nothing while asks are in flight before it counts as hung.
    pub hang_limit: Duration,
}

impl LocalModel {
    /// A model with the settings that are right for most: eight asks at a time, 60 s to a hang.
    pub fn new(engine: EngineKind, model: impl Into<PathBuf>) -> LocalModel {
        LocalModel {
            engine,
            model: model.into(),
            context: None,
            parallel: 8,
            threads: None,
            hang_limit: Duration::from_secs(60),
        }
    }

    /// Threads for inference: as given, else what the machine offers.
    pub fn inference_threads(&self) -> u32 {
        self.threads.unwrap_or_else(rightsize_hardware::inference_threads).max(1)
    }
}
