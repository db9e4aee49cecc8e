//! nervaluate 1.2.1.

use rightsize_suites::metrics::ner_nervaluate::{Scheme, Tally, compare, compare_type};
use rightsize_suites::metrics::spans::Span;
use serde_json::Value;

use crate::support::{assert_close, cases};

const TOLERANCE: f64 = 1e-9;

pub const SCHEMES: [(&str, Scheme); 4] = [
    ("strict", Scheme::Strict),
    ("exact", Scheme::Exact),
    ("partial", Scheme::Partial),
    ("ent_type", Scheme::EntityType),
];

#[test]
fn span_schemes_as_nervaluate() {
    for case in cases("ner_nervaluate.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let (gold, predicted) = (documents(&case["true"]), documents(&case["pred"]));
        assert_eq!(gold.len(), predicted.len(), "{id}");
        for (name, scheme) in SCHEMES {
            let sum = |tally: &dyn Fn(&[Span<'_>], &[Span<'_>]) -> Tally| {
                let mut sum = Tally::default();
                gold.iter().zip(&predicted).for_each(|(gold, pred)| sum += tally(gold, pred));
                sum
            };
            let overall = sum(&|gold, predicted| compare(gold, predicted, scheme));
            check(overall, &expected["overall"][name], &format!("{id} {name}"));
            for (label, expected) in expected["per_label"].as_object().into_iter().flatten() {
                let tally = sum(&|gold, predicted| compare_type(gold, predicted, label, scheme));
                check(tally, &expected[name], &format!("{id} {name} {label}"));
            }
        }
    }
}

/// The spans of each document; the reference writes inclusive ends.
pub fn documents(value: &Value) -> Vec<Vec<Span<'_>>> {
    value.as_array().unwrap().iter().map(spans).collect()
}

fn spans(document: &Value) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    for value in document.as_array().unwrap() {
        let start = value["start"].as_u64().unwrap() as usize;
        let end = value["end"].as_u64().unwrap() as usize + 1;
        spans.push(Span { start, end, label: value["label"].as_str().unwrap() });
    }
    spans
}

pub fn check(tally: Tally, expected: &Value, what: &str) {
    for (name, value) in [
        ("correct", tally.correct),
        ("incorrect", tally.incorrect),
        ("partial", tally.partial),
        ("missed", tally.missed),
        ("spurious", tally.spurious),
        ("possible", tally.possible()),
        ("actual", tally.actual()),
        ("precision", tally.precision()),
        ("recall", tally.recall()),
        ("f1", tally.f1()),
    ] {
        assert_close(Some(value), &expected[name], TOLERANCE, &format!("{what} {name}"));
    }
}
