//! Bad input: one readable error with file, line, column where there is one, and the remedy; never a
//! panic, never the loss of what other entries did.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use support::stub_server::{Reply, StubServer};
use support::{assert_exit, records, rightsize, stderr, write};

const SUITE: &str = "name: s\ntask: classification\ndata: {test: test.jsonl, id: id}\n\
    labels: {colour: {values: [red, blue], expected: colour}}\n\
    prompt: {system: \"{{ labels | join(', ') }}\", user: \"{{ text }}\"}\n";
const ROWS: &str = "{\"id\": \"1\", \"text\": \"sky\", \"colour\": \"blue\"}\n\
    {\"id\": \"2\", \"text\": \"blood\", \"colour\": \"red\"}\n";
const BAKEOFF: &str = "name: b\nsuites: [suite.yaml]\nmodels: [specialist-1m]\n";

/// What a user might get wrong: file, what is replaced by what, and what the error must say.
struct Case {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        file: "bakeoff.yaml",
        from: "suites: [suite.yaml]",
        to: "suites: [gone.yaml]",
        says: &["gone.yaml", "no such file"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "suites:",
        to: "siutes:",
        says: &["bakeoff.yaml:2:1", "siutes", "suites"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "models: [specialist-1m]",
        to: "models: [specialist-1m]\nbudget: {max_cost: 20 USD}",
        says: &["bakeoff.yaml:4", "budget", "not built"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "models: [specialist-1m]",
        to: "models: [specialist-1m]\nresidency: eu",
        says: &["bakeoff.yaml:4", "residency", "not built"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "name: b\n",
        to: "name: b\nname: c\n",
        says: &["bakeoff.yaml:2", "name", "duplicate"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "models: [specialist-1m]",
        to: "models: [{id: x, provider: llama-cpp, model: m, concurrency: 1_000}]",
        says: &["bakeoff.yaml:3", "1_000"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "models: [specialist-1m]",
        to: "models: [specialist-1m, specialist-1m]",
        says: &["bakeoff.yaml:3", "second entry", "specialist-1m"],
    },
    Case {
        file: "bakeoff.yaml",
        from: "models: [specialist-1m]",
        to: "models: []",
        says: &["bakeoff.yaml:3", "no models"],
    },
    Case {
        file: "suite.yaml",
        from: "labels:",
        to: "lables:",
        says: &["suite.yaml:4:1", "lables", "labels"],
    },
    Case {
        file: "suite.yaml",
        from: "{{ text }}",
        to: "{{ txet }}",
        says: &["suite.yaml:5", "txet", "text"],
    },
    Case {
        file: "suite.yaml",
        from: "{{ text }}",
        to: "{{ colour }}",
        says: &["suite.yaml:5", "colour"],
    },
    Case {
        file: "suite.yaml",
        from: "test: test.jsonl",
        to: "test: gone.jsonl",
        says: &["gone.jsonl"],
    },
    Case {
        file: "test.jsonl",
        from: "\"id\": \"2\"",
        to: "\"id\": \"1\"",
        says: &["test.jsonl:2", "`1`"],
    },
    Case {
        file: "test.jsonl",
        from: "\"colour\": \"red\"",
        to: "\"colour\": \"rde\"",
        says: &["test.jsonl:2", "rde", "red"],
    },
    Case { file: "test.jsonl", from: ROWS, to: "", says: &["test.jsonl", "there is no row"] },
    Case { file: "test.jsonl", from: "\"blue\"}", to: "\"blue\"", says: &["test.jsonl:1"] },
];

fn lay_out(dir: &Path) {
    write(&dir.join("suite.yaml"), SUITE);
    write(&dir.join("test.jsonl"), ROWS);
    write(&dir.join("bakeoff.yaml"), BAKEOFF);
}

fn run(dir: &Path) -> std::process::Output {
    let mut command = rightsize();
    command.current_dir(dir).args(["run", "--quiet", "--out", "out"]);
    command.output().expect("the program starts")
}

#[test]
fn each_error_names_file_line_value_and_remedy() {
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        lay_out(dir.path());
        let path = dir.path().join(case.file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(case.from), "{}: {}", case.file, case.from);
        write(&path, &text.replacen(case.from, case.to, 1));
        let output = run(dir.path());
        assert_exit(&output, 2);
        let said = stderr(&output);
        for part in case.says {
            assert!(said.contains(part), "{} → {}: no `{part}` in\n{said}", case.from, case.to);
        }
        assert!(!said.contains("panicked"), "{said}");
        assert!(!dir.path().join("out").exists(), "nothing was started");
    }
}

#[test]
fn a_missing_bakeoff_says_how_to_get_one() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path());
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("rightsize init"), "{}", stderr(&output));
}

/// Entries that cannot start end alone; the sound one answers everything.
#[test]
fn a_model_file_that_is_no_model_ends_only_its_own_entry() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    let sound = support::repository().join("providers/demo-models/specialist-1m.gguf");
    let bytes = std::fs::read(&sound).unwrap();
    std::fs::write(dir.path().join("cut.gguf"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(dir.path().join("foreign.gguf"), b"PK\x03\x04 this is a zip").unwrap();
    write(
        &dir.path().join("bakeoff.yaml"),
        "name: b\nsuites: [suite.yaml]\nmodels:\n\
         - {id: cut, provider: llama-cpp, model: cut.gguf}\n\
         - {id: foreign, provider: candle, model: foreign.gguf}\n\
         - {id: gone, provider: llama-cpp, model: gone.gguf}\n\
         - specialist-1m\n",
    );
    let output = run(dir.path());
    assert_exit(&output, 3);
    let said = stderr(&output);
    for (id, words) in [("cut", "cut.gguf"), ("foreign", "foreign.gguf"), ("gone", "gone.gguf")] {
        let line = said.lines().find(|line| line.contains(&format!("`{id}` ended early")));
        assert!(line.is_some_and(|line| line.contains(words)), "{id}: {said}");
    }
    let records = records(&dir.path().join("out"));
    assert_eq!(records.len(), 4, "two samples, two scenarios");
    assert!(records.iter().all(|r| r["model"] == "specialist-1m" && r["outcome"] != "error"));
}

/// What a server can do wrong, and how it stands in the records.
#[test]
fn what_servers_do_wrong_is_an_error_and_never_an_answer() {
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"re\"}}]}\n\n";
    let broken = "data: {\"choices\": nonsense\n\n";
    for (name, reply, kind, side) in [
        ("404", Reply::status(404, "no such model"), "not_found", "ours"),
        ("400", Reply::status(400, "bad"), "bad_request", "ours"),
        ("broken SSE", Reply::raw_stream(broken), "protocol", "theirs"),
        ("cut stream", Reply::raw_stream(cut), "cut_stream", "theirs"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        lay_out(dir.path());
        let server = StubServer::start(move |_| reply.clone());
        write(&dir.path().join("bakeoff.yaml"), &remote(&server));
        let output = run(dir.path());
        assert_exit(&output, 3);
        let records = records(&dir.path().join("out"));
        assert!(!records.is_empty(), "{name}: {}", stderr(&output));
        for record in &records {
            assert_eq!(record["outcome"], "error", "{name}: {record}");
            assert_eq!(record["score"], serde_json::Value::Null, "{name}");
            assert_eq!(record["error"]["kind"], kind, "{name}: {record}");
            if kind != "bad_request" && kind != "not_found" {
                assert_eq!(record["error"]["side"], side, "{name}: {record}");
            }
        }
    }
}

fn remote(server: &StubServer) -> String {
    format!(
        "name: b\nsuites: [suite.yaml]\nmodels:\n\
         - {{id: r, provider: openai, base_url: '{}', model: m, concurrency: 1}}\n",
        server.base_url()
    )
}

#[test]
fn a_server_that_fails_now_and_then_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    let server = StubServer::start(|request| match request.count_of_prompt {
        1 => Reply::status(500, "now and then").with_header("retry-after-ms", "5"),
        _ => Reply::text("red"),
    });
    write(&dir.path().join("bakeoff.yaml"), &remote(&server));
    assert_exit(&run(dir.path()), 0);
    let records = records(&dir.path().join("out"));
    assert!(records.iter().all(|r| r["outcome"] == "scored" && r["attempts"] == 2), "{records:?}");
}

#[test]
fn a_server_that_is_down_or_refuses_the_key_ends_its_entry_before_any_paid_call() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    let refusing = StubServer::start_for_every_path(|_| Reply::status(401, "wrong key"));
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write(
        &dir.path().join("bakeoff.yaml"),
        &format!(
            "name: b\nsuites: [suite.yaml]\nmodels:\n\
             - {{id: refused, provider: openai, base_url: '{}', model: m, key_env: TEST_KEY}}\n\
             - {{id: down, provider: openai, base_url: 'http://{free}/v1', model: m}}\n\
             - {{id: keyless, provider: openai, base_url: 'http://{free}/v1', model: m, key_env: NO_SUCH_KEY}}\n\
             - specialist-1m\n",
            refusing.base_url()
        ),
    );
    let output = rightsize()
        .current_dir(dir.path())
        .args(["run", "-v", "--out", "out"])
        .env("TEST_KEY", "canary-5up3r-s3cr3t")
        .output()
        .unwrap();
    assert_exit(&output, 3);
    let said = stderr(&output);
    assert!(said.contains("`refused` ended early") && said.contains("401"), "{said}");
    assert!(said.contains("`down` ended early"), "{said}");
    assert!(said.contains("NO_SUCH_KEY"), "{said}");
    assert_eq!(refusing.counts().len(), 0, "no paid call was made");
    assert_eq!(records(&dir.path().join("out")).len(), 4);
    for file in walk(&dir.path().join("out")) {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("5up3r"), "the key stands in {}", file.display());
    }
    assert!(!said.contains("5up3r") && !support::stdout(&output).contains("5up3r"));
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(walk(&path)),
            path => files.push(path),
        }
    }
    files
}

#[test]
fn two_runs_cannot_write_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    assert_exit(&run(dir.path()), 0);
    let again = run(dir.path());
    assert_exit(&again, 2);
    assert!(stderr(&again).contains("--resume"), "{}", stderr(&again));

    let held = std::fs::File::options().write(true).open(dir.path().join("out/.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let locked =
        rightsize().current_dir(dir.path()).args(["run", "--resume", "out"]).output().unwrap();
    assert_exit(&locked, 2);
    assert!(stderr(&locked).contains("in use"), "{}", stderr(&locked));
}

#[test]
fn a_folder_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    assert_exit(&run(dir.path()), 0);
    let manifest = dir.path().join("out/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, &text.replacen("\"schema\": 1", "\"schema\": 2", 1));
    for args in [["run", "--resume", "out"].as_slice(), &["report", "out"]] {
        let output = rightsize().current_dir(dir.path()).args(args).output().unwrap();
        assert_exit(&output, 2);
        assert!(stderr(&output).contains("newer"), "{}", stderr(&output));
    }
}
