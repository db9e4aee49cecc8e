//! Baselines: the figures that scikit-learn gives on public data, and what holds for any suite.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use proptest::prelude::*;
use rightsize_suites::baselines::{Baseline, Method};
use rightsize_suites::metrics::{self, Parts};
use rightsize_suites::{Kept, Measure, Metric, Sample, Samples, Suite, catalog};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn public(name: &str) -> Option<Suite> {
    if !root().join("../shared/datasets").exists() {
        eprintln!("skipped: the public data of {name} is absent");
        return None;
    }
    Some(Suite::load(&format!("tests/suites/{name}/suite.yaml"), &root()).unwrap())
}

fn shipped() -> Vec<Suite> {
    let load = |name| Suite::load(&format!("catalog:{name}"), Path::new("/nowhere"));
    catalog::names().map(|name| load(name).unwrap()).collect()
}

/// A suite that is written here.
fn suite(yaml: &Value) -> Suite {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("suite.yaml"), yaml.to_string()).unwrap();
    Suite::load("suite.yaml", folder.path()).unwrap()
}

fn tickets(train: &[(&str, &str)], test: &[(&str, &str)]) -> Suite {
    let rows = |rows: &[(&str, &str)]| -> Vec<Value> {
        rows.iter().map(|(text, label)| json!({"text": text, "label": label})).collect()
    };
    suite(&json!({
        "name": "tickets",
        "task": "classification",
        "data": {"train": rows(train), "test": rows(test)},
        "labels": {"label": {"values": ["a", "b", "c", "d"]}},
        "prompt": {"user": "{{ text }}"},
    }))
}

fn score(suite: &Suite, baseline: &Baseline, sample: &Sample) -> rightsize_suites::Score {
    suite.task.score(&suite.task.read(&baseline.answer(sample)), sample).unwrap()
}

fn metric(suite: &Suite, baseline: &Baseline, metric: impl Into<Measure>) -> f64 {
    let mut sum = Parts::new();
    for sample in &suite.samples.iter().collect::<Vec<_>>() {
        metrics::add(&mut sum, &score(suite, baseline, sample).parts);
    }
    metric.into().finish(&sum).unwrap()
}

/// Fits a method and gives its accuracy over all test messages.
fn accuracy(suite: &Suite, method: Method) -> f64 {
    let start = Instant::now();
    let baseline = Baseline::fit(method, suite, 7).unwrap();
    let fitted = start.elapsed();
    let accuracy = metric(suite, &baseline, Metric::Accuracy);
    eprintln!("{method}, {} rows: {accuracy:.4}, fitted in {fitted:.1?}", suite.train.len());
    accuracy
}

/// scikit-learn 1.9.1: `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` with
/// `LogisticRegression(C=10, max_iter=1000)`, and with the row of the largest cosine; on all 3,080
/// test messages.
fn assert_scikit_learn(suite: &Suite, linear: f64, nearest: f64) {
    assert_eq!(suite.samples.len(), 3080);
    let (ours, theirs) = (accuracy(suite, Method::Nearest), nearest);
    assert!((ours - theirs).abs() < 0.001, "nearest: {ours} instead of {theirs}");
    if cfg!(debug_assertions) && suite.train.len() > 500 {
        eprintln!("skipped: without optimisation the fit of `linear` takes minutes; use --release");
        return;
    }
    let (ours, theirs) = (accuracy(suite, Method::Linear), linear);
    assert!((ours - theirs).abs() < 0.003, "linear: {ours} instead of {theirs}");
}

/// `rows = list(range(10003)); random.Random(7).shuffle(rows); rows[:2000]` of Python 3.11: the rows
/// of train that the figures for 500 and 2,000 rows were taken with.
fn drawn(suite: &Suite, rows: usize) -> Suite {
    let drawn: Vec<usize> =
        serde_json::from_str(include_str!("inputs/data/banking77_rows.json")).unwrap();
    let mut smaller = suite.clone();
    smaller.train = suite.train.select(drawn[..rows].iter().copied());
    smaller
}

#[test]
fn banking77_with_500_and_2000_rows() {
    let Some(suite) = public("banking77") else { return };
    assert_scikit_learn(&drawn(&suite, 500), 0.5253, 0.4390);
    assert_scikit_learn(&drawn(&suite, 2000), 0.7692, 0.5867);
}

#[test]
fn banking77_with_all_rows() {
    let Some(suite) = public("banking77") else { return };
    assert_eq!(suite.train.len(), 10_003);
    assert_scikit_learn(&suite, 0.8938, 0.7367);
}

