//! A run as a model: suites of the catalog, five entries of different kinds, records drawn from a
//! seed and scored by the real tasks. It writes a run folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rightsize_providers::{
    AskKind, Crash, Description, ErrorKind, Finish, Prompt, Response, Side, Stage, Stamp, Timing,
    Usage, UsageSource,
};
use rightsize_reports::run::*;
use rightsize_suites::outcome::outcome_of;
use rightsize_suites::tasks::Task;
use rightsize_suites::{Reading, Sample, Suite};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A model entry of the modelled run.
#[derive(Clone)]
pub struct Entry {
    pub id: &'static str,
    pub provider: &'static str,
    pub model: &'static str,
    pub local: bool,
    pub concurrency: usize,
    /// Share of right answers.
    pub skill: f64,
    /// Share of unreadable answers.
    pub garbled: f64,
    /// Share of errors.
    pub errors: f64,
    /// Samples asked per suite.
    pub samples: usize,
    /// Median end to end latency of one stream in milliseconds.
    pub ms: f64,
    pub streamed: bool,
}

/// A modelled run.
pub struct Run {
    pub suites: Vec<Suite>,
    pub entries: Vec<Entry>,
    pub records: Vec<Record>,
    pub prompts: BTreeMap<String, String>,
    pub sessions: Vec<SessionLine>,
    pub manifest: Manifest,
}

pub const ENTRIES: [Entry; 5] = [
    Entry {
        id: "specialist-1m",
        provider: "llama-cpp",
        model: "specialist-1m",
        local: true,
        concurrency: 4,
        skill: 0.78,
        garbled: 0.02,
        errors: 0.0,
        samples: 120,
        ms: 14.0,
        streamed: true,
    },
    Entry {
        id: "specialist-5m",
        provider: "llama-cpp",
        model: "specialist-5m",
        local: true,
        concurrency: 4,
        skill: 0.93,
        garbled: 0.0,
        errors: 0.0,
        samples: 120,
        ms: 31.0,
        streamed: true,
    },
    Entry {
        id: "smollm2-135m",
        provider: "llama-cpp",
        model: "smollm2-135m-instruct-q4_1.gguf",
        local: true,
        concurrency: 4,
        skill: 0.34,
        garbled: 0.15,
        errors: 0.03,
        samples: 40,
        ms: 870.0,
        streamed: true,
    },
    Entry {
        id: "gateway-large",
        provider: "openai",
        model: "any",
        local: false,
        concurrency: 8,
        skill: 0.96,
        garbled: 0.01,
        errors: 0.01,
        samples: 120,
        ms: 540.0,
        streamed: true,
    },
    Entry {
        id: "vendor-preview",
        provider: "openai",
        model: "preview",
        local: false,
        concurrency: 8,
        skill: 0.9,
        garbled: 0.0,
        errors: 0.7,
        samples: 120,
        ms: 1300.0,
        streamed: false,
    },
];

/// A number in [0, 1) that depends on the words alone.
fn chance(words: &[&str]) -> f64 {
    let digest = Sha256::digest(words.join("\u{1f}"));
    let bits = digest.iter().take(6).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    bits as f64 / (1u64 << 48) as f64
}

