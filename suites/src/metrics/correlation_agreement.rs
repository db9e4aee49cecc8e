//! Correlation of two series (Pearson, Spearman, Kendall's τ-b, as scipy computes them) and
//! agreement of several raters (Fleiss' κ as statsmodels, Krippendorff's α as the package
//! `krippendorff`).
//!
//! Correlations are in [−1, 1]; agreement is at most 1, and 0 is that of chance. All are `None`
//! where undefined: a side is constant, lengths differ, or there is too little to compare.

use std::cmp::Ordering;

/// Pearson's correlation; `None` with values that are not finite.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let cosine: f64 = unit_deviations(a)?.iter().zip(unit_deviations(b)?).map(|(x, y)| x * y).sum();
    (a.len() == b.len()).then(|| cosine.clamp(-1.0, 1.0))
}

/// Deviations from the mean, scaled to length 1; `None` of constant values, which a rounded mean
/// would hide.
fn unit_deviations(values: &[f64]) -> Option<Vec<f64>> {
    let n = values.len() as f64;
    let mean = values.iter().map(|value| value / n).sum::<f64>();
    let mut deviations: Vec<f64> = values.iter().map(|value| value - mean).collect();
    // Scaling by the largest first keeps squares from overflowing.
    let scales: [fn(&[f64]) -> f64; 2] = [
        |values| values.iter().fold(0.0, |largest, value| value.abs().max(largest)),
        |values| values.iter().map(|value| value * value).sum::<f64>().sqrt(),
    ];
    for scale in scales {
        let length = scale(&deviations);
        deviations.iter_mut().for_each(|deviation| *deviation /= length);
    }
    let defined = !constant(values) && deviations.iter().all(|deviation| deviation.is_finite());
    defined.then_some(deviations)
}

fn constant(values: &[f64]) -> bool {
    values.iter().zip(values.iter().skip(1)).all(|(a, b)| a == b)
}

/// Spearman's correlation: Pearson's of the average ranks.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a, Ties::Average)?, &ranks(b, Ties::Average)?)
}

/// The rank that equal values share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// The mean of their positions.
    Average,
    /// The lowest of their positions.
    Min,
}

