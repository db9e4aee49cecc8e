use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::local::gguf::Header;
use crate::{Message, Prompt, Sampling};

/// SmolLM2-135M-Instruct, where `make` has put it into the user's cache.
fn smollm2() -> Option<PathBuf> {
    let path = crate::demo_models::cache_dir()?.join("SmolLM2-135M-Instruct.Q4_1.gguf");
    path.is_file().then_some(path)
}

fn golden(name: &str) -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/engine").join(name);
    let text = std::fs::read_to_string(path).ok()?;
    let golden: Value = serde_json::from_str(&text).unwrap();
    golden["cases"].as_array().cloned()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo-models").join(name)
}

fn ask(kind: AskKind) -> Ask {
    let sample = crate::SampleRef { suite: "s".into(), id: "1".into(), repeat: 0 };
    Ask { sample, fields: Default::default(), kind }
}

fn generate(messages: Vec<Message>, max_tokens: u32) -> Ask {
    ask(AskKind::Generate(Generate::new(Prompt::Messages(messages), max_tokens)))
}

fn user(content: &str) -> Vec<Message> {
    vec![Message { role: crate::Role::User, content: content.into() }]
}

fn run(engine: &mut Candle, ask: &Ask) -> Result<Answer, ProviderError> {
    engine.accept(1, ask, Clock::Monotonic.now())?;
    let mut finished = Vec::new();
    while !engine.idle() {
        engine.step(&mut finished);
    }
    let (id, outcome) = finished.pop().unwrap();
    assert_eq!(id, 1);
    assert!(finished.is_empty());
    outcome
}

#[test]
fn tokens_are_those_of_llama_cpp_and_transformers() {
    let (Some(model), Some(cases)) = (smollm2(), golden("tokens.json")) else {
        eprintln!("skipped: SmolLM2 or shared/engine/tokens.json is absent");
        return;
    };
    let header = Header::read(&model).unwrap();
    let mut vocabulary = Vocabulary::of_gguf(&header).unwrap();
    assert_eq!(cases.len(), 98);
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        let tokens = vocabulary.tokens(text, false).unwrap();
        assert_eq!(tokens, ids(&case["llama_cpp"]), "{text:?}");
        assert_eq!(tokens, ids(&case["transformers"]), "{text:?}");
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| vocabulary.piece(*token)).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }
}

#[test]
fn greedy_answers_part_only_where_the_margin_is_small() {
    let (Some(model), Some(cases)) = (smollm2(), golden("greedy.json")) else {
        eprintln!("skipped: SmolLM2 or shared/engine/greedy.json is absent");
        return;
    };
    let mut engine = Candle::load(&model, None).unwrap();
    let mut equal = 0;
    for case in &cases {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let prompt = engine.prompts.tokens(&Prompt::Messages(messages)).unwrap();
        assert_eq!(prompt, ids(&case["prompt_tokens"]), "{}", case["id"]);
        let mut state = engine.fresh.clone();
        let (mut logits, mut position) = (state.forward(&prompt, 0).unwrap(), prompt.len());
        let references = [ids(&case["llama_cpp"]), ids(&case["transformers"])];
        let mut sampler = crate::local::sampling::Sampler::new(&Sampling::default());
        let mut written = Vec::new();
        // Follows the reference that it agrees with; where it parts from both, the choice was close.
        while written.len() < 24 {
            let pick = sampler.pick(&logits).unwrap();
            if engine.prompts.vocabulary.ends(pick.token) {
                break;
            }
            written.push(pick.token);
            let follows = references.iter().any(|reference| reference.starts_with(&written));
            if !follows {
                let margin = pick.margin.unwrap();
                assert!(margin < 0.6, "{}: parts at {} by {margin}", case["id"], written.len());
                break;
            }
            logits = state.forward(&[pick.token], position).unwrap();
            position += 1;
        }
        equal += usize::from(references.contains(&written));
    }
    // llama.cpp and transformers are equal in 15 of 40 to each other.
    eprintln!("equal to one of the two references: {equal} of {}", cases.len());
    assert!(equal >= 15, "{equal}");
}

