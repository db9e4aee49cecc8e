use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::metrics::{self, Metric, Parts};

fn label(name: &str) -> Label {
    Label { name: name.to_owned(), help: None, aliases: Vec::new() }
}

pub(super) fn axis(name: &str, labels: &[&str]) -> Axis {
    Axis {
        name: name.to_owned(),
        expected: name.to_owned(),
        labels: labels.iter().map(|n| label(n)).collect(),
        multiple: false,
        out_of_scope: None,
        ordinal: false,
    }
}

fn task(names: &[&str], json: bool) -> Classification {
    Classification::new(vec![axis("category", names)], json)
}

fn queues() -> Classification {
    task(&["billing", "login", "card_payment", "payment", "Refund_not_showing_up?"], false)
}

fn read(task: &Classification, text: &str) -> (Option<String>, bool) {
    let reading = task.read(text);
    (reading.value.and_then(|v| v.as_str().map(str::to_owned)), reading.repaired)
}

#[test]
fn a_label_is_read_as_it_is_and_in_any_case() {
    assert_eq!(read(&queues(), "billing"), (Some("billing".into()), false));
    assert_eq!(read(&queues(), "  billing\n"), (Some("billing".into()), false));
    assert_eq!(read(&queues(), "BILLING"), (Some("billing".into()), false));
}

#[test]
fn punctuation_and_separators_are_a_repair() {
    assert_eq!(read(&queues(), "\"billing\"."), (Some("billing".into()), true));
    assert_eq!(read(&queues(), "**Card Payment**"), (Some("card_payment".into()), true));
    let refund = Some("Refund_not_showing_up?".to_owned());
    assert_eq!(read(&queues(), "refund not showing up"), (refund, true));
}

#[test]
fn one_label_in_prose_is_a_repair() {
    let text = "The category of this ticket is: billing, I think.";
    assert_eq!(read(&queues(), text), (Some("billing".into()), true));
    assert_eq!(read(&queues(), "billing. Yes, billing!"), (Some("billing".into()), true));
}

#[test]
fn the_longer_label_counts_where_one_contains_the_other() {
    let text = "This is about a card payment.";
    assert_eq!(read(&queues(), text), (Some("card_payment".into()), true));
    assert_eq!(read(&queues(), "card payment or payment?"), (None, false));
}

#[test]
fn no_label_and_two_labels_are_unparsed() {
    for text in ["", "   ", "shipping", "billings", "prebilling", "billing or login", "…"] {
        let reading = queues().read(text);
        assert_eq!(reading.value, None, "{text:?}");
        assert!(reading.why.is_some(), "{text:?}");
    }
    let why = queues().read("billing or login").why.unwrap();
    assert!(why.contains("`billing`") && why.contains("`login`"), "{why}");
}

/// A model that repeats itself without end must not cost more than its text is long.
#[test]
fn a_long_answer_is_read_in_linear_time() {
    let text = "card payment, ".repeat(200_000);
    assert_eq!(read(&queues(), &text), (Some("card_payment".into()), true));
}

#[test]
fn an_alias_is_read_as_its_label() {
    let mut task = queues();
    task.axes[0].labels[0].aliases = vec!["invoice".to_owned()];
    assert_eq!(read(&task, "Invoice"), (Some("billing".into()), false));
    assert_eq!(read(&task, "about an invoice, so billing"), (Some("billing".into()), true));
}

#[test]
fn json_answers() {
    let task = task(&["billing", "login"], true);
    let exact = task.read(r#"{"category": "billing"}"#);
    assert_eq!(exact.value, Some(json!("billing")));
    assert_eq!((exact.repaired, exact.schema_valid), (false, Some(true)));

    let fenced = task.read("```json\n{\"category\": \"Login\"}\n```");
    assert_eq!(fenced.value, Some(json!("login")));
    assert_eq!((fenced.repaired, fenced.schema_valid), (true, Some(false)));

    let prose = task.read(r#"Sure! {"category": "login"} is my answer."#);
    assert_eq!((prose.value, prose.repaired), (Some(json!("login")), true));

    assert_eq!(task.read(r#""login""#).value, Some(json!("login")));
    for unread in [
        "login",
        r#"{"category": "other"}"#,
        r#"{"label": "login"}"#,
        r#"{"category": 3}"#,
        r#"{"category": "login"} {"category": "billing"}"#,
        r#"{"category": "log"#,
    ] {
        assert_eq!(task.read(unread).value, None, "{unread}");
    }
}

#[test]
fn labels_that_cannot_be_told_apart_are_found() {
    let labels = [label("card_payment"), label("login"), label("Card Payment")];
    let pair = indistinct(&labels).unwrap();
    assert_eq!(pair, ("card_payment".to_owned(), "Card Payment".to_owned()));
    assert_eq!(indistinct(&labels[..2]), None);
}

#[test]
fn nothing_read_counts_against_the_true_label_only() {
    let score = queues().score(None, &json!("login")).unwrap();
    assert_eq!(score.primary, 0.0);
    let expected = [("correct", 0.0), ("fn:login", 1.0), ("labels", 5.0), ("n", 1.0)];
    assert_eq!(score.parts, expected.map(|(k, v)| (k.to_owned(), v)).into());
}

proptest! {
    /// Whatever a model writes, reading it neither fails nor invents a label.
    #[test]
    fn reading_is_total(text in "\\PC{0,80}", json in any::<bool>()) {
        let task = task(&["billing", "login", "card_payment", "+"], json);
        let reading = task.read(&text);
        if let Some(value) = reading.value {
            prop_assert!(task.label_names().iter().any(|l| value == l.as_str()));
        }
    }

    /// `score(read(write_expected)) = 1` for any list of labels that can be told apart.
    #[test]
    fn a_written_label_reads_as_itself(
        names in prop::collection::vec("[^\\s\\p{C}](\\PC{0,12}[^\\s\\p{C}])?", 2..8),
        json in any::<bool>(),
        pick in any::<prop::sample::Index>(),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let task = task(&names, json);
        prop_assume!(indistinct(&task.axes[0].labels).is_none());
        let expected = json!(names[pick.index(names.len())]);
        let reading = task.read(&task.write(&expected));
        prop_assert_eq!(reading.value.as_ref(), Some(&expected));
        prop_assert_eq!(task.score(reading.value.as_ref(), &expected).unwrap().primary, 1.0);
    }

    /// `finish` of summed statistics is the direct formula over all pairs.
    #[test]
    fn statistics_are_additive(
        pairs in prop::collection::vec((0usize..4, prop::option::of(0usize..4)), 1..60),
    ) {
        let names = ["a", "b", "c:d", "e"];
        let task = task(&names, false);
        let mut sum = Parts::new();
        let mut direct = Vec::new();
        for (truth, predicted) in pairs {
            let predicted = predicted.map(|p| names[p]);
            let read = predicted.map(|p| json!(p));
            let score = task.score(read.as_ref(), &json!(names[truth])).unwrap();
            metrics::add(&mut sum, &score.parts);
            direct.push((names[truth], predicted.unwrap_or("∅")));
        }
        let accuracy = metrics::classification::accuracy(&direct).unwrap();
        let macro_f1 = metrics::classification::macro_f1(&direct, &names).unwrap();
        prop_assert!((Metric::Accuracy.finish(&sum).unwrap() - accuracy).abs() < 1e-12);
        prop_assert!((Metric::MacroF1.finish(&sum).unwrap() - macro_f1).abs() < 1e-12);
    }
}
