//! Directions of descent by L-BFGS (Nocedal and Wright, *Numerical Optimization*, algorithm 7.4),
//! and the arithmetic of dense vectors.

use std::collections::VecDeque;

/// Steps that are remembered. Each costs two vectors of all weights, 30 MB for 77 labels and 24,000
/// terms; ten instead of five spare no time.
const REMEMBERED: usize = 5;

/// A step that was made: how point and gradient changed, and the product of both.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    curvature: f64,
}

/// The last steps, from which the curvature is guessed.
#[derive(Default)]
pub(super) struct Memory {
    steps: VecDeque<Step>,
}

impl Memory {
    /// Remembers a step. One along which the gradient did not rise tells nothing of a convex
    /// function but its rounding, and is left out.
    pub(super) fn add(&mut self, moved: Vec<f64>, turned: Vec<f64>) {
        let curvature = dot(&moved, &turned);
        if curvature <= 0.0 {
            return;
        }
        if self.steps.len() >= REMEMBERED {
            self.steps.pop_front();
        }
        self.steps.push_back(Step { moved, turned, curvature });
    }

    /// Where to go from a point with this gradient; straight down, for a length of 1, where no step
    /// is known yet.
    pub(super) fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut factors = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().rev() {
            let factor = dot(&step.moved, &direction) / step.curvature;
            add(&mut direction, -factor, &step.turned);
            factors.push(factor);
        }
        let scale = match self.steps.back() {
            Some(last) => last.curvature / dot(&last.turned, &last.turned),
            None => 1.0 / dot(gradient, gradient).sqrt(),
        };
        direction.iter_mut().for_each(|d| *d *= scale);
        for (step, factor) in self.steps.iter().zip(factors.into_iter().rev()) {
            let back = dot(&step.turned, &direction) / step.curvature;
            add(&mut direction, factor - back, &step.moved);
        }
        direction
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adds `factor · other`, where `other` may end before `sum`.
pub(super) fn add(sum: &mut [f64], factor: f64, other: &[f64]) {
    sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += factor * other);
}

/// `new - old`.
pub(super) fn change(old: &[f64], new: &[f64]) -> Vec<f64> {
    old.iter().zip(new).map(|(old, new)| new - old).collect()
}
