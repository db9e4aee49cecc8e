//! llama.cpp and candle must answer alike: two engines that differ in every line of their code, and
//! share the model file and the chat template, check each other.
//!
//! Equal text is asked of the specialists only. On a generalist two correct engines part wherever two
//! tokens are nearly as probable, so there it is the scored outcome that must agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rightsize_providers::local::chat_template::{ChatTemplate, SpecialTokens};
use rightsize_providers::local::gguf::Header;
use rightsize_providers::local::llama_cpp::LlamaCpp;
use rightsize_providers::local::{EngineKind, LocalModel, LocalProvider};
use rightsize_providers::{
    Answer, Ask, AskKind, Clock, Generate, Prompt, Provider, demo_models, digest,
};
use rightsize_suites::{Sample, Suite, outcome};
use tokio::task::JoinSet;

/// The demo suites, and of how many samples of each SmolLM2 is asked: fewer where answers are long.
const SUITES: [(&str, usize); 3] =
    [("support-triage", 24), ("invoice-extraction", 8), ("kb-faq", 16)];
/// The least share of samples that must agree: in the whole text for the specialists, in the scored
/// outcome for the real model.
const SHARE: f64 = 0.95;

/// A model in both engines.
struct Pair {
    llama_cpp: Arc<LocalProvider>,
    candle: Arc<LocalProvider>,
    /// For its tokenizer.
    tokens: LlamaCpp,
    template: ChatTemplate,
}

impl Pair {
    async fn load(path: &Path, threads: Option<u32>) -> Pair {
        let header = Header::read(path).unwrap();
        let text = |key: &str| header.token(key).map(str::to_owned);
        let tokens = SpecialTokens {
            bos: text("tokenizer.ggml.bos_token_id"),
            eos: text("tokenizer.ggml.eos_token_id"),
            ..SpecialTokens::default()
        };
        let source = header.text("tokenizer.chat_template").unwrap();
        let start = async |engine| {
            let executable = Path::new(env!("CARGO_BIN_EXE_rightsize"));
            // One at a time in both: a batch sums in another order, and near ties fall otherwise.
            let model = LocalModel { threads, parallel: 1, ..LocalModel::new(engine, path) };
            Arc::new(LocalProvider::start(executable, model, Clock::Monotonic).await.unwrap())
        };
        let small = LocalModel {
            context: Some(64),
            parallel: 1,
            ..LocalModel::new(EngineKind::LlamaCpp, path)
        };
        Pair {
            llama_cpp: start(EngineKind::LlamaCpp).await,
            candle: start(EngineKind::Candle).await,
            tokens: LlamaCpp::load(&small).unwrap(),
            template: ChatTemplate::compile(source, tokens).unwrap(),
        }
    }

    /// Says where two answers part: the token of each engine there, and how much more probable each
    /// holds its own than its second choice.
    async fn explain(&self, ask: &Ask, left: &str, right: &str) -> String {
        let AskKind::Generate(generate) = &ask.kind else { unreachable!() };
        let Prompt::Messages(messages) = &generate.prompt else { unreachable!() };
        let (a, b) = (self.tokens.tokenize(left, false), self.tokens.tokenize(right, false));
        let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        let cuts = left.char_indices().map(|(at, _)| at).chain([left.len()]);
        let prefix = cuts
            .map(|at| &left[..at])
            .find(|prefix| self.tokens.tokenize(prefix, false) == a[..same]);
        let Some(prefix) = prefix else { return format!("they part after {same} tokens") };
        let next = Ask {
            kind: AskKind::Generate(Generate {
                prompt: Prompt::Raw(self.template.render(messages).unwrap() + prefix),
                max_tokens: 1,
                ..generate.clone()
            }),
            ..ask.clone()
        };
        let say = async |provider: &LocalProvider| {
            let answer = provider.attempt(&next).await.unwrap();
            let margin = answer.logprob.unwrap().min_margin.unwrap();
            match answer.usage.output_total {
                Some(0) => format!("the end by {margin:.3} nats"),
                _ => format!("{:?} by {margin:.3} nats", answer.response.text),
            }
        };
        let (llama_cpp, candle) = (say(&self.llama_cpp).await, say(&self.candle).await);
        format!("after {same} equal tokens llama.cpp takes {llama_cpp}, candle {candle}")
    }
}

