//! llama.cpp and candle must answer alike: two engines that differ in every line of their code, and
//! share the model file and the chat template, check each other.
//!
//! Equal text is asked of the specialists only. On a generalist two correct engines part wherever two
//! tokens are nearly as probable, so there it is the scored outcome that must agree.

use std::path::{Path, PathBuf};

use rightsize_providers::local::candle::Candle;
use rightsize_providers::local::chat_template::{ChatTemplate, SpecialTokens};
use rightsize_providers::local::engine::Engine;
use rightsize_providers::local::gguf::Header;
use rightsize_providers::local::llama_cpp::LlamaCpp;
use rightsize_providers::local::{EngineKind, LocalModel};
use rightsize_providers::{Answer, Ask, AskKind, Clock, Generate, Prompt, demo_models, digest};
use rightsize_suites::{Sample, Suite, outcome};

const SUITES: [&str; 3] = ["support-triage", "invoice-extraction", "kb-faq"];
/// The least share of samples that must agree.
const SHARE: f64 = 0.95;
/// Samples of each suite for SmolLM2, drawn by digest.
const SUBSET: usize = 10;

/// A model in both engines.
struct Pair {
    llama_cpp: LlamaCpp,
    candle: Candle,
    template: ChatTemplate,
}

impl Pair {
    fn load(path: &Path) -> Pair {
        let header = Header::read(path).unwrap();
        let text = |key: &str| header.token(key).map(str::to_owned);
        let tokens = SpecialTokens {
            bos: text("tokenizer.ggml.bos_token_id"),
            eos: text("tokenizer.ggml.eos_token_id"),
            ..SpecialTokens::default()
        };
        let source = header.text("tokenizer.chat_template").unwrap();
        Pair {
            llama_cpp: LlamaCpp::load(&LocalModel::new(EngineKind::LlamaCpp, path)).unwrap(),
            candle: Candle::load(path, None).unwrap(),
            template: ChatTemplate::compile(source, tokens).unwrap(),
        }
    }

    /// Says where two answers part: the token of each engine there, and how much more probable each
    /// holds its own than its second choice.
    fn explain(&mut self, ask: &Ask, left: &str, right: &str) -> String {
        let AskKind::Generate(generate) = &ask.kind else {
            unreachable!()
        };
        let Prompt::Messages(messages) = &generate.prompt else {
            unreachable!()
        };
        let (a, b) = (
            self.llama_cpp.tokenize(left, false),
            self.llama_cpp.tokenize(right, false),
        );
        let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        let tokens = &a[..same];
        let cuts = left.char_indices().map(|(at, _)| at).chain([left.len()]);
        let prefix = cuts
            .map(|at| &left[..at])
            .find(|prefix| self.llama_cpp.tokenize(prefix, false) == tokens);
        let Some(prefix) = prefix else {
            return format!("they part after {same} tokens");
        };
        let next = Generate {
            prompt: Prompt::Raw(self.template.render(messages).unwrap() + prefix),
            max_tokens: 1,
            ..generate.clone()
        };
        let next = [Ask {
            kind: AskKind::Generate(next),
            ..ask.clone()
        }];
        let mut say = |engine: &mut dyn Engine| {
            let answer = answers(engine, &next).remove(0);
            let margin = answer.logprob.unwrap().min_margin.unwrap();
            match answer.usage.output_total {
                Some(0) => format!("the end by {margin:.3} nats"),
                _ => format!("{:?} by {margin:.3} nats", answer.response.text),
            }
        };
        let (llama_cpp, candle) = (say(&mut self.llama_cpp), say(&mut self.candle));
        format!("after {same} equal tokens llama.cpp takes {llama_cpp}, candle {candle}")
    }
}

/// The engine's answers, in the order of the asks.
fn answers(engine: &mut dyn Engine, asks: &[Ask]) -> Vec<Answer> {
    for (id, ask) in asks.iter().enumerate() {
        engine
            .accept(id as u64, ask, Clock::Monotonic.now())
            .unwrap();
    }
    let mut finished = Vec::new();
    while !engine.idle() {
        engine.step(&mut finished);
    }
    finished.sort_by_key(|(id, _)| *id);
    assert_eq!(finished.len(), asks.len());
    finished
        .into_iter()
        .map(|(_, answer)| answer.unwrap())
        .collect()
}

