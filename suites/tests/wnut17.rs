//! The outputs of the seven systems of the shared task WNUT 2017, replayed through reading and
//! scoring: the figures are those that seqeval gave for them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rightsize_providers::Response;
use rightsize_suites::metrics::ner_nervaluate;
use rightsize_suites::metrics::ner_seqeval::{self, Mode, Scheme};
use rightsize_suites::metrics::precision_recall::{Counts, Scores, weighted_mean};
use rightsize_suites::metrics::spans::Span;
use rightsize_suites::metrics::spans_pii::{self, counts_of_parts};
use rightsize_suites::metrics::{self, Metric, Parts};
use rightsize_suites::{Sample, Suite};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

/// The tags that a system gave, sentence by sentence: its file is read as a suite, too. (One system
/// writes spaces, most write CRLF, and one garbles tokens, so that the suite's own are used below.)
fn submission(name: &str, folder: &Path) -> Vec<Vec<String>> {
    let file = root().join("../shared/datasets/wnut17/submissions").join(name);
    let yaml = json!({
        "name": "submission",
        "task": "pii",
        "data": {"test": {"file": file, "format": "conll"}},
        "types": ["corporation", "creative-work", "group", "location", "person", "product"],
        "prompt": {"user": "{{ text }}"},
    });
    std::fs::write(folder.join("suite.yaml"), yaml.to_string()).unwrap();
    let suite = Suite::load("suite.yaml", folder).unwrap();
    let tags = |sample: Sample| texts(&sample.row["tags"]).into_iter().map(str::to_owned).collect();
    suite.samples.iter().map(tags).collect()
}

