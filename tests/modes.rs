//! Generation and log-probability side by side: what is asked, how it is scored, what is shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{
    analysis, answers_by_unit, assert_exit, output, records, rightsize, stderr, stdout, write,
};

const SAMPLES: usize = 10;

/// An engine that writes `red` to everything. Of choices the right one has the largest sum of
/// log-probabilities, and the longest one the largest per character.
const ENGINE: &str = r#"
import json, struct, sys
def send(event):
    body = json.dumps({"peak_memory_bytes": 1, "event": event}).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()
def prompt(kind):
    return kind["prompt"]["messages"][-1]["content"]
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        break
    frame = json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0]))
    if "load" in frame:
        send({"loaded": {"provider": "llama-cpp", "model": "fake"}})
    elif "ask" in frame:
        kind = frame["ask"]["ask"]["kind"]
        response = {"text": "", "finish": "stop"}
        if "choose" in kind:
            text = prompt(kind["choose"])
            response["choices"] = [
                {"choice": c, "logprob": -1.0 if c in text else -1.5, "tokens": 1}
                for c in kind["choose"]["choices"]
            ]
        else:
            response["text"] = "red"
        usage = {"input_total": 3, "output_total": 1, "reasoning": 0, "source": "tokenizer"}
        answer = {"response": response, "usage": usage, "timing": {}}
        send({"done": {"id": frame["ask"]["id"], "result": {"Ok": answer}}})
"#;

/// The engine as an executable; `None` where there is no Python.
fn engine(dir: &Path) -> Option<PathBuf> {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let Some(python) = found.ok().filter(|found| found.status.success()) else {
        eprintln!("skipped: there is no python3");
        return None;
    };
    let path = dir.join("engine.py");
    write(&path, &format!("#!{}\n{ENGINE}", stdout(&python).trim()));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Some(path)
}

fn suite(dir: &Path, more: &str) {
    let row = |i: usize| {
        let colour = if i.is_multiple_of(2) { "red" } else { "yellow" };
        format!("s{i},message {i} in {colour},{colour}\n")
    };
    write(
        &dir.join("suite/test.csv"),
        &("id,text,colour\n".to_owned() + &(0..SAMPLES).map(row).collect::<String>()),
    );
    write(
        &dir.join("suite/suite.yaml"),
        &format!(
            "name: colours\ntask: classification\ndata: {{test: test.csv, id: id}}\n\
             labels: {{colour: {{values: [red, yellow]}}}}\nprompt: {{user: \"{{{{ text }}}}\"}}\n{more}"
        ),
    );
}

fn bakeoff(dir: &Path, entry: &str) {
    let text = format!(
        "name: b\nsuites: [suite/suite.yaml]\nsingle_stream: {{samples: 4}}\nmodels:\n- {entry}\n"
    );
    write(&dir.join("bakeoff.yaml"), &text);
}

fn run(dir: &Path, out: &str, engine: &Path) -> Output {
    let mut command = rightsize();
    command.env("RIGHTSIZE_ENGINE", engine).arg("run").arg(dir.join("bakeoff.yaml"));
    command.arg("--out").arg(dir.join(out)).output().unwrap()
}

fn count(folder: &Path, mode: &str, scenario: &str) -> usize {
    let is = |r: &&Value| r["mode"] == mode && r["scenario"] == scenario;
    records(folder).iter().filter(is).count()
}

