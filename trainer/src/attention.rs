//! Causal attention with rotary positions, each with its backward pass; see [`ops`](crate::ops).

use std::ops::Range;
use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, bail};
use pulp::{Arch, NullaryFnOnce};

use crate::ops::{add_scaled, dot, fast_exp, slice, with_values};
use crate::tree::{Span, Tree};

/// Rotary position embedding on neighbouring pairs (Su et al. 2021), the tree of llama.cpp's
/// `llama` architecture.
pub struct Rope {
    /// `cos` and `sin` for each position and pair, `pairs` of each a position.
    pub angles: Arc<Angles>,
    /// Where the rows stand.
    pub tree: Arc<Tree>,
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
        for (values, position) in out.chunks_exact_mut(width).zip(&self.tree.positions) {
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
        let (angles, tree) = (self.angles.clone(), self.tree.clone());
        let back = Self { angles, tree, inverse: !self.inverse };
        Ok(Some(grad.contiguous()?.apply_op1_no_bwd(&back)?))
    }
}

/// Causal attention of all heads. Queries, keys and values are `[rows, heads * head]`; the last
/// query of a span sees the last of its keys.
pub struct Attention {
    tree: Arc<Tree>,
    heads: usize,
    head: usize,
    /// The attention weights of the forward pass by span and head, kept for the backward pass.
    weights: Mutex<Vec<f32>>,
}

impl Attention {
    /// Attention in which each row sees what the tree says.
    pub fn new(tree: Arc<Tree>, heads: usize, head: usize) -> Self {
        Self { tree, heads, head, weights: Mutex::new(Vec::new()) }
    }

    /// All heads of all spans.
    fn blocks(&self) -> impl Iterator<Item = (&Span, usize)> {
        self.tree.spans.iter().flat_map(|span| (0..self.heads).map(move |head| (span, head)))
    }

    /// One head of some rows, copied together: `[rows, head]`.
    #[inline(always)]
    fn gather(&self, from: &[f32], rows: &[Range<usize>], head: usize, to: &mut Vec<f32>) {
        let width = self.heads * self.head;
        to.clear();
        for row in rows.iter().cloned().flatten() {
            let at = row * width + head * self.head;
            to.extend_from_slice(&from[at..at + self.head]);
        }
    }

    /// Adds one head of some rows to where [`gather`](Self::gather) takes it from.
    #[inline(always)]
    fn scatter(&self, from: &[f32], rows: &[Range<usize>], head: usize, to: &mut [f32]) {
        let width = self.heads * self.head;
        for (row, from) in rows.iter().cloned().flatten().zip(from.chunks_exact(self.head)) {
            let at = row * width + head * self.head;
            add_scaled(&mut to[at..at + self.head], from, 1.0);
        }
    }
}

fn count(rows: &[Range<usize>]) -> usize {
    rows.iter().map(ExactSizeIterator::len).sum()
}

/// `[rows, columns]` to `[columns, rows]`.
#[inline(always)]
fn transpose(from: &[f32], columns: usize, to: &mut [f32]) {
    let rows = from.len() / columns;
    for (r, row) in from.chunks_exact(columns).enumerate() {
        for (c, value) in row.iter().enumerate() {
            to[c * rows + r] = *value;
        }
    }
}

/// `to[j] = sum over c of row[c] * columns[c][j]`, for the first `to.len()` columns.
#[inline(always)]
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
        let (out, weights) = Arch::new().dispatch(Forward { attention: self, q, k, v });
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
                with_values(v, |vs| {
                    with_values(grad, |grad| {
                        let (attention, weights) = (self, weights.as_slice());
                        let work = Backward { attention, q: qs, k: ks, v: vs, grad, weights };
                        Arch::new().dispatch(work)
                    })
                })
            })
        })????;
        Ok((
            Some(Tensor::from_vec(dq, q.shape(), q.device())?),
            Some(Tensor::from_vec(dk, k.shape(), k.device())?),
            Some(Tensor::from_vec(dv, v.shape(), v.device())?),
        ))
    }
}