pub fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Run {
    /// The demo: three suites, five entries.
    pub fn demo() -> Run {
        let suites: Vec<Suite> = ["support-triage", "invoice-extraction", "kb-faq"]
            .iter()
            .map(|name| Suite::load(&format!("catalog:{name}"), Path::new(".")).expect("catalog"))
            .map(|mut suite| {
                suite.samples.truncate(120);
                with_origins(suite)
            })
            .collect();
        let manifest = Manifest {
            schema: SCHEMA,
            name: "demo".into(),
            bakeoff_sha256: hex("bakeoff"),
            bakeoff: Value::Null,
            seed: 7,
            suites: suites
                .iter()
                .map(|s| SuiteRef {
                    name: s.name.clone(),
                    sha256: s.sha256.clone(),
                    source: s.source.clone(),
                })
                .collect(),
            models: ENTRIES
                .iter()
                .map(|e| EntryRef {
                    id: e.id.into(),
                    provider: e.provider.into(),
                    model: e.model.into(),
                    concurrency: e.concurrency,
                    local: e.local,
                })
                .collect(),
            units_planned: 0,
            planned: Vec::new(),
            shard: None,
        };
        let mut run = Run {
            suites,
            entries: ENTRIES.to_vec(),
            records: Vec::new(),
            prompts: BTreeMap::new(),
            sessions: sessions(),
            manifest,
        };
        run.ask_all();
        run.manifest.units_planned = run.records.len() as u64;
        run
    }

    fn ask_all(&mut self) {
        let entries = self.entries.clone();
        let mut records = Vec::new();
        for suite in &self.suites {
            for sample in &suite.samples {
                let prompt = prompt_of(suite, sample);
                self.prompts.insert(hex(&prompt), prompt);
            }
            for entry in &entries {
                for (number, sample) in suite.samples.iter().enumerate() {
                    let rank = number * 7 % suite.samples.len();
                    if rank >= entry.samples {
                        continue;
                    }
                    records.push(record(suite, entry, sample, Scenario::Batch, number));
                    if entry.local && rank < 30 {
                        records.push(record(suite, entry, sample, Scenario::SingleStream, number));
                    }
                }
            }
        }
        self.records = records;
    }

    /// Writes the run folder.
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join(files::MANIFEST), json(&self.manifest)).unwrap();
        for (suite, reference) in self.suites.iter().zip(&self.manifest.suites) {
            let folder = dir.join(files::SUITES).join(&reference.name);
            fs::create_dir_all(&folder).unwrap();
            let facts = SuiteFacts { name: reference.name.clone(), ..SuiteFacts::of(suite) };
            fs::write(folder.join(files::SUITE_FACTS), json(&facts)).unwrap();
        }
        write_lines(&dir.join(files::RECORDS), &self.records);
        write_lines(&dir.join(files::SESSIONS), &self.sessions);
        let prompts: Vec<PromptText> = self
            .prompts
            .iter()
            .map(|(sha256, text)| PromptText { sha256: sha256.clone(), text: text.clone() })
            .collect();
        write_lines(&dir.join(files::PROMPTS), &prompts);
    }
}

