//! rapidfuzz, and the error rates made of its distances.

use rightsize_suites::metrics::edit_distance as distance;

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
