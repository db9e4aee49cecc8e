//! Several axes, label sets, labels out of scope and ordered labels.

use proptest::prelude::*;
use serde_json::json;

use super::tests::axis;
use super::*;
use crate::metrics;

fn topics(labels: &[&str]) -> Axis {
    Axis { multiple: true, ..axis("topics", labels) }
}

/// Three axes: one label, an ordered one, a set.
fn tickets() -> Classification {
    let category = Axis {
        out_of_scope: Some("other".into()),
        ..axis("category", &["billing", "login", "other"])
    };
    let priority = Axis { ordinal: true, ..axis("priority", &["low", "normal", "high"]) };
    Classification::new(vec![category, priority, topics(&["refund", "invoice", "crash"])], true)
}

fn score(task: &Classification, text: &str, expected: &Value) -> Score {
    task.score(task.read(text).value.as_ref(), expected).unwrap()
}

#[test]
fn an_answer_has_the_axes_as_keys() {
    let task = tickets();
    let expected =
        json!({"category": "billing", "priority": "high", "topics": ["refund", "crash"]});
    let text = task.write(&expected);
    let reading = task.read(&text);
    assert_eq!(reading.value, Some(expected.clone()));
    assert_eq!((reading.repaired, reading.schema_valid), (false, Some(true)));
    let schema = task.schema().unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert!(jsonschema::is_valid(&schema, &answer));
    assert!(!jsonschema::is_valid(&schema, &json!({"category": "billing", "priority": "high"})));

    let reading = task.read(
        "Sure: {\"priority\": \"HIGH\", \"topics\": [\"crash\", \"refund\"], \"category\": \
         \"Billing\"}",
    );
    assert_eq!(reading.value, Some(expected));
    assert_eq!((reading.repaired, reading.schema_valid), (true, Some(false)));
}

#[test]
fn an_axis_that_is_missing_or_unreadable_is_wrong_alone() {
    let task = tickets();
    let expected = json!({"category": "billing", "priority": "high", "topics": []});
    for text in [
        r#"{"category": "billing", "topics": []}"#,
        r#"{"category": "billing", "priority": "urgent", "topics": []}"#,
        r#"{"category": "billing", "priority": 3, "topics": []}"#,
        r#"{"category": "billing", "priority": "low", "topics": []} {"priority": "high"}"#,
    ] {
        let reading = task.read(text);
        assert_eq!(reading.value, Some(json!({"category": "billing", "topics": []})), "{text}");
        assert_eq!(reading.schema_valid, Some(false), "{text}");
        let score = score(&task, text, &expected);
        assert!((score.primary - 2.0 / 3.0).abs() < 1e-12, "{text}");
        let figure = |name: &str| {
            let measure = task.metrics().into_iter().find(|m| m.to_string() == name).unwrap();
            measure.finish(&score.parts)
        };
        assert_eq!(figure("exact_match"), Some(0.0));
        assert_eq!(figure("accuracy.category"), Some(1.0));
        assert_eq!(figure("accuracy.priority"), Some(0.0));
        assert_eq!(figure("rank_score.priority"), Some(0.0));
        assert_eq!(figure("subset_accuracy.topics"), Some(1.0));
        assert_eq!(score.parts.get("priority/fn:high"), Some(&1.0));
    }
    for text in ["billing", "", "{}", r#"{"priority": "urgent"}"#, r#""billing""#] {
        let reading = task.read(text);
        assert_eq!((reading.value, reading.schema_valid), (None, Some(false)), "{text}");
        assert!(reading.why.is_some());
    }
    let why = task.read("billing").why.unwrap();
    assert_eq!(why, "no JSON object with the key `category` or `priority` or `topics`");
}

#[test]
fn nothing_read_is_wrong_on_every_axis() {
    let expected = json!({"category": "other", "priority": "high", "topics": []});
    let task = tickets();
    let score = task.score(None, &expected).unwrap();
    for measure in task.metrics() {
        let figure = measure.finish(&score.parts).unwrap_or(0.0);
        assert_eq!(figure, 0.0, "{measure}");
    }
    assert_eq!(task.score(None, &json!("other")), None);
}

