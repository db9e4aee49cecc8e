//! Labels in scope and the one out of scope, as in CLINC150 (Larson et al. 2019, "An Evaluation
//! Dataset for Intent Classification and Out-of-Scope Prediction").
//!
//! In-scope accuracy is the share of right labels among the samples whose label is in scope; one of
//! them that is held to be out of scope is wrong. Out-of-scope recall is the share of the samples
//! out of scope that are held to be so, precision the share of those held to be so that are. A
//! sample in which nothing could be read is held to be neither.

use super::Parts;
use super::precision_recall::Counts;

/// Statistics of one sample: `in:n`, `in:correct`, and `out:tp`, `out:fp`, `out:fn`.
pub(crate) fn parts(truth: &str, predicted: Option<&str>, outside: &str) -> Parts {
    let held_outside = predicted == Some(outside);
    let mut parts = Parts::new();
    let mut count = |name: &str, counts: bool| {
        if counts {
            parts.insert(name.to_owned(), 1.0);
        }
    };
    count("in:n", truth != outside);
    count("in:correct", truth != outside && predicted == Some(truth));
    count("out:tp", truth == outside && held_outside);
    count("out:fn", truth == outside && !held_outside);
    count("out:fp", truth != outside && held_outside);
    parts
}

/// The counts of the label out of scope.
pub(super) fn counts_of_parts(sum: &Parts) -> Counts {
    let part = |name: &str| sum.get(name).copied().unwrap_or(0.0);
    let tp = part("out:tp");
    Counts { tp, predicted: tp + part("out:fp"), gold: tp + part("out:fn") }
}

/// In-scope accuracy; `None` without a sample in scope.
pub(super) fn accuracy_of_parts(sum: &Parts) -> Option<f64> {
    let part = |name: &str| sum.get(name).copied().unwrap_or(0.0);
    (part("in:n") > 0.0).then(|| part("in:correct") / part("in:n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metric, add};

    /// Six samples by hand: four in scope, of which two are right; two out of scope, of which one is
    /// found; two held to be out of scope.
    #[test]
    fn by_hand() {
        let mut sum = Parts::from([("n".to_owned(), 6.0)]);
        for (truth, predicted) in [
            ("a", Some("a")),
            ("b", Some("b")),
            ("a", Some("other")),
            ("b", None),
            ("other", Some("other")),
            ("other", Some("a")),
        ] {
            add(&mut sum, &parts(truth, predicted, "other"));
        }
        assert_eq!(Metric::InScopeAccuracy.finish(&sum), Some(0.5));
        assert_eq!(Metric::OutOfScopeRecall.finish(&sum), Some(0.5));
        assert_eq!(Metric::OutOfScopePrecision.finish(&sum), Some(0.5));
    }

    #[test]
    fn nothing_on_one_side_is_undefined() {
        let sum = Parts::from([("n".to_owned(), 1.0), ("in:n".to_owned(), 1.0)]);
        assert_eq!(Metric::InScopeAccuracy.finish(&sum), Some(0.0));
        assert_eq!(Metric::OutOfScopeRecall.finish(&sum), None);
        assert_eq!(Metric::OutOfScopePrecision.finish(&sum), None);
    }
}
