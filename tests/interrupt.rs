//! Ctrl-C and a full disk: a clean end, exit 3, and a folder that can be resumed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use support::stub_server::{Gate, Reply, StubServer};
use support::{answers_by_unit, assert_exit, records, rightsize, stderr, write};

const LIMIT: Duration = Duration::from_secs(60);

fn bakeoff(dir: &Path, server: &StubServer, concurrency: u32) {
    let text = format!(
        "name: b\nsuites: ['catalog:kb-faq']\nmodels:\n\
         - {{id: r, provider: openai, base_url: '{}', model: m, concurrency: {concurrency}}}\n",
        server.base_url()
    );
    write(&dir.join("bakeoff.yaml"), &text);
}

fn start(dir: &Path) -> std::process::Child {
    let mut command = rightsize();
    command.current_dir(dir).args(["run", "--out", "out", "--limit", "30"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

#[test]
fn ctrl_c_ends_cleanly_and_the_folder_can_be_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::new();
    let at_gate = gate.clone();
    // Ten are answered, the rest wait for ever: the interrupt comes in the middle.
    let server = StubServer::start(move |request| match request.number {
        ..=10 => Reply::text("answer"),
        _ => Reply::text("answer").behind(&at_gate),
    });
    bakeoff(dir.path(), &server, 2);
    let child = start(dir.path());
    let out = dir.path().join("out");
    support::wait_until(LIMIT, "ten records", || records(&out).len() >= 10);
    support::signal(child.id(), Signal::INT);
    let ended = child.wait_with_output().unwrap();
    assert_exit(&ended, 3);
    assert!(stderr(&ended).contains("--resume"), "{}", stderr(&ended));
    assert!(out.join("report.html").exists(), "what there is has been reported");
    let last = support::json_lines(&out.join("sessions.jsonl")).pop().unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&"ended".into(), &"interrupted".into()));
    gate.open();
    let resumed =
        rightsize().current_dir(dir.path()).args(["run", "--resume", "out"]).output().unwrap();
    assert_exit(&resumed, 0);
    let units = answers_by_unit(&out);
    assert_eq!(units.len(), 30);
    assert!(units.values().all(|counts| *counts == (1, 0)), "{units:?}");
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::new();
    let at_gate = gate.clone();
    let server = StubServer::start(move |_| Reply::text("answer").behind(&at_gate));
    bakeoff(dir.path(), &server, 2);
    // A reader that reads nothing keeps the first interrupt from ending before the second comes.
    let mut child = start(dir.path());
    support::wait_until(LIMIT, "asks in flight", || server.in_flight() >= 2);
    support::signal(child.id(), Signal::INT);
    support::signal(child.id(), Signal::INT);
    support::wait_until(LIMIT, "the end", || {
        support::signal(child.id(), Signal::INT);
        child.try_wait().unwrap().is_some()
    });
    let code = child.wait().unwrap().code();
    // The first interrupt may have ended the run before the second one arrived.
    assert!(matches!(code, Some(130 | 3)), "{code:?}");
    gate.open();
}

/// A file system of 150 kB, where one can be mounted.
#[test]
fn a_full_disk_stops_the_run_with_a_clear_error_and_a_resumable_folder() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no small file system can be mounted here");
        return;
    }
    let server = StubServer::start(|_| Reply::text("long answer ".repeat(400)));
    bakeoff(dir.path(), &server, 2);
    let out = small.join("out");
    let mut command = rightsize();
    command.current_dir(dir.path()).args(["run", "--limit", "120", "--out"]).arg(&out);
    let full = command.output().unwrap();
    let before = records(&out).len();
    let remounted =
        Command::new("mount").args(["-o", "remount,size=40m"]).arg(&small).output().unwrap();
    let resumed = rightsize().args(["run", "--resume"]).arg(&out).output().unwrap();
    let units = answers_by_unit(&out);
    Command::new("umount").arg(&small).output().unwrap();
    assert_exit(&full, 3);
    assert!(stderr(&full).contains("disk is full"), "{}", stderr(&full));
    assert!(stderr(&full).contains("--resume"), "{}", stderr(&full));
    assert!(before > 0 && before < 120, "{before} records before the disk was full");
    assert!(remounted.status.success());
    assert_exit(&resumed, 0);
    assert_eq!(units.len(), 120);
    assert!(units.values().all(|counts| *counts == (1, 0)), "{units:?}");
}
