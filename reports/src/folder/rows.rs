//! What is kept of a record for the analysis: numbers and shared names, no text of a sample.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rightsize_providers::{ErrorKind, Side, UsageSource};
use rightsize_suites::counted;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Noticed, Span, digest};
use crate::latency;
use crate::run::{Manifest, Mode, Outcome, Record, Scenario, Split, SuiteFacts};

/// One unit.
#[derive(Debug, Clone)]
pub struct Row {
    /// Index of its suite in the manifest.
    pub suite: usize,
    /// Index of its model entry in the manifest.
    pub model: usize,
    /// Sample id.
    pub sample: Arc<str>,
    /// Prompt variant.
    pub variant: Arc<str>,
    /// How it was asked.
    pub mode: Mode,
    /// How load was offered.
    pub scenario: Scenario,
    /// Repeat, from 0.
    pub repeat: u32,
    /// Session that recorded it.
    pub session: u32,
    /// Tags of the sample.
    pub tags: Arc<BTreeMap<String, String>>,
    /// Cluster of the sample.
    pub cluster: Option<Arc<str>>,
    /// What became of it.
    pub outcome: Outcome,
    /// Primary score in [0, 1]; absent for errors.
    pub score: Option<f64>,
    /// Additive statistics by name.
    pub parts: Vec<(Arc<str>, f64)>,
    /// What was read in the answer, as a digest that equal answers share; absent where nothing was.
    pub reading: Option<u64>,
    /// What confusion matrix and per-field table need.
    pub verdict: Verdict,
    /// What went wrong.
    pub error: Option<Arc<ErrorKey>>,
    /// Whether the answer came from a cache: its timing is not of this run.
    pub cached: bool,
    /// Time to first token, nanoseconds.
    pub ttft: Option<u64>,
    /// Time to first token of the answer proper, nanoseconds.
    pub ttfo: Option<u64>,
    /// Time per output token, nanoseconds.
    pub tpot: Option<f64>,
    /// End to end, nanoseconds.
    pub end_to_end: Option<u64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Written tokens.
    pub output_tokens: Option<u64>,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// SHA-256 of the prompt.
    pub prompt: [u8; 32],
    /// Where the record's line stands.
    pub span: Span,
    /// Whether its score is of the newest scores of the folder; true where there are none.
    pub newest_score: bool,
}

/// Kind-specific detail of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Verdict {
    /// None that a table is made of.
    #[default]
    None,
    /// A classification.
    Labels {
        /// The label in the data.
        expected: Arc<str>,
        /// The label that was read; absent when nothing was.
        predicted: Option<Arc<str>>,
    },
    /// A classification on several axes: each axis on which a sample has one label.
    Axes(Vec<OnAxis>),
    /// An extraction: what became of each field, and how often, since a list has many cells.
    Fields(Vec<(Arc<str>, Arc<str>, u64)>),
}

/// A label on one axis of several.
#[derive(Debug, Clone, PartialEq)]
pub struct OnAxis {
    /// The axis.
    pub axis: Arc<str>,
    /// The label in the data.
    pub expected: Arc<str>,
    /// The label that was read; absent when none was.
    pub predicted: Option<Arc<str>>,
}

/// What errors are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorKey {
    /// What happened.
    pub kind: ErrorKind,
    /// Whether the fault was on our side.
    pub ours: bool,
    /// HTTP status.
    pub http_status: Option<u16>,
    /// The sentence.
    pub message: String,
}

/// Digest of what was read. Texts that differ by case or white space are equal, and numbers that
/// differ by how they are written (42 and 42.0).
fn reading_of(readings: &BTreeMap<String, Value>) -> Option<u64> {
    let value = counted(readings)?;
    let text = match value {
        Value::String(text) => {
            let folded = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            match folded.parse::<f64>() {
                Ok(number) => number.to_string(),
                Err(_) => folded,
            }
        }
        other => other.to_string(),
    };
    let digest = Sha256::digest(text.as_bytes());
    Some(digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// A unit's key: all that tells it from every other unit of the run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    suite: usize,
    model: usize,
    sample: Arc<str>,
    variant: Arc<str>,
    mode: Mode,
    scenario: Scenario,
    repeat: u32,
}

/// Each different name once.
#[derive(Debug, Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(name);
        self.0.insert(new.clone());
        new
    }
}

