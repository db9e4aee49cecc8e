//! Samples that are asked several times: how often a server is asked, what is resumed, what shards
//! make, and how repeats count.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use support::stub_server::{Reply, StubServer};
use support::{analysis, answers_by_unit, assert_exit, records, rightsize, stderr, stdout, write};

const SAMPLES: usize = 12;

/// Twelve messages, of which every second one is red.
fn suite(dir: &Path, scoring: &str) {
    let rows = (0..SAMPLES).map(|i| {
        let colour = if i % 2 == 0 { "red" } else { "green" };
        format!("s{i},message {i},{colour}\n")
    });
    let rows = "id,text,colour\n".to_owned() + &rows.collect::<String>();
    write(&dir.join("suite/test.csv"), &rows);
    write(
        &dir.join("suite/suite.yaml"),
        &format!(
            "name: colours\ntask: classification\ndata: {{test: test.csv, id: id}}\n\
             labels: {{colour: {{values: [red, green]}}}}\nprompt: {{user: \"{{{{ text }}}}\"}}\n\
             {scoring}"
        ),
    );
}

fn bakeoff(dir: &Path, entry: &str, more: &str) {
    let text = format!("name: b\nsuites: [suite/suite.yaml]\nmodels:\n- {entry}\n{more}");
    write(&dir.join("bakeoff.yaml"), &text);
}

fn run(dir: &Path, out: &str, more: &[&str]) -> String {
    let mut command = rightsize();
    command.arg("run").arg(dir.join("bakeoff.yaml")).arg("--out").arg(dir.join(out)).args(more);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    stdout(&done) + &stderr(&done)
}

#[test]
fn a_server_is_asked_each_repeat_once_with_a_seed_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), "");
    let server = StubServer::start(|_| Reply::text("red"));
    let entry = format!(
        "{{id: r, provider: openai, base_url: '{}', model: m, sampling: {{temperature: 0.7}}}}",
        server.base_url()
    );
    bakeoff(dir.path(), &entry, "repeats: 3\n");
    let shown = run(dir.path(), "out", &[]);
    assert!(!shown.contains("warning"), "{shown}");
    let counts = server.counts();
    assert_eq!(counts.len(), SAMPLES);
    assert!(counts.values().all(|count| *count == 3), "{counts:?}");
    let mut asked = BTreeSet::new();
    for request in server.chats() {
        let seed = request.body["seed"].as_u64().expect("a seed");
        assert!(asked.insert((request.prompt().to_owned(), seed)), "a seed is drawn once a sample");
    }

    let out = dir.path().join("out");
    let repeats: Vec<u64> = records(&out).iter().map(|r| r["repeat"].as_u64().unwrap()).collect();
    assert_eq!((0..3).map(|n| repeats.iter().filter(|r| **r == n).count()).max(), Some(SAMPLES));
    let pass = &analysis(&out)["results"]["cells"][0]["passes"][0];
    assert_eq!((&pass["counts"]["samples"], &pass["counts"]["units"]), (&json!(12), &json!(36)));

    server.forget();
    let resume = || rightsize().args(["run", "--resume"]).arg(&out).output().unwrap();
    assert_exit(&resume(), 0);
    assert_eq!(server.chats().len(), 0, "nothing is asked again");
    // A record that is lost is the one unit that is asked again, with the seed that it had.
    let kept = records(&out);
    let lost =
        kept.iter().find(|r| r["repeat"] == 2 && r["sample"] == "s3").unwrap()["unit"].clone();
    let lines = kept.iter().filter(|r| r["unit"] != lost).map(|r| format!("{r}\n"));
    write(&out.join("records.jsonl"), &lines.collect::<String>());
    assert_exit(&resume(), 0);
    let again = server.chats();
    assert_eq!(again.len(), 1);
    assert!(
        asked.contains(&(again[0].prompt().to_owned(), again[0].body["seed"].as_u64().unwrap()))
    );
    let units = answers_by_unit(&out);
    assert_eq!(units.len(), 3 * SAMPLES);
    assert!(units.values().all(|counts| *counts == (1, 0)), "{units:?}");
}

