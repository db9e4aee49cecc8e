//! What an analysis holds. Its JSON is documented by these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::setting::Setting;
use crate::run::{BASELINE, EntryRef, Margin, Scenario};

/// Version of [`Analysis`] as JSON: changes when a script that read it would misread.
pub const ANALYSIS_SCHEMA: u32 = 1;

/// The whole analysis of a run: what `rightsize report DIR --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// [`ANALYSIS_SCHEMA`].
    pub schema: u32,
    /// What follows from the records alone.
    pub results: Results,
    /// What belongs to the sessions in which they were made.
    pub setting: Setting,
}

/// What follows from the records alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The bake-off's name.
    pub name: String,
    /// SHA-256 of the bake-off file.
    pub bakeoff_sha256: String,
    /// Seed of everything that was drawn, intervals included.
    pub seed: u64,
    /// Units that were planned.
    pub units_planned: u64,
    /// Units with a record.
    pub units_recorded: u64,
    /// Suites in the order of the bake-off.
    pub suites: Vec<SuiteView>,
    /// Model entries in the order of the bake-off.
    pub models: Vec<ModelView>,
    /// Every suite on every entry: suites outside, entries inside; without the pairs of a baseline
    /// and a suite that it cannot answer.
    pub cells: Vec<Cell>,
    /// Pairs of suite and entry that were asked in a prompt variant, or in several on the dev split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantView>,
    /// Pairs of suite and entry whose answers were scored by log-probability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<ModeView>,
}

/// Answers that were written and answers that were chosen by log-probability, of one suite and entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModeView {
    /// The suite.
    pub suite: String,
    /// The entry's id.
    pub model: String,
    /// Samples that have an answer in every mode that was asked: the n of all scores here.
    pub samples: u64,
    /// Samples that lack one, and are left out.
    pub left_out: u64,
    /// The primary score of written answers; absent where answers were only chosen.
    pub generate: Option<Estimate>,
    /// That of the choices with the largest sum of log-probabilities (`acc`).
    pub choose: Estimate,
    /// The mean score of the choices with the largest sum per character (`acc_norm`), 0 to 1.
    pub choose_norm: Option<f64>,
    /// The score of chosen answers less that of written ones.
    pub difference: Option<f64>,
}

/// In which prompt variant an entry was asked a suite, and how the candidates scored on dev.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantView {
    /// The suite.
    pub suite: String,
    /// The entry's id.
    pub model: String,
    /// The variant that was asked on test: all test figures are of it. Absent before the first unit.
    pub asked: Option<String>,
    /// The candidates on the dev split, in the suite's order; none where the bake-off names a variant.
    pub candidates: Vec<VariantScore>,
}

/// One candidate on the dev split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantScore {
    /// Its name; `default` is the suite's own prompt.
    pub variant: String,
    /// Dev samples that were asked: the n of the score.
    pub samples: u64,
    /// Their units; repeats of a sample are units of their own.
    pub units: u64,
    /// Units without an answer, which count as wrong.
    pub errors: u64,
    /// The suite's primary score.
    pub score: Estimate,
}

impl Results {
    /// The cell of a suite and a model entry.
    pub fn cell(&self, suite: &str, model: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.suite == suite && cell.model == model)
    }
}

/// A suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteView {
    /// Its name.
    pub name: String,
    /// Task kind: `classification`, `extraction`, `pii`, `faq`, `summarization`, `reasoning`.
    pub task: String,
    /// One line for people.
    pub description: String,
    /// Where it came from: a path as written, or `catalog:NAME`.
    pub source: String,
    /// Digest of its YAML and data.
    pub sha256: String,
    /// Version of its scoring rules.
    pub scoring_version: u32,
    /// Samples it has.
    pub samples: u64,
    /// Samples that were asked of at least one entry.
    pub asked: u64,
    /// What its primary score is called.
    pub primary: String,
    /// Its label axes, where there are several or a sample has any number of labels
    /// (classification).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<String>,
    /// The loss it can bear, and why.
    #[schemars(with = "Option<Value>")]
    pub margin: Option<Margin>,
}

/// A model entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelView {
    /// Its id.
    pub id: String,
    /// The provider's word.
    pub provider: String,
    /// The model as written.
    pub model: String,
    /// Asks in flight at once in batch.
    pub concurrency: usize,
    /// Whether it ran on this machine, in two passes.
    pub local: bool,
}

