//! What a second scoring has changed, by suite and model.

use std::collections::{BTreeMap, HashSet};

use rightsize_reports::folder::{Row, RunFolder};
use rightsize_reports::run::{Outcome, Record, Scenario, ScoreLine};
use rightsize_suites::{Parts, Suite, counted, metrics};
use serde::Serialize;
use serde_json::Value;

/// Changed samples that are named, of each suite and model.
const MOST_SAMPLES: usize = 10;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The scoring version of the new scores.
    pub scoring_version: String,
    /// That of the scores before; absent where those are the first ones, in the records.
    pub scoring_version_before: Option<String>,
    /// Units that were scored again.
    pub units: u64,
    /// A suite on a model each, in the order of the manifest.
    pub cells: Vec<CellDifference>,
}

/// What has changed for one suite on one model, in the pass that its quality is read in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellDifference {
    /// The suite.
    pub suite: String,
    /// The entry's id.
    pub model: String,
    /// Units.
    pub n: u64,
    /// Units whose outcome or score has changed.
    pub changed: u64,
    /// Units whose expected answer is not the one that was recorded.
    pub expected_changed: u64,
    /// The primary metric before, and its value; no value where it is not defined.
    pub metric_before: String,
    /// In [0, 1].
    pub before: Option<f64>,
    /// The primary metric now, and its value.
    pub metric: String,
    /// In [0, 1].
    pub after: Option<f64>,
    /// The first changed units.
    pub samples: Vec<SampleDifference>,
}

/// A unit whose outcome or score has changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleDifference {
    /// Sample id.
    pub sample: String,
    /// As it was scored before.
    pub before: Scored,
    /// As it scores now.
    pub after: Scored,
}

/// How a unit was scored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scored {
    /// What became of it.
    pub outcome: Outcome,
    /// Primary score; absent for errors.
    pub score: Option<f64>,
    /// What was read in the answer; absent where nothing was.
    pub reading: Option<Value>,
}

/// The sums of one suite on one model.
#[derive(Debug, Default)]
struct Sums {
    before: Parts,
    after: Parts,
    n: u64,
    changed: u64,
    expected_changed: u64,
    samples: Vec<SampleDifference>,
}

/// Takes units one by one.
#[derive(Debug)]
pub(super) struct Tally {
    /// Suites and models with a batch pass: their quality is read in that one.
    in_batch: HashSet<(usize, usize)>,
    units: u64,
    sums: BTreeMap<(usize, usize), Sums>,
}

impl Tally {
    pub(super) fn new(run: &RunFolder) -> Tally {
        let batch = run.rows().iter().filter(|row| row.scenario == Scenario::Batch);
        Tally {
            in_batch: batch.map(|row| (row.suite, row.model)).collect(),
            units: 0,
            sums: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Row, before: &Record, after: &ScoreLine) {
        self.units = self.units.saturating_add(1);
        let cell = (row.suite, row.model);
        if row.scenario != Scenario::Batch && self.in_batch.contains(&cell) {
            return;
        }
        let sums = self.sums.entry(cell).or_default();
        metrics::add(&mut sums.before, &before.parts);
        metrics::add(&mut sums.after, &after.parts);
        sums.n = sums.n.saturating_add(1);
        let expected = u64::from(after.expected.is_some());
        sums.expected_changed = sums.expected_changed.saturating_add(expected);
        if (before.outcome, before.score) == (after.outcome, after.score) {
            return;
        }
        sums.changed = sums.changed.saturating_add(1);
        if sums.samples.len() < MOST_SAMPLES {
            sums.samples.push(SampleDifference {
                sample: before.sample.clone(),
                before: scored(before.outcome, before.score, &before.readings),
                after: scored(after.outcome, after.score, &after.readings),
            });
        }
    }

    pub(super) fn finish(
        self,
        run: &RunFolder,
        suites: &[Suite],
        scoring_version: &str,
    ) -> Difference {
        let cell = |((suite, model), sums): ((usize, usize), Sums)| {
            let metric = suites.get(suite)?.primary();
            let metric_before = run.suites.get(suite)?.metrics.first()?;
            Some(CellDifference {
                suite: suites.get(suite)?.name.clone(),
                model: run.manifest.models.get(model)?.id.clone(),
                n: sums.n,
                changed: sums.changed,
                expected_changed: sums.expected_changed,
                metric_before: metric_before.title(),
                before: metric_before.finish(&sums.before),
                metric: metric.title(),
                after: metric.finish(&sums.after),
                samples: sums.samples,
            })
        };
        Difference {
            scoring_version: scoring_version.to_owned(),
            scoring_version_before: run.rescored().map(|head| head.scoring_version.clone()),
            units: self.units,
            cells: self.sums.into_iter().filter_map(cell).collect(),
        }
    }
}

fn scored(outcome: Outcome, score: Option<f64>, readings: &BTreeMap<String, Value>) -> Scored {
    Scored { outcome, score, reading: counted(readings).cloned() }
}
