//! How the rows of a batch hang together: a tree whose branches see what stands above them.
//!
//! Sequences that begin alike share the rows of their beginning, so a system text is computed once
//! a batch and a paragraph once for all questions about it. Nothing is padded.

use std::ops::Range;

/// Rows that follow each other without a branch.
pub struct Span {
    /// The rows themselves.
    pub queries: Range<usize>,
    /// What they see, from the beginning of the sequence; the last range ends in these rows.
    pub keys: Vec<Range<usize>>,
}

/// The places of all rows.
#[derive(Default)]
pub struct Tree {
    /// The place of each row in its sequence.
    pub positions: Vec<usize>,
    /// All spans; their queries cover each row once, in order.
    pub spans: Vec<Span>,
}

impl Tree {
    /// One sequence of `length` rows that go on after `seen` others.
    pub fn sequence(seen: usize, length: usize) -> Self {
        Self {
            positions: (seen..seen + length).collect(),
            spans: vec![Span {
                queries: 0..length,
                keys: std::iter::once(0..seen + length).collect(),
            }],
        }
    }

    /// Adds `length` rows below the ranges `above`; the first stands at `position`. Returns the
    /// ranges that the rows below the new ones see.
    pub fn grow(
        &mut self,
        above: &[Range<usize>],
        position: usize,
        length: usize,
    ) -> Vec<Range<usize>> {
        let start = self.positions.len();
        let mut keys = above.to_vec();
        if length > 0 {
            self.positions.extend(position..position + length);
            keys.push(start..start + length);
            self.spans.push(Span { queries: start..start + length, keys: keys.clone() });
        }
        keys
    }
}
