//! Precision, recall, F and Jaccard of counts, and their means over groups (van Rijsbergen 1979;
//! scikit-learn's `precision_recall_fscore_support` and `jaccard_score` with `zero_division=0`).
//!
//! All figures are in [0, 1], and 0 where they are 0/0.

use std::ops::AddAssign;

/// How much was found, how much was predicted and how much was there to find.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// True positives: predicted and expected.
    pub tp: f64,
    /// All that was predicted.
    pub predicted: f64,
    /// All that was expected, the support.
    pub gold: f64,
}

impl Counts {
    /// TP / predicted.
    pub fn precision(self) -> f64 {
        ratio(self.tp, self.predicted)
    }

    /// TP / gold.
    pub fn recall(self) -> f64 {
        ratio(self.tp, self.gold)
    }

    /// Weighted harmonic mean of precision and recall, where recall counts `beta` times as much:
    /// (1 + β²) TP / (β² gold + predicted).
    pub fn f(self, beta: f64) -> f64 {
        let weight = beta * beta;
        ratio((1.0 + weight) * self.tp, weight * self.gold + self.predicted)
    }

    /// Intersection over union: TP / (predicted + gold − TP).
    pub fn jaccard(self) -> f64 {
        ratio(self.tp, self.predicted + self.gold - self.tp)
    }

    /// The precision; `None` where nothing was predicted.
    pub fn defined_precision(self) -> Option<f64> {
        (self.predicted > 0.0).then(|| self.precision())
    }

    /// The recall; `None` where nothing was expected.
    pub fn defined_recall(self) -> Option<f64> {
        (self.gold > 0.0).then(|| self.recall())
    }

    /// F; `None` where it is 0/0: nothing was predicted and nothing expected.
    pub fn defined_f(self, beta: f64) -> Option<f64> {
        (beta * beta * self.gold + self.predicted > 0.0).then(|| self.f(beta))
    }

    /// The figures of these counts.
    pub fn scores(self) -> Scores {
        Scores {
            precision: self.precision(),
            recall: self.recall(),
            f1: self.f(1.0),
            jaccard: self.jaccard(),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.tp += other.tp;
        self.predicted += other.predicted;
        self.gold += other.gold;
    }
}

/// The figures of one group, or their mean over groups.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// Share of the predicted that is right.
    pub precision: f64,
    /// Share of the expected that was found.
    pub recall: f64,
    /// Harmonic mean of the two; in a mean over groups, the mean of the groups' F1.
    pub f1: f64,
    /// Intersection over union.
    pub jaccard: f64,
}

/// Mean of weighted scores; `None` where the weights add up to 0.
pub fn weighted_mean(parts: impl IntoIterator<Item = (f64, Scores)>) -> Option<Scores> {
    let (mut total, mut sum) = (0.0, Scores::default());
    for (weight, scores) in parts {
        total += weight;
        sum.precision += weight * scores.precision;
        sum.recall += weight * scores.recall;
        sum.f1 += weight * scores.f1;
        sum.jaccard += weight * scores.jaccard;
    }
    (total > 0.0).then(|| Scores {
        precision: sum.precision / total,
        recall: sum.recall / total,
        f1: sum.f1 / total,
        jaccard: sum.jaccard / total,
    })
}

/// A quotient, 0 without a positive denominator.
pub(super) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 { numerator / denominator } else { 0.0 }
}
