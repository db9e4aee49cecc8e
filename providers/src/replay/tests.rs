use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Finish, Generate, Prompt, Stamp, Timing, UsageSource};

fn ask(suite: &str, id: &str, repeat: u32) -> Ask {
    Ask {
        sample: SampleRef { suite: suite.into(), id: id.into(), repeat },
        fields: Default::default(),
        kind: AskKind::Generate(Generate::new(Prompt::Messages(Vec::new()), 1)),
    }
}

fn open(text: &str, model: &str) -> Result<Replay, ProviderError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.jsonl");
    fs::write(&file, text).unwrap();
    Replay::open(&file, model).map_err(|mut e| {
        e.message = e.message.replace(&folder.path().display().to_string(), "");
        e
    })
}

fn said(replay: &Replay, suite: &str, id: &str, repeat: u32) -> String {
    match replay.answer(&ask(suite, id, repeat)) {
        Ok(answer) => answer.response.text,
        Err(error) => format!("{:?} {:?}", error.kind, error.advice),
    }
}

#[tokio::test]
async fn a_line_answers_with_what_it_says_and_nothing_more() {
    let replay = open(
        r#"{"sample":"a","text":"billing"}
           {"id":2,"response":{"text":"lo","finish":"length"},"usage":{"input_total":4,"output_total":2},"timing":{"sent":1,"last_token":9}}
           {"sample":"c","error":"it was down"}
           {"sample":"d","error":{"side":"ours","kind":"timeout","stage":"wait","message":"m"}}
        "#,
        "any",
    )
    .unwrap();
    let a = replay.attempt(&ask("s", "a", 0)).await.unwrap();
    assert_eq!((a.response.text.as_str(), a.response.finish), ("billing", Finish::Stop));
    assert_eq!((a.timing, a.usage.source), (Timing::default(), UsageSource::Missing));
    let b = replay.attempt(&ask("s", "2", 3)).await.unwrap();
    assert_eq!(b.response.finish, Finish::Length);
    assert_eq!((b.usage.output_total, b.usage.source), (Some(2), UsageSource::Reported));
    assert_eq!((b.timing.sent, b.timing.last_token), (Some(Stamp(1)), Some(Stamp(9))));
    assert_eq!(said(&replay, "s", "c", 0), "Server Never");
    assert_eq!(said(&replay, "s", "d", 0), "Timeout Never");
    assert_eq!(said(&replay, "s", "e", 0), "NotRecorded Never");
}

#[test]
fn the_more_exact_line_is_taken() {
    let replay = open(
        r#"{"sample":"a","text":"any"}
           {"sample":"a","repeat":1,"text":"second"}
           {"sample":"a","suite":"s","text":"suite"}
           {"sample":"a","suite":"s","repeat":1,"text":"suite, second"}"#,
        "m",
    )
    .unwrap();
    assert_eq!(said(&replay, "other", "a", 0), "any");
    assert_eq!(said(&replay, "other", "a", 1), "second");
    assert_eq!(said(&replay, "s", "a", 0), "suite");
    assert_eq!(said(&replay, "s", "a", 1), "suite, second");
}

