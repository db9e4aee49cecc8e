//! Classification with one label each, with scikit-learn's semantics (`accuracy_score`,
//! `precision_recall_fscore_support`, `confusion_matrix`, `balanced_accuracy_score`,
//! `matthews_corrcoef`, `cohen_kappa_score`).
//!
//! Per label: precision = TP / (TP + FP), recall = TP / (TP + FN),
//! F = (1 + β²) TP / (β² (TP + FN) + TP + FP), where 0/0 counts 0 unless named otherwise.
//! Averages run over **the labels that are given**, also over those that never occur. A prediction
//! outside the list (nothing could be read, for instance) is a false negative of the true label and
//! no false positive of any, so that the micro average can differ from the accuracy.
//!
//! MCC and kappa are in [-1, 1], all others in [0, 1]. Without samples they are undefined.

use std::collections::{BTreeMap, BTreeSet};

use super::Parts;
use super::precision_recall::Counts;

/// Share of equal pairs; `None` without pairs.
pub fn accuracy(pairs: &[(&str, &str)]) -> Option<f64> {
    let right = pairs.iter().filter(|(truth, predicted)| truth == predicted).count();
    (!pairs.is_empty()).then(|| right as f64 / pairs.len() as f64)
}

/// Macro F1 of pairs of (truth, prediction) over `labels`; `None` without pairs or labels.
pub fn macro_f1(pairs: &[(&str, &str)], labels: &[&str]) -> Option<f64> {
    averaged(pairs, labels, Average::Macro, Rule::default()).map(|scores| scores.f)
}

/// The labels that occur as truth or prediction, by code point.
pub fn observed_labels<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let labels: BTreeSet<&str> = pairs.iter().flat_map(|(t, p)| [*t, *p]).collect();
    labels.into_iter().collect()
}

/// How precision, recall and F are made of counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Weight of recall against precision: 1 for F1, 2 for F2.
    pub beta: f64,
    /// What 0/0 counts, 0 or 1.
    pub zero_division: f64,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule { beta: 1.0, zero_division: 0.0 }
    }
}

/// Precision, recall and F.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Share of right ones among those predicted.
    pub precision: f64,
    /// Share of found ones among those true.
    pub recall: f64,
    /// Weighted harmonic mean of both.
    pub f: f64,
}

/// How figures of labels become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Figures of the summed counts.
    Micro,
    /// Mean over labels.
    Macro,
    /// Mean over labels, weighted by how often each is true.
    Weighted,
}

fn scores(counts: Counts, rule: Rule) -> Scores {
    let or_rule = |figure: Option<f64>| figure.unwrap_or(rule.zero_division);
    Scores {
        precision: or_rule(counts.defined_precision()),
        recall: or_rule(counts.defined_recall()),
        f: or_rule(counts.defined_f(rule.beta)),
    }
}

/// Counts of each label.
fn counts_of<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, Counts> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for (truth, predicted) in pairs {
        counts.entry(truth).or_default().gold += 1.0;
        let count = counts.entry(predicted).or_default();
        count.predicted += 1.0;
        if truth == predicted {
            count.tp += 1.0;
        }
    }
    counts
}

/// Scores and support (number of samples where the label is true) of each label.
pub fn per_label(pairs: &[(&str, &str)], labels: &[&str], rule: Rule) -> Vec<(Scores, f64)> {
    let counts = counts_of(pairs);
    let count = |label: &&str| counts.get(label).copied().unwrap_or_default();
    labels.iter().map(count).map(|count| (scores(count, rule), count.gold)).collect()
}

/// Scores over `labels`; `None` without pairs or labels. Where none of the labels is ever true, the
/// weighted average is the plain mean.
pub fn averaged(
    pairs: &[(&str, &str)],
    labels: &[&str],
    average: Average,
    rule: Rule,
) -> Option<Scores> {
    if pairs.is_empty() || labels.is_empty() {
        return None;
    }
    if average == Average::Micro {
        let counts = counts_of(pairs);
        let mut sum = Counts::default();
        for count in labels.iter().filter_map(|label| counts.get(label)) {
            sum += *count;
        }
        return Some(scores(sum, rule));
    }
    let scores = per_label(pairs, labels, rule);
    let supported = scores.iter().any(|(_, support)| *support > 0.0);
    let by_support = average == Average::Weighted && supported;
    let mean = |figure: fn(&Scores) -> f64| {
        let weight = |support: f64| if by_support { support } else { 1.0 };
        let sum: f64 = scores.iter().map(|(s, support)| figure(s) * weight(*support)).sum();
        sum / scores.iter().map(|(_, support)| weight(*support)).sum::<f64>()
    };
    Some(Scores { precision: mean(|s| s.precision), recall: mean(|s| s.recall), f: mean(|s| s.f) })
}

