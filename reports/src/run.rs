//! The run folder as it is read: names, formats and versions of everything in it.
//!
//! ```text
//! manifest.json     Manifest: what was run; written once, never changed
//! sessions.jsonl    Session, one line a start and one line an end; append-only
//! bakeoff.yaml      the bake-off as the user wrote it
//! suites/NAME/      suite.yaml as written, suite.json: SuiteFacts, what a report needs of it, and
//!                   samples.jsonl: its rows, so that a run can be resumed and scored again
//! records.jsonl     Record, one a line; append-only; a later line of the same unit supersedes
//! prompts.jsonl     PromptText, one a line, each prompt once, by digest; append-only
//! report.html       the report, written again after every session
//! log.txt           tracing output, with -v
//! ```
//!
//! Nothing outside the folder is needed to report on it.

use std::collections::BTreeMap;

use rightsize_providers::{
    Description, ErrorKind, LogprobSummary, ProviderError, Response, ServerWords, Side, Stage,
    Timing, Usage,
};
pub use rightsize_suites::outcome::Outcome;
use rightsize_suites::{Metric, Suite};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
}

/// What was run. Everything that two shards of one run must share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The bake-off's name.
    pub name: String,
    /// SHA-256 of the bake-off file.
    pub bakeoff_sha256: String,
    /// The bake-off after defaults and the command line's filters, as JSON.
    pub bakeoff: Value,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Suites in the order of the bake-off.
    pub suites: Vec<SuiteRef>,
    /// Model entries in the order of the bake-off.
    pub models: Vec<EntryRef>,
    /// Units planned in this folder: its shard's, or all.
    pub units_planned: u64,
    /// The same by suite, entry and scenario: what an answered share is a share of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<PlannedPass>,
    /// `i/n` when this folder is one shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

/// Units planned for one suite, entry and scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPass {
    /// The suite's name.
    pub suite: String,
    /// The entry's id.
    pub model: String,
    /// How load is offered.
    pub scenario: Scenario,
    /// Units, those that never got a record included.
    pub units: u64,
}

/// A suite of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteRef {
    /// Its name: the folder under `suites/`.
    pub name: String,
    /// Digest of its YAML and of the data it read.
    pub sha256: String,
    /// Where it came from: a path as written, or `catalog:NAME`.
    pub source: String,
}

/// A model entry of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRef {
    /// Its id.
    pub id: String,
    /// The provider's word.
    pub provider: String,
    /// The model as written.
    pub model: String,
    /// Asks in flight at once in batch.
    pub concurrency: usize,
    /// Local entries are measured in two passes.
    pub local: bool,
}

/// What a report needs to know of a suite; written into the run folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteFacts {
    /// The suite's name.
    pub name: String,
    /// Task kind: `classification`, `extraction`, `pii`, `faq`, `summarization`, `reasoning`.
    pub task: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Digest of its YAML and of the data it read.
    pub sha256: String,
    /// Samples it has (before any limit).
    pub samples: u64,
    /// What the primary score is called: `accuracy`, `field F1`, `exact match`.
    pub primary: String,
    /// Its metrics; the first is the primary one.
    pub metrics: Vec<Metric>,
    /// Labels in the suite's order (classification).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Field names in the suite's order (extraction).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The loss it can bear, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// Version of its scoring rules.
    pub scoring_version: u32,
}

impl SuiteFacts {
    /// The facts of a loaded suite.
    pub fn of(suite: &Suite) -> SuiteFacts {
        SuiteFacts {
            name: suite.name.clone(),
            task: suite.task.kind().to_owned(),
            description: suite.description.clone(),
            sha256: suite.sha256.clone(),
            samples: suite.samples.len() as u64,
            primary: suite.primary().title().to_owned(),
            metrics: suite.metrics(),
            labels: suite.task.labels(),
            fields: suite.task.fields(),
            margin: suite.margin.as_ref().map(|m| Margin { abs: m.abs, why: m.why.clone() }),
            scoring_version: suite.scoring_version(),
        }
    }
}

/// The loss that a suite can bear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// Absolute loss of the primary score, in (0, 1).
    pub abs: f64,
    /// The reason.
    pub why: String,
}

/// A line of `sessions.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SessionLine {
    /// A session began.
    Started(Box<SessionStart>),
    /// A model entry ended in this session.
    Entry(Box<EntrySession>),
    /// The session ended. A session without this line was killed.
    Ended(SessionEnd),
}

/// The beginning of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStart {
    /// Number of the session in this folder, from 1.
    pub session: u32,
    /// Wall clock, RFC 3339 with seconds, UTC.
    pub time: String,
    /// The same moment on the run's clock, in nanoseconds: anchors the stamps.
    pub clock_ns: u64,
    /// Boot id of the machine, where it has one: stamps of two boots are not comparable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// The command line, without values that could be secret.
    pub args: Vec<String>,
    /// The folder that paths in the bake-off are relative to, so that a run can be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Version of rightsize.
    pub version: String,
    /// The machine, as `rightsize hardware --json` prints it.
    pub machine: Value,
    /// Confinement layers of engine processes that held; none are built yet.
    #[serde(default)]
    pub confinement: Vec<String>,
}

/// How a model entry fared in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntrySession {
    /// The session.
    pub session: u32,
    /// The entry's id.
    pub entry: String,
    /// What answered.
    pub description: Description,
    /// Why the entry ended before its units did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<RecordError>,
    /// Wall time of its batch pass in this session, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_wall_ns: Option<u64>,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// The session.
    pub session: u32,
    /// Wall clock, RFC 3339, UTC.
    pub time: String,
    /// Units recorded in this session.
    pub recorded: u64,
    /// `complete`, `interrupted`, `too many errors`, `disk full`.
    pub reason: String,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Scored and reported.
    Test,
    /// To choose prompts and thresholds.
    Dev,
}

/// How an item was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The model wrote an answer.
    Generate,
    /// Choices were scored by log-probability.
    Choose,
}

/// How load was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// What was read in the answer, by the name of the reader.
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
    /// Version of the scoring rules.
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
