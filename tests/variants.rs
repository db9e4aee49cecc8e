//! Prompt variants: the best one on the dev split is the only one that is asked on test, after a kill
//! too, and in every shard.

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
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use support::stub_server::{Reply, Request, StubServer};
use support::{
    analysis, answers_by_unit, assert_exit, output, records, rightsize, stderr, stdout, write,
};

const TEST: usize = 12;
const DEV: usize = 8;

fn rows(split: &str, n: usize) -> String {
    let row = |i: usize| {
        let colour = if i.is_multiple_of(2) { "red" } else { "green" };
        format!("{split}{i},{split} message {i} in {colour},{colour}\n")
    };
    "id,text,colour\n".to_owned() + &(0..n).map(row).collect::<String>()
}

/// A suite whose variant `b` is the one that the server understands.
fn suite(dir: &Path, data: &str) {
    write(&dir.join("suite/test.csv"), &rows("test", TEST));
    write(&dir.join("suite/dev.csv"), &rows("dev", DEV));
    write(&dir.join("suite/train.csv"), &rows("train", 40));
    write(
        &dir.join("suite/suite.yaml"),
        &format!(
            "name: colours\ntask: classification\ndata: {data}\n\
             labels: {{colour: {{values: [red, green]}}}}\n\
             prompt:\n  system: first\n  user: '{{{{ text }}}}'\n  variants:\n    \
             a: {{system: variant a}}\n    b: {{system: variant b}}\n"
        ),
    );
}

const WITH_DEV: &str = "{test: test.csv, dev: dev.csv, id: id}";

/// Right in variant `b`, always `red` in all others: half of the samples.
fn answer(request: &Request) -> Reply {
    let text = request.all_text();
    match text.contains("variant b") && text.contains("in green") {
        true => Reply::text("green"),
        false => Reply::text("red"),
    }
}

fn bakeoff(dir: &Path, server: &StubServer, entry: &str, more: &str) {
    let text = format!(
        "name: b\nsuites: [suite/suite.yaml]\nmodels:\n- {{id: r, provider: openai, base_url: '{}', \
         model: m{entry}}}\n{more}",
        server.base_url()
    );
    write(&dir.join("bakeoff.yaml"), &text);
}

fn run(dir: &Path, out: &str, more: &[&str]) -> String {
    let mut command = rightsize();
    command.arg("run").arg(dir.join("bakeoff.yaml")).arg("--out").arg(dir.join(out)).args(more);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    stdout(&done) + &stderr(&done)
}