fn demo_suite(name: &str) -> Suite {
    Suite::load(&format!("catalog:{name}"), Path::new(".")).unwrap()
}

fn asks(suite: &Suite, samples: &[&Sample]) -> Vec<Ask> {
    samples
        .iter()
        .map(|sample| suite.ask(sample, 0).unwrap())
        .collect()
}

/// Checks that enough samples agree by `same`, and says of the others where they part.
fn check(
    pair: &mut Pair,
    suite: &Suite,
    samples: &[&Sample],
    same: impl Fn(&Sample, &Answer) -> String,
) -> (usize, usize) {
    let asks = asks(suite, samples);
    let llama_cpp = answers(&mut pair.llama_cpp, &asks);
    let candle = answers(&mut pair.candle, &asks);
    let mut agreed = 0;
    for (((sample, ask), a), b) in samples.iter().zip(&asks).zip(&llama_cpp).zip(&candle) {
        assert_eq!(
            a.usage.input_total, b.usage.input_total,
            "{}: prompt tokens",
            sample.id
        );
        if same(sample, a) == same(sample, b) {
            agreed += 1;
        } else {
            let why = pair.explain(ask, &a.response.text, &b.response.text);
            eprintln!("  {} {}: {why}", suite.name, sample.id);
        }
    }
    eprintln!("{}: {agreed} of {} agree", suite.name, samples.len());
    (agreed, samples.len())
}

fn assert_share(agreed: usize, all: usize, of: &str) {
    assert!(all > 0, "{of}: no samples");
    let share = agreed as f64 / all as f64;
    eprintln!("{of}: {agreed} of {all} agree ({:.1} %)", 100.0 * share);
    assert!(share >= SHARE, "{of}: only {agreed} of {all} agree");
}

fn specialist(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../providers/demo-models");
    let mut pair = Pair::load(&folder.join(format!("{name}.gguf")));
    let (mut agreed, mut all) = (0, 0);
    for suite in SUITES.map(demo_suite) {
        let samples: Vec<&Sample> = suite.samples.iter().collect();
        let (same, n) = check(&mut pair, &suite, &samples, |_, a| a.response.text.clone());
        agreed += same;
        all += n;
    }
    assert_share(agreed, all, name);
}

#[test]
fn specialist_1m_writes_the_same_answers() {
    specialist("specialist-1m");
}

#[test]
fn specialist_5m_writes_the_same_answers() {
    specialist("specialist-5m");
}

fn smollm2() -> Option<PathBuf> {
    let path = demo_models::cache_dir()?.join("SmolLM2-135M-Instruct.Q4_1.gguf");
    path.is_file().then_some(path)
}

/// The samples whose digests come first: the same on every machine.
fn subset(suite: &Suite) -> Vec<&Sample> {
    let mut samples: Vec<&Sample> = suite.samples.iter().collect();
    samples.sort_by_cached_key(|sample| digest::of_bytes(sample.id.as_bytes()));
    samples.truncate(SUBSET);
    samples
}

#[test]
fn smollm2_is_scored_the_same() {
    let Some(path) = smollm2() else {
        eprintln!("skipped: SmolLM2 is not in the cache folder");
        return;
    };
    let mut pair = Pair::load(&path);
    let (mut agreed, mut all) = (0, 0);
    for suite in SUITES.map(demo_suite) {
        let samples = subset(&suite);
        let (same, n) = check(&mut pair, &suite, &samples, |sample, answer| {
            let reading = suite.task.read(&answer.response);
            let score = suite.task.score(&reading, sample).unwrap();
            let outcome = outcome::outcome_of(&answer.response, &reading);
            format!("{outcome:?} {:.6}", score.primary)
        });
        agreed += same;
        all += n;
    }
    assert_share(agreed, all, "SmolLM2");
}
