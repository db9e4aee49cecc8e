//! Text as the reference implementations see it, which are written in Python.

use std::collections::HashMap;
use std::hash::Hash;

/// White space of Python's `str.split`: Unicode's, and the four information separators.
pub(super) fn is_white(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The words of Python's `str.split()`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white).filter(|word| !word.is_empty())
}

/// The items of both sequences as numbers, equal where the items are.
pub(super) fn numbered<T: Hash + Eq>(a: &[T], b: &[T]) -> (Vec<u64>, Vec<u64>) {
    let mut known: HashMap<&T, u64> = HashMap::new();
    for item in a.iter().chain(b) {
        let next = known.len() as u64;
        known.entry(item).or_insert(next);
    }
    let numbers = |items: &[T]| items.iter().filter_map(|item| known.get(item).copied()).collect();
    (numbers(a), numbers(b))
}
