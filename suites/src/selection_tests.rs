use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::layers::{Layer, Place};

fn rows(list: Value) -> Rows {
    let mut rows = RowsWriter::default();
    for (i, fields) in list.as_array().expect("rows are a list").iter().enumerate() {
        rows.push(i + 1, fields.as_object().expect("a row is an object")).unwrap();
    }
    rows.finish().unwrap()
}

/// Applies the steps of `yaml`; the rows that are left, or the problem.
fn applied(yaml: &str, list: Value) -> Result<(Vec<Value>, Vec<String>), String> {
    let selection: Selection = serde_yaml::from_str(&format!("{{file: d.jsonl, {yaml}}}")).unwrap();
    let table = Table { name: "d.jsonl".to_owned(), rows: rows(list), notes: Vec::new() };
    let layer = Layer {
        name: "suite.yaml".to_owned(),
        text: "data:\n  test: {}\n".to_owned(),
        place: Place::Run(Default::default()),
    };
    let document = Document::new(&layer, &[]);
    let table = apply(&selection, table, &["data", "test"], document).map_err(|p| p.to_string())?;
    Ok((table.rows.iter().map(|row| row.unwrap().fields.into()).collect(), table.notes))
}

fn column(yaml: &str, list: Value, name: &str) -> Vec<Value> {
    let (rows, _) = applied(yaml, list).unwrap();
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn columns_are_expressions_or_templates_over_those_before() {
    let list = json!([{"subject": "Hi", "body": "{{ x }}", "n": 2}]);
    let yaml = r#"columns: {text: "{{ subject }}: {{ body }}", more: "n + 1", twice: "more * 2",
                  list: "[subject, n]", copy: body, wide: "text ~ '!'"}"#;
    let (rows, notes) = applied(yaml, list).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(
        rows,
        [json!({"subject": "Hi", "body": "{{ x }}", "n": 2, "text": "Hi: {{ x }}", "more": 3,
                "twice": 6, "list": ["Hi", 2], "copy": "{{ x }}", "wide": "Hi: {{ x }}!"})]
    );
}

#[test]
fn a_filter_keeps_rows_and_tells_how_many_it_left_out() {
    let list = json!([
        {"l": "en", "body": "a"}, {"l": "de", "body": "b"}, {"l": "en", "body": ""},
        {"l": "en", "body": "c", "note": "x"}
    ]);
    let (rows, notes) = applied("filter: \"l == 'en' and body\"", list.clone()).unwrap();
    assert_eq!(rows, [json!({"l": "en", "body": "a"}), list[3].clone()]);
    assert_eq!(notes, ["`data.test.filter` leaves out 2 of the 4 rows of d.jsonl"]);
    let defined = column("filter: \"note is defined and note == 'x'\"", list.clone(), "body");
    assert_eq!(defined, ["c"]);
    // Without the question an absent column is an error, with the row's line.
    for filter in ["note == 'x'", "note", "not note", "note ~ ''"] {
        let error = applied(&format!("filter: \"{filter}\""), list.clone()).unwrap_err();
        let starts = "d.jsonl:1: the row has no column `note`, which `data.test.filter` uses";
        assert!(error.starts_with(starts), "{error}");
    }
    let error = applied("filter: \"lang is defined or l\"", list.clone()).unwrap_err();
    assert!(error.contains("d.jsonl has no column `lang`"), "{error}");
    let error = applied("filter: \"l == 'fr'\"", list).unwrap_err();
    assert!(error.contains("the filter keeps none of the 4 rows"), "{error}");
}

#[test]
fn an_endless_expression_ends() {
    let yaml = "columns: {a: \"{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}\
                {% endfor %}{% endfor %}\"}";
    let error = applied(yaml, json!([{"x": 1}])).unwrap_err();
    assert!(error.contains("d.jsonl:1") && error.contains("fuel"), "{error}");
}

#[test]
fn the_order_is_columns_filter_shuffle_limit() {
    let list: Value = (0..100).map(|i| json!({"i": i})).collect();
    let whole = column("shuffle: 7", list.clone(), "i");
    assert_ne!(whole, list.as_array().unwrap().iter().map(|r| r["i"].clone()).collect::<Vec<_>>());
    assert_eq!(whole, column("shuffle: 7", list.clone(), "i"));
    assert_ne!(whole, column("shuffle: 8", list.clone(), "i"));
    assert_eq!(column("limit: 5, shuffle: 7", list.clone(), "i"), whole[..5]);
    let even = "limit: 3, filter: \"half == 0\", columns: {half: \"i % 2\"}";
    assert_eq!(column(even, list, "i"), [0, 2, 4]);
}