/// The forward pass, compiled for the vector instructions that the CPU has: output and weights.
struct Forward<'a> {
    attention: &'a Attention,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = (Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { attention, q, k, v } = self;
        let scale = 1.0 / (attention.head as f32).sqrt();
        let mut out = vec![0f32; q.len()];
        let size = |span: &Span| span.queries.len() * count(&span.keys);
        let mut weights =
            vec![0f32; attention.tree.spans.iter().map(size).sum::<usize>() * attention.heads];
        let mut rest = weights.as_mut_slice();
        let (mut qh, mut kh, mut vh) = (Vec::new(), Vec::new(), Vec::new());
        let (mut kt, mut oh) = (Vec::new(), Vec::new());
        for (span, head) in attention.blocks() {
            let queries = std::slice::from_ref(&span.queries);
            let keys = count(&span.keys);
            let (p, after) = rest.split_at_mut(span.queries.len() * keys);
            rest = after;
            attention.gather(q, queries, head, &mut qh);
            attention.gather(k, &span.keys, head, &mut kh);
            attention.gather(v, &span.keys, head, &mut vh);
            kt.resize(kh.len(), 0.0);
            transpose(&kh, attention.head, &mut kt);
            oh.clear();
            oh.resize(qh.len(), 0.0);
            let rows = p.chunks_exact_mut(keys).zip(oh.chunks_exact_mut(attention.head));
            let seen = keys - span.queries.len()..;
            for ((p, o), (q, before)) in rows.zip(qh.chunks_exact(attention.head).zip(seen)) {
                let p = &mut p[..=before];
                row_times(q, &kt, keys, p);
                let max = p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for x in p.iter_mut() {
                    *x = fast_exp((*x - max) * scale);
                }
                let inverse = 1.0 / p.iter().sum::<f32>();
                for (x, v) in p.iter_mut().zip(vh.chunks_exact(attention.head)) {
                    *x *= inverse;
                    add_scaled(o, v, *x);
                }
            }
            attention.scatter(&oh, queries, head, &mut out);
        }
        (out, weights)
    }
}

/// The backward pass in the same way: the gradients of queries, keys and values.
struct Backward<'a> {
    attention: &'a Attention,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    grad: &'a [f32],
    weights: &'a [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = (Vec<f32>, Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { attention, q, k, v, grad, weights } = self;
        let scale = 1.0 / (attention.head as f32).sqrt();
        let (mut dq, mut dk, mut dv) =
            (vec![0f32; q.len()], vec![0f32; k.len()], vec![0f32; v.len()]);
        let (mut qh, mut kh, mut vh, mut gh) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut vt, mut ds) = (Vec::new(), Vec::new());
        let (mut dqh, mut dkh, mut dvh) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = weights;
        for (span, head) in attention.blocks() {
            let queries = std::slice::from_ref(&span.queries);
            let keys = count(&span.keys);
            let (p, after) = rest.split_at(span.queries.len() * keys);
            rest = after;
            attention.gather(q, queries, head, &mut qh);
            attention.gather(k, &span.keys, head, &mut kh);
            attention.gather(v, &span.keys, head, &mut vh);
            attention.gather(grad, queries, head, &mut gh);
            vt.resize(vh.len(), 0.0);
            transpose(&vh, attention.head, &mut vt);
            for (d, like) in [(&mut dqh, &qh), (&mut dkh, &kh), (&mut dvh, &vh)] {
                d.clear();
                d.resize(like.len(), 0.0);
            }
            ds.resize(keys, 0.0);
            let rows = p.chunks_exact(keys).zip(gh.chunks_exact(attention.head));
            let rows =
                rows.zip(qh.chunks_exact(attention.head)).zip(dqh.chunks_exact_mut(attention.head));
            for ((((p, g), q), dq), before) in rows.zip(keys - span.queries.len()..) {
                let p = &p[..=before];
                let ds = &mut ds[..=before];
                row_times(g, &vt, keys, ds);
                let mean = dot(ds, p);
                let others =
                    kh.chunks_exact(attention.head).zip(dkh.chunks_exact_mut(attention.head));
                let others = others.zip(dvh.chunks_exact_mut(attention.head));
                for ((p, ds), ((k, dk), dv)) in p.iter().zip(ds.iter()).zip(others) {
                    let d = p * (ds - mean) * scale;
                    add_scaled(dq, k, d);
                    add_scaled(dk, q, d);
                    add_scaled(dv, g, *p);
                }
            }
            attention.scatter(&dqh, queries, head, &mut dq);
            attention.scatter(&dkh, &span.keys, head, &mut dk);
            attention.scatter(&dvh, &span.keys, head, &mut dv);
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
        let tree = Arc::new(Tree::sequence(0, 2));
        let rope = Rope { angles, tree, inverse: false };
        let out = x.apply_op1(rope).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(out[0], [1.0, 0.0, 1.0, 0.0]);
        let expected = [1f32.cos(), 1f32.sin(), 0.01f32.cos(), 0.01f32.sin()];
        for (a, b) in out[1].iter().zip(expected) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