/// Ranks from 1 for the smallest value; `None` with NaN.
pub fn ranks(values: &[f64], ties: Ties) -> Option<Vec<f64>> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    sorted.sort_by(|a, b| order(&a.0, &b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0.0;
    for run in sorted.chunk_by(|a, b| a.0 == b.0) {
        let length = run.len() as f64;
        let rank = match ties {
            Ties::Average => below + (length + 1.0) / 2.0,
            Ties::Min => below + 1.0,
        };
        for (_, index) in run {
            if let Some(slot) = ranks.get_mut(*index) {
                *slot = rank;
            }
        }
        below += length;
    }
    Some(ranks)
}

/// The order of numbers, in which −0 equals 0; NaN must have been sorted out.
fn order(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// Kendall's τ-b, corrected for ties on both sides (Kendall 1945; counted as Knight 1966 does).
/// `None` with NaN.
pub fn kendall_tau_b(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.iter().chain(b).any(|value| value.is_nan()) {
        return None;
    }
    let mut pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
    pairs.sort_by(|x, y| order(&x.0, &y.0).then(order(&x.1, &y.1)));
    let tied_a = tied_pairs(&pairs, |x, y| x.0 == y.0);
    let tied_both = tied_pairs(&pairs, |x, y| x == y);
    let mut b: Vec<f64> = pairs.into_iter().map(|(_, b)| b).collect();
    let discordant = sort_counting_inversions(&mut b);
    let tied_b = tied_pairs(&b, |x, y| x == y);
    let all = pairs_of(b.len());
    let concordant = all - tied_a - tied_b + tied_both - discordant;
    let tau = (concordant - discordant) / (all - tied_a).sqrt() / (all - tied_b).sqrt();
    tau.is_finite().then(|| tau.clamp(-1.0, 1.0))
}

fn pairs_of(n: usize) -> f64 {
    let n = n as f64;
    n * (n - 1.0) / 2.0
}

fn tied_pairs<T>(sorted: &[T], equal: impl FnMut(&T, &T) -> bool) -> f64 {
    sorted.chunk_by(equal).map(|run| pairs_of(run.len())).sum()
}

/// Number of pairs in descending order; sorts the values on the way.
fn sort_counting_inversions(values: &mut [f64]) -> f64 {
    let (left, right) = values.split_at_mut(values.len() / 2);
    if left.is_empty() {
        return 0.0;
    }
    let mut inversions = sort_counting_inversions(left) + sort_counting_inversions(right);
    let mut rest = right.iter().peekable();
    let mut smaller = 0.0;
    for value in left.iter() {
        while rest.next_if(|other| *other < value).is_some() {
            smaller += 1.0;
        }
        inversions += smaller;
    }
    values.sort_by(order);
    inversions
}

/// Fleiss' κ (Fleiss 1971) of a table of subjects by categories, which counts the raters that chose
/// each. `None` unless all subjects have the same number of raters, at least two, and more than one
/// category was chosen.
pub fn fleiss_kappa(counts: &[Vec<u32>]) -> Option<f64> {
    let first = counts.first()?;
    let total = |row: &[u32]| row.iter().copied().map(f64::from).sum::<f64>();
    let raters = total(first);
    let regular = counts.iter().all(|row| row.len() == first.len() && total(row) == raters);
    if !regular || raters < 2.0 {
        return None;
    }
    let subjects = counts.len() as f64;
    let mut categories = vec![0.0; first.len()];
    let mut observed = 0.0;
    for row in counts {
        let mut squares = 0.0;
        for (category, count) in categories.iter_mut().zip(row) {
            *category += f64::from(*count);
            squares += f64::from(*count).powi(2);
        }
        observed += (squares - raters) / (raters * (raters - 1.0)) / subjects;
    }
    let chosen = categories.iter().filter(|category| **category > 0.0).count();
    let share = |category: &f64| category / (subjects * raters);
    let expected: f64 = categories.iter().map(|category| share(category).powi(2)).sum();
    (chosen > 1).then(|| (observed - expected) / (1.0 - expected))
}

/// What the values of raters mean, hence how far two of them are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Names: equal or not.
    Nominal,
    /// An order: the number of given values between the two.
    Ordinal,
    /// Numbers: the squared difference.
    Interval,
}

/// Krippendorff's α (Krippendorff 2011). `raters` has a row for each rater with a value for each
/// unit; `None` and NaN are missing, as are units beyond a row's end. Units with fewer than two
/// values are left out. Undefined unless two different values remain.
pub fn krippendorff_alpha(raters: &[Vec<Option<f64>>], level: Level) -> Option<f64> {
    let mut units: Vec<Vec<f64>> = Vec::new();
    for row in raters {
        units.resize(units.len().max(row.len()), Vec::new());
        for (unit, value) in units.iter_mut().zip(row) {
            unit.extend(value.filter(|value| !value.is_nan()));
        }
    }
    units.retain(|unit| unit.len() > 1);
    let mut values = units.concat();
    if constant(&values) {
        return None;
    }
    // The ordinal distance is the squared difference of average ranks.
    if level == Level::Ordinal {
        values = ranks(&values, Ties::Average)?;
    }
    let expected = disagreement(&values, level);
    let mut rest = values.into_iter();
    let observed: f64 = units
        .iter()
        .map(|unit| disagreement(&rest.by_ref().take(unit.len()).collect::<Vec<_>>(), level))
        .sum();
    let alpha = 1.0 - observed / expected;
    (alpha.is_finite() && expected.is_finite()).then_some(alpha)
}

/// Sum of the distances of all ordered pairs over the number of values less one.
fn disagreement(values: &[f64], level: Level) -> f64 {
    let n = values.len() as f64;
    let sum = match level {
        Level::Nominal => {
            let mut sorted = values.to_vec();
            sorted.sort_by(order);
            let runs = sorted.chunk_by(|a, b| a == b).map(|run| run.len() as f64);
            n * n - runs.map(|length| length * length).sum::<f64>()
        }
        // Σᵢⱼ (xᵢ − xⱼ)² = 2n Σᵢ (xᵢ − mean)².
        Level::Ordinal | Level::Interval => {
            let mean = values.iter().sum::<f64>() / n;
            2.0 * n * values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        }
    };
    sum / (n - 1.0)
}
