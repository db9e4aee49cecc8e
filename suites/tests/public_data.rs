//! Suites that read real public data, and the figures that the reference implementations gave for
//! recorded answers on it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rightsize_providers::Response;
use rightsize_suites::metrics::classification::{self, Average, Rule, Weighting};
use rightsize_suites::metrics::squad_v2::{self, Question};
use rightsize_suites::metrics::{self, Parts, chrf, probabilistic, spans_pii};
use rightsize_suites::{Metric, Sample, Score, Suite};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_here(name: &str) -> bool {
    let here = root().join("../shared/datasets").exists();
    if !here {
        eprintln!("skipped: the public data of {name} is absent");
    }
    here
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Recorded answers, and what a reference made of them.
fn recorded(folder: &str) -> (Vec<Value>, Value) {
    let folder = root().join("../shared/replay").join(folder);
    (json_lines(&folder.join("predictions.jsonl")), json_of(&folder.join("expected.json")))
}

/// Sends an answer through reading and scoring.
fn score(suite: &Suite, sample: &Sample, text: String) -> Score {
    let reading = suite.task.read(&Response { text, ..Response::default() });
    suite.task.score(&reading, sample).unwrap()
}

fn assert_close(found: Option<f64>, expected: &Value, what: &str) {
    let (found, expected) = (found.unwrap(), expected.as_f64().unwrap());
    assert!(
        (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
        "{what}: {found} {expected}"
    );
}

fn load(name: &str) -> Option<Suite> {
    if !is_here(name) {
        return None;
    }
    Some(Suite::load(&format!("tests/suites/{name}/suite.yaml"), &root()).unwrap())
}

/// Compares what became of two systems' recorded labels.
fn replay(suite: &Suite, folder: &str, text: fn(&str) -> String) {
    let (lines, expected) = recorded(folder);
    for who in ["a", "b"] {
        let mut sum = Parts::new();
        let mut pairs = Vec::new();
        for line in &lines {
            let row = usize::try_from(line["row"].as_u64().unwrap()).unwrap();
            let sample = &suite.samples.get(row).unwrap();
            assert_eq!(sample.expected, line["gold"]);
            pairs.push((line["gold"].as_str().unwrap(), line[who].as_str().unwrap()));
            let text = text(line[who].as_str().unwrap());
            metrics::add(&mut sum, &score(suite, sample, text).parts);
        }
        assert_close(Metric::Accuracy.finish(&sum), &expected[who]["accuracy"], who);
        assert_close(Metric::MacroF1.finish(&sum), &expected[who]["macro"][2], who);
        compare_labels(&pairs, &expected[who], who);
        compare_confidences(&lines, who, &expected[who]);
    }
}

/// The figures of true and predicted labels.
fn compare_labels(pairs: &[(&str, &str)], expected: &Value, who: &str) {
    assert_eq!(Some(pairs.len() as u64), expected["n"].as_u64());
    let right = pairs.iter().filter(|(truth, predicted)| truth == predicted).count();
    assert_eq!(Some(right as u64), expected["correct"].as_u64());
    for (name, value) in [
        ("balanced_accuracy", classification::balanced_accuracy(pairs)),
        ("mcc", classification::mcc(pairs)),
        ("cohen_kappa", classification::cohen_kappa(pairs, Weighting::Equal)),
    ] {
        assert_close(value, &expected[name], &format!("{who} {name}"));
    }
    let labels = classification::observed_labels(pairs);
    let same = |name: &str, found: [f64; 3], wanted: &Value| {
        for (i, found) in found.into_iter().enumerate() {
            assert_close(Some(found), &wanted[i], &format!("{who} {name}"));
        }
    };
    for (name, average) in [("macro", Average::Macro), ("weighted", Average::Weighted)] {
        let scores = classification::averaged(pairs, &labels, average, Rule::default()).unwrap();
        same(name, [scores.precision, scores.recall, scores.f], &expected[name]);
    }
    let per_label = expected["per_label"].as_object().unwrap();
    assert_eq!(labels.len(), per_label.len());
    let found = classification::per_label(pairs, &labels, Rule::default());
    for (label, (scores, support)) in labels.into_iter().zip(found) {
        same(label, [scores.precision, scores.recall, scores.f], &per_label[label]);
        assert_eq!(Some(support), per_label[label][3].as_f64(), "{label}");
    }
}

/// The figures of what a system's confidence says of whether its label is right.
fn compare_confidences(lines: &[Value], who: &str, expected: &Value) {
    let confidences: Vec<probabilistic::Binary> = lines
        .iter()
        .map(|line| {
            let confidence = line[format!("{who}_conf")].as_f64().unwrap();
            (line[who] == line["gold"], confidence)
        })
        .collect();
    let bins = probabilistic::calibration_bins(&confidences, 10).unwrap();
    for (name, value) in [
        ("ece_10", probabilistic::expected_calibration_error(&bins)),
        ("brier_of_confidence", probabilistic::brier(&confidences)),
        ("auroc_confidence", probabilistic::roc_auc(&confidences)),
    ] {
        assert_close(value, &expected[name], &format!("{who} {name}"));
    }
    for selective in expected["selective"].as_array().unwrap() {
        let threshold = selective["threshold"].as_f64().unwrap();
        let answered = confidences.iter().filter(|(_, confidence)| *confidence >= threshold);
        let right = answered.clone().filter(|(right, _)| *right).count();
        assert_eq!(Some(answered.count() as u64), selective["answered"].as_u64());
        assert_eq!(Some(right as u64), selective["correct"].as_u64());
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
    if !is_here("pii_presidio_synth") {
        return;
    }
    let data = root().join("../shared/datasets/pii_presidio_synth/synth_dataset_v2.json");
    let (answers, expected) = recorded("pii_presidio_synth");
    let types = expected["types"].as_array().unwrap();
    let row = |item: &Value| {
        let span = |s: &Value| json!([s["start_position"], s["end_position"], s["entity_type"]]);
        let known = |s: &&Value| types.contains(&s["entity_type"]);
        let spans = item["spans"].as_array().unwrap();
        let spans: Vec<Value> = spans.iter().filter(known).map(span).collect();
        json!({"text": item["full_text"], "spans": spans}).to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = json_of(&data).as_array().unwrap().iter().map(row).collect();
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

    let mut sum = Parts::new();
    for (sample, line) in suite.samples.iter().zip(answers) {
        let text = json!({"entities": line["spans"]}).to_string();
        let reading = suite.task.read(&Response { text, ..Response::default() });
        assert!(!reading.repaired, "{}", line["id"]);
        metrics::add(&mut sum, &suite.task.score(&reading, &sample).unwrap().parts);
    }
    let same = |name: &str, wanted: &Value| {
        for kind in ["tp", "fp", "fn"] {
            let count = sum.get(&format!("{kind}:{name}")).copied();
            assert_eq!(count, wanted[kind].as_f64(), "{kind}:{name}");
        }
    };
    same("(strict)", &expected["micro"]);
    same("(characters)", &expected["character"]);
    let mut f1 = 0.0;
    for kind in types.iter().map(|t| t.as_str().unwrap()) {
        let wanted = &expected["per_type"][kind];
        same(kind, wanted);
        let counts = spans_pii::counts_of_parts(&sum, kind);
        assert_close(Some(counts.precision()), &wanted["precision"], kind);
        assert_close(Some(counts.recall()), &wanted["recall"], kind);
        assert_close(Some(counts.f(1.0)), &wanted["f1"], kind);
        assert_close(Some(counts.f(2.0)), &wanted["f2"], kind);
        f1 += counts.f(1.0);
    }
    assert_close(Some(f1 / types.len() as f64), &expected["macro_f1"], "macro F1");
    let characters = spans_pii::counts_of_parts(&sum, spans_pii::CHARACTERS);
    assert_close(Some(characters.f(1.0)), &expected["character"]["f1"], "characters");
    assert_close(Some(characters.f(2.0)), &expected["character"]["f2"], "characters");
    for (metric, wanted) in [
        (Metric::StrictF1, &expected["micro"]["f1"]),
        (Metric::StrictF2, &expected["micro"]["f2"]),
        (Metric::CharacterRecall, &expected["character"]["recall"]),
        (Metric::CharacterPrecision, &expected["character"]["precision"]),
    ] {
        assert_close(metric.finish(&sum), wanted, metric.title());
    }
}

/// Two questions are held to ask the same from a similarity of 0.4.
#[test]
fn covid_faq() {
    let Some(suite) = load("covid-faq") else {
        return;
    };
    let (lines, expected) = recorded("covid_faq");
    assert_eq!(suite.samples.len(), lines.len());
    let mut sum = Parts::new();
    let (mut scores, mut pairs) = (Vec::new(), Vec::new());
    let samples: Vec<Sample> = suite.samples.iter().collect();
    for (sample, line) in samples.iter().zip(&lines) {
        let gold = sample.expected.as_str().unwrap();
        assert_eq!(gold, line["gold"].to_string());
        let similarity = line["score"].as_f64().unwrap();
        let same = similarity >= 0.4;
        scores.push((gold == "1", similarity));
        pairs.push((gold, if same { "1" } else { "0" }));
        metrics::add(&mut sum, &score(&suite, sample, u8::from(same).to_string()).parts);
    }
    assert_close(probabilistic::roc_auc(&scores), &expected["roc_auc"], "ROC AUC");
    let precision = probabilistic::average_precision(&scores);
    assert_close(precision, &expected["average_precision"], "average precision");
    let expected = &expected["binary"];
    compare_labels(&pairs, expected, "covid_faq");
    assert_eq!(Some(sum["correct"]), expected["correct"].as_f64());
    assert_close(Metric::Accuracy.finish(&sum), &expected["accuracy"], "accuracy");
    assert_close(Metric::MacroF1.finish(&sum), &expected["macro"][2], "macro F1");
}

/// Solutions of four systems with the verdicts of their authors. The last number gives the same
/// verdicts, as it does by the expression of lm-evaluation-harness.
#[test]
fn gsm8k() {
    let Some(suite) = load("gsm8k") else {
        return;
    };
    let solutions = root().join("../shared/datasets/gsm8k/example_model_solutions.jsonl");
    let solutions = json_lines(&solutions);
    let expected = json_of(&root().join("../shared/replay/gsm8k/expected.json"));
    assert_eq!(suite.samples.len(), solutions.len());
    let mut verdicts: HashMap<&str, Vec<bool>> = HashMap::new();
    for (system, expected) in expected["systems"].as_object().unwrap() {
        let mut sum = Parts::new();
        let right = verdicts.entry(system).or_default();
        for (sample, line) in suite.samples.iter().zip(&solutions) {
            assert_eq!(sample.row["question"], line["question"]);
            let text = line[system]["solution"].as_str().unwrap().to_owned();
            let score = score(&suite, &sample, text);
            assert_eq!(score.parts["last/correct"], score.primary, "{system} {line}");
            assert_eq!(score.detail["correct"], line[system]["is_correct"], "{system} {line}");
            right.push(score.primary == 1.0);
            metrics::add(&mut sum, &score.parts);
        }
        assert_eq!(Some(sum["correct"]), expected["correct"].as_f64(), "{system}");
        assert_close(Metric::Accuracy.finish(&sum), &expected["accuracy"], system);
    }
    for pair in expected["pairs"].as_array().unwrap() {
        let [a, b] = [0, 1].map(|i| &verdicts[pair[i].as_str().unwrap()]);
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
        assert_eq!((only(a, b), only(b, a)), {
            let count = |i: usize| usize::try_from(pair[i].as_u64().unwrap()).unwrap();
            (count(2), count(3))
        });
    }
}

/// The first sentences of abstracts as summaries, by Google's `rouge_score` with its stemmer.
#[test]
fn scitldr() {
    let Some(suite) = load("scitldr") else {
        return;
    };
    let (lines, expected) = recorded("scitldr");
    assert_eq!(Some(suite.samples.len() as u64), expected["n"].as_u64());
    let names = [
        (Metric::Rouge1Stemmed, "rouge1"),
        (Metric::Rouge2Stemmed, "rouge2"),
        (Metric::RougeLStemmed, "rougeL"),
    ];
    let mut sum = Parts::new();
    let (settings, mut character_scores) = (chrf::Settings::default(), 0.0);
    for (at, (sample, line)) in suite.samples.iter().zip(&lines).enumerate() {
        assert_eq!(sample.id, line["id"].as_str().unwrap());
        let prediction = line["prediction"].as_str().unwrap();
        let references: Vec<&str> =
            sample.expected.as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        let counts = chrf::Counts::of(prediction, &references, &settings).unwrap();
        character_scores += counts.score(&settings);
        let score = score(&suite, &sample, prediction.to_owned());
        assert_eq!(Some(score.primary), Metric::RougeLStemmed.finish(&score.parts));
        if let Some(expected) = expected["first_10"].get(at) {
            for (metric, name) in names {
                assert_close(metric.finish(&score.parts), &expected[name], &sample.id);
            }
        }
        metrics::add(&mut sum, &score.parts);
    }
    for (metric, name) in names {
        assert_close(metric.finish(&sum), &expected["mean_fmeasure"][name], name);
    }
    let mean = character_scores / suite.samples.len() as f64;
    assert_close(Some(mean), &expected["chrf_mean_sentence"], "chrF");
}

/// Answers of a lexical baseline, by the official script of SQuAD 2.0: as they are, and with those
/// left empty that are less probable than no answer.
#[test]
fn squad2_dev() {
    let Some(suite) = load("squad2-dev") else {
        return;
    };
    assert!(suite.warnings.is_empty(), "{:?}", suite.warnings);

    let (lines, expected) = recorded("squad2_dev");
    let answers: HashMap<&str, &Value> =
        lines.iter().map(|line| (line["id"].as_str().unwrap(), line)).collect();
    let samples: Vec<Sample> = suite.samples.iter().collect();
    for (name, threshold) in [("no_threshold", 1.0), ("threshold_0.5", 0.5)] {
        let expected = &expected[name];
        let mut sums = HashMap::from([("", Parts::new())]);
        let mut questions = Vec::new();
        for sample in &samples {
            let line = answers[sample.id.as_str()];
            let (answer, no_answer) =
                (line["prediction"].as_str().unwrap(), line["na_prob"].as_f64().unwrap());
            let said = if no_answer > threshold { "" } else { answer };
            let score = score(&suite, sample, said.to_owned());
            let golds: Vec<&str> =
                sample.expected.as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
            let part = if golds.is_empty() { "NoAns_" } else { "HasAns_" };
            for part in ["", part] {
                metrics::add(sums.entry(part).or_default(), &score.parts);
            }
            questions.push(Question { golds, answer, no_answer });
        }
        for (part, sum) in sums {
            let mean = |metric: Metric| metric.finish(&sum).map(|mean| 100.0 * mean);
            let expected = |figure: &str| &expected[format!("{part}{figure}")];
            assert_eq!(Some(sum["n"]), expected("total").as_f64(), "{name} {part}");
            assert_close(mean(Metric::ExactMatch), expected("exact"), part);
            assert_close(mean(Metric::TokenF1), expected("f1"), part);
        }
        let report = squad_v2::report(&questions, threshold).unwrap();
        assert_close(Some(report.best_exact.figure), &expected["best_exact"], name);
        assert_close(Some(report.best_exact.threshold), &expected["best_exact_thresh"], name);
        assert_close(Some(report.best_f1.figure), &expected["best_f1"], name);
        assert_close(Some(report.best_f1.threshold), &expected["best_f1_thresh"], name);
    }
}
