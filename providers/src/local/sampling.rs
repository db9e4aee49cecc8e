//! Which token comes next: the same rule for every engine.
//!
//! At temperature 0 it is the most probable token, the lowest id among equals. Above it the token is
//! drawn from softmax(logits / temperature), cut to the nucleus of mass `top_p` (Holtzman et al.,
//! 2020, section 3.1), by a ChaCha generator that is seeded by the ask, so that a draw depends on
//! nothing but its ask.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::Sampling;

/// Differences below this add less than 1.4e-11 of the best token's probability to a sum.
const NEGLIGIBLE: f32 = -25.0;

/// A token and how sure the model was of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// The token's id.
    pub token: u32,
    /// Its log-probability at temperature 1, in nats.
    pub logprob: f64,
    /// The gap between the two best log-probabilities, in nats; absent for a single token.
    pub margin: Option<f64>,
}

/// Picks the tokens of one answer.
#[derive(Debug, Clone)]
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    random: ChaCha8Rng,
}

impl Sampler {
    /// A sampler for one answer.
    pub fn new(sampling: &Sampling) -> Sampler {
        Sampler {
            temperature: sampling.temperature,
            top_p: sampling.top_p.unwrap_or(1.0),
            random: ChaCha8Rng::seed_from_u64(sampling.seed),
        }
    }

    /// Picks a token from the logits of the whole vocabulary, by id. `None` if no logit is finite:
    /// the model computed nonsense.
    pub fn pick(&mut self, logits: &[f32]) -> Option<Pick> {
        let best = Best::of(logits)?;
        let normaliser = best.log_sum(logits);
        let token = if self.temperature > 0.0 { self.draw(logits, best.value) } else { best.token };
        let logit = logits.get(token).copied().unwrap_or(best.value);
        Some(Pick {
            token: u32::try_from(token).ok()?,
            logprob: f64::from(logit) - f64::from(best.value) - normaliser,
            margin: best.second.map(|second| f64::from(best.value) - f64::from(second)),
        })
    }

    fn draw(&mut self, logits: &[f32], best: f32) -> usize {
        let mut weights: Vec<(usize, f64)> = logits
            .iter()
            .enumerate()
            .filter(|(_, logit)| logit.is_finite())
            .map(|(token, logit)| (token, (f64::from(*logit) - f64::from(best)) / self.temperature))
            .filter(|(_, difference)| *difference >= f64::from(NEGLIGIBLE))
            .map(|(token, difference)| (token, difference.exp()))
            .collect();
        // Equal weights stay in the order of their ids.
        weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut mass = 0.0;
        let nucleus = weights
            .iter()
            .take_while(|(_, weight)| {
                let inside = mass < self.top_p * total;
                mass += weight;
                inside
            })
            .count()
            .max(1);
        weights.truncate(nucleus);
        let kept: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut target = self.uniform() * kept;
        for (token, weight) in &weights {
            target -= weight;
            if target < 0.0 {
                return *token;
            }
        }
        weights.last().map_or(0, |(token, _)| *token)
    }

    /// A number in [0, 1) with 53 random bits.
    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The two best logits of a row.
struct Best {
    token: usize,
    value: f32,
    second: Option<f32>,
}

impl Best {
    fn of(logits: &[f32]) -> Option<Best> {
        let mut best: Option<Best> = None;
        for (token, &value) in logits.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            match &mut best {
                None => best = Some(Best { token, value, second: None }),
                Some(best) if value > best.value => {
                    *best = Best { token, value, second: Some(best.value) };
                }
                Some(best) if best.second.is_none_or(|second| value > second) => {
                    best.second = Some(value);
                }
                Some(_) => {}
            }
        }
        best
    }

    /// ln(Σ exp(logit − best)).
    fn log_sum(&self, logits: &[f32]) -> f64 {
        let sum: f64 = logits
            .iter()
            .map(|logit| logit - self.value)
            .filter(|difference| *difference > NEGLIGIBLE)
            .map(|difference| f64::from(difference.exp()))
            .sum();
        sum.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn greedy() -> Sampler {
        Sampler::new(&Sampling::default())
    }

    #[test]
    fn the_lowest_id_wins_a_tie() {
        assert_eq!(greedy().pick(&[1.0, 3.0, 3.0, 2.0]).unwrap().token, 1);
        assert_eq!(greedy().pick(&[1.0, 3.0, 3.0]).unwrap().margin, Some(0.0));
    }

    #[test]
    fn logprob_is_log_softmax() {
        // ln(e^2 / (e^2 + e^1 + e^0)) by hand: 2 - ln(11.1073...) = -0.407606.
        let pick = greedy().pick(&[2.0, 1.0, 0.0]).unwrap();
        assert!((pick.logprob + 0.407_606).abs() < 1e-6, "{}", pick.logprob);
        assert!((pick.margin.unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn nonsense_is_seen() {
        assert_eq!(greedy().pick(&[f32::NAN, f32::INFINITY]), None);
        assert_eq!(greedy().pick(&[]), None);
        assert_eq!(greedy().pick(&[f32::NAN, 1.0]).unwrap().token, 1);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        // softmax of [ln 6, ln 3, ln 1] is [0.6, 0.3, 0.1].
        let logits = [6f32.ln(), 3f32.ln(), 0.0];
        let sampling = Sampling { temperature: 1.0, top_p: None, seed: 1 };
        let mut sampler = Sampler::new(&sampling);
        let mut counts = [0u32; 3];
        for _ in 0..20_000 {
            counts[sampler.pick(&logits).unwrap().token as usize] += 1;
        }
        for (count, p) in counts.iter().zip([0.6, 0.3, 0.1]) {
            // Five standard deviations of a binomial.
            let sd = f64::sqrt(20_000.0 * p * (1.0 - p));
            assert!((f64::from(*count) - 20_000.0 * p).abs() < 5.0 * sd, "{counts:?}");
        }
    }

    #[test]
    fn a_nucleus_leaves_the_tail_out() {
        let logits = [6f32.ln(), 3f32.ln(), 0.0];
        let sampling = Sampling { temperature: 1.0, top_p: Some(0.85), seed: 1 };
        let mut sampler = Sampler::new(&sampling);
        assert!((0..5_000).all(|_| sampler.pick(&logits).unwrap().token < 2));
    }

    proptest! {
        #[test]
        fn a_seed_fixes_the_draws(
            logits in prop::collection::vec(-20f32..20.0, 1..50), seed in any::<u64>(),
        ) {
            let sampling = Sampling { temperature: 0.8, top_p: Some(0.9), seed };
            let draw = || {
                let mut sampler = Sampler::new(&sampling);
                (0..10).map(|_| sampler.pick(&logits).unwrap().token).collect::<Vec<_>>()
            };
            prop_assert_eq!(draw(), draw());
        }

        #[test]
        fn logprobs_are_no_more_than_zero(logits in prop::collection::vec(-90f32..90.0, 1..50)) {
            let pick = greedy().pick(&logits).unwrap();
            prop_assert!(pick.logprob <= 1e-6 && pick.logprob.is_finite());
            prop_assert!(pick.margin.is_none_or(|m| m >= 0.0));
        }
    }
}
