//! `majority`: the commonest answer of the train split, whatever is asked. Its accuracy is the
//! share of the commonest label, which a model has to beat before it has shown anything.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use serde_json::{Map, Value};

use crate::sample::Samples;
use crate::tasks::{Classification, Task};

/// The answer that is expected most often, as it is written; the one that comes first among equally
/// common ones. Empty where there are no samples.
///
/// Answers are counted as text, so that lists of accepted answers with the same first one, and
/// documents with the same values, are the same answer.
///
/// Of several label axes each has its own commonest label, or set of labels.
pub(super) fn answer(task: &Task, train: &Samples) -> String {
    match task.as_classification().filter(|task| task.axes.len() > 1) {
        Some(labels) => task.write(&of_axes(labels, train)),
        None => commonest(train.iter().map(|s| task.write(&s.expected))).unwrap_or_default(),
    }
}

fn of_axes(task: &Classification, train: &Samples) -> Value {
    let mut answer = Map::new();
    for axis in &task.axes {
        let expected = train.iter().filter_map(|s| task.on_axis(axis, &s.expected).cloned());
        if let Some(label) = commonest(expected) {
            answer.insert(axis.name.clone(), label);
        }
    }
    task.join(answer)
}

/// What stands most often in a list; the one that comes first among equally common ones.
fn commonest<T: Eq + Hash>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: HashMap<T, (usize, Reverse<usize>)> = HashMap::new();
    for (at, one) in all.enumerate() {
        let (count, _) = counts.entry(one).or_insert((0, Reverse(at)));
        *count = count.saturating_add(1);
    }
    counts.into_iter().max_by_key(|(_, rank)| *rank).map(|(one, _)| one)
}
