use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rows(text: &[u8], name: &str) -> Result<Vec<(usize, serde_json::Value)>, String> {
    let read = read_bytes(text, name, format_of(name).unwrap());
    let pair = |row: Result<Row, Problem>| row.map(|row| (row.line, row.fields.into()));
    read.and_then(|rows| rows.iter().map(pair).collect()).map_err(|p| p.to_string())
}

#[test]
fn csv_with_quotes_line_ends_bom_and_blank_lines() {
    let text = b"\xef\xbb\xbftext,label\r\n\"a, \"\"b\"\"\nc\",x\r\n\r\nd,y\r\n";
    let expected = vec![
        (2, json!({"text": "a, \"b\"\nc", "label": "x"})),
        (5, json!({"text": "d", "label": "y"})),
    ];
    assert_eq!(rows(text, "d.csv"), Ok(expected));
}

#[test]
fn tsv() {
    let expected = vec![(2, json!({"text": "it's 5, you", "label": "x"}))];
    assert_eq!(rows(b"text\tlabel\nit's 5, you\tx\n", "d.tsv"), Ok(expected));
}

#[test]
fn csv_errors_name_the_line() {
    let short = rows(b"a,b\n1,2\n3\n", "d.csv").unwrap_err();
    assert!(short.starts_with("d.csv:3: the row has 1 cells, the header has 2"), "{short}");
    let twice = rows(b"a,a\n1,2\n", "d.csv").unwrap_err();
    assert!(twice.starts_with("d.csv:1: two columns are named `a`"), "{twice}");
    let nameless = rows(b"a,\n1,2\n", "d.csv").unwrap_err();
    assert!(nameless.starts_with("d.csv:1: column 2 has no name"), "{nameless}");
    let open = rows(b"a,b\n1,2\n3,\"open\n4,5\n", "d.csv").unwrap_err();
    assert!(open.starts_with("d.csv:3: a quote is opened and never closed"), "{open}");
}

#[test]
fn jsonl() {
    let expected = vec![(1, json!({"a": 1})), (3, json!({"a": null}))];
    assert_eq!(rows(b"{\"a\": 1}\n\n{\"a\": null}", "d.jsonl"), Ok(expected));
    let broken = rows(b"{\"a\": 1}\n{\"a\": \n", "d.jsonl").unwrap_err();
    assert!(broken.starts_with("d.jsonl:2:"), "{broken}");
    let list = rows(b"[1]\n", "d.jsonl").unwrap_err();
    assert!(list.contains("an object with the row's columns"), "{list}");
    let twice = rows(b"{\"a\": 1, \"a\": 2}\n", "d.jsonl").unwrap_err();
    assert!(twice.contains("the key `a` stands twice"), "{twice}");
}

#[test]
fn json_rows_know_their_lines() {
    let expected = vec![(2, json!({"a": [1, 2]})), (3, json!({"a": "x"}))];
    assert_eq!(rows(b"[\n {\"a\": [1,\t2]},\n {\"a\": \"x\"}\n]\n", "d.json"), Ok(expected));
    assert_eq!(rows(b" [ ] ", "d.json"), Ok(vec![]));
    for (text, starts) in [
        (&b"{\"a\": 1}"[..], "d.json:1: a list of rows is expected"),
        (b"[\n{\"a\": 1}\n{\"a\": 2}]", "d.json:3: `,` or `]` is expected"),
        (b"[\n{\"a\": 1},\n7]", "d.json:3: this is no valid row"),
        (b"[{\"a\": 1},\n", "d.json:2: the list is not closed"),
        (b"[{\"a\": 1}]\n[]", "d.json:2: there is something after the list"),
        (b"", "d.json:1: a list of rows is expected"),
    ] {
        let error = rows(text, "d.json").unwrap_err();
        assert!(error.starts_with(starts), "{error}");
    }
}

