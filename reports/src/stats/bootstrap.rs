//! Percentile bootstrap of any statistic, seeded.
//!
//! Efron (1979). Whole groups are drawn with replacement (a group is a sample with its repeats, or
//! a cluster of samples), because the members of one are not independent of each other.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::percentile::Sorted;

/// Resamples drawn for an interval.
pub const RESAMPLES: usize = 1000;

/// Percentile interval of a statistic over `groups` groups. `statistic` gets the drawn group
/// numbers (each below `groups`, as many as there are groups) and says `None` where it is
/// undefined; such resamples are left out, and with more than one in twenty of them the interval
/// is undefined. The same seed gives the same interval. `None` for fewer than two groups.
pub fn interval(
    groups: usize,
    seed: u64,
    level: f64,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<(f64, f64)> {
    if groups < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = vec![0usize; groups];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for slot in &mut drawn {
            *slot = rng.random_range(0..groups);
        }
        values.extend(statistic(&drawn));
    }
    if values.len().saturating_mul(20) < RESAMPLES.saturating_mul(19) {
        return None;
    }
    percentile_interval(values, level)
}

/// The central `level` (in (0, 1)) of the statistics of the resamples.
pub fn percentile_interval(resampled: Vec<f64>, level: f64) -> Option<(f64, f64)> {
    let sorted = Sorted::new(resampled)?;
    let tail = (1.0 - level) / 2.0;
    Some((sorted.quantile(tail), sorted.quantile(1.0 - tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64], drawn: &[usize]) -> Option<f64> {
        Some(drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64)
    }

    #[test]
    fn same_seed_same_interval() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let run = |seed| interval(values.len(), seed, 0.95, |d| mean_of(&values, d));
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn agrees_with_normal_theory_of_a_mean() {
        // Mean of 0..=399: standard error = population deviation / sqrt(n) = 115.47 / 20 = 5.7735.
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let (lower, upper) = interval(400, 1, 0.95, |d| mean_of(&values, d)).unwrap();
        assert!((lower - (199.5 - 1.96 * 5.7735)).abs() < 1.5, "{lower}");
        assert!((upper - (199.5 + 1.96 * 5.7735)).abs() < 1.5, "{upper}");
    }

    #[test]
    fn undefined() {
        assert_eq!(interval(1, 7, 0.95, |_| Some(1.0)), None);
        assert_eq!(interval(9, 7, 0.95, |_| None), None);
    }
}
