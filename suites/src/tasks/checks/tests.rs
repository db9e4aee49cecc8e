use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::metrics;

fn task() -> Checks {
    Checks { columns: vec![EXPECTED.to_owned()], ..Checks::new(EXPECTED) }
}

fn expected(checks: Value) -> Value {
    let row = json!({ EXPECTED: checks });
    task().expected_in(row.as_object().unwrap()).unwrap_or_else(|bad| panic!("{}", bad.message))
}

fn score(answer: &str, checks: Value) -> Score {
    let reading = task().read(answer);
    task().score(reading.value.as_ref(), &expected(checks)).unwrap()
}

/// Whether one check holds.
fn holds(answer: &str, check: Value) -> bool {
    score(answer, check).primary == 1.0
}

/// Forms of a text, and the mapping that each is kept as.
#[test]
fn texts_are_parted_into_kind_threshold_and_value() {
    for (text, kept) in [
        ("Paris", json!({"type": "equals", "value": "Paris"})),
        ("equals: Paris", json!({"type": "equals", "value": "Paris"})),
        ("contains:Paris", json!({"type": "contains", "value": "Paris"})),
        ("not-contains: a: b", json!({"type": "not-contains", "value": "a: b"})),
        ("icontains-any: a, b", json!({"type": "icontains-any", "value": "a, b"})),
        ("is-json", json!({"type": "is-json"})),
        ("not-is-json", json!({"type": "not-is-json"})),
        (
            "levenshtein(3): Paris",
            json!({"type": "levenshtein", "value": "Paris", "threshold": 3.0}),
        ),
        // Words that name a kind only with a value behind them, and words that name none.
        ("cost", json!({"type": "equals", "value": "cost"})),
        ("contains", json!({"type": "equals", "value": "contains"})),
        ("note: late", json!({"type": "equals", "value": "note: late"})),
        ("levenshtein(x): y", json!({"type": "equals", "value": "levenshtein(x): y"})),
    ] {
        assert_eq!(expected(json!(text)), json!({"checks": [kept]}), "{text}");
    }
    for (text, more) in [
        ("Paris", false),
        ("contains: Paris", true),
        ("equals: a", true),
        ("is-json", true),
        ("javascript: true", false),
    ] {
        assert_eq!(says_more(&json!(text)), more, "{text}");
    }
}

