//! `rightsize rescore`: the same answers, scored again after a change of the suite; nothing is asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use support::stub_server::{Reply, StubServer};
use support::{analysis, assert_exit, records, rightsize, stderr, stdout, write};

const LABELS: [&str; 3] = ["red", "green", "blue"];
const SUITE: &str = "name: colours\ntask: classification\ndata: {test: test.jsonl, id: id}\n\
    labels: {colour: {values: [red, green, blue]}}\nprompt: {user: \"{{ text }}\"}\n";
const WITH_ALIAS: (&str, &str) =
    ("[red, green, blue]", "[red, green, blue], aliases: {red: [crimson]}");

/// 60 rows, a third of each colour; `colour` gives what is expected of a row.
fn rows(colour: impl Fn(usize) -> &'static str) -> String {
    let row =
        |i: usize| json!({"id": format!("s{i}"), "text": format!("text {i}"), "colour": colour(i)});
    (0..60).map(|i| format!("{}\n", row(i))).collect()
}

/// The colour of a row in the data.
fn right(i: usize) -> &'static str {
    LABELS[i % 3]
}

/// Writes a suite into a folder of its own, one text of it replaced, and gives its file.
fn suite(dir: &Path, (from, to): (&str, &str), rows: &str) -> PathBuf {
    assert!(SUITE.contains(from), "{from}");
    write(&dir.join("test.jsonl"), rows);
    write(&dir.join("suite.yaml"), &SUITE.replacen(from, to, 1));
    dir.join("suite.yaml")
}

/// A server whose answers are right, but for `crimson` in half of the red rows (10 of 60), and an
/// error for `text 5` when it is asked for the first time.
fn server() -> StubServer {
    StubServer::start(|request| {
        let i: usize = request.prompt().trim_start_matches("text ").parse().unwrap();
        match i {
            5 if request.count_of_prompt == 1 => Reply::status(400, "not today"),
            i if i % 6 == 0 => Reply::text("crimson"),
            i => Reply::text(right(i)),
        }
    })
}

/// A bake-off of the served model, of recorded answers that say `azure` for blue (20 of 60), and of
/// the oracle; run into `out`.
fn run(dir: &Path, server: &StubServer, more: &[&str]) -> PathBuf {
    suite(&dir.join("suite"), ("", ""), &rows(right));
    let text = |i| if right(i) == "blue" { "azure" } else { right(i) };
    let answer = |i| json!({"sample": format!("s{i}"), "model": "recorded", "text": text(i)});
    let answers: String = (0..60).map(|i| format!("{}\n", answer(i))).collect();
    write(&dir.join("answers.jsonl"), &answers);
    let bakeoff = format!(
        "name: colours\nsuites: [suite/suite.yaml]\nbaselines: [oracle]\nmodels:\n\
         - {{id: served, provider: openai, base_url: '{}', model: m}}\n\
         - {{id: recorded, provider: replay, model: answers.jsonl}}\n",
        server.base_url()
    );
    write(&dir.join("bakeoff.yaml"), &bakeoff);
    let out = dir.join("out");
    let mut command = rightsize();
    command.args(["run", "--quiet", "--max-errors", "100%"]).arg(dir.join("bakeoff.yaml"));
    assert_exit(&command.arg("--out").arg(&out).args(more).output().unwrap(), 0);
    out
}

fn rescore(out: &Path, suites: &[&Path], more: &[&str]) -> Output {
    let mut command = rightsize();
    command.arg("rescore").arg(out).args(more);
    for suite in suites {
        command.arg("--suite").arg(suite);
    }
    command.output().unwrap()
}

/// The difference that a rescoring prints as JSON.
fn difference(out: &Path, suites: &[&Path]) -> Value {
    let done = rescore(out, suites, &["--json"]);
    assert_exit(&done, 0);
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The cell of a model.
fn cell<'a>(cells: &'a Value, model: &str) -> &'a Value {
    let found = cells.as_array().unwrap().iter().find(|cell| cell["model"] == model);
    found.unwrap_or_else(|| panic!("no cell {model} in {cells}"))
}

/// The accuracy of a model in the analysis, as right answers of 60.
fn right_of_60(out: &Path, model: &str) -> f64 {
    let analysis = analysis(out);
    let pass = &cell(&analysis["results"]["cells"], model)["passes"][0];
    pass["primary"]["value"].as_f64().unwrap() * 60.0
}

fn near(value: &Value, want: f64) {
    assert!((value.as_f64().unwrap() - want).abs() < 1e-12, "{value}, not {want}");
}

/// Every file below a folder with its content.
fn content(dir: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(content(&path)),
            false => {
                let bytes = std::fs::read(&path).unwrap();
                all.insert((path, bytes));
            }
        }
    }
    all
}

fn scores(out: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let is = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("scores-");
    names.filter(is).collect()
}