/// All methods answer a suite with JSON answers, and better than by chance where they have learnt.
#[test]
fn support_tickets_insurance() {
    let Some(suite) = public("support-tickets-insurance") else { return };
    assert_eq!(suite.train.len(), 68);
    assert_eq!(accuracy(&suite, Method::Oracle), 1.0);
    for method in [Method::Nearest, Method::Linear] {
        assert!(accuracy(&suite, method) > 3.0 * accuracy(&suite, Method::Majority), "{method}");
    }
}

#[test]
fn the_oracle_is_right_everywhere() {
    let public = ["banking77", "support-tickets-insurance"].into_iter().filter_map(public);
    for suite in shipped().into_iter().chain(public) {
        let oracle = Baseline::fit(Method::Oracle, &suite, 7).unwrap();
        for metric_of_suite in suite.metrics() {
            assert_eq!(metric(&suite, &oracle, metric_of_suite), 1.0, "{}", suite.name);
        }
        let others = suite.samples.iter().cycle().skip(1);
        for (sample, other) in suite.samples.iter().zip(others) {
            assert_eq!(score(&suite, &oracle, &sample).primary, 1.0, "{}", sample.id);
            if sample.expected != other.expected {
                let reading = suite.task.read(&oracle.answer(&other));
                let wrong = suite.task.score(&reading, &sample).unwrap();
                assert!(wrong.primary < 1.0, "{}: {} is right too", sample.id, other.id);
            }
        }
    }
}

#[test]
fn random_answers_do_not_depend_on_the_order_of_samples() {
    let mut suite = shipped().swap_remove(0);
    let answers = |suite: &Suite, seed: u64| -> HashMap<String, String> {
        let baseline = Baseline::fit(Method::Random, suite, seed).unwrap();
        suite.samples.iter().map(|s| (s.id.clone(), baseline.answer(&s).text)).collect()
    };
    let first = answers(&suite, 7);
    let labels = suite.task.labels();
    assert!(labels.iter().all(|label| first.values().any(|answer| answer == label)));
    suite.samples = suite.samples.select((0..suite.samples.len()).rev());
    assert_eq!(answers(&suite, 7), first);
    suite.samples = suite.samples.select(0..10);
    assert!(answers(&suite, 7).iter().all(|(id, answer)| first[id] == *answer));
    assert_ne!(answers(&suite, 8)[&suite.samples.get(0).unwrap().id], "");
}

proptest! {
    #[test]
    fn the_majority_has_the_share_of_the_commonest_label(
        labels in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d"]), 1..40),
    ) {
        let rows: Vec<(&str, &str)> = labels.iter().map(|label| ("text", *label)).collect();
        let suite = tickets(&rows, &rows);
        let baseline = Baseline::fit(Method::Majority, &suite, 7).unwrap();
        let count = |label: &&str| labels.iter().filter(|other| *other == label).count();
        let commonest = labels.iter().map(count).max().unwrap();
        let share = commonest as f64 / labels.len() as f64;
        prop_assert!((metric(&suite, &baseline, Metric::Accuracy) - share).abs() < 1e-12);
    }

    /// A text that train has word for word is its own neighbour; a label of train is answered
    /// whatever the text.
    #[test]
    fn the_nearest_row_is_the_row_itself(
        texts in prop::collection::hash_set("[a-e]{2,3}( [a-e]{2,3}){1,4}", 1..20),
    ) {
        let labels = ["a", "b", "c", "d"];
        let rows: Vec<(&str, &str)> =
            texts.iter().map(String::as_str).zip(labels.into_iter().cycle()).collect();
        let suite = tickets(&rows, &rows);
        prop_assert_eq!(accuracy(&suite, Method::Nearest), 1.0);
        let linear = Baseline::fit(Method::Linear, &suite, 7).unwrap();
        let read = |s: &Sample| suite.task.read(&linear.answer(s)).value;
        prop_assert!(suite.samples.iter().all(|s| read(&s).is_some()));
    }
}

#[test]
fn a_text_without_a_known_word_gets_the_commonest_answer() {
    let train = [("one two", "b"), ("three four", "c"), ("five six", "c")];
    let suite = tickets(&train, &[("seven", "a"), ("", "a"), ("two", "a")]);
    let nearest = Baseline::fit(Method::Nearest, &suite, 7).unwrap();
    let answers: Vec<String> = suite.samples.iter().map(|s| nearest.answer(&s).text).collect();
    assert_eq!(answers, ["c", "c", "b"]);
}