/// Cases whose outcome follows from the documentation of promptfoo's deterministic assertions.
#[test]
fn each_kind_by_hand() {
    let schema =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
    for (check, answer, right) in [
        (json!("equals: Paris"), "Paris", true),
        (json!("equals: Paris"), "paris", false),
        (json!("Paris"), "Paris ", false),
        (json!({"type": "equals", "value": {"a": 1, "b": [2]}}), r#"{"b":[2],"a":1.0}"#, true),
        (json!({"type": "equals", "value": {"a": 1}}), "a", false),
        (json!({"type": "not-equals", "value": {"a": 1}}), "a", true),
        (json!("contains: Paris"), "It is Paris.", true),
        (json!("contains: paris"), "It is Paris.", false),
        (json!("icontains: paris"), "It is PARIS.", true),
        (json!("not-icontains: paris"), "It is PARIS.", false),
        (json!("contains-any: Lyon, Paris"), "It is Paris.", true),
        (json!("contains-all: Lyon, Paris"), "It is Paris.", false),
        (json!("icontains-all: \"a, b\", c"), "C and A, B", true),
        (json!({"type": "icontains-any", "value": ["x, y", "z"]}), "x y", false),
        (json!("starts-with: It"), "It is", true),
        (json!("starts-with: is"), "It is", false),
        (json!("ends-with: is"), "It is", true),
        (json!(r"regex: ^\d{4}-\d\d$"), "2026-01", true),
        (json!(r"not-regex: \d"), "none", true),
        (json!("is-json"), "{\"a\": 1}", true),
        (json!("is-json"), "a", false),
        (json!({"type": "is-json", "value": schema}), "{\"a\": 1}", true),
        (json!({"type": "is-json", "value": schema}), "{\"a\": \"1\"}", false),
        (json!({"type": "not-is-json", "value": schema}), "{\"b\": 1}", true),
        (json!("contains-json"), "Here: {\"a\": 1}", true),
        (json!("contains-json"), "[{\"a\": 1}]", true),
        (json!("contains-json"), "5", false),
        (
            json!({"type": "contains-json", "value": schema.to_string()}),
            "x {\"b\": 1} {\"a\": 2}",
            true,
        ),
        (json!({"type": "not-contains-json", "value": schema}), "x {\"b\": 1}", true),
        // Kitten and sitting are three edits apart, and five are borne.
        (json!("levenshtein: kitten"), "sitting", true),
        (json!("levenshtein(2): kitten"), "sitting", false),
        // Two of three words are shared: P 2/3, R 2/3.
        (json!("rouge-n(0.66): one two three"), "one two four", true),
        (json!("rouge-n: one two three"), "one two four", false),
        (json!("bleu(1): one two three four five"), "one two three four five", true),
        (json!("bleu: one two three four five"), "six seven", false),
        (json!("word-count: 3"), " one two  three ", true),
        (json!({"type": "word-count", "value": {"min": 2, "max": 3}}), "one", false),
        (json!({"type": "not-word-count", "value": {"max": 3}}), "a b c d", true),
    ] {
        assert_eq!(holds(answer, check.clone()), right, "{check} {answer}");
    }
}

#[test]
fn a_threshold_is_for_the_weighted_mean() {
    let checks = json!([
        {"type": "contains", "value": "a", "weight": 3},
        {"type": "contains", "value": "b", "metric": "tone"},
    ]);
    let one = score("a", checks.clone());
    assert_eq!((one.primary, one.parts["check_score"]), (0.0, 0.75));
    assert_eq!(
        (one.parts["tp:contains"], one.parts["fn:tone"], one.parts["fp:tone"]),
        (1.0, 1.0, 1.0)
    );
    assert_eq!(one.detail, json!({"contains": {"exact": 1}, "tone": {"wrong": 1}}));
    for (threshold, passed) in [("0.75", 1.0), ("0.8", 0.0)] {
        let row = json!({EXPECTED: checks, "__threshold": threshold});
        let wanted = task().expected_in(row.as_object().unwrap()).unwrap();
        let reading = task().read("a");
        assert_eq!(task().score(reading.value.as_ref(), &wanted).unwrap().primary, passed);
    }
}

#[test]
fn columns_count_in_the_order_of_their_numbers() {
    let names = ["q", "__expected10", "__expected2", "__expected", "__expected_by", "__threshold"];
    assert_eq!(columns_of(EXPECTED, &names), ["__expected", "__expected2", "__expected10"]);
    let row = json!({"__expected": "contains: a", "__expected2": null, "__expected10": "is-json"});
    let task = Checks { columns: columns_of(EXPECTED, &names), ..task() };
    let wanted = task.expected_in(row.as_object().unwrap()).unwrap();
    assert_eq!(wanted["checks"].as_array().unwrap().len(), 2);
}

#[test]
fn an_empty_answer_passes_nothing() {
    let nothing = score(" \n", json!("not-contains: a"));
    assert_eq!((nothing.primary, nothing.parts["n"]), (0.0, 1.0));
    assert_eq!(nothing.detail, json!({"not-contains": {"missing": 1}}));
}

#[test]
fn what_cannot_be_judged_is_refused_with_a_reason() {
    let refusal = |check: Value| {
        let row = json!({ EXPECTED: check });
        let bad = task().expected_in(row.as_object().unwrap()).unwrap_err();
        format!("{} / {}", bad.message, bad.remedy.unwrap_or_default())
    };
    for (check, says) in [
        (json!("javascript: output.length > 3"), "it runs code"),
        (json!("file://check.py"), "another file"),
        (json!("grade: is polite"), "a model would have to judge"),
        (json!("similar(0.8): Hi"), "a model would have to judge"),
        (json!("is-refusal"), "it is not built"),
        (json!("latency(200): x"), "measures the call"),
        (json!("trajectory:tool-used: x"), "tool_use"),
        (json!({"type": "contain", "value": "x"}), "did you mean `contains`?"),
        (json!({"value": "x"}), "has no `type`"),
        (json!({"type": "contains", "valeu": "x"}), "`valeu` is no key"),
        (json!({"type": "contains", "value": "x", "threshold": 0.5}), "has no threshold"),
        (json!({"type": "contains", "value": "x", "weight": -1}), "no number of 0 or more"),
        (json!({"type": "contains"}), "no text"),
        (json!(r"regex: (?=a)"), "look-around"),
        (json!(r"regex: (a{1000}){1000}"), "too large"),
        (json!({"type": "is-json", "value": {"type": 7}}), "no JSON Schema"),
        (json!("is-json: 5"), "is no schema"),
        (json!("rouge-n: Привет"), "ROUGE sees no word"),
        (json!({"type": "word-count", "value": {"min": 3, "max": 2}}), "no number of words"),
        (json!(""), "there is no check"),
        (json!([[1]]), "is no check"),
    ] {
        let refusal = refusal(check.clone());
        assert!(refusal.contains(says), "{check}: {refusal}");
    }
}

/// Texts that pass are made where checks say enough, and none where they contradict each other.
#[test]
fn answers_are_made_of_checks() {
    for checks in [
        json!("Paris"),
        json!(["contains: Paris", "icontains: france", "not-contains: Lyon"]),
        json!(["starts-with: Dear", "contains-all: a, b", "ends-with: Yours"]),
        json!([r"regex: ^Dr\. [A-Z]\w+ \d{2,}$"]),
        json!(["is-json", "contains: total"]),
        json!({"type": "is-json", "value": {"type": "object", "required": ["a", "b"],
            "properties": {"a": {"enum": ["x"]}, "b": {"type": "array", "minItems": 2,
            "items": {"type": "string", "minLength": 3}}}}}),
        json!(["contains: price", {"type": "contains-json", "value": {"required": ["a"],
            "properties": {"a": {"type": "number", "minimum": 5}}}}]),
        json!(["contains: Paris", {"type": "word-count", "value": {"min": 12, "max": 20}}]),
        json!(["not-contains: x", "not-is-json"]),
        json!("bleu: one two three four five six"),
    ] {
        let wanted = expected(checks.clone());
        let made = task().write(&wanted);
        if checks == json!(["is-json", "contains: total"]) {
            assert_eq!(made, "", "no value is known that has the word in it");
            continue;
        }
        let reading = task().read(&made);
        let score = task().score(reading.value.as_ref(), &wanted).unwrap();
        assert_eq!(score.primary, 1.0, "{checks}: {made}");
    }
    assert_eq!(task().write(&expected(json!(["contains: a", "not-contains: a"]))), "");
}

fn check() -> impl Strategy<Value = String> {
    let kinds = Kind::ALL.map(Kind::word).to_vec();
    (any::<bool>(), prop::sample::select(kinds), "(\\([0-9.]{0,3}\\))?", "\\PC{0,20}").prop_map(
        |(negated, kind, threshold, value)| {
            format!("{}{kind}{threshold}:{value}", if negated { "not-" } else { "" })
        },
    )
}

proptest! {
    /// Whatever a cell holds, it is read or refused; what is read is kept in a form that reads as the
    /// same checks, and scores stay in range.
    #[test]
    fn any_check_on_any_answer(checks in prop::collection::vec(check(), 1..4), answer in "\\PC{0,40}") {
        let row = json!({ EXPECTED: checks });
        let Ok(wanted) = task().expected_in(row.as_object().unwrap()) else { return Ok(()) };
        let again = json!({ EXPECTED: wanted["checks"] });
        prop_assert_eq!(&task().expected_in(again.as_object().unwrap()).unwrap(), &wanted);
        let reading = task().read(&answer);
        let score = task().score(reading.value.as_ref(), &wanted).unwrap();
        prop_assert!((0.0..=1.0).contains(&score.parts["check_score"]));
        let made = task().write(&wanted);
        if !made.is_empty() {
            let reading = task().read(&made);
            prop_assert_eq!(task().score(reading.value.as_ref(), &wanted).unwrap().primary, 1.0);
        }
    }

    #[test]
    fn statistics_are_additive(answers in prop::collection::vec("[ab ]{0,4}", 1..20)) {
        let mut sum = Parts::new();
        let mut passed = 0.0;
        for answer in &answers {
            metrics::add(&mut sum, &score(answer, json!(["contains: a", "contains: b"])).parts);
            passed += f64::from(u8::from(answer.contains('a') && answer.contains('b')));
        }
        let rate = Metric::PassRate.finish(&sum).unwrap();
        prop_assert!((rate - passed / answers.len() as f64).abs() < 1e-12);
    }
}
