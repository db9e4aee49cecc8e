//! A metric of some units with its interval and its bounds.

use std::collections::BTreeMap;

use rightsize_suites::command::PART;
use rightsize_suites::{Measure, Parts, Reduce};
use sha2::{Digest, Sha256};

use super::kinds::Kinds;
use super::model::{Bounds, Estimate, Interval};
use super::repeats::{self, Errors};
use crate::folder::Row;
use crate::run::Outcome;
use crate::stats::{bootstrap, wilson};

/// Confidence level of every interval.
const LEVEL: f64 = 0.95;

/// What is estimated.
#[derive(Debug, Clone, Copy)]
pub enum Quantity<'a> {
    /// A metric of the suite's.
    Measure(&'a Measure),
    /// The mean of a part of its scoring command's own, by the name that the command gives it.
    Part(&'a str),
}

impl<'a> From<&'a Measure> for Quantity<'a> {
    fn from(measure: &'a Measure) -> Self {
        Quantity::Measure(measure)
    }
}

impl Quantity<'_> {
    fn key(self) -> String {
        match self {
            Quantity::Measure(measure) => measure.to_string(),
            Quantity::Part(name) => format!("{PART}{name}"),
        }
    }

    /// The name for people, with how repeats count where they do.
    fn title(self, reduce: Reduce) -> String {
        let title = match self {
            Quantity::Measure(measure) => measure.title(),
            Quantity::Part(name) => name.to_owned(),
        };
        match reduce {
            _ if reduce.counts_passes() && !self.is_proportion() => title,
            _ => titled(&title, reduce),
        }
    }

    fn finish(self, sum: &Parts) -> Option<f64> {
        match self {
            Quantity::Measure(measure) => measure.finish(sum),
            Quantity::Part(_) => {
                let n = sum.get("n").copied().filter(|n| *n > 0.0)?;
                Some(sum.get(&self.key()).copied().unwrap_or(0.0) / n)
            }
        }
    }

    fn is_proportion(self) -> bool {
        matches!(self, Quantity::Measure(measure) if measure.is_proportion())
    }
}

/// The samples behind some rows, as metrics see them: repeats count as one.
///
/// Samples with the same statistics are one kind, so that a million of them cost four bytes each.
#[derive(Debug)]
pub struct Samples<'a> {
    rows: &'a [&'a Row],
    reduce: Reduce,
    kinds: Kinds,
    /// The kind of each sample, in the order of the rows.
    of_sample: Vec<u32>,
    /// The kinds of what is drawn together in a bootstrap: samples by themselves, then clusters.
    groups: Vec<u32>,
    /// The number of each statistic, in the order of their names.
    numbers: Vec<u32>,
    /// Whether the statistics of every sample are those of one answer.
    whole: bool,
    /// Whether any unit is an error.
    errors: bool,
}

