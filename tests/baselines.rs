//! Baselines in a bake-off: what they answer, what they cannot, and that they are resumed and merged
//! like any entry.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{analysis, assert_exit, json_lines, records, rightsize, stderr, stdout, write};

/// A suite of twelve messages whose words say the queue, and eight to learn from.
fn bakeoff(dir: &Path) {
    let rows = |from: usize, to: usize| -> String {
        let row = |i: usize| match i % 4 {
            0 | 1 => format!("m{i},the invoice number {i} is wrong,billing\n"),
            _ => format!("m{i},password number {i} does not work,login\n"),
        };
        "id,message,queue\n".to_owned() + &(from..to).map(row).collect::<String>()
    };
    write(&dir.join("suite/test.csv"), &rows(0, 11));
    // Nine rows: one more of billing than of login.
    write(&dir.join("suite/train.csv"), &rows(100, 109));
    write(
        &dir.join("suite/suite.yaml"),
        "name: queues\ntask: classification\ndata: {test: test.csv, train: train.csv, id: id}\n\
         labels: {queue: {values: [billing, login]}}\nprompt: {user: \"{{ message }}\"}\n",
    );
    write(
        &dir.join("bakeoff.yaml"),
        "name: queues\nsuites: [suite/suite.yaml, catalog:kb-faq]\nmodels: []\n\
         baselines: [oracle, majority, random, nearest, linear]\n",
    );
}

fn run(dir: &Path, out: &str, more: &[&str]) -> String {
    let out = dir.join(out);
    let mut command = rightsize();
    command.arg("run").arg(dir.join("bakeoff.yaml")).arg("--out").arg(out).args(more);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    stdout(&done) + &stderr(&done)
}

/// Right answers of a baseline on a suite, of how many.
fn right(records: &[Value], suite: &str, method: &str) -> (usize, usize) {
    let of = records.iter().filter(|r| r["suite"] == suite && r["model"] == method);
    let scores: Vec<bool> = of.map(|r| r["score"] == 1.0).collect();
    (scores.iter().filter(|right| **right).count(), scores.len())
}

#[test]
fn baselines_answer_what_they_can_and_say_what_they_cannot() {
    let dir = tempfile::tempdir().unwrap();
    bakeoff(dir.path());
    let shown = run(dir.path(), "out", &[]);
    let records = records(&dir.path().join("out"));
    assert_eq!(right(&records, "queues", "oracle"), (11, 11));
    assert_eq!(right(&records, "queues", "majority"), (6, 11), "billing is the commonest");
    assert_eq!(right(&records, "queues", "nearest"), (11, 11));
    assert_eq!(right(&records, "queues", "linear"), (11, 11));
    assert_eq!(right(&records, "kb-faq", "oracle"), (154, 154));
    assert_eq!(right(&records, "kb-faq", "linear"), (0, 0));
    for text in ["baseline linear does not answer kb-faq", "Baselines: 5", "Models: 0"] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
    assert!(!shown.contains("not measured"), "{shown}");
    // No stamps and no tokens were made up.
    assert!(records.iter().all(|r| r["timing"]["sent"].is_null()));
    assert!(records.iter().all(|r| r["usage"]["input_total"].is_null()));
}

#[test]
fn a_run_goes_on_without_the_files_that_were_learned_from() {
    let dir = tempfile::tempdir().unwrap();
    bakeoff(dir.path());
    run(dir.path(), "out", &[]);
    let out = dir.path().join("out");
    let before = analysis(&out)["results"].to_string();
    let kept: String = json_lines(&out.join("records.jsonl"))
        .iter()
        .filter(|r| !(r["model"] == "linear" && r["sample"] != "m3"))
        .map(|r| format!("{r}\n"))
        .collect();
    write(&out.join("records.jsonl"), &kept);
    std::fs::remove_dir_all(dir.path().join("suite")).unwrap();
    let again = rightsize().args(["run", "--resume"]).arg(&out).output().unwrap();
    assert_exit(&again, 0);
    assert_eq!(analysis(&out)["results"].to_string(), before);
}

#[test]
fn shards_are_merged_into_the_analysis_of_one_run() {
    let dir = tempfile::tempdir().unwrap();
    bakeoff(dir.path());
    run(dir.path(), "whole", &[]);
    let parts = ["1/2", "2/2"].map(|shard| {
        let out = shard.replace('/', "of");
        run(dir.path(), &out, &["--shard", shard]);
        dir.path().join(out)
    });
    let merged = dir.path().join("merged");
    let done = rightsize().arg("merge").args(&parts).arg("--out").arg(&merged).output().unwrap();
    assert_exit(&done, 0);
    let results = |folder: &Path| analysis(folder)["results"].to_string();
    assert_eq!(results(&merged), results(&dir.path().join("whole")));
    assert!(merged.join("suites/queues/train.jsonl").exists());
}

#[test]
fn a_baseline_is_named_once_and_no_entry_has_its_name() {
    let dir = tempfile::tempdir().unwrap();
    for (text, message) in [
        ("baselines: [linear, linear]", "`linear` stands twice"),
        ("baselines: [specialist]", "specialist"),
        (
            "baselines: [linear]\nmodels: [{id: linear, provider: llama-cpp, model: specialist-1m}]",
            "`linear` is a baseline and the id",
        ),
        ("baselines: []\nmodels: []", "no models"),
    ] {
        let models = if text.contains("models:") { "" } else { "models: [specialist-1m]\n" };
        let path = dir.path().join("b.yaml");
        write(&path, &format!("name: b\nsuites: [catalog:kb-faq]\n{models}{text}\n"));
        let done = rightsize().arg("check").arg(&path).output().unwrap();
        assert_exit(&done, 2);
        assert!(stderr(&done).contains(message), "{message}: {}", stderr(&done));
    }
}
