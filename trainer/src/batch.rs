//! From samples to batches: tokens in a tree, and the weight of each in the loss.

use std::ops::Range;
use std::sync::Arc;

use rand::Rng;

use crate::prompt::{Error, Prompt, Task};
use crate::text::values::Split;
use crate::text::{Sample, Writer};
use crate::tokenizer::{CLOSE, Tokenizer};
use crate::tree::Tree;

/// Longer sequences are not learned from.
const LONGEST: usize = 320;
/// Weight of the tokens of a question that are learned; those of the answer have [`answer_weight`].
const QUESTION_WEIGHT: f32 = 0.4;
/// One token of a question in so many is learned, because each costs a row of logits.
const QUESTION_SHARE: u32 = 8;
/// Texts of each task in a batch: about as many tokens of each, fewer of triage, which is learned
/// soonest.
const TEXTS: [(Task, usize); 3] = [(Task::Triage, 4), (Task::Invoice, 5), (Task::Faq, 6)];

/// Sequences to learn, as a tree in which a common beginning stands once.
#[derive(Default)]
pub struct Batch {
    /// The tokens, less the last of each sequence.
    pub tokens: Vec<u32>,
    /// How they hang together.
    pub tree: Arc<Tree>,
    /// Rows (places in `tokens`) whose next token counts; more than once where the tree branches.
    pub rows: Vec<u32>,
    /// The next tokens of these rows.
    pub targets: Vec<u32>,
    /// Their weights.
    pub weights: Vec<f32>,
}

/// One sequence to learn.
#[derive(Clone, Debug)]
struct Sequence {
    tokens: Vec<u32>,
    /// The weight of predicting the token at the same place.
    weights: Vec<f32>,
}

/// An endless stream of training batches.
pub struct Batches<'a, R: Rng> {
    writer: &'a Writer,
    prompts: &'a Prompts,
    tokenizer: &'a Tokenizer,
    rng: R,
}

/// The prompts of all tasks.
pub struct Prompts([Prompt; 3]);

impl Prompts {
    /// Reads them from the suites.
    pub fn read() -> Result<Self, Error> {
        let [a, b, c] = Task::ALL;
        Ok(Self([Prompt::of(a)?, Prompt::of(b)?, Prompt::of(c)?]))
    }

    /// The prompt of one task.
    pub fn of(&self, task: Task) -> &Prompt {
        &self.0[task as usize]
    }
}

/// Short answers weigh more, or invoices would be all that is learned.
fn answer_weight(task: Task) -> f32 {
    match task {
        Task::Triage => 12.0,
        Task::Invoice => 2.0,
        Task::Faq => 4.0,
    }
}

impl<'a, R: Rng> Batches<'a, R> {
    /// Batches of the training text.
    pub fn new(writer: &'a Writer, prompts: &'a Prompts, tokenizer: &'a Tokenizer, rng: R) -> Self {
        Self { writer, prompts, tokenizer, rng }
    }

    /// The next batch, with `echoes` sequences of random tokens said again and again, which teach
    /// to copy.
    pub fn next_batch(&mut self, echoes: usize) -> Result<Batch, Error> {
        let mut sequences = Vec::new();
        for (task, texts) in TEXTS {
            for _ in 0..texts {
                for sample in self.writer.samples(task, Split::Train, &mut self.rng) {
                    sequences.push(self.sequence(&sample)?);
                }
            }
        }
        sequences.extend((0..echoes).map(|_| self.echo_sequence()));
        sequences.retain(|s| s.tokens.len() <= LONGEST);
        Ok(plant(sequences))
    }

    fn sequence(&mut self, sample: &Sample) -> Result<Sequence, Error> {
        let (system, user) = self.prompts.of(sample.task).chat(&sample.row)?;
        let mut tokens = self.tokenizer.encode(&system)?;
        let mut weights = vec![0.0; tokens.len()];
        let user = self.tokenizer.encode(&user)?;
        weights.extend(user.iter().map(|_| {
            let learned = self.rng.random_ratio(1, QUESTION_SHARE);
            if learned { QUESTION_WEIGHT } else { 0.0 }
        }));
        tokens.extend(user);
        let answer = self.tokenizer.encode(&format!("{}{CLOSE}", sample.answer))?;
        weights.resize(weights.len() + answer.len(), answer_weight(sample.task));
        tokens.extend(answer);
        Ok(Sequence { tokens, weights })
    }

