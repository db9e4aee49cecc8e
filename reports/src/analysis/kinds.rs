//! Samples by their statistics: those that have the same are one kind, of which each is kept once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rightsize_suites::Parts;

use super::repeats::{RowParts, Sample};

/// Kinds that are looked for among those that are known. Where there are more, most samples are of
/// a kind of their own, as with shares, and a table of all would cost more than it saves.
const MOST_KNOWN: usize = 1 << 16;

/// Statistics by number, each with a value.
type Sparse = Vec<(u32, f64)>;

/// The kinds of some samples, numbered from 0 in the order of their first one.
#[derive(Debug, Default)]
pub struct Kinds {
    /// The number of each statistic, in the order of their first occurrence.
    names: HashMap<Arc<str>, u32>,
    /// The statistics of all kinds, one behind the other.
    sums: Sparse,
    /// Where those of each kind end.
    ends: Vec<usize>,
    /// Kinds of samples; those of clusters follow.
    of_samples: u32,
    /// Kinds by where rows have their statistics, which is quick to compare; and by the statistics
    /// themselves.
    by_place: HashMap<*const RowParts, u32>,
    by_sums: HashMap<Vec<(u32, u64)>, u32>,
}

impl Kinds {
    /// The kind of a sample.
    pub fn of_sample(&mut self, sample: &Sample<'_>) -> u32 {
        // Rows share the statistics that they have alike; those of several rows are made anew.
        let place = match &sample.parts {
            Cow::Borrowed(parts) => Some(std::ptr::from_ref(*parts)),
            Cow::Owned(_) => None,
        };
        if let Some(known) = place.and_then(|place| self.by_place.get(&place)) {
            return *known;
        }
        let mut sums: Sparse = Vec::with_capacity(sample.parts.len());
        for (name, value) in sample.parts.iter() {
            let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            let name = match self.names.get(name) {
                Some(number) => *number,
                None => *self.names.entry(name.clone()).or_insert(next),
            };
            add_to(&mut sums, name, *value);
        }
        let key: Vec<(u32, u64)> = sums.iter().map(|(name, v)| (*name, v.to_bits())).collect();
        let kind = match self.by_sums.get(&key) {
            Some(known) => *known,
            None => {
                let new = self.push(sums);
                if self.by_sums.len() < MOST_KNOWN {
                    self.by_sums.insert(key, new);
                }
                self.of_samples = new.saturating_add(1);
                new
            }
        };
        if let Some(place) = place.filter(|_| self.by_place.len() < MOST_KNOWN) {
            self.by_place.insert(place, kind);
        }
        kind
    }

    /// The kind of a cluster of samples of these kinds. All samples come before the first cluster.
    pub fn of_cluster(&mut self, members: &[u32]) -> u32 {
        let mut sums = Sparse::new();
        for member in members {
            for at in self.range(*member) {
                if let Some((name, value)) = self.sums.get(at) {
                    add_to(&mut sums, *name, *value);
                }
            }
        }
        self.push(sums)
    }

    fn push(&mut self, sums: Sparse) -> u32 {
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.sums.extend(sums);
        self.ends.push(self.sums.len());
        number
    }

    fn range(&self, kind: u32) -> std::ops::Range<usize> {
        let kind = kind as usize;
        let start = kind.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        start.unwrap_or(0)..self.ends.get(kind).copied().unwrap_or(0)
    }

    fn get(&self, kind: u32) -> &[(u32, f64)] {
        self.sums.get(self.range(kind)).unwrap_or_default()
    }

    /// How many kinds are those of samples: the first ones.
    pub fn count_of_samples(&self) -> u32 {
        self.of_samples
    }

    /// All statistics that any sample has, at 0.
    pub fn nothing(&self) -> Parts {
        self.names.keys().map(|name| (name.to_string(), 0.0)).collect()
    }

    /// Adds `times` samples of a kind to sums by the numbers of the statistics.
    pub fn add(&self, kind: u32, times: f64, sums: &mut [f64]) {
        for (name, value) in self.get(kind) {
            if let Some(slot) = sums.get_mut(*name as usize) {
                *slot += value * times;
            }
        }
    }

    /// The statistics of one sample of a kind.
    pub fn parts(&self, kind: u32) -> Parts {
        let of = self.get(kind);
        let named = self.names.iter().filter_map(|(name, number)| {
            let (_, value) = of.iter().find(|(own, _)| own == number)?;
            Some((name.to_string(), *value))
        });
        named.collect()
    }

    /// The number of each statistic, in the order of [`Kinds::nothing`].
    pub fn numbers(&self) -> Vec<u32> {
        let mut named: Vec<(&Arc<str>, u32)> = self.names.iter().map(|(n, i)| (n, *i)).collect();
        named.sort_unstable();
        named.into_iter().map(|(_, number)| number).collect()
    }
}

fn add_to(sums: &mut Sparse, name: u32, value: f64) {
    match sums.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += value,
        None => sums.push((name, 0.0 + value)),
    }
}
