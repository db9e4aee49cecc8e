//! A suite that is scored by a command of its own: figures, errors, what is printed and kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use support::{analysis, assert_exit, records, rightsize, stderr, write};

/// Half a point for an answer that is too long; dies of the answer "crash".
const SCRIPT: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["text"] == "crash":
        print("cannot bear it", file=sys.stderr)
        sys.exit(3)
    right = asked["text"].startswith(asked["expected"][0])
    short = len(asked["text"]) < 10
    score = (0.5 + 0.5 * short) if right else 0.0
    print(json.dumps({"score": score, "parts": {"short": int(short)}, "why": asked["fields"]["note"]}), flush=True)
"#;

fn bakeoff(dir: &Path, answers: &[(&str, &str)]) -> bool {
    if !Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: there is no python3");
        return false;
    }
    let row = |(id, _): &(&str, &str)| json!({"id": id, "question": "Who?", "answer": "Ada", "note": format!("note of {id}")});
    let rows: String = answers.iter().map(row).map(|row| format!("{row}\n")).collect();
    let said = |(id, text): &(&str, &str)| json!({"sample": id, "text": text});
    let said: String = answers.iter().map(said).map(|line| format!("{line}\n")).collect();
    write(&dir.join("suite/test.jsonl"), &rows);
    write(&dir.join("suite/score.py"), SCRIPT);
    write(&dir.join("answers.jsonl"), &said);
    write(
        &dir.join("suite/suite.yaml"),
        "name: own\ntask: faq\ndata: {test: test.jsonl, id: id}\nexpected: answer\n\
         prompt: {user: \"{{ question }}\"}\nscoring: {command: [python3, score.py], timeout: 60s}\n",
    );
    write(
        &dir.join("bakeoff.yaml"),
        "name: b\nsuites: [suite/suite.yaml]\nbaselines: [oracle]\nmodels:\n\
         - {id: said, provider: replay, model: answers.jsonl}\n",
    );
    true
}

fn run(dir: &Path, more: &[&str]) -> Output {
    let mut command = rightsize();
    command.current_dir(dir).args(["run", "--quiet"]).args(more).output().unwrap()
}

#[test]
fn the_command_gives_the_score() {
    let dir = tempfile::tempdir().unwrap();
    let answers = [("a", "Ada"), ("b", "Ada Lovelace of London"), ("c", "Bob"), ("d", "Ada.")];
    if !bakeoff(dir.path(), &answers) {
        return;
    }
    let done = run(dir.path(), &["--out", "out"]);
    assert_exit(&done, 0);
    let said = stderr(&done);
    assert!(said.contains("own is scored by a command: python3 score.py"), "{said}");
    let out = dir.path().join("out");
    let record = records(&out).into_iter().find(|r| r["model"] == "said" && r["sample"] == "b");
    let record = record.unwrap();
    assert_eq!((&record["score"], &record["parts"]["command:short"]), (&0.5.into(), &0.0.into()));
    assert_eq!(record["detail"]["command"]["why"], "note of b");
    // Scores 1, 0.5, 0, 1; short are three of four.
    let cells = analysis(&out)["results"]["cells"].clone();
    let cell = cells.as_array().unwrap().iter().find(|cell| cell["model"] == "said").unwrap();
    let pass = &cell["passes"][0];
    assert_eq!(
        (&pass["primary"]["metric"], &pass["primary"]["value"]),
        (&"score".into(), &0.625.into())
    );
    let others = pass["others"].as_array().unwrap();
    let value = |name: &str| &others.iter().find(|m| m["metric"] == name).unwrap()["value"];
    assert_eq!((value("command:short"), value("exact_match")), (&0.75.into(), &0.5.into()));
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"score.py\""), "{manifest}");
    // A report runs nothing.
    write(&dir.path().join("suite/score.py"), "open('../was-run', 'w')");
    assert_exit(&rightsize().arg("report").arg(&out).output().unwrap(), 0);
    assert!(!dir.path().join("was-run").exists());
    // Another script is another way to score.
    let again = run(dir.path(), &["--resume", "out"]);
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("is not the one of this run"), "{}", stderr(&again));
    assert!(!dir.path().join("was-run").exists());
}

#[test]
fn a_sample_that_it_dies_of_is_an_error_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    if !bakeoff(dir.path(), &[("a", "Ada"), ("b", "crash"), ("c", "Ada")]) {
        return;
    }
    assert_exit(&run(dir.path(), &["--out", "out"]), 3);
    let records = records(&dir.path().join("out"));
    let of = |id: &str| records.iter().find(|r| r["model"] == "said" && r["sample"] == id).unwrap();
    assert_eq!((&of("a")["score"], &of("c")["score"]), (&1.0.into(), &1.0.into()));
    assert_eq!((&of("b")["outcome"], &of("b")["error"]["side"]), (&"error".into(), &"ours".into()));
    let message = of("b")["error"]["message"].as_str().unwrap();
    assert!(message.contains("cannot bear it"), "{message}");
    assert_eq!(of("b")["response"]["text"], "crash", "what was paid for is kept");
}

#[test]
fn a_command_that_does_not_work_is_found_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    if !bakeoff(dir.path(), &[("a", "Ada")]) {
        return;
    }
    write(&dir.path().join("suite/score.py"), "print('hello')\n");
    let done = run(dir.path(), &["--out", "out"]);
    assert_exit(&done, 2);
    assert!(stderr(&done).contains("no judgement"), "{}", stderr(&done));
    assert!(!dir.path().join("out").exists());
}
