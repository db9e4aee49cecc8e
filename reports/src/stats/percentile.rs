//! Quantiles of measured values: one definition for latencies and for bootstrap intervals.
//!
//! Linear interpolation between order statistics: Hyndman and Fan (1996), type 7, numpy's and R's
//! default.

/// Values in ascending order, all finite, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts `values`. `None` when there is none, or one is not finite.
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Sorted(values))
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The quantile `q` in [0, 1]; values outside are taken as the nearest bound.
    pub fn quantile(&self, q: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let position = q.clamp(0.0, 1.0) * last as f64;
        let below = (position.floor() as usize).min(last);
        let at = |i: usize| self.0.get(i).copied().unwrap_or(f64::NAN);
        let fraction = position - below as f64;
        if fraction == 0.0 {
            return at(below);
        }
        let (low, high) = (at(below), at(below.saturating_add(1).min(last)));
        low + (high - low) * fraction
    }
}

/// Fewest values for a quantile to be shown: so that at least one value is expected beyond it.
/// p95 needs 20, p99 needs 100.
pub fn needed(q: f64) -> usize {
    let beyond = (1.0 - q).min(q);
    if beyond <= 0.0 {
        return usize::MAX;
    }
    // The median needs one value only: nothing is claimed of a tail.
    if q <= 0.5 { 1 } else { (1.0 / beyond).round() as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs() {
        assert_eq!((needed(0.5), needed(0.95), needed(0.99)), (1, 20, 100));
    }

    #[test]
    fn refuses_nothing_and_nan() {
        assert_eq!(Sorted::new(vec![]), None);
        assert_eq!(Sorted::new(vec![1.0, f64::NAN]), None);
    }

    #[test]
    fn order_does_not_matter() {
        let a = Sorted::new(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(a.quantile(0.5), 2.0);
        assert_eq!(a.quantile(0.25), 1.5);
        assert_eq!((a.quantile(-1.0), a.quantile(7.0)), (1.0, 3.0));
    }
}
