//! BLEU (Papineni et al. 2002), with the semantics of sacrebleu 2 (Post 2018).
//!
//! BLEU is no mean of sentences: [`Counts`] of sentences are added, and [`Counts::bleu`] makes the
//! score of the sum. The score and the precisions are in [0, 100], the brevity penalty in [0, 1].

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::ngrams::{ngrams, size};
use super::text::{
    is_white, replace_pairs, separate_points, separate_punctuation, surround, unescape, words,
};

/// How BLEU is computed; the default is sacrebleu's for a corpus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How texts become tokens.
    pub tokenizer: Tokenizer,
    /// Whether case is ignored.
    pub lowercase: bool,
    /// The longest n-grams that count.
    pub max_order: u8,
    /// What stands for the precision of an order without a match.
    pub smoothing: Smoothing,
    /// Whether orders that the hypothesis is too short for are left out: for single sentences.
    pub effective_order: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            tokenizer: Tokenizer::Mteval13a,
            lowercase: false,
            max_order: 4,
            smoothing: Smoothing::Exponential,
            effective_order: false,
        }
    }
}

/// The tokenizers of sacrebleu that need no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenizer {
    /// White space only (`none`).
    White,
    /// mteval-v13a for Western languages (`13a`).
    Mteval13a,
    /// mteval-v14 by Unicode's categories (`intl`).
    International,
    /// Every character (`char`).
    Characters,
    /// Chinese characters singly, the rest as 13a does (`zh`).
    Chinese,
}

/// Smoothing (Chen and Cherry 2014).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smoothing {
    /// Nothing: one order without a match makes the score 0.
    Nothing,
    /// This many matches instead of none.
    Floor(f64),
    /// This many more matches and n-grams of every order above 1.
    AddK(f64),
    /// 1/2, 1/4, … of a match for the first, second, … order without one.
    Exponential,
}

/// What BLEU is made of; the counts of several sentences add up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// N-grams of the hypothesis that are in a reference, by order from 1.
    pub matches: Vec<f64>,
    /// N-grams of the hypothesis, by order from 1.
    pub totals: Vec<f64>,
    /// Tokens of the hypothesis.
    pub hypothesis_length: f64,
    /// Tokens of the reference that is closest in length, of the shorter one on ties.
    pub reference_length: f64,
}

/// A score and what it is the product of.
#[derive(Debug, Clone, PartialEq)]
pub struct Bleu {
    /// Brevity penalty · geometric mean of the precisions.
    pub score: f64,
    /// Precisions in per cent, by order from 1; all 0 where nothing matches.
    pub precisions: Vec<f64>,
    /// exp(1 − reference length / hypothesis length) for a shorter hypothesis, otherwise 1.
    pub brevity_penalty: f64,
}

impl Counts {
    /// The counts of one sentence; `None` without references.
    pub fn of(hypothesis: &str, references: &[&str], settings: &Settings) -> Option<Counts> {
        let hypothesis = settings.tokens(hypothesis);
        let references: Vec<String> = references.iter().map(|r| settings.tokens(r)).collect();
        let hypothesis: Vec<&str> = words(&hypothesis).collect();
        let references: Vec<Vec<&str>> = references.iter().map(|r| words(r).collect()).collect();
        let length = hypothesis.len();
        let closest = references.iter().map(Vec::len).min_by_key(|l| (l.abs_diff(length), *l))?;
        let mut counts = Counts {
            hypothesis_length: length as f64,
            reference_length: closest as f64,
            ..Counts::default()
        };
        for order in 1..=usize::from(settings.max_order) {
            let in_references: Vec<_> = references.iter().map(|r| ngrams(r, order)).collect();
            let own = ngrams(&hypothesis, order);
            let matched = own.iter().map(|(ngram, count)| {
                let most = in_references.iter().filter_map(|r| r.get(ngram)).max();
                most.map_or(0, |most| *most.min(count))
            });
            counts.matches.push(matched.sum::<usize>() as f64);
            counts.totals.push(size(&own) as f64);
        }
        Some(counts)
    }

