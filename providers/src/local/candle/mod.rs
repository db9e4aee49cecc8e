//! The candle engine: a model that is run by Rust alone, one ask at a time, one token a step.
//!
//! Parts: `load` (from a file or folder to a model), `weights` (networks), `widened` (files as candle
//! is fast with them), `prompts`, `vocabulary` and `pre_tokenizers` (texts to tokens), `choices` (scores of given
//! answers).
//!
//! Threads: candle sizes its pools once, from the environment variable `RAYON_NUM_THREADS` or else from
//! the machine's cores, so whoever starts the engine process sets that variable for it.

mod choices;
mod load;
mod pre_tokenizers;
mod prompts;
mod vocabulary;
mod weights;
mod widened;

use std::collections::{BTreeMap, VecDeque};

pub use self::prompts::Prompts;
use self::vocabulary::Vocabulary;
use self::weights::Weights;
use crate::local::engine::Engine;
use crate::local::generation::Generation;
use crate::{
    Advice, Answer, Ask, AskKind, ChoiceScore, Choose, Clock, Description, ErrorKind, Finish,
    Generate, ProviderError, Side, Stage, Stamp,
};

/// The version of candle; the workspace pins it.
const VERSION: &str = "candle 0.11.1";

/// A loaded model.
pub struct Candle {
    prompts: Prompts,
    /// The network before any token: cloning it shares the weights and starts a state.
    fresh: Weights,
    context: u64,
    facts: BTreeMap<String, String>,
    model: String,
    queue: VecDeque<Job>,
    current: Option<Current>,
}

/// The answer that is being written.
struct Current {
    id: u64,
    prompt: Vec<u32>,
    state: Weights,
    /// The last token written, and how many tokens the network has seen before it.
    last: Option<(u32, usize)>,
    generation: Generation,
}

/// An ask that waits for its turn.
struct Job {
    id: u64,
    work: Work,
    prompt: Vec<u32>,
    sent: Stamp,
}

enum Work {
    Generate(Box<Generate>),
    Choose(Vec<String>),
}

impl Candle {
    fn check_room(&self, prompt: usize, answer: u64) -> Result<(), ProviderError> {
        let needed = (prompt as u64).saturating_add(answer);
        if needed > self.context {
            let message = format!(
                "the prompt has {prompt} tokens and the answer may have {answer}, but the model's \
                 context is {} tokens: shorten the prompt or lower `max_tokens`",
                self.context
            );
            return Err(refused(ErrorKind::ContextOverflow, message));
        }
        Ok(())
    }

    fn choose(&mut self, job: &Job, choices: &[String]) -> Result<Answer, ProviderError> {
        let failed = |error: candle_core::Error| failed(Stage::Stream, error.to_string());
        let mut state = self.fresh.clone();
        let first = state.forward(&job.prompt, 0).map_err(failed)?;
        let seen = job.prompt.len();
        let mut scores = Vec::new();
        for choice in choices {
            let tokens = self
                .prompts
                .vocabulary
                .tokens(choice, false)
                .map_err(|what| self::failed(Stage::Prepare, what))?;
            self.check_room(seen, tokens.len() as u64)?;
            if !state.forks() {
                state.forward(&job.prompt, 0).map_err(failed)?;
            }
            let logprob =
                choices::score(state.clone(), first.clone(), seen, &tokens).map_err(failed)?;
            let tokens = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
            scores.push(ChoiceScore { choice: choice.clone(), logprob, tokens });
        }
        Ok(crate::local::choices::answer(scores, seen as u64, 0, job.sent))
    }

    /// Takes the next job off the queue; its answer, where it needs no further step.
    fn begin(&mut self) -> Option<(u64, Result<Answer, ProviderError>)> {
        let job = self.queue.pop_front()?;
        match &job.work {
            Work::Choose(choices) => Some((job.id, self.choose(&job, choices))),
            Work::Generate(ask) => {
                let generation = Generation::new(ask, job.prompt.len() as u64, 0, job.sent);
                let state = self.fresh.clone();
                let Job { id, prompt, .. } = job;
                self.current = Some(Current { id, prompt, state, last: None, generation });
                None
            }
        }
    }
}

