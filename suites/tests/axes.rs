//! Several label axes and label sets on real public data. No public data set here has several axes
//! or label sets of its own, so they are derived: from the tickets' labels and lengths, and from the
//! personal data marked in sentences.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use rightsize_providers::Response;
use rightsize_suites::baselines::{Baseline, Method};
use rightsize_suites::metrics::{self, Parts};
use rightsize_suites::{Measure, Metric, Suite};
use serde_json::{Value, json};

fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if !root.join("datasets").exists() {
        eprintln!("skipped: the public data of {path} is absent");
        return None;
    }
    Some(root.join(path))
}

/// A suite with its rows in files beside it.
fn suite(train: &[Value], test: &[Value], labels: Value, format: &str) -> Suite {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    for (name, rows) in [("train.jsonl", train), ("test.jsonl", test)] {
        write(name, rows.iter().map(|row| format!("{row}\n")).collect());
    }
    let yaml = json!({
        "name": "suite",
        "task": "classification",
        "data": {"train": "train.jsonl", "test": "test.jsonl"},
        "labels": labels,
        "prompt": {"user": "{{ text }}"},
        "answer": {"format": format},
    });
    write("suite.yaml", yaml.to_string());
    Suite::load("suite.yaml", folder.path()).unwrap()
}

/// Rows of a split with three labels each: the category, its first word, and the length in words.
fn tickets(split: &str) -> Option<Vec<Value>> {
    let file = shared("datasets/support_tickets_insurance")?.join(split);
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let (text, category) = line.rsplit_once('\t').unwrap();
        let length = match text.split_whitespace().count() {
            0..35 => "short",
            35..45 => "middle",
            _ => "long",
        };
        let area = category.split(' ').next().unwrap();
        json!({"text": text, "category": category, "area": area, "length": length})
    });
    Some(rows.collect())
}

fn values(rows: &[Value], column: &str) -> Vec<String> {
    let all: BTreeSet<&str> = rows.iter().map(|row| row[column].as_str().unwrap()).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// The suite with all axes, and one of categories alone.
fn both() -> Option<(Suite, Suite)> {
    let (train, test) = (tickets("train.tsv")?, tickets("test.tsv")?);
    let category = json!({
        "values": values(&test, "category"), "out_of_scope": "General Inquiries"
    });
    let all = json!({
        "category": category.clone(),
        "area": {"values": values(&test, "area")},
        "length": {"values": ["short", "middle", "long"], "ordinal": true},
    });
    let one = json!({"category": category});
    Some((suite(&train, &test, all, "json"), suite(&train, &test, one, "json")))
}

fn sum(suite: &Suite, method: Method) -> Parts {
    let baseline = Baseline::fit(method, suite, 7).unwrap();
    let mut sum = Parts::new();
    for sample in &suite.samples.iter().collect::<Vec<_>>() {
        let reading = suite.task.read(&baseline.answer(sample));
        assert!(!reading.repaired && reading.schema_valid != Some(false), "{method}");
        metrics::add(&mut sum, &suite.task.score(&reading, sample).unwrap().parts);
    }
    sum
}

#[test]
fn the_oracle_is_right_on_every_axis() {
    let Some((suite, _)) = both() else { return };
    let sum = sum(&suite, Method::Oracle);
    assert_eq!(suite.metrics().len(), 2 + 5 + 2 + 3);
    for measure in suite.metrics() {
        assert_eq!(measure.finish(&sum), Some(1.0), "{measure}");
    }
}

/// What is learnt of one axis does not depend on the others.
#[test]
fn an_axis_is_answered_as_if_it_were_alone() {
    let Some((all, one)) = both() else { return };
    for method in [Method::Majority, Method::Nearest, Method::Linear] {
        let (of_all, of_one) = (sum(&all, method), sum(&one, method));
        for measure in one.metrics() {
            let on_axis = Measure::of_axis(measure.metric, "category");
            assert_eq!(on_axis.finish(&of_all), measure.finish(&of_one), "{method} {measure}");
        }
        let on = |axis| Measure::of_axis(Metric::Accuracy, axis).finish(&of_all).unwrap();
        let axes = ["category", "area", "length"].map(on);
        let mean = Measure::from(Metric::Accuracy).finish(&of_all).unwrap();
        assert!((mean - axes.iter().sum::<f64>() / 3.0).abs() < 1e-12);
        let exact = Metric::ExactMatch.finish(&of_all).unwrap();
        assert!(axes.iter().all(|accuracy| exact <= *accuracy));
        // The area follows from the category, so that it is easier.
        assert!(axes[1] >= axes[0], "{method}");
        eprintln!("{method}: {axes:.3?}, mean {mean:.3}, all right {exact:.3}");
    }
    let [majority, linear] = [Method::Majority, Method::Linear].map(|method| sum(&all, method));
    for axis in ["category", "area"] {
        let accuracy = |sum| Measure::of_axis(Metric::Accuracy, axis).finish(sum).unwrap();
        assert!(accuracy(&linear) > 2.0 * accuracy(&majority), "{axis}");
    }
}

/// Recorded answers on one axis, the others right: the reference's figures on that axis.
#[test]
fn recorded_answers_on_one_axis() {
    let Some((suite, _)) = both() else { return };
    let Some(folder) = shared("replay/support_tickets_insurance") else { return };
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let lines = std::fs::read_to_string(folder.join("predictions.jsonl")).unwrap();
    for who in ["a", "b"] {
        let mut sum = Parts::new();
        let mut pairs = Vec::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let sample = &suite
                .samples
                .get(usize::try_from(line["row"].as_u64().unwrap()).unwrap())
                .unwrap();
            let mut answer = sample.expected.clone();
            answer["category"] = line[who].clone();
            let text = answer.to_string();
            let reading = suite.task.read(&Response { text, ..Response::default() });
            metrics::add(&mut sum, &suite.task.score(&reading, sample).unwrap().parts);
            pairs.push([&line["gold"], &line[who]].map(|l| l.as_str().unwrap().to_owned()));
        }
        let on = |metric| Measure::of_axis(metric, "category").finish(&sum).unwrap();
        let close = |ours: f64, wanted: f64| assert!((ours - wanted).abs() < 1e-12, "{who}");
        let accuracy = expected[who]["accuracy"].as_f64().unwrap();
        close(on(Metric::Accuracy), accuracy);
        close(on(Metric::MacroF1), expected[who]["macro"][2].as_f64().unwrap());
        close(Metric::ExactMatch.finish(&sum).unwrap(), accuracy);
        close(Metric::Accuracy.finish(&sum).unwrap(), (accuracy + 2.0) / 3.0);
        // By hand, from the pairs: what is in scope, and what is held to be out of it.
        let outside = "General Inquiries";
        let share = |of: &dyn Fn(&[String; 2]) -> bool, is: &dyn Fn(&[String; 2]) -> bool| {
            let all = pairs.iter().filter(|pair| of(pair)).count();
            pairs.iter().filter(|pair| of(pair) && is(pair)).count() as f64 / all as f64
        };
        let right = |[truth, predicted]: &[String; 2]| truth == predicted;
        close(on(Metric::InScopeAccuracy), share(&|[truth, _]| truth != outside, &right));
        close(on(Metric::OutOfScopeRecall), share(&|[truth, _]| truth == outside, &right));
        close(on(Metric::OutOfScopePrecision), share(&|[_, said]| said == outside, &right));
    }
}

