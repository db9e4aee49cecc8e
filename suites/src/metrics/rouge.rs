//! ROUGE-N, ROUGE-L and ROUGE-Lsum (Lin 2004), with the semantics of Google's `rouge_score`.
//!
//! Tokens are runs of `a`–`z` and `0`–`9` of the lower-case text: letters beyond ASCII vanish. Every
//! figure is in [0, 1], and 0 where a side has no tokens.

use rapidfuzz::distance::lcs_seq;

use super::ngrams::{ngrams, shared, size, tally};
use super::porter;
use super::text::numbered;

/// What counts as the same token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// The same word.
    Plain,
    /// The same stem by Porter's rules, for words of more than three letters.
    Stemmed,
}

/// Precision, recall and their harmonic mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Share of the prediction that is in the target.
    pub precision: f64,
    /// Share of the target that is in the prediction.
    pub recall: f64,
    /// 2PR / (P + R), and 0 where both are 0.
    pub f1: f64,
}

impl Score {
    fn of(hits: usize, predicted: usize, targeted: usize) -> Score {
        if hits == 0 || predicted == 0 || targeted == 0 {
            return Score::default();
        }
        let precision = hits as f64 / predicted as f64;
        let recall = hits as f64 / targeted as f64;
        Score { precision, recall, f1: 2.0 * precision * recall / (precision + recall) }
    }

    /// The score with the highest F1, the first on ties: the one of several targets that counts.
    pub fn best(scores: impl IntoIterator<Item = Score>) -> Option<Score> {
        scores.into_iter().reduce(|best, score| if score.f1 > best.f1 { score } else { best })
    }
}

impl Tokens {
    /// The tokens of a text.
    pub fn of(self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let words = text
            .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
            .filter(|word| !word.is_empty());
        match self {
            Tokens::Stemmed => words
                .map(|word| if word.len() > 3 { porter::stem(word) } else { word.to_owned() })
                .collect(),
            Tokens::Plain => words.map(str::to_owned).collect(),
        }
    }
}

/// ROUGE-N: shared n-grams, each as often as the side that has fewer of it.
pub fn rouge_n(prediction: &str, target: &str, n: usize, tokens: Tokens) -> Score {
    let (prediction, target) = (tokens.of(prediction), tokens.of(target));
    let (predicted, targeted) = (ngrams(&prediction, n), ngrams(&target, n));
    Score::of(shared(&predicted, &targeted), size(&predicted), size(&targeted))
}

/// ROUGE-L: the longest common subsequence of all tokens; line breaks do not matter.
pub fn rouge_l(prediction: &str, target: &str, tokens: Tokens) -> Score {
    let (prediction, target) = (tokens.of(prediction), tokens.of(target));
    let (predicted, targeted) = numbered(&prediction, &target);
    let hits = lcs_seq::similarity(predicted.iter().copied(), targeted.iter().copied());
    Score::of(hits, predicted.len(), targeted.len())
}

/// ROUGE-Lsum: for each line of the target, the union of its longest common subsequences with every
/// line of the prediction; a token counts at most as often as either text has it.
pub fn rouge_l_sum(prediction: &str, target: &str, tokens: Tokens) -> Score {
    let lines =
        |text: &str| -> Vec<Vec<String>> { text.split('\n').map(|line| tokens.of(line)).collect() };
    let (prediction, target) = (lines(prediction), lines(target));
    let mut left_in_prediction = tally(prediction.iter().flatten());
    let mut left_in_target = tally(target.iter().flatten());
    let mut hits = 0usize;
    for line in &target {
        let mut in_union = vec![false; line.len()];
        for other in &prediction {
            mark_lcs(line, other, &mut in_union);
        }
        for (token, _) in line.iter().zip(in_union).filter(|(_, in_union)| *in_union) {
            let lefts = [left_in_prediction.get_mut(token), left_in_target.get_mut(token)];
            if let [Some(a), Some(b)] = lefts
                && *a > 0
                && *b > 0
            {
                *a = a.saturating_sub(1);
                *b = b.saturating_sub(1);
                hits = hits.saturating_add(1);
            }
        }
    }
    let length = |lines: &[Vec<String>]| lines.iter().map(Vec::len).sum();
    Score::of(hits, length(&prediction), length(&target))
}

/// Marks the tokens of `line` that are in its longest common subsequence with `other`: of several
/// the one that the reference's way back through the table finds.
fn mark_lcs(line: &[String], other: &[String], marks: &mut [bool]) {
    let table = lcs_table(line, other);
    let length = |i: usize, j: usize| table.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut j) = (line.len(), other.len());
    while let (Some(above), Some(left)) = (i.checked_sub(1), j.checked_sub(1)) {
        if line.get(above) == other.get(left) {
            if let Some(mark) = marks.get_mut(above) {
                *mark = true;
            }
            (i, j) = (above, left);
        } else if length(i, left) > length(above, j) {
            j = left;
        } else {
            i = above;
        }
    }
}

/// Row i, column j: the length for the first i tokens of `a` and the first j of `b`.
fn lcs_table(a: &[String], b: &[String]) -> Vec<Vec<usize>> {
    let mut above = vec![0usize; b.len().saturating_add(1)];
    let mut table = vec![above.clone()];
    for x in a {
        let mut left = 0usize;
        let mut row = vec![left];
        for (y, (diagonal, up)) in b.iter().zip(above.iter().zip(above.iter().skip(1))) {
            left = if x == y { diagonal.saturating_add(1) } else { left.max(*up) };
            row.push(left);
        }
        table.push(row.clone());
        above = row;
    }
    table
}
