//! Scores of samples with any number of labels each, with scikit-learn's semantics on indicator
//! matrices (`zero_division=0`).
//!
//! Label sets are sets, so duplicates count once. A label outside the list is ignored, as
//! `MultiLabelBinarizer` ignores it. Averages: *micro* of all counts together, *macro* over the
//! labels of the list, *weighted* over them by their number of true samples, *samples* over the
//! samples, where one with neither true nor predicted labels scores 0. All figures are in [0, 1].

use std::collections::{BTreeMap, BTreeSet};

use super::precision_recall::{Counts, Scores, weighted_mean};

/// Scores over all samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Of the counts of all labels together.
    pub micro: Scores,
    /// Mean over the labels.
    pub macro_average: Scores,
    /// Mean over the labels, weighted by their number of true samples; 0 without any.
    pub weighted: Scores,
    /// Mean over the samples.
    pub samples: Scores,
    /// Share of samples whose sets are equal.
    pub subset_accuracy: f64,
    /// Share of wrong cells of the indicator matrix; less is better.
    pub hamming_loss: f64,
}

/// Scores of pairs of (true labels, predicted labels); `None` without pairs or labels.
pub fn report(pairs: &[(Vec<&str>, Vec<&str>)], labels: &[&str]) -> Option<Report> {
    let mut per_label: BTreeMap<&str, Counts> =
        labels.iter().map(|label| (*label, Counts::default())).collect();
    let known: BTreeSet<&str> = labels.iter().copied().collect();
    let mut rows = Vec::with_capacity(pairs.len());
    for (truth, predicted) in pairs {
        let (truth, predicted) = (in_list(truth, &known), in_list(predicted, &known));
        let mut row = Counts::default();
        for label in truth.union(&predicted) {
            let (expected, given) = (truth.contains(label), predicted.contains(label));
            let cell = Counts {
                tp: f64::from(expected && given),
                predicted: f64::from(given),
                gold: f64::from(expected),
            };
            row += cell;
            if let Some(counts) = per_label.get_mut(label) {
                *counts += cell;
            }
        }
        rows.push(row);
    }
    let mut total = Counts::default();
    rows.iter().for_each(|row| total += *row);
    let wrong = |counts: &Counts| counts.predicted + counts.gold - 2.0 * counts.tp;
    let n = rows.len() as f64;
    Some(Report {
        micro: total.scores(),
        macro_average: weighted_mean(per_label.values().map(|c| (1.0, c.scores())))?,
        weighted: weighted_mean(per_label.values().map(|c| (c.gold, c.scores())))
            .unwrap_or_default(),
        samples: weighted_mean(rows.iter().map(|row| (1.0, row.scores())))?,
        subset_accuracy: rows.iter().filter(|row| wrong(row) == 0.0).count() as f64 / n,
        hamming_loss: wrong(&total) / (n * per_label.len() as f64),
    })
}

fn in_list<'a>(side: &[&str], known: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    side.iter().filter_map(|label| known.get::<str>(label).copied()).collect()
}
