//! Accuracy and macro-averaged F1, with scikit-learn's semantics (`accuracy_score`,
//! `f1_score(average="macro", labels=..., zero_division=0)`).
//!
//! F1 of a label = 2 TP / (2 TP + FP + FN), and 0 where that is 0/0 (`zero_division=0`).
//! Macro F1 = mean over **the labels of the suite**, also over those that never occur. A prediction
//! outside the list (nothing could be read, for instance) is a false negative of the true label and
//! no false positive of any. Both are in [0, 1]; without samples they are undefined.

use std::collections::BTreeMap;

use super::Parts;

/// Share of equal pairs; `None` without pairs.
pub fn accuracy(pairs: &[(&str, &str)]) -> Option<f64> {
    let right = pairs.iter().filter(|(truth, predicted)| truth == predicted).count();
    (!pairs.is_empty()).then(|| right as f64 / pairs.len() as f64)
}

/// Macro F1 of pairs of (truth, prediction) over `labels`; `None` without pairs or labels.
pub fn macro_f1(pairs: &[(&str, &str)], labels: &[&str]) -> Option<f64> {
    if pairs.is_empty() || labels.is_empty() {
        return None;
    }
    let f1s = labels.iter().map(|label| {
        let count = |test: fn(bool, bool) -> bool| {
            pairs.iter().filter(|(t, p)| test(t == label, p == label)).count() as f64
        };
        f1(count(|t, p| t && p), count(|t, p| !t && p), count(|t, p| t && !p))
    });
    Some(f1s.sum::<f64>() / labels.len() as f64)
}

/// F1 of one label's counts, 0 where it is 0/0.
pub fn f1(tp: f64, fp: f64, fn_: f64) -> f64 {
    let denominator = 2.0 * tp + fp + fn_;
    if denominator > 0.0 { 2.0 * tp / denominator } else { 0.0 }
}

/// Macro F1 of summed statistics. Labels that do not occur in the sum have F1 0, so their number is
/// all that is needed of them.
pub(super) fn macro_f1_of_parts(sum: &Parts, labels: f64) -> f64 {
    let mut counts: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for (name, value) in sum {
        let Some((kind, label)) = name.split_once(':') else {
            continue;
        };
        let slot = match kind {
            "tp" => 0,
            "fp" => 1,
            "fn" => 2,
            _ => continue,
        };
        if let Some(count) = counts.entry(label).or_default().get_mut(slot) {
            *count += value;
        }
    }
    let total: f64 = counts.values().map(|[tp, fp, fn_]| f1(*tp, *fp, *fn_)).sum();
    if labels > 0.0 { total / labels } else { 0.0 }
}
