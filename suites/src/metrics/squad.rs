//! Exact match and token F1 of SQuAD v1.1 (Rajpurkar et al. 2016, `evaluate-v1.1.py`).
//!
//! Both compare after [`normalise`], and take the best over the accepted answers. F1 is the harmonic
//! mean of precision and recall over bags of tokens, and 0 where no token is shared, also when both
//! sides are empty. Range [0, 1]; without accepted answers both are 0.

use std::collections::HashMap;

use super::text::{is_word, words};

/// Lower case; without the 32 ASCII punctuation characters; without the articles *a*, *an*, *the*;
/// white space as single spaces. In this order: `U.S.A.` becomes `usa`, `10.0` becomes `100`.
pub fn normalise(text: &str) -> String {
    let without_punctuation: String =
        text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let without_articles = remove_articles(&without_punctuation);
    words(&without_articles).collect::<Vec<_>>().join(" ")
}

/// `re.sub(r"\b(a|an|the)\b", " ", text)` of Python: an article is a maximal run of word characters.
fn remove_articles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = is_word(c);
        let end = rest.find(|c| is_word(c) != word).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push_str(if word && matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = after;
    }
    out
}

/// Whether an answer equals an accepted one after normalisation.
pub fn exact_match(answer: &str, golds: &[&str]) -> bool {
    let answer = normalise(answer);
    golds.iter().any(|gold| normalise(gold) == answer)
}

/// Best token F1 of an answer over the accepted ones.
pub fn f1(answer: &str, golds: &[&str]) -> f64 {
    let answer = normalise(answer);
    golds.iter().map(|gold| f1_of_normalised(&answer, &normalise(gold))).fold(0.0, f64::max)
}

/// Token F1 of two normalised texts, 0 where no token is shared.
pub(super) fn f1_of_normalised(answer: &str, gold: &str) -> f64 {
    let tokens = |text: &str| text.split(' ').filter(|t| !t.is_empty()).count();
    let mut left: HashMap<&str, usize> = HashMap::new();
    for token in gold.split(' ').filter(|t| !t.is_empty()) {
        let count = left.entry(token).or_default();
        *count = count.saturating_add(1);
    }
    let mut shared = 0usize;
    for token in answer.split(' ').filter(|t| !t.is_empty()) {
        if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
            *count = count.saturating_sub(1);
            shared = shared.saturating_add(1);
        }
    }
    if shared == 0 {
        return 0.0;
    }
    let precision = shared as f64 / tokens(answer) as f64;
    let recall = shared as f64 / tokens(gold) as f64;
    2.0 * precision * recall / (precision + recall)
}