/// Split and variant of every record.
fn asked(folder: &Path) -> BTreeSet<(String, String)> {
    let word = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    records(folder).iter().map(|r| (word(r, "split"), word(r, "variant"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn the_best_variant_on_dev_is_the_only_one_asked_on_test() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server = StubServer::start(answer);
    bakeoff(dir.path(), &server, "", "baselines: [random]\nvariants: cross\n");
    let shown = run(dir.path(), "out", &[]);
    assert!(shown.contains("prompt variant b, chosen on the dev split"), "{shown}");

    let out = dir.path().join("out");
    let of_model = [("dev", "default"), ("dev", "a"), ("dev", "b"), ("test", "b")];
    // The baseline depends on no prompt: it is asked once, on test.
    let all: Vec<(&str, &str)> = of_model.into_iter().chain([("test", "default")]).collect();
    assert_eq!(asked(&out), pairs(&all));
    assert!(
        records(&out)
            .iter()
            .all(|r| r["model"] != "random" || (r["split"] == "test" && r["variant"] == "default"))
    );
    assert_eq!(server.chats().len(), 3 * DEV + TEST);

    let analysis = analysis(&out);
    let results = &analysis["results"];
    let cell = &results["cells"][0];
    assert_eq!(cell["passes"][0]["counts"]["samples"], TEST, "no dev sample is in test figures");
    assert_eq!(cell["passes"][0]["primary"]["value"], 1.0);
    assert_eq!(cell["measured"], true);
    assert_eq!(results["units_planned"], 3 * DEV + TEST + TEST);
    assert_eq!(results["units_recorded"], results["units_planned"]);
    let view = &results["variants"][0];
    assert_eq!((&view["model"], &view["asked"]), (&json!("r"), &json!("b")));
    let scores: Vec<(&str, f64, u64)> = view["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            let value = c["score"]["value"].as_f64().unwrap();
            (c["variant"].as_str().unwrap(), value, c["samples"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(scores, [("default", 0.5, 8), ("a", 0.5, 8), ("b", 1.0, 8)]);
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("Prompt variants") && html.contains("asked on test"));

    // Scoring again leaves the dev split as it was, and says so.
    let again = output(&["rescore", out.to_str().unwrap()]);
    assert_exit(&again, 0);
    assert!(stderr(&again).contains("24 records of the dev split keep their scores"));
    assert_eq!(support::analysis(&out)["results"]["variants"], results["variants"]);
}

#[test]
fn equal_variants_leave_the_first_and_a_named_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server = StubServer::start(answer);
    // Candidates are taken in the suite's order, whatever the list says.
    bakeoff(dir.path(), &server, "", "variants: [a, default]\n");
    run(dir.path(), "tie", &[]);
    let tie = [("dev", "default"), ("dev", "a"), ("test", "default")];
    assert_eq!(asked(&dir.path().join("tie")), pairs(&tie));

    bakeoff(dir.path(), &server, ", variant: a", "variants: cross\n");
    run(dir.path(), "named", &["--limit", "5"]);
    assert_eq!(asked(&dir.path().join("named")), pairs(&[("test", "a")]));
    let view = &analysis(&dir.path().join("named"))["results"]["variants"][0];
    assert_eq!((&view["asked"], &view["candidates"]), (&json!("a"), &json!([])));

    bakeoff(dir.path(), &server, "", "variants: cross\n");
    server.forget();
    run(dir.path(), "limited", &["--limit", "3"]);
    assert_eq!(server.chats().len(), 3 * 3 + 3, "the limit holds for dev too");
}

#[test]
fn without_dev_a_part_of_train_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), "{test: test.csv, train: train.csv, id: id}");
    let server = StubServer::start(answer);
    bakeoff(dir.path(), &server, "", "baselines: [majority]\nvariants: cross\n");
    let shown = run(dir.path(), "out", &[]);
    assert!(shown.contains("8 of 40 rows"), "{shown}");
    let out = dir.path().join("out");
    assert_eq!(records(&out).iter().filter(|r| r["split"] == "dev").count(), 3 * 8);
    let lines = |name: &str| {
        let rows = support::json_lines(&out.join("suites/colours").join(name));
        rows.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let (dev, train) = (lines("dev.jsonl"), lines("train.jsonl"));
    assert_eq!((dev.len(), train.len()), (8, 32));
    assert!(dev.is_disjoint(&train));
}

/// Runs until so many records are there, then kills the process.
fn run_and_kill(dir: &Path, out: &Path, at: usize) {
    let mut command = rightsize();
    command.args(["run", "--quiet"]).stderr(std::process::Stdio::null());
    match out.join("manifest.json").exists() {
        true => command.arg("--resume").arg(out),
        false => command.arg(dir.join("bakeoff.yaml")).arg("--out").arg(out),
    };
    let mut child = command.spawn().unwrap();
    support::wait_until(Duration::from_secs(60), "records", || {
        child.try_wait().unwrap().is_some() || records(out).len() >= at
    });
    support::signal(child.id(), Signal::KILL);
    child.wait().unwrap();
}

#[test]
fn a_killed_run_chooses_the_same_and_asks_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server = StubServer::start(|r: &Request| answer(r).after(Duration::from_millis(10)));
    bakeoff(dir.path(), &server, ", concurrency: 1", "variants: cross\n");
    let out = dir.path().join("out");
    // In the middle of dev, at its end, in the middle of test.
    for at in [5, 3 * DEV, 3 * DEV + 4] {
        run_and_kill(dir.path(), &out, at);
    }
    let last = rightsize().args(["run", "--quiet", "--resume"]).arg(&out).output().unwrap();
    assert_exit(&last, 0);
    let units = answers_by_unit(&out);
    assert_eq!(units.len(), 3 * DEV + TEST);
    assert!(units.values().all(|counts| *counts == (1, 0)), "{units:?}");
    let all = [("dev", "default"), ("dev", "a"), ("dev", "b"), ("test", "b")];
    assert_eq!(asked(&out), pairs(&all));
    assert!(server.chats().len() <= 3 * DEV + TEST + 3, "only what was in flight is asked again");
}

#[test]
fn every_shard_asks_all_of_dev_and_the_merged_run_is_the_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server = StubServer::start(answer);
    bakeoff(dir.path(), &server, "", "variants: cross\n");
    run(dir.path(), "whole", &[]);
    for shard in ["1/2", "2/2"] {
        run(dir.path(), &shard.replace('/', "-"), &["--shard", shard]);
    }
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let merged = output(&["merge", &path("1-2"), &path("2-2"), "--out", &path("merged")]);
    assert_exit(&merged, 0);
    let (whole, merged) =
        (analysis(&dir.path().join("whole")), analysis(&dir.path().join("merged")));
    assert_eq!(whole["results"]["variants"], merged["results"]["variants"]);
    assert_eq!(whole["results"]["units_planned"], merged["results"]["units_planned"]);
    assert_eq!(merged["results"]["units_recorded"], 3 * DEV + TEST);
}

