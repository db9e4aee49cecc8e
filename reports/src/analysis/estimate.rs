//! A metric of some units with its interval and its bounds.

use std::collections::BTreeMap;

use rightsize_suites::metrics::add_as_right;
use rightsize_suites::{Measure, Parts};
use sha2::{Digest, Sha256};

use super::model::{Bounds, Estimate, Interval};
use crate::folder::Row;
use crate::run::Outcome;
use crate::stats::{bootstrap, wilson};

/// Confidence level of every interval.
const LEVEL: f64 = 0.95;

/// `metric` over `rows`. `name` tells this estimate from others of the run, so that each has its
/// own resamples under the run's `seed`.
pub fn of(metric: &Measure, rows: &[&Row], seed: u64, name: &str) -> Estimate {
    let value = metric.finish(&sum(rows.iter().map(|row| row.parts.as_slice())));
    let errors = rows.iter().any(|row| row.outcome == Outcome::Error);
    let bounds = value.filter(|_| errors).and_then(|worst| {
        let best = metric.finish(&best_case(rows))?;
        Some(Bounds { worst, best: best.max(worst) })
    });
    let key = metric.to_string();
    let interval = value.and_then(|value| interval(metric, value, rows, seed, name, &key));
    Estimate { metric: key, title: metric.title(), value, interval, bounds }
}

/// The name of a unit variant as serde writes it.
pub fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn sum<'a, N: AsRef<str> + 'a>(parts: impl Iterator<Item = &'a [(N, f64)]>) -> Parts {
    let mut total = Parts::new();
    for (name, value) in parts.flatten() {
        match total.get_mut(name.as_ref()) {
            Some(sum) => *sum += value,
            None => {
                total.insert(name.as_ref().to_owned(), *value);
            }
        }
    }
    total
}

/// The sums if every error had been a right answer.
fn best_case(rows: &[&Row]) -> Parts {
    let (errors, answers): (Vec<&Row>, Vec<&Row>) =
        rows.iter().copied().partition(|row| row.outcome == Outcome::Error);
    let mut total = sum(answers.iter().map(|row| row.parts.as_slice()));
    for (name, value) in errors.iter().flat_map(|row| &row.parts) {
        add_as_right(&mut total, name, *value);
    }
    total
}

/// Whether every unit is right or wrong. The mean accuracy over several axes gives shares between.
fn all_or_nothing(metric: &Measure, rows: &[&Row]) -> bool {
    let value = |row: &&Row| metric.finish(&sum(std::iter::once(row.parts.as_slice())));
    metric.is_proportion() && rows.iter().filter_map(value).all(|v| v == 0.0 || v == 1.0)
}

/// Wilson for a proportion of independent units; else a bootstrap over groups of units that belong
/// together: repeats of a sample, samples of a cluster.
fn interval(
    metric: &Measure,
    value: f64,
    rows: &[&Row],
    seed: u64,
    name: &str,
    key: &str,
) -> Option<Interval> {
    let groups = groups(rows);
    if groups.len() == rows.len() && all_or_nothing(metric, rows) {
        let n = rows.len() as u64;
        let right = (value * n as f64).round().max(0.0) as u64;
        let (lower, upper) = wilson::interval(right, n, wilson::Z95)?;
        return Some(Interval { lower, upper, level: LEVEL, method: "Wilson".into() });
    }
    let names: BTreeMap<&str, usize> = {
        let all: std::collections::BTreeSet<&str> =
            rows.iter().flat_map(|row| &row.parts).map(|(name, _)| &**name).collect();
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
        metric.finish(&total)
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

fn groups<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut groups: BTreeMap<(bool, &str), Vec<&'a Row>> = BTreeMap::new();
    for row in rows {
        let key = match &row.cluster {
            Some(cluster) => (true, &**cluster),
            None => (false, &*row.sample),
        };
        groups.entry(key).or_default().push(row);
    }
    groups.into_values().collect()
}

fn dense(group: &[&Row], names: &BTreeMap<&str, usize>) -> Vec<(usize, f64)> {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (name, value) in group.iter().flat_map(|row| &row.parts) {
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
