//! The official extraction of openai/grade-school-math.

use rightsize_suites::metrics::gsm8k_extract::{extract, is_correct};

use crate::support::cases;

/// The word of the official script for a missing answer.
const INVALID: &str = "[invalid]";

#[test]
fn gsm8k_as_the_official_script() {
    for case in cases("gsm8k_extract.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let completion = case["completion"].as_str().unwrap();
        let gold = case["gold_answer"].as_str().unwrap();
        let extracted = extract(completion);
        assert_eq!(extracted.as_deref().unwrap_or(INVALID), expected["extracted"], "{id}");
        assert_eq!(extract(gold).as_deref().unwrap_or(INVALID), expected["gold"], "{id}");
        assert_eq!(is_correct(completion, gold), expected["is_correct"].as_bool(), "{id}");
    }
}

#[test]
fn a_gold_solution_without_answer_decides_nothing() {
    assert_eq!(is_correct("#### 1", "one"), None);
    assert_eq!(is_correct("", ""), None);
}
