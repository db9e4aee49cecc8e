//! From a model file to a loaded model and its context.
//!
//! The file is checked before llama.cpp sees it, because llama.cpp takes much of it on trust.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::OnceLock;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use super::batch::BATCH;
use super::prefix::Kept;
use super::{LlamaCpp, native};
use crate::local::LocalModel;
use crate::local::chat_template::{ChatTemplate, SpecialTokens};
use crate::local::gguf::{GgufError, Header};
use crate::{Advice, Description, ErrorKind, ProviderError, Side, Stage};

/// Most tokens of a prompt and its answer where the entry does not say.
const DEFAULT_CONTEXT: u32 = 4096;
/// Most sequences in flight: llama.cpp takes 256, and one keeps the common beginning of prompts.
const MAX_PARALLEL: usize = 255;
/// Most memory of the key-value cache beyond what one ask needs, in bytes.
const CACHE_BUDGET: u64 = 1 << 30;

/// The version of llama.cpp is that of its crate; the workspace pins it.
const VERSION: &str = "llama.cpp (llama-cpp-2 0.1.160)";

impl LlamaCpp {
    /// Loads a GGUF file.
    ///
    /// # Errors
    /// The file is damaged, foreign or not one that llama.cpp can run
    /// ([`ErrorKind::ModelFile`]), or its chat template is not supported.
    pub fn load(model: &LocalModel) -> Result<LlamaCpp, ProviderError> {
        let path = model.model.as_path();
        let header = Header::read(path).map_err(|error| unreadable(path, &error))?;
        let backend = backend()?;
        let loaded = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default())
            .map_err(|error| {
                let reason = native::take_load_error().unwrap_or_else(|| error.to_string());
                cannot_run(path, &header, &reason)
            })?;
        let loaded = Box::new(loaded);

        let limit = context_limit(model, loaded.n_ctx_train())?;
        let parallel = model.parallel.clamp(1, MAX_PARALLEL);
        let cells = cells(limit, parallel, cache_bytes_per_token(&header), available_memory());
        let threads = model.inference_threads();
        let context = new_context(backend, &loaded, cells, parallel, threads)
            .map_err(|error| cannot_run(path, &header, &error))?;

        let source = header.text("tokenizer.chat_template");
        let template =
            source.map(|s| ChatTemplate::compile(s, special_tokens(&header))).transpose()?;
        let template_words = match source {
            Some(_) => "of the model file (`tokenizer.chat_template`)",
            None => "none: the messages' contents, joined by an empty line",
        };
        let description = Description {
            provider: "llama-cpp".to_owned(),
            model: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            engine: Some(VERSION.to_owned()),
            isa_compiled: native::instruction_sets(),
            threads: Some(threads),
            chat_template: Some(template_words.to_owned()),
            facts: facts(&header, limit, cells, parallel),
            ..Description::default()
        };
        Ok(LlamaCpp {
            context,
            batch: LlamaBatch::new(BATCH, 1),
            template,
            description,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            cells: usize::try_from(cells).unwrap_or(usize::MAX),
            can_share: !loaded.is_recurrent() && !loaded.is_hybrid(),
            model: loaded,
            queue: std::collections::VecDeque::new(),
            slots: (0..parallel).map(|_| None).collect(),
            kept: Kept::default(),
        })
    }
}

/// llama.cpp is initialised once in a process and stays so.
fn backend() -> Result<&'static LlamaBackend, ProviderError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let initialised = BACKEND.get_or_init(|| {
        native::log_to_stderr();
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    initialised.as_ref().map_err(|error| {
        ProviderError::new(
            Side::Ours,
            ErrorKind::EngineDead,
            Stage::Start,
            Advice::EndsEntry,
            format!("llama.cpp cannot be initialised: {error}"),
        )
    })
}

/// Largest cache that is kept in 32-bit floats, in bytes.
const EXACT_CACHE: u64 = 64 << 20;

/// 32-bit floats where they cost next to nothing. The 16 bits of llama.cpp's default round keys and
/// values; of 463 greedy answers of a model with a million weights candle gave 438 with them, 461
/// without.
fn cache_type(model: &LlamaModel, cells: u32) -> KvCacheType {
    let head = u64::try_from(model.n_embd()).unwrap_or(0) / u64::from(model.n_head().max(1));
    let cell = 2 * 4 * head * u64::from(model.n_head_kv()) * u64::from(model.n_layer());
    match cell.saturating_mul(u64::from(cells)) {
        ..=EXACT_CACHE => KvCacheType::F32,
        _ => KvCacheType::F16,
    }
}

fn new_context(
    backend: &LlamaBackend,
    model: &LlamaModel,
    cells: u32,
    parallel: usize,
    threads: u32,
) -> Result<LlamaContext<'static>, String> {
    let batch = u32::try_from(BATCH).map_err(|error| error.to_string())?;
    let threads = i32::try_from(threads).unwrap_or(i32::MAX);
    let sequences = u32::try_from(parallel.saturating_add(1)).map_err(|error| error.to_string())?;
    let cache = cache_type(model, cells);
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(cells))
        .with_type_k(cache)
        .with_type_v(cache)
        .with_n_seq_max(sequences)
        // One pool of cells for all sequences: beginnings of prompts are shared without a copy, and
        // a part of a sequence can be shared, which aborts the process otherwise.
        .with_kv_unified(true)
        .with_swa_full(true)
        // On a CPU it sums in 16-bit floats, so that an answer depends on what else is in the batch:
        // of 100 answers of a small model 92 were those of one at a time with it, 100 without it.
        // Without it decoding is as fast, and prompts of 800 tokens take 15 % longer.
        .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED)
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        // Its own default is four, whatever the machine has.
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true);
    let context = model.new_context(backend, parameters).map_err(|error| error.to_string())?;
    // SAFETY: the lifetime stands for the model, of which the context holds the C++ object only.
    // `LlamaCpp` owns both and drops the context first; the object does not move with its box.
    Ok(unsafe { std::mem::transmute::<LlamaContext<'_>, LlamaContext<'static>>(context) })
}

