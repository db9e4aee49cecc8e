//! The llama architecture as it is trained: pre-norm blocks, rotary positions, SwiGLU, tied
//! embeddings. Matrices are stored `[in, out]`; the GGUF file holds them `[out, in]`.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::Rng;

use crate::attention::{Angles, Attention, Rope};
use crate::induction::{self, Matrices};
use crate::ops::{RmsNorm, SwiGlu, with_values};
use crate::tree::Tree;

/// Tokens that the models can see.
pub const CONTEXT: usize = 512;
/// Base of the rotary frequencies.
pub const ROPE_BASE: f64 = 1_000_000.0;
/// Added to the mean square in the norms.
pub const NORM_EPS: f32 = 1e-5;

/// The two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// About a million parameters.
    #[value(name = "1m")]
    Small,
    /// About five million parameters.
    #[value(name = "5m")]
    Large,
}

/// The dimensions of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Values of a token's state.
    pub width: usize,
    /// Blocks.
    pub blocks: usize,
    /// Attention heads; as many for keys and values.
    pub heads: usize,
    /// Inner width of the feed-forward layer.
    pub inner: usize,
}

impl Shape {
    /// The dimensions of one of the two models.
    pub fn of(size: Size, vocabulary: usize) -> Self {
        match size {
            Size::Small => Self { vocabulary, width: 96, blocks: 3, heads: 4, inner: 256 },
            Size::Large => Self { vocabulary, width: 192, blocks: 5, heads: 4, inner: 512 },
        }
    }

    /// Values of one head.
    pub fn head(&self) -> usize {
        self.width / self.heads
    }

    /// Trained values.
    pub fn parameters(&self) -> usize {
        let block = 4 * self.width * self.width + 3 * self.width * self.inner + 2 * self.width;
        self.vocabulary * self.width + self.blocks * block + self.width
    }
}

/// The weights of one block.
pub struct Block {
    /// Names as in GGUF, less `blk.N.`, with their variables.
    pub attention_norm: Var,
    /// Query projection.
    pub query: Var,
    /// Key projection.
    pub key: Var,
    /// Value projection.
    pub value: Var,
    /// Projection of the heads' output.
    pub output: Var,
    /// Norm before the feed-forward layer.
    pub inner_norm: Var,
    /// Gate of the feed-forward layer.
    pub gate: Var,
    /// Second input of the feed-forward layer.
    pub up: Var,
    /// Output of the feed-forward layer.
    pub down: Var,
}

/// Keys and values of the tokens seen so far, a pair a block.
pub type Cache = Vec<Option<(Tensor, Tensor)>>;

/// A model in training or in evaluation.
pub struct Model {
    /// Its dimensions.
    pub shape: Shape,
    /// Token embeddings, `[vocabulary, width]`; also the output matrix.
    pub embedding: Var,
    /// The blocks, first to last.
    pub blocks: Vec<Block>,
    /// The norm before the output matrix.
    pub norm: Var,
    angles: Arc<Angles>,
}

impl Model {
    /// A model whose matrices `matrix(name, rows, columns)` gives and whose norms `norm` gives.
    /// Names are those of GGUF; rows are inputs, except for the embedding.
    pub fn build(
        shape: Shape,
        mut matrix: impl FnMut(&str, usize, usize) -> Result<Tensor>,
        mut norm: impl FnMut(&str, usize) -> Result<Tensor>,
    ) -> Result<Self> {
        let (width, inner) = (shape.width, shape.inner);
        let embedding = Var::from_tensor(&matrix("token_embd.weight", shape.vocabulary, width)?)?;
        let mut blocks = Vec::with_capacity(shape.blocks);
        for i in 0..shape.blocks {
            let mut matrix = |name: &str, rows, columns| {
                Var::from_tensor(&matrix(&format!("blk.{i}.{name}.weight"), rows, columns)?)
            };
            let mut norm =
                |name: &str| Var::from_tensor(&norm(&format!("blk.{i}.{name}.weight"), width)?);
            blocks.push(Block {
                attention_norm: norm("attn_norm")?,
                query: matrix("attn_q", width, width)?,
                key: matrix("attn_k", width, width)?,
                value: matrix("attn_v", width, width)?,
                output: matrix("attn_output", width, width)?,
                inner_norm: norm("ffn_norm")?,
                gate: matrix("ffn_gate", width, inner)?,
                up: matrix("ffn_up", width, inner)?,
                down: matrix("ffn_down", inner, width)?,
            });
        }
        let norm = Var::from_tensor(&norm("output_norm.weight", width)?)?;
        let angles = Arc::new(Angles::new(shape.head(), CONTEXT, ROPE_BASE));
        Ok(Self { shape, embedding, blocks, norm, angles })
    }

