//! Muon for the matrices of the blocks, AdamW for the embedding and the norms.
//!
//! Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") follows
//! the momentum of a matrix after making it orthogonal, so that no direction of the matrix is
//! learned faster than another. AdamW is that of Loshchilov and Hutter (2019).

use candle_core::{Result, Tensor, Var};

use crate::ops::with_values;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.98;
const EPS: f32 = 1e-8;
const DECAY: f32 = 0.05;
/// Momentum of Muon.
const MOMENTUM: f32 = 0.95;
/// Muon's learning rate over that of AdamW.
const MUON_RATE: f32 = 10.0;
/// Coefficients of the Newton-Schulz iteration, and how often it is done (Jordan et al. 2024).
const SCHULZ: (f64, f64, f64) = (3.4445, -4.7750, 2.0315);
const ITERATIONS: usize = 5;

/// The optimiser's state.
pub struct Optimizer {
    weights: Vec<Weight>,
    steps: i32,
}

struct Weight {
    var: Var,
    rule: Rule,
}

enum Rule {
    Adam { mean: Vec<f32>, square: Vec<f32>, decay: f32 },
    Muon { momentum: Tensor },
}

impl Optimizer {
    /// For these weights with their GGUF names, in this order.
    pub fn new(named: Vec<(String, &Var)>) -> Result<Self> {
        let weights = named.into_iter().map(|(name, var)| {
            let count = var.elem_count();
            let rule = if name.starts_with("blk.") && var.rank() == 2 {
                Rule::Muon { momentum: var.as_tensor().zeros_like()? }
            } else {
                let decay = if var.rank() > 1 { DECAY } else { 0.0 };
                Rule::Adam { mean: vec![0.0; count], square: vec![0.0; count], decay }
            };
            Ok(Weight { var: var.clone(), rule })
        });
        Ok(Self { weights: weights.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step on two threads. `gradients` has one list of equal parts of the gradient for each
    /// weight; their sum is followed.
    pub fn step(&mut self, gradients: Vec<Vec<Tensor>>, rate: f32) -> Result<()> {
        self.steps += 1;
        let steps = self.steps;
        let mut halves = [Vec::new(), Vec::new()];
        for (i, pair) in self.weights.iter_mut().zip(gradients).enumerate() {
            halves[i % 2].push(pair);
        }
        let follow = move |half: Vec<(&mut Weight, Vec<Tensor>)>| {
            half.into_iter().try_for_each(|(weight, parts)| weight.follow(&parts, rate, steps))
        };
        let [first, second] = halves;
        std::thread::scope(|scope| {
            let other = scope.spawn(move || follow(second));
            follow(first)?;
            other.join().map_err(|_| candle_core::Error::msg("a thread died"))?
        })
    }
}

impl Weight {
    fn follow(&mut self, parts: &[Tensor], rate: f32, steps: i32) -> Result<()> {
        let Some((first, others)) = parts.split_first() else { return Ok(()) };
        let gradient = others.iter().try_fold(first.clone(), |sum, part| sum + part)?.detach();
        let next = match &mut self.rule {
            Rule::Muon { momentum } => {
                *momentum = ((&*momentum * f64::from(MOMENTUM))? + &gradient)?;
                let ahead = ((&*momentum * f64::from(MOMENTUM))? + &gradient)?;
                let (rows, columns) = ahead.dims2()?;
                let scale = (columns as f32 / rows as f32).max(1.0).sqrt();
                let step = orthogonal(&ahead)? * f64::from(rate * MUON_RATE * scale);
                (self.var.as_tensor() - step?)?
            }
            Rule::Adam { mean, square, decay } => {
                let mean_scale = 1.0 / (1.0 - BETA1.powi(steps));
                let square_scale = 1.0 / (1.0 - BETA2.powi(steps));
                let mut values = with_values(self.var.as_tensor(), <[f32]>::to_vec)?;
                with_values(&gradient, |gradient| {
                    let state = mean.iter_mut().zip(square.iter_mut());
                    for ((value, g), (mean, square)) in values.iter_mut().zip(gradient).zip(state) {
                        *mean = BETA1 * *mean + (1.0 - BETA1) * g;
                        *square = BETA2 * *square + (1.0 - BETA2) * g * g;
                        let step = *mean * mean_scale / ((*square * square_scale).sqrt() + EPS);
                        *value -= rate * (step + *decay * *value);
                    }
                })?;
                Tensor::from_vec(values, self.var.shape(), self.var.device())?
            }
        };
        self.var.set(&next.detach())
    }
}

/// The matrix with all singular values near 1 (0.7 to 1.2), by Newton and Schulz.
fn orthogonal(matrix: &Tensor) -> Result<Tensor> {
    let (rows, columns) = matrix.dims2()?;
    let (a, b, c) = SCHULZ;
    let wide = if rows > columns { matrix.t()?.contiguous()? } else { matrix.clone() };
    let length = f64::from(wide.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt();
    let mut x = (wide / (length + 1e-7))?;
    for _ in 0..ITERATIONS {
        let square = x.matmul(&x.t()?)?;
        let mix = ((&square * b)? + (square.matmul(&square)? * c)?)?;
        x = ((&x * a)? + mix.matmul(&x)?)?;
    }
    if rows > columns { x.t()?.contiguous() } else { Ok(x) }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn orthogonal_matrices_have_singular_values_near_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (rows, columns) in [(8, 8), (8, 20), (20, 8)] {
            let values: Vec<f32> =
                (0..rows * columns).map(|_| rng.random_range(-1.0..1.0)).collect();
            let matrix = Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap();
            let near = orthogonal(&matrix).unwrap();
            let wide = if rows > columns { near.t().unwrap() } else { near };
            let square = wide.matmul(&wide.t().unwrap()).unwrap().to_vec2::<f32>().unwrap();
            // The trace is the sum of the squares of the eight singular values.
            let trace: f32 = (0..8).map(|i| square[i][i]).sum();
            assert!((8.0 * 0.45..8.0 * 1.5).contains(&trace), "{trace}");
            let off: f32 = (0..8)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .map(|(i, j)| square[i][j].abs())
                .fold(0.0, f32::max);
            assert!(off < 0.5, "{off}");
        }
    }
}
