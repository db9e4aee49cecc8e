//! N-grams as multisets, which ROUGE, BLEU and chrF count.

use std::collections::HashMap;
use std::hash::Hash;

/// How often each item occurs.
pub(super) fn tally<T: Hash + Eq>(items: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for item in items {
        let count: &mut usize = counts.entry(item).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// How often each n-gram of an order occurs; no n-grams have order 0.
pub(super) fn ngrams<T: Hash + Eq>(items: &[T], order: usize) -> HashMap<&[T], usize> {
    if order == 0 { HashMap::new() } else { tally(items.windows(order)) }
}

/// What two multisets share, each item as often as the side that has fewer of it.
pub(super) fn shared<T: Hash + Eq>(a: &HashMap<T, usize>, b: &HashMap<T, usize>) -> usize {
    a.iter().map(|(item, count)| b.get(item).map_or(0, |other| *count.min(other))).sum()
}

/// All items of a multiset.
pub(super) fn size<T>(counts: &HashMap<T, usize>) -> usize {
    counts.values().sum()
}