/// An answer that marks entities of tokens.
fn answer(entities: &[Span<'_>], sample: &Sample) -> String {
    let tokens = texts(&sample.row["tokens"]);
    let mut starts = vec![0];
    for token in &tokens {
        starts.push(starts.last().unwrap() + token.chars().count() + 1);
    }
    let item = |entity: &Span<'_>| json!({"start": starts[entity.start], "end": starts[entity.end] - 1, "type": entity.label});
    json!({"entities": entities.iter().map(item).collect::<Value>()}).to_string()
}

/// The means over types, each with a weight, of those that the data or the system has.
fn mean(sum: &Parts, types: &[&str], weight: fn(Counts) -> f64) -> Scores {
    let counts = types.iter().map(|name| counts_of_parts(sum, name));
    let occurring = counts.filter(|counts| counts.gold + counts.predicted > 0.0);
    weighted_mean(occurring.map(|counts| (weight(counts), counts.scores()))).unwrap()
}

fn check(found: Scores, expected: &Value, what: &str) {
    for (i, found) in [found.precision, found.recall, found.f1].into_iter().enumerate() {
        let expected = expected[i].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{what}: {found}, not {expected}");
    }
}

#[test]
fn the_systems_of_the_shared_task() {
    if !root().join("../shared/replay/wnut17").exists() {
        eprintln!("skipped: the recorded answers of wnut17 are absent");
        return;
    }
    let suite = Suite::load("tests/suites/wnut17/suite.yaml", &root()).unwrap();
    let expected = root().join("../shared/replay/wnut17/expected.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    assert_eq!(Some(suite.samples.len() as u64), expected["sentences"].as_u64());
    let samples: Vec<Sample> = suite.samples.iter().collect();
    let gold: Vec<Vec<&str>> = samples.iter().map(|s| texts(&s.row["tags"])).collect();
    let tokens: usize = gold.iter().map(Vec::len).sum();
    assert_eq!(Some(tokens as u64), expected["tokens"].as_u64());
    // What tells the answer is kept from prompts.
    let shown: Vec<&String> = samples[0].fields.keys().collect();
    assert_eq!(shown, ["text", "tokens"]);

    let folder = tempfile::tempdir().unwrap();
    let systems = expected["systems"].as_object().unwrap();
    assert_eq!(systems.len(), 7);
    for (name, expected) in systems {
        let tags = submission(name, folder.path());
        let tags: Vec<Vec<&str>> =
            tags.iter().map(|tags| tags.iter().map(String::as_str).collect()).collect();
        let accuracy = ner_seqeval::token_accuracy(&gold, &tags).unwrap();
        assert_eq!(Some(accuracy), expected["token_accuracy"].as_f64(), "{name}");
        let modes = [("default", Mode::Conlleval), ("strict", Mode::Strict(Scheme::Iob2))];
        let sums: BTreeMap<&str, Parts> = modes
            .into_iter()
            .map(|(word, mode)| (word, replay(&suite, &tags, mode, &expected[word], name)))
            .collect();
        let percent = |metric: Metric| 100.0 * metric.finish(&sums["default"]).unwrap();
        eprintln!(
            "{name}: entity F1 {:.2}, span F1 {:.2}, partial F1 {:.2}, type F1 {:.2} %",
            percent(Metric::StrictF1),
            percent(Metric::SpanF1),
            percent(Metric::PartialF1),
            percent(Metric::TypeF1),
        );
    }
}

/// Scores the entities of a system as answers, and compares the sum.
fn replay(suite: &Suite, tags: &[Vec<&str>], mode: Mode, expected: &Value, name: &str) -> Parts {
    let mut sum = Parts::new();
    let mut tallies: BTreeMap<&str, ner_nervaluate::Tally> = BTreeMap::new();
    for (sample, tags) in suite.samples.iter().zip(tags) {
        let entities = ner_seqeval::entities(tags, mode).unwrap();
        let text = answer(&entities, &sample);
        let reading = suite.task.read(&Response { text, ..Response::default() });
        assert!(!reading.repaired, "{name} {}", sample.line);
        metrics::add(&mut sum, &suite.task.score(&reading, &sample).unwrap().parts);
        // The same by tokens, as nervaluate pairs them.
        let own = texts(&sample.row["tags"]);
        let own = ner_seqeval::entities(&own, Mode::Conlleval).unwrap();
        for (word, scheme) in SCHEMES {
            *tallies.entry(word).or_default() += ner_nervaluate::compare(&own, &entities, scheme);
        }
    }
    let types: Vec<&str> = expected
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|key| !key.ends_with(" avg"))
        .collect();
    let strict = counts_of_parts(&sum, spans_pii::STRICT);
    check(strict.scores(), &expected["micro avg"], name);
    check(mean(&sum, &types, |_| 1.0), &expected["macro avg"], name);
    check(mean(&sum, &types, |counts| counts.gold), &expected["weighted avg"], name);
    for kind in types {
        let counts = counts_of_parts(&sum, kind);
        check(counts.scores(), &expected[kind], &format!("{name} {kind}"));
        assert_eq!(Some(counts.gold), expected[kind][3].as_f64(), "{name} {kind}");
    }
    let entity_f1 = Metric::StrictF1.finish(&sum).unwrap();
    assert!((entity_f1 - expected["micro avg"][2].as_f64().unwrap()).abs() < 1e-12, "{name}");
    for ((word, _), metric) in SCHEMES.into_iter().zip([
        Metric::StrictF1,
        Metric::SpanF1,
        Metric::PartialF1,
        Metric::TypeF1,
    ]) {
        let (found, wanted) = (metric.finish(&sum).unwrap(), tallies[word].f1());
        assert!((found - wanted).abs() < 1e-12, "{name} {word}: {found}, not {wanted}");
    }
    sum
}

const SCHEMES: [(&str, ner_nervaluate::Scheme); 4] = [
    ("strict", ner_nervaluate::Scheme::Strict),
    ("exact", ner_nervaluate::Scheme::Exact),
    ("partial", ner_nervaluate::Scheme::Partial),
    ("type", ner_nervaluate::Scheme::EntityType),
];
