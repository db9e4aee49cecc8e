//! Scores of probabilities: log loss, Brier score, ROC and precision-recall curves and the areas
//! under them, calibration error; with scikit-learn's semantics.
//!
//! Where probabilities are asked for, one outside [0, 1] leaves the figure undefined; the curves
//! take any finite scores.

use std::collections::{BTreeMap, BTreeSet};

/// A sample of a binary task: whether it is positive, and its probability or score.
pub type Binary = (bool, f64);

/// A sample of a task with several classes: the true class, and the probability of each.
pub type Multiclass = (usize, Vec<f64>);

/// Mean −ln of the probability of the true class (Good 1952), in [0, 36.04]: probabilities are
/// clipped to [ε, 1 − ε] with ε = 2⁻⁵². Less is better.
pub fn log_loss(samples: &[Binary]) -> Option<f64> {
    mean_of_probabilities(samples, |(positive, p)| surprise(if positive { p } else { 1.0 - p }))
}

/// Mean (p − y)² (Brier 1950), in [0, 1]. Less is better.
pub fn brier(samples: &[Binary]) -> Option<f64> {
    mean_of_probabilities(samples, |(positive, p)| (p - f64::from(positive)).powi(2))
}

fn surprise(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

fn mean_of_probabilities(samples: &[Binary], score: impl Fn(Binary) -> f64) -> Option<f64> {
    let valid = samples.iter().all(|(_, p)| (0.0..=1.0).contains(p));
    let sum: f64 = samples.iter().map(|sample| score(*sample)).sum();
    (valid && !samples.is_empty()).then(|| sum / samples.len() as f64)
}

/// Numbers of samples with at least a score.
struct Step {
    score: f64,
    positives: f64,
    negatives: f64,
}

/// One step for each distinct score, from the highest down; `None` with scores that are not finite.
fn steps(samples: &[Binary]) -> Option<Vec<Step>> {
    if samples.iter().any(|(_, score)| !score.is_finite()) {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (mut positives, mut negatives) = (0.0, 0.0);
    let runs = sorted.chunk_by(|a, b| a.1 == b.1);
    let step = |run: &[Binary]| {
        let found = run.iter().filter(|(positive, _)| *positive).count() as f64;
        positives += found;
        negatives += run.len() as f64 - found;
        run.first().map(|(_, score)| Step { score: *score, positives, negatives })
    };
    runs.map(step).collect()
}

/// A point of the receiver operating characteristic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Scores from here on count as positive; infinite at the first point.
    pub threshold: f64,
    /// Share of the negatives that count as positive.
    pub fpr: f64,
    /// Share of the positives that count as positive.
    pub tpr: f64,
}

/// ROC curve (Fawcett 2006) with a point for each distinct score, from (0, 0) to (1, 1); `None`
/// unless both classes occur.
pub fn roc_curve(samples: &[Binary]) -> Option<Vec<RocPoint>> {
    let steps = steps(samples)?;
    let last = steps.last().filter(|last| last.positives > 0.0 && last.negatives > 0.0)?;
    let start = RocPoint { threshold: f64::INFINITY, fpr: 0.0, tpr: 0.0 };
    let point = |step: &Step| RocPoint {
        threshold: step.score,
        fpr: step.negatives / last.negatives,
        tpr: step.positives / last.positives,
    };
    Some(std::iter::once(start).chain(steps.iter().map(point)).collect())
}

/// Probability that a positive sample has a higher score than a negative one, ties counting one
/// half (Hanley and McNeil 1982); in [0, 1], one half by chance. `None` unless both classes occur.
pub fn roc_auc(samples: &[Binary]) -> Option<f64> {
    let curve = roc_curve(samples)?;
    let trapezoids = curve.iter().zip(curve.iter().skip(1));
    Some(trapezoids.map(|(a, b)| (b.fpr - a.fpr) * (a.tpr + b.tpr) / 2.0).sum())
}

/// A point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrPoint {
    /// Scores from here on count as positive; infinite at the last point.
    pub threshold: f64,
    /// Share of those that are positive; 1 at the last point.
    pub precision: f64,
    /// Share of the positives among those.
    pub recall: f64,
}

/// Precision-recall curve with a point for each distinct score, from the lowest score up to
/// (precision 1, recall 0); `None` without positives.
pub fn precision_recall_curve(samples: &[Binary]) -> Option<Vec<PrPoint>> {
    let steps = steps(samples)?;
    let all = steps.last().map(|last| last.positives).filter(|all| *all > 0.0)?;
    let point = |step: &Step| PrPoint {
        threshold: step.score,
        precision: step.positives / (step.positives + step.negatives),
        recall: step.positives / all,
    };
    let end = PrPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 };
    Some(steps.iter().rev().map(point).chain([end]).collect())
}

/// Average precision: sum of the precision at each threshold times the recall it adds, without
/// interpolation; in [0, 1]. `None` without positives.
pub fn average_precision(samples: &[Binary]) -> Option<f64> {
    let curve = precision_recall_curve(samples)?;
    let neighbours = curve.iter().zip(curve.iter().skip(1));
    Some(neighbours.map(|(a, b)| (a.recall - b.recall) * a.precision).sum())
}

