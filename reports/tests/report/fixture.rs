//! A run as a model: suites of the catalog, five entries of different kinds, records drawn from a
//! seed and scored by the real tasks. It writes a run folder.

mod records;
mod sessions;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rightsize_providers::{AskKind, Prompt};
use rightsize_reports::run::*;
use rightsize_suites::{Sample, Suite};
use serde_json::Value;
use sha2::{Digest, Sha256};

use records::record;
use sessions::sessions;

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
                suite.samples = suite.samples.select(0..120);
                suite
            })
            .collect();
        with_origins(Run::of(suites))
    }

    /// Five entries on some suites.
    pub fn of(suites: Vec<Suite>) -> Run {
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
                    scorer: None,
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
            for sample in suite.samples.iter() {
                let prompt = prompt_of(suite, &sample);
                self.prompts.insert(hex(&prompt), prompt);
            }
            for entry in &entries {
                for (number, sample) in suite.samples.iter().enumerate() {
                    let rank = number * 7 % suite.samples.len();
                    if rank >= entry.samples {
                        continue;
                    }
                    records.push(record(suite, entry, &sample, Scenario::Batch, number));
                    if entry.local && rank < 30 {
                        records.push(record(suite, entry, &sample, Scenario::SingleStream, number));
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
fn with_origins(mut run: Run) -> Run {
    for suite in &run.suites {
        let numbers: BTreeMap<String, usize> =
            suite.samples.iter().enumerate().map(|(number, sample)| (sample.id, number)).collect();
        for record in run.records.iter_mut().filter(|record| record.suite == suite.name) {
            let hand_written = numbers[&record.sample].is_multiple_of(4);
            let origin = if hand_written { "hand_written" } else { "generated" };
            record.tags.insert("origin".into(), origin.into());
        }
    }
    run
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
