//! From samples to batches: tokens, the weight of each in the loss, sequences of like length.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::prompt::{Error, Prompt, Task};
use crate::text::values::Split;
use crate::text::{Sample, Writer};
use crate::tokenizer::{CLOSE, PAD, Tokenizer};

/// Longer sequences are not learned from.
const LONGEST: usize = 320;
/// Weight of the tokens of a question; those of the answer have [`answer_weight`].
const QUESTION_WEIGHT: f32 = 0.05;
/// Samples drawn at once and sorted by length.
const POOL: usize = 256;

/// One sequence to learn.
struct Sequence {
    tokens: Vec<u32>,
    /// The weight of predicting the token at the same place.
    weights: Vec<f32>,
}

/// Sequences of one length, padded.
pub struct Batch {
    /// `sequences * length` tokens, less the last of each sequence.
    pub tokens: Vec<u32>,
    /// Sequences.
    pub sequences: usize,
    /// Rows (places in `tokens`) whose next token counts.
    pub rows: Vec<u32>,
    /// The next tokens of these rows.
    pub targets: Vec<u32>,
    /// Their weights.
    pub weights: Vec<f32>,
}

/// An endless stream of training batches.
pub struct Batches<'a, R: Rng> {
    writer: &'a Writer,
    prompts: &'a Prompts,
    tokenizer: &'a Tokenizer,
    rng: R,
    budget: usize,
    ready: Vec<Batch>,
    padding: u32,
    /// Share of sequences that are random tokens said twice: they teach copying early.
    pub echo: f64,
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
        Task::Invoice => 1.0,
        Task::Faq => 4.0,
    }
}

/// The task of the next sample; triage is learned soonest.
fn next_task(rng: &mut impl Rng) -> Task {
    match rng.random_range(0..100) {
        0..24 => Task::Triage,
        24..54 => Task::Invoice,
        _ => Task::Faq,
    }
}

impl<'a, R: Rng> Batches<'a, R> {
    /// Batches of at most `budget` tokens.
    pub fn new(
        writer: &'a Writer,
        prompts: &'a Prompts,
        tokenizer: &'a Tokenizer,
        rng: R,
        budget: usize,
    ) -> Result<Self, Error> {
        let padding = tokenizer.id(PAD)?;
        let ready = Vec::new();
        Ok(Self { writer, prompts, tokenizer, rng, budget, ready, padding, echo: 0.0 })
    }

    /// The next batch.
    pub fn next_batch(&mut self) -> Result<Batch, Error> {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Ok(batch);
            }
            let mut pool = Vec::with_capacity(POOL);
            while pool.len() < POOL {
                let sequence = if self.rng.random_bool(self.echo) {
                    self.echo_sequence()
                } else {
                    let task = next_task(&mut self.rng);
                    let sample = self.writer.sample(task, Split::Train, &mut self.rng);
                    self.sequence(&sample)?
                };
                if sequence.tokens.len() <= LONGEST {
                    pool.push(sequence);
                }
            }
            pool.sort_by_key(|s| s.tokens.len());
            let mut rest = pool.as_slice();
            while !rest.is_empty() {
                let mut count = 1;
                while count < rest.len() && (count + 1) * rest[count].tokens.len() <= self.budget {
                    count += 1;
                }
                let (batch, after) = rest.split_at(count);
                self.ready.push(pad(batch, self.padding));
                rest = after;
            }
            self.ready.shuffle(&mut self.rng);
        }
    }

    fn sequence(&self, sample: &Sample) -> Result<Sequence, Error> {
        let (system, user) = self.prompts.of(sample.task).chat(&sample.row)?;
        let mut tokens = self.tokenizer.encode(&system)?;
        let mut weights = vec![0.0; tokens.len()];
        let user = self.tokenizer.encode(&user)?;
        weights.resize(weights.len() + user.len(), QUESTION_WEIGHT);
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

fn pad(sequences: &[Sequence], padding: u32) -> Batch {
    let longest = sequences.iter().map(|s| s.tokens.len()).max().unwrap_or(1) - 1;
    let mut batch = Batch {
        tokens: Vec::with_capacity(longest * sequences.len()),
        sequences: sequences.len(),
        rows: Vec::new(),
        targets: Vec::new(),
        weights: Vec::new(),
    };
    for sequence in sequences {
        let start = batch.tokens.len();
        batch.tokens.extend(&sequence.tokens[..sequence.tokens.len() - 1]);
        batch.tokens.resize(start + longest, padding);
        let next = sequence.tokens.iter().zip(&sequence.weights).skip(1);
        for (place, (target, weight)) in next.enumerate().filter(|(_, (_, w))| **w > 0.0) {
            batch.rows.push((start + place) as u32);
            batch.targets.push(*target);
            batch.weights.push(*weight);
        }
    }
    batch
}
