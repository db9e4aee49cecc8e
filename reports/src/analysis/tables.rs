//! Tables of single task kinds: confusion matrices, per-label and per-field tables.

use std::collections::{BTreeMap, BTreeSet};

use rightsize_suites::metrics::measure;

use super::model::{AxisTables, Confusion, FieldRow, LabelRow, Mistake};
use crate::folder::{Row, Verdict};
use crate::run::{AxisFacts, Outcome, SuiteFacts};

/// Columns after the labels: nothing could be read; there was no answer.
pub const EXTRA_COLUMNS: [&str; 2] = ["nothing read", "error"];

/// An expected label, the label that was read, and what became of the unit.
type Read<'a> = (&'a str, Option<&'a str>, Outcome);

/// Expected against predicted labels of a suite with one label a sample.
pub fn confusion<'a>(labels: &[String], rows: &[&'a Row]) -> Option<Confusion> {
    let read = |row: &&'a Row| -> Option<Read<'a>> {
        match &row.verdict {
            Verdict::Labels { expected, predicted } => {
                Some((expected, predicted.as_deref(), row.outcome))
            }
            _ => None,
        }
    };
    matrix(labels, rows.iter().filter_map(read))
}

/// The tables of each axis of a suite with several, or with label sets.
pub fn axes(facts: &SuiteFacts, rows: &[&Row]) -> Vec<AxisTables> {
    let several = facts.axes.len() > 1;
    let parts = if facts.axes.iter().any(|a| a.multiple) { sum(rows) } else { BTreeMap::new() };
    let tables = |axis: &AxisFacts| AxisTables {
        axis: axis.name.clone(),
        confusion: matrix(&axis.labels, read_on(&axis.name, rows)),
        labels: match axis.multiple {
            true => {
                let prefix = if several { measure::prefix(&axis.name) } else { String::new() };
                axis.labels.iter().map(|label| label_row(label, &prefix, &parts)).collect()
            }
            false => Vec::new(),
        },
    };
    facts.axes.iter().map(tables).collect()
}

fn read_on<'a>(axis: &str, rows: &[&'a Row]) -> impl Iterator<Item = Read<'a>> + Clone {
    let read = move |row: &&'a Row| match &row.verdict {
        Verdict::Axes(axes) => axes
            .iter()
            .find(|on| &*on.axis == axis)
            .map(|on| (&*on.expected, on.predicted.as_deref(), row.outcome)),
        _ => None,
    };
    rows.iter().filter_map(read)
}

fn label_row(label: &str, prefix: &str, parts: &BTreeMap<&str, f64>) -> LabelRow {
    let part = |kind: &str| parts.get(format!("{prefix}{kind}:{label}").as_str()).copied();
    let [tp, fp, missed] = ["tp", "fp", "fn"].map(|kind| part(kind).unwrap_or(0.0));
    LabelRow {
        label: label.to_owned(),
        expected: (tp + missed).round() as u64,
        predicted: (tp + fp).round() as u64,
        right: tp.round() as u64,
        precision: ratio(tp, tp + fp),
        recall: ratio(tp, tp + missed),
        f1: ratio(2.0 * tp, 2.0 * tp + fp + missed),
    }
}

fn sum<'a>(rows: &[&'a Row]) -> BTreeMap<&'a str, f64> {
    let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, value) in rows.iter().flat_map(|row| &row.parts) {
        *parts.entry(&**name).or_default() += value;
    }
    parts
}

/// A confusion matrix. Labels that the suite does not name follow those it does.
fn matrix<'a>(
    suite: &[String],
    verdicts: impl Iterator<Item = Read<'a>> + Clone,
) -> Option<Confusion> {
    verdicts.clone().next()?;
    let known: BTreeSet<&str> = suite.iter().map(String::as_str).collect();
    let more: BTreeSet<&str> = verdicts
        .clone()
        .flat_map(|(expected, predicted, _)| predicted.into_iter().chain([expected]))
        .filter(|label| !known.contains(label))
        .collect();
    let labels: Vec<String> =
        suite.iter().cloned().chain(more.into_iter().map(str::to_owned)).collect();
    let index: BTreeMap<&str, usize> =
        labels.iter().enumerate().map(|(i, label)| (label.as_str(), i)).collect();
    let width = labels.len() + EXTRA_COLUMNS.len();
    let mut counts = vec![vec![0u64; width]; labels.len()];
    for (expected, predicted, outcome) in verdicts {
        let column = match (outcome, predicted.and_then(|label| index.get(label))) {
            (Outcome::Error, _) => labels.len() + 1,
            (Outcome::Scored, Some(column)) => *column,
            _ => labels.len(),
        };
        let row = index.get(expected).and_then(|row| counts.get_mut(*row));
        if let Some(slot) = row.and_then(|row| row.get_mut(column)) {
            *slot += 1;
        }
    }
    let top = mistakes(&labels, &counts);
    Some(Confusion { labels, counts, top })
}

fn mistakes(labels: &[String], counts: &[Vec<u64>]) -> Vec<Mistake> {
    let columns: Vec<&str> = labels.iter().map(String::as_str).chain(EXTRA_COLUMNS).collect();
    let mut top = Vec::new();
    for ((row, expected), counted) in labels.iter().enumerate().zip(counts) {
        let of: u64 = counted.iter().sum();
        for ((column, predicted), count) in columns.iter().enumerate().zip(counted) {
            if column != row && *count > 0 {
                top.push(Mistake {
                    expected: expected.clone(),
                    predicted: (*predicted).to_owned(),
                    count: *count,
                    of,
                });
            }
        }
    }
    top.sort_by(|a, b| {
        (b.count, &a.expected, &a.predicted).cmp(&(a.count, &b.expected, &b.predicted))
    });
    top
}

/// What became of each field, and of each column of a list: verdicts counted, precision, recall and F1 from the additive parts
/// (a wrong value is both a false positive and a false negative).
pub fn fields(facts: &SuiteFacts, rows: &[&Row]) -> Vec<FieldRow> {
    if rows.iter().all(|row| !matches!(row.verdict, Verdict::Fields(_))) {
        return Vec::new();
    }
    let parts = sum(rows);
    let mut verdicts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in rows {
        if let Verdict::Fields(fields) = &row.verdict {
            for (field, verdict, count) in fields {
                let counted = verdicts.entry((&**field, &**verdict)).or_default();
                *counted = counted.saturating_add(*count);
            }
        }
    }
    let row = |field: &String| {
        let count = |verdict: &str| verdicts.get(&(field.as_str(), verdict)).copied().unwrap_or(0);
        let part = |kind: &str| parts.get(format!("{kind}:{field}").as_str()).copied();
        let (tp, fp, missed) = (part("tp"), part("fp"), part("fn"));
        let (tp, fp, missed) = (tp.unwrap_or(0.0), fp.unwrap_or(0.0), missed.unwrap_or(0.0));
        FieldRow {
            field: field.clone(),
            exact: count("exact"),
            wrong: count("wrong"),
            missing: count("missing"),
            invented: count("invented"),
            absent: count("absent"),
            precision: ratio(tp, tp + fp),
            recall: ratio(tp, tp + missed),
            f1: ratio(2.0 * tp, 2.0 * tp + fp + missed),
        }
    };
    facts.fields.iter().map(row).collect()
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
