//! chrF and chrF++ (Popović 2015, 2017), with the semantics of sacrebleu 2.
//!
//! An F score over character n-grams, and for chrF++ over word n-grams too. A corpus score is no
//! mean of sentences: [`Counts`] of sentences are added, and [`Counts::score`] makes the score of
//! the sum. Range [0, 100].

use std::hash::Hash;

use super::ngrams::{ngrams, shared, size};
use super::text::words;

/// How chrF is computed; the default is chrF of Popović 2015 (chrF2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The longest character n-grams.
    pub char_order: u8,
    /// The longest word n-grams: 0 for chrF, 2 for chrF++.
    pub word_order: u8,
    /// How many times as much recall weighs as precision.
    pub beta: f64,
    /// Whether case is ignored.
    pub lowercase: bool,
    /// Whether white space counts as characters.
    pub whitespace: bool,
    /// Whether all orders count and a tiny number stands for what is undefined, as in the authors'
    /// program; otherwise only orders that both sides have n-grams of.
    pub eps_smoothing: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            char_order: 6,
            word_order: 0,
            beta: 2.0,
            lowercase: false,
            whitespace: false,
            eps_smoothing: false,
        }
    }
}

/// The n-grams of one order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Order {
    /// Of the hypothesis; 0 where the reference has none of the order.
    pub hypothesis: f64,
    /// Of the reference.
    pub reference: f64,
    /// Of both, each as often as the side that has fewer of it.
    pub matches: f64,
}

/// What chrF is made of, by order: characters, then words. The counts of sentences add up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts(pub Vec<Order>);

impl Counts {
    /// The counts of one sentence with the reference that gives the best score, the first on ties;
    /// `None` without references.
    pub fn of(hypothesis: &str, references: &[&str], settings: &Settings) -> Option<Counts> {
        let hypothesis = Text::of(hypothesis, settings);
        let counts = references.iter().map(|reference| {
            let counts = hypothesis.against(&Text::of(reference, settings), settings);
            (counts.score(settings), counts)
        });
        let best = counts.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, counts)| counts)
    }

    /// Adds the counts of another sentence.
    pub fn add(&mut self, other: &Counts) {
        self.0.resize(self.0.len().max(other.0.len()), Order::default());
        for (sum, order) in self.0.iter_mut().zip(&other.0) {
            sum.hypothesis += order.hypothesis;
            sum.reference += order.reference;
            sum.matches += order.matches;
        }
    }

    /// chrF of the counts.
    pub fn score(&self, settings: &Settings) -> f64 {
        if settings.eps_smoothing {
            self.score_of_all(settings)
        } else {
            self.score_of_shared(settings)
        }
    }

    /// Mean of the F scores of all orders.
    fn score_of_all(&self, settings: &Settings) -> f64 {
        const EPS: f64 = 1e-16;
        let f_scores = self.0.iter().map(|order| {
            let part = |of: f64| if of > 0.0 { order.matches / of } else { EPS };
            let score = f_score(part(order.hypothesis), part(order.reference), settings.beta);
            score.unwrap_or(EPS)
        });
        let sum: f64 = f_scores.sum();
        if self.0.is_empty() { 0.0 } else { 100.0 * sum / self.0.len() as f64 }
    }

    /// F score of the mean precision and the mean recall of the orders that both sides have.
    fn score_of_shared(&self, settings: &Settings) -> f64 {
        let shared = || self.0.iter().filter(|o| o.hypothesis > 0.0 && o.reference > 0.0);
        let orders = shared().count().max(1) as f64;
        let precision =
            shared().map(|order| order.matches / order.hypothesis).sum::<f64>() / orders;
        let recall = shared().map(|order| order.matches / order.reference).sum::<f64>() / orders;
        100.0 * f_score(precision, recall, settings.beta).unwrap_or(0.0)
    }
}

/// (1 + β²) P R / (β² P + R); `None` where that is 0/0.
fn f_score(precision: f64, recall: f64, beta: f64) -> Option<f64> {
    let factor = beta * beta;
    let denominator = factor * precision + recall;
    (denominator > 0.0).then(|| (1.0 + factor) * precision * recall / denominator)
}

/// A text as chrF looks at it.
struct Text {
    chars: Vec<char>,
    words: Vec<String>,
}

impl Text {
    fn of(text: &str, settings: &Settings) -> Text {
        let text = if settings.lowercase { text.to_lowercase() } else { text.to_owned() };
        let chars = if settings.whitespace {
            text.chars().collect()
        } else {
            words(&text).flat_map(str::chars).collect()
        };
        let words = if settings.word_order > 0 {
            words(&text).flat_map(without_punctuation).map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        Text { chars, words }
    }

    fn against(&self, reference: &Text, settings: &Settings) -> Counts {
        let chars =
            (1..=usize::from(settings.char_order)).map(|n| order(&self.chars, &reference.chars, n));
        let words =
            (1..=usize::from(settings.word_order)).map(|n| order(&self.words, &reference.words, n));
        Counts(chars.chain(words).collect())
    }
}

/// A word and the ASCII punctuation at its end or, if there is none, at its beginning: one character
/// of it, so `(hi)` becomes `(hi` and `)`.
fn without_punctuation(word: &str) -> Vec<&str> {
    let punctuation = |c: char| c.is_ascii_punctuation();
    let split = match word.strip_suffix(punctuation) {
        Some(rest) => word.split_at_checked(rest.len()),
        None => word.strip_prefix(punctuation).and_then(|_| word.split_at_checked(1)),
    };
    let (first, second) = split.unwrap_or((word, ""));
    [first, second].into_iter().filter(|part| !part.is_empty()).collect()
}

fn order<T: Hash + Eq>(hypothesis: &[T], reference: &[T], n: usize) -> Order {
    let (hypothesis, reference) = (ngrams(hypothesis, n), ngrams(reference, n));
    Order {
        hypothesis: if reference.is_empty() { 0.0 } else { size(&hypothesis) as f64 },
        reference: size(&reference) as f64,
        matches: shared(&hypothesis, &reference) as f64,
    }
}
