//! Any text as a model's answer: reading and scoring it never panics, a score lies in [0, 1], and
//! every metric of a single sample is a number or undefined.
//!
//! The environment variable `KIND` picks the reader; see [`SUITES`].
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rightsize_providers::{Finish, Response};
use rightsize_suites::{Kept, Suite};
use serde_json::Value;

/// A suite and its one row by kind of reader.
const SUITES: &[(&str, &str, &str)] = &[
    (
        "classification",
        "labels: {category: {values: [card payment, payment, '+'], aliases: {payment: [fee]}}}",
        r#"{"text": "t", "category": "payment"}"#,
    ),
    (
        "classification-json",
        "labels: {category: {values: [billing, log in]}}\nanswer: {format: json}",
        r#"{"text": "t", "category": "billing"}"#,
    ),
    (
        "classification-axes",
        "labels: {queue: {values: [billing, login], out_of_scope: login}, \
         urgency: {values: [low, high], ordinal: true}, topics: {values: [a, b], multiple: true}}",
        r#"{"text": "t", "queue": "billing", "urgency": "low", "topics": ["a"]}"#,
    ),
    (
        "extraction-lists",
        "fields: {items: {list: {name: {compare: fuzzy}, price: {compare: money}}}, tags: {list: true}}",
        r#"{"text": "t", "items": [{"name": "pen", "price": "€ 1.50"}, {"name": "ink"}], "tags": ["x"]}"#,
    ),
    (
        "tool_use",
        "tools: [{name: weather, parameters: {type: object, properties: {city: {type: string}}}}, {name: now}]",
        r#"{"text": "t", "calls": [{"name": "weather", "arguments": {"city": "Bern"}}]}"#,
    ),
    (
        "faq-citations",
        "expected: answer\ncitations: sources",
        r#"{"text": "t", "answer": "zinc", "sources": ["a", "2"]}"#,
    ),
    (
        "extraction",
        "fields: {name: {compare: casefold}, total: {compare: number, tolerance: 0.01}, \
         date: {compare: date}, currency: {compare: enum, values: [EUR, USD]}, id: {}}",
        r#"{"text": "t", "name": "A b", "total": 12.5, "date": "2024-02-29", "currency": "EUR", "id": "7"}"#,
    ),
    (
        "pii",
        "types: [PERSON, EMAIL]",
        r#"{"text": "Zoë Å wrote to a@b.c, a@b.c", "spans": [[0, 5, "PERSON"], [15, 20, "EMAIL"]]}"#,
    ),
    ("faq", "expected: answer", r#"{"text": "t", "answer": ["the 3 hours", "three"]}"#),
    ("summarization", "expected: answer", r#"{"text": "t", "answer": "a short text of words"}"#),
    ("reasoning", "expected: answer", r#"{"text": "t", "answer": "so 6 * 7 = 42\n#### 42"}"#),
    (
        "reasoning-regex",
        "expected: answer\nanswer: {filters: [strict, {regex: 'Answer: (.+)'}, flexible]}",
        r#"{"text": "t", "answer": "B"}"#,
    ),
];

static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let kind = std::env::var("KIND").expect("KIND names a reader");
    let (_, keys, row) = SUITES.iter().find(|(name, _, _)| *name == kind).expect("a known KIND");
    let task = kind.split('-').next().expect("a task");
    let yaml = format!(
        "name: fuzz\ntask: {task}\ndata: {{test: [{row}]}}\nprompt: {{user: '{{{{ text }}}}'}}\n{keys}\n"
    );
    let Value::Object(row) = serde_json::from_str(row).expect("a row") else { unreachable!() };
    let kept = Kept::new([row]).expect("rows that can be kept");
    match Suite::from_run_folder(&yaml, "fuzz.yaml", kept) {
        Ok(suite) => suite,
        Err(problems) => panic!("{yaml}\n{problems}"),
    }
});

fuzz_target!(|text: &str| {
    let suite = &*SUITE;
    for finish in [Finish::Stop, Finish::Length] {
        let response = Response { text: text.to_owned(), finish, ..Response::default() };
        let reading = suite.task.read(&response);
        let score = suite.task.score(&reading, &suite.samples.get(0).unwrap()).expect("a score");
        assert!((0.0..=1.0).contains(&score.primary), "{score:?}");
        for metric in suite.metrics() {
            assert!(metric.finish(&score.parts).is_none_or(f64::is_finite), "{metric:?} {score:?}");
        }
    }
});
