//! seqeval 1.2.2.

use rightsize_suites::metrics::ner_seqeval::{self, Mode, Scheme};
use rightsize_suites::metrics::precision_recall::Scores;
use serde_json::{Value, json};

use crate::support::{assert_close, cases, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn entities_as_seqeval() {
    for case in cases("ner_seqeval.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let (truth, predicted) = (sequences(&case["true"]), sequences(&case["pred"]));
        let scheme = match case["scheme"].as_str() {
            Some("IOB2") => Scheme::Iob2,
            Some("IOBES") => Scheme::Iobes,
            other => panic!("{id}: scheme {other:?}"),
        };
        for (name, mode) in [("default", Mode::Conlleval), ("strict", Mode::Strict(scheme))] {
            let report = ner_seqeval::report(&truth, &predicted, mode);
            check(report, &expected[name], &format!("{id} {name}"));
        }
        let accuracy = ner_seqeval::token_accuracy(&truth, &predicted);
        assert_close(accuracy, &expected["token_accuracy"], TOLERANCE, &id.to_string());
        assert_eq!(entities(&truth), expected["true_entities_default"], "{id}");
        assert_eq!(entities(&predicted), expected["pred_entities_default"], "{id}");
    }
}

pub fn sequences(value: &Value) -> Vec<Vec<&str>> {
    value.as_array().unwrap().iter().map(texts).collect()
}

/// Entities as the reference writes them: type, first and last token.
fn entities(sequences: &[Vec<&str>]) -> Value {
    let list = |tags: &Vec<&str>| -> Value {
        let spans = ner_seqeval::entities(tags, Mode::Conlleval).unwrap();
        spans.into_iter().map(|s| json!([s.label, s.start, s.end - 1])).collect()
    };
    sequences.iter().map(list).collect()
}

fn check(report: Option<ner_seqeval::Report>, expected: &Value, what: &str) {
    let Some(report) = report else {
        assert!(expected.is_null(), "{what}: refused");
        return;
    };
    let averages = [
        ("micro", Some(report.micro)),
        ("macro", report.macro_average),
        ("weighted", Some(report.weighted)),
    ];
    for (name, scores) in averages {
        check_scores(scores, &expected[name], &format!("{what} {name}"));
    }
    let types = expected["per_type"].as_object().unwrap();
    assert_eq!(report.per_type.keys().collect::<Vec<_>>(), types.keys().collect::<Vec<_>>());
    for (name, counts) in &report.per_type {
        let what = format!("{what} {name}");
        check_scores(Some(counts.scores()), &types[name], &what);
        assert_close(Some(counts.gold), &types[name][3], TOLERANCE, &what);
    }
}

pub fn check_scores(scores: Option<Scores>, expected: &Value, what: &str) {
    assert_close(scores.map(|s| s.precision), &expected[0], TOLERANCE, what);
    assert_close(scores.map(|s| s.recall), &expected[1], TOLERANCE, what);
    assert_close(scores.map(|s| s.f1), &expected[2], TOLERANCE, what);
}

#[test]
fn what_seqeval_refuses_is_undefined() {
    let report = ner_seqeval::report;
    assert_eq!(report(&[vec!["O"]], &[vec!["O", "O"]], Mode::Conlleval), None);
    assert_eq!(report(&[vec!["O"]], &[vec![""]], Mode::Conlleval), None);
    assert_eq!(report(&[vec!["O"]], &[vec!["S-PER"]], Mode::Strict(Scheme::Iob2)), None);
    assert_eq!(ner_seqeval::token_accuracy(&[vec![]], &[vec![]]), None);
}