#[test]
fn both_modes_are_asked_of_the_same_samples_and_the_gap_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let Some(engine) = engine(dir.path()) else { return };
    suite(dir.path(), "");
    bakeoff(dir.path(), "{id: s, provider: llama-cpp, model: specialist-1m, mode: both}");
    let done = run(dir.path(), "out", &engine);
    assert_exit(&done, 0);
    let out = dir.path().join("out");
    let counts = [("generate", "batch"), ("generate", "single-stream"), ("choose", "batch")];
    assert_eq!(counts.map(|(mode, scenario)| count(&out, mode, scenario)), [SAMPLES, 4, SAMPLES]);
    assert_eq!(count(&out, "choose", "single-stream"), 0);

    let results = &analysis(&out)["results"];
    assert_eq!(results["units_recorded"], results["units_planned"]);
    // The cell is that of written answers: always red, which half of the samples are.
    let cell = &results["cells"][0];
    assert_eq!(
        (&cell["measured"], &cell["passes"][0]["primary"]["value"]),
        (&json!(true), &json!(0.5))
    );
    assert_eq!(cell["passes"][0]["counts"]["units"], SAMPLES);
    // By the sum every choice is right. Per character: -1/3 against -1.5/6 for red, so yellow.
    let view = &results["modes"][0];
    assert_eq!(view["generate"]["value"], 0.5);
    assert_eq!(view["choose"]["value"], 1.0);
    assert_eq!(view["choose_norm"], 0.5);
    assert_eq!((&view["difference"], &view["samples"]), (&json!(0.5), &json!(SAMPLES)));
    assert!(stdout(&done).contains("gap +50.0 points"), "{}", stdout(&done));
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("Written and chosen answers"));

    let chosen: Vec<Value> = records(&out).into_iter().filter(|r| r["mode"] == "choose").collect();
    let red = chosen.iter().find(|r| r["sample"] == "s0").unwrap();
    assert_eq!(red["readings"], json!({"acc": "red", "beside/acc_norm": "yellow"}));
    assert_eq!(red["signals"]["logprob"], json!({"sum": -1.0, "tokens": 1, "min_margin": 0.5}));
    assert_eq!(red["response"]["choices"].as_array().unwrap().len(), 2);

    // Scored again by the same suite, all of it is as it was; nothing is asked.
    let again = output(&["rescore", out.to_str().unwrap()]);
    assert_exit(&again, 0);
    assert_eq!(analysis(&out)["results"]["modes"], results["modes"]);
    let resumed = rightsize().args(["run", "--resume"]).arg(&out).output().unwrap();
    assert_exit(&resumed, 0);
    assert!(answers_by_unit(&out).values().all(|counts| *counts == (1, 0)));
}

#[test]
fn an_entry_may_only_choose() {
    let dir = tempfile::tempdir().unwrap();
    let Some(engine) = engine(dir.path()) else { return };
    suite(dir.path(), "");
    bakeoff(dir.path(), "{id: s, provider: llama-cpp, model: specialist-1m, mode: choose}");
    assert_exit(&run(dir.path(), "out", &engine), 0);
    let out = dir.path().join("out");
    assert_eq!(records(&out).len(), SAMPLES);
    let results = &analysis(&out)["results"];
    let cell = &results["cells"][0];
    assert_eq!(
        (&cell["measured"], &cell["passes"][0]["primary"]["value"]),
        (&json!(true), &json!(1.0))
    );
    assert_eq!(results["modes"][0]["generate"], json!(null));
}

#[test]
fn what_cannot_choose_is_refused_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let check = |entry: &str| {
        bakeoff(dir.path(), entry);
        let done = output(&["check", dir.path().join("bakeoff.yaml").to_str().unwrap()]);
        assert_exit(&done, 2);
        let said = stderr(&done).replace('│', " ");
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    suite(dir.path(), "");
    let server =
        "{id: s, provider: openai, base_url: 'http://127.0.0.1:1/v1', model: m, mode: both}";
    let said = check(server);
    assert!(said.contains("`openai` cannot") && said.contains("use `llama-cpp`"), "{said}");
    suite(dir.path(), "");
    let yaml = std::fs::read_to_string(dir.path().join("suite/suite.yaml")).unwrap();
    let sets = yaml.replace("[red, yellow]", "[red, yellow], multiple: true");
    write(&dir.path().join("suite/suite.yaml"), &sets);
    let said = check("{id: s, provider: llama-cpp, model: specialist-1m, mode: both}");
    assert!(said.contains("needs a closed set of answers"), "{said}");
}

/// With the real engine: the bundled specialist on its own suite.
#[cfg(feature = "llama-cpp")]
#[test]
fn the_specialist_chooses_as_it_writes() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("bakeoff.yaml"),
        "name: b\nsuites: ['catalog:support-triage']\nscenarios: [batch]\nmodels:\n\
         - {id: s, provider: llama-cpp, model: specialist-1m, mode: both}\n",
    );
    let out = dir.path().join("out");
    let file = dir.path().join("bakeoff.yaml");
    let done =
        output(&["run", file.to_str().unwrap(), "--limit", "20", "--out", out.to_str().unwrap()]);
    assert_exit(&done, 0);
    assert_eq!((count(&out, "generate", "batch"), count(&out, "choose", "batch")), (20, 20));
    let view = &analysis(&out)["results"]["modes"][0];
    println!("{view}");
    assert_eq!(view["samples"], 20);
    // It was trained to write these labels and nothing else: both ways find much the same.
    let value = |mode: &str| view[mode]["value"].as_f64().unwrap();
    assert!((value("generate") - value("choose")).abs() <= 0.1, "{view}");
    for record in records(&out).iter().filter(|r| r["mode"] == "choose") {
        let choices = record["response"]["choices"].as_array().unwrap();
        assert!(choices.len() >= 2 && choices.iter().all(|c| c["logprob"].as_f64().unwrap() < 0.0));
    }
}
