//! The units of the dev split, by which prompt variants are chosen.

use rightsize_reports::run::{Scenario, Split};
use rightsize_suites::Suite;

use super::{Answerer, UnitKey, Units, drawn};
use crate::bakeoff::Bakeoff;

/// The units of a suite's dev split in each of `candidates`, asked like the pass that quality is read
/// in. Every shard has all of them: a choice needs the whole split.
pub fn dev_units_of(
    answerer: Answerer<'_>,
    bakeoff: &Bakeoff,
    (index, suite): (usize, &Suite),
    candidates: &[String],
    limit: Option<usize>,
) -> Units {
    let batch = answerer.scenarios.contains(&Scenario::Batch);
    let scenario = if batch { Scenario::Batch } else { Scenario::SingleStream };
    let positions = dev_positions(answerer, bakeoff, suite, limit);
    let mut units = Units::default();
    for variant in candidates {
        let key = UnitKey {
            suite: suite.name.clone(),
            split: Split::Dev,
            sample: String::new(),
            entry: answerer.id.to_owned(),
            variant: variant.clone(),
            mode: answerer.mode,
            scenario,
            repeat: 0,
        };
        units.extend(key, index, &positions, answerer.dev_repeats(bakeoff));
    }
    units
}

/// How many units each candidate has in [`dev_units_of`].
pub fn dev_units_of_each(
    answerer: Answerer<'_>,
    bakeoff: &Bakeoff,
    suite: &Suite,
    limit: Option<usize>,
) -> u64 {
    let positions = dev_positions(answerer, bakeoff, suite, limit).len() as u64;
    positions.saturating_mul(u64::from(answerer.dev_repeats(bakeoff)))
}

fn dev_positions(
    answerer: Answerer<'_>,
    bakeoff: &Bakeoff,
    suite: &Suite,
    limit: Option<usize>,
) -> Vec<u32> {
    let most = [limit, answerer.samples].into_iter().flatten().min();
    drawn(&format!("{}/dev", suite.name), suite.dev.len(), bakeoff.seed, most)
}