#[test]
fn an_alias_raises_the_score_without_a_call_and_the_first_scores_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = server();
    let out = run(dir.path(), &server, &[]);
    let asked = server.requests().len();
    let first = analysis(&out)["results"].to_string();
    let recorded = std::fs::read(out.join("records.jsonl")).unwrap();
    // Ten are unparsed and one is an error.
    assert!((right_of_60(&out, "served") - 49.0).abs() < 1e-9);

    let old = suite(&dir.path().join("old"), ("", ""), &rows(right));
    let new = suite(&dir.path().join("new"), WITH_ALIAS, &rows(right));
    let changed = difference(&out, &[&new]);
    let served = cell(&changed["cells"], "served");
    assert_eq!((&served["n"], &served["changed"]), (&json!(60), &json!(10)), "{served}");
    near(&served["before"], 49.0 / 60.0);
    near(&served["after"], 59.0 / 60.0);
    assert_eq!(served["samples"].as_array().unwrap().len(), 10);
    assert_eq!(
        served["samples"][0],
        json!({"sample": "s0",
            "before": {"outcome": "unparsed", "score": 0.0, "reading": null},
            "after": {"outcome": "scored", "score": 1.0, "reading": "red"}})
    );
    assert_eq!(cell(&changed["cells"], "recorded")["changed"], 0);
    assert_eq!(cell(&changed["cells"], "oracle")["changed"], 0);
    assert_eq!(changed["units"], 180);

    // Nothing outside the folder is needed any more, and the records are as they were.
    for source in ["new", "suite", "answers.jsonl", "bakeoff.yaml"] {
        let path = dir.path().join(source);
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
            .unwrap();
    }
    assert_eq!(std::fs::read(out.join("records.jsonl")).unwrap(), recorded);
    assert!((right_of_60(&out, "served") - 59.0).abs() < 1e-9);
    let rescored = analysis(&out);
    let pass = &cell(&rescored["results"]["cells"], "served")["passes"][0];
    assert_eq!((&pass["counts"]["unparsed"], &pass["counts"]["errors"]), (&json!(0), &json!(1)));
    let setting = &rescored["setting"]["rescored"];
    assert_eq!(setting["suites"], json!(["colours"]));
    assert_eq!(setting["scoring_version"], changed["scoring_version"]);
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("made again of the same answers, after a change of colours, on 2"));

    let again = difference(&out, &[]);
    assert_eq!(again["scoring_version"], again["scoring_version_before"]);
    assert!(again["cells"].as_array().unwrap().iter().all(|cell| cell["changed"] == 0), "{again}");
    let back = difference(&out, &[&old]);
    assert_eq!(cell(&back["cells"], "served")["changed"], 10);
    assert_eq!(analysis(&out)["results"].to_string(), first);
    assert_eq!(scores(&out).len(), 2);
    assert_eq!(server.requests().len(), asked, "nothing was asked");
}

#[test]
fn a_suite_that_would_have_asked_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), &server(), &[]);
    let before = content(&out);
    let all = rows(right);
    let fewer: String = all.lines().take(59).map(|line| format!("{line}\n")).collect();
    let more = format!("{all}{}\n", json!({"id": "s60", "text": "text 60", "colour": "red"}));
    let text = all.replace("text 7\"", "text seven\"");
    for (change, rows, message) in [
        (
            ("{{ text }}", "Colour: {{ text }}"),
            &all,
            "its prompt for sample `s0` is not what was asked",
        ),
        (("prompt:", "answer: {max_tokens: 5}\nprompt:"), &all, "its `max_tokens` for sample `s0`"),
        (("", ""), &text, "its prompt for sample `s7`"),
        (("", ""), &fewer, "the sample `s59` that was run is not in it"),
        (("", ""), &more, "its sample `s60` was not run"),
        (("name: colours", "name: paints"), &all, "the suite `paints`, which was not run"),
    ] {
        let file = suite(&dir.path().join("new"), change, rows);
        let refused = rescore(&out, &[&file], &[]);
        assert_exit(&refused, 2);
        let said = stderr(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
        let said = said.replace("│ ", "");
        assert!(said.contains(message), "{message}: {said}");
    }
    let file = suite(&dir.path().join("new"), ("", ""), &all);
    let twice = rescore(&out, &[&file, &file], &[]);
    assert_exit(&twice, 2);
    assert!(content(&out).is_superset(&before) && scores(&out).is_empty());
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), &server(), &[]);
    let before = content(&out);
    // Twenty rows are expected to be green that were blue.
    let green = |i| if right(i) == "blue" { "green" } else { right(i) };
    let new = suite(&dir.path().join("new"), WITH_ALIAS, &rows(green));
    let done = rescore(&out, &[&new], &["--dry-run"]);
    assert_exit(&done, 0);
    let (shown, said) = (stdout(&done), stderr(&done));
    assert!(said.contains("20 samples have another expected answer"), "{said}");
    for part in
        ["colours, served: 29 changed", "  s0  unparsed (0.00) → \"red\" (1.00)", "  and 19 more"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    // The oracle's answers were written when blue was right.
    assert!(shown.contains("colours, oracle: 20 changed"), "{shown}");
    assert_eq!(content(&out), before);
}

