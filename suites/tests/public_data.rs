//! Suites that read real public data, and the figures that scikit-learn gave for recorded
//! predictions on it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;

use rightsize_providers::Response;
use rightsize_suites::metrics::{self, Parts};
use rightsize_suites::{Metric, Suite};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn load(name: &str) -> Option<Suite> {
    if !root().join("../shared/datasets").exists() {
        eprintln!("skipped: the public data of {name} is absent");
        return None;
    }
    Some(Suite::load(&format!("tests/suites/{name}/suite.yaml"), &root()).unwrap())
}

/// Sends recorded predictions through reading and scoring.
fn replay(suite: &Suite, folder: &str, text: fn(&str) -> String) {
    let folder = root().join("../shared/replay").join(folder);
    let lines = std::fs::read_to_string(folder.join("predictions.jsonl")).unwrap();
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for who in ["a", "b"] {
        let mut sum = Parts::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let row = usize::try_from(line["row"].as_u64().unwrap()).unwrap();
            let sample = &suite.samples[row];
            assert_eq!(sample.expected, line["gold"]);
            let text = text(line[who].as_str().unwrap());
            let reading = suite.task.read(&Response { text, ..Response::default() });
            metrics::add(&mut sum, &suite.task.score(&reading, sample).unwrap().parts);
        }
        let accuracy = expected[who]["accuracy"].as_f64().unwrap();
        let macro_f1 = expected[who]["macro"][2].as_f64().unwrap();
        assert!((Metric::Accuracy.finish(&sum).unwrap() - accuracy).abs() < 1e-12, "{who}");
        assert!((Metric::MacroF1.finish(&sum).unwrap() - macro_f1).abs() < 1e-12, "{who}");
    }
}

#[test]
fn banking77() {
    let Some(suite) = load("banking77") else {
        return;
    };
    assert_eq!(suite.samples.len(), 3080);
    assert_eq!(suite.task.labels().len(), 77);
    assert_eq!(suite.primary(), Metric::MacroF1);
    let list = root().join("../shared/datasets/banking77/categories.json");
    let list: Vec<String> = serde_json::from_slice(&std::fs::read(list).unwrap()).unwrap();
    assert_eq!(suite.task.labels(), list);
    replay(&suite, "banking77", str::to_owned);
}

#[test]
fn support_tickets_insurance() {
    let Some(suite) = load("support-tickets-insurance") else {
        return;
    };
    assert_eq!(suite.samples.len(), 68);
    assert_eq!(suite.task.labels().len(), 10);
    assert!(suite.samples.iter().all(|s| !s.row["text"].as_str().unwrap().ends_with('\r')));
    replay(&suite, "support_tickets_insurance", |label| json!({"category": label}).to_string());
}