impl<'a> Samples<'a> {
    /// The samples behind `rows`.
    pub fn of(rows: &'a [&'a Row], reduce: Reduce) -> Self {
        let mut kinds = Kinds::default();
        let (mut of_sample, mut groups, mut whole) = (Vec::new(), Vec::new(), true);
        let mut clusters: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for sample in repeats::samples(rows, reduce, Errors::Wrong) {
            let kind = kinds.of_sample(&sample);
            whole &= sample.whole;
            of_sample.push(kind);
            match &sample.row.cluster {
                Some(cluster) => clusters.entry(cluster).or_default().push(kind),
                None => groups.push(kind),
            }
        }
        groups.extend(clusters.values().map(|members| kinds.of_cluster(members)));
        let errors = rows.iter().any(|row| row.outcome == Outcome::Error);
        let numbers = kinds.numbers();
        Samples { rows, reduce, kinds, of_sample, groups, numbers, whole, errors }
    }

    /// `quantity` over the samples. `name` tells this estimate from others of the run, so that each
    /// has its own resamples under the run's `seed`.
    pub fn estimate<'q>(
        &self,
        quantity: impl Into<Quantity<'q>>,
        seed: u64,
        name: &str,
    ) -> Estimate {
        let quantity = quantity.into();
        let mut total = self.kinds.nothing();
        let mut sums = vec![0.0; total.len()];
        self.of_sample.iter().for_each(|kind| self.kinds.add(*kind, 1.0, &mut sums));
        self.fill(&mut total, &sums);
        let value = quantity.finish(&total);
        // What a command would have said of an answer that never came is anybody's guess.
        let known = self.errors && matches!(quantity, Quantity::Measure(_));
        let bounds = value.filter(|_| known).and_then(|worst| {
            let best = quantity.finish(&self.sum_of_the_best_case())?;
            Some(Bounds { worst, best: best.max(worst) })
        });
        let key = quantity.key();
        let interval = value.and_then(|value| {
            let seed = stream(seed, &format!("{name}/{key}"));
            self.interval(quantity, value, seed, total)
        });
        Estimate { metric: key, title: quantity.title(self.reduce), value, interval, bounds }
    }

    /// Puts sums by the numbers of the statistics to their names.
    fn fill(&self, total: &mut Parts, sums: &[f64]) {
        for (sum, number) in total.values_mut().zip(&self.numbers) {
            *sum = sums.get(*number as usize).copied().unwrap_or(0.0);
        }
    }

    /// The sums if every error had been a right answer.
    fn sum_of_the_best_case(&self) -> Parts {
        let mut total = Parts::new();
        for sample in repeats::samples(self.rows, self.reduce, Errors::Right) {
            for (name, value) in sample.parts.iter() {
                match total.get_mut(&**name) {
                    Some(sum) => *sum += value,
                    None => {
                        total.insert(name.to_string(), *value);
                    }
                }
            }
        }
        total
    }

    /// Whether every sample is right or wrong. The mean accuracy over several axes gives shares
    /// between, and so do repeats.
    fn is_all_or_nothing(&self, quantity: Quantity<'_>) -> bool {
        let whole = |value: f64| value == 0.0 || value == 1.0;
        let mut kinds = 0..self.kinds.count_of_samples();
        quantity.is_proportion()
            && self.whole
            && kinds.all(|kind| quantity.finish(&self.kinds.parts(kind)).is_none_or(whole))
    }

    /// Wilson for a proportion of independent samples; else a bootstrap over samples, or over the
    /// clusters that they belong to. `total` has the names of all statistics.
    fn interval(
        &self,
        quantity: Quantity<'_>,
        value: f64,
        seed: u64,
        mut total: Parts,
    ) -> Option<Interval> {
        if self.groups.len() == self.of_sample.len() && self.is_all_or_nothing(quantity) {
            let n = self.of_sample.len() as u64;
            let right = (value * n as f64).round().max(0.0) as u64;
            let (lower, upper) = wilson::interval(right, n, wilson::Z95)?;
            return Some(Interval { lower, upper, level: LEVEL, method: "Wilson".into() });
        }
        // One sum is filled again for every resample: a name that counts 0 is as good as absent.
        let mut slots = vec![0.0; total.len()];
        let statistic = |drawn: &mut dyn Iterator<Item = (u32, f64)>| {
            slots.fill(0.0);
            drawn.for_each(|(kind, times)| self.kinds.add(kind, times, &mut slots));
            self.fill(&mut total, &slots);
            quantity.finish(&total)
        };
        let (lower, upper) = bootstrap::interval_of_kinds(&self.groups, seed, LEVEL, statistic)?;
        // Resamples that all agree (nothing right, everything right) know no uncertainty: no
        // interval is better than one of no width.
        if lower >= upper {
            return None;
        }
        // A percentile interval can miss its own estimate when the statistic is biased in resamples.
        let (lower, upper) = (lower.min(value), upper.max(value));
        Some(Interval { lower, upper, level: LEVEL, method: "bootstrap".into() })
    }
}

/// A metric's name for people, with how repeats count.
pub fn titled(metric: &str, reduce: Reduce) -> String {
    match reduce {
        Reduce::Mean => metric.to_owned(),
        _ => format!("{metric} ({reduce})"),
    }
}

/// The name of a unit variant as serde writes it.
pub fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A seed of its own for each named draw of a run.
fn stream(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