impl Current {
    /// Computes one token, the first time from the whole prompt. Why the answer ends, if it does.
    fn advance(&mut self, vocabulary: &Vocabulary) -> Result<Option<Finish>, String> {
        let (logits, seen) = match self.last {
            None => (self.state.forward(&self.prompt, 0), self.prompt.len()),
            Some((token, seen)) => (self.state.forward(&[token], seen), seen.saturating_add(1)),
        };
        let logits = logits.map_err(|error| error.to_string())?;
        let now = Clock::Monotonic.now();
        let pick = self
            .generation
            .sampler
            .pick(&logits)
            .ok_or("no logit is a number: the weights are damaged")?;
        if vocabulary.ends(pick.token) {
            return Ok(Some(self.generation.push_end(&pick, now)));
        }
        self.last = Some((pick.token, seen));
        Ok(self.generation.push(&pick, &vocabulary.piece(pick.token), now))
    }
}

impl Engine for Candle {
    fn describe(&self) -> Description {
        Description {
            provider: "candle".into(),
            model: self.model.clone(),
            engine: Some(VERSION.into()),
            isa_compiled: instruction_sets(),
            threads: u32::try_from(candle_core::utils::get_num_threads()).ok(),
            chat_template: Some(self.prompts.template_source.into()),
            facts: self.facts.clone(),
            ..Description::default()
        }
    }

    fn accept(&mut self, id: u64, ask: &Ask, sent: Stamp) -> Result<(), ProviderError> {
        let (work, prompt) = match &ask.kind {
            AskKind::Generate(ask) if ask.schema.is_some() || !ask.tools.is_empty() => {
                let message = "the candle engine takes neither a JSON Schema nor tools";
                return Err(refused(ErrorKind::Unsupported, message.to_owned()));
            }
            AskKind::Generate(ask) => {
                let prompt = self.prompts.tokens(&ask.prompt)?;
                self.check_room(prompt.len(), u64::from(ask.max_tokens))?;
                (Work::Generate(Box::new(ask.clone())), prompt)
            }
            AskKind::Choose(Choose { prompt, choices }) => {
                (Work::Choose(choices.clone()), self.prompts.tokens(prompt)?)
            }
            AskKind::Embed(_) => {
                let message = "the candle engine makes no embeddings";
                return Err(refused(ErrorKind::Unsupported, message.to_owned()));
            }
        };
        self.queue.push_back(Job { id, work, prompt, sent });
        Ok(())
    }

    fn cancel(&mut self, id: u64) {
        self.queue.retain(|job| job.id != id);
        if self.current.as_ref().is_some_and(|current| current.id == id) {
            self.current = None;
        }
    }

    fn step(&mut self, finished: &mut Vec<(u64, Result<Answer, ProviderError>)>) {
        if self.current.is_none() {
            finished.extend(self.begin());
        }
        let Some(current) = &mut self.current else {
            return;
        };
        let outcome = match current.advance(&self.prompts.vocabulary) {
            Ok(None) => return,
            Ok(Some(finish)) => Ok(finish),
            Err(what) => Err(failed(Stage::Stream, what)),
        };
        if let Some(Current { id, generation, .. }) = self.current.take() {
            finished.push((id, outcome.map(|finish| generation.answer(finish))));
        }
    }

    fn idle(&self) -> bool {
        self.queue.is_empty() && self.current.is_none()
    }
}

/// candle has code for these and picks at run time; with this variable set it takes AVX2 everywhere.
fn instruction_sets() -> Vec<String> {
    let forced = std::env::var_os("MISTRALRS_FORCE_AVX2").is_some_and(|value| value == "1");
    let names: &[&str] = match std::env::consts::ARCH {
        "x86_64" if forced => &["AVX2", "FMA"],
        "x86_64" => &["AVX2", "FMA", "AVX-VNNI", "AVX512F", "AVX512-VNNI"],
        "aarch64" => &["NEON", "DOTPROD", "I8MM"],
        _ => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn failed(stage: Stage, what: String) -> ProviderError {
    let message = format!("candle failed: {what}");
    ProviderError::new(Side::Theirs, ErrorKind::ModelFile, stage, Advice::Never, message)
}

fn refused(kind: ErrorKind, message: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Prepare, Advice::Never, message)
}

#[cfg(test)]
mod tests;
