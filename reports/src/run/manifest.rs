//! What was run: `manifest.json`, and what a report needs to know of each suite.

use rightsize_suites::tasks::Axis;
use rightsize_suites::{Measure, Reduce, Suite};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mode, Scenario, Split};

/// What was run. Everything that two shards of one run must share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`](super::SCHEMA).
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
    /// Of which rows: those of dev are asked in every variant, and by every shard.
    #[serde(default, skip_serializing_if = "Split::is_test")]
    pub split: Split,
    /// How they are asked.
    #[serde(default, skip_serializing_if = "Mode::is_generate")]
    pub mode: Mode,
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
    /// The command that scored its answers, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorer: Option<ScorerRef>,
}

/// A suite's own scoring command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorerRef {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Digest of the command and of the files that it names.
    pub sha256: String,
}

/// [`EntryRef::provider`] of a baseline, which is none.
pub const BASELINE: &str = "baseline";

/// A model entry or a baseline of a run.
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
    /// Task kind: `classification`, `extraction`, `pii`, `faq`, `summarization`, `reasoning`,
    /// `tool_use`, `checks`.
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
    pub metrics: Vec<Measure>,
    /// Labels in the suite's order (classification with one label a sample).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Label axes in the suite's order, where there are several or a sample has any number of labels
    /// (classification).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<AxisFacts>,
    /// Field names in the suite's order (extraction).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Its prompt variants in the suite's order, without `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// The loss it can bear, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// Version of its scoring rules.
    pub scoring_version: u32,
    /// How a sample that was asked several times counts as one.
    #[serde(default, skip_serializing_if = "Reduce::is_mean")]
    pub reduce: Reduce,
}

impl SuiteFacts {
    /// The facts of a loaded suite.
    pub fn of(suite: &Suite) -> SuiteFacts {
        let axes = suite.task.axes();
        let plain = axes.len() < 2 && axes.iter().all(|axis| !axis.multiple);
        SuiteFacts {
            name: suite.name.clone(),
            task: suite.task.kind().to_owned(),
            description: suite.description.clone(),
            sha256: suite.sha256.clone(),
            samples: suite.samples.len() as u64,
            primary: suite.primary().title(),
            metrics: suite.metrics(),
            labels: suite.task.labels(),
            axes: if plain { Vec::new() } else { axes.iter().map(AxisFacts::from).collect() },
            fields: suite.task.fields(),
            variants: suite.variants().skip(1).map(str::to_owned).collect(),
            margin: suite.margin.as_ref().map(|m| Margin { abs: m.abs, why: m.why.clone() }),
            scoring_version: suite.scoring_version(),
            reduce: suite.reduce,
        }
    }
}

/// A label axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisFacts {
    /// Its name.
    pub name: String,
    /// Labels in the suite's order.
    pub labels: Vec<String>,
    /// Whether a sample has any number of labels on it.
    #[serde(default)]
    pub multiple: bool,
}

impl From<&Axis> for AxisFacts {
    fn from(axis: &Axis) -> Self {
        AxisFacts { name: axis.name.clone(), labels: axis.label_names(), multiple: axis.multiple }
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
