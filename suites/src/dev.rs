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
use rightsize_providers::digest::{Half, half};

use crate::dataset::Table;
use crate::problem::Problem;
use crate::sample::{self, Sample, Samples, scalar};
use crate::schema::Data;

/// Seed of the draw.
const SEED: u64 = 7;
/// One row of so many is set aside.
const ONE_OF: usize = 5;
/// Most rows that are set aside.
const MOST: usize = 100;

/// A train split that was divided.
pub(crate) struct Divided {
    /// The rows that were set aside.
    pub dev: Table,
    /// The others.
    pub train: Samples,
}

/// Divides train into rows that are set aside and the others; both keep their order. Rows whose id is
/// among `shown` (examples that were chosen by hand) stay in train.
pub(crate) fn set_aside(
    data: &Data,
    samples: &Samples,
    shown: &[&str],
    train: &Samples,
) -> Result<Divided, Problem> {
    let mut asked: HashSet<Half> = HashSet::with_capacity(samples.len());
    for sample in samples.checked() {
        asked.insert(half(&sample::input_digest(data, &sample?)));
    }
    let by_hand = |row: &Sample| {
        let id = data.id.as_ref().and_then(|column| row.row.get(column)).and_then(scalar);
        id.is_some_and(|id| shown.contains(&id.as_str()))
    };
    let mut drawn: Vec<usize> = Vec::new();
    for (position, row) in train.checked().enumerate() {
        let row = row?;
        if !by_hand(&row) && !asked.contains(&half(&sample::input_digest(data, &row))) {
            drawn.push(position);
        }
    }
    drawn.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    drawn.truncate((train.len() / ONE_OF).min(MOST));
    drawn.sort_unstable();
    let others = (0..train.len()).filter(|position| drawn.binary_search(position).is_err());
    let others = train.select(others);
    let name = "the rows that were set aside".to_owned();
    let dev = Table { name, rows: train.rows_at(drawn), notes: Vec::new() };
    Ok(Divided { dev, train: others })
}

/// What the user should know of rows that were set aside.
pub(crate) fn note(dev: &Samples, train: &Samples, name: &str) -> String {
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
