//! The llama.cpp engine: many asks in one batch, the prompts' common beginning evaluated once.
//!
//! Parts: `load` (from a checked file to a model and its context), `prefix` (which tokens need no
//! evaluation), `batch` (one step for everything in flight), `choosing` (choices that are scored
//! instead of text that is written), `native` (what the crate llama-cpp-2 does
//! not wrap).

mod batch;
mod choosing;
mod load;
mod native;
mod prefix;

use std::collections::VecDeque;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use self::batch::Sequence;
use self::choosing::Choice;
use self::prefix::Kept;
use super::chat_template::ChatTemplate;
use super::engine::Engine;
use crate::{
    Advice, Answer, Ask, AskKind, Description, ErrorKind, Generate, Prompt, ProviderError, Side,
    Stage, Stamp,
};

/// Longest prompt in bytes that is tokenized at all; four bytes make a token in most languages, and
/// no context of the models at hand holds sixteen million.
const MAX_PROMPT: usize = 64 << 20;

/// A model that llama.cpp has loaded.
pub struct LlamaCpp {
    // The context refers to the model and is dropped before it: fields are dropped in this order.
    context: LlamaContext<'static>,
    model: Box<LlamaModel>,
    batch: LlamaBatch<'static>,
    template: Option<ChatTemplate>,
    description: Description,
    /// Most tokens of a prompt and its answer.
    limit: usize,
    /// Tokens that the context holds of all sequences together.
    cells: usize,
    /// Whether a part of a sequence can be copied (not so in recurrent models).
    can_share: bool,
    queue: VecDeque<Job>,
    /// The sequences in flight; the one at index `i` has the sequence id `i + 1`.
    slots: Vec<Option<Sequence>>,
    kept: Kept,
}

/// An ask that waits for its turn.
struct Job {
    id: u64,
    work: Work,
    prompt: Vec<LlamaToken>,
    /// Tokens behind the prompt that the cache must have room for.
    room: usize,
    sent: Stamp,
}

/// What is to be done with a prompt.
enum Work {
    Generate(Box<Generate>),
    Choose(Vec<Choice>),
}

impl LlamaCpp {
    /// The tokens of a text, without any that stand for its beginning or end. With `special`, the
    /// names of special tokens in it become those tokens.
    pub fn tokenize(&self, text: &str, special: bool) -> Vec<u32> {
        let tokens = self.model.vocab().tokenize(text.as_bytes(), false, special);
        tokens.into_iter().filter_map(|token| u32::try_from(token.0).ok()).collect()
    }

    /// The tokens that a prompt becomes: its chat template rendered, the beginning-of-sequence token
    /// before it where the model wants one and the template has not written it.
    ///
    /// # Errors
    /// The template does not take these messages, or the prompt is far too long.
    pub fn prompt_tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, ProviderError> {
        let tokens = self.prompt(prompt)?;
        Ok(tokens.into_iter().filter_map(|token| u32::try_from(token.0).ok()).collect())
    }

    fn prompt(&self, prompt: &Prompt) -> Result<Vec<LlamaToken>, ProviderError> {
        let text = match (prompt, &self.template) {
            (Prompt::Raw(text), _) => text.clone(),
            (Prompt::Messages(messages), Some(template)) => template.render(messages)?,
            (Prompt::Messages(messages), None) => {
                let contents: Vec<&str> = messages.iter().map(|m| m.content.as_str()).collect();
                contents.join("\n\n")
            }
        };
        if text.len() > MAX_PROMPT {
            let message = format!("the prompt has {} bytes; shorten it", text.len());
            return Err(refused(ErrorKind::ContextOverflow, message));
        }
        let vocab = self.model.vocab();
        let mut tokens = vocab.tokenize(text.as_bytes(), false, true);
        let bos = vocab.bos();
        if vocab.should_add_bos() && bos.0 >= 0 && tokens.first() != Some(&bos) {
            tokens.insert(0, bos);
        }
        if tokens.is_empty() {
            let message = "the prompt is empty: the model has nothing to go on from";
            return Err(refused(ErrorKind::BadRequest, message.to_owned()));
        }
        Ok(tokens)
    }

    fn choices(&self, texts: &[String]) -> Vec<Choice> {
        let vocab = self.model.vocab();
        let choice = |text: &String| Choice {
            tokens: vocab.tokenize(text.as_bytes(), false, false),
            text: text.clone(),
        };
        texts.iter().map(choice).collect()
    }

    fn check_room(&self, prompt: usize, answer: usize) -> Result<(), ProviderError> {
        if prompt.saturating_add(answer) <= self.limit {
            return Ok(());
        }
        let trained = self.model.n_ctx_train();
        let limit = self.limit;
        let remedy = if usize::try_from(trained).is_ok_and(|trained| trained > limit) {
            format!(
                "set the entry's `context` (up to {trained}), shorten the prompt or lower `max_tokens`"
            )
        } else {
            "shorten the prompt or lower `max_tokens`".to_owned()
        };
        let message = format!(
            "the prompt has {prompt} tokens and the answer may have {answer}, but the context is \
             {limit} tokens: {remedy}"
        );
        Err(refused(ErrorKind::ContextOverflow, message))
    }
}

impl Engine for LlamaCpp {
    fn describe(&self) -> Description {
        self.description.clone()
    }

    fn accept(&mut self, id: u64, ask: &Ask, sent: Stamp) -> Result<(), ProviderError> {
        let unsupported = |what: &str| {
            refused(
                ErrorKind::Unsupported,
                format!("the llama-cpp engine {what}: use another provider"),
            )
        };
        let (prompt, work, room) = match &ask.kind {
            AskKind::Generate(ask) if ask.schema.is_some() => {
                return Err(unsupported("cannot constrain answers to a JSON Schema"));
            }
            AskKind::Generate(ask) if !ask.tools.is_empty() => {
                return Err(unsupported("takes no tools"));
            }
            AskKind::Generate(ask) => {
                let room = usize::try_from(ask.max_tokens).unwrap_or(usize::MAX);
                (self.prompt(&ask.prompt)?, Work::Generate(Box::new(ask.clone())), room)
            }
            AskKind::Choose(ask) => {
                let prompt = self.prompt(&ask.prompt)?;
                let choices = self.choices(&ask.choices);
                let room = choices.iter().map(|choice| choice.tokens.len()).max().unwrap_or(0);
                (prompt, Work::Choose(choices), room)
            }
            AskKind::Embed(_) => return Err(unsupported("cannot embed text")),
        };
        self.check_room(prompt.len(), room)?;
        self.queue.push_back(Job { id, work, prompt, room, sent });
        Ok(())
    }

    fn cancel(&mut self, id: u64) {
        self.queue.retain(|job| job.id != id);
        let found = self.slots.iter().position(|slot| slot.as_ref().is_some_and(|s| s.id == id));
        if let Some(index) = found {
            self.release(index);
        }
    }

    fn step(&mut self, finished: &mut Vec<(u64, Result<Answer, ProviderError>)>) {
        self.admit(finished);
        self.decode(finished);
    }

    fn idle(&self) -> bool {
        self.queue.is_empty() && self.slots.iter().all(Option::is_none)
    }
}

fn refused(kind: ErrorKind, message: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Prepare, Advice::Never, message)
}
