use proptest::prelude::*;
use serde_json::json;

use super::*;

fn task() -> Pii {
    let types = ["EMAIL", "PERSON"].map(str::to_owned).to_vec();
    Pii {
        text: "text".into(),
        expected: "spans".into(),
        types,
        patterns: Vec::new(),
        primary: Metric::CharacterRecall,
    }
}

fn sample() -> Value {
    // Code points, not bytes: the two letters with an accent have two bytes each.
    json!({"text": "Zoé wrote to Zoé at zoé@ex.org", "spans": [[0, 3, "PERSON"], [13, 16, "PERSON"], [20, 30, "EMAIL"]]})
}

fn score(answer: &str) -> Score {
    let reading = task().read(answer);
    task().score(reading.value.as_ref(), &sample()).unwrap()
}

#[test]
fn a_text_marks_every_place_where_it_stands() {
    let score = score(r#"{"entities": [{"type": "person", "text": "Zoé"}]}"#);
    // Six of sixteen code points are covered; the e-mail address leaks.
    assert_eq!(score.primary, 6.0 / 16.0);
    assert_eq!(score.detail["leaked"], 1);
    assert_eq!((score.parts["tp:PERSON"], score.parts["fn:EMAIL"]), (2.0, 1.0));
    assert_eq!(Metric::StrictF1.finish(&score.parts), Some(2.0 * 2.0 / (2.0 + 3.0)));
}

#[test]
fn places_texts_and_fences_are_read() {
    for (answer, repaired, valid) in [
        (r#"{"entities": [{"type": "EMAIL", "text": "zoé@ex.org"}]}"#, false, true),
        (r#"[{"type": "EMAIL", "text": "zoé@ex.org"}]"#, false, false),
        (r#"{"type": "EMAIL", "text": "zoé@ex.org"}"#, false, false),
        (r#"{"entities": [[20, 30, "email"]]}"#, false, false),
        (r#"{"entities": [{"start": 20, "end": 30, "type": "EMAIL"}]}"#, false, false),
        ("```json\n[{\"type\": \"EMAIL\", \"text\": \"zoé@ex.org\"}]\n```", true, false),
        (
            r#"{"entities": [{"type": "EMAIL", "text": "zoé@ex.org"}, {"type": "CAR"}]}"#,
            true,
            false,
        ),
    ] {
        let reading = task().read(answer);
        assert_eq!((reading.repaired, reading.schema_valid), (repaired, Some(valid)), "{answer}");
        let score = task().score(reading.value.as_ref(), &sample()).unwrap();
        assert_eq!((score.parts["tp:EMAIL"], score.parts["fn:PERSON"]), (1.0, 2.0), "{answer}");
    }
}

#[test]
fn nothing_found_is_an_answer_and_no_list_is_none() {
    assert_eq!(task().read(r#"{"entities": []}"#).value, Some(json!([])));
    for answer in ["", "There is none.", "{}", "{\"entities\": 3}"] {
        assert_eq!(task().read(answer).value, None, "{answer}");
    }
    assert_eq!(score(r#"{"entities": []}"#).primary, 0.0);
    let clean = json!({"text": "nothing here", "spans": []});
    assert_eq!(task().score(Some(&json!([])), &clean).unwrap().primary, 1.0);
}

#[test]
fn what_does_not_stand_in_the_text_costs_precision() {
    let found = r#"{"type": "EMAIL", "text": "zoé@ex.org"}"#;
    let score =
        score(&format!(r#"{{"entities": [{found}, {{"type": "EMAIL", "text": "no@ex.org"}}]}}"#));
    assert_eq!(score.detail["not_in_text"], 1.0);
    // One of two marked, one of three expected.
    assert_eq!(Metric::StrictF1.finish(&score.parts), Some(2.0 / 5.0));
    assert_eq!(Metric::StrictF2.finish(&score.parts), Some(5.0 / (4.0 * 3.0 + 2.0)));
}

#[test]
fn bad_spans_are_named() {
    let row = |spans: Value| {
        let row = json!({"text": "Zoé", "spans": spans});
        task().expected_in(row.as_object().unwrap()).unwrap_err().message
    };
    assert!(row(json!("none")).contains("no list of spans"));
    assert!(row(json!([[0, 0, "PERSON"]])).contains("is no span"));
    assert!(row(json!([[0, 4, "PERSON"]])).contains("ends after the text, which has 3"));
    assert!(row(json!([[0, 3, "CAR"]])).contains("`CAR` is none of the suite's types"));
}

proptest! {
    #[test]
    fn a_written_answer_scores_one(text in "\\PC{0,30}", at in prop::collection::vec((0usize..30, 1usize..9, any::<bool>()), 0..5)) {
        let length = text.chars().count();
        let spans: Vec<Value> = at
            .into_iter()
            .filter(|(start, size, _)| start + size <= length)
            .map(|(start, size, email)| json!([start, start + size, if email { "EMAIL" } else { "PERSON" }]))
            .collect();
        let row = json!({"text": text, "spans": spans});
        let expected = task().expected_in(row.as_object().unwrap()).unwrap();
        let reading = task().read(&task().write(&expected));
        prop_assert!(!reading.repaired);
        let score = task().score(reading.value.as_ref(), &expected).unwrap();
        for metric in METRICS {
            prop_assert_eq!(metric.finish(&score.parts).unwrap_or(1.0), 1.0);
        }
    }

    #[test]
    fn no_answer_panics(answer in "[{}\\[\\]\":,0-9a-z \\PC]{0,80}") {
        let reading = task().read(&answer);
        prop_assert!(task().score(reading.value.as_ref(), &sample()).is_some());
    }
}
