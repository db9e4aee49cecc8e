//! `rightsize schema`: the shipped files are valid under it, and typical faults are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{assert_exit, output, repository, stdout};

/// A validator of the printed schema; the schema itself must be one of draft 2020-12.
fn validator(of: &str) -> jsonschema::Validator {
    let printed = output(&["schema", of]);
    assert_exit(&printed, 0);
    let schema: Value = serde_json::from_str(&stdout(&printed)).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn file(path: &Path) -> Value {
    yaml(&std::fs::read_to_string(path).unwrap())
}

fn assert_valid(validator: &jsonschema::Validator, path: &Path) {
    let value = file(path);
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{}: {errors:?}", path.display());
}

/// The suites in the folders of a folder.
fn suites(folder: &str) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(repository().join(folder)).unwrap();
    let all: Vec<_> = folders.map(|entry| entry.unwrap().path().join("suite.yaml")).collect();
    let all: Vec<_> = all.into_iter().filter(|path| path.exists()).collect();
    assert!(all.len() >= 3, "{folder}: {all:?}");
    all
}

#[test]
fn what_is_shipped_and_what_init_writes_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    assert_exit(&output(&["init", dir.path().to_str().unwrap()]), 0);
    let suite = validator("suite");
    for path in suites("suites/catalog").iter().chain(&suites("tests/suites")) {
        assert_valid(&suite, path);
    }
    assert_valid(&suite, &dir.path().join("my-suite/suite.yaml"));
    let bakeoff = validator("bakeoff");
    assert_valid(&bakeoff, &repository().join("harness/src/commands/demo.yaml"));
    assert_valid(&bakeoff, &dir.path().join("bakeoff.yaml"));
}

#[test]
fn typical_faults_of_a_suite_are_not_valid() {
    let suite = validator("suite");
    let text = "name: a\ntask: classification\ndata: {test: t.csv}\n\
        labels: {queue: {values: [x, y]}}\nprompt: {user: hi}\n";
    assert!(suite.is_valid(&yaml(text)));
    for (right, wrong) in [
        ("task: classification", "task: clasification"),
        ("test: t.csv", "tests: t.csv"),
        ("prompt: {user: hi}", "answer: {max_tokens: many}\nprompt: {user: hi}"),
        ("name: a\n", ""),
        ("prompt: {user: hi}", "prompt: {user: hi, few_shot: {cuont: 4}}"),
    ] {
        assert!(text.contains(right));
        assert!(!suite.is_valid(&yaml(&text.replace(right, wrong))), "{wrong}");
    }
    let fields = "name: a\ntask: extraction\ndata: {test: t.csv}\n\
        fields: {total: {compare: number}}\nprompt: {user: hi}\n";
    assert!(suite.is_valid(&yaml(fields)));
    assert!(!suite.is_valid(&yaml(&fields.replace("compare: number", "compare: monies"))));
    let filters = "name: a\ntask: reasoning\ndata: {test: [{q: 1, a: 1}]}\nexpected: a\n\
        answer: {filters: [strict, {regex: '(.)'}]}\nprompt: {user: hi}\n";
    assert!(suite.is_valid(&yaml(filters)));
    assert!(!suite.is_valid(&yaml(&filters.replace("strict", "loose"))));
}

#[test]
fn typical_faults_of_a_bakeoff_are_not_valid() {
    let bakeoff = validator("bakeoff");
    let text = "name: b\nsuites: [catalog:kb-faq]\nmodels:\n- specialist-1m\n\
        - {id: large, provider: openai, model: any, sampling: {temperature: 0}}\n";
    assert!(bakeoff.is_valid(&yaml(text)));
    for (right, wrong) in [
        ("provider: openai", "provider: open-ai"),
        ("sampling:", "samplings:"),
        ("suites: [catalog:kb-faq]", "suites: catalog:kb-faq"),
        ("id: large, ", ""),
        ("name: b\n", "name: b\nbaselines: [guess]\n"),
    ] {
        assert!(text.contains(right));
        assert!(!bakeoff.is_valid(&yaml(&text.replace(right, wrong))), "{wrong}");
    }
}