    fn echo_sequence(&mut self) -> Sequence {
        let length = self.rng.random_range(6..28);
        let times = 72 / length;
        let vocabulary = self.tokenizer.tokens.len() as u32;
        let once: Vec<u32> = (0..length).map(|_| self.rng.random_range(3..vocabulary)).collect();
        let mut weights = vec![0.0; length];
        weights.resize(times * length, 1.0);
        Sequence { tokens: once.repeat(times), weights }
    }
}

/// The tree of some sequences.
fn plant(mut sequences: Vec<Sequence>) -> Batch {
    sequences.sort_by(|a, b| a.tokens.cmp(&b.tokens));
    let (mut batch, mut tree) = (Batch::default(), Tree::default());
    batch.grow(&mut tree, &sequences, 0, &[]);
    batch.tree = Arc::new(tree);
    batch
}

impl Batch {
    /// Adds what sorted sequences, which are the same up to `from`, have below the rows `above`.
    fn grow(
        &mut self,
        tree: &mut Tree,
        sequences: &[Sequence],
        from: usize,
        above: &[Range<usize>],
    ) {
        let (Some(first), Some(last)) = (sequences.first(), sequences.last()) else { return };
        // What the first and the last of them share, all share.
        let same = first.tokens.iter().zip(&last.tokens).take_while(|(a, b)| a == b).count();
        let leaf = same == first.tokens.len();
        let end = if leaf { (same - 1).max(from) } else { same };
        let start = self.tokens.len();
        let parent = above.last().map(|rows| rows.end - 1);
        for place in from..same {
            let row = if place > from { Some(start + place - from - 1) } else { parent };
            if let Some(row) = row.filter(|_| first.weights[place] > 0.0) {
                self.rows.push(row as u32);
                self.targets.push(first.tokens[place]);
                self.weights.push(first.weights[place]);
            }
        }
        self.tokens.extend(&first.tokens[from..end]);
        let above = tree.grow(above, from, end - from);
        if !leaf {
            for part in sequences.chunk_by(|a, b| a.tokens.get(same) == b.tokens.get(same)) {
                self.grow(tree, part, same, &above);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::model::{Model, Shape};

    #[test]
    fn a_tree_learns_what_its_sequences_would_alone() {
        let sequences: Vec<Sequence> =
            [&[5u32, 6, 7, 8, 2][..], &[5, 6, 9, 2], &[5, 6, 9, 4, 2], &[3, 2]]
                .into_iter()
                .map(|t| Sequence { tokens: t.to_vec(), weights: vec![1.0; t.len()] })
                .collect();
        let batch = plant(sequences.clone());
        assert_eq!(batch.tokens, [3, 5, 6, 7, 8, 9, 4]);
        let shape = Shape { vocabulary: 16, width: 32, blocks: 2, heads: 4, inner: 32 };
        let model = Model::random(shape, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        let logits = |batch: &Batch| {
            let states = model.states(&batch.tokens, &batch.tree, None).unwrap();
            let logits = model.logits(&states, &batch.rows).unwrap().to_vec2::<f32>().unwrap();
            batch.targets.iter().copied().zip(logits).collect::<Vec<_>>()
        };
        let together = logits(&batch);
        for sequence in sequences {
            for (target, alone) in logits(&plant(vec![sequence])) {
                let same = |(t, l): &(u32, Vec<f32>)| {
                    *t == target && l.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-4)
                };
                assert!(together.iter().any(same), "{target}");
            }
        }
        // Three ends, the 9 that two share once, and 6, 7, 8, 4.
        assert_eq!(together.len(), 4 + 1 + 4);
    }
}
