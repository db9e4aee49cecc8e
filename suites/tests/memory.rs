//! Memory of a suite: its rows are not held.

use std::fmt::Write as _;
use std::fs;

use rightsize_suites::Suite;

fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

const SUITE: &str = "name: long\ntask: classification\ndata: {test: rows.jsonl, id: id}\n\
    labels: {label: {values: [a, b]}}\nprompt: {user: '{{ id }}'}\n";

/// 64 MB of rows: what stays in memory is a small part of them, while they are loaded and read.
#[test]
fn rows_are_not_held() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("suite.yaml"), SUITE).unwrap();
    let (count, text) = (8_000, "x".repeat(8_000));
    let mut rows = String::new();
    for i in 0..count {
        let label = ["a", "b"][i % 2];
        writeln!(rows, r#"{{"id": "s{i}", "text": "{text}", "label": "{label}"}}"#).unwrap();
    }
    fs::write(dir.path().join("rows.jsonl"), &rows).unwrap();
    assert!(rows.len() > 64_000_000, "{}", rows.len());
    drop(rows);

    // Starts the high-water mark again; where that is not allowed there is nothing to compare.
    if fs::write("/proc/self/clear_refs", "5").is_err() {
        eprintln!("skipped: the high-water mark of memory cannot be reset here");
        return;
    }
    let Some(before) = status("VmRSS:") else {
        eprintln!("skipped: this system does not say how much memory is used");
        return;
    };
    let suite = Suite::load("suite.yaml", dir.path()).unwrap();
    let right = suite.samples.iter().filter(|sample| sample.expected == "a").count();
    assert_eq!((suite.samples.len(), right), (count, count / 2));
    assert_eq!(suite.samples.get(4_321).unwrap().id, "s4321");
    let grown = status("VmHWM:").unwrap().saturating_sub(before);
    assert!(grown < 20_000, "{grown} KiB for {count} rows of 8 kB");
}
