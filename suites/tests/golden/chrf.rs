//! sacrebleu's chrF and chrF++.

use rightsize_suites::metrics::chrf::{Counts, Settings};
use serde_json::Value;

use crate::support::{assert_close, cases, segments};

const TOLERANCE: f64 = 1e-9;

#[test]
fn chrf_as_sacrebleu() {
    for case in cases("chrf.json") {
        let settings = settings(&case);
        let sentences = case["expected"]["sentence_scores"].as_array().unwrap();
        let segments = segments(&case);
        assert_eq!(segments.len(), sentences.len(), "{}", case["id"]);
        let mut sum = Counts::default();
        for ((hypothesis, references), expected) in segments.into_iter().zip(sentences) {
            let counts = Counts::of(hypothesis, &references, &settings).unwrap();
            let what = format!("{} sentence", case["id"]);
            assert_close(Some(counts.score(&settings)), expected, TOLERANCE, &what);
            sum.add(&counts);
        }
        let what = format!("{} corpus", case["id"]);
        assert_close(Some(sum.score(&settings)), &case["expected"]["score"], TOLERANCE, &what);
    }
}

fn settings(case: &Value) -> Settings {
    let order = |name: &str| u8::try_from(case[name].as_u64().unwrap()).unwrap();
    let is = |name: &str| case[name].as_bool().unwrap();
    Settings {
        char_order: order("char_order"),
        word_order: order("word_order"),
        beta: case["beta"].as_f64().unwrap(),
        lowercase: is("lowercase"),
        whitespace: is("whitespace"),
        eps_smoothing: is("eps_smoothing"),
    }
}
