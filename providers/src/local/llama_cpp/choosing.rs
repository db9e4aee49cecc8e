//! Choices in the making: one after another behind the same prompt.
//!
//! The prompt's last logits give the first token of every choice, so they are kept; the rest of a
//! choice is evaluated behind the prompt and taken away again before the next one.

use llama_cpp_2::token::LlamaToken;

use crate::local::choices::{self, log_probability};
use crate::{Answer, ChoiceScore, Stamp};

/// Most tokens of a choice in one step: each costs a row of logits.
const ROWS: usize = 32;

/// A choice to score.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) text: String,
    pub(super) tokens: Vec<LlamaToken>,
}

/// The choices of one ask, as far as they are scored.
#[derive(Debug)]
pub(super) struct Choosing {
    choices: Vec<Choice>,
    /// What the model expects after the prompt; empty until that is evaluated.
    first: Vec<f32>,
    scores: Vec<ChoiceScore>,
    /// Log-probability of the present choice's tokens so far, and their number.
    sum: f64,
    seen: usize,
    prompt_tokens: u64,
    cached_tokens: u64,
    sent: Stamp,
}

/// What follows from logits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The present choice goes on.
    GoesOn,
    /// Another choice has begun: what stands behind the prompt is to be taken away.
    Another,
    /// All choices are scored.
    Done,
    /// A probability is not a number.
    Nonsense,
}

impl Choosing {
    pub(super) fn new(
        choices: Vec<Choice>,
        prompt_tokens: u64,
        cached_tokens: u64,
        sent: Stamp,
    ) -> Choosing {
        Choosing {
            choices,
            first: Vec::new(),
            scores: Vec::new(),
            sum: 0.0,
            seen: 0,
            prompt_tokens,
            cached_tokens,
            sent,
        }
    }

    /// The tokens to evaluate next behind the prompt, and how many of the present choice stand there
    /// already. The last token of a choice is never evaluated: nothing follows it.
    pub(super) fn pending(&self) -> &[LlamaToken] {
        let Some(choice) = self.choices.get(self.scores.len()) else { return &[] };
        let end = choice.tokens.len().saturating_sub(1);
        let begin = self.seen.saturating_sub(1).min(end);
        choice.tokens.get(begin..end.min(begin.saturating_add(ROWS))).unwrap_or_default()
    }

    /// Takes in the logits of the prompt's last token.
    pub(super) fn after_prompt(&mut self, logits: &[f32]) -> Next {
        if !self.first.is_empty() {
            return Next::GoesOn; // The prompt was evaluated again for the present choice.
        }
        self.first = logits.to_vec();
        self.begin()
    }

    /// Takes in the logits of one more token of the present choice.
    pub(super) fn take(&mut self, logits: &[f32]) -> Next {
        let Some(choice) = self.choices.get(self.scores.len()) else { return Next::Done };
        if let Some(token) = choice.tokens.get(self.seen) {
            self.sum += probability(logits, *token);
            self.seen = self.seen.saturating_add(1);
        }
        if self.seen < choice.tokens.len() {
            return Next::GoesOn;
        }
        if !self.sum.is_finite() {
            return Next::Nonsense;
        }
        self.end();
        self.begin()
    }

    /// Scores the first tokens of choices until one has more than that.
    fn begin(&mut self) -> Next {
        while let Some(choice) = self.choices.get(self.scores.len()) {
            self.sum = choice.tokens.first().map_or(0.0, |token| probability(&self.first, *token));
            if !self.sum.is_finite() {
                return Next::Nonsense;
            }
            self.seen = choice.tokens.len().min(1);
            if choice.tokens.len() > 1 {
                return Next::Another;
            }
            self.end();
        }
        Next::Done
    }

    fn end(&mut self) {
        let Some(choice) = self.choices.get(self.scores.len()) else { return };
        self.scores.push(ChoiceScore {
            choice: choice.text.clone(),
            logprob: self.sum,
            tokens: u32::try_from(choice.tokens.len()).unwrap_or(u32::MAX),
        });
    }

    pub(super) fn answer(self) -> Answer {
        choices::answer(self.scores, self.prompt_tokens, self.cached_tokens, self.sent)
    }
}

fn probability(logits: &[f32], token: LlamaToken) -> f64 {
    u32::try_from(token.0).map_or(f64::NEG_INFINITY, |token| log_probability(logits, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    fn choice(tokens: &[i32]) -> Choice {
        let tokens: Vec<LlamaToken> = tokens.iter().copied().map(LlamaToken::new).collect();
        Choice { text: format!("{tokens:?}"), tokens }
    }

    /// Probabilities 1/6, 2/6 and 3/6.
    const FIRST: [f32; 3] = [0.0, std::f32::consts::LN_2, 1.098_612_3];
    /// Even probabilities.
    const LATER: [f32; 3] = [4.0; 3];

    #[test]
    fn choices_are_scored_one_after_another() {
        let choices = vec![choice(&[2]), choice(&[1, 0, 2]), choice(&[]), choice(&[0])];
        let mut choosing = Choosing::new(choices, 5, 0, Clock::Monotonic.now());
        assert_eq!(choosing.after_prompt(&FIRST), Next::Another);
        assert_eq!(choosing.pending(), choice(&[1, 0]).tokens);
        assert_eq!(choosing.take(&LATER), Next::GoesOn);
        assert_eq!(choosing.pending(), choice(&[0]).tokens);
        assert_eq!(choosing.take(&LATER), Next::Done);
        let scores = choosing.answer().response.choices;
        let third = 1.0f64 / 3.0;
        for (score, expected) in scores.iter().zip([0.5, third * third * third, 1.0, third / 2.0]) {
            assert!((score.logprob.exp() - expected).abs() < 1e-6, "{score:?}");
        }
        assert_eq!(scores.iter().map(|s| s.tokens).collect::<Vec<_>>(), [1, 3, 0, 1]);
    }

    #[test]
    fn a_probability_that_is_no_number_ends_the_ask() {
        let mut choosing = Choosing::new(vec![choice(&[1])], 1, 0, Clock::Monotonic.now());
        assert_eq!(choosing.after_prompt(&[f32::NAN; 3]), Next::Nonsense);
    }
}
