//! The models as GGUF files, as llama.cpp and candle read them.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use crate::model::{CONTEXT, Model, NORM_EPS, ROPE_BASE, Shape, Size};
use crate::prompt::{CHAT_TEMPLATE, Error};
use crate::tokenizer::{CLOSE, OPEN, PAD, Tokenizer};

/// `general.file_type` of a file whose matrices are Q8_0 (`llama_ftype`).
const MOSTLY_Q8_0: u32 = 7;
/// `tokenizer.ggml.token_type` of ordinary and of control tokens (`llama_token_type`).
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;

/// Writes a model; the file appears whole or not at all.
pub fn write(model: &Model, tokenizer: &Tokenizer, size: Size, path: &Path) -> Result<(), Error> {
    let mut tensors = Vec::new();
    for (name, var) in model.named() {
        let tensor = var.as_tensor();
        let quantized = if tensor.rank() == 1 {
            QTensor::quantize(tensor, GgmlDType::F32)?
        } else if name.starts_with("token_embd") {
            QTensor::quantize(tensor, GgmlDType::Q8_0)?
        } else {
            QTensor::quantize(&tensor.t()?.contiguous()?, GgmlDType::Q8_0)?
        };
        tensors.push((name, quantized));
    }
    let metadata = metadata(&model.shape, tokenizer, size)?;
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let part = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part)?);
    gguf_file::write(&mut file, &metadata, &tensors)?;
    file.into_inner()?.sync_all()?;
    fs::rename(part, path)?;
    Ok(())
}

fn metadata(
    shape: &Shape,
    tokenizer: &Tokenizer,
    size: Size,
) -> Result<Vec<(&'static str, Value)>, Error> {
    let name = match size {
        Size::Small => "rightsize specialist 1M",
        Size::Large => "rightsize specialist 5M",
    };
    let text = |text: &str| Value::String(text.to_owned());
    let number = |number: usize| -> Result<Value, Error> { Ok(Value::U32(u32::try_from(number)?)) };
    let kinds = tokenizer.tokens.iter().map(|token| {
        let special = [PAD, OPEN, CLOSE].contains(&token.as_str());
        Value::I32(if special { CONTROL } else { NORMAL })
    });
    let strings = |all: &[String]| Value::Array(all.iter().cloned().map(Value::String).collect());
    Ok(vec![
        ("general.architecture", text("llama")),
        ("general.name", text(name)),
        ("general.license", text("MIT OR Apache-2.0")),
        ("general.file_type", Value::U32(MOSTLY_Q8_0)),
        ("general.quantization_version", Value::U32(2)),
        ("llama.context_length", number(CONTEXT)?),
        ("llama.embedding_length", number(shape.width)?),
        ("llama.block_count", number(shape.blocks)?),
        ("llama.feed_forward_length", number(shape.inner)?),
        ("llama.attention.head_count", number(shape.heads)?),
        ("llama.attention.head_count_kv", number(shape.heads)?),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(NORM_EPS)),
        ("llama.rope.dimension_count", number(shape.head())?),
        ("llama.rope.freq_base", Value::F32(ROPE_BASE as f32)),
        ("llama.vocab_size", number(shape.vocabulary)?),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("tiny_aya")),
        ("tokenizer.ggml.tokens", strings(&tokenizer.tokens)),
        ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
        ("tokenizer.ggml.merges", strings(&tokenizer.merges)),
        ("tokenizer.ggml.bos_token_id", Value::U32(tokenizer.id(OPEN)?)),
        ("tokenizer.ggml.eos_token_id", Value::U32(tokenizer.id(CLOSE)?)),
        ("tokenizer.ggml.padding_token_id", Value::U32(tokenizer.id(PAD)?)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.chat_template", text(CHAT_TEMPLATE)),
    ])
}

