//! Renders the chat template of a model file, as transformers' own environment does.
//!
//! The reference is `_compile_jinja_template` of `transformers/utils/chat_template_utils.py`:
//! Jinja2's sandbox with `trim_blocks`, `lstrip_blocks`, loop controls, the `generation` tag,
//! `raise_exception`, `strftime_now` and a `tojson` without HTML escapes. minijinja stands in for
//! Jinja2; where the two print values in different words, `python` supplies Python's. One known
//! difference stays: `for` over None runs no round here, where Jinja2 raises an error.
//!
//! A template out of a downloaded file is untrusted: its instructions, its recursion and its output
//! are limited. What is not supported is an error with the template's line; no other template is
//! ever put in its place.

mod python;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, context};

use crate::{Advice, ErrorKind as Kind, Message, ProviderError, Side, Stage};

/// The date that `strftime_now` gives, at midnight: a template must render the same text on every
/// day, or no answer could be compared with last week's. It is the date that the templates of
/// Llama 3.1 and later fall back to themselves.
pub const FIXED_DATE: jiff::civil::Date = jiff::civil::date(2024, 7, 26);

/// Most instructions of one rendering. The longest templates in use need about 2,000 for a short
/// dialogue and less than 200 for each further message.
const FUEL: u64 = 1_000_000;
/// Deepest nesting of macro calls.
const MAX_RECURSION: usize = 64;
/// Longest template, in bytes; the longest in use have 30,000.
const MAX_SOURCE: usize = 1 << 20;
/// Longest rendered prompt, in bytes.
const MAX_OUTPUT: usize = 16 << 20;
const NAME: &str = "chat_template";

/// The texts of special tokens that a template may name; an absent one is undefined there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// `bos_token`: begins a text.
    pub bos: Option<String>,
    /// `eos_token`: ends a text or a turn.
    pub eos: Option<String>,
    /// `unk_token`: stands for what the vocabulary lacks.
    pub unk: Option<String>,
    /// `pad_token`: fills a batch.
    pub pad: Option<String>,
}

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    tokens: SpecialTokens,
}

/// Why a template cannot be used, or not for these messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TemplateError {
    /// The template's line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong there.
    pub message: String,
    /// Whose choice it was.
    pub cause: Cause,
}

/// Whose choice an error was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The template uses what is not supported, or is no template at all: no messages will help.
    Unsupported,
    /// The template called `raise_exception`: it does not take these messages.
    Refused,
    /// An operation failed on these messages, or a limit was reached.
    Failed,
}

impl TemplateError {
    fn sentence(&self) -> String {
        let place = match self.line {
            Some(line) => format!("the model's chat template, line {line}"),
            None => "the model's chat template".to_owned(),
        };
        match self.cause {
            Cause::Unsupported => format!("{place}: {}", self.message),
            Cause::Refused => format!("{place} refuses these messages: {}", self.message),
            Cause::Failed => format!("{place} failed on these messages: {}", self.message),
        }
    }
}

impl From<TemplateError> for ProviderError {
    fn from(error: TemplateError) -> Self {
        let (advice, remedy) = match error.cause {
            Cause::Unsupported => (
                Advice::EndsEntry,
                "; use a GGUF with another chat template, or serve the model elsewhere and reach it \
                 with provider `openai`",
            ),
            Cause::Refused => {
                (Advice::Never, "; change the suite's prompt to what the model takes")
            }
            Cause::Failed => (Advice::Never, ""),
        };
        let message = format!("{error}{remedy}");
        ProviderError::new(Side::Theirs, Kind::ChatTemplate, Stage::Prepare, advice, message)
    }
}

impl ChatTemplate {
    /// Compiles the text of a template, such as `tokenizer.chat_template` of a GGUF file.
    ///
    /// # Errors
    /// A template that is too long or whose syntax is not supported, with the line. A filter, test or
    /// function that does not exist shows itself only where the template reaches it.
    ///
    /// # Examples
    /// ```
    /// use rightsize_providers::local::chat_template::{ChatTemplate, SpecialTokens};
    /// use rightsize_providers::{Message, Role};
    ///
    /// let source = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";
    /// let template = ChatTemplate::compile(source, SpecialTokens::default())?;
    /// let hello = Message { role: Role::User, content: "Hello".into() };
    /// assert_eq!(template.render(&[hello])?, "<user>Hello<assistant>");
    /// # Ok::<(), rightsize_providers::local::chat_template::TemplateError>(())
    /// ```
    pub fn compile(source: &str, tokens: SpecialTokens) -> Result<ChatTemplate, TemplateError> {
        if source.len() > MAX_SOURCE {
            let message = format!("it has {} bytes; at most {MAX_SOURCE} are read", source.len());
            return Err(TemplateError { line: None, message, cause: Cause::Unsupported });
        }
        let source = python::without_generation_tags(&source.replace("\r\n", "\n"));
        let mut environment = environment();
        contained(|| environment.add_template_owned(NAME, source).map_err(template_error))
            .map_err(|error| TemplateError { cause: Cause::Unsupported, ..error })?;
        Ok(ChatTemplate { environment, tokens })
    }

