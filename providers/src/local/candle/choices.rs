//! Scores choices by their log-probability after a prompt.

use super::weights::Weights;
use crate::local::choices::log_probability;

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
