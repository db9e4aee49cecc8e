//! What a number of samples can show, in plain words.

use rightsize_suites::Suite;

use crate::numbers;
use crate::stats::{power, wilson};

/// The share of samples that exactly one of two models has right, before anything was measured:
/// one in ten.
pub const ASSUMED_DISCORDANCE: f64 = 0.1;

/// Levels that people ask for.
const LEVELS: [f64; 3] = [0.9, 0.95, 0.99];

/// Margins that are proposed, in ascending order.
const MARGINS: [f64; 14] =
    [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.4, 0.5];

/// The smallest round margin that `n` samples support, in (0, 1), and the reason for it in words.
///
/// ```
/// assert_eq!(rightsize_reports::sample_size::margin(300).0, 0.05);
/// ```
pub fn margin(n: usize) -> (f64, String) {
    let smallest = smallest(n);
    let round = MARGINS.into_iter().find(|margin| *margin >= smallest).unwrap_or(0.8);
    let why = format!(
        "the smallest round loss that {} can tell from none, if two models differ on one in ten; \
         write here what a loss costs you",
        samples(n)
    );
    (round, why)
}

/// What the samples of a suite support, a sentence each: what levels of the primary metric demand,
/// and what the margin does.
pub fn sentences(suite: &Suite) -> Vec<String> {
    let n = suite.samples.len();
    let mut sentences = Vec::new();
    if suite.primary().is_proportion() {
        sentences.push(levels(n, &suite.primary().title().to_lowercase()));
    }
    let smallest = smallest(n);
    sentences.push(format!(
        "{} support a margin of {} points or more, if two models differ on one in ten (a share \
         that a run will tell)",
        samples(n),
        points(smallest)
    ));
    if let Some(margin) = &suite.margin
        && margin.abs < smallest
    {
        let needed = power::samples_for_margin(margin.abs, ASSUMED_DISCORDANCE).ceil();
        sentences.push(format!(
            "the margin of {} points needs about {} samples: with {} a model that is as good as \
             another will often be 'not shown to be as good'",
            points(margin.abs),
            numbers::count(needed as u64),
            numbers::count(n as u64),
        ));
    }
    sentences
}

/// How many right answers show that a proportion is at least some level.
fn levels(n: usize, metric: &str) -> String {
    let n = n as u64;
    let demand = |level: f64| match power::least_successes(n, level, wilson::Z95) {
        Some(k) => format!("of at least {} with {k} correct or more", numbers::percent(level, 0)),
        None => format!("of at least {} not even with all correct", numbers::percent(level, 0)),
    };
    let demands: Vec<String> = LEVELS.into_iter().map(demand).collect();
    let width = match power::half_length(0.5, n, wilson::Z95) {
        Some(half) => {
            format!("; the 95 % interval reaches at most {} points to either side", points(half))
        }
        None => String::new(),
    };
    format!("at n = {n} a claim on {metric} passes: {}{width}", demands.join(", "))
}

fn smallest(n: usize) -> f64 {
    power::smallest_margin(n as u64, ASSUMED_DISCORDANCE).unwrap_or(1.0)
}

/// A share in percentage points, rounded up so that no promise is too good.
fn points(share: f64) -> String {
    let tenths = (share * 1000.0 - 1e-9).ceil();
    let digits = usize::from(tenths % 10.0 != 0.0);
    format!("{:.digits$}", tenths / 10.0)
}

fn samples(n: usize) -> String {
    format!("{} sample{}", numbers::count(n as u64), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_three_hundred_samples_demand() {
        let text = levels(300, "accuracy");
        assert!(text.starts_with("at n = 300 a claim on accuracy passes: "), "{text}");
        for demand in
            ["95\u{202f}% with 293 correct", "99\u{202f}% not even with all correct", "5.7 points"]
        {
            assert!(text.contains(demand), "{demand}: {text}");
        }
    }

    /// m = 2.4865 · sqrt(0.1 / n): 7.9 points at 100, 1.98 at 1,580, 79 at 1.
    #[test]
    fn a_margin_is_round_and_supported() {
        let proposed = [1, 2, 100, 300, 1580, 1_000_000].map(|n| margin(n).0);
        assert_eq!(proposed, [0.8, 0.8, 0.08, 0.05, 0.02, 0.01]);
    }

    #[test]
    fn a_margin_that_is_too_small_says_what_it_needs() {
        let suite = Suite::load("catalog:support-triage", ".".as_ref()).unwrap();
        let text = sentences(&suite).join("\n");
        assert!(text.contains("the margin of 2 points needs about 1,546 samples"), "{text}");
    }
}
