//! From a promptfoo configuration, or rows with its columns, to a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::stub_server::{Reply, StubServer};
use support::{
    analysis, assert_exit, output, records, repository, rightsize, stderr, stdout, write,
};

/// A configuration of the tests of suites.
fn config(name: &str) -> PathBuf {
    repository().join("suites/tests/promptfoo").join(name)
}

fn init(source: &Path, out: &Path, more: &[&str]) -> std::process::Output {
    let mut command = rightsize();
    command.arg("init").arg(source).arg("--out").arg(out).args(more).output().unwrap()
}

/// What went wrong, without the lines and marks of a message that is wrapped.
fn message(done: &std::process::Output) -> String {
    let text = stderr(done).replace(['│', '×'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check(out: &Path, files: &[&str]) -> String {
    let paths: Vec<String> = files.iter().map(|f| out.join(f).display().to_string()).collect();
    let mut args = vec!["check"];
    args.extend(paths.iter().map(String::as_str));
    let done = output(&args);
    assert_exit(&done, 0);
    stdout(&done)
}

fn run(out: &Path, bakeoff: &str, more: &[&str]) -> PathBuf {
    let folder = out.join("run");
    let mut command = rightsize();
    command.arg("run").arg(out.join(bakeoff)).arg("--out").arg(&folder).args(more);
    assert_exit(&command.output().unwrap(), 0);
    folder
}

/// The scores of an entry on a suite, by metric.
fn scores(analysis: &Value, suite: &str, entry: &str) -> Value {
    let cells = analysis["results"]["cells"].as_array().unwrap();
    let cell = cells.iter().find(|c| c["suite"] == suite && c["model"] == entry).unwrap();
    cell["passes"][0].clone()
}

/// A server answers what the configuration asks, with its prompts filled in.
#[test]
fn a_classification_is_run_on_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let done = init(&config("triage/promptfooconfig.yaml"), &out, &[]);
    assert_exit(&done, 0);
    let said = stdout(&done);
    for part in [
        "Translated: 2 suites of the task classification, 6 tests, 4 providers.",
        "promptfooconfig.yaml:8: prompt `file://prompts/make_prompt.py`: it is made by code",
        "promptfooconfig.yaml:23: provider `anthropic:messages:claude-3-5-haiku-latest`: there is no",
        "promptfooconfig.yaml:30: assertion `latency`: it measures the call",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!said.contains("sk-not-to-be-copied"), "{said}");
    for file in ["bakeoff.yaml", "suite.yaml", "suite-2.yaml"] {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        assert!(!text.contains("sk-not-to-be-copied"), "{text}");
    }
    check(&out, &["bakeoff.yaml", "suite.yaml", "suite-2.yaml"]);
    // It says `billing` to whatever has to do with money.
    let server = StubServer::start(|request| {
        let money = ["charged", "invoice"].iter().any(|word| request.prompt().contains(word));
        Reply::text(if money { "Billing" } else { "login" })
    });
    let bakeoff = std::fs::read_to_string(out.join("bakeoff.yaml")).unwrap();
    let local = bakeoff.replace("http://localhost:8000/v1", &server.base_url());
    assert_ne!(local, bakeoff);
    write(&out.join("local.yaml"), &local);
    let folder = run(&out, "local.yaml", &["--models", "qwen2.5-7b,oracle"]);
    let analysis = analysis(&folder);
    for suite in ["triage", "triage-2"] {
        // Two of two about bills, two of two about logins, none of the two others.
        let right = scores(&analysis, suite, "qwen2.5-7b")["primary"]["value"].as_f64().unwrap();
        assert!((right - 4.0 / 6.0).abs() < 1e-9, "{right}");
        assert_eq!(scores(&analysis, suite, "oracle")["primary"]["value"], 1.0);
    }
    assert_eq!(records(&folder).len(), 24, "two suites, two entries, six tests");
}

/// Checks as promptfoo has them, with the figures of each kind.
#[test]
fn checks_are_run_and_shown_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    assert_exit(&init(&config("support/promptfooconfig.yaml"), &out, &[]), 0);
    let shown = check(&out, &["bakeoff.yaml"]);
    assert!(shown.contains("checks, 8 samples, scored by pass rate"), "{shown}");
    let server =
        StubServer::start(|_| Reply::text("We are open from 9 to 17, Team plan: 30 days."));
    let bakeoff = std::fs::read_to_string(out.join("bakeoff.yaml")).unwrap();
    assert!(bakeoff.contains("repeats: 3\n") && bakeoff.contains("concurrency: 4\n"), "{bakeoff}");
    let local = bakeoff
        .replace("https://openrouter.ai/api/v1", &server.base_url())
        .replace("    key_env: OPENROUTER_API_KEY\n", "");
    write(&out.join("local.yaml"), &local);
    let entry = "meta-llama-llama-3.1-8b-instruct";
    let folder = run(&out, "local.yaml", &["--models", &format!("{entry},oracle")]);
    let analysis = analysis(&folder);
    let suite = analysis["results"]["suites"][0]["name"].as_str().unwrap().to_owned();
    let pass = scores(&analysis, &suite, entry);
    assert_eq!(pass["primary"]["metric"], "pass_rate");
    // By hand: `30 days`, the office (whose own check was not translated), `Team`, `9, 17` twice; of
    // the rows with a threshold of 0.6, two of four weights hold (0.5); the free plan has neither of
    // its checks, for the lengths of the texts alone are 13 characters apart.
    assert_eq!(pass["primary"]["value"], 5.0 / 8.0);
    let fields = pass["fields"].as_array().unwrap();
    let plans = fields.iter().find(|f| f["field"] == "plans").unwrap();
    assert_eq!((&plans["exact"], &plans["wrong"]), (&0.into(), &6.into()), "{plans}");
    assert_eq!(scores(&analysis, &suite, "oracle")["primary"]["value"], 1.0);
}

/// Rows with promptfoo's columns are data as they are.
#[test]
fn rows_with_checks_are_proposed_and_run() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "question,__expected,__expected2\n\
        What is the capital of France?,contains: Paris,not-contains: Lyon\n\
        What is the capital of Austria?,icontains: vienna,\n\
        How many states has Austria?,regex: \\b(9|nine)\\b,\n";
    write(&dir.path().join("tests.csv"), rows);
    let out = dir.path().join("out");
    let done = init(&dir.path().join("tests.csv"), &out, &["--yes"]);
    assert_exit(&done, 0);
    let yaml = std::fs::read_to_string(out.join("suite.yaml")).unwrap();
    for part in
        ["task: checks\n", "expected: \"__expected\"", "{{ question }}", "test: ../tests.csv"]
    {
        assert!(yaml.replace('"', "").contains(&part.replace('"', "")), "{part} is not in\n{yaml}");
    }
    check(&out, &["suite.yaml", "bakeoff.yaml"]);
    let folder = run(&out, "bakeoff.yaml", &["--models", "oracle"]);
    assert!(records(&folder).iter().all(|record| record["score"] == 1.0));
    // What only a model could judge is said with its line.
    write(&dir.path().join("more.csv"), &(rows.to_owned() + "Who are you?,grade: is polite,\n"));
    let done = init(&dir.path().join("more.csv"), &dir.path().join("more"), &["--yes"]);
    assert_exit(&done, 2);
    let said = message(&done);
    assert!(said.contains("more.csv:5") && said.contains("a model would have to judge"), "{said}");
}

#[test]
fn options_that_a_configuration_answers_itself_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let done = init(&config("triage/promptfooconfig.yaml"), &out, &["--kind", "faq"]);
    assert_exit(&done, 2);
    assert!(message(&done).contains("is a promptfoo configuration"), "{}", stderr(&done));
    assert!(!out.exists());
    write(
        &dir.path().join("c.yaml"),
        "prompts: [a]\ntests:\n- assert: [{type: llm-rubric, value: x}]\n",
    );
    let done = init(&dir.path().join("c.yaml"), &out, &[]);
    assert_exit(&done, 2);
    assert!(message(&done).contains("c.yaml:3"), "{}", stderr(&done));
    assert!(!out.exists());
}
