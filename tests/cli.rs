//! The command line as a user meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::io::Read;
use std::process::Stdio;

use support::{assert_exit, output, rightsize, stderr, stdout, write};

#[test]
fn every_subcommand_has_help_with_an_example() {
    let help = stdout(&output(&["--help"]));
    for command in [
        "demo",
        "run",
        "merge",
        "report",
        "rescore",
        "check",
        "init",
        "models",
        "hardware",
        "schema",
        "explain",
        "completions",
    ] {
        assert!(help.contains(command), "{command} is not in\n{help}");
        let text = stdout(&output(&[command, "--help"]));
        assert!(text.contains(&format!("rightsize {command}")), "{text}");
        assert!(text.contains("Example"), "{command} has no example:\n{text}");
    }
}

#[test]
fn init_writes_what_runs_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mine");
    let args = ["init", folder.to_str().unwrap()];
    assert_exit(&output(&args), 0);
    let again = output(&args);
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("exists already"));
    let bakeoff = folder.join("bakeoff.yaml");
    assert_exit(&output(&["check", bakeoff.to_str().unwrap()]), 0);
    let out = dir.path().join("out");
    let mut command = rightsize();
    command.arg("run").arg(&bakeoff).args(["--limit", "5", "--out"]).arg(&out);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    let shown = stdout(&done);
    assert!(shown.contains("specialist-5m") && shown.contains("report.html"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colour codes without a terminal");
    assert!(stderr(&done).contains("5/10"), "progress without a terminal: {}", stderr(&done));
}

#[test]
fn quiet_says_nothing_but_the_result_and_json_is_json() {
    let dir = tempfile::tempdir().unwrap();
    assert_exit(&output(&["init", dir.path().to_str().unwrap()]), 0);
    let mut command = rightsize();
    command.current_dir(dir.path()).args(["run", "--quiet", "--json", "--limit", "3"]);
    command.args(["--models", "specialist-1m", "--suites", "my-suite", "--out", "out"]);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    assert_eq!(stderr(&done), "");
    let analysis: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(analysis["results"]["cells"].as_array().unwrap().len(), 1);
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let mut child =
        rightsize().arg("explain").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut one = [0];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut one).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_exit(&ended, 0);
    assert_eq!(stderr(&ended), "");
}

#[test]
fn a_mistyped_name_is_answered_with_the_near_ones() {
    let dir = tempfile::tempdir().unwrap();
    assert_exit(&output(&["init", dir.path().to_str().unwrap()]), 0);
    for (args, says) in [
        (vec!["run", "--models", "specalist-1m"], "specialist-1m"),
        (vec!["run", "--suites", "my-siute"], "my-suite"),
        (vec!["check", "catalog:kb-fqa"], "kb-faq"),
        (vec!["explain", "TTFTT"], "TTFT"),
    ] {
        let done = rightsize().current_dir(dir.path()).args(&args).output().unwrap();
        assert_exit(&done, 2);
        assert!(stderr(&done).contains(says), "{args:?}: {}", stderr(&done));
    }
    write(
        &dir.path().join("bakeoff.yaml"),
        "name: b\nsuites: ['catalog:kb-faq']\nmodels: [specialst-1m]\n",
    );
    let done = rightsize().current_dir(dir.path()).args(["run", "--out", "x"]).output().unwrap();
    assert_exit(&done, 3);
    assert!(stderr(&done).contains("specialist-1m"), "{}", stderr(&done));
}

#[test]
fn hardware_models_and_completions_print() {
    let machine: serde_json::Value =
        serde_json::from_slice(&output(&["hardware", "--json"]).stdout).unwrap();
    assert!(machine.to_string().len() > 100);
    let models = stdout(&output(&["models"]));
    assert!(models.contains("specialist-5m") && models.contains("openai"), "{models}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&output(&["completions", shell])).contains("rightsize"));
    }
}
