//! The four span schemes of SemEval-2013 task 9 (Segura-Bedmar et al. 2013), as nervaluate 1.2.1
//! computes them.
//!
//! Predictions are taken in order, and each takes the first gold span still free that overlaps it.
//! What the pair counts as depends on the [`Scheme`]; a prediction without a pair is spurious, a
//! gold span without one is missed. Precision and recall are in [0, 1], a partial match counts one
//! half, and all are 0 where they are 0/0. Nervaluate's ends are inclusive, those of [`Span`] are
//! not.

use std::ops::AddAssign;

use super::precision_recall::{Counts, ratio};
use super::spans::Span;

/// The statistics of [`Scheme::Partial`].
pub const PARTIAL: &str = "(partial)";
/// The statistics of [`Scheme::EntityType`].
pub const TYPE: &str = "(type)";

/// What a pair of overlapping spans counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Correct with the same offsets and type, else incorrect.
    Strict,
    /// Correct with the same offsets, else incorrect.
    Exact,
    /// Correct with the same offsets, else partial.
    Partial,
    /// Correct with the same type, else incorrect.
    EntityType,
}

/// Numbers of pairs and of spans without one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// Pairs that agree.
    pub correct: f64,
    /// Pairs that do not.
    pub incorrect: f64,
    /// Pairs that agree in part.
    pub partial: f64,
    /// Gold spans without a prediction.
    pub missed: f64,
    /// Predictions without a gold span.
    pub spurious: f64,
}

impl Tally {
    /// Number of gold spans.
    pub fn possible(self) -> f64 {
        self.correct + self.incorrect + self.partial + self.missed
    }

    /// Number of predicted spans.
    pub fn actual(self) -> f64 {
        self.correct + self.incorrect + self.partial + self.spurious
    }

    /// The same numbers as true positives, predicted and expected; a partial match is half a true
    /// positive.
    pub fn counts(self) -> Counts {
        Counts {
            tp: self.correct + 0.5 * self.partial,
            predicted: self.actual(),
            gold: self.possible(),
        }
    }

    /// (correct + partial / 2) / actual.
    pub fn precision(self) -> f64 {
        ratio(self.correct + 0.5 * self.partial, self.actual())
    }

    /// (correct + partial / 2) / possible.
    pub fn recall(self) -> f64 {
        ratio(self.correct + 0.5 * self.partial, self.possible())
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        ratio(2.0 * precision * recall, precision + recall)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.correct += other.correct;
        self.incorrect += other.incorrect;
        self.partial += other.partial;
        self.missed += other.missed;
        self.spurious += other.spurious;
    }
}

/// Compares the spans of one document.
pub fn compare(gold: &[Span<'_>], predicted: &[Span<'_>], scheme: Scheme) -> Tally {
    let mut tally = Tally::default();
    let mut free = gold.to_vec();
    for span in predicted {
        let Some(index) = free.iter().position(|gold| gold.overlaps(*span)) else {
            tally.spurious += 1.0;
            continue;
        };
        let gold = free.remove(index);
        let (same_place, same_type) = (gold.same_place(*span), gold.label == span.label);
        let count = match scheme {
            Scheme::Strict if same_place && same_type => &mut tally.correct,
            Scheme::Exact | Scheme::Partial if same_place => &mut tally.correct,
            Scheme::EntityType if same_type => &mut tally.correct,
            Scheme::Partial => &mut tally.partial,
            Scheme::Strict | Scheme::Exact | Scheme::EntityType => &mut tally.incorrect,
        };
        *count += 1.0;
    }
    tally.missed = free.len() as f64;
    tally
}

/// Compares the spans of one type only, as if there were no others. A span with the wrong type is
/// thus missed under its own type and spurious under the other, so the tallies of all types need
/// not add up to that of [`compare`].
pub fn compare_type(
    gold: &[Span<'_>],
    predicted: &[Span<'_>],
    label: &str,
    scheme: Scheme,
) -> Tally {
    compare(&of_type(gold, label), &of_type(predicted, label), scheme)
}

fn of_type<'a>(spans: &[Span<'a>], label: &str) -> Vec<Span<'a>> {
    spans.iter().filter(|span| span.label == label).copied().collect()
}
