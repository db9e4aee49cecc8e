//! `random`: an answer drawn from a list, each as probable as the others. The draw depends on the
//! seed and the sample's id alone, so a subset, a shard or another order of samples gives the same
//! answers.

use rightsize_providers::digest;
use serde_json::{Map, Value};

use crate::tasks::{Axis, Classification};

/// Hexadecimal digits that make 64 bits.
const DIGITS: usize = 16;

/// Labels drawn for a sample; every repeat (from 0) is a draw of its own. Of several axes each has one
/// too; of label sets each set is as probable as the others, so that each label is in it as often as
/// not.
pub(super) fn labels(task: &Classification, seed: u64, id: &str, repeat: u32) -> Value {
    let mut drawn = Map::new();
    for axis in &task.axes {
        let several = task.axes.len() > 1;
        let id = if several { format!("{id}:{}", axis.name) } else { id.to_owned() };
        let names = axis.label_names();
        let value = match axis.multiple {
            true => set(axis, seed, &id, repeat),
            false => answer(&names, seed, &id, repeat).into(),
        };
        drawn.insert(axis.name.clone(), value);
    }
    task.join(drawn)
}

fn set(axis: &Axis, seed: u64, id: &str, repeat: u32) -> Value {
    const SIDES: [bool; 2] = [false, true];
    let drawn = |name: &String| draw(&SIDES, seed, &format!("{id}:{name}"), repeat) == Some(&true);
    axis.label_names().into_iter().filter(drawn).collect()
}

/// One of the answers; empty where there are none.
///
/// The first 64 bits of SHA-256 of seed, id and repeat are scaled to the list's length. A list of a hundred
/// is drawn evenly to one part in 10¹⁷.
fn answer<'a>(answers: &'a [String], seed: u64, id: &str, repeat: u32) -> &'a str {
    draw(answers, seed, id, repeat).map(String::as_str).unwrap_or_default()
}

fn draw<'a, T>(choices: &'a [T], seed: u64, id: &str, repeat: u32) -> Option<&'a T> {
    let drawn_for = match repeat {
        0 => format!("{seed}:{id}"),
        repeat => format!("{seed}/{repeat}:{id}"),
    };
    let digest = digest::of_bytes(drawn_for.as_bytes());
    let bits = digest.get(..DIGITS).and_then(|hex| u64::from_str_radix(hex, 16).ok());
    // Below 2^64 times the length, so the upper half is below the length.
    let scaled = u128::from(bits.unwrap_or_default()).saturating_mul(choices.len() as u128) >> 64;
    usize::try_from(scaled).ok().and_then(|at| choices.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 7,000 draws of seven, each is drawn 1,000 times on average with a standard deviation of
    /// 29; five of them are allowed.
    #[test]
    fn every_answer_is_as_probable() {
        let answers: Vec<String> = (0..7).map(|i| i.to_string()).collect();
        let mut counts = [0usize; 7];
        for id in 0..7000 {
            let drawn = answer(&answers, 7, &id.to_string(), 0);
            counts[drawn.parse::<usize>().unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 146), "{counts:?}");
    }

    #[test]
    fn seeds_ids_and_repeats_give_other_draws() {
        let answers: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
        let first = answer(&answers, 7, "a", 0);
        assert_eq!(answer(&answers, 7, "a", 0), first);
        assert_ne!(answer(&answers, 8, "a", 0), first);
        assert_ne!(answer(&answers, 7, "b", 0), first);
        assert_ne!(answer(&answers, 7, "a", 1), first);
    }
}
