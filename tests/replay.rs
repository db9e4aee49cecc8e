//! Runs over recorded answers: known figures, shards, a folder that has moved.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{analysis, assert_exit, output, rightsize, write};

/// A small suite of 60 rows with recorded answers of two models, timing included.
fn small_run(dir: &Path) -> PathBuf {
    let labels = ["red", "green", "blue"];
    let (mut rows, mut answers) = (String::new(), String::new());
    for i in 0..60 {
        let right = labels[i % 3];
        let row = json!({"id": format!("s{i}"), "text": format!("text {i}"), "colour": right,
                         "kind": if i % 2 == 0 { "even" } else { "odd" }});
        rows += &format!("{row}\n");
        for (model, wrong_each) in [("good", 10), ("poor", 3)] {
            let text = if i % wrong_each == 0 { labels[(i + 1) % 3] } else { right };
            let first = 1_000_000 * (20 + i as u64);
            let line = json!({"suite": "colours", "sample": format!("s{i}"), "model": model,
                "text": text,
                "timing": {"sent": 0, "first_token": first, "first_content": first, "last_token": 2 * first},
                "usage": {"input_total": 40, "output_total": 5, "reasoning": 0, "source": "reported"}});
            answers += &format!("{line}\n");
        }
    }
    write(&dir.join("suite/test.jsonl"), &rows);
    write(&dir.join("answers.jsonl"), &answers);
    write(
        &dir.join("suite/suite.yaml"),
        "name: colours\ntask: classification\ndata: {test: test.jsonl, id: id, tags: [kind]}\n\
         labels: {colour: {values: [red, green, blue], expected: colour}}\n\
         prompt: {system: \"One of {{ labels | join(', ') }}\", user: \"{{ text }}\"}\n",
    );
    let bakeoff = dir.join("bakeoff.yaml");
    write(
        &bakeoff,
        "name: colours\nsuites: [suite/suite.yaml]\nmodels:\n\
         - {id: good, provider: replay, model: answers.jsonl}\n\
         - {id: poor, provider: replay, model: answers.jsonl}\n",
    );
    bakeoff
}

fn run(bakeoff: &Path, out: &Path, more: &[&str]) {
    let args = ["run", "--quiet"];
    let done = rightsize().args(args).arg(bakeoff).arg("--out").arg(out).args(more).output();
    assert_exit(&done.expect("the program starts"), 0);
}

#[test]
fn four_shards_merged_give_the_analysis_of_one_run_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let bakeoff = small_run(dir.path());
    let whole = dir.path().join("whole");
    run(&bakeoff, &whole, &[]);
    let mut parts = Vec::new();
    for i in [3, 1, 4, 2] {
        let part = dir.path().join(format!("part{i}"));
        run(&bakeoff, &part, &["--shard", &format!("{i}/4")]);
        parts.push(part);
    }
    let merged = dir.path().join("merged");
    let done = rightsize().arg("merge").args(&parts).arg("--out").arg(&merged).output().unwrap();
    assert_exit(&done, 0);
    let results = |folder: &Path| analysis(folder)["results"].to_string();
    let results_of_whole = results(&whole);
    assert!(results_of_whole.len() > 500, "{results_of_whole}");
    assert_eq!(results(&merged), results_of_whole);
}

#[test]
fn equal_units_are_one_and_conflicting_ones_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bakeoff = small_run(dir.path());
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    run(&bakeoff, &a, &["--shard", "1/2"]);
    run(&bakeoff, &b, &["--shard", "1/2"]);
    let merge = |out: &str| {
        let out = dir.path().join(out);
        rightsize().arg("merge").arg(&a).arg(&b).arg("--out").arg(&out).output().unwrap()
    };
    assert_exit(&merge("same"), 0);
    assert_eq!(support::records(&dir.path().join("same")).len(), 60);

    let mut changed: Vec<Value> = support::records(&b);
    changed[7]["ask"] = json!("0".repeat(64));
    changed[7]["unit"] = json!("1".repeat(64));
    let lines: String = changed.iter().map(|record| format!("{record}\n")).collect();
    write(&b.join("records.jsonl"), &lines);
    let conflict = merge("conflict");
    assert_exit(&conflict, 2);
    assert!(support::stderr(&conflict).contains("conflict"), "{}", support::stderr(&conflict));
}

#[test]
fn a_folder_that_has_moved_still_reports_when_its_sources_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let bakeoff = small_run(dir.path());
    let whole = dir.path().join("whole");
    run(&bakeoff, &whole, &[]);
    let before = analysis(&whole)["results"].to_string();
    let moved = elsewhere.path().join("moved");
    // Two folders of one temporary file system, so a rename is a move.
    std::fs::rename(&whole, &moved).unwrap();
    dir.close().unwrap();
    assert_eq!(analysis(&moved)["results"].to_string(), before);
    let done = output(&["report", moved.to_str().unwrap()]);
    assert_exit(&done, 0);
    assert!(std::fs::metadata(moved.join("report.html")).unwrap().len() > 10_000);
}