/// A bin of the reliability diagram with at least one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Position, from 0.
    pub index: usize,
    /// Number of samples.
    pub count: f64,
    /// Share of positive samples.
    pub accuracy: f64,
    /// Mean probability.
    pub confidence: f64,
}

/// The bins with samples among `bins` of equal width (`sklearn.calibration_curve`): bin *i* is
/// (i/n, (i+1)/n], and 0 belongs to the first. `None` without samples or bins.
pub fn calibration_bins(samples: &[Binary], bins: usize) -> Option<Vec<Bin>> {
    let last = bins.checked_sub(1)?;
    if samples.is_empty() || samples.iter().any(|(_, p)| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut sums: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
    for (positive, p) in samples {
        let (count, positives, total) = sums.entry(bin_of(*p, last)).or_default();
        *count += 1.0;
        *positives += f64::from(*positive);
        *total += p;
    }
    let bin = |(index, (count, positives, total)): (usize, (f64, f64, f64))| Bin {
        index,
        count,
        accuracy: positives / count,
        confidence: total / count,
    };
    Some(sums.into_iter().map(bin).collect())
}

/// The last bin whose lower edge is below `p`, or the first. Edges are rounded as by numpy's
/// `linspace`, i · (1/n), so that a probability at an edge falls on the same side.
fn bin_of(p: f64, last: usize) -> usize {
    let bins = last as f64 + 1.0;
    let edge = |index: usize| index as f64 * (1.0 / bins);
    let mut index = ((p * bins) as usize).min(last);
    while index > 0 && edge(index) >= p {
        index = index.saturating_sub(1);
    }
    while index < last && edge(index.saturating_add(1)) < p {
        index = index.saturating_add(1);
    }
    index
}

/// Expected calibration error (Naeini et al. 2015): mean |accuracy − confidence| of the bins,
/// weighted by their counts; in [0, 1], less is better. `None` without bins.
pub fn expected_calibration_error(bins: &[Bin]) -> Option<f64> {
    let n: f64 = bins.iter().map(|bin| bin.count).sum();
    let sum: f64 = bins.iter().map(|bin| bin.count * gap(bin)).sum();
    (n > 0.0).then(|| sum / n)
}

/// Maximum calibration error: the largest |accuracy − confidence|; in [0, 1], less is better.
/// `None` without bins.
pub fn maximum_calibration_error(bins: &[Bin]) -> Option<f64> {
    bins.iter().map(gap).reduce(f64::max)
}

fn gap(bin: &Bin) -> f64 {
    (bin.accuracy - bin.confidence).abs()
}

/// Number of classes; `None` without samples, where rows differ in length, a true class has no
/// column, or a probability is outside [0, 1].
fn classes(samples: &[Multiclass]) -> Option<usize> {
    let classes = samples.first()?.1.len();
    let valid = samples.iter().all(|(truth, row)| {
        row.len() == classes && *truth < classes && row.iter().all(|p| (0.0..=1.0).contains(p))
    });
    valid.then_some(classes)
}

/// [`log_loss`] over several classes.
pub fn log_loss_multiclass(samples: &[Multiclass]) -> Option<f64> {
    classes(samples)?;
    let losses = samples.iter().filter_map(|(truth, row)| row.get(*truth));
    Some(losses.map(|p| surprise(*p)).sum::<f64>() / samples.len() as f64)
}

/// Brier score over several classes: mean of Σₖ (pₖ − [k = y])², not halved, so in [0, 2].
pub fn brier_sum(samples: &[Multiclass]) -> Option<f64> {
    classes(samples)?;
    let score = |(truth, row): &Multiclass| -> f64 {
        let cells = row.iter().enumerate();
        cells.map(|(class, p)| (p - f64::from(class == *truth)).powi(2)).sum()
    };
    Some(samples.iter().map(score).sum::<f64>() / samples.len() as f64)
}

/// Mean over the classes of [`roc_auc`] of one class against the rest; `None` unless every class
/// occurs.
pub fn roc_auc_ovr_macro(samples: &[Multiclass]) -> Option<f64> {
    let classes = classes(samples)?;
    let areas: Option<Vec<f64>> =
        (0..classes).map(|class| roc_auc(&against(samples, class, |_| true))).collect();
    mean(&areas?)
}

/// Mean over the pairs of classes of the two [`roc_auc`] of one against the other (Hand and Till
/// 2001); `None` unless every class occurs.
pub fn roc_auc_ovo_macro(samples: &[Multiclass]) -> Option<f64> {
    let classes = classes(samples)?;
    let occurring: BTreeSet<usize> = samples.iter().map(|(truth, _)| *truth).collect();
    if occurring.len() < classes {
        return None;
    }
    let area =
        |class, other| roc_auc(&against(samples, class, |truth| truth == class || truth == other));
    let pairs = (0..classes).flat_map(|a| (0..a).flat_map(move |b| [(a, b), (b, a)]));
    let areas: Option<Vec<f64>> = pairs.map(|(class, other)| area(class, other)).collect();
    mean(&areas?)
}

/// The samples of some true classes as a binary task: is it this class?
fn against(samples: &[Multiclass], class: usize, among: impl Fn(usize) -> bool) -> Vec<Binary> {
    let chosen = samples.iter().filter(|(truth, _)| among(*truth));
    chosen.filter_map(|(truth, row)| row.get(class).map(|p| (*truth == class, *p))).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
