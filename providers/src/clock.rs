//! The one clock of a run.
//!
//! Stamps are nanoseconds of `CLOCK_MONOTONIC`, read as such: `std::time::Instant` cannot cross a
//! process, and the engine process stamps its own tokens. In simulation the stamps follow tokio's
//! paused clock instead, so that a run of hours is tested in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in nanoseconds of the run's clock. Comparable within one session only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Nanoseconds from `earlier` to `self`; 0 if `earlier` is later.
    pub fn since(self, earlier: Stamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where stamps come from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`.
    Monotonic,
    /// tokio's clock, counted from the given instant; it can be paused and advanced.
    Tokio(tokio::time::Instant),
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Stamp {
        match self {
            Clock::Monotonic => monotonic(),
            Clock::Tokio(start) => {
                Stamp(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }
}

fn monotonic() -> Stamp {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    let stamp = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
    Stamp(u64::try_from(stamp.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_never_goes_back() {
        let stamps: Vec<Stamp> = (0..1000).map(|_| Clock::Monotonic.now()).collect();
        assert!(stamps.windows(2).all(|w| w[0] <= w[1]));
    }

    #[tokio::test(start_paused = true)]
    async fn simulated_clock_follows_tokio() {
        let clock = Clock::Tokio(tokio::time::Instant::now());
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().since(before), 3_600_000_000_000);
    }
}