#[test]
fn metrics_are_named_by_metric_and_axis() {
    let names = |task: &Classification| -> Vec<String> {
        task.metrics().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        names(&tickets()),
        [
            "accuracy",
            "exact_match",
            "accuracy.category",
            "macro_f1.category",
            "in_scope_accuracy.category",
            "out_of_scope_recall.category",
            "out_of_scope_precision.category",
            "accuracy.priority",
            "macro_f1.priority",
            "rank_score.priority",
            "subset_accuracy.topics",
            "micro_f1.topics",
            "macro_f1.topics",
            "jaccard.topics",
            "hamming_accuracy.topics",
        ]
    );
    let one = Classification::new(vec![topics(&["a", "b"])], false);
    assert_eq!(names(&one)[..2], ["subset_accuracy", "micro_f1"]);
    assert_eq!(one.metric_named("micro_f1.topics"), Some(Metric::MicroF1.into()));
    assert_eq!(tickets().metric_named("macro_f1"), None);
    let titles = tickets().metrics()[3].title();
    assert_eq!(titles, "macro F1 (category)");
}

/// Five labels: the distances 0, 1 and 4 of 4, and nothing read.
#[test]
fn a_near_label_of_an_order_is_less_wrong() {
    let degrees = Axis { ordinal: true, ..axis("degree", &["a", "b", "c", "d", "e"]) };
    let mut task = Classification::new(vec![degrees], false);
    task.primary = Metric::RankScore.into();
    let mut sum = Parts::new();
    for (answer, share) in [("e", 1.0), ("d", 0.75), ("a", 0.0), ("?", 0.0)] {
        let score = score(&task, answer, &json!("e"));
        assert_eq!(score.primary, share, "{answer}");
        metrics::add(&mut sum, &score.parts);
    }
    assert_eq!(Metric::RankScore.finish(&sum), Some(1.75 / 4.0));
    assert_eq!(Metric::Accuracy.finish(&sum), Some(0.25));
}

#[test]
fn sets_in_text() {
    let task =
        Classification::new(vec![topics(&["refund", "invoice", "card payment", "a, b"])], false);
    for (text, labels, repaired) in [
        ("refund", json!(["refund"]), false),
        ("invoice\nrefund\n", json!(["refund", "invoice"]), false),
        ("Invoice, refund, invoice", json!(["refund", "invoice"]), false),
        ("refund; a, b", json!(["refund", "a, b"]), true),
        ("a, b", json!(["a, b"]), false),
        ("- refund\n- card_payment", json!(["refund", "card payment"]), true),
        ("1. refund\n2) invoice", json!(["refund", "invoice"]), true),
        ("It is about a refund and an invoice.", json!(["refund", "invoice"]), true),
        ("none", json!([]), false),
        ("None.", json!([]), true),
    ] {
        let reading = task.read(text);
        assert_eq!((reading.value, reading.repaired), (Some(labels), repaired), "{text:?}");
    }
    for text in ["", "  ", "nothing of that", ", ,"] {
        assert_eq!(task.read(text).value, None, "{text:?}");
    }
}

