use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::metrics;

fn invoice() -> Extraction {
    let field = |name: &str, compare| Field {
        name: name.to_owned(),
        expected: name.to_owned(),
        shape: Shape::Value(compare),
        pattern: None,
    };
    Extraction {
        fields: vec![
            field("number", Compare::Exact),
            field("vendor", Compare::Casefold),
            field("date", Compare::Date),
            field("total", Compare::Number { tolerance: 0.005 }),
        ],
        primary: Metric::FieldF1,
    }
}

fn gold() -> Value {
    json!({"number": "A-1", "vendor": "Fitath Inc.", "date": null, "total": 778.0})
}

#[test]
fn the_answer_is_written_in_the_order_of_the_suite() {
    assert_eq!(
        invoice().write(&gold()),
        r#"{"number": "A-1", "vendor": "Fitath Inc.", "date": null, "total": 778.0}"#
    );
}

#[test]
fn every_row_of_the_null_table() {
    let read =
        json!({"number": "A-2", "vendor": "FITATH INC.", "date": "2022-01-24", "total": null});
    let score = invoice().score(Some(&read), &gold()).unwrap();
    let verdicts =
        json!({"number": "wrong", "vendor": "exact", "date": "invented", "total": "missing"});
    assert_eq!(score.detail, verdicts);
    // tp = vendor; fp = number, date; fn = number, total
    let part = |name: &str| score.parts.get(name).copied();
    assert_eq!((part("tp"), part("fp"), part("fn")), (Some(1.0), Some(2.0), Some(2.0)));
    assert_eq!(
        (part("fp:number"), part("fn:number"), part("tp:number")),
        (Some(1.0), Some(1.0), None)
    );
    assert_eq!(part("document"), Some(0.0));
    assert!((score.primary - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn null_where_null_is_right() {
    let score = invoice().score(Some(&gold()), &gold()).unwrap();
    assert_eq!(score.detail["date"], "absent");
    assert_eq!((score.primary, score.parts["document"]), (1.0, 1.0));
}

#[test]
fn fences_prose_and_empty_text() {
    let task = invoice();
    let fenced = task.read("```json\n{\"number\": \"A-1\", \"vendor\": \"\"}\n```");
    assert!(fenced.repaired);
    assert_eq!(fenced.schema_valid, Some(false));
    let score = task.score(fenced.value.as_ref(), &gold()).unwrap();
    assert_eq!(score.detail["vendor"], "missing");
    assert_eq!(score.detail["number"], "exact");

    let twice = task.read("{\"number\": \"A-1\"} Invoice: {\"number\": \"B-2\"}");
    assert_eq!(twice.value.unwrap()["number"], "A-1");
}

#[test]
fn a_valid_answer_is_valid() {
    let text = r#"{"number": "A-1", "vendor": "x", "date": "2022-01-24", "total": 7}"#;
    let reading = invoice().read(text);
    assert_eq!((reading.repaired, reading.schema_valid), (false, Some(true)));
    let as_text = invoice().read(&text.replace('7', "\"7\""));
    assert_eq!(as_text.schema_valid, Some(false));
}

#[test]
fn what_is_no_object_is_unparsed() {
    for text in ["", "A-1", "[1, 2]", "\"x\"", "{\"number\": \"A", "{\"nothing\": 1} text"] {
        assert_eq!(invoice().read(text).value, None, "{text}");
    }
    let score = invoice().score(None, &gold()).unwrap();
    assert_eq!((score.primary, score.parts["fn"], score.parts["document"]), (0.0, 3.0, 0.0));
}

#[test]
fn an_unread_answer_to_an_empty_document_is_wrong() {
    let empty = json!({"number": null, "vendor": null, "date": null, "total": null});
    let unread = invoice().score(None, &empty).unwrap();
    assert_eq!((unread.primary, Metric::FieldF1.finish(&unread.parts)), (0.0, Some(0.0)));
    let right = invoice().score(Some(&empty), &empty).unwrap();
    assert_eq!((right.primary, Metric::FieldF1.finish(&right.parts)), (1.0, Some(1.0)));
}

fn value(compare: &Compare) -> BoxedStrategy<Value> {
    let some = match compare {
        Compare::Number { .. } => (-1e9f64..1e9).prop_map(Value::from).boxed(),
        Compare::Date => (1900i32..2100, 1u32..13, 1u32..29)
            .prop_map(|(y, m, d)| Value::from(format!("{y:04}-{m:02}-{d:02}")))
            .boxed(),
        _ => "\\PC{0,20}".prop_map(Value::from).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 4 => some].boxed()
}

fn compare_of(field: &Field) -> &Compare {
    match &field.shape {
        Shape::Value(compare) => compare,
        Shape::List(_) => panic!("a list"),
    }
}

fn document() -> impl Strategy<Value = Value> {
    let fields: Vec<_> = invoice()
        .fields
        .into_iter()
        .map(|f| value(compare_of(&f)).prop_map(move |v| (f.name.clone(), v)))
        .collect();
    fields.prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #[test]
    fn a_written_document_reads_as_itself(gold in document()) {
        let task = invoice();
        let reading = task.read(&task.write(&gold));
        prop_assert_eq!(reading.schema_valid, Some(true));
        prop_assert_eq!(task.score(reading.value.as_ref(), &gold).unwrap().primary, 1.0);
    }

    #[test]
    fn reading_is_total(text in "[{}\\[\\]\":,a1 \\PC]{0,60}") {
        let reading = invoice().read(&text);
        let score = invoice().score(reading.value.as_ref(), &gold()).unwrap();
        prop_assert!((0.0..=1.0).contains(&score.primary));
    }

    /// `finish` of summed statistics is micro F1 of counts that are made directly.
    #[test]
    fn statistics_are_additive(documents in prop::collection::vec((document(), prop::option::of(document())), 1..12)) {
        let task = invoice();
        let mut sum = Parts::new();
        let (mut right, mut given, mut wanted) = (0.0, 0.0, 0.0);
        for (gold, read) in &documents {
            metrics::add(&mut sum, &task.score(read.as_ref(), gold).unwrap().parts);
            for field in &task.fields {
                let gold = gold.get(&field.name).filter(|v| !is_null(Some(v)));
                let read = read.as_ref().and_then(|r| r.get(&field.name)).filter(|v| !is_null(Some(v)));
                wanted += f64::from(u8::from(gold.is_some()));
                given += f64::from(u8::from(read.is_some()));
                let same = gold.zip(read).is_some_and(|(g, r)| compare_of(field).equal(r, g));
                right += f64::from(u8::from(same));
            }
        }
        // F1 = 2 * right / (given + wanted): the harmonic mean of precision and recall.
        if given + wanted > 0.0 {
            let direct = 2.0 * right / (given + wanted);
            prop_assert!((Metric::FieldF1.finish(&sum).unwrap() - direct).abs() < 1e-12);
        }
    }
}
