//! What the end-to-end tests share: the command, run folders, the processes of a run.

// Each test target uses a part of this; helpers of tests may panic and print as tests do.
#![allow(dead_code, unused_imports)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod stub_server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub fn rightsize() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rightsize"));
    command.env_remove("RIGHTSIZE_ENGINE").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program and gives what it printed.
pub fn output(args: &[&str]) -> Output {
    rightsize().args(args).output().expect("the program starts")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails with everything that was printed, unless the exit code is the expected one.
pub fn assert_exit(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("harness has a parent").to_path_buf()
}

/// The folder of real public data beside the repository; absent on a clone elsewhere.
pub fn shared(part: &str) -> Option<PathBuf> {
    let path = repository().parent()?.join("shared").join(part);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Writes a file and its folders.
pub fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("can be created");
    std::fs::write(path, content).expect("can be written");
}

/// The whole lines of a file of JSON lines; a missing file has none.
pub fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read(path).unwrap_or_default();
    let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let lines = text[..whole].split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a whole line is JSON")).collect()
}

/// The records of a run folder.
pub fn records(folder: &Path) -> Vec<Value> {
    json_lines(&folder.join("records.jsonl"))
}

/// How often each unit has an answered record, and how often an error.
pub fn answers_by_unit(folder: &Path) -> BTreeMap<String, (u32, u32)> {
    let mut units: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for record in records(folder) {
        let counts = units.entry(record["unit"].as_str().expect("a unit").to_owned()).or_default();
        if record["outcome"] == "error" {
            counts.1 += 1;
        } else {
            counts.0 += 1;
        }
    }
    units
}

/// Waits for a condition, at most `limit`; the condition is what is waited for, not the time.
pub fn wait_until(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// An engine executable under a name of its own, so that a run's engine processes can be found, also
/// when their parent is gone. To be given in `RIGHTSIZE_ENGINE`.
pub fn engine_named(dir: &Path) -> PathBuf {
    let path = dir.join("engine-of-this-test");
    let program = env!("CARGO_BIN_EXE_rightsize");
    if !path.exists() && std::fs::hard_link(program, &path).is_err() {
        std::fs::copy(program, &path).expect("the program can be copied");
    }
    path
}

/// Ids of the running processes of an executable.
pub fn processes_of(executable: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        // A zombie has an empty command line: it runs no more.
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let first = line.split(|b| *b == 0).next().unwrap_or_default();
        first == executable.as_os_str().as_encoded_bytes()
    })
    .collect()
}

/// The analysis of a run folder.
pub fn analysis(folder: &Path) -> Value {
    let output = output(&["report", folder.to_str().expect("UTF-8"), "--json"]);
    assert_exit(&output, 0);
    serde_json::from_slice(&output.stdout).expect("the analysis is JSON")
}

/// Sends a signal.
pub fn signal(id: u32, signal: rustix::process::Signal) {
    let id = i32::try_from(id).expect("a process id");
    let pid = rustix::process::Pid::from_raw(id).expect("a process id");
    let _ = rustix::process::kill_process(pid, signal);
}
