//! How many samples a statement needs, and what a number of samples can support.
//!
//! Accuracies of two models on the same samples are compared pair by pair. The variance of the
//! difference of a pair is the *discordance* less the squared difference: discordance is the share of
//! samples that exactly one of the two has right. For scores between 0 and 1 instead of right and
//! wrong the variance is at most that, so that these numbers of samples suffice for them too.
//!
//! Non-inferiority after Blackwelder, "Proving the null hypothesis in clinical trials", Controlled
//! Clinical Trials 3 (1982), for pairs: n = (z_α + z_β)² · discordance / margin², one-sided, for two
//! models that are truly equal.

use super::wilson;

/// One-sided 95 % quantile of the standard normal distribution.
pub const Z95_ONE_SIDED: f64 = 1.644_853_626_951_472_7;

/// 80 % quantile of the standard normal distribution: the usual power.
pub const Z80: f64 = 0.841_621_233_572_914_2;

/// Half the length of the usual interval of a proportion `p` of `n`, by the normal approximation.
/// `None` for n = 0.
pub fn half_length(p: f64, n: u64, z: f64) -> Option<f64> {
    (n > 0).then(|| z * (p * (1.0 - p) / n as f64).sqrt())
}

/// The fewest successes of `n` whose Wilson interval lies at or above `level`, in [0, 1]. `None`
/// where even `n` of `n` are too few.
///
/// ```
/// use rightsize_reports::stats::{power, wilson};
/// assert_eq!(power::least_successes(300, 0.95, wilson::Z95), Some(293));
/// assert_eq!(power::least_successes(50, 0.95, wilson::Z95), None);
/// ```
pub fn least_successes(n: u64, level: f64, z: f64) -> Option<u64> {
    let reaches = |k: u64| wilson::interval(k, n, z).is_some_and(|(lower, _)| lower >= level);
    if !reaches(n) {
        return None;
    }
    // The lower bound grows with the successes.
    let (mut below, mut enough) = (0, n);
    while below < enough {
        let middle = below.midpoint(enough);
        if reaches(middle) {
            enough = middle;
        } else {
            below = middle.saturating_add(1);
        }
    }
    Some(enough)
}

/// Samples that show with 80 % probability that a model loses less than `margin` to another one
/// that is truly as good, at a one-sided level of 5 %. Both shares in (0, 1].
pub fn samples_for_margin(margin: f64, discordance: f64) -> f64 {
    (Z95_ONE_SIDED + Z80).powi(2) * discordance / (margin * margin)
}

/// The smallest margin that `n` samples support: [`samples_for_margin`] turned round. `None` for
/// n = 0; above 1 where no margin is supported.
pub fn smallest_margin(n: u64, discordance: f64) -> Option<f64> {
    (n > 0).then(|| (Z95_ONE_SIDED + Z80) * (discordance / n as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Figures that were worked out by hand from the formula, n rounded up.
    #[test]
    fn samples_for_a_margin() {
        for (discordance, margin, n) in [
            (0.1, 0.01, 6183.0),
            (0.1, 0.02, 1546.0),
            (0.1, 0.03, 687.0),
            (0.1, 0.05, 248.0),
            (0.2, 0.02, 3092.0),
            (0.2, 0.03, 1374.0),
            (0.2, 0.05, 495.0),
        ] {
            assert_eq!(samples_for_margin(margin, discordance).ceil(), n, "{discordance} {margin}");
        }
    }

    /// Without a failure, Wilson's lower bound is 1 / (1 + z²/n): it reaches 0.95 from n = 73 on.
    #[test]
    fn all_right_may_be_too_few() {
        assert_eq!(least_successes(72, 0.95, wilson::Z95), None);
        assert_eq!(least_successes(73, 0.95, wilson::Z95), Some(73));
        assert_eq!(least_successes(0, 0.5, wilson::Z95), None);
        assert_eq!(least_successes(10, 0.0, wilson::Z95), Some(0));
    }

    proptest! {
        #[test]
        fn one_fewer_is_too_few(n in 1u64..5_000, level in 0.01f64..0.999) {
            if let Some(k) = least_successes(n, level, wilson::Z95) {
                prop_assert!(wilson::interval(k, n, wilson::Z95).unwrap().0 >= level);
                if k > 0 {
                    prop_assert!(wilson::interval(k - 1, n, wilson::Z95).unwrap().0 < level);
                }
            }
        }

        #[test]
        fn the_smallest_margin_is_supported(n in 1u64..100_000, discordance in 0.01f64..1.0) {
            let margin = smallest_margin(n, discordance).unwrap();
            prop_assert!((samples_for_margin(margin, discordance) / n as f64 - 1.0).abs() < 1e-9);
        }
    }
}