/// The provider's answers, in the order of the asks; all are in flight at once.
async fn answers(provider: &Arc<LocalProvider>, asks: &[Ask]) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for (index, ask) in asks.iter().cloned().enumerate() {
        let provider = Arc::clone(provider);
        running.spawn(async move { (index, provider.attempt(&ask).await.unwrap()) });
    }
    let mut answers = running.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn demo_suite(name: &str) -> Suite {
    Suite::load(&format!("catalog:{name}"), Path::new(".")).unwrap()
}

fn asks(suite: &Suite, samples: &[Sample]) -> Vec<Ask> {
    samples.iter().map(|sample| suite.ask(sample, 0).unwrap()).collect()
}

/// Checks that enough samples agree by `same`, and says of the others where they part.
async fn check(
    pair: &Pair,
    suite: &Suite,
    samples: &[Sample],
    same: impl Fn(&Sample, &Answer) -> String,
) -> (usize, usize) {
    let asks = asks(suite, samples);
    let llama_cpp = answers(&pair.llama_cpp, &asks).await;
    let candle = answers(&pair.candle, &asks).await;
    let mut agreed = 0;
    for (((sample, ask), a), b) in samples.iter().zip(&asks).zip(&llama_cpp).zip(&candle) {
        assert_eq!(a.usage.input_total, b.usage.input_total, "{}: prompt tokens", sample.id);
        if same(sample, a) == same(sample, b) {
            agreed += 1;
        } else {
            let why = pair.explain(ask, &a.response.text, &b.response.text).await;
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

/// The matrices of the specialists are too small to share: a second thread costs more than it brings.
async fn specialist(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../providers/demo-models");
    let pair = Pair::load(&folder.join(format!("{name}.gguf")), Some(1)).await;
    let (mut agreed, mut all) = (0, 0);
    for (suite, _) in SUITES {
        let suite = demo_suite(suite);
        let samples: Vec<Sample> = suite.samples.iter().collect();
        let text = |_: &Sample, answer: &Answer| answer.response.text.clone();
        let (same, n) = check(&pair, &suite, &samples, text).await;
        agreed += same;
        all += n;
    }
    assert_share(agreed, all, name);
}

#[tokio::test]
async fn specialist_1m_writes_the_same_answers() {
    specialist("specialist-1m").await;
}

#[tokio::test]
async fn specialist_5m_writes_the_same_answers() {
    specialist("specialist-5m").await;
}

fn smollm2() -> Option<PathBuf> {
    let path = demo_models::cache_dir()?.join("SmolLM2-135M-Instruct.Q4_1.gguf");
    path.is_file().then_some(path)
}

/// The `n` samples whose digests come first: the same on every machine.
fn subset(suite: &Suite, n: usize) -> Vec<Sample> {
    let mut samples: Vec<Sample> = suite.samples.iter().collect();
    samples.sort_by_cached_key(|sample| digest::of_bytes(sample.id.as_bytes()));
    samples.truncate(n);
    samples
}

#[tokio::test]
async fn smollm2_is_scored_the_same() {
    let Some(path) = smollm2() else {
        eprintln!("skipped: SmolLM2 is not in the cache folder");
        return;
    };
    let pair = Pair::load(&path, None).await;
    let (mut agreed, mut all) = (0, 0);
    for (suite, n) in SUITES {
        let suite = demo_suite(suite);
        let samples = subset(&suite, n);
        let scored = |sample: &Sample, answer: &Answer| {
            let reading = suite.task.read(&answer.response);
            let score = suite.task.score(&reading, sample).unwrap();
            let outcome = outcome::outcome_of(&answer.response, &reading);
            format!("{outcome:?} {:.6}", score.primary)
        };
        let (same, n) = check(&pair, &suite, &samples, scored).await;
        agreed += same;
        all += n;
    }
    assert_share(agreed, all, "SmolLM2");
}
