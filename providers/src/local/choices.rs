//! Choices scored by their log-probability after a prompt: the same for every engine.

use crate::{Answer, ChoiceScore, Clock, Response, ServerWords, Stamp, Timing, Usage, UsageSource};

/// Natural logarithm of a token's probability: its logit less the logarithm of the sum of all
/// exponentials, computed around the largest. −∞ for a token that the model does not have.
pub fn log_probability(logits: &[f32], token: u32) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    f64::from(logit - largest) - sum.ln()
}

/// The answer to an ask whose choices are all scored. Its one stamp is that of now: no token of it
/// was written one after another.
pub fn answer(
    scores: Vec<ChoiceScore>,
    prompt_tokens: u64,
    cached_tokens: u64,
    sent: Stamp,
) -> Answer {
    let now = Some(Clock::Monotonic.now());
    let output = scores.iter().map(|score| u64::from(score.tokens)).sum();
    Answer {
        response: Response { choices: scores, ..Response::default() },
        vector: None,
        usage: Usage {
            input_total: Some(prompt_tokens),
            cache_read: Some(cached_tokens),
            output_total: Some(output),
            reasoning: Some(0),
            source: UsageSource::Tokenizer,
            ..Usage::default()
        },
        timing: Timing { sent: Some(sent), first_token: now, last_token: now, ..Timing::default() },
        logprob: None,
        server: ServerWords::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_are_those_of_a_softmax() {
        // scipy.special.log_softmax([1, 2, 3]) = [-2.40760596, -1.40760596, -0.40760596]
        let logits = [1.0, 2.0, 3.0];
        for (token, expected) in [-2.407_605_96, -1.407_605_96, -0.407_605_96].iter().enumerate() {
            let computed = log_probability(&logits, token as u32);
            assert!((computed - expected).abs() < 1e-8, "{computed}");
        }
        assert_eq!(log_probability(&logits, 3), f64::NEG_INFINITY);
    }
}
