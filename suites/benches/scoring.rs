//! Reading and scoring of whole suites: 100,000 triage answers and 10,000 invoices, and the same work
//! done by Python (`reference.py`) beside it.
//!
//! ```sh
//! cargo bench --package rightsize-suites --bench scoring
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group, criterion_main};
use rightsize_providers::Response;
use rightsize_suites::{Measure, Parts, Sample, Suite, metrics};
use serde_json::{Value, json};

const TICKETS: usize = 100_000;
const INVOICES: usize = 10_000;

/// A suite, and answers to its samples over and over again.
struct Answers {
    suite: Suite,
    samples: Vec<Sample>,
    texts: Vec<String>,
}

impl Answers {
    fn new(name: &str, count: usize, text: impl Fn(&str, usize) -> String) -> Answers {
        let suite = Suite::load(&format!("catalog:{name}"), Path::new("")).unwrap();
        let right = |sample: Sample| suite.task.write_expected(&sample).text;
        let right: Vec<String> = suite.samples.iter().map(right).collect();
        let texts = (0..count).map(|i| text(&right[i % right.len()], i)).collect();
        let samples = suite.samples.iter().collect();
        Answers { suite, samples, texts }
    }

    fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().cycle()
    }

    /// Reads and scores every answer; the metrics of the suite.
    fn score(&self) -> Vec<(Measure, Option<f64>)> {
        let mut sum = Parts::new();
        for (text, sample) in self.texts.iter().zip(self.samples()) {
            let response = Response { text: text.clone(), ..Response::default() };
            let reading = self.suite.task.read(&response);
            metrics::add(&mut sum, &self.suite.task.score(&reading, sample).unwrap().parts);
        }
        let finish = |metric: Measure| {
            let value = metric.finish(&sum);
            (metric, value)
        };
        self.suite.metrics().into_iter().map(finish).collect()
    }

    /// What Python makes of the same answers: its seconds and its figures.
    fn reference(&self) -> Option<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference.py");
        let pairs = self.texts.iter().zip(self.samples());
        let pairs: Vec<Value> =
            pairs.map(|(text, sample)| json!([text, sample.expected])).collect();
        let input = json!({
            "task": self.suite.task.kind(), "labels": self.suite.task.labels(), "pairs": pairs,
        });
        let mut python = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        python.stdin.take()?.write_all(input.to_string().as_bytes()).ok()?;
        serde_json::from_slice(&python.wait_with_output().ok()?.stdout).ok()
    }

    fn bench(&self, criterion: &mut Criterion, name: &str) {
        eprintln!("{name}: {:?}", self.score());
        match self.reference() {
            Some(reference) => eprintln!("{name}, Python: {reference}"),
            None => eprintln!("{name}: no python3 here to compare with"),
        }
        let mut group = criterion.benchmark_group("score");
        group.sample_size(10);
        group.bench_function(name, |bencher| bencher.iter(|| self.score()));
    }
}

/// Right, in prose, in another case, and wrong in turn.
fn ticket(right: &str, i: usize) -> String {
    match i % 4 {
        0 => right.to_owned(),
        1 => format!("The category is {right}."),
        2 => right.to_uppercase(),
        _ => "I cannot say".to_owned(),
    }
}

/// Right, in a fence, with a wrong total, and cut off in turn.
fn invoice(right: &str, i: usize) -> String {
    match i % 4 {
        0 => right.to_owned(),
        1 => format!("Here it is:\n```json\n{right}\n```"),
        2 => right.replace("\"total\":", "\"total\":1"),
        _ => right.chars().take(right.len() / 2).collect(),
    }
}

fn suites(criterion: &mut Criterion) {
    Answers::new("support-triage", TICKETS, ticket).bench(criterion, "100,000 tickets");
    Answers::new("invoice-extraction", INVOICES, invoice).bench(criterion, "10,000 invoices");
}

criterion_group!(benches, suites);
criterion_main!(benches);
