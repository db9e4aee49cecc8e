//! Prompts to tokens: a model's chat template and vocabulary, which need none of its weights.

use std::path::Path;

use serde_json::Value;

use super::load::{contained, folder_json};
use super::vocabulary::Vocabulary;
use super::{failed, refused};
use crate::local::chat_template::ChatTemplate;
use crate::local::gguf::Header;
use crate::{ErrorKind, Prompt, ProviderError, Stage};

/// What the record says of a model without a chat template.
const NO_TEMPLATE: &str = "none: the messages' contents, joined by an empty line";

/// Makes tokens of prompts, as the engine does.
pub struct Prompts {
    pub(super) vocabulary: Vocabulary,
    template: Option<ChatTemplate>,
    pub(super) template_source: &'static str,
}

impl Prompts {
    /// Reads the vocabulary and the template of a GGUF file or a model folder.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the model, or what candle does not know of it.
    pub fn open(path: &Path) -> Result<Prompts, String> {
        let source = contained(|| match path.is_dir() {
            true => Source::of_folder(path),
            false => Source::of_gguf(&Header::read(path).map_err(|error| error.to_string())?),
        })?;
        source.compile().map_err(|error| error.to_string())
    }

    /// How many tokens a prompt has, those of the chat template and of the start counted.
    ///
    /// # Errors
    /// The template refuses the messages, or the prompt is empty.
    pub fn count(&mut self, prompt: &Prompt) -> Result<usize, ProviderError> {
        self.tokens(prompt).map(|tokens| tokens.len())
    }

    /// The tokens of a prompt.
    pub(super) fn tokens(&mut self, prompt: &Prompt) -> Result<Vec<u32>, ProviderError> {
        let text = match (prompt, &self.template) {
            (Prompt::Raw(text), _) => text.clone(),
            (Prompt::Messages(messages), Some(template)) => template.render(messages)?,
            (Prompt::Messages(messages), None) => {
                let contents: Vec<_> = messages.iter().map(|m| m.content.as_str()).collect();
                contents.join("\n\n")
            }
        };
        let tokens = self.vocabulary.prompt(&text).map_err(|what| failed(Stage::Prepare, what))?;
        if tokens.is_empty() {
            let message = "the prompt is empty: the model has nothing to go on from";
            return Err(refused(ErrorKind::BadRequest, message.to_owned()));
        }
        Ok(tokens)
    }
}

/// Vocabulary and template as they were read.
pub(super) struct Source {
    vocabulary: Vocabulary,
    template: Option<String>,
    template_source: &'static str,
}

impl Source {
    pub(super) fn of_gguf(header: &Header) -> Result<Source, String> {
        let vocabulary = Vocabulary::of_gguf(header)?;
        let template = header.text("tokenizer.chat_template").map(str::to_owned);
        let template_source = match template {
            Some(_) => "of the model file (`tokenizer.chat_template`)",
            None => NO_TEMPLATE,
        };
        Ok(Source { vocabulary, template, template_source })
    }

    pub(super) fn of_folder(folder: &Path) -> Result<Source, String> {
        let config = folder_json(folder, "config.json")?;
        let names = folder_json(folder, "tokenizer_config.json")?;
        let vocabulary = Vocabulary::of_folder(folder, &config, &names)?;
        let alone = std::fs::read_to_string(folder.join("chat_template.jinja")).ok();
        let (template, template_source) = match alone.or_else(|| folder_template(&names)) {
            Some(text) => (Some(text), "of the model folder"),
            None => (None, NO_TEMPLATE),
        };
        Ok(Source { vocabulary, template, template_source })
    }

    /// # Errors
    /// [`ErrorKind::ChatTemplate`].
    pub(super) fn compile(self) -> Result<Prompts, ProviderError> {
        let tokens = self.vocabulary.special.clone();
        let compile = |text: String| ChatTemplate::compile(&text, tokens);
        let template = self.template.map(compile).transpose()?;
        let Source { vocabulary, template_source, .. } = self;
        Ok(Prompts { vocabulary, template, template_source })
    }
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
