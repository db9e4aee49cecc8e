//! Distances and similarities of strings, with the semantics of rapidfuzz, and the error rates that
//! are made of them.
//!
//! Everything counts Unicode code points, without any normalisation. Distances are numbers of
//! operations; `jaro` and the normalised similarity are in [0, 1], the fuzzy ratios in [0, 100].
//! Error rates are at least 0, may exceed 1, and are undefined for an empty reference.

use std::collections::BTreeSet;

use rapidfuzz::distance::{
    damerau_levenshtein as damerau, indel, jaro as jaro_distance, jaro_winkler as winkler, lcs_seq,
    levenshtein as edits, osa as alignment,
};

use super::text::{is_white, numbered, words};

/// Fewest insertions, deletions and substitutions (Levenshtein 1966).
pub fn levenshtein(a: &str, b: &str) -> usize {
    edits::distance(a.chars(), b.chars())
}

/// 1 − distance / length of the longer text; 1 for two empty texts.
pub fn levenshtein_similarity(a: &str, b: &str) -> f64 {
    edits::normalized_similarity(a.chars(), b.chars())
}

/// Whether [`levenshtein_similarity`] is at least `threshold`. Texts whose lengths rule that out cost
/// no more than counting them.
pub fn levenshtein_similarity_is_at_least(a: &str, b: &str, threshold: f64) -> bool {
    // The slack lets 1 - 1/10 reach 0.9, as it does in decimal arithmetic.
    let cutoff = edits::Args::default().score_cutoff(threshold - 1e-12);
    edits::normalized_similarity_with_args(a.chars(), b.chars(), &cutoff).is_some()
}

/// Optimal string alignment: Levenshtein's operations and the swap of neighbours, where no part is
/// edited twice.
pub fn osa(a: &str, b: &str) -> usize {
    alignment::distance(a.chars(), b.chars())
}

/// The unrestricted distance of Damerau and Levenshtein: what was swapped may be edited again.
pub fn damerau_levenshtein(a: &str, b: &str) -> usize {
    damerau::distance(a.chars(), b.chars())
}

/// Fewest insertions and deletions.
pub fn insertions_and_deletions(a: &str, b: &str) -> usize {
    indel::distance(a.chars(), b.chars())
}

/// Length of the longest common subsequence.
pub fn lcs_length(a: &str, b: &str) -> usize {
    lcs_seq::similarity(a.chars(), b.chars())
}

/// Jaro's similarity (1989); 1 for two empty texts.
pub fn jaro(a: &str, b: &str) -> f64 {
    jaro_distance::similarity(a.chars(), b.chars())
}

/// Winkler's (1990): Jaro's, raised by a tenth of the rest for each of at most four shared first
/// characters where it is above 0.7.
pub fn jaro_winkler(a: &str, b: &str) -> f64 {
    winkler::similarity(a.chars(), b.chars())
}

/// 100 · (1 − insertions and deletions / sum of the lengths); 100 for two empty texts.
pub fn ratio(a: &str, b: &str) -> f64 {
    100.0 * indel::normalized_similarity(a.chars(), b.chars())
}

/// [`ratio`] of the words in sorted order.
pub fn token_sort_ratio(a: &str, b: &str) -> f64 {
    let sorted = |text: &str| {
        let mut tokens: Vec<&str> = tokens(text).collect();
        tokens.sort_unstable();
        tokens.join(" ")
    };
    ratio(&sorted(a), &sorted(b))
}

/// The best [`ratio`] among three texts: the shared words, and these with the remaining words of
/// either side. 0 where a side has no words, 100 where one side's words are all in the other.
pub fn token_set_ratio(a: &str, b: &str) -> f64 {
    let (a, b): (BTreeSet<&str>, BTreeSet<&str>) = (tokens(a).collect(), tokens(b).collect());
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let joined = |words: Vec<&str>| words.join(" ");
    let shared = joined(a.intersection(&b).copied().collect());
    let only_a = joined(a.difference(&b).copied().collect());
    let only_b = joined(b.difference(&a).copied().collect());
    if shared.is_empty() {
        return ratio(&only_a, &only_b);
    }
    if only_a.is_empty() || only_b.is_empty() {
        return 100.0;
    }
    let with_a = format!("{shared} {only_a}");
    let with_b = format!("{shared} {only_b}");
    [ratio(&shared, &with_a), ratio(&shared, &with_b), ratio(&with_a, &with_b)]
        .into_iter()
        .fold(0.0, f64::max)
}