    /// The prompt that asks the model for the next message of the assistant.
    ///
    /// # Errors
    /// What the template does not support, an exception that it raises, or a limit that it exceeds.
    pub fn render(&self, messages: &[Message]) -> Result<String, TemplateError> {
        self.rendered(messages, true)
    }

    /// The text of a dialogue alone, without the words that ask for an answer
    /// (`add_generation_prompt` is false).
    ///
    /// # Errors
    /// As [`ChatTemplate::render`].
    pub fn render_transcript(&self, messages: &[Message]) -> Result<String, TemplateError> {
        self.rendered(messages, false)
    }

    fn rendered(&self, messages: &[Message], ask: bool) -> Result<String, TemplateError> {
        let SpecialTokens { bos, eos, unk, pad } = &self.tokens;
        let word = |token: &Option<String>| match token {
            Some(text) => Value::from(text.as_str()),
            None => Value::UNDEFINED,
        };
        // transformers passes `tools` and `documents` even where there are none.
        let variables = context! {
            messages => Value::from_serialize(messages),
            tools => Value::from(()),
            documents => Value::from(()),
            add_generation_prompt => ask,
            bos_token => word(bos),
            eos_token => word(eos),
            unk_token => word(unk),
            pad_token => word(pad),
        };
        contained(|| {
            let template = self.environment.get_template(NAME).map_err(template_error)?;
            let mut prompt = Prompt::default();
            let rendered = template.render_captured_to(variables, &mut prompt).map(drop);
            if prompt.full {
                let message = format!("it writes more than {MAX_OUTPUT} bytes");
                return Err(TemplateError { line: None, message, cause: Cause::Failed });
            }
            rendered.map_err(template_error)?;
            // minijinja writes whole strings, so this is UTF-8.
            Ok(String::from_utf8_lossy(&prompt.bytes).into_owned())
        })
    }
}

/// Runs the template engine so that a panic in it is an error like any other: its arithmetic on
/// slice bounds, for one, is not checked, and the bounds come out of the template.
fn contained<T>(work: impl FnOnce() -> Result<T, TemplateError>) -> Result<T, TemplateError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "the template engine failed on it".to_owned();
        Err(TemplateError { line: None, message, cause: Cause::Failed })
    })
}

/// The rendered text, up to its limit.
#[derive(Default)]
struct Prompt {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Prompt {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(part.len()) > MAX_OUTPUT {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `raise_exception` throws; found again in the chain of an error's sources.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_RECURSION);
    environment.set_unknown_method_callback(python::method);
    environment.set_formatter(|out, _, value| match value.as_str() {
        Some(text) => out.write_str(text).map_err(Error::from),
        None => out.write_str(&python::text(value)?).map_err(Error::from),
    });
    environment.add_filter("string", |value: &Value| python::text(value));
    environment.add_filter("tojson", tojson);
    // Of texts, mappings and the undefined, Jinja2 says that they can be iterated; of None, not.
    for name in ["sequence", "iterable"] {
        environment.add_test(name, |value: &Value| {
            matches!(
                value.kind(),
                ValueKind::String
                    | ValueKind::Seq
                    | ValueKind::Iterable
                    | ValueKind::Map
                    | ValueKind::Undefined
            )
        });
    }
    for name in ["length", "count"] {
        environment.add_filter(name, |value: &Value| match value.len() {
            Some(length) => Ok(length),
            None if value.is_undefined() => Ok(0),
            None => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("a value of type {} has no length", value.kind()),
            )),
        });
    }
    environment.add_function("raise_exception", |message: &Value| -> Result<Value, Error> {
        let message = python::text(message)?;
        Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised(message)))
    });
    environment.add_function("strftime_now", |format: &str| {
        jiff::fmt::strtime::format(format, FIXED_DATE.to_datetime(jiff::civil::Time::midnight()))
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    });
    environment
}

/// transformers' `tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn tojson(
    value: &Value,
    ensure_ascii: Option<bool>,
    indent: Option<&Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent.clone()),
        None => options.get::<Option<Value>>("indent")?,
    };
    let separators = match options.get::<Option<Vec<String>>>("separators")? {
        None => None,
        Some(pair) => match <[String; 2]>::try_from(pair) {
            Ok([item, key]) => Some((item, key)),
            Err(_) => {
                let message = "separators of tojson are two strings";
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        },
    };
    let style = python::JsonStyle {
        ensure_ascii: match ensure_ascii {
            Some(yes) => yes,
            None => options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        },
        indent: indent.filter(|i| !i.is_none()).map(|i| python::indent(&i)).transpose()?,
        separators,
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    style.json(value).map(Value::from)
}

fn template_error(error: Error) -> TemplateError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut line = None;
    let mut cause = match error.kind() {
        ErrorKind::SyntaxError
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod
        | ErrorKind::TemplateNotFound => Cause::Unsupported,
        _ => Cause::Failed,
    };
    let mut message = match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {FUEL} steps"),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    };
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<Error>() {
            line = inner.line().or(line);
        }
        if let Some(Raised(said)) = inner.downcast_ref::<Raised>() {
            cause = Cause::Refused;
            message.clone_from(said);
        }
        source = inner.source();
    }
    TemplateError { line, message, cause }
}

#[cfg(test)]
#[path = "chat_template/tests.rs"]
mod tests;
