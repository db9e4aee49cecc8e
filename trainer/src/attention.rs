//! Causal attention with rotary positions, each with its backward pass; see [`ops`](crate::ops).

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::ops::{add_scaled, dot, fast_exp, slice, with_values};

/// Rotary position embedding on neighbouring pairs (Su et al. 2021), the layout of llama.cpp's
/// `llama` architecture. Rows are `sequence * tokens + token`.
pub struct Rope {
    /// `cos` and `sin` for each position and pair, `pairs` of each a position.
    pub angles: Arc<Angles>,
    /// Tokens in a sequence.
    pub tokens: usize,
    /// The position of the first token.
    pub start: usize,
    /// Turn back: the backward pass.
    pub inverse: bool,
}

/// A table of rotations.
pub struct Angles {
    /// Width of a head.
    pub head: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Angles {
    /// The rotations of `positions` positions for a head of `head` values.
    pub fn new(head: usize, positions: usize, base: f64) -> Self {
        let pairs = head / 2;
        let angles = (0..positions).flat_map(|p| {
            (0..pairs).map(move |i| p as f64 * base.powf(-2.0 * i as f64 / head as f64))
        });
        let (cos, sin) = angles.map(|a| (a.cos() as f32, a.sin() as f32)).unzip();
        Self { head, cos, sin }
    }
}

impl CustomOp1 for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = l.shape().dims2()?.1;
        let head = self.angles.head;
        let pairs = head / 2;
        let sign = if self.inverse { -1.0 } else { 1.0 };
        let mut out = slice(s, l)?.to_vec();
        for (row, values) in out.chunks_exact_mut(width).enumerate() {
            let position = self.start + row % self.tokens;
            let range = position * pairs..(position + 1) * pairs;
            let (cos, sin) = (&self.angles.cos[range.clone()], &self.angles.sin[range]);
            for values in values.chunks_exact_mut(head) {
                for ((pair, cos), sin) in values.chunks_exact_mut(2).zip(cos).zip(sin) {
                    let (a, b) = (pair[0], pair[1]);
                    pair[0] = a * cos - b * sin * sign;
                    pair[1] = b * cos + a * sin * sign;
                }
            }
        }
        Ok((CpuStorage::F32(out), l.shape().clone()))
    }

    fn bwd(&self, _arg: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let back = Self {
            angles: self.angles.clone(),
            tokens: self.tokens,
            start: self.start,
            inverse: !self.inverse,
        };
        Ok(Some(grad.contiguous()?.apply_op1_no_bwd(&back)?))
    }
}

/// Causal attention of all heads. Queries are `[sequences * queries, heads * head]`, keys and
/// values `[sequences * keys, heads * head]`; the last query sees the last key.
pub struct Attention {
    sequences: usize,
    heads: usize,
    head: usize,
    /// The attention weights of the forward pass, kept for the backward pass.
    weights: Mutex<Vec<f32>>,
}

impl Attention {
    /// Attention over `sequences` sequences of equal length.
    pub fn new(sequences: usize, heads: usize, head: usize) -> Self {
        Self { sequences, heads, head, weights: Mutex::new(Vec::new()) }
    }

    /// One head of one sequence, copied together: `[tokens, head]`.
    fn gather(&self, from: &[f32], sequence: usize, head: usize, to: &mut [f32]) {
        let width = self.heads * self.head;
        let rows = to.len() / self.head;
        let start = sequence * rows * width;
        let rows = from[start..start + rows * width].chunks_exact(width);
        let at = head * self.head;
        for (row, to) in rows.zip(to.chunks_exact_mut(self.head)) {
            to.copy_from_slice(&row[at..at + self.head]);
        }
    }

    fn scatter(&self, from: &[f32], sequence: usize, head: usize, to: &mut [f32]) {
        let width = self.heads * self.head;
        let rows = from.len() / self.head;
        let start = sequence * rows * width;
        let rows = to[start..start + rows * width].chunks_exact_mut(width);
        let at = head * self.head;
        for (row, from) in rows.zip(from.chunks_exact(self.head)) {
            row[at..at + self.head].copy_from_slice(from);
        }
    }
}

/// `[rows, columns]` to `[columns, rows]`.
fn transpose(from: &[f32], columns: usize, to: &mut [f32]) {
    let rows = from.len() / columns;
    for (r, row) in from.chunks_exact(columns).enumerate() {
        for (c, value) in row.iter().enumerate() {
            to[c * rows + r] = *value;
        }
    }
}

