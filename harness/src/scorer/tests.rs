use std::time::{Duration, Instant};

use rightsize_suites::{Kept, ScoringError};
use serde_json::json;

use super::*;

/// A suite whose answers are scored by `sh -c SCRIPT`.
fn suite(script: &str, timeout: &str, workers: usize) -> Suite {
    let rows = ["yes", "no"].map(|a| json!({"id": a, "question": "Is it?", "answer": a}));
    let rows: Vec<_> = rows.iter().filter_map(|row| row.as_object().cloned()).collect();
    let yaml = format!(
        "name: own\ntask: faq\ndata: {{test: rows.jsonl, id: id}}\nexpected: answer\n\
         prompt: {{user: \"{{{{ question }}}}\"}}\n\
         scoring: {{command: [sh, -c, {}], timeout: {timeout}, workers: {workers}}}\n",
        serde_json::Value::from(script)
    );
    Suite::from_run_folder(&yaml, "suite.yaml", Kept::new(rows).unwrap()).unwrap()
}

fn judge(scorer: &Scorer, suite: &Suite, sample: usize) -> Result<Judgement, ScoringError> {
    let sample = &suite.samples.get(sample).unwrap();
    let response = suite.task.write_expected(sample);
    scorer.judge(sample, &response.text, &suite.task.read(&response))
}

fn scorer(suite: &Suite) -> Scorer {
    Scorer::of(suite, &std::env::temp_dir()).unwrap()
}

/// Reads lines, and gives 1 to those that hold the text "yes".
const YES: &str = r#"while read -r line; do case "$line" in
    *'"text":"yes"'*) echo '{"score": 1, "parts": {"short": 1}}';;
    *) echo '{"score": 0.25, "why": "not yes"}';; esac; done"#;

#[test]
fn one_process_judges_sample_after_sample() {
    let suite = suite(YES, "20s", 1);
    let scorer = scorer(&suite);
    scorer.try_out(&suite).unwrap();
    let id = || scorer.free.lock().unwrap()[0].as_ref().map(Process::id);
    let first = id();
    assert!(first.is_some());
    for _ in 0..5 {
        assert_eq!(judge(&scorer, &suite, 0).unwrap().score, 1.0);
        let no = judge(&scorer, &suite, 1).unwrap();
        assert_eq!((no.score, no.why.as_deref()), (0.25, Some("not yes")));
    }
    assert_eq!(id(), first);
}

#[test]
fn a_crash_costs_a_restart_and_a_second_one_the_sample() {
    // It answers one line and dies of the next.
    let suite1 = suite("read -r line; echo '{\"score\": 1}'", "20s", 1);
    let scorer1 = scorer(&suite1);
    for _ in 0..3 {
        assert_eq!(judge(&scorer1, &suite1, 0).unwrap().score, 1.0);
    }
    let suite2 = suite("read -r line; echo broken pipe dream >&2; exit 3", "20s", 1);
    let error = judge(&scorer(&suite2), &suite2, 0).unwrap_err().to_string();
    for part in ["`yes`", "failed twice", "broken pipe dream"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn what_is_no_judgement_is_an_error() {
    for (script, message) in [
        ("while read -r line; do echo 1; done", "no judgement"),
        ("while read -r line; do echo '{\"score\": 2}'; done", "not between 0 and 1"),
        ("no-such-program-of-this-test", "ended without a line"),
        ("head -c 3000000 /dev/zero | tr '\\0' x", "ended without a line"),
    ] {
        let suite = suite(script, "20s", 1);
        let error = judge(&scorer(&suite), &suite, 0).unwrap_err().to_string();
        assert!(error.contains(message), "{script}: {error}");
    }
    // A line too many belongs to no sample.
    let suite = suite(
        "while read -r line; do echo '{\"score\": 1}'; echo '{\"score\": 0}'; done",
        "20s",
        1,
    );
    let scorer = scorer(&suite);
    for _ in 0..3 {
        assert_eq!(judge(&scorer, &suite, 0).unwrap().score, 1.0);
        // The line too many has come before the next sample is asked.
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_takes_too_long_is_ended() {
    // A row that fills the pipe is written by a thread of its own.
    let suite = suite("sleep 600 & sleep 600", "200ms", 1);
    let scorer = scorer(&suite);
    let begun = Instant::now();
    let error = judge(&scorer, &suite, 0).unwrap_err().to_string();
    assert!(error.contains("no line within 0.2 s"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn workers_judge_side_by_side() {
    // Each process waits until there are two.
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().display();
    let script = format!(
        "touch {here}/$$; while [ $(ls {here} | wc -l) -lt 2 ]; do sleep 0.02; done; \
         while read -r line; do echo '{{\"score\": 1}}'; done"
    );
    let suite = suite(&script, "30s", 2);
    let scorer = scorer(&suite);
    std::thread::scope(|scope| {
        for sample in 0..2 {
            let (scorer, suite) = (&scorer, &suite);
            scope.spawn(move || assert_eq!(judge(scorer, suite, sample).unwrap().score, 1.0));
        }
    });
}
