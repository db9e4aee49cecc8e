//! The few tensor operations that training spends its time in, each fused with its backward pass.
//!
//! Candle's own softmax, norms and rotary embedding either have no backward pass or are built of
//! many small operations, each of which walks through memory once. All operations here take
//! contiguous `f32` tensors on the CPU.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Storage, Tensor, bail};

pub(crate) fn slice<'a>(storage: &'a CpuStorage, tree: &Layout) -> Result<&'a [f32]> {
    let data = storage.as_slice::<f32>()?;
    match tree.contiguous_offsets() {
        Some((start, end)) => Ok(&data[start..end]),
        None => bail!("a fused operation needs contiguous input"),
    }
}

/// Calls `f` with the values of a tensor, without a copy where it is contiguous.
pub fn with_values<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, tree) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(cpu) => Ok(f(slice(cpu, tree)?)),
        _ => bail!("the trainer runs on the CPU"),
    }
}

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight running sums, because the compiler may not reorder a floating-point sum by itself.
    let mut sums = [0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    sums.iter().sum::<f32>() + tail
}

#[inline(always)]
pub(crate) fn add_scaled(to: &mut [f32], from: &[f32], scale: f32) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += f * scale;
    }
}

/// Root mean square norm (Zhang and Sennrich 2019) of each row, times a learned weight.
pub struct RmsNorm {
    /// Added to the mean square.
    pub eps: f32,
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (slice(s1, l1)?, slice(s2, l2)?);
        let width = w.len();
        let mut out = vec![0f32; x.len()];
        for (o, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let inverse = 1.0 / (dot(x, x) / width as f32 + self.eps).sqrt();
            for ((o, x), w) in o.iter_mut().zip(x).zip(w) {
                *o = x * inverse * w;
            }
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, dw) = with_values(x, |x| {
            with_values(w, |w| {
                with_values(grad, |g| {
                    let width = w.len();
                    let mut dx = vec![0f32; x.len()];
                    let mut dw = vec![0f32; width];
                    let mut scaled = vec![0f32; width];
                    for ((dx, x), g) in dx
                        .chunks_exact_mut(width)
                        .zip(x.chunks_exact(width))
                        .zip(g.chunks_exact(width))
                    {
                        let inverse = 1.0 / (dot(x, x) / width as f32 + self.eps).sqrt();
                        for ((s, g), w) in scaled.iter_mut().zip(g).zip(w) {
                            *s = g * w;
                        }
                        let pull = dot(&scaled, x) * inverse * inverse * inverse / width as f32;
                        for ((dx, x), s) in dx.iter_mut().zip(x).zip(&scaled) {
                            *dx = s * inverse - x * pull;
                        }
                        for ((dw, x), g) in dw.iter_mut().zip(x).zip(g) {
                            *dw += g * x * inverse;
                        }
                    }
                    (dx, dw)
                })
            })
        })???;
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), x.device())?),
            Some(Tensor::from_vec(dw, w.shape(), w.device())?),
        ))
    }
}

/// `silu(gate) * up` (Shazeer 2020).
pub struct SwiGlu;

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (slice(s1, l1)?, slice(s2, l2)?);
        let out = gate.iter().zip(up).map(|(g, u)| g * sigmoid(*g) * u).collect();
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        gate: &Tensor,
        up: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dg, du) = with_values(gate, |gate| {
            with_values(up, |up| {
                with_values(grad, |grad| {
                    let mut dg = vec![0f32; gate.len()];
                    let mut du = vec![0f32; gate.len()];
                    let inputs = gate.iter().zip(up).zip(grad);
                    for (((g, u), d), (dg, du)) in inputs.zip(dg.iter_mut().zip(du.iter_mut())) {
                        let s = sigmoid(*g);
                        *dg = d * u * s * (1.0 + g * (1.0 - s));
                        *du = d * g * s;
                    }
                    (dg, du)
                })
            })
        })???;
        Ok((
            Some(Tensor::from_vec(dg, gate.shape(), gate.device())?),
            Some(Tensor::from_vec(du, up.shape(), up.device())?),
        ))
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + fast_exp(-x))
}

/// `exp` from its base-2 form and a polynomial of degree 6; unlike the library's it is vectorised.
/// Its relative error grows with the argument, as the product `x * log2(e)` is rounded once:
/// at most `f32::EPSILON * (4 + |x|)`.
#[inline(always)]
pub(crate) fn fast_exp(x: f32) -> f32 {
    let y = (x * std::f32::consts::LOG2_E).clamp(-126.0, 126.0);
    // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
    let whole = (y + 12_582_912.0) - 12_582_912.0;
    let z = (y - whole) * std::f32::consts::LN_2;
    let p = 1.0
        + z * (1.0
            + z * (0.5
                + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0))))));
    let bits = (whole + 12_582_912.0).to_bits().wrapping_sub(12_582_912f32.to_bits());
    p * f32::from_bits(bits.wrapping_add(127) << 23)
}

/// The weighted sum of the cross-entropies of rows of logits, in nats.
pub struct CrossEntropy {
    targets: Vec<u32>,
    weights: Vec<f32>,
    gradient: Mutex<Vec<f32>>,
}

