use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::metrics::Metric;
use crate::metrics::json_schema::{Draft, Schema};
use crate::tasks::Extraction;
use crate::tasks::extraction::{Field, Shape};

fn column(name: &str, compare: Compare) -> Column {
    Column { name: name.to_owned(), compare }
}

fn positions() -> Items {
    Items::Rows(vec![
        column("description", Compare::Fuzzy { threshold: 0.9 }),
        column("quantity", Compare::Number { tolerance: 0.0 }),
        column("price", Compare::Money { tolerance: 0.005 }),
    ])
}

fn invoice() -> Extraction {
    let field = |name: &str, shape| Field {
        name: name.to_owned(),
        expected: name.to_owned(),
        shape,
        pattern: None,
    };
    Extraction {
        fields: vec![
            field("number", Shape::Value(Compare::Exact)),
            field("items", Shape::List(positions())),
            field("tags", Shape::List(Items::Values(Compare::Casefold))),
        ],
        primary: Metric::FieldF1,
    }
}

fn row(description: &str, quantity: u32, price: &str) -> Value {
    json!({"description": description, "quantity": quantity, "price": price})
}

fn gold() -> Value {
    json!({
        "number": "A-1",
        "items": [row("Blue widgets", 3, "5.00 EUR"), row("Red gadgets", 4, "7.50 EUR")],
        "tags": ["Urgent", "paid"],
    })
}

/// `tp`, `fp`, `fn` and `document` of an answer.
fn counts(read: &Value, gold: &Value) -> [f64; 4] {
    let score = invoice().score(Some(read), gold).unwrap();
    ["tp", "fp", "fn", "document"].map(|name| score.parts[name])
}

fn with(field: &str, value: Value) -> Value {
    let mut document = gold();
    document[field] = value;
    document
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let moved = json!({
        "number": "A-1",
        "items": [row("red  GADGETS", 4, "€7,50"), row("Blue widgets", 3, "5")],
        "tags": ["PAID", "urgent"],
    });
    assert_eq!(counts(&moved, &gold()), [9.0, 0.0, 0.0, 1.0]);
}

/// The trap of evaluations that flatten lists: two quantities are swapped, all values occur. Of nine
/// values two are wrong, so F1 = 2·7 / (9 + 9).
#[test]
fn values_that_are_swapped_between_rows_are_wrong() {
    let swapped =
        with("items", json!([row("Blue widgets", 4, "5 EUR"), row("Red gadgets", 3, "7.50 EUR")]));
    assert_eq!(counts(&swapped, &gold()), [7.0, 2.0, 2.0, 0.0]);
    let score = invoice().score(Some(&swapped), &gold()).unwrap();
    assert!((score.primary - 14.0 / 18.0).abs() < 1e-12);
    assert_eq!(score.detail["items.quantity"], json!({"wrong": 2}));
    assert_eq!(score.detail["items.description"], json!({"exact": 2}));
    assert_eq!((score.parts["fp:items.quantity"], score.parts["tp:items.price"]), (2.0, 2.0));
}

/// With two columns either could be the swapped one; the first column says which row is which.
#[test]
fn the_first_column_identifies_a_row() {
    let items = Items::Rows(vec![column("name", Compare::Exact), column("n", Compare::Exact)]);
    let gold = json!([{"name": "a", "n": 1}, {"name": "b", "n": 2}]);
    let tallies = items.judge(Some(&json!([{"name": "b", "n": 1}, {"name": "a", "n": 2}])), &gold);
    assert_eq!((tallies[0].exact, tallies[1].wrong), (2, 2));
}

// One test for each row of the null table, for cells, rows and whole lists.

#[test]
fn null_and_null_counts_nothing() {
    let empty = json!({"number": null, "items": [], "tags": []});
    let absent = json!({"absent": 1});
    for nothing in
        [json!(null), json!([]), json!(""), json!([null]), json!([{}]), json!([{"price": ""}])]
    {
        let read = json!({"number": "", "items": nothing, "tags": null});
        assert_eq!(counts(&read, &empty), [0.0, 0.0, 0.0, 1.0], "{nothing}");
        let score = invoice().score(Some(&read), &empty).unwrap();
        assert_eq!((&score.detail["items.price"], &score.detail["tags"]), (&absent, &absent));
        assert_eq!(score.primary, 1.0);
    }
    // A key that is absent is null too.
    assert_eq!(counts(&json!({}), &empty), [0.0, 0.0, 0.0, 1.0]);
    let cell =
        with("items", json!([{"description": "Blue widgets", "quantity": null, "price": null}]));
    let read = with("items", json!([{"description": "Blue widgets", "price": " "}]));
    assert_eq!(counts(&read, &cell), [4.0, 0.0, 0.0, 1.0]);
}

