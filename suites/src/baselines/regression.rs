//! Multinomial logistic regression on sparse rows, as scikit-learn's `LogisticRegression(C=10)`.
//! Over weights `W` and intercepts `b` it minimises
//!
//! ```text
//! mean over rows of -ln softmax(W x + b)[label]  +  |W|² / (2 C n)
//! ```
//!
//! by L-BFGS (see [`super::lbfgs`]), until no component of the gradient exceeds 10⁻⁴. The function is
//! convex, so the way to its minimum does not matter.

use super::lbfgs::{Memory, add, change, dot};
use super::tfidf::{Row, transposed};

/// Inverse strength of the penalty.
const C: f64 = 10.0;

/// Largest component of the gradient at the end; scikit-learn's default.
const TOLERANCE: f64 = 1e-4;

/// Steps after which the weights are taken as they are; ten thousand rows take some sixty.
const MOST_STEPS: usize = 1000;

/// Halvings of a step before it is given up: further ones are lost in rounding.
const MOST_HALVINGS: usize = 30;

/// Share of the slope that a step must gain (Armijo's condition).
const SUFFICIENT: f64 = 1e-4;

/// Weights of the columns for each class, a column after the other, the intercepts last.
#[derive(Debug, Clone)]
pub(super) struct Regression {
    weights: Vec<f64>,
    width: usize,
    classes: usize,
}

impl Regression {
    /// Learns a class for each row. There is a row, and each of the classes has one.
    pub(super) fn fit(
        rows: Vec<Row>,
        width: usize,
        targets: &[usize],
        classes: usize,
    ) -> Regression {
        let rows: Vec<Row> = rows.into_iter().map(|row| with_intercept(row, width)).collect();
        let columns = transposed(&rows, width.saturating_add(1));
        let weights = vec![0.0; columns.len().saturating_mul(classes)];
        let logits = vec![0.0; rows.len().saturating_mul(classes)];
        let problem = Problem { rows: &rows, columns: &columns, targets, classes };
        let weights = problem.minimise(problem.point(weights, logits));
        Regression { weights, width, classes }
    }

    /// For each class the logarithm of its probability, but for a constant.
    pub(super) fn logits(&self, row: Row) -> Vec<f64> {
        let mut logits = vec![0.0; self.classes];
        multiply(&[with_intercept(row, self.width)], &self.weights, &mut logits, self.classes);
        logits
    }
}

fn with_intercept(mut row: Row, width: usize) -> Row {
    row.push((width, 1.0));
    row
}

/// What is minimised.
struct Problem<'a> {
    rows: &'a [Row],
    columns: &'a [Row],
    targets: &'a [usize],
    classes: usize,
}

/// Weights with what follows from them.
struct Point {
    weights: Vec<f64>,
    logits: Vec<f64>,
    value: f64,
    /// The derivative of the mean loss by each logit.
    residuals: Vec<f64>,
}