impl ModelView {
    /// Whether it is a classical method and no language model.
    pub fn is_baseline(&self) -> bool {
        self.provider == BASELINE
    }
}

impl From<&EntryRef> for ModelView {
    fn from(entry: &EntryRef) -> Self {
        ModelView {
            id: entry.id.clone(),
            provider: entry.provider.clone(),
            model: entry.model.clone(),
            concurrency: entry.concurrency,
            local: entry.local,
        }
    }
}

/// One suite on one model entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The suite.
    pub suite: String,
    /// The entry's id.
    pub model: String,
    /// Whether at least 95 % of its units were answered. A cell that is not measured is never
    /// compared, ranked, or taken for 0 %.
    pub measured: bool,
    /// Why it is not measured.
    pub why_not: Option<String>,
    /// Its passes: batch, then single-stream, those that were made.
    pub passes: Vec<Pass>,
    /// Cost in money.
    pub cost: Figure,
}

impl Cell {
    /// The pass that quality is read in.
    pub fn quality(&self) -> Option<&Pass> {
        self.passes.first()
    }

    /// The pass that latency is read in.
    pub fn timed(&self) -> Option<&Pass> {
        self.passes.last()
    }
}

/// The units of one cell in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pass {
    /// `batch` or `single-stream`.
    #[schemars(with = "String")]
    pub scenario: Scenario,
    /// Asks in flight at once.
    pub concurrency: usize,
    /// What became of the units.
    pub counts: Counts,
    /// The suite's primary score; errors count as wrong.
    pub primary: Estimate,
    /// Its other metrics.
    pub others: Vec<Estimate>,
    /// Latencies of its answers.
    pub latency: Latency,
    /// Tokens in and out.
    pub tokens: Tokens,
    /// The primary score by tags of the samples.
    pub slices: Vec<Slices>,
    /// Expected against predicted labels (classification with one label a sample).
    pub confusion: Option<Confusion>,
    /// The same for each label axis, where there are several or a sample has any number of labels
    /// (classification).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<AxisTables>,
    /// What became of each field (extraction).
    pub fields: Vec<FieldRow>,
    /// Errors, the most frequent first.
    pub errors: Vec<ErrorGroup>,
}

/// What became of units. The five outcomes add up to `units`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// The samples behind the units: the n of every metric.
    #[serde(default)]
    pub samples: u64,
    /// All units: repeats of a sample are units of their own.
    pub units: u64,
    /// An answer was read and scored.
    pub scored: u64,
    /// Nothing could be read in the answer; scores 0.
    pub unparsed: u64,
    /// The answer reached its length limit first; scores 0.
    pub truncated: u64,
    /// The model declined, or a filter cut it; scores 0.
    pub refused: u64,
    /// No answer; the headline counts it as wrong.
    pub errors: u64,
}

impl Counts {
    /// The samples, and how often each was asked: `120`, `120 × 3`, or `120 (357 units)` where some
    /// repeats are missing.
    pub fn n(&self) -> String {
        let samples = crate::numbers::count(self.samples);
        match (self.units.checked_div(self.samples), self.units.checked_rem(self.samples)) {
            (Some(1), Some(0)) | (None, _) => samples,
            (Some(repeats), Some(0)) => format!("{samples} × {repeats}"),
            _ => format!("{samples} ({} units)", crate::numbers::count(self.units)),
        }
    }

    /// Units with any answer.
    pub fn answered(&self) -> u64 {
        self.units.saturating_sub(self.errors)
    }

    /// The outcomes that are no scored answer, in words: `2 unparsed, 1 error`; empty when all
    /// were scored.
    pub fn unscored(&self) -> String {
        let error = if self.errors == 1 { "error" } else { "errors" };
        let parts = [
            (self.unparsed, "unparsed"),
            (self.truncated, "truncated"),
            (self.refused, "refused"),
            (self.errors, error),
        ];
        let words: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", crate::numbers::count(*count)))
            .collect();
        words.join(", ")
    }
}

/// A metric with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The metric's name in files: `accuracy`, `macro_f1`, ...
    pub metric: String,
    /// The metric's name for people.
    pub title: String,
    /// The value in [0, 1], errors counted as wrong; absent where it is undefined.
    pub value: Option<f64>,
    /// Where the value of many such samples would lie; absent where a bootstrap cannot tell, since
    /// all resamples have one value.
    pub interval: Option<Interval>,
    /// What the value could be if errors had been answers: only when there are errors.
    pub bounds: Option<Bounds>,
}

