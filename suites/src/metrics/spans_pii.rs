//! Spans of personal data: exact matches, and how much of the text to hide is hidden.
//!
//! Offsets are half-open and count **Unicode code points**, neither bytes nor UTF-16 units. Spans
//! are sets, so duplicates count once. Parts beyond the end of the text are ignored where
//! characters are counted. Exact matches follow the entity scores of CoNLL 2003 (Tjong Kim Sang
//! and De Meulder); character scores are scikit-learn's of one indicator a code point. F2 weighs
//! recall, since what is not hidden is worse than what is hidden in vain. All ratios are in [0, 1],
//! and 0 where they are 0/0.

use std::collections::BTreeSet;

use super::Parts;
use super::precision_recall::Counts;
use super::spans::Span;

/// The statistics of covered code points.
pub const CHARACTERS: &str = "(characters)";
/// The statistics of spans that agree in offsets and type.
pub const STRICT: &str = "(strict)";
/// The statistics of spans that agree in offsets.
pub const PLACES: &str = "(places)";

/// Puts counts into a sample's statistics, as `tp:NAME`, `fp:NAME` and `fn:NAME`.
pub fn add_parts(parts: &mut Parts, name: &str, counts: Counts) {
    let (fp, missed) = (counts.predicted - counts.tp, counts.gold - counts.tp);
    for (kind, value) in [("tp", counts.tp), ("fp", fp), ("fn", missed)] {
        parts.insert(format!("{kind}:{name}"), value);
    }
}

/// The counts in summed statistics.
pub fn counts_of_parts(sum: &Parts, name: &str) -> Counts {
    let part = |kind: &str| sum.get(&format!("{kind}:{name}")).copied().unwrap_or(0.0);
    let tp = part("tp");
    Counts { tp, predicted: tp + part("fp"), gold: tp + part("fn") }
}

/// Counts of spans that agree in offsets and type.
pub fn exact_labelled(gold: &[Span<'_>], predicted: &[Span<'_>]) -> Counts {
    shared(gold.iter().collect(), predicted.iter().collect())
}

/// Counts of spans that agree in offsets, whatever their types.
pub fn exact_unlabelled(gold: &[Span<'_>], predicted: &[Span<'_>]) -> Counts {
    let places = |spans: &[Span<'_>]| spans.iter().map(|s| (s.start, s.end)).collect();
    shared(places(gold), places(predicted))
}

fn shared<T: Ord>(gold: BTreeSet<T>, predicted: BTreeSet<T>) -> Counts {
    Counts {
        tp: gold.intersection(&predicted).count() as f64,
        predicted: predicted.len() as f64,
        gold: gold.len() as f64,
    }
}

/// Counts of covered code points of a text of `length` code points; types are ignored.
pub fn characters(length: usize, gold: &[Span<'_>], predicted: &[Span<'_>]) -> Counts {
    let (gold, predicted) = (cover(length, gold), cover(length, predicted));
    Counts { tp: common(&gold, &predicted), predicted: size(&predicted), gold: size(&gold) }
}

/// Number of gold spans of which at least one code point is covered by no predicted span, the
/// leaks; types of predictions are ignored.
pub fn not_fully_covered(length: usize, gold: &[Span<'_>], predicted: &[Span<'_>]) -> usize {
    let hidden = cover(length, predicted);
    let distinct: BTreeSet<&Span<'_>> = gold.iter().collect();
    let is_hidden = |span: &Span<'_>| {
        let end = span.end.min(length);
        let before = hidden.partition_point(|part| part.0 <= span.start);
        let part = before.checked_sub(1).and_then(|index| hidden.get(index));
        span.start >= end || part.is_some_and(|part| end <= part.1)
    };
    distinct.into_iter().filter(|span| !is_hidden(span)).count()
}

/// The part of a text that a span covers; what lies beyond the end is left out.
pub fn surface<'t>(text: &'t str, span: Span<'_>) -> &'t str {
    let byte = |position| text.char_indices().nth(position).map_or(text.len(), |(byte, _)| byte);
    text.get(byte(span.start)..byte(span.end)).unwrap_or_default()
}

/// The covered stretches in order, those that overlap or touch made one.
fn cover(length: usize, spans: &[Span<'_>]) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = spans
        .iter()
        .map(|span| (span.start, span.end.min(length)))
        .filter(|(start, end)| start < end)
        .collect();
    stretches.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in stretches {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn size(stretches: &[(usize, usize)]) -> f64 {
    stretches.iter().map(|(start, end)| end.saturating_sub(*start) as f64).sum()
}

/// Number of code points in both covers.
fn common(a: &[(usize, usize)], b: &[(usize, usize)]) -> f64 {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut total = 0.0;
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        total += x.1.min(y.1).saturating_sub(x.0.max(y.0)) as f64;
        if x.1 < y.1 {
            a.next();
        } else {
            b.next();
        }
    }
    total
}
