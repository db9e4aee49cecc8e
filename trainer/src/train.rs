//! The training loop: two halves of a batch on two threads, one step of the optimiser.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::batch::{Batch, Batches, Prompts};
use crate::gguf;
use crate::model::{Model, Shape, Size};
use crate::ops::CrossEntropy;
use crate::optimizer::Optimizer;
use crate::prompt::{Error, Task};
use crate::text::Writer;
use crate::text::values::Split;
use crate::tokenizer::Tokenizer;

/// Halves of a batch; each has a thread, and their gradients are added in this order.
const SHARDS: usize = 2;
/// Samples that the merges of the tokenizer are learned from.
const TOKENIZER_SAMPLES: usize = 30_000;
const REPORT: Duration = Duration::from_secs(20);

/// Random sequences said again and again in each half of a batch, by the part of the training that
/// is done.
fn echoes(done: f64) -> usize {
    match done {
        ..0.02 => 24,
        0.02..0.7 => 2,
        _ => 0,
    }
}

/// What a training run needs.
pub struct Plan {
    /// Which of the two models.
    pub size: Size,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Highest learning rate.
    pub rate: f32,
    /// Of weights, order and text.
    pub seed: u64,
    /// How often the file is written while training goes on.
    pub snapshot: Duration,
}

impl Plan {
    /// The plan that the bundled models were trained by. The second part of the training goes on
    /// from a model, with a fresh optimiser, on decorated text.
    pub fn of(size: Size, second: bool) -> Self {
        let (steps, rate) = match (size, second) {
            (Size::Small, false) => (2400, 1e-3),
            (Size::Large, false) => (5000, 1e-3),
            (_, true) => (1000, 3e-4),
        };
        let snapshot = Duration::from_secs(180);
        Self { size, steps, rate, seed: 20_260, snapshot }
    }

    /// The learning rate of a step: linear warm-up, then half a cosine to a fiftieth.
    fn rate_at(&self, step: usize) -> f32 {
        let warm = (self.steps / 25).clamp(1, 100);
        if step < warm {
            return self.rate * (step + 1) as f32 / warm as f32;
        }
        let done = (step - warm) as f32 / (self.steps - warm).max(1) as f32;
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * done).cos());
        self.rate * (0.02 + 0.98 * cosine)
    }
}

/// Learns the tokenizer from training text; the same for both models.
pub fn learn_tokenizer(writer: &Writer, prompts: &Prompts, seed: u64) -> Result<Tokenizer, Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x746f_6b65);
    let mut texts = Vec::with_capacity(TOKENIZER_SAMPLES * 2);
    for i in 0..TOKENIZER_SAMPLES {
        let sample = writer.sample(Task::ALL[i % 3], Split::Train, &mut rng);
        let (system, user) = prompts.of(sample.task).messages(&sample.row)?;
        texts.extend([user, sample.answer]);
        // Every role and system text once in a while, so that their words become tokens.
        if i % 20 < 3 {
            texts.extend([system, "system\nuser\nassistant\n".to_owned()]);
        }
    }
    Tokenizer::train(texts.iter().map(String::as_str))
}

/// Trains a model and writes it to `out`, which also gets snapshots on the way.
pub fn train(
    plan: &Plan,
    from: Option<&Path>,
    out: &Path,
    log: &mut impl Write,
) -> Result<(), Error> {
    let writer = if from.is_some() { Writer::decorated() } else { Writer::new() };
    let prompts = Prompts::read()?;
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed ^ u64::from(from.is_some()));
    let (model, tokenizer) = match from {
        Some(path) => gguf::read(path)?,
        None => {
            let tokenizer = learn_tokenizer(&writer, &prompts, plan.seed)?;
            let shape = Shape::of(plan.size, tokenizer.tokens.len());
            (Model::random(shape, &mut rng)?, tokenizer)
        }
    };
    let vars: Vec<Var> = model.named().into_iter().map(|(_, var)| var.clone()).collect();
    let mut optimizer = Optimizer::new(model.named())?;
    let mut batches = Batches::new(&writer, &prompts, &tokenizer, rng);
    writeln!(log, "{} parameters, {} steps", model.shape.parameters(), plan.steps)?;
    let started = Instant::now();
    let (mut reported, mut saved) = (started, started);
    let (mut seen, mut losses) = (0usize, Vec::new());
    for step in 0..plan.steps {
        let echoes = if from.is_some() { 0 } else { echoes(step as f64 / plan.steps as f64) };
        let shards: Vec<Batch> =
            (0..SHARDS).map(|_| batches.next_batch(echoes)).collect::<Result<_, _>>()?;
        let weight: f32 = shards.iter().flat_map(|b| &b.weights).sum();
        seen += shards.iter().map(|b| b.tokens.len()).sum::<usize>();
        let results = std::thread::scope(|scope| {
            let work = |batch| {
                let (model, vars) = (&model, &vars);
                scope.spawn(move || gradients(model, vars, batch, weight))
            };
            let threads: Vec<_> = shards.into_iter().map(work).collect();
            let joined = threads.into_iter().map(|t| t.join().map_err(|_| "a thread died".into()));
            joined.map(|r: Result<_, Error>| r.and_then(|r| r)).collect::<Result<Vec<_>, Error>>()
        })?;
        losses.push(results.iter().map(|(loss, _)| loss).sum::<f32>());
        let mut parts = vec![Vec::with_capacity(SHARDS); vars.len()];
        for (_, gradients) in results {
            parts.iter_mut().zip(gradients).for_each(|(parts, g)| parts.push(g));
        }
        optimizer.step(parts, plan.rate_at(step))?;
        if reported.elapsed() >= REPORT || step + 1 == plan.steps {
            reported = Instant::now();
            let taken = started.elapsed().as_secs_f64();
            let loss = losses.iter().sum::<f32>() / losses.len() as f32;
            losses.clear();
            let left = taken / (step + 1) as f64 * (plan.steps - step - 1) as f64;
            writeln!(
                log,
                "step {}/{} loss {loss:.4} {:.0} tokens/s {:.1} min, {:.1} min left",
                step + 1,
                plan.steps,
                seen as f64 / taken,
                taken / 60.0,
                left / 60.0,
            )?;
            log.flush()?;
        }
        if saved.elapsed() >= plan.snapshot {
            saved = Instant::now();
            gguf::write(&model, &tokenizer, plan.size, out)?;
        }
    }
    gguf::write(&model, &tokenizer, plan.size, out)
}

/// The loss of one shard, as a part of a mean over `weight`, and its gradients.
fn gradients(
    model: &Model,
    vars: &[Var],
    batch: Batch,
    weight: f32,
) -> Result<(f32, Vec<Tensor>), Error> {
    let states = model.states(&batch.tokens, &batch.tree, None)?;
    let logits = model.logits(&states, &batch.rows)?;
    let weights = batch.weights.iter().map(|w| w / weight).collect();
    let loss = logits.apply_op1(CrossEntropy::new(batch.targets, weights))?;
    let store = loss.backward()?;
    let gradients = vars.iter().map(|var| match store.get(var.as_tensor()) {
        Some(gradient) => Ok(gradient.clone()),
        None => var.zeros_like(),
    });
    Ok((loss.to_scalar()?, gradients.collect::<Result<_, _>>()?))
}
