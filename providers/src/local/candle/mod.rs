//! The candle engine: a model that is run by Rust alone, one ask at a time, one token a step.
//!
//! Parts: `weights` (networks), `widened` (files as candle is fast with them), `vocabulary` and `pre_tokenizers` (texts to tokens), `choices` (scores
//! of given answers).
//!
//! Threads: candle sizes its pools once, from the environment variable `RAYON_NUM_THREADS` or else from
//! the machine's cores, so whoever starts the engine process sets that variable for it.

mod choices;
mod pre_tokenizers;
mod vocabulary;
mod weights;
mod widened;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use self::vocabulary::Vocabulary;
use self::weights::{Loaded, Weights};
use crate::local::chat_template::ChatTemplate;
use crate::local::engine::Engine;
use crate::local::generation::Generation;
use crate::local::gguf::Header;
use crate::{
    Advice, Answer, Ask, AskKind, ChoiceScore, Choose, Clock, Description, ErrorKind, Finish,
    Generate, Prompt, ProviderError, Response, ServerWords, Side, Stage, Stamp, Timing, Usage,
    UsageSource,
};

/// The version of candle; the workspace pins it.
const VERSION: &str = "candle 0.11.1";
/// Most tokens of prompt and answer where the entry does not say.
const DEFAULT_CONTEXT: u64 = 4096;

/// A loaded model.
pub struct Candle {
    vocabulary: Vocabulary,
    template: Option<ChatTemplate>,
    template_source: &'static str,
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

/// What was read of a model besides its network.
struct Parts {
    vocabulary: Vocabulary,
    template: Option<String>,
    template_source: &'static str,
    facts: BTreeMap<String, String>,
}

impl Candle {
    /// Loads a GGUF file, or a folder with `config.json`, `tokenizer.json`, `tokenizer_config.json`
    /// and `*.safetensors`. `context` limits prompt and answer together, in tokens; where it is absent
    /// it is what candle's model can hold, up to 4,096.
    ///
    /// # Errors
    /// [`ErrorKind::ModelFile`] with what candle cannot run, [`ErrorKind::BadRequest`] for a context
    /// that it cannot hold, or [`ErrorKind::ChatTemplate`].
    pub fn load(path: &Path, context: Option<u32>) -> Result<Candle, ProviderError> {
        let wanted = context.map_or(DEFAULT_CONTEXT, u64::from);
        let cannot_run = |what: String| {
            let message = format!(
                "candle cannot run {}: {what}; try the provider `llama-cpp`, or choose another model",
                path.display()
            );
            let (side, advice) = (Side::Theirs, Advice::EndsEntry);
            ProviderError::new(side, ErrorKind::ModelFile, Stage::Start, advice, message)
        };
        let (parts, loaded) = contained(|| match path.is_dir() {
            true => read_folder(path),
            false => read_gguf(path, wanted),
        })
        .map_err(cannot_run)?;
        if context.is_some_and(|context| context == 0 || u64::from(context) > loaded.context) {
            return Err(no_such_context(path, wanted, loaded.context));
        }
        // One token through the whole network: a shape that does not fit shows itself here.
        let mut trial = loaded.weights.clone();
        contained(|| trial.forward(&[0], 0).map_err(|error| error.to_string()))
            .map_err(cannot_run)?;
        let context = wanted.min(loaded.context);
        let mut facts = parts.facts;
        facts.insert("context".into(), context.to_string());
        let tokens = parts.vocabulary.special.clone();
        let compile = |text: String| ChatTemplate::compile(&text, tokens);
        Ok(Candle {
            vocabulary: parts.vocabulary,
            template: parts.template.map(compile).transpose()?,
            template_source: parts.template_source,
            fresh: loaded.weights,
            context,
            facts,
            model: file_name(path),
            queue: VecDeque::new(),
            current: None,
        })
    }

