//! sacrebleu's BLEU.

use rightsize_suites::metrics::bleu::{Counts, Settings, Smoothing, Tokenizer};
use serde_json::Value;

use crate::support::{assert_close, cases, numbers, segments};

const TOLERANCE: f64 = 1e-9;

#[test]
fn bleu_as_sacrebleu() {
    for case in cases("bleu.json") {
        let settings = settings(&case);
        let mut counts = Counts::default();
        for (hypothesis, references) in segments(&case) {
            counts.add(&Counts::of(hypothesis, &references, &settings).unwrap());
        }
        let bleu = counts.bleu(&settings);
        let (expected, id) = (&case["expected"], &case["id"]);
        assert_eq!(reported(&counts.matches, &counts, &settings), expected["counts"], "{id}");
        assert_eq!(reported(&counts.totals, &counts, &settings), expected["totals"], "{id}");
        let precisions = numbers(&expected["precisions"]);
        assert_eq!(bleu.precisions.len(), precisions.len(), "{id}");
        for (precision, expected) in bleu.precisions.iter().zip(precisions) {
            let what = format!("{id} precision");
            assert_close(Some(*precision), &expected.into(), TOLERANCE, &what);
        }
        for (name, figure) in [
            ("sys_len", counts.hypothesis_length),
            ("ref_len", counts.reference_length),
            ("bp", bleu.brevity_penalty),
            ("score", bleu.score),
        ] {
            assert_close(Some(figure), &expected[name], TOLERANCE, &format!("{id} {name}"));
        }
    }
}

/// The counts as sacrebleu reports them: with what add-k smoothing adds, where anything matches.
fn reported(values: &[f64], counts: &Counts, settings: &Settings) -> Value {
    let more = match settings.smoothing {
        Smoothing::AddK(k) if counts.matches.iter().any(|matches| *matches > 0.0) => k,
        _ => 0.0,
    };
    let reported = |(i, value): (usize, &f64)| if i > 0 { value + more } else { *value };
    values.iter().enumerate().map(reported).map(|value| value as u64).collect()
}

fn settings(case: &Value) -> Settings {
    let value = case["smooth_value"].as_f64();
    Settings {
        tokenizer: match case["tokenize"].as_str().unwrap() {
            "none" => Tokenizer::White,
            "13a" => Tokenizer::Mteval13a,
            "intl" => Tokenizer::International,
            "char" => Tokenizer::Characters,
            "zh" => Tokenizer::Chinese,
            other => panic!("unknown tokenizer {other}"),
        },
        lowercase: case["lowercase"].as_bool().unwrap(),
        max_order: u8::try_from(case["max_ngram_order"].as_u64().unwrap()).unwrap(),
        smoothing: match case["smooth_method"].as_str().unwrap() {
            "none" => Smoothing::Nothing,
            "floor" => Smoothing::Floor(value.unwrap_or(0.1)),
            "add-k" => Smoothing::AddK(value.unwrap_or(1.0)),
            "exp" => Smoothing::Exponential,
            other => panic!("unknown smoothing {other}"),
        },
        effective_order: case["effective_order"].as_bool().unwrap(),
    }
}
