//! The score interval of a proportion.
//!
//! E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
//! (1927); without continuity correction. It keeps its level near 0 and 1 and for small n, where
//! the usual p ± z·se collapses to a point (Brown, Cai and DasGupta 2001).

/// Two-sided 95 % quantile of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Wilson interval of `successes` out of `n`, both bounds in [0, 1]. `None` for n = 0 and for more
/// successes than trials.
///
/// ```
/// let (lower, upper) = rightsize_reports::stats::wilson::interval(1, 10, rightsize_reports::stats::wilson::Z95).unwrap();
/// assert!((lower - 0.0178762).abs() < 1e-6 && (upper - 0.4041500).abs() < 1e-6);
/// ```
pub fn interval(successes: u64, n: u64, z: f64) -> Option<(f64, f64)> {
    if n == 0 || successes > n {
        return None;
    }
    let n = n as f64;
    let p = successes as f64 / n;
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(((centre - half).max(0.0), (centre + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn undefined() {
        assert_eq!(interval(0, 0, Z95), None);
        assert_eq!(interval(2, 1, Z95), None);
    }

    proptest! {
        #[test]
        fn holds_the_estimate_and_mirrors(n in 1u64..100_000, share in 0.0f64..=1.0) {
            let k = ((n as f64) * share).floor() as u64;
            let (lower, upper) = interval(k, n, Z95).unwrap();
            let p = k as f64 / n as f64;
            prop_assert!(lower <= p + 1e-12 && p <= upper + 1e-12);
            let (mirror_lower, mirror_upper) = interval(n - k, n, Z95).unwrap();
            prop_assert!((lower - (1.0 - mirror_upper)).abs() < 1e-9);
            prop_assert!((upper - (1.0 - mirror_lower)).abs() < 1e-9);
        }
    }
}