#[test]
fn stratified_rows_stand_in_their_order() {
    let list: Value =
        (0..10).map(|i| json!({"i": i, "c": if i < 7 { "a" } else { "b" }})).collect();
    // 10 rows, 7 and 3: of five, 3.5 and 1.5; the tie of the remainders goes to the first value.
    let five = column("limit: 5, stratify: c", list.clone(), "i");
    assert_eq!(five, [0, 1, 2, 3, 7]);
    let two = column("limit: 2, stratify: c", list.clone(), "i");
    assert_eq!(two, [0, 7]);
    assert_eq!(column("limit: 50, stratify: c", list.clone(), "i").len(), 10);
    let error = applied("limit: 1, stratify: c", list.clone()).unwrap_err();
    assert!(error.contains("a limit of 1 is less than the 2 values of `c`"), "{error}");
    for (yaml, wanted) in [
        ("stratify: c", "`stratify` needs a `limit`"),
        ("limit: 0", "a limit of 0 leaves no row"),
        ("limit: 5, stratify: d", "d.jsonl has no column `d`"),
        ("columns: {c: i}", "d.jsonl has a column `c` already"),
        ("columns: {d: \"i +\"}", "the expression does not compile"),
        ("filter: \"}} \"", "the expression does not compile: syntax error: a bracket"),
        ("columns: {d: \"i.x.y\"}", "`data.test.columns.d` has no value for the row"),
        ("filter: \"{{ i }}\"", "a filter is an expression, no template"),
    ] {
        let error = applied(yaml, list.clone()).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
}

/// Small enough to do by hand.
#[test]
fn shares_by_hand() {
    assert_eq!(proportional(&[21, 6, 3], 10), [7, 2, 1]);
    // 4.7, 4.2, 1.1: the largest remainder is the first.
    assert_eq!(proportional(&[47, 42, 11], 10), [5, 4, 1]);
    // 9.8, 0.1, 0.1 gives 10, 0, 0; the small ones get one each.
    assert_eq!(proportional(&[98, 1, 1], 10), [8, 1, 1]);
    assert_eq!(proportional(&[3, 2], 5), [3, 2]);
    assert_eq!(proportional(&[], 5), [0; 0]);
}

#[test]
fn what_holds_the_answer_is_hidden() {
    let columns = "{answer: gold, text: 'q ~ a', hint: 'gold | upper', hinted: hint, other: q}";
    let source: Source =
        serde_yaml::from_str(&format!("{{file: d.jsonl, columns: {columns}}}")).unwrap();
    let mut hidden = answer_columns(Some(&source), &["answer"]);
    hidden.sort();
    assert_eq!(hidden, ["answer", "gold", "hint", "hinted"]);
    let conll = Source::File("d.conll.gz".to_owned());
    assert_eq!(answer_columns(Some(&conll), &["spans"]), ["spans", "tags", "spans"]);
    assert_eq!(answer_columns(Some(&conll), &["text"]), ["text"]);
    assert_eq!(answer_columns(None, &["a"]), ["a"]);
}

proptest! {
    #[test]
    fn shares_are_proportional(groups in prop::collection::vec(1..50usize, 1..8), more in 0..200usize) {
        let limit = groups.len() + more;
        let shares = proportional(&groups, limit);
        let total: usize = groups.iter().sum();
        prop_assert_eq!(shares.iter().sum::<usize>(), limit.min(total));
        for (share, group) in shares.iter().zip(&groups) {
            prop_assert!(*share >= 1 && share <= group);
        }
    }

    /// No expression of a suite can break the program.
    #[test]
    fn any_expression(source in "[a-c0-3 +*/~|()\\[\\]{}'.,%-]{0,20}") {
        let list = json!([{"a": 1, "b": "x", "c": [1, 2]}]);
        let quoted = serde_json::to_string(&source).unwrap();
        let _ = applied(&format!("columns: {{d: {quoted}}}"), list.clone());
        let _ = applied(&format!("filter: {quoted}"), list);
    }
}
