//! Scores choices by their log-probability after a prompt.

use super::weights::Weights;

/// The sum of the log-probabilities of a choice's tokens after a prompt, in nats. `state` has seen
/// the prompt's `position` tokens and gave `logits` for what comes next; 0 for no tokens.
pub(super) fn score(
    mut state: Weights,
    mut logits: Vec<f32>,
    mut position: usize,
    choice: &[u32],
) -> candle_core::Result<f64> {
    let mut sum = 0.0;
    for (index, token) in choice.iter().enumerate() {
        sum += log_probability(&logits, *token);
        if index + 1 < choice.len() {
            logits = state.forward(&[*token], position)?;
            position = position.saturating_add(1);
        }
    }
    Ok(sum)
}

/// Natural logarithm of a token's probability: its logit less the logarithm of the sum of all
/// exponentials, computed around the largest.
fn log_probability(logits: &[f32], token: u32) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    f64::from(logit - largest) - sum.ln()
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
