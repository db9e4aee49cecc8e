//! scikit-learn 1.9.1.

use rightsize_suites::metrics::classification::{self, Average, Rule, Scores, Weighting};
use serde_json::Value;

use crate::support::{assert_close, cases, numbers, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn classification_as_scikit_learn() {
    for case in cases("classification.json") {
        let id = &case["id"];
        let truth = texts(&case["y_true"]);
        let pairs: Vec<_> = truth.into_iter().zip(texts(&case["y_pred"])).collect();
        let expected = &case["expected"];
        let kappa = |weighting| classification::cohen_kappa(&pairs, weighting);
        for (name, value) in [
            ("accuracy", classification::accuracy(&pairs)),
            ("balanced_accuracy", classification::balanced_accuracy(&pairs)),
            ("mcc", classification::mcc(&pairs)),
            ("cohen_kappa", kappa(Weighting::Equal)),
            ("kappa_linear", kappa(Weighting::Linear)),
            ("kappa_quadratic", kappa(Weighting::Quadratic)),
        ] {
            assert_close(value, &expected[name], TOLERANCE, &format!("{id} {name}"));
        }
        let observed = classification::observed_labels(&pairs);
        assert_eq!(observed, texts(&expected["default_labels"]["labels"]), "{id}");
        for set in ["default_labels", "explicit_labels"] {
            if let Some(expected) = expected.get(set) {
                over_labels(&pairs, expected, &format!("{id} {set}"));
            }
        }
    }
}

fn over_labels(pairs: &[(&str, &str)], expected: &Value, what: &str) {
    let labels = texts(&expected["labels"]);
    let per_label = classification::per_label(pairs, &labels, Rule::default());
    assert_eq!(per_label.len(), labels.len(), "{what}");
    for (label, (scores, support)) in labels.iter().zip(per_label) {
        let wanted = numbers(&expected["per_label"][*label]);
        assert_scores(scores, &wanted[..3], &format!("{what} {label}"));
        assert_eq!(support, wanted[3], "{what} {label}");
    }
    let averaged = |average, rule| classification::averaged(pairs, &labels, average, rule).unwrap();
    let rule = Rule::default();
    for (name, scores) in [
        ("micro", averaged(Average::Micro, rule)),
        ("macro", averaged(Average::Macro, rule)),
        ("weighted", averaged(Average::Weighted, rule)),
        ("macro_zero_division_1", averaged(Average::Macro, Rule { zero_division: 1.0, ..rule })),
    ] {
        assert_scores(scores, &numbers(&expected[name]), &format!("{what} {name}"));
    }
    for (name, average, beta) in
        [("f2_macro", Average::Macro, 2.0), ("f05_weighted", Average::Weighted, 0.5)]
    {
        let f = averaged(average, Rule { beta, ..rule }).f;
        assert_close(Some(f), &expected[name], TOLERANCE, &format!("{what} {name}"));
    }
    let macro_f1 = classification::macro_f1(pairs, &labels);
    assert_close(macro_f1, &expected["macro"][2], TOLERANCE, what);
    let confusion = classification::confusion(pairs, &labels);
    assert_eq!(serde_json::to_value(confusion).unwrap(), expected["confusion"], "{what}");
}

fn assert_scores(scores: Scores, wanted: &[f64], what: &str) {
    for (value, wanted) in [scores.precision, scores.recall, scores.f].iter().zip(wanted) {
        assert!((value - wanted).abs() <= TOLERANCE, "{what}: {scores:?}, not {wanted:?}");
    }
}

#[test]
fn nothing_classified_has_no_figures() {
    assert_eq!(classification::accuracy(&[]), None);
    assert_eq!(classification::balanced_accuracy(&[]), None);
    assert_eq!(classification::mcc(&[]), None);
    assert_eq!(classification::cohen_kappa(&[], Weighting::Equal), None);
    for average in [Average::Micro, Average::Macro, Average::Weighted] {
        assert_eq!(classification::averaged(&[], &["a"], average, Rule::default()), None);
        assert_eq!(classification::averaged(&[("a", "a")], &[], average, Rule::default()), None);
    }
}
