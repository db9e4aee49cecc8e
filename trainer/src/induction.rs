//! A start that can already copy: an induction circuit (Olsson et al. 2022, "In-context learning
//! and induction heads") written into the first two blocks before training.
//!
//! From random weights the circuit appears too, but only after some ten million tokens, which two
//! cores do not see in the time that this training may take. Two heads of block 0 look at the token
//! before and at the one before that, which rotary positions make easy: queries and keys are
//! constant (all embeddings share one constant value) and out of phase by one or two positions.
//! Each writes what it saw into a subspace of its own. A head of block 1 compares the current token
//! with what stands in the first subspace, and so finds the places where the current token
//! occurred before, one token on; another does so with the last two tokens, because one alone may
//! have occurred in many places. Both add the embedding found there to the state. Training is free
//! to change all of it.

use rand::Rng;

use crate::model::{ROPE_BASE, Shape};

/// Heads of each of the two blocks that belong to the circuit.
const HEADS: usize = 2;
/// Standard deviation of the embeddings.
pub const EMBEDDING: f32 = 0.1;
/// The value that all embeddings have in their first place.
const CONSTANT: f32 = 0.3;
/// Length of the constant queries and keys of the head that looks back.
const LOOK_BACK: f32 = 7.0;
/// Scale of the queries and keys that compare tokens.
const COMPARE: f32 = 2.0;
/// Scale of what is copied.
const COPY: f32 = 6.0;
/// Rotations slower than this (radians a token) do not disturb the comparison.
const SLOW: f64 = 0.006;

/// The matrices that the circuit is written into, `[rows, width]` each, row by row.
pub struct Matrices<'a> {
    /// Token embeddings.
    pub embedding: &'a mut [f32],
    /// Query, key, value and output matrices of block 0.
    pub first: [&'a mut [f32]; 4],
    /// The same of block 1.
    pub second: [&'a mut [f32]; 4],
}

/// Writes the circuit.
pub fn write(shape: &Shape, rng: &mut impl Rng, to: Matrices) {
    let (width, head) = (shape.width, shape.head());
    to.embedding.chunks_exact_mut(width).for_each(|row| row[0] = CONSTANT);
    // What the norm makes of the constant, and of an embedding's other values: about 1.
    let seen = CONSTANT / EMBEDDING;
    let turn = |pair: usize| ROPE_BASE.powf(-2.0 * pair as f64 / head as f64);
    let slow = (0..head / 2).find(|p| turn(*p) < SLOW).unwrap_or(0) * 2;
    let [q0, k0, v0, o0] = to.first;
    let [q1, k1, v1, o1] = to.second;
    let strength = (width as f32 / head as f32).sqrt();
    let read = orthonormal(rng, head, width);
    let keep: [Rows; HEADS] = std::array::from_fn(|_| orthonormal(rng, head, width));
    for (number, keep) in keep.iter().enumerate() {
        let columns = number * head..(number + 1) * head;
        for matrix in [&mut *q0, &mut *k0, &mut *v0, &mut *q1, &mut *k1, &mut *v1] {
            for row in matrix.chunks_exact_mut(width) {
                row[columns.clone()].fill(0.0);
            }
        }
        for pair in 0..head / 2 {
            let at = columns.start + 2 * pair;
            let angle = turn(pair) as f32 * (number + 1) as f32;
            q0[at] = LOOK_BACK / seen;
            k0[at] = LOOK_BACK / seen * angle.cos();
            k0[at + 1] = LOOK_BACK / seen * angle.sin();
        }
        let copied = orthonormal(rng, head, width);
        for i in 0..head {
            let column = columns.start + i;
            for j in 1..width {
                v0[j * width + column] = read[i][j];
                o0[column * width + j] = keep[i][j] * EMBEDDING * strength;
                v1[j * width + column] = copied[i][j];
                o1[column * width + j] = copied[i][j] * EMBEDDING * strength * COPY;
            }
        }
    }
    // The first head compares one token, the second one token and, in half of the places, the one
    // before it.
    let [last, before] = &keep;
    for number in 0..HEADS {
        for i in slow..head {
            let column = number * head + i;
            let two = number == 1 && (i - slow) / 2 % 2 == 1;
            let (wanted, found) = if two { (&last[i], &before[i]) } else { (&read[i], &last[i]) };
            for j in 1..width {
                q1[j * width + column] = wanted[j] * COMPARE;
                k1[j * width + column] = found[j] * COMPARE;
            }
        }
    }
}

/// Vectors of the width of the model.
type Rows = Vec<Vec<f32>>;

/// Random rows of length one, at right angles to each other, by Gram and Schmidt.
fn orthonormal(rng: &mut impl Rng, rows: usize, width: usize) -> Rows {
    let mut all: Rows = Vec::with_capacity(rows);
    while all.len() < rows {
        let mut row: Vec<f32> = (0..width).map(|_| rng.random_range(-1.0..1.0)).collect();
        row[0] = 0.0;
        for other in &all {
            let along: f32 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let length = row.iter().map(|a| a * a).sum::<f32>().sqrt();
        row.iter_mut().for_each(|a| *a /= length);
        all.push(row);
    }
    all
}