impl CrossEntropy {
    /// One target and one weight a row.
    pub fn new(targets: Vec<u32>, weights: Vec<f32>) -> Self {
        Self { targets, weights, gradient: Mutex::new(Vec::new()) }
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = slice(s, l)?;
        let classes = l.shape().dims2()?.1;
        let mut gradient = vec![0f32; logits.len()];
        let mut loss = 0f64;
        let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
        for ((logits, gradient), (target, weight)) in
            rows.zip(self.targets.iter().zip(&self.weights))
        {
            let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (g, x) in gradient.iter_mut().zip(logits) {
                *g = fast_exp(x - max);
            }
            let sum: f32 = gradient.iter().sum();
            for g in gradient.iter_mut() {
                *g *= weight / sum;
            }
            let target = *target as usize;
            gradient[target] -= weight;
            loss += f64::from(weight * (sum.ln() + max - logits[target]));
        }
        if let Ok(mut kept) = self.gradient.lock() {
            *kept = gradient;
        }
        Ok((CpuStorage::F32(vec![loss as f32]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let scale = grad.to_scalar::<f32>()?;
        let Ok(mut kept) = self.gradient.lock() else { bail!("the gradient is lost") };
        let mut gradient = std::mem::take(&mut *kept);
        for g in &mut gradient {
            *g *= scale;
        }
        Ok(Some(Tensor::from_vec(gradient, logits.shape(), logits.device())?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{DType, Device, Var};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::attention::{Angles, Attention, Rope};
    use crate::tree::Tree;

    fn random(rows: usize, columns: usize, seed: u64) -> Var {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0)).collect();
        Var::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    }

    /// Compares the gradient of a random projection of `f` with central differences.
    fn check(inputs: &[Var], f: impl Fn() -> Tensor) {
        let shape = f().shape().clone();
        let direction = if shape.rank() == 0 {
            Tensor::ones((), DType::F32, &Device::Cpu).unwrap()
        } else {
            let (rows, columns) = shape.dims2().unwrap();
            random(rows, columns, 99).as_tensor().clone()
        };
        let value = || (f() * &direction).unwrap().sum_all().unwrap();
        let store = value().backward().unwrap();
        for input in inputs {
            let gradient = store.get(input.as_tensor()).unwrap().flatten_all().unwrap();
            let gradient = gradient.to_vec1::<f32>().unwrap();
            let start = with_values(input.as_tensor(), <[f32]>::to_vec).unwrap();
            for (i, expected) in gradient.into_iter().enumerate().step_by(3) {
                let at = |delta: f32| {
                    let mut moved = start.clone();
                    moved[i] += delta;
                    input
                        .set(&Tensor::from_vec(moved, input.shape(), &Device::Cpu).unwrap())
                        .unwrap();
                    value().to_scalar::<f32>().unwrap()
                };
                let measured = (at(0.01) - at(-0.01)) / 0.02;
                at(0.0);
                assert!(
                    (measured - expected).abs() < 2e-3 + 0.02 * expected.abs(),
                    "{i}: {measured} {expected}"
                );
            }
        }
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (x, w) = (random(5, 12, 1), random(5, 12, 2));
        let weight = Var::from_tensor(&random(1, 12, 3).flatten_all().unwrap()).unwrap();
        check(&[x.clone(), weight.clone()], || {
            x.apply_op2(weight.as_tensor(), RmsNorm { eps: 1e-5 }).unwrap()
        });
        check(&[x.clone(), w.clone()], || x.apply_op2(w.as_tensor(), SwiGlu).unwrap());
        let angles = Arc::new(Angles::new(4, 16, 10_000.0));
        check(std::slice::from_ref(&x), || {
            let tree = Arc::new(Tree::sequence(2, 5));
            let rope = Rope { angles: angles.clone(), tree, inverse: false };
            x.apply_op1(rope).unwrap()
        });
        check(std::slice::from_ref(&x), || {
            let targets = CrossEntropy::new(vec![3, 0, 11, 5, 5], vec![1.0, 0.5, 0.0, 2.0, 1.0]);
            x.apply_op1(targets).unwrap()
        });
        // Two rows, two branches below them, and a sequence of its own.
        let mut tree = Tree::default();
        let stem = tree.grow(&[], 0, 2);
        tree.grow(&stem, 2, 2);
        tree.grow(&stem, 2, 1);
        tree.grow(&[], 0, 2);
        let tree = Arc::new(tree);
        let (q, k, v) = (random(7, 8, 4), random(7, 8, 5), random(7, 8, 6));
        check(&[q.clone(), k.clone(), v.clone()], || {
            let attention = Attention::new(tree.clone(), 2, 4);
            q.apply_op3(k.as_tensor(), v.as_tensor(), attention).unwrap()
        });
    }

    #[test]
    fn exponential_is_that_of_the_library() {
        for i in -800..=100 {
            let x = i as f32 / 10.0;
            let (ours, theirs) = (fast_exp(x), x.exp());
            let bound = f32::EPSILON * (4.0 + x.abs());
            assert!((ours - theirs).abs() <= bound * theirs, "{x}: {ours} {theirs}");
        }
    }
}