#[test]
fn changed_expected_answers_stand_in_report_and_scores() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), &server(), &[]);
    let green = |i| if right(i) == "blue" { "green" } else { right(i) };
    let new = suite(&dir.path().join("new"), ("", ""), &rows(green));
    let changed = difference(&out, &[&new]);
    let oracle = cell(&changed["cells"], "oracle");
    assert_eq!((&oracle["changed"], &oracle["expected_changed"]), (&json!(20), &json!(20)));
    near(&oracle["after"], 40.0 / 60.0);
    let analysis = analysis(&out);
    let confusion = &cell(&analysis["results"]["cells"], "oracle")["passes"][0]["confusion"];
    assert!(confusion.to_string().contains("20"), "{confusion}");
    let lines = support::json_lines(&scores(&out)[0]);
    assert_eq!(lines.len(), 181, "a head and a line a unit");
    assert_eq!(lines.iter().filter(|line| line["expected"] == "green").count(), 60);
    assert!(records(&out).iter().filter(|record| record["expected"] == "blue").count() == 60);
}

#[test]
fn nothing_is_written_while_a_run_holds_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), &server(), &[]);
    let lock = std::fs::File::open(out.join(".lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let refused = rescore(&out, &[], &[]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("is in use"), "{}", stderr(&refused));
    assert!(scores(&out).is_empty());
    assert_exit(&rescore(dir.path(), &[], &[]), 2);
    assert!(!dir.path().join(".lock").exists(), "no run, no lock");
}

#[test]
fn answers_that_come_later_are_told_until_they_are_scored_again_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = server();
    let out = run(dir.path(), &server, &[]);
    let new = suite(&dir.path().join("new"), WITH_ALIAS, &rows(right));
    // Two units are lost, one of them with an alias in its answer; one is an error.
    let kept: String = records(&out)
        .iter()
        .filter(|r| !(r["model"] == "served" && (r["sample"] == "s6" || r["sample"] == "s7")))
        .map(|r| format!("{r}\n"))
        .collect();
    write(&out.join("records.jsonl"), &kept);
    assert_exit(&rescore(&out, &[&new], &[]), 0);
    let mut command = rightsize();
    command.args(["run", "--max-errors", "100%", "--resume"]).arg(&out);
    let resumed = command.output().unwrap();
    assert_exit(&resumed, 0);
    assert!(stderr(&resumed).contains("Afterwards: rightsize rescore"), "{}", stderr(&resumed));
    assert!(stdout(&resumed).contains("3 units were recorded after"), "{}", stdout(&resumed));
    assert_eq!(analysis(&out)["setting"]["rescored"]["units_missing"], 3);
    // s6 says crimson, which the suite as it was run does not know.
    assert!((right_of_60(&out, "served") - 59.0).abs() < 1e-9);
    let changed = difference(&out, &[]);
    assert_eq!(cell(&changed["cells"], "served")["changed"], 1);
    assert!((right_of_60(&out, "served") - 60.0).abs() < 1e-9);
    assert_eq!(analysis(&out)["setting"]["rescored"]["units_missing"], 0);
}

#[test]
fn shards_are_merged_before_they_are_scored_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = server();
    let whole = run(dir.path(), &server, &[]);
    let merged = dir.path().join("merged");
    assert_exit(&rescore(&whole, &[], &[]), 0);
    let merge = || {
        let mut command = rightsize();
        command.arg("merge").arg(&whole).arg("--out").arg(&merged).output().unwrap()
    };
    let refused = merge();
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("were made again"), "{}", stderr(&refused));
    assert!(!merged.exists());
    std::fs::remove_file(&scores(&whole)[0]).unwrap();
    assert_exit(&merge(), 0);
    assert_exit(&rescore(&merged, &[], &[]), 0);
}

/// A folder that version 1 of the formats wrote.
#[test]
fn a_folder_of_the_first_version_can_be_scored_again() {
    let old = support::repository().join("tests/fixtures/run-v1");
    let done = rescore(&old, &[], &["--dry-run", "--json"]);
    assert_exit(&done, 0);
    let changed: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(cell(&changed["cells"], "recorded")["changed"], 0, "{changed}");
}

/// A scores file that is cut off is no reason to show other scores in silence.
#[test]
fn a_damaged_file_of_scores_is_told_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), &server(), &[]);
    assert_exit(&rescore(&out, &[], &[]), 0);
    let file = scores(&out).remove(0);
    let bytes = std::fs::read(&file).unwrap();
    for cut in [bytes.len() - 5, 10] {
        std::fs::write(&file, &bytes[..cut]).unwrap();
        let told = rightsize().arg("report").arg(&out).output().unwrap();
        assert_exit(&told, 2);
        assert!(stderr(&told).contains("remove the file"), "{}", stderr(&told));
    }
}
