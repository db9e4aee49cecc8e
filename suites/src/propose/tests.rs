//! What is proposed for small tables whose meaning is plain, and properties of every proposal.

use std::collections::HashSet;

use proptest::prelude::*;
use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::*;
use crate::Suite;

fn rows(list: Value) -> Vec<Fields> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row.as_object().unwrap().clone()).collect()
}

fn proposed(rows: &[Fields], wishes: &Wishes) -> Result<Proposal, String> {
    propose("d.jsonl", rows, None, wishes).map_err(|problem| problem.to_string())
}

/// What was decided about a subject.
fn decided(proposal: &Proposal, subject: Subject) -> &str {
    let of = |d: &&Decision| d.subject == subject;
    proposal.decisions.iter().find(of).map_or("", |d| d.value.as_str())
}

/// Writes the suite and its rows into a folder and loads it.
fn loaded(proposal: &Proposal, raw: &[Fields]) -> Suite {
    let dir = tempfile::tempdir().unwrap();
    let lines = |rows: &[Fields]| -> String {
        rows.iter().map(|row| Value::Object(row.clone()).to_string() + "\n").collect()
    };
    let (test, train) = match &proposal.splits.written {
        Some(written) => (written.test.as_slice(), written.train.as_slice()),
        None => (raw, &[][..]),
    };
    std::fs::write(dir.path().join("test.jsonl"), lines(test)).unwrap();
    std::fs::write(dir.path().join("train.jsonl"), lines(train)).unwrap();
    let facts = Facts {
        name: "proposed",
        origin: "d.jsonl",
        test: "test.jsonl",
        train: proposal.has_train().then_some("train.jsonl"),
        margin: (0.05, "a test"),
    };
    let yaml = proposal.suite_yaml(&facts);
    let path = dir.path().join("suite.yaml");
    std::fs::write(&path, &yaml).unwrap();
    let suite = Suite::load(path.to_str().unwrap(), Path::new(""));
    suite.unwrap_or_else(|problems| panic!("{problems}\n{yaml}"))
}

fn tickets(n: usize) -> Vec<Fields> {
    let row = |i: usize| {
        let queue = ["Billing", "Login"][usize::from(i.is_multiple_of(3))];
        let lang = ["de", "en"][i % 2];
        let text = format!("Dear team, this is my message number {i} to you");
        json!({"Ticket ID": i, "Message text": text, "Queue": queue, "lang": lang,
               "internal code": queue.to_lowercase(), "__expected": format!("contains:{queue}")})
    };
    rows((0..n).map(row).collect())
}

#[test]
fn a_label_an_id_and_a_tag() {
    let raw = tickets(60);
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!(proposal.kind, Kind::Classification);
    assert_eq!(decided(&proposal, Subject::Expected), "Queue");
    // What tells the label is neither shown nor a tag.
    assert_eq!(decided(&proposal, Subject::Input), "Message text");
    assert_eq!(decided(&proposal, Subject::Tags), "lang");
    assert_eq!(decided(&proposal, Subject::Id), "Ticket ID");
    assert_eq!(proposal.values(), [("Billing".to_owned(), 40), ("Login".to_owned(), 20)]);
    let suite = loaded(&proposal, &raw);
    // 70 % of each label: 28 and 14.
    assert_eq!((suite.samples.len(), suite.train.len()), (42, 18));
    let logins = suite.samples.iter().filter(|s| s.expected == "Login").count();
    assert_eq!(logins, 14);
}

#[test]
fn spellings_of_a_label_are_one() {
    let mut raw = tickets(30);
    raw[1].insert("Queue".into(), " billing".into());
    raw[2].insert("Queue".into(), "BILLING".into());
    raw[4].insert("Queue".into(), "".into());
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!(proposal.values(), [("Billing".to_owned(), 19), ("Login".to_owned(), 10)]);
    assert_eq!(decided(&proposal, Subject::LeftOut), "1 of 30 rows");
    loaded(&proposal, &raw);
}

#[test]
fn a_question_its_passage_and_its_answer() {
    let row = |i: usize| {
        json!({"id": format!("q{i}"), "question": format!("Who wrote the book number {i} here?"),
               "passage": format!("The book number {i} was written by Ada {i}. It is long."),
               "answers": if i == 3 { json!([]) } else { json!([format!("Ada {i}")]) }})
    };
    let raw = rows((0..20).map(row).collect());
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!(proposal.kind, Kind::Faq);
    assert_eq!(decided(&proposal, Subject::Input), "passage, question");
    assert!(proposal.splits.written.is_none(), "the file is used as it is");
    let suite = loaded(&proposal, &raw);
    assert_eq!(suite.warnings, Vec::<String>::new(), "to abstain is meant: one row in twenty");
}

#[test]
fn objects_are_fields() {
    let row = |i: usize| {
        json!({"text": format!("Invoice number {i} of the company Acme, sum {i} EUR"),
               "expected": {"invoice_number": i, "total": format!("{i}.50"), "date": "2026-01-31"}})
    };
    let raw = rows((1..12).map(row).collect());
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!(proposal.kind, Kind::Extraction);
    let suite = loaded(&proposal, &raw);
    assert_eq!(suite.task.fields(), ["invoice_number", "total", "date"]);
    assert!(suite.yaml.contains("total: {expected: expected.total, compare: number"));
    assert!(suite.yaml.contains("date: {expected: expected.date, compare: date}"));
}

