//! Set arithmetic; character scores of scikit-learn 1.9.1.

use rightsize_suites::metrics::precision_recall::Counts;
use rightsize_suites::metrics::spans::Span;
use rightsize_suites::metrics::spans_pii;
use serde_json::Value;

use crate::support::{assert_close, cases};

const TOLERANCE: f64 = 1e-9;

#[test]
fn spans_as_sets_and_as_characters() {
    for case in cases("spans_pii.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let text = case["text"].as_str().unwrap();
        let (gold, predicted) = (spans(&case["gold"]), spans(&case["pred"]));
        let length = text.chars().count();
        assert_eq!(length, expected["length_code_points"], "{id}");
        assert_eq!(text.len(), expected["length_utf8_bytes"], "{id}");
        let surfaces: Vec<&str> = gold.iter().map(|s| spans_pii::surface(text, *s)).collect();
        assert_eq!(Value::from(surfaces), expected["gold_surface"], "{id}");
        for (name, counts) in [
            ("exact_labelled", spans_pii::exact_labelled(&gold, &predicted)),
            ("exact_unlabelled", spans_pii::exact_unlabelled(&gold, &predicted)),
            ("character", spans_pii::characters(length, &gold, &predicted)),
        ] {
            check(counts, &expected[name], &format!("{id} {name}"));
        }
        let leaks = spans_pii::not_fully_covered(length, &gold, &predicted);
        assert_eq!(leaks, expected["gold_spans_not_fully_covered"], "{id}");
    }
}

fn spans(list: &Value) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    for value in list.as_array().unwrap() {
        let start = value[0].as_u64().unwrap() as usize;
        let end = value[1].as_u64().unwrap() as usize;
        spans.push(Span { start, end, label: value[2].as_str().unwrap() });
    }
    spans
}

fn check(counts: Counts, expected: &Value, what: &str) {
    for (name, value) in [
        ("tp", counts.tp),
        ("predicted", counts.predicted),
        ("gold", counts.gold),
        ("precision", counts.precision()),
        ("recall", counts.recall()),
        ("f1", counts.f(1.0)),
        ("f2", counts.f(2.0)),
        ("f0.5", counts.f(0.5)),
    ] {
        assert_close(Some(value), &expected[name], TOLERANCE, &format!("{what} {name}"));
    }
}

#[test]
fn offsets_beyond_the_text_cover_nothing() {
    let label = "PERSON";
    let inside = Span { start: 1, end: 2, label };
    let across = Span { start: 1, end: usize::MAX, label };
    let beyond = Span { start: 7, end: 9, label };
    let reversed = Span { start: 2, end: 0, label };
    assert_eq!(spans_pii::surface("aß", across), "ß");
    assert_eq!(spans_pii::surface("aß", beyond), "");
    assert_eq!(spans_pii::surface("aß", reversed), "");
    let counts = spans_pii::characters(2, &[inside], &[across, beyond, reversed]);
    assert_eq!(counts, Counts { tp: 1.0, predicted: 1.0, gold: 1.0 });
    assert_eq!(spans_pii::not_fully_covered(2, &[across, beyond, reversed], &[inside]), 0);
    assert_eq!(spans_pii::not_fully_covered(3, &[across], &[inside]), 1);
}