/// Takes records one by one.
pub(super) struct Collector {
    suites: HashMap<String, usize>,
    models: HashMap<String, usize>,
    names: Names,
    /// Task kind of each suite.
    tasks: Vec<String>,
    tags: HashMap<BTreeMap<String, String>, Arc<BTreeMap<String, String>>>,
    errors: HashMap<ErrorKey, Arc<ErrorKey>>,
    rows: HashMap<Key, ([u8; 32], Row)>,
    dev: HashMap<Key, ([u8; 32], Row)>,
    /// Answers that were chosen beside those that were written.
    choices: HashMap<Key, ([u8; 32], Row)>,
    /// Pairs of suite and model whose answers are written, as planned.
    written: HashSet<(usize, usize)>,
    noticed: Noticed,
}

impl Collector {
    pub(super) fn new(manifest: &Manifest, suites: &[SuiteFacts]) -> Self {
        let index = |names: Vec<&String>| {
            names.into_iter().cloned().enumerate().map(|(i, name)| (name, i)).collect()
        };
        let known: HashMap<String, usize> =
            index(manifest.suites.iter().map(|s| &s.name).collect());
        let models: HashMap<String, usize> = index(manifest.models.iter().map(|m| &m.id).collect());
        let written = manifest.planned.iter().filter(|pass| pass.mode.is_generate());
        let pairs = written
            .filter_map(|pass| Some((*known.get(&pass.suite)?, *models.get(&pass.model)?)))
            .collect();
        Collector {
            suites: known,
            models,
            written: pairs,
            choices: HashMap::new(),
            names: Names::default(),
            tasks: suites.iter().map(|s| s.task.clone()).collect(),
            tags: HashMap::new(),
            errors: HashMap::new(),
            rows: HashMap::new(),
            dev: HashMap::new(),
            noticed: Noticed::default(),
        }
    }

    /// Keeps what is needed of a record. The later record of a key wins. `scored` says whether its
    /// score is of the newest scores of the folder.
    pub(super) fn take(&mut self, record: Record, span: Span, scored: bool) {
        let (Some(&suite), Some(&model)) =
            (self.suites.get(&record.suite), self.models.get(&record.model))
        else {
            self.noticed.foreign += 1;
            return;
        };
        let split = record.split;
        let unit = digest(&record.unit);
        let mut row = self.row(suite, model, record, span);
        row.newest_score = scored;
        let key = Key {
            suite,
            model,
            sample: row.sample.clone(),
            variant: row.variant.clone(),
            mode: row.mode,
            scenario: row.scenario,
            repeat: row.repeat,
        };
        let rows = match split {
            Split::Test if key.mode == Mode::Choose && self.written.contains(&(suite, model)) => {
                &mut self.choices
            }
            Split::Test => &mut self.rows,
            Split::Dev => &mut self.dev,
        };
        if let Some((before, _)) = rows.insert(key, (unit, row)) {
            if before == unit {
                self.noticed.superseded += 1;
            } else {
                self.noticed.conflicts += 1;
            }
        }
    }

