//! From the repeats of a sample to one set of statistics: metrics count samples, never repeats.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rightsize_suites::metrics::add_as_right;
use rightsize_suites::metrics::measure::split_axis;
use rightsize_suites::metrics::pass_at_k::{pass_at_k, pass_hat_k};
use rightsize_suites::{Parts, Reduce};

use crate::folder::Row;
use crate::run::Outcome;

/// Additive statistics of a row, as the folder holds them.
pub type RowParts = Vec<(Arc<str>, f64)>;

/// The statistics that are 0 or 1 for each answer: what `pass@k` counts.
const PASSES: [&str; 7] =
    ["correct", "document", "exact", "call_accuracy", "tool_accuracy", "schema_valid", "pass_rate"];

/// Whether a statistic is 0 or 1 for each answer. Those of one axis of several stand behind its name
/// and a slash; `correct` of all of them is a share.
fn passes_by(name: &str, several_axes: bool) -> bool {
    match split_axis(name) {
        ("", name) => PASSES.contains(&name) && !(several_axes && name == "correct"),
        (_, of_axis) => PASSES.contains(&of_axis),
    }
}

/// A sample as metrics see it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// Any of its rows, for what all of them share.
    pub row: &'a Row,
    /// Its statistics; `n` is 1.
    pub parts: Cow<'a, RowParts>,
    /// Whether they are those of one answer, so that what is right or wrong is 0 or 1.
    pub whole: bool,
}

/// How errors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// As wrong answers: the headline.
    Wrong,
    /// As right answers: the best case.
    Right,
}

/// The samples behind `rows`, in which the repeats of a sample stand together.
pub fn samples<'r, 'a>(
    rows: &'r [&'a Row],
    reduce: Reduce,
    errors: Errors,
) -> impl Iterator<Item = Sample<'a>> + use<'r, 'a> {
    let repeats = rows.chunk_by(|a, b| a.sample == b.sample);
    repeats.filter_map(move |repeats| sample(repeats, reduce, errors))
}

/// How many samples are behind `rows`.
pub fn count(rows: &[&Row]) -> u64 {
    rows.chunk_by(|a, b| a.sample == b.sample).count() as u64
}

fn sample<'a>(repeats: &[&'a Row], reduce: Reduce, errors: Errors) -> Option<Sample<'a>> {
    let row: &'a Row = repeats.first()?;
    let (parts, whole) = match (reduce, repeats) {
        (Reduce::Mean | Reduce::Majority, [one]) => (parts_of(one, errors), true),
        (Reduce::Mean, _) => (Cow::Owned(mean(repeats, errors).into_iter().collect()), false),
        (Reduce::Majority, _) => (majority(repeats, errors)?, true),
        (Reduce::PassAt(k), _) => (passes(repeats, errors, k, pass_at_k), false),
        (Reduce::PassHat(k), _) => (passes(repeats, errors, k, pass_hat_k), false),
    };
    Some(Sample { row, parts, whole })
}

fn parts_of(row: &Row, errors: Errors) -> Cow<'_, RowParts> {
    match (errors, row.outcome) {
        (Errors::Right, Outcome::Error) => Cow::Owned(as_if_right(&row.parts)),
        _ => Cow::Borrowed(&row.parts),
    }
}

/// The statistics of an error if it had been a right answer.
fn as_if_right(parts: &RowParts) -> RowParts {
    let mut right = Parts::new();
    parts.iter().for_each(|(name, value)| add_as_right(&mut right, name, *value));
    right.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
}

fn mean(repeats: &[&Row], errors: Errors) -> BTreeMap<Arc<str>, f64> {
    let mut sums: BTreeMap<Arc<str>, f64> = BTreeMap::new();
    for row in repeats {
        for (name, value) in parts_of(row, errors).iter() {
            *sums.entry(name.clone()).or_default() += value;
        }
    }
    sums.values_mut().for_each(|sum| *sum /= repeats.len() as f64);
    sums
}

/// The mean, in which what is right or wrong is an estimate over draws of k repeats. Repeats that
/// were never made up to k count as wrong, as units without an answer do everywhere.
fn passes<'a>(
    repeats: &[&'a Row],
    errors: Errors,
    k: u32,
    estimate: fn(u64, u64, u64) -> Option<f64>,
) -> Cow<'a, RowParts> {
    let mut parts = mean(repeats, errors);
    let n = (repeats.len() as u64).max(u64::from(k));
    let several_axes = parts.keys().any(|name| !split_axis(name).0.is_empty());
    for (name, value) in &mut parts {
        if passes_by(name, several_axes) {
            // The mean of zeros and ones is their count again.
            let right = (*value * repeats.len() as f64).round() as u64;
            *value = estimate(n, right, u64::from(k)).unwrap_or(0.0);
        }
    }
    Cow::Owned(parts.into_iter().collect())
}

/// What a repeat votes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Vote {
    /// An answer that was read, by its digest.
    Answer(u64),
    /// The right answer: in the best case, errors are votes for it.
    Right,
    /// Nothing that could be read, or no answer.
    Nothing,
}

/// The statistics of the answer that most repeats gave. Repeats without a readable answer vote
/// together for none. Of answers with as many votes the one that was given first counts, and any
/// answer before none.
fn majority<'a>(repeats: &[&'a Row], errors: Errors) -> Option<Cow<'a, RowParts>> {
    let best_case = errors == Errors::Right;
    let vote = |row: &Row| match (row.outcome, row.reading) {
        (Outcome::Error, _) if best_case => Vote::Right,
        (Outcome::Scored, _) if best_case && row.score.is_some_and(|s| s >= 1.0) => Vote::Right,
        (Outcome::Scored, Some(reading)) => Vote::Answer(reading),
        // A record of another version without a reading: what was scored counts as it was scored.
        (Outcome::Scored, None) => Vote::Answer(row.score.unwrap_or(0.0).to_bits()),
        _ => Vote::Nothing,
    };
    let mut votes: BTreeMap<Vote, usize> = BTreeMap::new();
    for row in repeats {
        *votes.entry(vote(row)).or_default() += 1;
    }
    let ranked = |row: &&&'a Row| {
        let vote = vote(row);
        let preferred = match vote {
            Vote::Right => 2,
            Vote::Answer(_) => 1,
            Vote::Nothing => 0,
        };
        (votes.get(&vote).copied().unwrap_or(0), preferred)
    };
    // `max_by_key` takes the last of equals, and the first is wanted.
    let winner: &'a Row = repeats.iter().rev().max_by_key(ranked)?;
    Some(parts_of(winner, errors))
}

#[cfg(test)]
#[path = "repeats/tests.rs"]
mod tests;
