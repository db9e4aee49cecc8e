//! AdamW (Loshchilov and Hutter 2019) in one pass over each weight, without decay of the norms.

use candle_core::{Result, Tensor, Var};

use crate::ops::with_values;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.98;
const EPS: f32 = 1e-8;
const DECAY: f32 = 0.05;

/// The optimiser's state.
pub struct AdamW {
    weights: Vec<Weight>,
    steps: i32,
}

struct Weight {
    var: Var,
    mean: Vec<f32>,
    square: Vec<f32>,
    decay: f32,
}

impl AdamW {
    /// For these weights, in this order.
    pub fn new(vars: Vec<Var>) -> Self {
        let weights = vars.into_iter().map(|var| {
            let count = var.elem_count();
            let decay = if var.rank() > 1 { DECAY } else { 0.0 };
            Weight { var, mean: vec![0.0; count], square: vec![0.0; count], decay }
        });
        Self { weights: weights.collect(), steps: 0 }
    }

    /// One step. `gradients` has one list of equal parts of the gradient for each weight; their
    /// sum, scaled so that its norm is at most `clip`, is followed. Returns the norm before.
    pub fn step(&mut self, gradients: &[Vec<Tensor>], rate: f32, clip: f32) -> Result<f32> {
        self.steps += 1;
        let mut sums = Vec::with_capacity(gradients.len());
        let mut norm = 0f64;
        for parts in gradients {
            let mut sum: Vec<f32> = Vec::new();
            for part in parts {
                with_values(part, |part| {
                    if sum.is_empty() {
                        sum.extend_from_slice(part);
                    } else {
                        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                    }
                })?;
            }
            norm += sum
                .chunks(4096)
                .map(|c| f64::from(c.iter().map(|x| x * x).sum::<f32>()))
                .sum::<f64>();
            sums.push(sum);
        }
        let norm = norm.sqrt() as f32;
        let scale = if norm > clip { clip / norm } else { 1.0 };
        let mean_scale = 1.0 / (1.0 - BETA1.powi(self.steps));
        let square_scale = 1.0 / (1.0 - BETA2.powi(self.steps));
        for (weight, gradient) in self.weights.iter_mut().zip(&sums) {
            let mut values = with_values(weight.var.as_tensor(), <[f32]>::to_vec)?;
            let state = weight.mean.iter_mut().zip(weight.square.iter_mut());
            for ((value, g), (mean, square)) in values.iter_mut().zip(gradient).zip(state) {
                let g = g * scale;
                *mean = BETA1 * *mean + (1.0 - BETA1) * g;
                *square = BETA2 * *square + (1.0 - BETA2) * g * g;
                let step = *mean * mean_scale / ((*square * square_scale).sqrt() + EPS);
                *value -= rate * (step + weight.decay * *value);
            }
            weight.var.set(&Tensor::from_vec(values, weight.var.shape(), weight.var.device())?)?;
        }
        Ok(norm)
    }
}