impl Problem<'_> {
    fn penalty(&self) -> f64 {
        1.0 / (C * self.targets.len() as f64)
    }

    /// All weights but the intercepts.
    fn penalised<'w>(&self, weights: &'w [f64]) -> &'w [f64] {
        weights.get(..weights.len().saturating_sub(self.classes)).unwrap_or_default()
    }

    fn point(&self, weights: Vec<f64>, logits: Vec<f64>) -> Point {
        let n = self.targets.len() as f64;
        let mut residuals = logits.clone();
        let mut loss = 0.0;
        for (row, target) in residuals.chunks_exact_mut(self.classes).zip(self.targets) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let of_target = row.get(*target).copied().unwrap_or_default();
            row.iter_mut().for_each(|value| *value = (*value - largest).exp());
            let sum: f64 = row.iter().sum();
            loss += sum.ln() + largest - of_target;
            row.iter_mut().for_each(|value| *value /= sum * n);
            if let Some(value) = row.get_mut(*target) {
                *value -= 1.0 / n;
            }
        }
        let penalised = self.penalised(&weights);
        let value = loss / n + self.penalty() / 2.0 * dot(penalised, penalised);
        Point { weights, logits, value, residuals }
    }

    fn gradient(&self, point: &Point) -> Vec<f64> {
        let mut gradient = product(self.columns, &point.residuals, self.classes);
        add(&mut gradient, self.penalty(), self.penalised(&point.weights));
        gradient
    }

    fn minimise(&self, start: Point) -> Vec<f64> {
        let mut here = start;
        let mut gradient = self.gradient(&here);
        let mut memory = Memory::default();
        for _ in 0..MOST_STEPS {
            if gradient.iter().all(|g| g.abs() <= TOLERANCE) {
                break;
            }
            let direction = memory.direction(&gradient);
            let Some(next) = self.descend(&here, &direction, dot(&gradient, &direction)) else {
                break;
            };
            let next_gradient = self.gradient(&next);
            memory.add(change(&here.weights, &next.weights), change(&gradient, &next_gradient));
            here = next;
            gradient = next_gradient;
        }
        here.weights
    }

    /// The point along a direction whose step, halved as often as needed, gains enough. The logits
    /// are linear in the step, so no trial costs a matrix product.
    fn descend(&self, here: &Point, direction: &[f64], slope: f64) -> Option<Point> {
        let turn = product(self.rows, direction, self.classes);
        let mut step = 1.0;
        for _ in 0..MOST_HALVINGS {
            let (mut weights, mut logits) = (here.weights.clone(), here.logits.clone());
            add(&mut weights, step, direction);
            add(&mut logits, step, &turn);
            let next = self.point(weights, logits);
            if next.value <= here.value + SUFFICIENT * step * slope {
                return Some(next);
            }
            step /= 2.0;
        }
        None
    }
}

/// Sparse rows times a dense matrix of `classes` columns, on two threads. Each row is summed by one
/// of them, in order, so the result does not depend on who is faster.
fn product(rows: &[Row], dense: &[f64], classes: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows.len().saturating_mul(classes)];
    // Common terms come first and have the longest rows: half of the values, not of the rows.
    let half = rows.iter().map(Vec::len).sum::<usize>() / 2;
    let mut passed = 0usize;
    let middle = rows.iter().take_while(|row| {
        passed = passed.saturating_add(row.len());
        passed <= half
    });
    let (first, second) = rows.split_at(middle.count());
    let (upper, lower) = out.split_at_mut(first.len().saturating_mul(classes));
    std::thread::scope(|scope| {
        scope.spawn(|| multiply(second, dense, lower, classes));
        multiply(first, dense, upper, classes);
    });
    out
}

/// Adds the product of sparse rows and a dense matrix to `out`.
fn multiply(rows: &[Row], dense: &[f64], out: &mut [f64], classes: usize) {
    for (row, out) in rows.iter().zip(out.chunks_exact_mut(classes)) {
        for (column, value) in row {
            if let Some(weights) = dense.chunks_exact(classes).nth(*column) {
                add(out, *value, weights);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tfidf::TfIdf;
    use super::*;

    /// scikit-learn 1.9.1: `LogisticRegression(C=10, tol=1e-10)` on the TF-IDF rows of three texts
    /// with a label each, and `predict_proba` of two others and the first of the three.
    #[test]
    fn the_probabilities_are_those_of_scikit_learn() {
        let texts = ["The card is lost, the card!", "Is the café's card_1 a loss?", "Lost & found"];
        let tfidf = TfIdf::fit(&texts.map(str::to_owned));
        let rows = texts.iter().map(|text| tfidf.row(text)).collect();
        let regression = Regression::fit(rows, tfidf.width(), &[0, 1, 2], 3);
        for (text, expected) in [
            (
                "lost lost card unknown",
                [0.4824414709726788, 0.1456551908760858, 0.3719033381512355],
            ),
            ("the loss", [0.29227171328508733, 0.521925761412187, 0.1858025253027256]),
            (texts[0], [0.822894310445605, 0.09125286972075664, 0.08585281983363838]),
        ] {
            let exps: Vec<f64> =
                regression.logits(tfidf.row(text)).iter().map(|logit| logit.exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (exp, expected) in exps.iter().zip(expected) {
                assert!((exp / sum - expected).abs() < 1e-3, "{text}: {} {expected}", exp / sum);
            }
        }
    }
}
