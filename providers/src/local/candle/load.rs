//! From a GGUF file or a model folder to a loaded model.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use super::Candle;
use super::prompts::Source;
use super::weights::{self, Loaded};
use crate::local::gguf::Header;
use crate::{Advice, ErrorKind, ProviderError, Side, Stage};

/// Most tokens of prompt and answer where the entry does not say.
const DEFAULT_CONTEXT: u64 = 4096;
/// What was read of a model.
struct Parts {
    source: Source,
    loaded: Loaded,
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
        let Parts { source, loaded, mut facts } = contained(|| match path.is_dir() {
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
        facts.insert("context".into(), context.to_string());
        Ok(Candle {
            prompts: source.compile()?,
            fresh: loaded.weights,
            context,
            facts,
            model: file_name(path),
            queue: VecDeque::new(),
            current: None,
        })
    }
}

/// Turns a panic in candle on a strange file into a sentence.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("its shapes do not fit together".to_owned()))
}

fn read_gguf(path: &Path, context: u64) -> Result<Parts, String> {
    let header = Header::read(path).map_err(|error| error.to_string())?;
    let source = Source::of_gguf(&header)?;
    let loaded = weights::of_gguf(path, &header, context)?;
    let mut facts = BTreeMap::new();
    let mut fact = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    fact("architecture", header.text("general.architecture").map(str::to_owned));
    fact("name", header.text("general.name").map(str::to_owned));
    fact("parameters", Some(header.parameters().to_string()));
    fact("quantisation", header.quantisation().map(str::to_owned));
    fact("trained_context", header.of_architecture("context_length").map(|n| n.to_string()));
    fact("computed_in", loaded.widened.then(|| "F32, where candle has no fast code".to_owned()));
    Ok(Parts { source, loaded, facts })
}

fn read_folder(folder: &Path) -> Result<Parts, String> {
    let source = Source::of_folder(folder)?;
    let loaded = weights::of_folder(folder, &folder_json(folder, "config.json")?)?;
    let facts = BTreeMap::from([
        ("architecture".to_owned(), "llama".to_owned()),
        ("quantisation".to_owned(), "none: computed in F32".to_owned()),
        ("trained_context".to_owned(), loaded.context.to_string()),
    ]);
    Ok(Parts { source, loaded, facts })
}

/// A JSON file of a model folder.
pub(super) fn folder_json(folder: &Path, name: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(folder.join(name))
        .map_err(|error| format!("its `{name}` cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("its `{name}` is no JSON: {error}"))
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
