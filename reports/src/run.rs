//! The run folder as it is read: names, formats and versions of everything in it.
//!
//! ```text
//! manifest.json     Manifest: what was run; written once, never changed
//! sessions.jsonl    Session, one line a start and one line an end; append-only
//! bakeoff.yaml      the bake-off as the user wrote it
//! suites/NAME/      suite.yaml as written, suite.json: SuiteFacts, what a report needs of it, and
//!                   samples.jsonl, train.jsonl and dev.jsonl: its rows, so that a run can be resumed and
//!                   scored again
//! records.jsonl     Record, one a line; append-only; a later line of the same unit supersedes
//! scores-VERSION.jsonl  ScoresHead, then ScoreLine, one a line: scores made again of the same
//!                   answers; the newest file counts in place of the scores in the records
//! suites/NAME/rescored-DIGEST/  the suite that they were made by, where it is another
//! prompts.jsonl     PromptText, one a line, each prompt once, by digest; append-only
//! report.html       the report, written again after every session
//! log.txt           tracing output, with -v
//! ```
//!
//! Nothing outside the folder is needed to report on it.

mod manifest;
mod scores;
mod session;

use std::collections::BTreeMap;

use rightsize_providers::{
    ErrorKind, LogprobSummary, ProviderError, Response, ServerWords, Side, Stage, Timing, Usage,
};
pub use rightsize_suites::outcome::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use manifest::{
    AxisFacts, BASELINE, EntryRef, Manifest, Margin, PlannedPass, ScorerRef, SuiteFacts, SuiteRef,
};
pub use scores::{ScoreLine, ScoredSuite, ScoresHead};
pub use session::{EntrySession, SessionEnd, SessionLine, SessionStart};

/// Version of the formats in this file: major changes when an older binary would misread.
pub const SCHEMA: u32 = 1;

/// File names inside a run folder.
pub mod files {
    /// [`super::Manifest`].
    pub const MANIFEST: &str = "manifest.json";
    /// [`super::SessionLine`] lines.
    pub const SESSIONS: &str = "sessions.jsonl";
    /// The bake-off as written.
    pub const BAKEOFF: &str = "bakeoff.yaml";
    /// Folder of suites.
    pub const SUITES: &str = "suites";
    /// [`super::SuiteFacts`] in a suite's folder.
    pub const SUITE_FACTS: &str = "suite.json";
    /// The suite as written, in a suite's folder.
    pub const SUITE_YAML: &str = "suite.yaml";
    /// The suite's rows as loaded, one JSON object a line, in a suite's folder.
    pub const SAMPLES: &str = "samples.jsonl";
    /// The rows of its train split in the same form, if it has one.
    pub const TRAIN: &str = "train.jsonl";
    /// The rows of its dev split, if it has one.
    pub const DEV: &str = "dev.jsonl";
    /// What the file of its tools held, where `tools` names one, in a suite's folder.
    pub const TOOLS: &str = "tools.json";
    /// [`super::Record`] lines.
    pub const RECORDS: &str = "records.jsonl";
    /// [`super::PromptText`] lines.
    pub const PROMPTS: &str = "prompts.jsonl";
    /// The report.
    pub const REPORT: &str = "report.html";
    /// Lock of the one writer.
    pub const LOCK: &str = ".lock";
    /// Tracing output.
    pub const LOG: &str = "log.txt";

    /// File of the scores of a scoring version.
    pub fn scores(scoring_version: &str) -> String {
        format!("scores-{scoring_version}.jsonl")
    }

    /// Whether this is the name of a file of scores.
    pub fn is_scores(name: &str) -> bool {
        name.starts_with("scores-") && name.ends_with(".jsonl")
    }
}

/// A prompt, kept once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptText {
    /// SHA-256 of [`Self::text`].
    pub sha256: String,
    /// The messages as sent, as JSON text, or the raw prompt.
    pub text: String,
}

/// The split a sample comes from.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Scored and reported.
    #[default]
    Test,
    /// To choose prompts and thresholds.
    Dev,
}

impl Split {
    /// Whether it is the test split, which is not written where it is the rule.
    pub fn is_test(&self) -> bool {
        *self == Split::Test
    }
}

/// How an item was asked.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The model wrote an answer.
    #[default]
    Generate,
    /// Choices were scored by log-probability.
    Choose,
}

impl Mode {
    /// Whether the answer was written, which is not said where it is the rule.
    pub fn is_generate(&self) -> bool {
        *self == Mode::Generate
    }
}

/// How load was offered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// As fast as the entry's concurrency allows: accuracy and throughput.
    Batch,
    /// One at a time: latency.
    SingleStream,
}

impl Scenario {
    /// The word of the bake-off file.
    pub fn as_str(self) -> &'static str {
        match self {
            Scenario::Batch => "batch",
            Scenario::SingleStream => "single-stream",
        }
    }
}

/// Everything known of one unit: the atom of all analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Digest of the unit's key and ask digest.
    pub unit: String,
    /// Digest of all that can change the answer.
    pub ask: String,
    /// Suite name.
    pub suite: String,
    /// Split.
    pub split: Split,
    /// Sample id.
    pub sample: String,
    /// Model entry id.
    pub model: String,
    /// Prompt variant; `default` for the suite's own prompt.
    pub variant: String,
    /// How it was asked.
    pub mode: Mode,
    /// How load was offered.
    pub scenario: Scenario,
    /// Repeat, from 0.
    pub repeat: u32,
    /// Session that recorded it.
    pub session: u32,
    /// Tags of the sample.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Cluster of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// SHA-256 of the prompt; the text stands in `prompts.jsonl`.
    pub prompt_sha256: String,
    /// What the model said; absent for errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// What the server said of itself.
    #[serde(default)]
    pub server: ServerWords,
    /// What was read in the answer, by the name of the reader; what other pipelines of the suite read
    /// in it as `beside/NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readings: BTreeMap<String, Value>,
    /// What was expected.
    pub expected: Value,
    /// What became of it.
    pub outcome: Outcome,
    /// Primary score in [0, 1]; absent for errors.
    pub score: Option<f64>,
    /// Additive statistics by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, f64>,
    /// Kind-specific detail: verdicts and fields.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// Version of the program's rules by which it was scored first.
    pub scoring_version: u32,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordError>,
    /// Token counts.
    pub usage: Usage,
    /// Raw stamps.
    pub timing: Timing,
    /// Signals for tiering.
    #[serde(default)]
    pub signals: Signals,
    /// Energy in joules; unknown until it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_j: Option<f64>,
    /// Attempts made, at least 1.
    pub attempts: u32,
    /// Whether the answer came from a cache.
    pub cached: bool,
    /// Keys of a newer minor version, kept as they are.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// An error as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordError {
    /// Whose fault.
    pub side: Side,
    /// What.
    pub kind: ErrorKind,
    /// How far.
    pub stage: Stage,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The sentence.
    pub message: String,
    /// Text received before the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_text: Option<String>,
}

impl From<ProviderError> for RecordError {
    fn from(e: ProviderError) -> Self {
        RecordError {
            side: e.side,
            kind: e.kind,
            stage: e.stage,
            http_status: e.http_status,
            request_id: e.request_id,
            message: e.message,
            partial_text: e.partial_text,
        }
    }
}

/// What tiering needs to know of an answer later.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// How sure the model was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<LogprobSummary>,
    /// Whether the answer satisfied its schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_valid: Option<bool>,
    /// Whether the reader had to repair the answer (strip a fence, cut prose).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse_repaired: Option<bool>,
}