#[test]
fn a_value_for_null_is_a_false_positive() {
    let no_items = with("items", json!([]));
    assert_eq!(counts(&gold(), &no_items), [3.0, 6.0, 0.0, 0.0]);
    let one = with("items", json!([row("Blue widgets", 3, "5.00 EUR")]));
    assert_eq!(counts(&gold(), &one), [6.0, 3.0, 0.0, 0.0]);
    let cell =
        with("items", json!([{"description": "Blue widgets", "quantity": null, "price": "5 EUR"}]));
    assert_eq!(counts(&one, &cell), [5.0, 1.0, 0.0, 0.0]);
}

#[test]
fn null_for_a_value_is_a_false_negative() {
    assert_eq!(counts(&with("items", json!(null)), &gold()), [3.0, 0.0, 6.0, 0.0]);
    assert_eq!(counts(&with("items", json!([])), &gold()), [3.0, 0.0, 6.0, 0.0]);
    let one = with("items", json!([row("Red gadgets", 4, "7.50 EUR")]));
    assert_eq!(counts(&one, &gold()), [6.0, 0.0, 3.0, 0.0]);
    let cell =
        with("items", json!([row("Red gadgets", 4, "7.50"), {"description": "Blue widgets"}]));
    assert_eq!(counts(&cell, &gold()), [7.0, 0.0, 2.0, 0.0]);
    assert_eq!(invoice().score(None, &gold()).unwrap().parts["fn"], 9.0);
}

#[test]
fn the_same_value_is_a_true_positive() {
    assert_eq!(counts(&gold(), &gold()), [9.0, 0.0, 0.0, 1.0]);
}

#[test]
fn another_value_is_a_false_positive_and_a_false_negative() {
    let other =
        with("items", json!([row("Blue widgets", 3, "5 USD"), row("Red gadgets", 4, "7.50")]));
    assert_eq!(counts(&other, &gold()), [8.0, 1.0, 1.0, 0.0]);
    assert_eq!(counts(&with("tags", json!(["urgent", "open"])), &gold()), [8.0, 1.0, 1.0, 0.0]);
}

#[test]
fn other_shapes_than_lists() {
    // One object or one value for a list is its only item.
    let one = with("tags", json!(["urgent"]));
    assert_eq!(counts(&with("tags", json!("urgent")), &one), [8.0, 0.0, 0.0, 1.0]);
    let row_alone = with("items", row("Blue widgets", 3, "5.00 EUR"));
    assert_eq!(counts(&row_alone, &gold()), [6.0, 0.0, 3.0, 0.0]);
    // What is no object is an invented value, or a wrong one where a row lacks its counterpart.
    let words = with("items", json!([row("Blue widgets", 3, "5.00 EUR"), "Red gadgets", 7]));
    assert_eq!(counts(&words, &gold()), [6.0, 2.0, 3.0, 0.0]);
    assert_eq!(counts(&with("tags", json!([["urgent"], {}])), &gold()), [7.0, 2.0, 2.0, 0.0]);
}

#[test]
fn a_hostile_answer_is_cheap() {
    let rows = |n: usize| -> Vec<Value> {
        (0..n).map(|i| row(&format!("item {i}"), 1, "5.00 EUR")).collect()
    };
    let gold = with("items", json!(rows(100)));
    let read = with("items", json!(rows(100_000)));
    let begin = Instant::now();
    let score = invoice().score(Some(&read), &gold).unwrap();
    eprintln!("100,000 rows against 100: {:.1?}", begin.elapsed());
    // Without optimisation, beside other work.
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert_eq!((score.parts["tp"], score.parts["fn"]), (303.0, 0.0));
    assert_eq!(score.parts["fp"], 299_700.0);
    assert!(score.detail.to_string().len() < 1000, "a record stays small");
}

