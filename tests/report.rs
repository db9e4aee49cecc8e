//! The report as a reader gets it: opened by a browser, and shared without any text of a sample.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use support::{assert_exit, rightsize, write};

/// What must not leave the house, one in every place where text of a user can stand.
const CANARIES: [&str; 9] = [
    "canary-system",
    "canary-user",
    "canary-answer",
    "canary-expected",
    "canary-tag",
    "canary-id",
    "canary-file",
    "canary-hidden",
    "canary-dir",
];

/// A run with a canary in every place, and an answer that is markup.
fn run(dir: &Path) -> PathBuf {
    let home = dir.join("canary-dir");
    let row = |i: usize| {
        json!({"id": format!("canary-id-{i}"), "text": format!("canary-user {i}"),
               "answer": "canary-expected", "tag": "canary-tag", "other": "canary-hidden"})
    };
    let rows: String = (0..25).map(|i| format!("{}\n", row(i))).collect();
    write(&home.join("canary-file.jsonl"), &rows);
    let hostile = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>";
    let answers: String = (0..25)
        .map(|i| {
            let text = format!("canary-answer {hostile}");
            format!("{}\n", json!({"sample": format!("canary-id-{i}"), "text": text}))
        })
        .collect();
    write(&home.join("canary-file-answers.jsonl"), &answers);
    write(
        &home.join("canary-file.yaml"),
        "name: private\ntask: faq\ndata: {test: canary-file.jsonl, id: id, tags: [tag]}\n\
         expected: answer\nprompt: {system: canary-system, user: \"{{ text }} {{ other }}\"}\n",
    );
    write(
        &home.join("bakeoff.yaml"),
        "name: private\nsuites: [canary-file.yaml]\nmodels:\n\
         - {id: recorded, provider: replay, model: canary-file-answers.jsonl}\n",
    );
    let out = dir.join("out");
    let mut command = rightsize();
    command.arg("run").arg(home.join("bakeoff.yaml")).args(["--quiet", "--out"]).arg(&out);
    assert_exit(&command.output().unwrap(), 0);
    out
}

#[test]
fn a_shared_report_holds_no_text_of_a_sample() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path());
    assert_exit(&rightsize().arg("report").arg(&out).arg("--share").output().unwrap(), 0);
    let shared = std::fs::read_to_string(out.join("report-shared.html")).unwrap();
    for canary in CANARIES {
        assert_eq!(shared.matches(canary).count(), 0, "{canary} stands in the shared report");
    }
    assert!(shared.contains("private") && shared.contains("recorded"), "names and figures stay");
}

#[test]
fn the_report_opens_in_a_browser_and_runs_nothing_of_the_model() {
    let browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let Some(browser) = browsers.iter().find(|path| Path::new(path).exists()) else {
        eprintln!("skipped: no Chromium");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path());
    let dom = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("file://{}/report.html", out.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&dom.stdout).into_owned();
    assert!(dom.contains("</html>"), "{dom}");
    assert!(!dom.contains("<title>owned</title>"), "text of the model ran as a script");
    // The text of the first sample is in a compressed block: only the page's own script shows it.
    assert!(dom.contains("canary-id-0"), "the samples are not shown");
    let shown = dom.matches("&lt;img src=x onerror=alert(1)&gt;").count();
    assert!(shown > 0, "the hostile answer is shown as text");
    assert!(!dom.contains("<img src=\"x\""), "the hostile answer became markup");
}