/// Reads a model and its tokenizer back, the weights as they are after quantisation.
pub fn read(path: &Path) -> Result<(Model, Tokenizer), Error> {
    let mut file = BufReader::new(File::open(path)?);
    let content = Content::read(&mut file)?;
    let number = |key: &str| -> Result<usize, Error> {
        let value = content.metadata.get(key).ok_or_else(|| format!("no {key}"))?;
        Ok(value.to_u32()? as usize)
    };
    let shape = Shape {
        vocabulary: number("llama.vocab_size")?,
        width: number("llama.embedding_length")?,
        blocks: number("llama.block_count")?,
        heads: number("llama.attention.head_count")?,
        inner: number("llama.feed_forward_length")?,
    };
    let strings = |key: &str| -> Result<Vec<String>, Error> {
        let value = content.metadata.get(key).ok_or_else(|| format!("no {key}"))?;
        value.to_vec()?.iter().map(|v| Ok(v.to_string()?.clone())).collect()
    };
    let tokenizer = Tokenizer::from_parts(
        strings("tokenizer.ggml.tokens")?,
        strings("tokenizer.ggml.merges")?,
    )?;
    let file = std::cell::RefCell::new(file);
    let load = |name: &str| {
        content.tensor(&mut *file.borrow_mut(), name, &Device::Cpu)?.dequantize(&Device::Cpu)
    };
    let matrix = |name: &str, _: usize, _: usize| -> candle_core::Result<Tensor> {
        let tensor = load(name)?;
        if name.starts_with("token_embd") { Ok(tensor) } else { tensor.t()?.contiguous() }
    };
    let model = Model::build(shape, matrix, |name, _| load(name))?;
    Ok((model, tokenizer))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::batch::Prompts;
    use crate::text::Writer;
    use crate::train::learn_tokenizer;
    use crate::tree::Tree;

    #[test]
    fn a_written_model_is_read_back() {
        let prompts = Prompts::read().unwrap();
        let tokenizer = learn_tokenizer(&Writer::new(), &prompts, 1).unwrap();
        for text in ["Total: €1,249.50\n", "Ünïcode & <|im_end|>", "INV-20417  x"] {
            let tokens = tokenizer.encode(text).unwrap();
            assert_eq!(tokenizer.decode(&tokens).unwrap(), text.replace(CLOSE, ""));
        }
        assert_eq!(tokenizer.encode("20417").unwrap().len(), 2);
        let shape = Shape::of(Size::Small, tokenizer.tokens.len());
        let model = Model::random(shape, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        write(&model, &tokenizer, Size::Small, &path).unwrap();
        let (read, again) = read(&path).unwrap();
        assert_eq!(read.shape, shape);
        assert_eq!((&again.tokens, &again.merges), (&tokenizer.tokens, &tokenizer.merges));
        let tokens = tokenizer.encode("Invoice INV-20417 of 12 March 2025").unwrap();
        assert_eq!(again.encode("Invoice INV-20417 of 12 March 2025").unwrap(), tokens);
        let logits = |model: &Model| {
            let tree = Arc::new(Tree::sequence(0, tokens.len()));
            let states = model.states(&tokens, &tree, None).unwrap();
            model.logits(&states, &[tokens.len() as u32 - 1]).unwrap().to_vec2::<f32>().unwrap()
        };
        let (before, after) = (logits(&model), logits(&read));
        for (a, b) in before[0].iter().zip(&after[0]) {
            assert!((a - b).abs() < 0.4, "{a} {b}");
        }
    }

    #[test]
    fn the_cache_changes_no_state() {
        let shape = Shape { vocabulary: 64, width: 32, blocks: 2, heads: 4, inner: 32 };
        let model = Model::random(shape, &mut ChaCha8Rng::seed_from_u64(2)).unwrap();
        let tokens = [3, 9, 1, 40, 9, 1];
        let tree = |seen, length| Arc::new(Tree::sequence(seen, length));
        let whole = model.states(&tokens, &tree(0, 6), None).unwrap();
        let whole = whole.to_vec2::<f32>().unwrap();
        let mut cache = vec![None, None];
        model.states(&tokens[..4], &tree(0, 4), Some(&mut cache)).unwrap();
        let rest = model.states(&tokens[4..], &tree(4, 2), Some(&mut cache)).unwrap();
        let rest = rest.to_vec2::<f32>().unwrap();
        for (a, b) in whole[4..].iter().flatten().zip(rest.iter().flatten()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