/// What is no label is repeated from train as it would be written; only the prompt's columns count.
#[test]
fn answers_in_words_come_from_train() {
    let suite = suite(&json!({
        "name": "faq",
        "task": "faq",
        "data": {
            "train": [
                {"q": "When do you open?", "note": "Where are you?", "answer": ["At nine", "9"]},
                {"q": "Where are you?", "note": "", "answer": "In Bonn"},
                {"q": "In which town are you?", "note": "", "answer": "In Bonn"},
            ],
            "test": [{"q": "when do you open", "note": "", "answer": "9"}],
        },
        "expected": "answer",
        "prompt": {"user": "{{ q }}"},
    }));
    let answer = |method| {
        Baseline::fit(method, &suite, 7).unwrap().answer(&suite.samples.get(0).unwrap()).text
    };
    assert_eq!(answer(Method::Majority), "In Bonn");
    assert_eq!(answer(Method::Nearest), "At nine");
}

/// Obvious patterns on the 1,500 sentences of Presidio's synthetic set. The counts of places that are
/// right, marked and expected are those of Python 3.11's `re` with the same patterns in the same
/// order, where a place that overlaps one of an earlier type is left out.
#[test]
fn patterns_find_personal_data() {
    const TYPES: [(&str, &str, [f64; 3]); 7] = [
        ("EMAIL_ADDRESS", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", [49.0, 49.0, 49.0]),
        ("DOMAIN_NAME", r"https?://\S+/|\bwww\.\S+/", [37.0, 37.0, 37.0]),
        ("IBAN_CODE", r"\b[A-Za-z]{2}\d{2}[A-Za-z]{4}\d{14}\b", [21.0, 21.0, 21.0]),
        ("IP_ADDRESS", r"\b\d{1,3}(?:\.\d{1,3}){3}\b", [13.0, 15.0, 14.0]),
        ("US_SSN", r"\b\d{3}-\d{2}-\d{4}\b", [16.0, 16.0, 16.0]),
        ("CREDIT_CARD", r"\b\d{13,19}\b", [126.0, 126.0, 136.0]),
        (
            "PHONE_NUMBER",
            r"(?:\+\d{1,3}[ -]?)?(?:\(\d{2,4}\)|\d{2,5})(?:[ -]\d{2,4}){2,4}\b",
            [53.0, 83.0, 92.0],
        ),
    ];
    let file = root().join("../shared/datasets/pii_presidio_synth/synth_dataset_v2.json");
    let Ok(text) = std::fs::read(file) else {
        eprintln!("skipped: the public data of pii_presidio_synth is absent");
        return;
    };
    let sentences: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let row = |item: &Value| {
        let known = |s: &&Value| TYPES.iter().any(|(name, _, _)| s["entity_type"] == *name);
        let span = |s: &Value| json!([s["start_position"], s["end_position"], s["entity_type"]]);
        let spans: Vec<Value> =
            item["spans"].as_array().unwrap().iter().filter(known).map(span).collect();
        json!({"text": item["full_text"], "spans": spans})
    };
    let rows: Vec<Value> = sentences.iter().map(row).collect();
    // Written as text: the order of the types counts.
    let types: Vec<String> =
        TYPES.iter().map(|(name, p, _)| format!("  {name}: {{pattern: '{p}'}}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.json"), json!(rows).to_string()).unwrap();
    let yaml = format!(
        "name: pii\ntask: pii\ndata: {{test: rows.json}}\ntypes:\n{}prompt: {{user: '{{{{ text }}}}'}}\n",
        types.concat()
    );
    std::fs::write(folder.path().join("suite.yaml"), yaml).unwrap();
    let suite = Suite::load("suite.yaml", folder.path()).unwrap();
    let baseline = Baseline::fit(Method::Pattern, &suite, 7).unwrap();
    let mut sum = Parts::new();
    for sample in &suite.samples.iter().collect::<Vec<_>>() {
        metrics::add(&mut sum, &score(&suite, &baseline, sample).parts);
    }
    for (name, _, [right, marked, expected]) in TYPES {
        let part = |kind: &str| sum.get(&format!("{kind}:{name}")).copied().unwrap_or(0.0);
        let (tp, fp, missed) = (part("tp"), part("fp"), part("fn"));
        eprintln!("{name}: recall {:.3}, precision {:.3}", tp / (tp + missed), tp / (tp + fp));
        assert_eq!([tp, tp + fp, tp + missed], [right, marked, expected], "{name}");
    }
    // 5,837 of 6,392 code points of personal data, of 6,109 that are marked.
    assert_eq!(Metric::CharacterRecall.finish(&sum), Some(5837.0 / 6392.0));
    assert_eq!(Metric::CharacterPrecision.finish(&sum), Some(5837.0 / 6109.0));
}

#[test]
fn patterns_find_values_of_fields() {
    let suite = suite(&json!({
        "name": "invoices",
        "task": "extraction",
        "data": {"test": [
            {"text": "No. A-7 of 31.01.2026, 2 x pen, 3 x ink. Total: 1.234,50 EUR", "shop": "Ink Ltd",
             "number": "A-7", "day": "2026-01-31", "total": 1234.5, "names": ["ink", "pen"],
             "items": [], "other": null},
            {"text": "nothing here", "shop": "", "number": null, "day": null, "total": null,
             "names": null, "items": null, "other": null},
        ]},
        "fields": {
            "number": {"pattern": "No\\. (\\S+)"},
            "day": {"compare": "date", "pattern": "\\d\\d\\.\\d\\d\\.\\d{4}"},
            "total": {"compare": "money", "pattern": "Total: (.*)"},
            "names": {"list": true, "pattern": "\\d x (\\w+)"},
            "items": {"list": {"name": {}}},
            "other": {},
        },
        "prompt": {"user": "{{ text }}"},
    }));
    let baseline = Baseline::fit(Method::Pattern, &suite, 7).unwrap();
    for sample in &suite.samples.iter().collect::<Vec<_>>() {
        assert_eq!(score(&suite, &baseline, sample).primary, 1.0, "{:?}", baseline.answer(sample));
    }
    let parameters = Method::Pattern.parameters(&suite);
    assert!(parameters.to_string().contains("Total: (.*)"), "{parameters}");
    assert_eq!(Method::Linear.parameters(&suite), Value::Null);
}

#[test]
fn a_method_that_does_not_fit_says_why() {
    let unfit = |method, suite: &Suite| Baseline::fit(method, suite, 7).unwrap_err().to_string();
    let suites = shipped();
    let [_, invoices, _] = suites.as_slice() else { panic!("three suites are shipped") };
    for method in [Method::Majority, Method::Nearest] {
        assert_eq!(
            unfit(method, invoices),
            format!(
                "the baseline `{method}` cannot answer the suite `invoice-extraction`: it learns \
                 from the train split, and there is none\n  help: name rows with expected answers \
                 under `data.train` in the suite's file"
            )
        );
    }
    for method in [Method::Random, Method::Linear] {
        let message = unfit(method, invoices);
        assert!(message.contains("it chooses among labels"), "{message}");
    }
    let message = unfit(Method::Pattern, &pii_without_patterns());
    assert!(message.contains("the suite has none"), "{message}");
    let no_words = tickets(&[("?", "a"), ("x", "b")], &[("two words", "a")]);
    for method in [Method::Nearest, Method::Linear] {
        let message = unfit(method, &no_words);
        assert!(message.contains("hold no word"), "{message}");
    }
    let message = unfit(Method::Pattern, &no_words);
    assert!(message.contains("only extraction and pii have"), "{message}");
    let pii = pii_without_patterns();
    for method in [Method::Majority, Method::Nearest] {
        let message = unfit(method, &pii);
        assert!(message.contains("say nothing of another"), "{message}");
    }
    let oracle = Baseline::fit(Method::Oracle, &pii, 7).unwrap();
    assert_eq!(metric(&pii, &oracle, pii.primary()), 1.0);
}

fn pii_without_patterns() -> Suite {
    suite(&json!({
        "name": "pii",
        "task": "pii",
        "data": {
            "train": [{"text": "Ann", "spans": [[0, 3, "PERSON"]]}],
            "test": [{"text": "Bob wrote", "spans": [[0, 3, "PERSON"]]}],
        },
        "types": ["PERSON"],
        "prompt": {"user": "{{ text }}"},
    }))
}

#[test]
fn a_run_folder_gives_the_train_rows_back() {
    let suite = tickets(&[("one two", "b")], &[("three", "a")]);
    let rows = |samples: &Samples| samples.iter().map(|s| s.row).collect::<Vec<_>>();
    let again = |train| {
        let kept = Kept::new(rows(&suite.samples)).unwrap().train(train).unwrap();
        Suite::from_run_folder(&suite.yaml, &suite.source, kept).unwrap()
    };
    let with_train = again(rows(&suite.train));
    assert_eq!(with_train.train.len(), 1);
    assert_eq!(with_train.train.get(0).unwrap().row, suite.train.get(0).unwrap().row);
    assert_eq!(with_train.sha256, suite.sha256);
    assert!(again(Vec::new()).train.is_empty());
}

#[test]
fn methods_are_named_by_one_word() {
    for method in Method::ALL {
        assert_eq!(serde_json::to_value(method).unwrap(), method.word());
        assert_eq!(serde_json::from_value::<Method>(method.word().into()).unwrap(), method);
        assert_eq!(method.to_string(), method.word());
    }
}
