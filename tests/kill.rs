//! `kill -9` at moments drawn over the whole run, then `--resume`: every unit exactly once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use support::stub_server::{Reply, StubServer};
use support::{answers_by_unit, assert_exit, processes_of, records, rightsize, write};

const LIMIT: Duration = Duration::from_secs(60);
const CONCURRENCY: u32 = 4;
const SAMPLES: u64 = 100;
const SINGLE_STREAM: u64 = 20;
/// Runs, and kills in each of them.
const RUNS: u64 = 4;
const KILLS: u64 = 6;

/// Units of the local entry come first: batch, then single-stream.
const LOCAL: u64 = SAMPLES + SINGLE_STREAM;
const UNITS: u64 = LOCAL + SAMPLES;

fn bakeoff(server: &StubServer) -> String {
    format!(
        "name: killed\nsuites: ['catalog:kb-faq']\nsingle_stream: {{samples: {SINGLE_STREAM}}}\n\
         models:\n\
         - specialist-5m\n\
         - {{id: remote, provider: openai, base_url: '{}', model: m, concurrency: {CONCURRENCY}}}\n",
        server.base_url()
    )
}

/// Samples that the stub was asked about, with how often.
fn asked(server: &StubServer) -> BTreeMap<String, u32> {
    server.counts()
}

/// Runs until `records` lines are there, then kills the process and nothing else.
fn run_and_kill(command: &mut Command, folder: &Path, at: u64, engine: &Path) {
    let mut child = command.env("RIGHTSIZE_ENGINE", engine).spawn().expect("the program starts");
    let file = folder.join("records.jsonl");
    support::wait_until(LIMIT, "records", || {
        let lines = std::fs::read(&file).unwrap_or_default();
        let ended = child.try_wait().expect("a child").is_some();
        ended || lines.iter().filter(|b| **b == b'\n').count() as u64 >= at
    });
    support::signal(child.id(), Signal::KILL);
    child.wait().expect("a child");
    support::wait_until(Duration::from_secs(10), "the end of every engine process", || {
        processes_of(engine).is_empty()
    });
}

#[test]
fn killed_anywhere_every_unit_is_there_once_in_the_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut kills, mut kills_of_local, mut torn) = (0, 0, 0);
    for run in 0..RUNS {
        let dir = tempfile::tempdir().unwrap();
        // Each answer takes a while, so that a kill meets some in flight.
        let server = StubServer::start(|_| Reply::text("answer").after(Duration::from_millis(8)));
        let file = dir.path().join("bakeoff.yaml");
        write(&file, &bakeoff(&server));
        let out = dir.path().join("out");
        let engine = support::engine_named(dir.path());
        // Drawn uniformly, half of them over the local part; in rising order.
        let mut moments: Vec<u64> = (0..KILLS)
            .map(|i| match i % 2 {
                0 => rng.random_range(0..LOCAL),
                _ => rng.random_range(LOCAL..UNITS),
            })
            .collect();
        moments.sort_unstable();
        let mut complete: BTreeSet<String> = BTreeSet::new();
        for (i, at) in moments.iter().enumerate() {
            let mut command = rightsize();
            command.args(["run", "--quiet"]).stderr(std::process::Stdio::null());
            match out.join("manifest.json").exists() {
                true => command.arg("--resume").arg(&out),
                false => {
                    command.arg(&file).args(["--limit", &SAMPLES.to_string(), "--out"]).arg(&out)
                }
            };
            let before = asked(&server);
            run_and_kill(&mut command, &out, *at, &engine);
            kills += 1;
            let lines = records(&out);
            if (lines.len() as u64) < LOCAL {
                kills_of_local += 1;
            }
            // Nothing that had a complete line before was asked again.
            for (sample, count) in asked(&server) {
                if complete.contains(&sample) {
                    assert_eq!(count, before[&sample], "{sample} was asked again");
                }
            }
            let answered =
                lines.iter().filter(|r| r["model"] == "remote" && r["outcome"] != "error");
            complete.extend(answered.map(|r| question(&out, r)));
            if i % 3 == 2 {
                tear(&out.join("records.jsonl"));
                torn += 1;
            }
        }
        let last = rightsize().args(["run", "--quiet", "--resume"]).arg(&out).output().unwrap();
        assert_exit(&last, 0);
        let units = answers_by_unit(&out);
        assert_eq!(units.len() as u64, UNITS);
        for (unit, (answers, errors)) in &units {
            assert_eq!((*answers, *errors), (1, 0), "unit {unit}");
        }
        let again: u32 = asked(&server).values().map(|count| count - 1).sum();
        assert!(again <= CONCURRENCY * KILLS as u32, "{again} asks too many");
        println!("run {run}: {KILLS} kills at {moments:?}, {again} asks in flight asked again");
    }
    println!("{kills} kills, {kills_of_local} of them during local inference, {torn} torn lines");
    assert!(kills >= 20 && kills_of_local * 2 >= kills - RUNS);
}

/// The user message of a record's prompt, by which the stub counts.
fn question(folder: &Path, record: &serde_json::Value) -> String {
    let prompts = support::json_lines(&folder.join("prompts.jsonl"));
    let prompt = prompts.iter().find(|p| p["sha256"] == record["prompt_sha256"]).expect("a prompt");
    let messages: serde_json::Value =
        serde_json::from_str(prompt["text"].as_str().expect("text")).expect("messages");
    let last = messages.as_array().and_then(|all| all.last()).expect("a message");
    last["content"].as_str().expect("content").to_owned()
}

/// Leaves half a line at the end, as a killed process might.
fn tear(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().append(true).open(path).unwrap();
    file.write_all(b"{\"schema\":1,\"unit\":\"torn").unwrap();
}