#[test]
fn conll_with_tabs_spaces_line_ends_and_more_columns() {
    let text = "-DOCSTART- -X- O\n\nß\tNN\tO\nNew\tNNP\tB-LOC\nYork\tNNP\tI-LOC\n\r\n\t\n\
                Ada I-PER\r\n. O";
    let expected = vec![
        (
            3,
            json!({"text": "ß New York", "spans": [[2, 10, "LOC"]],
                   "tokens": ["ß", "New", "York"], "tags": ["O", "B-LOC", "I-LOC"]}),
        ),
        (
            8,
            json!({"text": "Ada .", "spans": [[0, 3, "PER"]], "tokens": ["Ada", "."],
                   "tags": ["I-PER", "O"]}),
        ),
    ];
    assert_eq!(rows(text.as_bytes(), "d.bio"), Ok(expected));
    for (text, starts) in [
        ("a O\nb\n", "d.conll:2: the line has one column"),
        ("a O\nb U-PER\n", "d.conll:2: `U-PER` is no tag"),
        ("a\tB-\n", "d.conll:1: `B-` is no tag"),
        ("\tO\n", "d.conll:1: the token is empty"),
    ] {
        let error = rows(text.as_bytes(), "d.conll").unwrap_err();
        assert!(error.starts_with(starts), "{error}");
    }
}

#[test]
fn squad_gives_a_row_for_each_question() {
    let text = r#"{"version": "v2.0", "data": [{"title": "Normans", "paragraphs": [{
        "context": "Normandy is in France.", "qas": [
            {"id": "a", "question": "Where?", "answers": [{"text": "France", "answer_start": 15}]},
            {"id": "b", "question": "Who?", "answers": [], "is_impossible": true}]}]}]}"#;
    let row = |id: &str, question: &str, answers: &[&str]| {
        (
            1,
            json!({"id": id, "title": "Normans", "context": "Normandy is in France.",
            "question": question, "answers": answers}),
        )
    };
    let expected = vec![row("a", "Where?", &["France"]), row("b", "Who?", &[])];
    assert_eq!(rows(text.as_bytes(), "d.json"), Ok(expected));
    let error = rows(b"{\n\"data\": [{\"paragraphs\": [{}]}]}", "d.json").unwrap_err();
    assert!(error.starts_with("d.json:2:"), "{error}");
    assert!(error.contains("missing field `context`"), "{error}");
}

#[test]
fn invalid_utf8_names_the_line() {
    let error = rows(b"a,b\n1,2\n3,\xff\n", "d.csv").unwrap_err();
    assert!(error.starts_with("d.csv:3: this is not UTF-8"), "{error}");
}

#[test]
fn rows_beyond_the_limit_are_errors() {
    let long = "x".repeat(LONGEST_ROW);
    for (name, text) in [
        ("d.jsonl", format!("{{\"a\": 1}}\n{{\"a\": \"{long}\"}}\n")),
        ("d.csv", format!("a,b\n1,{long}x\n")),
        ("d.json", format!("[\n{{\"a\": \"{long}\"}}]")),
        ("d.conll", format!("\n{long} O\n")),
    ] {
        let error = rows(text.as_bytes(), name).unwrap_err();
        assert!(error.starts_with(&format!("{name}:2: the row has more than 16 MiB")), "{error}");
    }
}

#[test]
fn the_name_says_the_format() {
    assert_eq!(format_of("a.b.NDJSON"), Ok(Format::Jsonl));
    assert_eq!(format_of("d.parquet"), Ok(Format::Parquet));
    let error = format_of("d").unwrap_err().to_string();
    assert!(error.contains(".csv, .tsv, .jsonl, .json, .conll or .parquet"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}\",:a1\n\t ]{0,40}") {
        for name in ["d.csv", "d.tsv", "d.jsonl", "d.json", "d.conll", "d.parquet"] {
            let _ = rows(&bytes, name);
            let _ = rows(text.as_bytes(), name);
        }
    }

    /// What Python's `csv.writer` would write is read back.
    #[test]
    fn quoted_cells_are_read_back(cells in prop::collection::vec("[a-c\",\n]{0,6}", 2)) {
        let quote = |c: &String| format!("\"{}\"", c.replace('"', "\"\""));
        let text = format!("x,y\n{},{}\n", quote(&cells[0]), quote(&cells[1]));
        let expected = vec![(2, json!({"x": cells[0], "y": cells[1]}))];
        prop_assert_eq!(rows(text.as_bytes(), "d.csv"), Ok(expected));
    }
}