/// Every fourth sample is called hand-written, whatever the catalog holds.
fn with_origins(mut suite: Suite) -> Suite {
    for (number, sample) in suite.samples.iter_mut().enumerate() {
        let origin = if number % 4 == 0 { "hand_written" } else { "generated" };
        sample.tags.insert("origin".into(), origin.into());
    }
    suite
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

pub fn write_lines<T: serde::Serialize>(path: &Path, values: &[T]) {
    let text: String = values.iter().map(|value| json(value) + "\n").collect();
    fs::write(path, text).unwrap();
}

fn prompt_of(suite: &Suite, sample: &Sample) -> String {
    match suite.ask(sample, 0).unwrap().kind {
        AskKind::Generate(generate) => match generate.prompt {
            Prompt::Messages(messages) => json(&messages),
            Prompt::Raw(text) => text,
        },
        _ => unreachable!("the catalog generates"),
    }
}

fn record(
    suite: &Suite,
    entry: &Entry,
    sample: &Sample,
    scenario: Scenario,
    number: usize,
) -> Record {
    let draw = |what: &str| chance(&[&suite.name, entry.id, &sample.id, what]);
    let prompt_sha256 = hex(&prompt_of(suite, sample));
    let ask = hex(&format!("{prompt_sha256}/{}/{}", entry.id, scenario.as_str()));
    let error = (draw("error") < entry.errors).then(|| error_of(entry));
    let response = error.is_none().then(|| answer(suite, entry, sample, &draw));
    let reading = response
        .as_ref()
        .map_or_else(|| nothing("no answer"), |response| suite.task.read(response));
    let outcome = response.as_ref().map_or(Outcome::Error, |r| outcome_of(r, &reading));
    let score = suite.task.score(&reading, sample).expect("scored");
    let output = 3 + (draw("length") * 40.0) as u64;
    let (timing, usage) = if error.is_some() {
        (Timing::default(), Usage::default())
    } else {
        measured(entry, scenario, number, output, draw("speed"))
    };
    Record {
        schema: SCHEMA,
        unit: hex(&format!("{ask}/{}/{}", suite.name, sample.id)),
        ask,
        suite: suite.name.clone(),
        split: Split::Test,
        sample: sample.id.clone(),
        model: entry.id.into(),
        variant: "default".into(),
        mode: Mode::Generate,
        scenario,
        repeat: 0,
        session: 1,
        tags: sample.tags.clone(),
        cluster: sample.cluster.clone(),
        prompt_sha256,
        response,
        server: Default::default(),
        readings: reading
            .value
            .clone()
            .map(|value| (reading.reader.to_owned(), value))
            .into_iter()
            .collect(),
        expected: sample.expected.clone(),
        outcome,
        score: error.is_none().then_some(score.primary),
        parts: score.parts,
        detail: score.detail,
        scoring_version: suite.scoring_version(),
        error,
        usage,
        timing,
        signals: Signals::default(),
        energy_j: None,
        attempts: 1,
        cached: false,
        unknown: BTreeMap::new(),
    }
}

fn nothing(why: &str) -> Reading {
    Reading {
        value: None,
        reader: "none",
        repaired: false,
        schema_valid: None,
        why: Some(why.into()),
    }
}

fn error_of(entry: &Entry) -> RecordError {
    let (kind, message) = if entry.local {
        (
            ErrorKind::EngineCrash,
            "the engine process ended by SIGSEGV while it answered this sample",
        )
    } else if entry.errors > 0.5 {
        (ErrorKind::Server, "HTTP 503 from the server: upstream model is overloaded")
    } else {
        (ErrorKind::Timeout, "no answer within 60 s; raise `timeout` or lower `concurrency`")
    };
    RecordError {
        side: if kind == ErrorKind::Timeout { Side::Ours } else { Side::Theirs },
        kind,
        stage: Stage::Wait,
        http_status: (kind == ErrorKind::Server).then_some(503),
        request_id: None,
        message: message.into(),
        partial_text: None,
    }
}

fn answer(suite: &Suite, entry: &Entry, sample: &Sample, draw: &dyn Fn(&str) -> f64) -> Response {
    let right = suite.task.write_expected(sample);
    if draw("garbled") < entry.garbled {
        let finish = if draw("cut") < 0.4 { Finish::Length } else { Finish::Stop };
        let text = "Sure! Here is what I can tell you about this. First of all, thank".to_owned();
        return Response { text, finish, ..Response::default() };
    }
    let hard =
        if sample.tags.get("origin").is_some_and(|o| o == "hand_written") { 0.08 } else { 0.0 };
    let hit = draw("hit") < entry.skill - hard;
    match &suite.task {
        _ if hit => right,
        Task::Classification(_) => {
            let labels = suite.task.labels();
            let at = (draw("label") * labels.len() as f64) as usize;
            Response { text: labels[at.min(labels.len() - 1)].clone(), ..right }
        }
        Task::Extraction(_) => {
            let mut object: Value = serde_json::from_str(&right.text).expect("JSON");
            let keys: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
            let key = &keys[(draw("field") * keys.len() as f64) as usize];
            if draw("kind") < 0.3 {
                object.as_object_mut().unwrap().remove(key);
            } else {
                object[key] = json!("1999-01-01");
            }
            Response { text: object.to_string(), ..right }
        }
        Task::Pii(_) => Response { text: json!({"entities": []}).to_string(), ..right },
        Task::Faq(_) | Task::Summarization(_) | Task::Reasoning(_) => {
            let text = right.text.split(' ').take(1).collect::<String>() + " roughly";
            Response { text, ..right }
        }
    }
}

fn measured(
    entry: &Entry,
    scenario: Scenario,
    number: usize,
    output: u64,
    draw: f64,
) -> (Timing, Usage) {
    let batch = entry.local && scenario == Scenario::Batch;
    let load = if batch { 3.1 } else { 1.0 };
    let spread = (-(1.0 - draw).ln()).powf(0.6) + 0.35;
    let total = (entry.ms * load * spread * 1e6) as u64;
    let sent = Stamp(1_000_000_000_000 + number as u64 * 1_000_000_000);
    let at = |share: f64| Stamp(sent.0 + (total as f64 * share) as u64);
    let first = entry.streamed.then(|| at(0.3));
    let timing = Timing {
        sent: Some(sent),
        first_token: first,
        first_content: first,
        last_token: Some(at(1.0)),
        ..Timing::default()
    };
    let usage = Usage {
        input_total: Some(90 + number as u64 % 70),
        output_total: Some(output),
        reasoning: Some(0),
        source: if entry.local { UsageSource::Tokenizer } else { UsageSource::Reported },
        ..Usage::default()
    };
    (timing, usage)
}

fn sessions() -> Vec<SessionLine> {
    let machine = json!({
        "processor": {"model": "Xeon Gold 6430", "architecture": "x86_64", "logical_cpus": 4,
            "physical_cores": 2, "usable_cpus": 2, "usable_cores": 2, "quota": 2.0,
            "instruction_sets": ["sse4.2", "avx", "avx2", "fma", "f16c", "bmi2", "avx512f"]},
        "memory": {"total_bytes": 25_769_803_776u64, "available_bytes": 22_548_578_304u64,
            "limit_bytes": 8_589_934_592u64, "swap_total_bytes": 0, "swap_used_bytes": 0},
        "gpus": [],
        "host": {"os": "Debian GNU/Linux 12", "kernel": "6.1.0", "boot_id": "b00t",
            "container": "docker", "virtual_machine": "kvm"}
    });
    let start = SessionStart {
        session: 1,
        time: "2026-11-24T15:02:11Z".into(),
        clock_ns: 1,
        boot_id: Some("b00t".into()),
        args: vec!["rightsize".into(), "demo".into()],
        base: Some("/home/someone/bakeoffs".into()),
        version: "0.1.0".into(),
        machine,
        confinement: Vec::new(),
    };
    let mut lines = vec![SessionLine::Started(Box::new(start))];
    lines.extend(ENTRIES.iter().map(|entry| SessionLine::Entry(Box::new(entry_session(entry)))));
    lines.push(SessionLine::Ended(SessionEnd {
        session: 1,
        time: "2026-11-24T15:04:40Z".into(),
        recorded: 1500,
        reason: "complete".into(),
    }));
    lines
}

fn entry_session(entry: &Entry) -> EntrySession {
    let mut description = Description {
        provider: entry.provider.into(),
        model: entry.model.into(),
        ..Description::default()
    };
    if entry.local {
        description.engine = Some("llama.cpp b7410 (llama-cpp-2 0.1.160)".into());
        description.isa_compiled = vec!["AVX2".into(), "FMA".into(), "F16C".into()];
        description.threads = Some(2);
        description.chat_template = Some("from the model file".into());
        description.weights_sha256 = Some(hex(entry.id));
        description.weights_bytes = Some((entry.ms * 120_000.0) as u64);
        description.peak_memory_bytes = Some(40_000_000 + (entry.ms * 230_000.0) as u64);
        description.load_ms = Some(60 + entry.ms as u64);
        description.facts.insert("quantisation".into(), "Q8_0".into());
        description.facts.insert("context".into(), "512".into());
    } else {
        description.endpoint = Some("http://127.0.0.1:8000/v1".into());
    }
    if entry.id == "smollm2-135m" {
        description.crashes.push(Crash {
            ended_by: "SIGSEGV".into(),
            in_flight: vec!["ticket-g017".into()],
            last_log: vec![
                "llama_context: n_ctx_per_seq (512) < n_ctx_train (2048)".into(),
                "ggml_compute_forward_mul_mat: unexpected tensor".into(),
            ],
        });
    }
    EntrySession {
        session: 1,
        entry: entry.id.into(),
        description,
        ended_by: (entry.errors > 0.5).then(|| error_of(entry)),
        batch_wall_ns: Some(9_000_000_000),
    }
}
