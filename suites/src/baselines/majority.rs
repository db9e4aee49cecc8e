//! `majority`: the commonest answer of the train split, whatever is asked. Its accuracy is the
//! share of the commonest label, which a model has to beat before it has shown anything.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::sample::Sample;
use crate::tasks::Task;

/// The answer that is expected most often, as it is written; the one that comes first among equally
/// common ones. Empty where there are no samples.
///
/// Answers are counted as text, so that lists of accepted answers with the same first one, and
/// documents with the same values, are the same answer.
pub(super) fn answer(task: &Task, train: &[Sample]) -> String {
    let mut counts: HashMap<String, (usize, Reverse<usize>)> = HashMap::new();
    for (at, sample) in train.iter().enumerate() {
        let (count, _) = counts.entry(task.write(&sample.expected)).or_insert((0, Reverse(at)));
        *count = count.saturating_add(1);
    }
    let commonest = counts.into_iter().max_by_key(|(_, rank)| *rank);
    commonest.map(|(answer, _)| answer).unwrap_or_default()
}