#[test]
fn choices_score_as_the_references_do() {
    let (Some(model), Some(cases)) = (smollm2(), golden("choices.json")) else {
        eprintln!("skipped: SmolLM2 or shared/engine/choices.json is absent");
        return;
    };
    let mut engine = Candle::load(&model, None).unwrap();
    let (mut near, mut all) = (0, 0);
    // Every second case: 120 choices in half the time.
    for case in cases.iter().step_by(2) {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let expected = case["choices"].as_array().unwrap();
        let choices = expected.iter().map(|c| c["choice"].as_str().unwrap().to_owned()).collect();
        let kind = AskKind::Choose(Choose { prompt: Prompt::Messages(messages), choices });
        let scores = run(&mut engine, &ask(kind)).unwrap().response.choices;
        let mut best: Vec<f64> = Vec::new();
        for (score, expected) in scores.iter().zip(expected) {
            assert_eq!(score.tokens as usize, ids(&expected["tokens"]).len());
            let column = |name: &str| expected[name].as_f64().unwrap();
            let difference = |name: &str| (score.logprob - column(name)).abs();
            near += usize::from(difference("llama_cpp").min(difference("transformers")) <= 0.5);
            all += 1;
            best.push(column("transformers"));
        }
        best.sort_by(|a, b| b.total_cmp(a));
        let winner = scores.iter().max_by(|a, b| a.logprob.total_cmp(&b.logprob)).unwrap();
        if best[0] - best[1] > 0.5 {
            assert_eq!(winner.choice, case["argmax_transformers"].as_str().unwrap());
        }
    }
    eprintln!("within 0.5 nats of the nearer reference: {near} of {all}");
    assert!(near * 100 >= all * 95, "{near} of {all}");
}

#[test]
fn answers_do_not_depend_on_what_was_asked_before() {
    let mut engine = Candle::load(&demo("specialist-1m.gguf"), None).unwrap();
    let first = generate(user("My invoice is wrong."), 12);
    let other = generate(user("I cannot log in, please help me as soon as you can."), 12);
    let alone = run(&mut engine, &first).unwrap();
    run(&mut engine, &other).unwrap();
    let again = run(&mut engine, &first).unwrap();
    assert_eq!(alone.response, again.response);
    assert_eq!(alone.usage, again.usage);
    assert!(alone.usage.output_total.unwrap() >= 1);
    let timing = again.timing;
    assert!(timing.sent < timing.first_token && timing.first_token <= timing.last_token);
}