/// An interval of an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Confidence level, in (0, 1).
    pub level: f64,
    /// How it was computed: `Wilson` or `bootstrap`.
    pub method: String,
}

/// Worst and best case of an estimate with errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// Every error a wrong answer.
    pub worst: f64,
    /// Every error a right answer.
    pub best: f64,
}

/// A number, or the reason why there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// The number.
    pub value: Option<f64>,
    /// Why there is none.
    pub why: Option<String>,
}

impl Figure {
    /// A known number.
    pub fn known(value: f64) -> Self {
        Figure { value: Some(value), why: None }
    }

    /// No number.
    pub fn unknown(why: impl Into<String>) -> Self {
        Figure { value: None, why: Some(why.into()) }
    }
}

/// Quantiles of one latency, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Answers it was measured on.
    pub n: u64,
    /// Median.
    pub p50: Figure,
    /// 95th percentile: needs 20 answers.
    pub p95: Figure,
    /// 99th percentile: needs 100 answers.
    pub p99: Figure,
}

/// Latencies of a pass: over its uncached answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Under which load: `single-stream`, or `batch, 8 in flight`.
    pub label: String,
    /// Time to first token, in milliseconds.
    pub ttft: Quantiles,
    /// Time to first token of the answer proper, in milliseconds.
    pub ttfo: Quantiles,
    /// Time per output token, in milliseconds.
    pub tpot: Quantiles,
    /// End to end, in milliseconds.
    pub end_to_end: Quantiles,
    /// Tokens per second of one stream: 1 / median TPOT.
    pub decode_tok_s: Figure,
}

/// Token counts of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Prompt tokens, over the units whose count is known.
    pub input: Option<u64>,
    /// Written tokens, over the units whose count is known.
    pub output: Option<u64>,
    /// Units with both counts known.
    pub known: u64,
    /// Where the counts come from: `reported`, `tokenizer`, `estimated`, `missing`, or several.
    pub source: String,
}

/// The primary score by the values of one tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slices {
    /// The tag.
    pub tag: String,
    /// Its values, in order of their names; empty when there are too many.
    pub values: Vec<Slice>,
    /// How many different values the tag has.
    pub distinct: u64,
}

/// The primary score of the samples with one value of a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// The value.
    pub value: String,
    /// What became of its units.
    pub counts: Counts,
    /// The primary score.
    pub primary: Estimate,
}

/// Expected against predicted labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Confusion {
    /// Labels, in the suite's order: rows and first columns of `counts`.
    pub labels: Vec<String>,
    /// A row an expected label; a column a predicted label, then "nothing read", then "error".
    pub counts: Vec<Vec<u64>>,
    /// The confusions, the most frequent first.
    pub top: Vec<Mistake>,
}

/// What became of the labels of one axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AxisTables {
    /// The axis.
    pub axis: String,
    /// Expected against predicted labels, where a sample has one label.
    pub confusion: Option<Confusion>,
    /// What became of each label, where a sample has any number of them.
    pub labels: Vec<LabelRow>,
}

/// What became of one label of label sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelRow {
    /// The label.
    pub label: String,
    /// Units where it is expected.
    pub expected: u64,
    /// Units where it was read.
    pub predicted: u64,
    /// Units where it was read and is expected.
    pub right: u64,
    /// Share of right ones among those read.
    pub precision: Option<f64>,
    /// Share of right ones among those expected; errors count as missed.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
}

/// How often one label was taken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mistake {
    /// The label in the data.
    pub expected: String,
    /// The label that was read.
    pub predicted: String,
    /// How often.
    pub count: u64,
    /// Units with that expected label.
    pub of: u64,
}

/// What became of one field of an extraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldRow {
    /// The field.
    pub field: String,
    /// Right.
    pub exact: u64,
    /// A value, but another than expected.
    pub wrong: u64,
    /// Expected, but no value was read.
    pub missing: u64,
    /// A value was read where none was expected.
    pub invented: u64,
    /// Rightly left out.
    pub absent: u64,
    /// Share of read values that are right.
    pub precision: Option<f64>,
    /// Share of expected values that were read right; errors count as missed.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
}

/// Errors of one kind with one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorGroup {
    /// What happened.
    pub kind: String,
    /// Whose fault: `ours` or `theirs`.
    pub side: String,
    /// HTTP status.
    pub http_status: Option<u16>,
    /// The sentence.
    pub message: String,
    /// How often.
    pub count: u64,
}
