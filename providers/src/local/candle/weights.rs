//! Networks that candle can run: from a GGUF by its architecture, or from a safetensors folder.
//!
//! candle's models read the tensors that they know and pass over the rest, which would give another
//! network than the file holds, silently. So every tensor and every kind of rope scaling of a file is
//! checked against what the model reads before it is loaded.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use candle_core::quantized::gguf_file::{Content, Value as GgufValue};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{
    llama, quantized_llama, quantized_phi3, quantized_qwen2, quantized_qwen3,
};
use serde_json::Value;

use super::widened::Widened;
use crate::local::gguf::Header;

/// What an architecture's model reads of each block, besides `attn_norm` and `ffn_norm`. Each of these
/// gave llama.cpp's log-probabilities on random weights. `gemma3` is left out: candle 0.11.1 computes
/// its feed-forward layers with SiLU where Gemma has GELU.
const ARCHITECTURES: &[(&str, &[&str])] = &[
    (
        "llama",
        &[
            "attn_q.weight",
            "attn_k.weight",
            "attn_v.weight",
            "attn_output.weight",
            "ffn_gate.weight",
            "ffn_up.weight",
            "ffn_down.weight",
        ],
    ),
    ("phi3", &["attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight"]),
    (
        "qwen2",
        &[
            "attn_q.weight",
            "attn_k.weight",
            "attn_v.weight",
            "attn_output.weight",
            "attn_q.bias",
            "attn_k.bias",
            "attn_v.bias",
            "ffn_gate.weight",
            "ffn_up.weight",
            "ffn_down.weight",
        ],
    ),
    (
        "qwen3",
        &[
            "attn_q.weight",
            "attn_k.weight",
            "attn_v.weight",
            "attn_output.weight",
            "attn_q_norm.weight",
            "attn_k_norm.weight",
            "ffn_gate.weight",
            "ffn_up.weight",
            "ffn_down.weight",
        ],
    ),
];

const ODD_HEADS: &str =
    "candle's model wants heads as wide as the embedding divided by their number";

/// A network with its state: the keys and values of the tokens that it has seen. A clone shares the
/// weights and has a state of its own, see [`Weights::forks`].
#[derive(Clone)]
pub(super) enum Weights {
    Llama(quantized_llama::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    /// candle's model of it cannot be cloned; tokens at position 0 begin a new state.
    Qwen2(Rc<RefCell<quantized_qwen2::ModelWeights>>),
    Qwen3(quantized_qwen3::ModelWeights),
    Folder(llama::Llama, llama::Cache),
}

/// A network as it was loaded.
pub(super) struct Loaded {
    pub(super) weights: Weights,
    /// How many tokens it can hold.
    pub(super) context: u64,
    /// Whether some of its weights are computed with in wider numbers than the file holds.
    pub(super) widened: bool,
}

impl Weights {
    /// Whether a clone has a state of its own; else it is only good for tokens from position 0 on.
    pub(super) fn forks(&self) -> bool {
        !matches!(self, Weights::Qwen2(_))
    }

    /// Runs the network over tokens that follow `position` others; the logits of what comes next.
    pub(super) fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
    ) -> candle_core::Result<Vec<f32>> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = match self {
            Weights::Llama(model) => model.forward(&input, position),
            Weights::Phi3(model) => model.forward(&input, position),
            Weights::Qwen2(model) => {
                model.try_borrow_mut().map_err(candle_core::Error::wrap)?.forward(&input, position)
            }
            Weights::Qwen3(model) => model.forward(&input, position),
            Weights::Folder(model, cache) => model.forward(&input, position, cache),
        }?;
        logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
    }
}

/// Loads the network of a GGUF file whose header has been read, for at most `context` tokens.
pub(super) fn of_gguf(path: &Path, header: &Header, context: u64) -> Result<Loaded, String> {
    let architecture = header.text("general.architecture").unwrap_or("none");
    let Some((_, reads)) = ARCHITECTURES.iter().find(|(name, _)| *name == architecture) else {
        let known: Vec<_> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        return Err(format!("its architecture is `{architecture}`; candle runs {known}"));
    };
    check_tensors(header, reads)?;
    check_shape(header, architecture)?;
    let trained = header
        .of_architecture("context_length")
        .ok_or_else(|| format!("it has no `{architecture}.context_length`"))?;
    let limit = trained.min(match architecture {
        "llama" => quantized_llama::MAX_SEQ_LEN as u64,
        _ => u64::from(u32::MAX),
    });
    let (weights, widened) =
        load_gguf(path, architecture, context.min(limit)).map_err(|error| error.to_string())?;
    Ok(Loaded { weights, context: limit, widened })
}

