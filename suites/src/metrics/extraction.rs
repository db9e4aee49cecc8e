//! Micro F1 over fields, with the null table of slot filling.
//!
//! | gold | prediction | counts |
//! |---|---|---|
//! | null | null | nothing (true negative) |
//! | null | value | FP ("invented") |
//! | value | null | FN ("missing") |
//! | value | the same value | TP |
//! | value | another value | FP and FN ("wrong") |
//!
//! F1 = TP / (TP + (FP + FN) / 2), the micro F1 of the SROIE and Donut evaluations
//! (Huang et al. 2019; Kim et al. 2022, `JSONParseEvaluator.cal_f1`). Range [0, 1].

use super::Parts;
use super::precision_recall::Counts;

/// How one field of one document came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Value expected, the same value given.
    Exact,
    /// Value expected, none given.
    Missing,
    /// No value expected, one given.
    Invented,
    /// Value expected, another given.
    Wrong,
    /// No value expected, none given.
    Absent,
}

impl Verdict {
    /// The word in a record's detail.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::Missing => "missing",
            Verdict::Invented => "invented",
            Verdict::Wrong => "wrong",
            Verdict::Absent => "absent",
        }
    }

    /// True positives, false positives and false negatives of the field.
    pub fn counts(self) -> (f64, f64, f64) {
        match self {
            Verdict::Exact => (1.0, 0.0, 0.0),
            Verdict::Missing => (0.0, 0.0, 1.0),
            Verdict::Invented => (0.0, 1.0, 0.0),
            Verdict::Wrong => (0.0, 1.0, 1.0),
            Verdict::Absent => (0.0, 0.0, 0.0),
        }
    }
}

/// How often each verdict was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of [`Verdict::Exact`].
    pub exact: u64,
    /// Of [`Verdict::Missing`].
    pub missing: u64,
    /// Of [`Verdict::Invented`].
    pub invented: u64,
    /// Of [`Verdict::Wrong`].
    pub wrong: u64,
    /// Of [`Verdict::Absent`].
    pub absent: u64,
}

impl Tally {
    /// Counts a verdict.
    pub fn add(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Exact => &mut self.exact,
            Verdict::Missing => &mut self.missing,
            Verdict::Invented => &mut self.invented,
            Verdict::Wrong => &mut self.wrong,
            Verdict::Absent => &mut self.absent,
        };
        *count = count.saturating_add(1);
    }

    /// The verdicts that were given, with their numbers.
    pub fn given(&self) -> impl Iterator<Item = (Verdict, u64)> {
        let all = [
            (Verdict::Exact, self.exact),
            (Verdict::Missing, self.missing),
            (Verdict::Invented, self.invented),
            (Verdict::Wrong, self.wrong),
            (Verdict::Absent, self.absent),
        ];
        all.into_iter().filter(|(_, count)| *count > 0)
    }

    /// Whether nothing is missing, invented or wrong.
    pub fn is_right(&self) -> bool {
        self.missing == 0 && self.invented == 0 && self.wrong == 0
    }

    /// True positives, false positives and false negatives.
    pub fn counts(&self) -> (f64, f64, f64) {
        self.given().fold((0.0, 0.0, 0.0), |(tp, fp, fn_), (verdict, count)| {
            let (a, b, c) = verdict.counts();
            let count = count as f64;
            (tp + a * count, fp + b * count, fn_ + c * count)
        })
    }
}

impl From<Verdict> for Tally {
    fn from(verdict: Verdict) -> Tally {
        let mut tally = Tally::default();
        tally.add(verdict);
        tally
    }
}

/// F1 of counts; `None` where nothing was expected and nothing given.
pub fn f1(tp: f64, fp: f64, fn_: f64) -> Option<f64> {
    Counts { tp, predicted: tp + fp, gold: tp + fn_ }.defined_f(1.0)
}

/// Field F1 of summed statistics. Where no document had or got any value, the share of documents
/// that are right stands in, so that a suite of empty documents is neither 0 nor undefined.
pub(super) fn field_f1_of_parts(sum: &Parts) -> f64 {
    let part = |name: &str| sum.get(name).copied().unwrap_or(0.0);
    f1(part("tp"), part("fp"), part("fn")).unwrap_or_else(|| part("document") / part("n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Donut evaluation's own arithmetic: 3 right, 1 wrong, 1 missing.
    #[test]
    fn micro_f1() {
        let (mut tp, mut fp, mut fn_) = (0.0, 0.0, 0.0);
        use Verdict::{Absent, Exact, Missing, Wrong};
        for verdict in [Exact, Exact, Exact, Wrong, Missing, Absent] {
            let (a, b, c) = verdict.counts();
            tp += a;
            fp += b;
            fn_ += c;
        }
        assert_eq!((tp, fp, fn_), (3.0, 1.0, 2.0));
        assert_eq!(f1(tp, fp, fn_), Some(3.0 / 4.5));
    }

    #[test]
    fn nothing_expected_and_nothing_given_has_no_f1() {
        assert_eq!(f1(0.0, 0.0, 0.0), None);
        assert_eq!(f1(0.0, 1.0, 0.0), Some(0.0));
    }
}