    /// A model before training: uniform weights of standard deviation `1 / sqrt(inputs)`, zero
    /// where a block writes to the residual stream, and the circuit of [`induction`] in it.
    pub fn random(shape: Shape, rng: &mut impl Rng) -> Result<Self> {
        let model = Self::build(
            shape,
            |name, rows, columns| {
                let deviation = match name.rsplit('.').nth(1) {
                    Some("token_embd") => induction::EMBEDDING,
                    Some("attn_output" | "ffn_down") => 0.0,
                    _ => 1.0 / (rows as f32).sqrt(),
                };
                let limit = deviation * 3f32.sqrt();
                let values: Vec<f32> =
                    (0..rows * columns).map(|_| rng.random_range(-1.0..1.0) * limit).collect();
                Tensor::from_vec(values, (rows, columns), &Device::Cpu)
            },
            |_, width| Tensor::ones(width, DType::F32, &Device::Cpu),
        )?;
        let attention = |b: &Block| [&b.query, &b.key, &b.value, &b.output].map(Var::clone);
        let mut vars = vec![model.embedding.clone()];
        vars.extend(model.blocks.iter().take(2).flat_map(attention));
        let values = vars.iter().map(|var| with_values(var.as_tensor(), <[f32]>::to_vec));
        let mut values = values.collect::<Result<Vec<_>>>()?;
        if let [embedding, q0, k0, v0, o0, q1, k1, v1, o1] = values.as_mut_slice() {
            let matrices =
                Matrices { embedding, first: [q0, k0, v0, o0], second: [q1, k1, v1, o1] };
            induction::write(&shape, rng, matrices);
        }
        for (var, values) in vars.iter().zip(values) {
            var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?;
        }
        Ok(model)
    }

    /// All weights with their GGUF names, in the order of the file.
    pub fn named(&self) -> Vec<(String, &Var)> {
        let mut all = vec![("token_embd.weight".to_owned(), &self.embedding)];
        for (i, b) in self.blocks.iter().enumerate() {
            let weights = [
                ("attn_norm", &b.attention_norm),
                ("attn_q", &b.query),
                ("attn_k", &b.key),
                ("attn_v", &b.value),
                ("attn_output", &b.output),
                ("ffn_norm", &b.inner_norm),
                ("ffn_gate", &b.gate),
                ("ffn_up", &b.up),
                ("ffn_down", &b.down),
            ];
            all.extend(weights.map(|(name, var)| (format!("blk.{i}.{name}.weight"), var)));
        }
        all.push(("output_norm.weight".to_owned(), &self.norm));
        all
    }

    /// The states after the last block, normed, `[tokens, width]`, of tokens that hang together as
    /// the tree says. With a cache there is one sequence, which follows the tokens seen before.
    pub fn states(
        &self,
        tokens: &[u32],
        tree: &Arc<Tree>,
        mut cache: Option<&mut Cache>,
    ) -> Result<Tensor> {
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.embedding.index_select(&ids, 0)?;
        for (i, b) in self.blocks.iter().enumerate() {
            let rope = || Rope { angles: self.angles.clone(), tree: tree.clone(), inverse: false };
            let h = x.apply_op2(b.attention_norm.as_tensor(), RmsNorm { eps: NORM_EPS })?;
            let q = h.matmul(&b.query)?.apply_op1(rope())?;
            let mut k = h.matmul(&b.key)?.apply_op1(rope())?;
            let mut v = h.matmul(&b.value)?;
            if let Some(kept) = cache.as_deref_mut().map(|cache| &mut cache[i]) {
                if let Some((keys, values)) = kept.take() {
                    k = Tensor::cat(&[keys, k], 0)?;
                    v = Tensor::cat(&[values, v], 0)?;
                }
                *kept = Some((k.clone(), v.clone()));
            }
            let attention = Attention::new(tree.clone(), self.shape.heads, self.shape.head());
            let h = q.apply_op3(&k, &v, attention)?.matmul(&b.output)?;
            x = (x + h)?;
            let h = x.apply_op2(b.inner_norm.as_tensor(), RmsNorm { eps: NORM_EPS })?;
            let h = h.matmul(&b.gate)?.apply_op2(&h.matmul(&b.up)?, SwiGlu)?;
            x = (x + h.matmul(&b.down)?)?;
        }
        x.apply_op2(self.norm.as_tensor(), RmsNorm { eps: NORM_EPS })
    }

    /// Logits of some rows of [`states`](Self::states).
    pub fn logits(&self, states: &Tensor, rows: &[u32]) -> Result<Tensor> {
        let rows = Tensor::new(rows, &Device::Cpu)?;
        states.index_select(&rows, 0)?.matmul(&self.embedding.t()?)
    }
}