/// Tokens of a prompt and its answer: as the entry says, else what the model was trained on up to
/// [`DEFAULT_CONTEXT`].
fn context_limit(model: &LocalModel, trained: u32) -> Result<u32, ProviderError> {
    let trained = if trained == 0 { u32::MAX } else { trained };
    match model.context {
        Some(wanted) if wanted > trained || wanted == 0 => Err(ProviderError::new(
            Side::Ours,
            ErrorKind::BadRequest,
            Stage::Start,
            Advice::EndsEntry,
            format!(
                "`context` is {wanted}, but {} was trained on {trained} tokens: set it from 1 to \
                 {trained}, or leave it out",
                model.model.display()
            ),
        )),
        Some(wanted) => Ok(wanted),
        None => Ok(trained.min(DEFAULT_CONTEXT)),
    }
}

/// How many tokens the cache holds: room for every ask at its longest and for the kept beginning, as
/// far as the budget goes, and always for one ask.
fn cells(limit: u32, parallel: usize, bytes_per_token: u64, available: u64) -> u32 {
    let asks = u64::try_from(parallel).unwrap_or(u64::MAX).saturating_add(1);
    let wanted = u64::from(limit).saturating_mul(asks);
    let budget = CACHE_BUDGET.min(available / 4) / bytes_per_token.max(1);
    let cells = wanted.min(budget).max(u64::from(limit));
    // llama.cpp counts positions in 32 bits with sign.
    u32::try_from(cells.min(1 << 30)).unwrap_or(limit)
}

/// Bytes of keys and values of one token in all layers, in 16-bit floats.
fn cache_bytes_per_token(header: &Header) -> u64 {
    let of = |name: &str| header.of_architecture(name);
    let layers = of("block_count").unwrap_or(1);
    let heads = of("attention.head_count").unwrap_or(1).max(1);
    let key_value_heads = of("attention.head_count_kv").unwrap_or(heads);
    let head = of("attention.key_length")
        .or_else(|| of("embedding_length").map(|width| width / heads))
        .unwrap_or(128);
    [2, 2, layers, key_value_heads, head]
        .iter()
        .fold(1, |n, factor| u64::saturating_mul(n, *factor))
}

fn available_memory() -> u64 {
    rightsize_hardware::Memory::detect().available_bytes
}

fn special_tokens(header: &Header) -> SpecialTokens {
    let token =
        |name: &str| header.token(&format!("tokenizer.ggml.{name}_token_id")).map(str::to_owned);
    SpecialTokens {
        bos: token("bos"),
        eos: token("eos"),
        unk: token("unknown"),
        pad: token("padding"),
    }
}

fn facts(header: &Header, limit: u32, cells: u32, parallel: usize) -> BTreeMap<String, String> {
    let known = [
        ("architecture", header.text("general.architecture").map(str::to_owned)),
        ("name", header.text("general.name").map(str::to_owned)),
        ("parameters", Some(header.parameters().to_string())),
        ("quantisation", header.quantisation().map(str::to_owned)),
        ("trained_context", header.of_architecture("context_length").map(|n| n.to_string())),
        ("context", Some(limit.to_string())),
        ("cache_tokens", Some(cells.to_string())),
        ("parallel", Some(parallel.to_string())),
        ("batch", Some(BATCH.to_string())),
        ("flash_attention", Some("off".to_owned())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn model_file(kind: ErrorKind, side: Side, message: String) -> ProviderError {
    ProviderError::new(side, kind, Stage::Start, Advice::EndsEntry, message)
}

fn unreadable(path: &Path, error: &GgufError) -> ProviderError {
    let shown = path.display();
    match error {
        GgufError::Io(cause) if cause.kind() == std::io::ErrorKind::NotFound => model_file(
            ErrorKind::NotFound,
            Side::Ours,
            format!("there is no model file {shown}: check the entry's `model`"),
        ),
        GgufError::Io(_) => model_file(
            ErrorKind::ModelFile,
            Side::Ours,
            format!("{shown} is no model file: {error}"),
        ),
        GgufError::Magic => model_file(
            ErrorKind::ModelFile,
            Side::Ours,
            format!("{shown} is no model file: {error}; llama-cpp needs the model in GGUF form"),
        ),
        _ => model_file(
            ErrorKind::ModelFile,
            Side::Theirs,
            format!("{shown} is a damaged model file: {error}; download it again"),
        ),
    }
}

fn cannot_run(path: &Path, header: &Header, error: &str) -> ProviderError {
    let architecture = header.text("general.architecture").unwrap_or("unnamed");
    let message = format!(
        "llama.cpp cannot run {} (architecture `{architecture}`): {error}; use a model of another \
         architecture or another file of this one",
        path.display()
    );
    model_file(ErrorKind::ModelFile, Side::Theirs, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded() {
        const GIB: u64 = 1 << 30;
        // 23,040 bytes a token: 30 layers, 3 heads of 64, in 16-bit floats.
        assert_eq!(cells(2048, 8, 23_040, 64 * GIB), 2048 * 9);
        assert_eq!(cells(8192, 8, 23_040, 64 * GIB), (GIB / 23_040) as u32);
        assert_eq!(cells(8192, 8, 23_040, 0), 8192);
        assert_eq!(cells(u32::MAX, 255, 1, u64::MAX), 1 << 30);
    }
}