/// The confusion matrix: a row for each true label, a column for each prediction. Samples with a
/// label outside the list are left out.
pub fn confusion(pairs: &[(&str, &str)], labels: &[&str]) -> Vec<Vec<usize>> {
    let mut cells: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for pair in pairs {
        let cell = cells.entry(*pair).or_default();
        *cell = cell.saturating_add(1);
    }
    let cell = |truth, predicted| cells.get(&(truth, predicted)).copied().unwrap_or(0);
    labels.iter().map(|t| labels.iter().map(|p| cell(*t, *p)).collect()).collect()
}

/// Mean recall over the labels that are true somewhere; `None` without pairs.
pub fn balanced_accuracy(pairs: &[(&str, &str)]) -> Option<f64> {
    let counts = counts_of(pairs);
    let recalls: Vec<f64> =
        counts.values().filter(|c| c.gold > 0.0).map(|c| c.tp / c.gold).collect();
    (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
}

/// Matthews correlation coefficient for any number of labels (Gorodkin 2004). 0 where one side is
/// constant, as in scikit-learn; `None` without pairs.
pub fn mcc(pairs: &[(&str, &str)]) -> Option<f64> {
    let counts = counts_of(pairs);
    let n = pairs.len() as f64;
    let sum = |term: fn(&Counts) -> f64| counts.values().map(term).sum::<f64>();
    let both = sum(|c| c.tp) * n - sum(|c| c.gold * c.predicted);
    let truth = n * n - sum(|c| c.gold * c.gold);
    let predicted = n * n - sum(|c| c.predicted * c.predicted);
    let constant = truth == 0.0 || predicted == 0.0;
    (n > 0.0).then(|| if constant { 0.0 } else { both / (truth.sqrt() * predicted.sqrt()) })
}

/// How much a disagreement weighs in Cohen's kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// All alike (Cohen 1960).
    Equal,
    /// By the distance of the labels, in the order of their code points (Cohen 1968).
    Linear,
    /// By the square of that distance.
    Quadratic,
}

/// Cohen's kappa: 1 - observed / expected disagreement. `None` where no disagreement is expected
/// (both sides constant and equal) and without pairs.
pub fn cohen_kappa(pairs: &[(&str, &str)], weighting: Weighting) -> Option<f64> {
    let counts = counts_of(pairs);
    let weight = |i: usize, j: usize| {
        let distance = i.abs_diff(j) as f64;
        match weighting {
            Weighting::Equal => f64::from(u8::from(i != j)),
            Weighting::Linear => distance,
            Weighting::Quadratic => distance * distance,
        }
    };
    let position: BTreeMap<&str, usize> =
        counts.keys().enumerate().map(|(position, label)| (*label, position)).collect();
    let observed: f64 =
        pairs.iter().filter_map(|(t, p)| Some(weight(*position.get(t)?, *position.get(p)?))).sum();
    let mut expected = 0.0;
    for (i, truth) in counts.values().enumerate().filter(|(_, c)| c.gold > 0.0) {
        for (j, predicted) in counts.values().enumerate().filter(|(_, c)| c.predicted > 0.0) {
            expected += weight(i, j) * truth.gold * predicted.predicted;
        }
    }
    (expected > 0.0).then(|| 1.0 - observed * pairs.len() as f64 / expected)
}

/// Macro F1 of summed statistics. Labels that do not occur in the sum have F1 0, so their number is
/// all that is needed of them.
pub(super) fn macro_f1_of_parts(sum: &Parts, labels: f64) -> f64 {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for (name, value) in sum {
        let Some((kind, label)) = name.split_once(':') else {
            continue;
        };
        let (tp, predicted, gold) = match kind {
            "tp" => (*value, *value, *value),
            "fp" => (0.0, *value, 0.0),
            "fn" => (0.0, 0.0, *value),
            _ => continue,
        };
        *counts.entry(label).or_default() += Counts { tp, predicted, gold };
    }
    let total: f64 = counts.values().map(|counts| counts.f(1.0)).sum();
    if labels > 0.0 { total / labels } else { 0.0 }
}
