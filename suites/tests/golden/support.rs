//! The cases: an extract of telling ones is part of the repository; the full set is read where it
//! lies beside it.

use std::cell::RefCell;
use std::path::PathBuf;

use serde_json::Value;

/// What a test has compared so far, said when its thread ends.
#[derive(Default)]
struct Tally {
    file: String,
    cases: usize,
    figures: usize,
    largest: f64,
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Tally { file, cases, figures, largest } = self;
        if !file.is_empty() {
            eprintln!("{file}: {cases} cases, {figures} figures, largest deviation {largest:.1e}");
        }
    }
}

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::default();
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a metric: the extract, and the full set where there is one.
pub fn documents(name: &str) -> Vec<Value> {
    let extract = root().join("tests/fixtures/metrics").join(name);
    let full = root().join("../shared/metrics").join(name);
    let mut files = vec![extract];
    if full.exists() {
        files.push(full);
    } else {
        eprintln!("skipped: the full set of {name} is absent, the extract alone is tested");
    }
    let read =
        |path: PathBuf| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let documents: Vec<Value> = files.into_iter().map(read).collect();
    TALLY.with_borrow_mut(|tally| {
        tally.file = name.to_owned();
        tally.cases = documents.iter().filter_map(|d| Some(d["cases"].as_array()?.len())).sum();
    });
    documents
}

/// The cases of a metric: of the extract, and of the full set where there is one.
pub fn cases(name: &str) -> Vec<Value> {
    documents(name).iter().flat_map(|file| file["cases"].as_array().unwrap().clone()).collect()
}

/// The texts of an array.
pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

/// The numbers of an array.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Asserts that a figure is the expected one; `null` stands for an undefined one.
pub fn assert_close(value: Option<f64>, expected: &Value, tolerance: f64, what: &str) {
    match (value, expected.as_f64()) {
        (Some(value), Some(expected)) => {
            let deviation = (value - expected).abs();
            assert!(deviation <= tolerance, "{what}: {value}, not {expected}");
            TALLY.with_borrow_mut(|tally| {
                tally.figures += 1;
                tally.largest = tally.largest.max(deviation);
            });
        }
        (None, None) => {}
        _ => panic!("{what}: {value:?}, not {expected}"),
    }
}

/// The hypotheses of a case with their references: stream j has reference j of every hypothesis.
pub fn segments(case: &Value) -> Vec<(&str, Vec<&str>)> {
    let streams = case["reference_streams"].as_array().unwrap();
    let references = |i: usize| streams.iter().map(|s| s[i].as_str().unwrap()).collect();
    texts(&case["hypotheses"]).into_iter().enumerate().map(|(i, h)| (h, references(i))).collect()
}