#[test]
fn random_answers_differ_between_axes() {
    let Some((suite, _)) = both() else { return };
    let sum = sum(&suite, Method::Random);
    assert!(Metric::ExactMatch.finish(&sum).unwrap() < 0.1);
    let length = Measure::of_axis(Metric::Accuracy, "length").finish(&sum).unwrap();
    // 68 draws of three: a third, give or take three standard deviations.
    assert!((length - 1.0 / 3.0).abs() < 3.0 * (2.0_f64 / 9.0 / 68.0).sqrt(), "{length}");
}

/// Which types of personal data a sentence holds: any number of them, also none.
fn sentences() -> Option<Suite> {
    let file = shared("datasets/pii_presidio_synth/synth_dataset_v2.json")?;
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut types = BTreeSet::new();
    let mut rows = Vec::new();
    for item in all.iter().take(900) {
        let spans = item["spans"].as_array().unwrap();
        let own: BTreeSet<&str> =
            spans.iter().map(|span| span["entity_type"].as_str().unwrap()).collect();
        let own: Vec<&str> = own.into_iter().collect();
        rows.push(json!({"text": item["full_text"], "types": own.join("|")}));
        types.extend(own);
    }
    let (train, test) = rows.split_at(600);
    let labels = json!({"types": {"values": types, "multiple": true}});
    Some(suite(train, test, labels, "text"))
}

#[test]
fn label_sets_of_sentences() {
    let Some(suite) = sentences() else { return };
    let sets = suite.samples.iter().map(|s| s.expected.as_array().unwrap().len());
    let sizes: BTreeSet<usize> = sets.collect();
    assert!(sizes.contains(&0) && sizes.iter().max().unwrap() > &2, "{sizes:?}");
    let figures = |method| {
        let sum = sum(&suite, method);
        let of = |metric: Metric| metric.finish(&sum).unwrap_or(0.0);
        let all =
            [Metric::SubsetAccuracy, Metric::MicroF1, Metric::Jaccard, Metric::HammingAccuracy];
        eprintln!("{method}: {:.3?}", all.map(of));
        all.map(of)
    };
    assert_eq!(figures(Method::Oracle), [1.0; 4]);
    let [nearest, majority] = [Method::Nearest, Method::Majority].map(figures);
    assert!(nearest[1] > 2.0 * majority[1] && nearest[2] > majority[2]);
    let random = figures(Method::Random);
    // Each decision is right as often as not.
    assert!((random[3] - 0.5).abs() < 0.03, "{random:?}");
    let unfit = Baseline::fit(Method::Linear, &suite, 7).unwrap_err();
    assert!(unfit.why.contains("any number of them"), "{unfit}");
}