/// `to[j] = sum over c of row[c] * columns[c][j]`, for the first `to.len()` columns.
fn row_times(row: &[f32], columns: &[f32], stride: usize, to: &mut [f32]) {
    to.fill(0.0);
    for (x, column) in row.iter().zip(columns.chunks_exact(stride)) {
        add_scaled(to, column, *x);
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "causal-attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (q, k, v) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let width = self.heads * self.head;
        let queries = q.len() / width / self.sequences;
        let keys = k.len() / width / self.sequences;
        let scale = 1.0 / (self.head as f32).sqrt();
        let mut out = vec![0f32; q.len()];
        let mut weights = vec![0f32; self.sequences * self.heads * queries * keys];
        let (mut qh, mut kh, mut vh) = (
            vec![0f32; queries * self.head],
            vec![0f32; keys * self.head],
            vec![0f32; keys * self.head],
        );
        let mut kt = vec![0f32; keys * self.head];
        let mut oh = vec![0f32; queries * self.head];
        for (block, p) in weights.chunks_exact_mut(queries * keys).enumerate() {
            let (sequence, head) = (block / self.heads, block % self.heads);
            self.gather(q, sequence, head, &mut qh);
            self.gather(k, sequence, head, &mut kh);
            self.gather(v, sequence, head, &mut vh);
            transpose(&kh, self.head, &mut kt);
            for (i, p) in p.chunks_exact_mut(keys).enumerate() {
                let seen = keys - queries + i + 1;
                let p = &mut p[..seen];
                row_times(&qh[i * self.head..(i + 1) * self.head], &kt, keys, p);
                let max = p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for x in p.iter_mut() {
                    *x = fast_exp((*x - max) * scale);
                }
                let inverse = 1.0 / p.iter().sum::<f32>();
                let o = &mut oh[i * self.head..(i + 1) * self.head];
                o.fill(0.0);
                for (x, v) in p.iter_mut().zip(vh.chunks_exact(self.head)) {
                    *x *= inverse;
                    add_scaled(o, v, *x);
                }
            }
            self.scatter(&oh, sequence, head, &mut out);
        }
        if let Ok(mut kept) = self.weights.lock() {
            *kept = weights;
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Ok(weights) = self.weights.lock() else { bail!("the attention weights are lost") };
        let (dq, dk, dv) = with_values(q, |qs| {
            with_values(k, |ks| {
                with_values(v, |vs| with_values(grad, |g| self.backward(qs, ks, vs, g, &weights)))
            })
        })????;
        Ok((
            Some(Tensor::from_vec(dq, q.shape(), q.device())?),
            Some(Tensor::from_vec(dk, k.shape(), k.device())?),
            Some(Tensor::from_vec(dv, v.shape(), v.device())?),
        ))
    }
}

impl Attention {
    fn backward(
        &self,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        grad: &[f32],
        weights: &[f32],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let width = self.heads * self.head;
        let tokens = q.len() / width / self.sequences;
        let scale = 1.0 / (self.head as f32).sqrt();
        let size = tokens * self.head;
        let block = || vec![0f32; size];
        let (mut dq, mut dk, mut dv) =
            (vec![0f32; q.len()], vec![0f32; k.len()], vec![0f32; v.len()]);
        let (mut qh, mut kh, mut vh, mut vt, mut gh) =
            (block(), block(), block(), block(), block());
        let mut ds = vec![0f32; tokens];
        for (at, p) in weights.chunks_exact(tokens * tokens).enumerate() {
            let (sequence, head) = (at / self.heads, at % self.heads);
            self.gather(q, sequence, head, &mut qh);
            self.gather(k, sequence, head, &mut kh);
            self.gather(v, sequence, head, &mut vh);
            self.gather(grad, sequence, head, &mut gh);
            transpose(&vh, self.head, &mut vt);
            let (mut dqh, mut dkh, mut dvh) = (block(), block(), block());
            let rows = p.chunks_exact(tokens).zip(gh.chunks_exact(self.head));
            let rows = rows.zip(qh.chunks_exact(self.head)).zip(dqh.chunks_exact_mut(self.head));
            for (i, (((p, g), q), dq)) in rows.enumerate() {
                let p = &p[..=i];
                let ds = &mut ds[..=i];
                row_times(g, &vt, tokens, ds);
                let mean = dot(ds, p);
                let others = kh.chunks_exact(self.head).zip(dkh.chunks_exact_mut(self.head));
                let others = others.zip(dvh.chunks_exact_mut(self.head));
                for ((p, ds), ((k, dk), dv)) in p.iter().zip(ds.iter()).zip(others) {
                    let d = p * (ds - mean) * scale;
                    add_scaled(dq, k, d);
                    add_scaled(dk, q, d);
                    add_scaled(dv, g, *p);
                }
            }
            self.scatter(&dqh, sequence, head, &mut dq);
            self.scatter(&dkh, sequence, head, &mut dk);
            self.scatter(&dvh, sequence, head, &mut dv);
        }
        (dq, dk, dv)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn rope_turns_neighbouring_pairs() {
        // llama.cpp's `llama` architecture: GGML_ROPE_TYPE_NORMAL, pairs (0,1), (2,3), ...
        let x = Tensor::new(&[[1f32, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]], &Device::Cpu).unwrap();
        let angles = Arc::new(Angles::new(4, 8, 10_000.0));
        let rope = Rope { angles, tokens: 2, start: 0, inverse: false };
        let out = x.apply_op1(rope).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(out[0], [1.0, 0.0, 1.0, 0.0]);
        let expected = [1f32.cos(), 1f32.sin(), 0.01f32.cos(), 0.01f32.sin()];
        for (a, b) in out[1].iter().zip(expected) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
