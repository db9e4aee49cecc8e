//! What is kept of a record for the analysis: numbers and shared names, no text of a sample.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use rightsize_providers::{ErrorKind, Side, UsageSource};
use rightsize_suites::counted;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::index::key;
use super::{Noticed, Span};
use crate::latency;
use crate::run::{Manifest, Mode, Outcome, Record, Scenario, Split, SuiteFacts};

/// Different [`Shared`]s that are looked for among those that are known. Where there are more, most
/// units have one of their own, and a table of all would cost more than it saves.
const MOST_SHARED: usize = 1 << 16;

/// One unit: what is its own, and what it shares with many others.
#[derive(Debug, Clone)]
pub struct Row {
    /// What other units have alike; its fields are also this row's.
    pub shared: Arc<Shared>,
    /// Its sample, by the place of the id in the order of all ids of the folder
    /// ([`RunFolder::sample`](super::RunFolder::sample) has the id).
    pub sample: u32,
    /// Latencies and token counts, where any is known.
    pub figures: Option<Box<Figures>>,
    /// The first 64 bits of the unit's digest.
    pub unit: u64,
    /// The first 64 bits of the prompt's SHA-256.
    pub prompt: u64,
    /// Where the record's line stands.
    pub span: Span,
}

impl Deref for Row {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Row {
    /// A latency or token count; absent where it is not known.
    pub fn figure<T>(&self, of: impl FnOnce(&Figures) -> Option<T>) -> Option<T> {
        self.figures.as_deref().and_then(of)
    }
}

/// What units of a run have alike: there are few different ones, unless statistics are shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// Index of its suite in the manifest.
    pub suite: usize,
    /// Index of its model entry in the manifest.
    pub model: usize,
    /// Prompt variant.
    pub variant: Arc<str>,
    /// The split of its sample.
    pub split: Split,
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
    /// Where the counts of tokens come from.
    pub usage_source: UsageSource,
    /// Whether its score is of the newest scores of the folder; true where there are none.
    pub newest_score: bool,
}

/// No statistic of a record is NaN: JSON has none.
impl Eq for Shared {}

impl Hash for Shared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.suite, self.model, self.scenario, self.repeat, self.session).hash(state);
        (&self.tags, &self.cluster, &self.reading, &self.verdict).hash(state);
        self.score.map(f64::to_bits).hash(state);
        for (name, value) in &self.parts {
            (name, value.to_bits()).hash(state);
        }
    }
}

/// Latencies and token counts of a unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
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
}

/// Kind-specific detail of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// Sample ids, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Ids {
    text: String,
    /// Where each one ends.
    ends: Vec<usize>,
}

impl Ids {
    fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    /// The id at a place; nothing beyond the last one.
    pub(super) fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(at).copied().unwrap_or(0);
        self.text.get(start.unwrap_or(0)..end).unwrap_or_default()
    }

    /// Each different id once, in order, and the place of each of these ids among them.
    fn ranked(&self) -> (Ids, Vec<u32>) {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        let mut ids = Ids::default();
        let mut ranks = vec![0u32; order.len()];
        let mut rank = 0u32;
        for at in order {
            let id = self.get(at);
            if ids.ends.is_empty() {
                ids.push(id);
            } else if ids.get(rank) != id {
                ids.push(id);
                rank = rank.saturating_add(1);
            }
            if let Some(slot) = ranks.get_mut(at as usize) {
                *slot = rank;
            }
        }
        (ids, ranks)
    }
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
    /// Pairs of suite and model whose answers are written, as planned.
    written: HashSet<(usize, usize)>,
    shared: HashSet<Arc<Shared>>,
    /// The id of each row's sample.
    ids: Ids,
    /// In the order of the file.
    rows: Vec<Row>,
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
            names: Names::default(),
            tasks: suites.iter().map(|s| s.task.clone()).collect(),
            tags: HashMap::new(),
            errors: HashMap::new(),
            shared: HashSet::new(),
            ids: Ids::default(),
            rows: Vec::new(),
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
        let sample = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.ids.push(&record.sample);
        let figures = Figures {
            ttft: latency::ttft(&record.timing),
            ttfo: latency::ttfo(&record.timing),
            tpot: latency::tpot(&record.timing, &record.usage),
            end_to_end: latency::end_to_end(&record.timing),
            input_tokens: record.usage.input_total,
            output_tokens: record.usage.output_total,
        };
        let row = Row {
            sample,
            figures: (figures != Figures::default()).then(|| Box::new(figures)),
            unit: key(&record.unit),
            prompt: key(&record.prompt_sha256),
            span,
            shared: self.shared(suite, model, record, scored),
        };
        self.rows.push(row);
    }

    fn shared(&mut self, suite: usize, model: usize, record: Record, scored: bool) -> Arc<Shared> {
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
        let shared = Shared {
            suite,
            model,
            variant: self.names.get(record.variant.as_str()),
            split: record.split,
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
            usage_source: record.usage.source,
            newest_score: scored,
        };
        if let Some(known) = self.shared.get(&shared) {
            return known.clone();
        }
        let shared = Arc::new(shared);
        if self.shared.len() < MOST_SHARED {
            self.shared.insert(shared.clone());
        }
        shared
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

    /// The rows in their fixed order, with the ids of their samples. Of the records of one unit the
    /// last one counts.
    pub(super) fn finish(self, noticed: &mut Noticed) -> Collected {
        noticed.superseded += self.noticed.superseded;
        noticed.conflicts += self.noticed.conflicts;
        noticed.foreign += self.noticed.foreign;
        let (ids, ranks) = self.ids.ranked();
        drop((self.ids, self.shared));
        let mut rows = self.rows;
        for row in &mut rows {
            row.sample = ranks.get(row.sample as usize).copied().unwrap_or(u32::MAX);
        }
        drop(ranks);
        rows.sort_unstable_by(|a, b| {
            (unit_order(a), a.span.offset).cmp(&(unit_order(b), b.span.offset))
        });
        rows.dedup_by(|later, kept| {
            let same = unit_order(later) == unit_order(kept);
            if same {
                if later.unit == kept.unit {
                    noticed.superseded += 1;
                } else {
                    noticed.conflicts += 1;
                }
                std::mem::swap(later, kept);
            }
            same
        });
        let dev = rows.extract_if(.., |row| row.split == Split::Dev).collect();
        // Scores made again are of test: dev keeps those that a variant was chosen by.
        noticed.unscored = rows.iter().filter(|row| !row.newest_score).count() as u64;
        let beside =
            |row: &Row| row.mode == Mode::Choose && self.written.contains(&(row.suite, row.model));
        let choices = rows.extract_if(.., |row| beside(row)).collect();
        Collected { rows, dev, choices, ids }
    }
}

/// The rows of a folder, each part in the same fixed order.
pub(super) struct Collected {
    /// Those of the test split.
    pub rows: Vec<Row>,
    /// Those of the dev split.
    pub dev: Vec<Row>,
    /// Answers that were chosen beside those that were written.
    pub choices: Vec<Row>,
    /// The ids of their samples.
    pub ids: Ids,
}

/// All that tells a unit from every other unit of the run, in the order of the rows.
fn unit_order(row: &Row) -> (usize, u32, usize, Scenario, u32, &str, bool, bool) {
    let Shared { suite, model, scenario, repeat, variant, mode, split, .. } = &*row.shared;
    let (chosen, dev) = (*mode == Mode::Choose, *split == Split::Dev);
    (*suite, row.sample, *model, *scenario, *repeat, variant, chosen, dev)
}