#[test]
fn expected_lists_are_checked_when_they_are_loaded() {
    let items = positions();
    let bad = |value: Value| items.expected(&value).unwrap_err();
    for (value, place, why) in [
        (json!("soon"), "", "\"soon\" is no list"),
        (json!({"a": 1}), "", "is no list"),
        (json!(["x"]), "[0]", "\"x\" is no object"),
        (json!([{}, {"price": "soon"}]), "[1].price", "is no sum of money"),
        (json!([{"price": [1]}]), "[0].price", "a list is no single value"),
        (json!(vec![json!({"quantity": 1}); 501]), "", "501 items, and at most 500"),
    ] {
        let (found_place, found_why) = bad(value);
        assert_eq!(found_place, place);
        assert!(found_why.contains(why), "{found_why}");
    }
    let text = json!(r#"[{"quantity": 1, "note": "x"}, {}, null]"#);
    let all = json!([{"description": null, "quantity": 1, "price": null}]);
    assert_eq!(items.expected(&text).unwrap(), all);
    for nothing in [json!(null), json!(""), json!("[]"), json!([]), json!([{"price": ""}])] {
        assert_eq!(items.expected(&nothing).unwrap(), json!([]), "{nothing}");
    }
}

fn cell() -> impl Strategy<Value = Value> {
    prop_oneof![2 => Just(Value::Null), 3 => (0u8..3).prop_map(Value::from)]
}

/// Rows with two columns of few values, so that many cells are equal.
fn small() -> Items {
    Items::Rows(vec![column("a", Compare::Exact), column("b", Compare::Number { tolerance: 0.0 })])
}

fn rows(most: usize) -> impl Strategy<Value = Vec<Value>> {
    let row = (cell(), cell()).prop_map(|(a, b)| json!({"a": a, "b": b}));
    prop::collection::vec(row, 0..=most)
}

/// Most equal cells of all ways to give the rows of an answer from `at` on a row of their own.
fn most_equal(read: &[Value], gold: &mut Vec<Value>, at: usize) -> u64 {
    let Some(row) = read.get(at) else { return 0 };
    let mut best = most_equal(read, gold, at + 1);
    for other in 0..gold.len() {
        let taken = std::mem::replace(&mut gold[other], json!({}));
        let same = |key| !taken[key].is_null() && taken.get(key) == row.get(key);
        let equal = u64::from(same("a")) + u64::from(same("b"));
        best = best.max(equal + most_equal(read, gold, at + 1));
        gold[other] = taken;
    }
    best
}

proptest! {
    /// As many cells are right as in the best of all assignments; every other value is a false
    /// positive or a false negative.
    #[test]
    fn no_matching_is_better(read in rows(5), gold in rows(5)) {
        let tallies = small().judge(Some(&json!(read)), &json!(gold));
        let (mut tp, mut fp, mut fn_) = (0.0, 0.0, 0.0);
        for tally in &tallies {
            let (a, b, c) = tally.counts();
            (tp, fp, fn_) = (tp + a, fp + b, fn_ + c);
        }
        let values = |rows: &[Value]| {
            let of = |key| rows.iter().filter(|row| !row[key].is_null()).count();
            (of("a") + of("b")) as f64
        };
        prop_assert_eq!(tp, most_equal(&read, &mut gold.clone(), 0) as f64);
        prop_assert_eq!((tp + fp, tp + fn_), (values(&read), values(&gold)));
    }

    /// Rows in any order are the same list.
    #[test]
    fn any_order_is_right(gold in rows(8), seed in any::<u64>()) {
        let mut moved = gold.clone();
        moved.sort_by_cached_key(|row| (seed ^ row.to_string().len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        moved.reverse();
        let tallies = small().judge(Some(&json!(moved)), &json!(gold));
        prop_assert!(tallies.iter().all(Tally::is_right));
    }

    /// What is expected is written, read back and right, and it satisfies the schema.
    #[test]
    fn a_written_list_reads_as_itself(
        items in prop::collection::vec(("\\PC{0,8}", prop::option::of(0u32..9), 0u32..99_999), 0..6),
        tags in prop::collection::vec("\\PC{0,5}", 0..4),
    ) {
        let task = invoice();
        let items: Vec<Value> = items
            .iter()
            .map(|(d, q, cents)| json!({"description": d, "quantity": q, "price": format!("{}.{:02} EUR", cents / 100, cents % 100)}))
            .collect();
        let row = json!({"number": "7", "items": items, "tags": tags});
        let gold = task.expected_in(row.as_object().unwrap()).unwrap();
        let text = task.write(&gold);
        let reading = task.read(&text);
        prop_assert_eq!((reading.schema_valid, reading.repaired), (Some(true), false));
        let score = task.score(reading.value.as_ref(), &gold).unwrap();
        prop_assert_eq!((score.primary, score.parts["document"]), (1.0, 1.0));
        let schema = Schema::new(&task.schema(), Draft::Draft202012).unwrap();
        prop_assert!(schema.is_valid(&serde_json::from_str(&text).unwrap()), "{}", text);
    }

    /// What is said to satisfy the schema does, and the other way round.
    #[test]
    fn the_schema_and_its_check_agree(
        items in prop_oneof![
            rows(2).prop_map(Value::from),
            Just(json!([{"description": "a", "quantity": 1, "price": 5}])),
            Just(json!([{"description": "a", "quantity": "1", "price": "5"}])),
            Just(json!([{"description": null, "quantity": null, "price": null}, {"price": 3}])),
            Just(json!([{"description": null, "quantity": null, "price": "1 EUR"}])),
            Just(json!([{"description": null, "quantity": 1, "price": true}])),
            Just(json!(null)), Just(json!({})), Just(json!("x")), Just(json!(["x"])),
        ],
        tags in prop_oneof![Just(json!(null)), Just(json!(["a", null])), Just(json!([1])), Just(json!("a"))],
    ) {
        let task = invoice();
        let schema = Schema::new(&task.schema(), Draft::Draft202012).unwrap();
        let answer = json!({"number": "7", "items": items, "tags": tags});
        let reading = task.read(&answer.to_string());
        prop_assert_eq!(reading.schema_valid, Some(schema.is_valid(&answer)), "{}", answer);
    }
}