#[test]
fn a_resumed_run_of_a_complete_folder_asks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bakeoff = small_run(dir.path());
    let out = dir.path().join("out");
    run(&bakeoff, &out, &[]);
    std::fs::remove_file(dir.path().join("bakeoff.yaml")).unwrap();
    let resumed = rightsize().args(["run", "--resume"]).arg(&out).output().unwrap();
    assert_exit(&resumed, 0);
    assert_eq!(support::records(&out).len(), 120);
}

#[test]
fn another_bakeoff_cannot_resume_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let bakeoff = small_run(dir.path());
    let out = dir.path().join("out");
    run(&bakeoff, &out, &[]);
    let text = std::fs::read_to_string(&bakeoff).unwrap();
    write(&bakeoff, &text.replace("name: colours", "name: other"));
    let resumed = rightsize().arg("run").arg(&bakeoff).arg("--resume").arg(&out).output().unwrap();
    assert_exit(&resumed, 2);
    assert!(support::stderr(&resumed).contains("is not the bake-off of"));
}

/// The figures of `expected.json` were computed by scikit-learn and statsmodels.
#[test]
fn recorded_answers_on_real_data_give_the_figures_of_the_reference() {
    for (suite, replay) in [
        ("banking77", "replay/banking77"),
        ("support-tickets-insurance", "replay/support_tickets_insurance"),
    ] {
        let Some(recorded) = support::shared(replay) else { return };
        let dir = tempfile::tempdir().unwrap();
        let source = support::repository().join("tests/suites").join(suite).join("suite.yaml");
        let loaded =
            rightsize_suites::Suite::load(source.to_str().unwrap(), Path::new("")).unwrap();
        let mut answers = String::new();
        for line in support::json_lines(&recorded.join("predictions.jsonl")) {
            let row = usize::try_from(line["row"].as_u64().unwrap()).unwrap();
            let sample = &loaded.samples.get(row).unwrap().id;
            for model in ["a", "b"] {
                let text = match loaded.task.reader() {
                    "json" => json!({"category": line[model]}).to_string(),
                    _ => line[model].as_str().unwrap().to_owned(),
                };
                let line = json!({"sample": sample, "model": model, "text": text});
                answers += &format!("{line}\n");
            }
        }
        write(&dir.path().join("answers.jsonl"), &answers);
        write(
            &dir.path().join("bakeoff.yaml"),
            &format!(
                "name: reference\nsuites: ['{}']\nmodels:\n\
                 - {{id: a, provider: replay, model: answers.jsonl}}\n\
                 - {{id: b, provider: replay, model: answers.jsonl}}\n",
                source.display()
            ),
        );
        let out = dir.path().join("out");
        run(&dir.path().join("bakeoff.yaml"), &out, &[]);
        let expected = std::fs::read_to_string(recorded.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let results = analysis(&out)["results"].clone();
        for model in ["a", "b"] {
            let cell = cell_of(&results, &loaded.name, model);
            let near = |got: &Value, want: &Value| {
                let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
                assert!((got - want).abs() < 1e-9, "{suite} {model}: {got}, not {want}");
            };
            let pass = &cell["passes"][0];
            assert_eq!(pass["counts"]["scored"], expected[model]["n"], "{pass}");
            let metrics =
                std::iter::once(&pass["primary"]).chain(pass["others"].as_array().unwrap());
            let by_name: BTreeMap<&str, &Value> =
                metrics.map(|metric| (metric["metric"].as_str().unwrap(), metric)).collect();
            near(&by_name["accuracy"]["value"], &expected[model]["accuracy"]);
            near(&by_name["accuracy"]["interval"]["lower"], &expected[model]["wilson95"][0]);
            near(&by_name["accuracy"]["interval"]["upper"], &expected[model]["wilson95"][1]);
            near(&by_name["macro_f1"]["value"], &expected[model]["macro"][2]);
        }
    }
}

/// The cell of a suite and a model in the analysis.
fn cell_of<'a>(results: &'a Value, suite: &str, model: &str) -> &'a Value {
    let cells = results["cells"].as_array().expect("cells");
    let found = cells.iter().find(|cell| cell["suite"] == suite && cell["model"] == model);
    found.unwrap_or_else(|| panic!("no cell {suite} {model} in {results}"))
}

/// A folder that version 1 of the formats wrote, with an unreadable answer and one that is missing.
#[test]
fn a_folder_of_the_first_version_is_still_read() {
    let old = support::repository().join("tests/fixtures/run-v1");
    let results = analysis(&old)["results"].clone();
    let pass = &cell_of(&results, "colours", "recorded")["passes"][0];
    assert_eq!(pass["counts"]["scored"], 4, "{pass}");
    assert_eq!(pass["counts"]["unparsed"], 1, "{pass}");
    assert_eq!(pass["counts"]["errors"], 1, "{pass}");
    // Four of six right; the error counts as wrong, so the value is also the worst case.
    let near = |value: &Value, want: f64| (value.as_f64().unwrap() - want).abs() < 1e-12;
    let accuracy = pass["others"].as_array().unwrap().iter().find(|m| m["metric"] == "accuracy");
    let accuracy = accuracy.unwrap_or(&pass["primary"]);
    assert!(near(&accuracy["value"], 4.0 / 6.0), "{accuracy}");
    assert!(!old.join("report.html").exists());
}
