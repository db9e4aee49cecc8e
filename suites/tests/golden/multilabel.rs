//! scikit-learn 1.9.1.

use rightsize_suites::metrics::multilabel::report;
use serde_json::Value;

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
