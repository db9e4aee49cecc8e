//! What answers: the facts that a session records of a provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What answers, as it stands in the session of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The provider's word in the bake-off: `llama-cpp`, `candle`, `openai`, `replay`.
    pub provider: String,
    /// The model as the entry names it.
    pub model: String,
    /// Digest of what determines the answers besides the ask: SHA-256 of the weights or of the file
    /// of recorded answers; absent for servers. The runner fills it in for local models, whose
    /// weights it has read already.
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