#[test]
fn a_folder_has_a_file_a_suite() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.jsonl"), r#"{"sample":"a","text":"1"}"#).unwrap();
    fs::write(folder.path().join("two.jsonl"), r#"{"sample":"a","text":"2"}"#).unwrap();
    fs::write(folder.path().join("notes.txt"), "no answers").unwrap();
    let replay = Replay::open(folder.path(), "m").unwrap();
    assert_eq!(said(&replay, "one", "a", 0), "1");
    assert_eq!(said(&replay, "two", "a", 0), "2");
    assert_eq!(said(&replay, "three", "a", 0), "NotRecorded Never");
    let before = replay.describe().weights_sha256;
    fs::write(folder.path().join("two.jsonl"), r#"{"sample":"a","text":"3"}"#).unwrap();
    assert_ne!(Replay::open(folder.path(), "m").unwrap().describe().weights_sha256, before);
}

#[test]
fn the_digest_is_that_of_the_file() {
    let text = "{\"sample\":\"a\",\"text\":\"1\"}\n";
    let description = open(text, "m").unwrap().describe();
    assert_eq!(description.weights_sha256, Some(digest::of_bytes(text.as_bytes())));
    assert_eq!(description.weights_bytes, Some(text.len() as u64));
}

fn record(model: &str, sample: &str, scenario: &str, text: &str) -> String {
    json!({"schema": 1, "unit": "u", "suite": "s", "sample": sample, "model": model, "repeat": 0,
        "scenario": scenario, "outcome": "scored", "expected": "x", "server": {}, "usage":
        {"input_total": null, "output_total": 3, "reasoning": 0, "source": "tokenizer"},
        "response": {"text": text, "finish": "stop"}, "timing": {"sent": 5},
        "signals": {"logprob": {"sum": -0.5, "tokens": 3}}})
    .to_string()
}

#[test]
fn a_run_folder_is_replayed_by_model() {
    let folder = tempfile::tempdir().unwrap();
    let failed = json!({"schema": 1, "suite": "s", "sample": "a", "model": "small", "repeat": 0,
        "scenario": "batch", "outcome": "error", "error":
        {"side": "theirs", "kind": "server", "stage": "wait", "message": "m"}});
    let lines = [
        failed.to_string(),
        record("small", "a", "batch", "after the error"),
        record("small", "a", "single-stream", "alone"),
        record("large", "a", "batch", "large"),
        record("small", "b", "single-stream", "only alone"),
        record("small", "b", "batch", "batch")[..40].to_owned(),
    ];
    fs::write(folder.path().join(RECORDS), lines.join("\n")).unwrap();
    fs::write(folder.path().join("prompts.jsonl"), "{\"sha256\":\"x\",\"text\":\"y\"}\n").unwrap();
    let small = Replay::open(folder.path(), "small").unwrap();
    assert_eq!(said(&small, "s", "a", 0), "after the error");
    assert_eq!(said(&small, "s", "b", 0), "only alone");
    assert_eq!(said(&small, "s", "a", 1), "NotRecorded Never");
    let answer = small.answer(&ask("s", "a", 0)).unwrap();
    assert_eq!(answer.logprob.map(|l| (l.sum, l.tokens)), Some((-0.5, 3)));
    assert_eq!(answer.usage.source, UsageSource::Tokenizer);
    assert_eq!(said(&Replay::open(folder.path(), "large").unwrap(), "s", "a", 0), "large");
    let error = Replay::open(folder.path(), "medium").unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::NotFound, Advice::EndsEntry));
    assert!(error.message.contains("`large`, `small`"), "{error}");
}

#[test]
fn errors_name_file_and_line() {
    let good = "{\"sample\":\"a\",\"text\":\"1\"}\n";
    for (line, expected) in [
        ("{\"sample\":", "/answers.jsonl:2:10: not JSON"),
        ("[1]", "/answers.jsonl:2: expected an object"),
        ("{\"text\":\"x\"}", "/answers.jsonl:2: no `sample`"),
        ("{\"sample\":\"b\"}", "/answers.jsonl:2: neither `text`"),
        ("{\"sample\":\"b\",\"txt\":\"x\"}", "/answers.jsonl:2: unknown key `txt`"),
        ("{\"sample\":\"b\",\"text\":1}", "/answers.jsonl:2: `text` is 1: expected a text"),
        (
            "{\"sample\":\"b\",\"text\":\"x\",\"repeat\":-1}",
            "/answers.jsonl:2: `repeat`: invalid value",
        ),
        (
            "{\"sample\":\"b\",\"response\":{\"finish\":\"stop\"}}",
            "/answers.jsonl:2: `response`: missing field `text`",
        ),
        (
            "{\"sample\":\"a\",\"text\":\"2\"}",
            "/answers.jsonl:2: the sample `a` already has an answer at /answers.jsonl:1",
        ),
    ] {
        let error = open(&format!("{good}{line}"), "m").unwrap_err();
        assert!(error.message.starts_with(expected), "{}", error.message);
        assert_eq!((error.stage, error.advice), (Stage::Start, Advice::EndsEntry));
    }
}

#[test]
fn nothing_to_replay_is_said() {
    assert_eq!(open("", "m").unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(Replay::open(Path::new("/nonexistent"), "m").unwrap_err().kind, ErrorKind::NotFound);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Replay::open(folder.path(), "m").unwrap_err().kind, ErrorKind::NotFound);
    let file = folder.path().join("latin1.jsonl");
    fs::write(&file, b"{\"sample\":\"a\",\"text\":\"1\"}\n{\"sample\":\"\xe4\"}\n").unwrap();
    let error = Replay::open(&file, "m").unwrap_err();
    assert!(error.message.contains("latin1.jsonl:2: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_panics(text in "(\\{\"(sample|text|error|usage)\":[\"a1\\{\\}\\[ ]{0,4},?\\PC{0,8}\\}?\n?){0,5}") {
        let _ = open(&text, "m");
    }
}
