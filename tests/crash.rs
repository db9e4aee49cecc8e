//! Engines that die in the middle of a run: the other samples and the other models are all there,
//! and the report names what happened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use support::{
    analysis, answers_by_unit, assert_exit, processes_of, records, rightsize, stderr, write,
};

const LIMIT: Duration = Duration::from_secs(60);

/// Rows of a faq suite; `poison` stands in one of them.
fn lay_out(dir: &Path, poison: &str) {
    let row = |i: usize| {
        let text = if i == 7 { poison } else { "The shop opens at nine." };
        json!({"id": format!("s{i}"), "context": text, "question": "When?", "answer": "nine"})
    };
    let rows: String = (0..20).map(|i| format!("{}\n", row(i))).collect();
    write(&dir.join("test.jsonl"), &rows);
    write(
        &dir.join("suite.yaml"),
        "name: shop\ntask: faq\ndata: {test: test.jsonl, id: id}\nexpected: answer\n\
         prompt: {user: \"{{ context }} {{ question }}\"}\nanswer: {format: text, max_tokens: 16}\n",
    );
    write(
        &dir.join("bakeoff.yaml"),
        "name: crash\nsuites: [suite.yaml]\nscenarios: [batch]\n\
         models: [{id: first, provider: llama-cpp, model: specialist-1m}, specialist-5m]\n",
    );
}

fn run_with_faulty_engine(dir: &Path) -> std::process::Output {
    let mut command = rightsize();
    command.current_dir(dir).args(["run", "--max-errors", "100%", "--out", "out"]);
    command.env("RIGHTSIZE_ENGINE", env!("CARGO_BIN_EXE_rightsize-faulty-engine"));
    command.output().expect("the program starts")
}

#[test]
fn a_sample_that_kills_the_engine_costs_itself_alone() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path(), "POISON-SEGV");
    let output = run_with_faulty_engine(dir.path());
    assert_exit(&output, 0);
    let out = dir.path().join("out");
    for record in records(&out) {
        let poisoned = record["sample"] == "s7";
        assert_eq!(record["outcome"] == "error", poisoned, "{record}");
        if poisoned {
            assert_eq!(record["error"]["kind"], "engine_crash");
            let said = record["error"]["message"].as_str().unwrap();
            assert!(said.contains("SIGSEGV"), "{said}");
        }
    }
    let units = answers_by_unit(&out);
    assert_eq!(units.len(), 40, "{}", stderr(&output));
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("SIGSEGV"), "the report names the signal");
}

#[test]
fn engines_killed_from_outside_lose_no_answer() {
    for killer in [Signal::KILL, Signal::SEGV] {
        let dir = tempfile::tempdir().unwrap();
        let engine = support::engine_named(dir.path());
        let mut command = rightsize();
        command.current_dir(dir.path());
        write(
            &dir.path().join("bakeoff.yaml"),
            "name: crash\nsuites: ['catalog:invoice-extraction']\nscenarios: [batch]\n\
             models: [specialist-1m, specialist-5m]\n",
        );
        command
            .args(["run", "--quiet", "--limit", "60", "--out", "out"])
            .env("RIGHTSIZE_ENGINE", &engine);
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let out = dir.path().join("out");
        support::wait_until(LIMIT, "some records", || records(&out).len() >= 10);
        let engines = processes_of(&engine);
        assert!(!engines.is_empty());
        for engine in engines {
            support::signal(engine, killer);
        }
        let ended = child.wait_with_output().unwrap();
        assert_exit(&ended, 0);
        let units = answers_by_unit(&out);
        assert_eq!(units.len(), 120);
        assert!(units.values().all(|counts| *counts == (1, 0)), "{units:?}");
        let crashes = analysis(&out)["setting"].to_string();
        let name = if killer == Signal::KILL { "SIGKILL" } else { "SIGSEGV" };
        assert!(crashes.contains(name), "{crashes}");
    }
}

#[test]
fn a_model_that_makes_the_engine_abort_ends_only_its_own_entry() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path(), "sound");
    // The engine of this entry cannot even start.
    write(
        &dir.path().join("bakeoff.yaml"),
        "name: crash\nsuites: [suite.yaml]\nscenarios: [batch]\nmodels:\n\
         - {id: aborting, provider: llama-cpp, model: aborting.gguf}\n- specialist-5m\n",
    );
    // A model of no layers: a sound header, and an assertion that fails inside llama.cpp.
    let sound = support::repository().join("providers/demo-models/specialist-1m.gguf");
    let mut bytes = std::fs::read(sound).unwrap();
    let name = b"llama.block_count";
    let at = bytes.windows(name.len()).position(|part| part == name).unwrap() + name.len() + 4;
    bytes[at..at + 4].copy_from_slice(&0u32.to_le_bytes());
    std::fs::write(dir.path().join("aborting.gguf"), bytes).unwrap();
    let mut command = rightsize();
    let output = command.current_dir(dir.path()).args(["run", "--out", "out"]).output().unwrap();
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("`aborting` ended early"), "{}", stderr(&output));
    let records = records(&dir.path().join("out"));
    let sound = records.iter().filter(|r| r["model"] == "specialist-5m" && r["outcome"] != "error");
    assert_eq!(sound.count(), 20);
    let html = std::fs::read_to_string(dir.path().join("out/report.html")).unwrap();
    assert!(html.contains("SIGABRT") || html.contains("SIGSEGV"), "the report names the signal");
}
