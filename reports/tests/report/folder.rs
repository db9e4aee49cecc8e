//! Opening a run folder: streams, superseding, torn lines, schema.

use std::fs;
use std::io::Write;

use rightsize_reports::folder::{FolderError, RunFolder};
use rightsize_reports::run::{Outcome, SCHEMA, files};

use crate::fixture::Run;

fn append(path: &std::path::Path, text: &str) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_later_line_supersedes_and_a_torn_line_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let failed = run.records.iter().find(|r| r.outcome == Outcome::Error).unwrap();
    let mut again = failed.clone();
    again.outcome = Outcome::Refused;
    again.error = None;
    again.score = Some(0.0);
    let path = dir.path().join(files::RECORDS);
    append(&path, &(serde_json::to_string(&again).unwrap() + "\n"));
    append(&path, "{\"schema\":1,\"unit\":\"abc");

    let folder = RunFolder::open(dir.path()).unwrap();
    assert_eq!(folder.rows().len(), run.records.len());
    assert_eq!((folder.noticed.torn, folder.noticed.superseded), (1, 1));
    let row = folder
        .rows()
        .iter()
        .find(|row| {
            folder.sample(row) == failed.sample
                && folder.manifest.models[row.model].id == failed.model
                && folder.manifest.suites[row.suite].name == failed.suite
                && row.scenario == failed.scenario
        })
        .unwrap();
    assert_eq!(row.outcome, Outcome::Refused);
    let mut texts = folder.texts().unwrap();
    assert_eq!(texts.record(row).unwrap(), again);
    assert_eq!(texts.prompt(row).unwrap().as_ref(), run.prompts.get(&failed.prompt_sha256));
}

#[test]
fn two_asks_of_one_key_are_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let mut other = run.records[0].clone();
    other.unit = "another".into();
    append(&dir.path().join(files::RECORDS), &(serde_json::to_string(&other).unwrap() + "\n"));
    let folder = RunFolder::open(dir.path()).unwrap();
    assert_eq!(folder.noticed.conflicts, 1);
    assert_eq!(folder.rows().len(), run.records.len());
}

#[test]
fn a_newer_schema_is_refused_and_a_broken_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let path = dir.path().join(files::RECORDS);
    let whole = fs::read_to_string(&path).unwrap();
    append(&path, &format!("{{\"schema\":{}}}\n", SCHEMA + 1));
    assert!(matches!(
        RunFolder::open(dir.path()),
        Err(FolderError::Newer { found, .. }) if found == SCHEMA + 1
    ));
    fs::write(&path, format!("{whole}not json\n")).unwrap();
    let message = RunFolder::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("records.jsonl:{}", run.records.len() + 1)), "{message}");
    assert!(message.contains("resume the run"), "{message}");

    let manifest = dir.path().join(files::MANIFEST);
    fs::write(&manifest, format!("{{\"schema\":{}}}", SCHEMA + 1)).unwrap();
    assert!(matches!(RunFolder::open(dir.path()), Err(FolderError::Newer { .. })));
}

#[test]
fn a_folder_that_is_no_run_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let message = RunFolder::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("manifest.json"), "{message}");
    assert!(message.contains("is this the folder of a run?"), "{message}");
}
