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

/// Recorded answers of a recogniser on Presidio's synthetic sentences, and the counts over the types
/// that it knows.
#[test]
fn pii_presidio_synth() {
    let (data, replay) = (
        root().join("../shared/datasets/pii_presidio_synth/synth_dataset_v2.json"),
        root().join("../shared/replay/pii_presidio_synth"),
    );
    if !data.exists() {
        eprintln!("skipped: the public data of pii_presidio_synth is absent");
        return;
    }
    let read =
        |path: PathBuf| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let expected = read(replay.join("expected.json"));
    let types = expected["types"].as_array().unwrap();
    let row = |item: &Value| {
        let span = |s: &Value| json!([s["start_position"], s["end_position"], s["entity_type"]]);
        let known = |s: &&Value| types.contains(&s["entity_type"]);
        let spans = item["spans"].as_array().unwrap();
        let spans: Vec<Value> = spans.iter().filter(known).map(span).collect();
        json!({"text": item["full_text"], "spans": spans}).to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = read(data).as_array().unwrap().iter().map(row).collect();
    std::fs::write(folder.path().join("test.jsonl"), rows.join("\n")).unwrap();
    let yaml = json!({
        "name": "pii",
        "task": "pii",
        "data": {"test": "test.jsonl"},
        "types": types,
        "prompt": {"user": "{{ text }}"},
    });
    std::fs::write(folder.path().join("suite.yaml"), yaml.to_string()).unwrap();
    let suite = Suite::load("suite.yaml", folder.path()).unwrap();

    let answers = std::fs::read_to_string(replay.join("predictions.jsonl")).unwrap();
    let mut sum = Parts::new();
    for (sample, line) in suite.samples.iter().zip(answers.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = json!({"entities": line["spans"]}).to_string();
        let reading = suite.task.read(&Response { text, ..Response::default() });
        assert!(!reading.repaired, "{}", line["id"]);
        metrics::add(&mut sum, &suite.task.score(&reading, sample).unwrap().parts);
    }
    let same = |name: &str, wanted: &Value| {
        for kind in ["tp", "fp", "fn"] {
            let count = sum.get(&format!("{kind}:{name}")).copied();
            assert_eq!(count, wanted[kind].as_f64(), "{kind}:{name}");
        }
    };
    same("(strict)", &expected["micro"]);
    same("(characters)", &expected["character"]);
    types
        .iter()
        .for_each(|t| same(t.as_str().unwrap(), &expected["per_type"][t.as_str().unwrap()]));
    for (metric, wanted) in [
        (Metric::StrictF1, &expected["micro"]["f1"]),
        (Metric::StrictF2, &expected["micro"]["f2"]),
        (Metric::CharacterRecall, &expected["character"]["recall"]),
        (Metric::CharacterPrecision, &expected["character"]["precision"]),
    ] {
        let difference = metric.finish(&sum).unwrap() - wanted.as_f64().unwrap();
        assert!(difference.abs() < 1e-12, "{}", metric.title());
    }
}
