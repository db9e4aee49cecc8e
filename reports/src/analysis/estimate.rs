//! A metric of some units with its interval and its bounds.

use std::collections::BTreeMap;

use rightsize_suites::command::PART;
use rightsize_suites::{Measure, Parts, Reduce};
use sha2::{Digest, Sha256};

use super::model::{Bounds, Estimate, Interval};
use super::repeats::{self, Errors, Sample};
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

    /// Whether every sample is right or wrong. The mean accuracy over several axes gives shares
    /// between, and so do repeats.
    fn is_all_or_nothing(self, samples: &[Sample<'_>]) -> bool {
        let whole = |value: f64| value == 0.0 || value == 1.0;
        let value = |sample: &Sample<'_>| self.finish(&sum(std::slice::from_ref(sample)));
        self.is_proportion()
            && samples.iter().all(|sample| sample.whole && value(sample).is_none_or(whole))
    }
}

/// `quantity` over the samples behind `rows`, whose repeats count as one. `name` tells this estimate
/// from others of the run, so that each has its own resamples under the run's `seed`.
pub fn of<'a>(
    quantity: impl Into<Quantity<'a>>,
    rows: &[&Row],
    reduce: Reduce,
    seed: u64,
    name: &str,
) -> Estimate {
    let quantity = quantity.into();
    let samples = repeats::samples(rows, reduce, Errors::Wrong);
    let value = quantity.finish(&sum(&samples));
    let errors = rows.iter().any(|row| row.outcome == Outcome::Error);
    // What a command would have said of an answer that never came is anybody's guess.
    let known = errors && matches!(quantity, Quantity::Measure(_));
    let bounds = value.filter(|_| known).and_then(|worst| {
        let best = quantity.finish(&sum(&repeats::samples(rows, reduce, Errors::Right)))?;
        Some(Bounds { worst, best: best.max(worst) })
    });
    let key = quantity.key();
    let interval = value.and_then(|value| interval(quantity, value, &samples, seed, name, &key));
    Estimate { metric: key, title: quantity.title(reduce), value, interval, bounds }
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

fn sum(samples: &[Sample<'_>]) -> Parts {
    let mut total = Parts::new();
    for (name, value) in samples.iter().flat_map(|sample| sample.parts.iter()) {
        match total.get_mut(&**name) {
            Some(sum) => *sum += value,
            None => {
                total.insert(name.to_string(), *value);
            }
        }
    }
    total
}

/// Wilson for a proportion of independent samples; else a bootstrap over samples, or over the
/// clusters that they belong to.
fn interval(
    quantity: Quantity<'_>,
    value: f64,
    samples: &[Sample<'_>],
    seed: u64,
    name: &str,
    key: &str,
) -> Option<Interval> {
    let groups = groups(samples);
    if groups.len() == samples.len() && quantity.is_all_or_nothing(samples) {
        let n = samples.len() as u64;
        let right = (value * n as f64).round().max(0.0) as u64;
        let (lower, upper) = wilson::interval(right, n, wilson::Z95)?;
        return Some(Interval { lower, upper, level: LEVEL, method: "Wilson".into() });
    }
    let names: BTreeMap<&str, usize> = {
        let all: std::collections::BTreeSet<&str> =
            samples.iter().flat_map(|s| s.parts.iter()).map(|(name, _)| &**name).collect();
        all.into_iter().enumerate().map(|(i, name)| (name, i)).collect()
    };
    let sums: Vec<Vec<(usize, f64)>> = groups.iter().map(|group| dense(group, &names)).collect();
    // One sum is filled again for every resample: a name that counts 0 is as good as absent.
    let mut total: Parts = names.keys().map(|name| ((*name).to_owned(), 0.0)).collect();
    let mut slots = vec![0.0; names.len()];
    let statistic = |drawn: &[usize]| {
        slots.fill(0.0);
        for (part, value) in drawn.iter().filter_map(|group| sums.get(*group)).flatten() {
            if let Some(slot) = slots.get_mut(*part) {
                *slot += value;
            }
        }
        total.values_mut().zip(&slots).for_each(|(sum, slot)| *sum = *slot);
        quantity.finish(&total)
    };
    let seed = stream(seed, &format!("{name}/{key}"));
    let (lower, upper) = bootstrap::interval(sums.len(), seed, LEVEL, statistic)?;
    // Resamples that all agree (nothing right, everything right) know no uncertainty: no interval
    // is better than one of no width.
    if lower >= upper {
        return None;
    }
    // A percentile interval can miss its own estimate when the statistic is biased in resamples.
    let (lower, upper) = (lower.min(value), upper.max(value));
    Some(Interval { lower, upper, level: LEVEL, method: "bootstrap".into() })
}

fn groups<'a, 's>(samples: &'s [Sample<'a>]) -> Vec<Vec<&'s Sample<'a>>> {
    let mut groups: BTreeMap<(bool, &str), Vec<&Sample<'a>>> = BTreeMap::new();
    for sample in samples {
        let key = match &sample.row.cluster {
            Some(cluster) => (true, &**cluster),
            None => (false, &*sample.row.sample),
        };
        groups.entry(key).or_default().push(sample);
    }
    groups.into_values().collect()
}

fn dense(group: &[&Sample<'_>], names: &BTreeMap<&str, usize>) -> Vec<(usize, f64)> {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (name, value) in group.iter().flat_map(|sample| sample.parts.iter()) {
        if let Some(index) = names.get(&**name) {
            *sums.entry(*index).or_default() += value;
        }
    }
    sums.into_iter().collect()
}

/// A seed of its own for each named draw of a run.
fn stream(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
