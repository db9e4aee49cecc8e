//! Typed spans, the common currency of the metrics over entities.

/// A typed part of a sequence, of code points of a text or of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<'a> {
    /// Position of the first unit.
    pub start: usize,
    /// Position after the last unit; not after `start` in an empty span.
    pub end: usize,
    /// The type.
    pub label: &'a str,
}

impl Span<'_> {
    /// Whether both cover the same units, whatever their types.
    pub fn same_place(self, other: Span<'_>) -> bool {
        self.start == other.start && self.end == other.end
    }

    /// Whether they share a unit.
    pub fn overlaps(self, other: Span<'_>) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }
}