#[test]
fn a_cancelled_ask_gives_no_answer() {
    let mut engine = Candle::load(&demo("specialist-1m.gguf"), None).unwrap();
    let asked = generate(user("My invoice is wrong."), 50);
    for id in 1..=3 {
        engine.accept(id, &asked, Clock::Monotonic.now()).unwrap();
    }
    let mut finished = Vec::new();
    engine.step(&mut finished);
    engine.cancel(1);
    engine.cancel(2);
    while !engine.idle() {
        engine.step(&mut finished);
    }
    assert_eq!(finished.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut engine = Candle::load(&demo("specialist-1m.gguf"), Some(64)).unwrap();
    let error = run(&mut engine, &generate(user("Hello"), 200)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ContextOverflow);
    let Ask { kind: AskKind::Generate(mut with_schema), .. } = generate(user("Hello"), 5) else {
        unreachable!()
    };
    with_schema.schema = Some(Value::Bool(true));
    let error = run(&mut engine, &ask(AskKind::Generate(with_schema))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

#[test]
fn a_context_beyond_the_model_is_refused() {
    for (context, good) in [(512, true), (513, false), (0, false)] {
        match Candle::load(&demo("specialist-1m.gguf"), Some(context)) {
            Ok(engine) => assert!(good && engine.describe().facts["context"] == "512"),
            Err(error) => assert!(!good && error.kind == ErrorKind::BadRequest, "{error}"),
        }
    }
}

#[test]
fn a_model_that_candle_cannot_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let original = std::fs::read(demo("specialist-1m.gguf")).unwrap();
    let write = |name: &str, from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = original.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut bytes = original.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let message = |path: &Path| {
        let error = Candle::load(path, None).err().unwrap();
        assert_eq!((error.kind, error.advice), (ErrorKind::ModelFile, Advice::EndsEntry));
        error.message
    };
    let architecture = write("architecture.gguf", "llama", "mamba");
    assert!(message(&architecture).contains("`mamba`; candle runs llama, phi3"));
    let cutting = write("pre.gguf", "tiny_aya", "tiny_ayo");
    assert!(message(&cutting).contains("pre-tokenizer is `tiny_ayo`"));
    let tensor = write("tensor.gguf", "attn_q.weight", "attn_q.waight");
    assert!(message(&tensor).contains("attn_q.waight`"));
    let cut = folder.path().join("cut.gguf");
    std::fs::write(&cut, &original[..original.len() / 2]).unwrap();
    assert!(message(&cut).contains("the file is cut"));
    assert!(message(&folder.path().join("none.gguf")).contains("cannot read it"));
    assert!(message(folder.path()).contains("config.json"));
}

/// Writes a GGUF of the llama architecture as the folder that it could have been made from: llama.cpp's
/// converter interleaves the rows of queries and keys (`permute` in `conversion/llama.py`), so here
/// they are put back.
fn write_folder(gguf: &Path, folder: &Path) {
    use candle_core::{Device, Tensor, quantized::gguf_file::Content};
    let header = Header::read(gguf).unwrap();
    let number = |name: &str| header.of_architecture(name).unwrap() as usize;
    let (heads, kv_heads) = (number("attention.head_count"), number("attention.head_count_kv"));
    let mut file = std::fs::File::open(gguf).unwrap();
    let content = Content::read(&mut file).unwrap();
    let put_back = |tensor: Tensor, heads: usize| {
        let (rows, columns) = tensor.dims2().unwrap();
        let split = tensor.reshape((heads, rows / heads / 2, 2, columns)).unwrap();
        split.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
    };
    let mut tensors = std::collections::HashMap::new();
    for name in content.tensor_infos.keys() {
        let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
        let tensor = tensor.dequantize(&Device::Cpu).unwrap();
        let Some((block, part)) = name.strip_prefix("blk.").and_then(|n| n.split_once('.')) else {
            let name = match name.as_str() {
                "token_embd.weight" => "model.embed_tokens.weight",
                "output_norm.weight" => "model.norm.weight",
                _ => "lm_head.weight",
            };
            tensors.insert(name.to_owned(), tensor);
            continue;
        };
        let (part, tensor) = match part {
            "attn_q.weight" => ("self_attn.q_proj.weight", put_back(tensor, heads)),
            "attn_k.weight" => ("self_attn.k_proj.weight", put_back(tensor, kv_heads)),
            "attn_v.weight" => ("self_attn.v_proj.weight", tensor),
            "attn_output.weight" => ("self_attn.o_proj.weight", tensor),
            "ffn_gate.weight" => ("mlp.gate_proj.weight", tensor),
            "ffn_up.weight" => ("mlp.up_proj.weight", tensor),
            "ffn_down.weight" => ("mlp.down_proj.weight", tensor),
            "attn_norm.weight" => ("input_layernorm.weight", tensor),
            _ => ("post_attention_layernorm.weight", tensor),
        };
        tensors.insert(format!("model.layers.{block}.{part}"), tensor);
    }
    let config = serde_json::json!({
        "model_type": "llama", "hidden_act": "silu",
        "hidden_size": number("embedding_length"),
        "intermediate_size": number("feed_forward_length"),
        "vocab_size": header.texts("tokenizer.ggml.tokens").unwrap().len(),
        "num_hidden_layers": number("block_count"),
        "num_attention_heads": heads, "num_key_value_heads": kv_heads,
        "rms_norm_eps": header.number("llama.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {
            "rope_type": "default", "rope_theta": header.number("llama.rope.freq_base"),
        },
        "eos_token_id": header.count("tokenizer.ggml.eos_token_id"),
        "max_position_embeddings": number("context_length"),
        "tie_word_embeddings": !tensors.contains_key("lm_head.weight"),
    });
    let names = serde_json::json!({
        "bos_token": header.token("tokenizer.ggml.bos_token_id"),
        "eos_token": {"content": header.token("tokenizer.ggml.eos_token_id")},
        "chat_template": header.text("tokenizer.chat_template"),
    });
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer_config.json"), names.to_string()).unwrap();
    let tokenizer = Vocabulary::of_gguf(&header).unwrap().tokenizer_json();
    std::fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
}

#[test]
fn a_folder_answers_as_the_gguf_that_was_made_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let gguf = demo("specialist-5m.gguf");
    write_folder(&gguf, folder.path());
    let mut of_gguf = Candle::load(&gguf, None).unwrap();
    let mut of_folder = Candle::load(folder.path(), None).unwrap();
    assert_eq!(of_folder.describe().chat_template.as_deref(), Some("of the model folder"));
    let prompt = Prompt::Messages(user("The printer prints only half of the page."));
    let tokens = of_gguf.prompts.tokens(&prompt).unwrap();
    assert_eq!(of_folder.prompts.tokens(&prompt).unwrap(), tokens);
    let a = of_gguf.fresh.clone().forward(&tokens, 0).unwrap();
    let b = of_folder.fresh.clone().forward(&tokens, 0).unwrap();
    // The GGUF's activations are rounded to eight bits on the way.
    let difference: f32 =
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32;
    let spread: f32 = a.iter().map(|a| a.abs()).sum::<f32>() / a.len() as f32;
    eprintln!("mean difference of logits {difference}, mean size {spread}");
    assert!(difference < 0.03 * spread, "{difference} of {spread}");
    let answers = [&mut of_gguf, &mut of_folder]
        .map(|engine| run(engine, &generate(user("I was charged twice."), 8)).unwrap().response);
    assert_eq!(answers[0], answers[1]);
}