#[test]
fn places_of_another_tool_are_written_as_a_suite_reads_them() {
    let raw = rows(json!([
        {"masked": "{{name}} is my name", "full": "Dänu is my name",
         "spans": [{"entity_value": "Dänu", "start_position": 0, "end_position": 4, "entity_type": "name"}]},
        {"masked": "nothing", "full": "nothing here", "spans": []},
    ]));
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!((proposal.kind, decided(&proposal, Subject::Input)), (Kind::Pii, "full"));
    let suite = loaded(&proposal, &raw);
    assert_eq!(suite.samples.get(0).unwrap().expected["spans"], json!([[0, 4, "name"]]));
}

#[test]
fn a_column_says_to_which_split_a_row_belongs() {
    let mut raw = tickets(40);
    for (i, row) in raw.iter_mut().enumerate() {
        row.insert("split".into(), if i < 10 { "test" } else { "train" }.into());
    }
    let proposal = proposed(&raw, &Wishes::default()).unwrap();
    assert_eq!((proposal.splits.test, proposal.splits.train), (10, 30));
}

#[test]
fn wishes_come_first_and_must_be_columns() {
    let raw = tickets(30);
    let wish = |name: &str| Wishes { expected: Some(name.to_owned()), ..Wishes::default() };
    let proposal = proposed(&raw, &wish("lang")).unwrap();
    assert_eq!(decided(&proposal, Subject::Expected), "lang");
    let error = proposed(&raw, &wish("Queu")).unwrap_err();
    assert!(error.contains("did you mean `Queue`?"), "{error}");
    let share = Wishes { test_share: Some(1.5), ..Wishes::default() };
    assert!(proposed(&raw, &share).unwrap_err().contains("1.5"));
    let all = Wishes { test_share: Some(1.0), ..Wishes::default() };
    assert_eq!(proposed(&raw, &all).unwrap().splits.test, 30);
}

#[test]
fn what_says_nothing_is_refused() {
    let raw = rows(json!([{"a": 1.5, "b": 7}, {"a": 2.5, "b": 9}]));
    let error = proposed(&raw, &Wishes::default()).unwrap_err();
    assert!(error.contains("--expected COLUMN; the columns are `a`, `b`"), "{error}");
}

#[test]
fn words_of_yaml_are_quoted() {
    for (text, yaml) in [
        ("billing", "billing"),
        ("no", "\"no\""),
        ("1", "\"1\""),
        ("a: b", "\"a: b\""),
        ("a # b", "\"a # b\""),
        ("reverted_card_payment?", "\"reverted_card_payment?\""),
    ] {
        assert_eq!(word(text), yaml);
    }
}

#[test]
fn checks_are_proposed_where_no_other_column_says_what_is_expected() {
    let all = rows(json!([
        {"question": "What is the capital of France?", "__prefix": "Dear model, ",
            "__expected1": "contains: Paris", "__threshold": ""},
        {"question": "And of Austria, in one word?", "__prefix": "",
            "__expected1": "not-icontains: paris", "__threshold": "0.5"},
    ]));
    let proposal = proposed(&all, &Wishes::default()).unwrap();
    assert_eq!(decided(&proposal, Subject::Kind), "checks");
    assert_eq!(decided(&proposal, Subject::Input), "question");
    let suite = loaded(&proposal, &all);
    let ask = serde_json::to_value(suite.ask(&suite.samples.get(0).unwrap(), 0).unwrap()).unwrap();
    let said = &ask["kind"]["generate"]["prompt"]["messages"][0]["content"];
    assert_eq!(said, "Dear model, What is the capital of France?");
    assert_eq!(suite.samples.get(1).unwrap().expected["threshold"], 0.5);
    // A column that is named is taken for what it holds.
    let plain = rows(json!([
        {"question": "What is the capital of France?", "__expected": "Paris"},
        {"question": "And of Austria, in one word?", "__expected": "Vienna"},
    ]));
    let wishes = Wishes { kind: Some(Kind::Checks), ..Wishes::default() };
    assert_eq!(decided(&proposed(&plain, &wishes).unwrap(), Subject::Kind), "checks");
    let wishes = Wishes { expected: Some("__expected".to_owned()), ..Wishes::default() };
    assert_ne!(decided(&proposed(&plain, &wishes).unwrap(), Subject::Kind), "checks");
}

proptest! {
    #[test]
    fn a_word_is_read_back(text in "\\PC{0,20}|[\\n\\t\"\\\\':#{}\\[\\], -]{0,10}") {
        let read: Value = serde_yaml::from_str(&format!("{{a: {}}}", word(&text))).unwrap();
        prop_assert_eq!(&read["a"], &Value::String(text));
    }

    /// Whatever stands in the columns: no panic, and a split parts no equal inputs.
    #[test]
    fn any_rows(cells in prop::collection::vec(("[ab]{0,3}", "[a-d ]{0,40}", 0u8..4, any::<bool>()), 1..40)) {
        let row = |(label, text, n, list): &(String, String, u8, bool)| {
            let spans = if *list { json!([[0, n, label]]) } else { json!(null) };
            json!({"label": label, "text": text, "n": n, "s p": {"x": spans}, "1": [text]})
        };
        let raw = rows(cells.iter().map(row).collect());
        let wishes = [Kind::ALL.map(Some).to_vec(), vec![None]].concat();
        for kind in wishes {
            let Ok(proposal) = proposed(&raw, &Wishes { kind, ..Wishes::default() }) else { continue };
            if let Some(written) = &proposal.splits.written && kind == Some(Kind::Classification) {
                let texts = |rows: &[Fields]| -> HashSet<String> {
                    let columns = proposal.input.iter().map(|i| i.variable.as_str());
                    let columns: Vec<&str> = columns.collect();
                    rows.iter().map(|r| columns.iter().map(|c| format!("{:?}", r.get(*c))).collect()).collect()
                };
                let both = texts(&written.test).intersection(&texts(&written.train)).count();
                prop_assert_eq!(both, 0);
            }
        }
    }
}