#[test]
fn an_entry_whose_dev_split_fails_is_not_asked_the_test_split() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server =
        StubServer::start(|request: &Request| match request.all_text().contains("variant a") {
            true => Reply::error(400, "invalid_request_error", "not today"),
            false => answer(request),
        });
    bakeoff(dir.path(), &server, "", "variants: cross\n");
    let mut command = rightsize();
    let out = dir.path().join("out");
    command.arg("run").arg(dir.path().join("bakeoff.yaml")).arg("--out").arg(&out);
    let done = command.output().unwrap();
    assert_exit(&done, 3);
    assert!(stderr(&done).contains("0 of 8 dev units of `a` were answered"), "{}", stderr(&done));
    assert!(records(&out).iter().all(|r| r["split"] == "dev"));
    let cell = &analysis(&out)["results"]["cells"][0];
    assert_eq!(cell["measured"], false);
}

#[test]
fn names_are_checked_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), WITH_DEV);
    let server = StubServer::start(answer);
    let check = |entry: &str, more: &str| {
        bakeoff(dir.path(), &server, entry, more);
        let file = dir.path().join("bakeoff.yaml");
        let done = output(&["check", file.to_str().unwrap()]);
        // Messages are wrapped.
        let said = stderr(&done).replace('│', " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        (done.status.code(), stdout(&done), said)
    };
    let (code, _, said) = check(", variant: defalt", "");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("has no prompt variant `defalt`"), "{said}");
    assert!(said.contains("did you mean `default`?"), "{said}");
    for (more, message) in [
        ("variants: [a]\n", "nothing to choose among"),
        ("variants: [a, a]\n", "`a` stands twice"),
        ("variants: [a, terse]\n", "has no prompt variant `terse`"),
        ("variants: all\n", "cross"),
    ] {
        let (code, _, said) = check("", more);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(message), "{said}");
    }
    let (code, shown, said) = check("", "variants: cross\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("12 units, and 24 on dev splits"), "{shown}");
    assert!(shown.contains("dev split: 8 rows"), "{shown}");
    assert!(shown.contains("the first prompt of the variant b"), "{shown}");

    suite(dir.path(), "{test: test.csv, id: id}");
    let (code, _, said) = check("", "variants: cross\n");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no rows to choose one on"), "{said}");
    assert!(server.chats().is_empty());
}