/// Recorded answers: sample `s{i}` is right in its first `i % 4` repeats of three.
fn recorded(dir: &Path) {
    let mut lines = String::new();
    for i in 0..SAMPLES {
        let (right, wrong) = if i % 2 == 0 { ("red", "green") } else { ("green", "red") };
        for repeat in 0..3 {
            let text = if repeat < i % 4 { right } else { wrong };
            lines += &format!(
                "{}\n",
                json!({"sample": format!("s{i}"), "repeat": repeat, "text": text})
            );
        }
    }
    write(&dir.join("answers.jsonl"), &lines);
    let entry = "{id: replayed, provider: replay, model: answers.jsonl}";
    bakeoff(dir, entry, "repeats: 3\nbaselines: [oracle, random]\n");
}

fn primary<'a>(results: &'a Value, model: &str) -> &'a Value {
    let cells = results["cells"].as_array().unwrap();
    let cell = cells.iter().find(|cell| cell["model"] == model).unwrap();
    &cell["passes"][0]["primary"]
}

/// Of every four samples none, one, two and three of three repeats are right.
#[test]
fn repeats_count_as_the_suite_says() {
    for (reduce, wanted) in [
        ("mean", (0.0 + 1.0 / 3.0 + 2.0 / 3.0 + 1.0) / 4.0),
        ("majority", (0.0 + 0.0 + 1.0 + 1.0) / 4.0),
        ("pass@3", (0.0 + 1.0 + 1.0 + 1.0) / 4.0),
        ("pass@2", (0.0 + 2.0 / 3.0 + 1.0 + 1.0) / 4.0),
        ("pass^2", (0.0 + 0.0 + 1.0 / 3.0 + 1.0) / 4.0),
        ("pass^3", (0.0 + 0.0 + 0.0 + 1.0) / 4.0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        suite(dir.path(), &format!("scoring: {{reduce: {reduce}}}\n"));
        recorded(dir.path());
        let shown = run(dir.path(), "out", &[]);
        let results = analysis(&dir.path().join("out"))["results"].clone();
        let value = primary(&results, "replayed")["value"].as_f64().unwrap();
        assert!((value - wanted).abs() < 1e-12, "{reduce}: {value}, not {wanted}");
        assert_eq!(primary(&results, "oracle")["value"], 1.0);
        assert!(shown.contains("12 × 3"), "{shown}");
        let named = reduce == "mean" || shown.contains(&format!("accuracy ({reduce})"));
        assert!(named, "{shown}");
    }
}

#[test]
fn four_shards_merged_are_one_run() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), "scoring: {reduce: pass^2}\n");
    recorded(dir.path());
    run(dir.path(), "whole", &[]);
    let parts: Vec<_> = (1..=4)
        .map(|i| {
            run(dir.path(), &format!("part{i}"), &["--shard", &format!("{i}/4")]);
            dir.path().join(format!("part{i}"))
        })
        .collect();
    let merged = dir.path().join("merged");
    let done = rightsize().arg("merge").args(&parts).arg("--out").arg(&merged).output().unwrap();
    assert_exit(&done, 0);
    let results = |folder: &Path| analysis(folder)["results"].to_string();
    assert_eq!(results(&merged), results(&dir.path().join("whole")));
}

#[test]
fn repeats_that_tell_nothing_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let check = |scoring: &str, more: &str| {
        suite(dir.path(), scoring);
        bakeoff(dir.path(), "{id: r, provider: openai, model: m}", more);
        let done = rightsize().arg("check").arg(dir.path().join("bakeoff.yaml")).output().unwrap();
        (done.status.code(), stdout(&done) + &stderr(&done))
    };
    let (code, shown) = check("", "repeats: 3\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("warning: `r` is asked 3 times at temperature 0"), "{shown}");
    assert!(shown.contains("36 units"), "{shown}");
    for (scoring, more, message) in [
        ("scoring: {reduce: pass@5}\n", "repeats: 3\n", "set `repeats: 5`, or more"),
        ("scoring: {reduce: pass^2}\n", "", "the suite `colours` counts pass^2"),
        ("", "repeats: 0\n", "`repeats` is 0"),
        ("", "repeats: 101\n", "from 1 to 100"),
    ] {
        let (code, shown) = check(scoring, more);
        assert_eq!(code, Some(2), "{shown}");
        assert!(shown.contains(message), "{message} is not in\n{shown}");
    }
}
