//! The dev split: rows to choose a prompt variant on.
//!
//! It is `data.dev`. A suite that has variants and no such rows sets a part of train aside: a fifth,
//! at most a hundred rows, drawn by a fixed seed. That depends on the suite alone, so that examples and
//! baselines are the same in every bake-off: neither sees the rows that were set aside. Never is a row
//! of test taken, nor a train row that asks the same as one.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::sample::{self, Sample, scalar};
use crate::schema::Data;

/// Seed of the draw.
const SEED: u64 = 7;
/// One row of so many is set aside.
const ONE_OF: usize = 5;
/// Most rows that are set aside.
const MOST: usize = 100;

/// Takes the rows that are set aside out of train, which keeps its order; they keep theirs. Rows
/// whose id is among `shown` (examples that were chosen by hand) stay in train.
pub(crate) fn set_aside(
    data: &Data,
    samples: &[Sample],
    shown: &[&str],
    train: &mut Vec<Sample>,
) -> Vec<Sample> {
    let asked: HashSet<String> = samples.iter().map(|s| sample::input_digest(data, s)).collect();
    let by_hand = |row: &Sample| {
        let id = data.id.as_ref().and_then(|column| row.row.get(column)).and_then(scalar);
        id.is_some_and(|id| shown.contains(&id.as_str()))
    };
    let fit = |row: &Sample| !by_hand(row) && !asked.contains(&sample::input_digest(data, row));
    let mut drawn: Vec<usize> =
        train.iter().enumerate().filter(|(_, row)| fit(row)).map(|(i, _)| i).collect();
    drawn.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    drawn.truncate((train.len() / ONE_OF).min(MOST));
    let drawn: HashSet<usize> = drawn.into_iter().collect();
    let mut dev = Vec::with_capacity(drawn.len());
    let mut rest = Vec::with_capacity(train.len().saturating_sub(drawn.len()));
    for (index, row) in std::mem::take(train).into_iter().enumerate() {
        if drawn.contains(&index) {
            dev.push(row);
        } else {
            rest.push(row);
        }
    }
    *train = rest;
    dev
}

/// What the user should know of rows that were set aside.
pub(crate) fn note(dev: &[Sample], train: &[Sample], name: &str) -> String {
    match dev.len() {
        0 => format!(
            "the prompt has variants, and there are no rows to choose one on: {name} is too short to \
             give any; name some under `data.dev`"
        ),
        n => format!(
            "`data.dev` is not given: {n} of {} rows of {name} are set aside to choose a prompt \
             variant on; baselines and examples do not see them",
            n.saturating_add(train.len())
        ),
    }
}