    fn row(&mut self, suite: usize, model: usize, record: Record, span: Span) -> Row {
        let error = record.error.map(|e| ErrorKey {
            kind: e.kind,
            ours: e.side == Side::Ours,
            http_status: e.http_status,
            message: e.message,
        });
        let error = error
            .map(|key| self.errors.entry(key.clone()).or_insert_with(|| Arc::new(key)).clone());
        let tags =
            self.tags.entry(record.tags).or_insert_with_key(|tags| Arc::new(tags.clone())).clone();
        Row {
            suite,
            model,
            sample: self.names.get(record.sample.as_str()),
            variant: self.names.get(record.variant.as_str()),
            mode: record.mode,
            scenario: record.scenario,
            repeat: record.repeat,
            session: record.session,
            tags,
            cluster: record.cluster.as_deref().map(|c| self.names.get(c)),
            outcome: record.outcome,
            score: record.score,
            parts: record.parts.iter().map(|(k, v)| (self.names.get(k.as_str()), *v)).collect(),
            reading: reading_of(&record.readings).filter(|_| record.outcome == Outcome::Scored),
            verdict: self.verdict(suite, &record.detail, &record.expected),
            error,
            cached: record.cached,
            ttft: latency::ttft(&record.timing),
            ttfo: latency::ttfo(&record.timing),
            tpot: latency::tpot(&record.timing, &record.usage),
            end_to_end: latency::end_to_end(&record.timing),
            input_tokens: record.usage.input_total,
            output_tokens: record.usage.output_total,
            usage_source: record.usage.source,
            prompt: digest(&record.prompt_sha256),
            span,
            newest_score: true,
        }
    }

    fn verdict(&mut self, suite: usize, detail: &Value, expected: &Value) -> Verdict {
        let task = self.tasks.get(suite).map_or("", String::as_str);
        if task == "classification" {
            if let Value::Object(axes) = expected {
                return self.axes(detail, axes);
            }
            // An error may have no detail; what was expected is known all the same.
            let expected = detail.get("expected").unwrap_or(expected);
            let Some(expected) = expected.as_str() else {
                return Verdict::None;
            };
            let predicted = detail.get("predicted").and_then(Value::as_str);
            return Verdict::Labels {
                expected: self.names.get(expected),
                predicted: predicted.map(|label| self.names.get(label)),
            };
        }
        let has_fields = matches!(task, "extraction" | "checks");
        let Some(detail) = detail.as_object().filter(|_| has_fields) else {
            return Verdict::None;
        };
        let mut fields = Vec::new();
        for (field, verdict) in detail {
            let mut given = |word: &str, count: u64| {
                fields.push((self.names.get(field.as_str()), self.names.get(word), count));
            };
            match verdict {
                Value::String(word) => given(word, 1),
                Value::Object(counts) => counts
                    .iter()
                    .filter_map(|(word, count)| Some((word, count.as_u64()?)))
                    .for_each(|(word, count)| given(word, count)),
                _ => {}
            }
        }
        if fields.is_empty() { Verdict::None } else { Verdict::Fields(fields) }
    }

    fn axes(&mut self, detail: &Value, expected: &Map<String, Value>) -> Verdict {
        let axes = expected.iter().filter_map(|(axis, label)| {
            let read = detail.get("axes").and_then(|axes| axes.get(axis)?.get("predicted"));
            let predicted = read.and_then(Value::as_str).map(|label| self.names.get(label));
            let expected = self.names.get(label.as_str()?);
            Some(OnAxis { axis: self.names.get(axis), expected, predicted })
        });
        Verdict::Axes(axes.collect())
    }

    /// The rows in their fixed order: those of test, those of dev, and the choices beside them.
    pub(super) fn finish(self, noticed: &mut Noticed) -> [Vec<Row>; 3] {
        noticed.superseded += self.noticed.superseded;
        noticed.conflicts += self.noticed.conflicts;
        noticed.foreign += self.noticed.foreign;
        let rows = in_order(self.rows);
        // Scores made again are of test: dev keeps those that a variant was chosen by.
        noticed.unscored = rows.iter().filter(|row| !row.newest_score).count() as u64;
        [rows, in_order(self.dev), in_order(self.choices)]
    }
}

fn in_order(rows: HashMap<Key, ([u8; 32], Row)>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.into_values().map(|(_, row)| row).collect();
    rows.sort_by(|a, b| {
        (a.suite, &a.sample, a.model, a.scenario, a.repeat, &a.variant)
            .cmp(&(b.suite, &b.sample, b.model, b.scenario, b.repeat, &b.variant))
    });
    rows
}
