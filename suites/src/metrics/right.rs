//! The statistics that a right answer would have had in the place of none: what the best case of a
//! figure with errors is made of.

use super::measure::split_axis;
use super::{OF_A_RIGHT_ANSWER, Parts};

/// Adds one statistic of an answer that is wrong in all to `sum`, as it were if the answer had been
/// right: what it missed is found, and whatever counts right answers counts it too.
pub fn add_as_right(sum: &mut Parts, name: &str, value: f64) {
    let (axis, name) = split_axis(name);
    let mut add = |name: &str| *sum.entry(format!("{axis}{name}")).or_insert(0.0) += value;
    match name {
        "n" => ["n"].into_iter().chain(OF_A_RIGHT_ANSWER).for_each(add),
        "in:n" => ["in:n", "in:correct"].into_iter().for_each(add),
        // All cells of a row of the indicator matrix.
        "labels" => ["labels", "cells"].into_iter().for_each(add),
        "fn" => add("tp"),
        "out:fn" => add("out:tp"),
        name => match name.strip_prefix("fn:") {
            Some(label) => add(&format!("tp:{label}")),
            None => add(name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Measure, Metric};

    fn right(parts: &[(&str, f64)]) -> Parts {
        let mut sum = Parts::new();
        parts.iter().for_each(|(name, value)| add_as_right(&mut sum, name, *value));
        sum
    }

    #[test]
    fn on_every_axis() {
        let sum = right(&[
            ("n", 2.0),
            ("correct", 0.0),
            ("exact", 0.0),
            ("a/n", 2.0),
            ("a/correct", 0.0),
            ("a/labels", 6.0),
            ("a/fn:x/y:z", 2.0),
        ]);
        assert_eq!(Metric::Accuracy.finish(&sum), Some(1.0));
        assert_eq!(Metric::ExactMatch.finish(&sum), Some(1.0));
        assert_eq!(Measure::of_axis(Metric::Accuracy, "a").finish(&sum), Some(1.0));
        assert_eq!(Measure::of_axis(Metric::MicroF1, "a").finish(&sum), Some(1.0));
        assert_eq!(sum.get("a/tp:x/y:z"), Some(&2.0));
    }

    #[test]
    fn sets_ranks_and_scopes() {
        let sum = right(&[
            ("n", 1.0),
            ("labels", 3.0),
            ("cells", 0.0),
            ("jaccard", 0.0),
            ("rank", 0.0),
            ("in:n", 1.0),
            ("out:fn", 1.0),
            ("fn:a/b", 1.0),
        ]);
        for metric in [
            Metric::SubsetAccuracy,
            Metric::MicroF1,
            Metric::Jaccard,
            Metric::HammingAccuracy,
            Metric::RankScore,
            Metric::InScopeAccuracy,
            Metric::OutOfScopeRecall,
            Metric::OutOfScopePrecision,
        ] {
            assert_eq!(metric.finish(&sum), Some(1.0), "{}", metric.as_str());
        }
    }
}