    /// The tokens of a prompt.
    fn prompt(&mut self, prompt: &Prompt) -> Result<Vec<u32>, ProviderError> {
        let text = match (prompt, &self.template) {
            (Prompt::Raw(text), _) => text.clone(),
            (Prompt::Messages(messages), Some(template)) => template.render(messages)?,
            (Prompt::Messages(messages), None) => {
                let contents: Vec<_> = messages.iter().map(|m| m.content.as_str()).collect();
                contents.join("\n\n")
            }
        };
        let tokens = self
            .vocabulary
            .prompt(&text)
            .map_err(|what| failed(Stage::Prepare, what))?;
        if tokens.is_empty() {
            let message = "the prompt is empty: the model has nothing to go on from";
            return Err(refused(ErrorKind::BadRequest, message.to_owned()));
        }
        Ok(tokens)
    }

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
            scores.push(ChoiceScore {
                choice: choice.clone(),
                logprob,
                tokens,
            });
        }
        let now = Some(Clock::Monotonic.now());
        let output = scores.iter().map(|score| u64::from(score.tokens)).sum();
        let sent = Some(job.sent);
        Ok(Answer {
            response: Response {
                choices: scores,
                ..Response::default()
            },
            vector: None,
            usage: Usage {
                input_total: Some(seen as u64),
                output_total: Some(output),
                reasoning: Some(0),
                source: UsageSource::Tokenizer,
                ..Usage::default()
            },
            timing: Timing {
                sent,
                first_token: now,
                last_token: now,
                ..Timing::default()
            },
            logprob: None,
            server: ServerWords::default(),
        })
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
                self.current = Some(Current {
                    id,
                    prompt,
                    state,
                    last: None,
                    generation,
                });
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
        Ok(self
            .generation
            .push(&pick, &vocabulary.piece(pick.token), now))
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
            chat_template: Some(self.template_source.into()),
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
                let prompt = self.prompt(&ask.prompt)?;
                self.check_room(prompt.len(), u64::from(ask.max_tokens))?;
                (Work::Generate(Box::new(ask.clone())), prompt)
            }
            AskKind::Choose(Choose { prompt, choices }) => {
                (Work::Choose(choices.clone()), self.prompt(prompt)?)
            }
            AskKind::Embed(_) => {
                let message = "the candle engine makes no embeddings";
                return Err(refused(ErrorKind::Unsupported, message.to_owned()));
            }
        };
        self.queue.push_back(Job {
            id,
            work,
            prompt,
            sent,
        });
        Ok(())
    }

    fn cancel(&mut self, id: u64) {
        self.queue.retain(|job| job.id != id);
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.id == id)
        {
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
        let outcome = match current.advance(&self.vocabulary) {
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

/// Turns a panic in candle on a strange file into a sentence.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("its shapes do not fit together".to_owned()))
}

fn read_gguf(path: &Path, context: u64) -> Result<(Parts, Loaded), String> {
    let header = Header::read(path).map_err(|error| error.to_string())?;
    let vocabulary = Vocabulary::of_gguf(&header)?;
    let loaded = weights::of_gguf(path, &header, context)?;
    let template = header.text("tokenizer.chat_template").map(str::to_owned);
    let mut facts = BTreeMap::new();
    let mut fact = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    fact(
        "architecture",
        header.text("general.architecture").map(str::to_owned),
    );
    fact("name", header.text("general.name").map(str::to_owned));
    fact("parameters", Some(header.parameters().to_string()));
    fact("quantisation", header.quantisation().map(str::to_owned));
    fact(
        "trained_context",
        header
            .of_architecture("context_length")
            .map(|n| n.to_string()),
    );
    fact(
        "computed_in",
        loaded
            .widened
            .then(|| "F32, where candle has no fast code".to_owned()),
    );
    let template_source = match template {
        Some(_) => "of the model file (`tokenizer.chat_template`)",
        None => NO_TEMPLATE,
    };
    Ok((
        Parts {
            vocabulary,
            template,
            template_source,
            facts,
        },
        loaded,
    ))
}

const NO_TEMPLATE: &str = "none: the messages' contents, joined by an empty line";

fn read_folder(folder: &Path) -> Result<(Parts, Loaded), String> {
    let read = |name: &str| -> Result<Value, String> {
        let text = std::fs::read_to_string(folder.join(name))
            .map_err(|error| format!("its `{name}` cannot be read: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("its `{name}` is no JSON: {error}"))
    };
    let config = read("config.json")?;
    let names = read("tokenizer_config.json")?;
    let vocabulary = Vocabulary::of_folder(folder, &config, &names)?;
    let loaded = weights::of_folder(folder, &config)?;
    let alone = std::fs::read_to_string(folder.join("chat_template.jinja")).ok();
    let (template, template_source) = match alone.or_else(|| folder_template(&names)) {
        Some(text) => (Some(text), "of the model folder"),
        None => (None, NO_TEMPLATE),
    };
    let facts = BTreeMap::from([
        ("architecture".to_owned(), "llama".to_owned()),
        (
            "quantisation".to_owned(),
            "none: computed in F32".to_owned(),
        ),
        ("trained_context".to_owned(), loaded.context.to_string()),
    ]);
    Ok((
        Parts {
            vocabulary,
            template,
            template_source,
            facts,
        },
        loaded,
    ))
}

/// `chat_template` is one text, or a list of named ones.
fn folder_template(names: &Value) -> Option<String> {
    match names.get("chat_template")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list
            .iter()
            .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))
            .and_then(|entry| entry.get("template")?.as_str())
            .map(str::to_owned),
        _ => None,
    }
}

/// candle has code for these and picks at run time.
fn instruction_sets() -> Vec<String> {
    let names: &[&str] = match std::env::consts::ARCH {
        "x86_64" => &["AVX2", "FMA", "AVX-VNNI", "AVX512F", "AVX512-VNNI"],
        "aarch64" => &["NEON", "DOTPROD", "I8MM"],
        _ => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn no_such_context(path: &Path, wanted: u64, limit: u64) -> ProviderError {
    let message = format!(
        "`context` is {wanted}, but candle runs {} with at most {limit} tokens: set it from 1 to \
         {limit}, or leave it out",
        path.display()
    );
    let (side, advice) = (Side::Ours, Advice::EndsEntry);
    ProviderError::new(side, ErrorKind::BadRequest, Stage::Start, advice, message)
}

fn failed(stage: Stage, what: String) -> ProviderError {
    let message = format!("candle failed: {what}");
    ProviderError::new(
        Side::Theirs,
        ErrorKind::ModelFile,
        stage,
        Advice::Never,
        message,
    )
}

fn refused(kind: ErrorKind, message: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Prepare, Advice::Never, message)
}

#[cfg(test)]
mod tests;