    /// Adds the counts of another sentence.
    pub fn add(&mut self, other: &Counts) {
        self.hypothesis_length += other.hypothesis_length;
        self.reference_length += other.reference_length;
        for (sum, values) in
            [(&mut self.matches, &other.matches), (&mut self.totals, &other.totals)]
        {
            sum.resize(sum.len().max(values.len()), 0.0);
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += value;
            }
        }
    }

    /// BLEU of the counts.
    pub fn bleu(&self, settings: &Settings) -> Bleu {
        let brevity_penalty = if self.hypothesis_length >= self.reference_length {
            1.0
        } else if self.hypothesis_length > 0.0 {
            (1.0 - self.reference_length / self.hypothesis_length).exp()
        } else {
            0.0
        };
        let mut precisions = vec![0.0; self.matches.len()];
        if self.matches.iter().all(|matches| *matches == 0.0) {
            return Bleu { score: 0.0, precisions, brevity_penalty };
        }
        let mut orders = 0usize;
        let mut share_of_a_match = 1.0;
        let counts = self.matches.iter().zip(&self.totals).zip(&mut precisions).enumerate();
        for (index, ((matches, total), precision)) in counts {
            let more = match settings.smoothing {
                Smoothing::AddK(k) if index > 0 => k,
                _ => 0.0,
            };
            let (mut matches, total) = (matches + more, total + more);
            if total == 0.0 {
                break;
            }
            orders = orders.saturating_add(1);
            if matches == 0.0 {
                matches = match settings.smoothing {
                    Smoothing::Exponential => {
                        share_of_a_match /= 2.0;
                        share_of_a_match
                    }
                    Smoothing::Floor(value) => value,
                    Smoothing::Nothing | Smoothing::AddK(_) => 0.0,
                };
            }
            *precision = 100.0 * matches / total;
        }
        if !settings.effective_order {
            orders = precisions.len();
        }
        let logarithms: f64 = precisions.iter().take(orders).map(|precision| precision.ln()).sum();
        let score = brevity_penalty * (logarithms / orders as f64).exp();
        Bleu { score, precisions, brevity_penalty }
    }
}

impl Settings {
    /// A text with white space between its tokens.
    fn tokens(&self, text: &str) -> String {
        let lower;
        let text = if self.lowercase {
            lower = text.to_lowercase();
            &lower
        } else {
            text
        };
        let text = text.trim_end_matches(is_white);
        match self.tokenizer {
            Tokenizer::White => text.to_owned(),
            Tokenizer::Mteval13a => mteval_13a(text),
            Tokenizer::International => international(text),
            Tokenizer::Characters => surround(text, |_| true),
            Tokenizer::Chinese => western(&surround(text.trim_matches(is_white), is_chinese)),
        }
    }
}

fn mteval_13a(text: &str) -> String {
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    western(&format!(" {} ", unescape(&text)))
}

fn western(text: &str) -> String {
    separate_points(&separate_punctuation(text))
}

/// Punctuation that is not within a number, and every symbol, as tokens.
fn international(text: &str) -> String {
    use GeneralCategoryGroup::{Number, Punctuation, Symbol};
    let is = |c: char, group| c.general_category_group() == group;
    let text = replace_pairs(text, |a, b| {
        (!is(a, Number) && is(b, Punctuation)).then_some([a, ' ', b, ' '])
    });
    let text = replace_pairs(&text, |a, b| {
        (is(a, Punctuation) && !is(b, Number)).then_some([' ', a, ' ', b])
    });
    surround(&text, |c| is(c, Symbol))
}

/// What sacrebleu takes for a Chinese character. Its list names extension B as `\u20000` to
/// `\u2a6d6`, which Python reads as U+2000 and a digit: so the punctuation, arrows and symbols from
/// U+2001 to U+2A6D are in it, and extension B is not.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{2001}'..='\u{2a6d}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{2ff0}'..='\u{303f}'
        | '\u{3100}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{3200}'..='\u{33ff}'
        | '\u{3400}'..='\u{4db5}'
        | '\u{4e00}'..='\u{9fbb}'
        | '\u{f900}'..='\u{fa2d}'
        | '\u{fa30}'..='\u{fa6a}'
        | '\u{fa70}'..='\u{fad9}'
        | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}')
}