fn load_gguf(
    path: &Path,
    architecture: &str,
    context: u64,
) -> candle_core::Result<(Weights, bool)> {
    let device = Device::Cpu;
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut content = Content::read(&mut file)?;
    // Some models set aside memory for the whole context; no more than will be used.
    let limit = GgufValue::U32(u32::try_from(context).unwrap_or(u32::MAX));
    content.metadata.insert(format!("{architecture}.context_length"), limit);
    let mut file = Widened::new(file, &mut content)?;
    let widened = file.any();
    let file = &mut file;
    let weights = match architecture {
        "phi3" => {
            Weights::Phi3(quantized_phi3::ModelWeights::from_gguf(false, content, file, &device)?)
        }
        "qwen2" => {
            let model = quantized_qwen2::ModelWeights::from_gguf(content, file, &device)?;
            Weights::Qwen2(Rc::new(RefCell::new(model)))
        }
        "qwen3" => {
            Weights::Qwen3(quantized_qwen3::ModelWeights::from_gguf(content, file, &device)?)
        }
        _ => Weights::Llama(quantized_llama::ModelWeights::from_gguf(content, file, &device)?),
    };
    Ok((weights, widened))
}

fn check_tensors(header: &Header, reads: &[&str]) -> Result<(), String> {
    let unread = header.tensors.iter().map(|tensor| tensor.name.as_str()).find(|name| {
        match name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
            Some((_, part)) => {
                !reads.contains(&part) && !["attn_norm.weight", "ffn_norm.weight"].contains(&part)
            }
            None => !["token_embd.weight", "output_norm.weight", "output.weight"].contains(name),
        }
    });
    match unread {
        Some(name) => Err(format!("candle's model does not read its tensor `{name}`")),
        None => Ok(()),
    }
}

/// Checks the numbers that candle's models divide by or size their memory with, and that the rotary
/// embedding is a plain one.
fn check_shape(header: &Header, architecture: &str) -> Result<(), String> {
    let kind = header.text(&format!("{architecture}.rope.scaling.type")).unwrap_or("none");
    let factor = header.number(&format!("{architecture}.rope.scaling.factor")).unwrap_or(1.0);
    if kind != "none" || factor != 1.0 {
        return Err(format!("candle's model has no rope scaling (`{kind}`, factor {factor})"));
    }
    let positive = |name: &str| {
        header
            .of_architecture(name)
            .filter(|number| *number > 0)
            .ok_or_else(|| format!("it has no positive `{architecture}.{name}`"))
    };
    let heads = positive("attention.head_count")?;
    positive("attention.head_count_kv")?;
    let head = positive("embedding_length")?.checked_div(heads);
    let given = header.of_architecture("attention.key_length");
    if architecture == "llama" && given.is_some() && given != head {
        return Err(ODD_HEADS.to_owned());
    }
    let blocks = positive("block_count")?;
    if blocks > header.tensors.len() as u64 {
        return Err(format!("it announces {blocks} blocks, more than it has tensors"));
    }
    Ok(())
}

/// Loads the network of a folder with `config.json` and `*.safetensors`, in 32-bit floats.
pub(super) fn of_folder(folder: &Path, config: &Value) -> Result<Loaded, String> {
    let kind = config.get("model_type").and_then(Value::as_str).unwrap_or("none");
    if kind != "llama" {
        return Err(format!(
            "its `model_type` is `{kind}`; candle runs `llama` from a folder, and more as GGUF"
        ));
    }
    let config = llama_config(config)?;
    let mut tensors = HashMap::new();
    for path in safetensors(folder)? {
        let part = candle_core::safetensors::load(&path, &Device::Cpu)
            .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        tensors.extend(part);
    }
    if let Some(name) = tensors.keys().find(|name| name.ends_with(".bias")) {
        return Err(format!("candle's model does not read its tensor `{name}`"));
    }
    let context = config.max_position_embeddings as u64;
    let load = || -> candle_core::Result<Weights> {
        let variables = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let cache = llama::Cache::new(true, DType::F32, &config, &Device::Cpu)?;
        Ok(Weights::Folder(llama::Llama::load(variables, &config)?, cache))
    };
    let weights = load().map_err(|error| error.to_string())?;
    Ok(Loaded { weights, context, widened: false })
}

fn llama_config(config: &Value) -> Result<llama::Config, String> {
    let mut config = config.clone();
    // transformers 5 writes both settings of the rotary embedding into one object.
    if let Some(rope) = config.get("rope_parameters").cloned() {
        let kind = rope.get("rope_type").and_then(Value::as_str).unwrap_or("default");
        if kind != "default" {
            config["rope_scaling"] = rope.clone();
        }
        if let Some(theta) = rope.get("rope_theta") {
            config["rope_theta"] = theta.clone();
        }
    }
    let number = |key: &str| config.get(key).and_then(Value::as_u64);
    let head = number("hidden_size").zip(number("num_attention_heads"));
    let head = head.and_then(|(width, heads)| width.checked_div(heads));
    if number("head_dim").is_some() && number("head_dim") != head {
        return Err(ODD_HEADS.to_owned());
    }
    match config.get("hidden_act").and_then(Value::as_str) {
        None | Some("silu") => {}
        Some(other) => {
            return Err(format!("its `hidden_act` is `{other}`; candle's model has `silu`"));
        }
    }
    let config: llama::LlamaConfig = serde_json::from_value(config)
        .map_err(|error| format!("its `config.json` is not that of a llama model: {error}"))?;
    Ok(config.into_config(false))
}

fn safetensors(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err("it holds no `*.safetensors`".to_owned());
    }
    Ok(paths)
}