/// Best [`ratio`] of the shorter text and any part of the longer one that is as long, or that is
/// shorter and at its beginning or end. Texts of equal length are compared both ways.
pub fn partial_ratio(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() || b.is_empty() {
        return if a.len() == b.len() { 100.0 } else { 0.0 };
    }
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let best = best_part(short, long);
    let best = if a.len() == b.len() { best.max(best_part(long, short)) } else { best };
    100.0 * best
}

/// The best similarity of `text` and a part of `long`. Neighbouring parts differ little, so those
/// that cannot be better than the best so far are skipped.
fn best_part<'a>(text: &[char], long: &'a [char]) -> f64 {
    let comparator = indel::BatchComparator::new(text.iter().copied());
    let mut best: f64 = 0.0;
    let mut search = |part: &dyn Fn(usize) -> Option<&'a [char]>, same_length: bool| {
        let mut index = 0usize;
        while let Some(part) = part(index) {
            let lengths = text.len().saturating_add(part.len()) as f64;
            let distance = comparator.distance(part.iter().copied()) as f64;
            best = best.max(1.0 - distance / lengths);
            // A step takes one character away, and adds one in windows of the same length: each
            // may lower the distance by one. The quotient is 0/0 where nothing is similar yet.
            let lacking = distance - (1.0 - best) * lengths;
            let gain = if same_length { 2.0 } else { best };
            index = index.saturating_add(1).saturating_add((lacking / gain) as usize);
        }
    };
    let shorter = |index: usize| text.len().checked_sub(index.checked_add(1)?).filter(|l| *l > 0);
    search(&|index| long.get(index..index.checked_add(text.len())?), true);
    search(&|index| long.get(..shorter(index)?), false);
    search(&|index| long.get(long.len().checked_sub(shorter(index)?)?..), false);
    best
}

/// Words as rapidfuzz splits them: U+0085 and U+00A0 separate only in a text that has a character
/// beyond U+00FF, for it looks at the bytes of shorter characters.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let wide = text.chars().any(|c| c > '\u{ff}');
    text.split(move |c| is_white(c) && (wide || !matches!(c, '\u{85}' | '\u{a0}')))
        .filter(|token| !token.is_empty())
}

/// Fewest insertions, deletions and substitutions of whole words, as Python's `str.split` splits.
pub fn word_edits(prediction: &str, reference: &str) -> usize {
    let prediction: Vec<&str> = words(prediction).collect();
    let reference: Vec<&str> = words(reference).collect();
    let (prediction, reference) = numbered(&prediction, &reference);
    edits::distance(prediction, reference)
}

/// Word error rate: [`word_edits`] per word of the reference; `None` for a reference without words.
pub fn wer(prediction: &str, reference: &str) -> Option<f64> {
    rate(word_edits(prediction, reference), words(reference).count())
}

/// Character error rate: [`levenshtein`] per character of the reference; `None` for an empty one.
pub fn cer(prediction: &str, reference: &str) -> Option<f64> {
    rate(levenshtein(prediction, reference), reference.chars().count())
}

fn rate(edits: usize, length: usize) -> Option<f64> {
    (length > 0).then(|| edits as f64 / length as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook pair: the swapped letters are edited again by the second distance only.
    #[test]
    fn the_restricted_distance_edits_no_part_twice() {
        assert_eq!(osa("ca", "abc"), 3);
        assert_eq!(damerau_levenshtein("ca", "abc"), 2);
    }

    #[test]
    fn long_texts_beyond_a_machine_word() {
        let (a, b) = ("ab".repeat(5_000), "ba".repeat(5_000));
        assert_eq!(levenshtein(&a, &b), 2);
        assert_eq!(lcs_length(&a, &b), 9_999);
        assert_eq!(partial_ratio(&"b".repeat(200), &format!("{a}{}", "b".repeat(200))), 100.0);
    }
}
