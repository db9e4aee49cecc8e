//! Scores of samples with any number of labels each, with scikit-learn's semantics on indicator
//! matrices (`zero_division=0`).
//!
//! Label sets are sets, so duplicates count once. A label outside the list is ignored, as
//! `MultiLabelBinarizer` ignores it. Averages: *micro* of all counts together, *macro* over the
//! labels of the list, *weighted* over them by their number of true samples, *samples* over the
//! samples, where one with neither true nor predicted labels scores 0. All figures are in [0, 1].

use std::collections::{BTreeMap, BTreeSet};

use super::Parts;
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

/// Statistics of one sample, from which [`super::Metric`] makes subset accuracy (`correct`), micro
/// and macro F1 (`tp:LABEL`, `fp:LABEL`, `fn:LABEL`), the mean Jaccard index (`jaccard`) and one
/// less the Hamming loss (`cells` of `labels` are right). `predicted` is absent where nothing was
/// read: that has no right cell, and is not the empty set.
///
/// In the Jaccard index two empty sets count 1, as with scikit-learn's `zero_division=1`: a right
/// answer is worth 1 in every metric.
pub(crate) fn parts(
    truth: &BTreeSet<&str>,
    predicted: Option<&BTreeSet<&str>>,
    labels: usize,
) -> Parts {
    let nothing = BTreeSet::new();
    let given = predicted.unwrap_or(&nothing);
    let mut parts = Parts::new();
    let mut wrong = 0.0;
    for label in truth.union(given) {
        let kind = match (truth.contains(label), given.contains(label)) {
            (true, true) => "tp",
            (true, false) => "fn",
            (false, _) => "fp",
        };
        wrong += f64::from(u8::from(kind != "tp"));
        parts.insert(format!("{kind}:{label}"), 1.0);
    }
    let union = parts.len() as f64;
    let read = f64::from(u8::from(predicted.is_some()));
    let jaccard = if union > 0.0 { (union - wrong) / union } else { 1.0 };
    let correct = if wrong == 0.0 { read } else { 0.0 };
    let labels = labels as f64;
    for (name, value) in [
        ("n", 1.0),
        ("labels", labels),
        ("correct", correct),
        ("jaccard", read * jaccard),
        ("cells", read * (labels - wrong)),
    ] {
        parts.insert(name.to_owned(), value);
    }
    parts
}

/// Micro F1 of summed statistics; `None` where no label was expected and none predicted.
pub(super) fn micro_f1_of_parts(sum: &Parts) -> Option<f64> {
    let mut total = Counts::default();
    for (name, value) in sum {
        total += match name.split_once(':').map(|(kind, _)| kind) {
            Some("tp") => Counts { tp: *value, predicted: *value, gold: *value },
            Some("fp") => Counts { predicted: *value, ..Counts::default() },
            Some("fn") => Counts { gold: *value, ..Counts::default() },
            _ => continue,
        };
    }
    total.defined_f(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metric, add};
    use proptest::prelude::*;

    const LABELS: [&str; 4] = ["a", "b", "c:d", "e"];

    fn of_bits(bits: u8) -> Vec<&'static str> {
        LABELS.into_iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, l)| l).collect()
    }

    proptest! {
        /// `finish` of summed statistics is the report over all samples, which is held against
        /// scikit-learn; the Jaccard index where no two sets are empty, for which the conventions
        /// differ.
        #[test]
        fn statistics_are_additive(pairs in prop::collection::vec((0u8..16, 0u8..16), 1..40)) {
            let pairs: Vec<_> = pairs.into_iter().map(|(t, p)| (of_bits(t), of_bits(p))).collect();
            let mut sum = Parts::new();
            for (truth, predicted) in &pairs {
                let [truth, predicted] = [truth, predicted].map(|s| s.iter().copied().collect());
                add(&mut sum, &parts(&truth, Some(&predicted), LABELS.len()));
            }
            let report = report(&pairs, &LABELS).unwrap();
            let mut expected = vec![
                (Metric::SubsetAccuracy, report.subset_accuracy),
                (Metric::MacroF1, report.macro_average.f1),
                (Metric::HammingAccuracy, 1.0 - report.hamming_loss),
            ];
            if pairs.iter().any(|(t, p)| !t.is_empty() || !p.is_empty()) {
                expected.push((Metric::MicroF1, report.micro.f1));
            }
            if pairs.iter().all(|(t, p)| !t.is_empty() || !p.is_empty()) {
                expected.push((Metric::Jaccard, report.samples.jaccard));
            }
            for (metric, figure) in expected {
                let ours = metric.finish(&sum).unwrap();
                prop_assert!((ours - figure).abs() < 1e-12, "{} {ours} {figure}", metric.as_str());
            }
        }
    }

    #[test]
    fn nothing_read_is_not_the_empty_set() {
        let empty = BTreeSet::new();
        let figures = |predicted| {
            let parts = parts(&empty, predicted, 3);
            [Metric::SubsetAccuracy, Metric::Jaccard, Metric::HammingAccuracy]
                .map(|metric| metric.finish(&parts).unwrap())
        };
        assert_eq!(figures(Some(&empty)), [1.0; 3]);
        assert_eq!(figures(None), [0.0; 3]);
    }
}
