//! scikit-learn 1.9.1.

use rightsize_suites::metrics::multilabel::report;
use rightsize_suites::metrics::{self, Metric, Parts};
use rightsize_suites::tasks::classification::{Axis, Classification, Label};
use rightsize_suites::{Reading, Sample, Task};
use serde_json::{Value, json};

use crate::support::{assert_close, cases, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn label_sets_as_scikit_learn() {
    for case in cases("multilabel.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let (truth, predicted) = (rows(&case["true"]), rows(&case["pred"]));
        let pairs: Vec<_> = truth.into_iter().zip(predicted).collect();
        let report = report(&pairs, &texts(&case["labels"])).unwrap();
        for (name, value) in
            [("subset_accuracy", report.subset_accuracy), ("hamming_loss", report.hamming_loss)]
        {
            assert_close(Some(value), &expected[name], TOLERANCE, &format!("{id} {name}"));
        }
        for (name, scores) in [
            ("micro", report.micro),
            ("macro", report.macro_average),
            ("weighted", report.weighted),
            ("samples", report.samples),
        ] {
            // The reference takes an indicator matrix of one column for a binary task.
            let Some(wanted) = expected.get(name) else {
                continue;
            };
            let what = format!("{id} {name}");
            assert_close(Some(scores.precision), &wanted[0], TOLERANCE, &what);
            assert_close(Some(scores.recall), &wanted[1], TOLERANCE, &what);
            assert_close(Some(scores.f1), &wanted[2], TOLERANCE, &what);
            let wanted = &expected[format!("jaccard_{name}")];
            assert_close(Some(scores.jaccard), wanted, TOLERANCE, &what);
        }
    }
}

/// The statistics of samples, summed, give the same figures. Two conventions differ on purpose: two
/// empty sets have a Jaccard index of 1, and the F1 of nothing is undefined.
#[test]
fn summed_statistics_as_scikit_learn() {
    for case in cases("multilabel.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let label = |name: &str| Label { name: name.to_owned(), help: None, aliases: Vec::new() };
        let axis = Axis {
            name: "topics".to_owned(),
            expected: "topics".to_owned(),
            labels: texts(&case["labels"]).into_iter().map(label).collect(),
            multiple: true,
            out_of_scope: None,
            ordinal: false,
        };
        let task = Task::Classification(Classification {
            axes: vec![axis],
            json: true,
            primary: Metric::SubsetAccuracy.into(),
        });
        let (truth, predicted) = (rows(&case["true"]), rows(&case["pred"]));
        let mut sum = Parts::new();
        let (mut some, mut no_empty_pair) = (false, true);
        for (truth, predicted) in truth.into_iter().zip(predicted) {
            let empty = truth.is_empty() && predicted.is_empty();
            some |= !empty;
            no_empty_pair &= !empty;
            let sample = Sample {
                id: id.to_string(),
                row: serde_json::Map::new(),
                fields: serde_json::Map::new(),
                expected: json!(truth),
                tags: std::collections::BTreeMap::new(),
                cluster: None,
                line: 1,
            };
            let mut reading = Reading::nothing("json", "");
            reading.value = Some(json!(predicted));
            metrics::add(&mut sum, &task.score(&reading, &sample).unwrap().parts);
        }
        let close = |metric: Metric, wanted: Option<f64>| {
            let what = format!("{id} {}", metric.as_str());
            let wanted = Value::from(wanted.unwrap());
            assert_close(metric.finish(&sum), &wanted, TOLERANCE, &what);
        };
        close(Metric::SubsetAccuracy, expected["subset_accuracy"].as_f64());
        close(Metric::HammingAccuracy, expected["hamming_loss"].as_f64().map(|loss| 1.0 - loss));
        if expected.get("macro").is_some() {
            close(Metric::MacroF1, expected["macro"][2].as_f64());
            if some {
                close(Metric::MicroF1, expected["micro"][2].as_f64());
            }
            if no_empty_pair {
                close(Metric::Jaccard, expected["jaccard_samples"].as_f64());
            }
        }
    }
}

fn rows(value: &Value) -> Vec<Vec<&str>> {
    value.as_array().unwrap().iter().map(texts).collect()
}

#[test]
fn nothing_has_no_scores_and_unknown_labels_do_not_count() {
    assert_eq!(report(&[], &["a"]), None);
    assert_eq!(report(&[(vec!["a"], vec!["a"])], &[]), None);
    let known = report(&[(vec!["a"], vec!["a", "a"])], &["a"]);
    assert_eq!(report(&[(vec!["a"], vec!["a", "stray"])], &["a"]), known);
}