#[test]
fn sets_in_json() {
    let task = Classification::new(vec![topics(&["refund", "invoice"])], true);
    for (text, labels, valid) in [
        (r#"{"topics": ["invoice", "refund"]}"#, json!(["refund", "invoice"]), true),
        (r#"{"topics": []}"#, json!([]), true),
        (r#"["invoice"]"#, json!(["invoice"]), false),
        (r#"{"topics": "refund, invoice"}"#, json!(["refund", "invoice"]), false),
        (r#"{"topics": ["REFUND"]}"#, json!(["refund"]), false),
    ] {
        let reading = task.read(text);
        assert_eq!((reading.value, reading.schema_valid), (Some(labels), Some(valid)), "{text}");
    }
    for text in [
        r#"{"topics": ["refund", "shipping"]}"#,
        r#"{"topics": ["refund", 3]}"#,
        r#"{"topics": ["refund"]} {"topics": ["invoice"]}"#,
        r#"{"topics": null}"#,
    ] {
        assert_eq!(task.read(text).value, None, "{text}");
    }
}

#[test]
fn expected_sets_of_rows() {
    let task = Classification::new(vec![topics(&["a", "b", "c|d"])], false);
    let expected = |value: Value| {
        task.expected_in(json!({"topics": value}).as_object().unwrap()).map_err(|bad| bad.message)
    };
    for (value, labels) in [
        (json!(["b", "a", "b"]), json!(["a", "b"])),
        (json!("b | a"), json!(["a", "b"])),
        (json!("c|d"), json!(["c|d"])),
        (json!(""), json!([])),
        (json!(null), json!([])),
        (json!([]), json!([])),
    ] {
        assert_eq!(expected(value), Ok(labels));
    }
    for value in [json!("a;b"), json!(["a", 3]), json!(3), json!({"a": 1}), json!(["A"])] {
        assert!(expected(value.clone()).is_err(), "{value}");
    }
    let named = Classification::new(vec![topics(&["a", "None"])], false);
    assert!(named.expected_in(json!({"topics": []}).as_object().unwrap()).is_err());
}

/// A model that repeats itself without end must not cost more than its text is long.
#[test]
fn a_long_answer_is_read_in_linear_time() {
    let task = Classification::new(vec![topics(&["refund", "invoice"])], false);
    assert_eq!(task.read(&"refund, ".repeat(200_000)).value, Some(json!(["refund"])));
    let different: String = (0..200_000).map(|i| format!("{i} refund\n")).collect();
    assert_eq!(task.read(&different).value, Some(json!(["refund"])));
    let json = Classification::new(vec![topics(&["refund", "invoice"])], true);
    let list = json!({"topics": vec!["invoice"; 200_000]}).to_string();
    assert_eq!(json.read(&list).value, Some(json!(["invoice"])));
}

const LABELS: [&str; 5] = ["refund", "card payment", "payment", "a, b", "+"];

proptest! {
    /// Whatever a model writes, reading it neither fails nor invents a label.
    #[test]
    fn reading_is_total(text in "[\\PC\n]{0,60}|(refund|card|payment|none|[,;|\n {}\":\\[\\]]){0,12}") {
        for task in [
            Classification::new(vec![topics(&LABELS)], false),
            Classification::new(vec![topics(&LABELS)], true),
            tickets(),
        ] {
            if let Some(Value::Array(labels)) = task.read(&text).value {
                prop_assert!(labels.iter().all(|l| LABELS.contains(&l.as_str().unwrap())));
            }
        }
    }

    /// `score(read(write_expected)) = 1` for any set of labels that can be told apart.
    #[test]
    fn a_written_set_reads_as_itself(
        names in prop::collection::vec("[^\\s\\p{C}](\\PC{0,12}[^\\s\\p{C}])?", 2..8),
        json in any::<bool>(),
        bits in any::<u8>(),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let task = Classification::new(vec![topics(&names)], json);
        prop_assume!(indistinct(&task.axes[0].labels).is_none());
        prop_assume!(json || names.iter().all(|name| name.lines().count() == 1));
        let chosen = names.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, n)| *n);
        let expected: Value = chosen.collect();
        let row = json!({"topics": expected});
        let Ok(expected) = task.expected_in(row.as_object().unwrap()) else { return Ok(()) };
        let reading = task.read(&task.write(&expected));
        prop_assert_eq!(reading.value.as_ref(), Some(&expected));
        prop_assert!(!reading.repaired);
        for measure in task.metrics() {
            let task = Classification { primary: measure.clone(), ..task.clone() };
            let score = task.score(reading.value.as_ref(), &expected).unwrap();
            prop_assert_eq!(score.primary, 1.0, "{}", measure);
        }
    }

    /// The same for several axes, under each of their metrics.
    #[test]
    fn written_axes_read_as_themselves(category in 0usize..3, priority in 0usize..3, bits in 0u8..8) {
        let task = tickets();
        let names = |at: usize| task.axes[at].label_names();
        let set = names(2).into_iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
        let set: Vec<String> = set.map(|(_, name)| name).collect();
        let expected = json!({
            "category": names(0)[category], "priority": names(1)[priority], "topics": set,
        });
        let reading = task.read(&task.write(&expected));
        prop_assert_eq!(reading.value.as_ref(), Some(&expected));
        prop_assert_eq!(reading.schema_valid, Some(true));
        for measure in task.metrics() {
            let task = Classification { primary: measure.clone(), ..task.clone() };
            let score = task.score(reading.value.as_ref(), &expected).unwrap();
            prop_assert_eq!(score.primary, 1.0, "{}", &measure);
        }
    }
}
