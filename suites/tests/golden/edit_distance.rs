//! rapidfuzz, and the error rates made of its distances.

use rightsize_suites::metrics::edit_distance as distance;
use rightsize_suites::tasks::extraction::Compare;

use crate::support::{assert_close, cases};

const TOLERANCE: f64 = 1e-9;

#[test]
fn distances_as_rapidfuzz() {
    for case in cases("edit_distance.json") {
        let (a, b) = (case["a"].as_str().unwrap(), case["b"].as_str().unwrap());
        let counts = [
            ("levenshtein", distance::levenshtein(a, b)),
            ("osa", distance::osa(a, b)),
            ("damerau_levenshtein", distance::damerau_levenshtein(a, b)),
            ("indel", distance::insertions_and_deletions(a, b)),
            ("lcs_length", distance::lcs_length(a, b)),
            ("word_edits_b_to_a", distance::word_edits(b, a)),
        ];
        let figures = [
            ("levenshtein_normalized_similarity", Some(distance::levenshtein_similarity(a, b))),
            ("jaro", Some(distance::jaro(a, b))),
            ("jaro_winkler", Some(distance::jaro_winkler(a, b))),
            ("fuzz_ratio", Some(distance::ratio(a, b))),
            ("fuzz_token_sort_ratio", Some(distance::token_sort_ratio(a, b))),
            ("fuzz_token_set_ratio", Some(distance::token_set_ratio(a, b))),
            ("fuzz_partial_ratio", Some(distance::partial_ratio(a, b))),
            ("wer_reference_a", distance::wer(b, a)),
            ("cer_reference_a", distance::cer(b, a)),
        ];
        let expected = case["expected"].as_object().unwrap();
        assert_eq!(expected.len(), counts.len() + figures.len(), "{}", case["id"]);
        for (name, count) in counts {
            assert_eq!(expected[name], count, "{} {name}", case["id"]);
        }
        for (name, figure) in figures {
            let what = format!("{} {name}", case["id"]);
            assert_close(figure, &expected[name], TOLERANCE, &what);
        }
    }
}

/// The comparator `fuzzy` has the normalised similarity as its threshold: that of a pair is reached,
/// a larger one is not. Only pairs that its case and white space rules leave as they are.
#[test]
fn fuzzy_compares_by_the_normalised_similarity() {
    let mut compared = 0;
    for case in cases("edit_distance.json") {
        let (a, b) = (case["a"].as_str().unwrap(), case["b"].as_str().unwrap());
        let folded = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
            words.join(" ")
        };
        let similarity = case["expected"]["levenshtein_normalized_similarity"].as_f64().unwrap();
        if folded(a) != a || folded(b) != b || similarity == 0.0 {
            continue;
        }
        compared += 1;
        let equal = |threshold| Compare::Fuzzy { threshold }.equal(&a.into(), &b.into());
        assert!(equal(similarity), "{}", case["id"]);
        assert!(similarity == 1.0 || !equal(similarity + TOLERANCE), "{}", case["id"]);
    }
    eprintln!("{compared} pairs");
    assert!(compared > 50);
}
