//! Percentile bootstrap of any statistic, seeded.
//!
//! Efron (1979). Whole groups are drawn with replacement (a group is a sample with its repeats, or
//! a cluster of samples), because the members of one are not independent of each other.
//!
//! Of more than `MOST_DRAWN` groups that are alike in most cases, how often each kind is drawn is
//! drawn itself: it is multinomial, so the resamples have the same distribution, and a thousand of
//! them cost no more for a million groups than for a thousand. Where nearly every group is of a kind
//! of its own, fewer resamples are drawn, so that the draws stay below `MOST_DRAWS`: the ends of
//! the interval are then less smooth, which is nothing beside its width on so many groups.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use super::percentile::Sorted;

/// Resamples drawn for an interval.
pub const RESAMPLES: usize = 1000;

/// Most groups that are drawn one by one, a thousand times.
const MOST_DRAWN: usize = 20_000;

/// Most draws of single groups for one interval.
const MOST_DRAWS: usize = 200_000_000;

/// Fewest resamples: 2.5 % of them are five.
const FEWEST_RESAMPLES: usize = 200;

/// Groups of a kind for each of which there must be at least so many, on average, for the kinds to
/// be drawn in place of the groups.
const ALIKE: usize = 16;

/// Percentile interval over groups of which only the kind counts, as [`interval`]. `statistic` gets
/// kinds, and how often each is drawn; a kind may come several times.
pub fn interval_of_kinds(
    groups: &[u32],
    seed: u64,
    level: f64,
    mut statistic: impl FnMut(&mut dyn Iterator<Item = (u32, f64)>) -> Option<f64>,
) -> Option<(f64, f64)> {
    let mut one_by_one = |drawn: &[usize]| {
        statistic(&mut drawn.iter().filter_map(|group| Some((*groups.get(*group)?, 1.0))))
    };
    if groups.len() <= MOST_DRAWN {
        return interval(groups.len(), seed, level, one_by_one);
    }
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for kind in groups {
        let count = counts.entry(*kind).or_default();
        *count = count.saturating_add(1);
    }
    if counts.len().saturating_mul(ALIKE) > groups.len() {
        let resamples = resamples(groups.len());
        return of_resamples(resamples, groups.len(), seed, level, &mut one_by_one);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let drawn = multinomial(&counts, groups.len() as u64, &mut rng)?;
        values.extend(statistic(&mut drawn.into_iter()));
    }
    of_values(values, RESAMPLES, level)
}

/// Resamples of groups that are drawn one by one.
fn resamples(groups: usize) -> usize {
    (MOST_DRAWS / groups.max(1)).clamp(FEWEST_RESAMPLES, RESAMPLES)
}

/// How often each kind is among `n` groups that are drawn with replacement: each count is binomial,
/// given those before it.
fn multinomial(
    counts: &BTreeMap<u32, u64>,
    n: u64,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<(u32, f64)>> {
    let (mut to_draw, mut groups) = (n, n);
    let mut drawn = Vec::with_capacity(counts.len());
    for (kind, count) in counts {
        let share = *count as f64 / groups as f64;
        let times = match groups == *count {
            true => to_draw,
            false => Binomial::new(to_draw, share).ok()?.sample(rng),
        };
        drawn.push((*kind, times as f64));
        to_draw = to_draw.saturating_sub(times);
        groups = groups.saturating_sub(*count);
    }
    Some(drawn)
}

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
    of_resamples(RESAMPLES, groups, seed, level, &mut statistic)
}

fn of_resamples(
    resamples: usize,
    groups: usize,
    seed: u64,
    level: f64,
    statistic: &mut dyn FnMut(&[usize]) -> Option<f64>,
) -> Option<(f64, f64)> {
    if groups < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = vec![0usize; groups];
    let mut values = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        for slot in &mut drawn {
            *slot = rng.random_range(0..groups);
        }
        values.extend(statistic(&drawn));
    }
    of_values(values, resamples, level)
}

/// The interval of the statistics that are defined, unless too few are.
fn of_values(values: Vec<f64>, resamples: usize, level: f64) -> Option<(f64, f64)> {
    if values.len().saturating_mul(20) < resamples.saturating_mul(19) {
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

    /// Kinds 0 to 4 in equal numbers, the kind being the value: the mean is 2, its standard error
    /// sqrt(2 / n).
    fn mean_of_kinds(groups: usize) -> (f64, f64) {
        let kinds: Vec<u32> = (0..groups as u32).map(|i| i % 5).collect();
        let mean = |drawn: &mut dyn Iterator<Item = (u32, f64)>| {
            let mut sums = (0.0, 0.0);
            drawn.for_each(|(kind, n)| sums = (sums.0 + f64::from(kind) * n, sums.1 + n));
            assert_eq!(sums.1, groups as f64, "as many are drawn as there are");
            Some(sums.0 / sums.1)
        };
        interval_of_kinds(&kinds, 1, 0.95, mean).unwrap()
    }

    #[test]
    fn kinds_that_are_drawn_agree_with_normal_theory() {
        for groups in [20_000, 20_005, 1_000_000] {
            let half = 1.96 * (2.0 / groups as f64).sqrt();
            let (lower, upper) = mean_of_kinds(groups);
            assert!((lower - (2.0 - half)).abs() < 0.1 * half, "{groups}: {lower}");
            assert!((upper - (2.0 + half)).abs() < 0.1 * half, "{groups}: {upper}");
        }
    }

    #[test]
    fn groups_of_their_own_kind_get_fewer_resamples() {
        assert_eq!([20_001, 250_000, 9_000_000].map(resamples), [1000, 800, 200]);
        // Kinds of their own are drawn one by one, to the same end.
        let kinds: Vec<u32> = (0..20_001).collect();
        let mean = |drawn: &mut dyn Iterator<Item = (u32, f64)>| {
            Some(drawn.map(|(kind, n)| f64::from(kind) * n).sum::<f64>() / 20_001.0)
        };
        let (lower, upper) = interval_of_kinds(&kinds, 1, 0.95, mean).unwrap();
        // The standard deviation of 0..n is n / sqrt(12).
        let half = 1.96 * (20_001.0_f64 / 12.0).sqrt();
        assert!((upper - lower - 2.0 * half).abs() < 0.2 * half, "{lower} to {upper}");
    }

    #[test]
    fn undefined() {
        assert_eq!(interval(1, 7, 0.95, |_| Some(1.0)), None);
        assert_eq!(interval(9, 7, 0.95, |_| None), None);
    }
}
