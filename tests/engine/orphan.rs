//! An engine process ends with its parent.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::asking::{PATIENCE, answer_all, specialist, start, tickets};

const PARENT: &str = "RIGHTSIZE_TEST_PARENT";

/// Not a test of its own: what the next test starts and kills.
#[tokio::test(flavor = "multi_thread")]
async fn parent_of_an_engine() {
    if std::env::var_os(PARENT).is_none() {
        return;
    }
    let provider = start(specialist("specialist-5m")).await;
    println!("\nengine {}", provider.process_id());
    loop {
        answer_all(&provider, tickets(50), |_| {}).await;
    }
}

#[test]
fn no_engine_outlives_its_parent() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "orphan::parent_of_an_engine", "--nocapture"])
        .env(PARENT, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let engine = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("engine ")?.parse::<u32>().ok())
        .unwrap();
    assert!(Path::new(&format!("/proc/{engine}")).exists());
    parent.kill().unwrap();
    let killed = Instant::now();
    parent.wait().unwrap();
    let gone = || match std::fs::read_to_string(format!("/proc/{engine}/stat")) {
        Ok(stat) => stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'),
        Err(_) => true,
    };
    while !gone() {
        assert!(killed.elapsed() < PATIENCE, "engine {engine} lives on");
        std::thread::yield_now();
    }
    eprintln!("the engine was gone after {:?}", killed.elapsed());
}
