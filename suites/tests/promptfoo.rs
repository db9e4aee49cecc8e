//! Configurations of promptfoo, each with what is made of it in `expected/` beside it.
//! `UPDATE_EXPECTED=1` writes the expected files anew.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use rightsize_suites::Suite;
use rightsize_suites::promptfoo::{self, Facts};
use serde_json::Value;

const CONFIGS: [&str; 4] = [
    "triage/promptfooconfig.yaml",
    "support/promptfooconfig.yaml",
    "invoices/promptfooconfig.yml",
    "capitals/promptfooconfig.json",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promptfoo")
}

/// The files that are made of a configuration.
fn made(config: &str) -> Vec<(String, String)> {
    let path = folder().join(config);
    assert!(promptfoo::is_config(&std::fs::read_to_string(&path).unwrap()), "{config}");
    let translation = promptfoo::translate(&path).unwrap();
    // Places stand in comments as the configuration was named: here without the folder.
    let named = |text: String| text.replace(&format!("{}/", folder().display()), "");
    let (name, origin) = config.split_once('/').unwrap();
    let facts = Facts { name, origin, rows: "tests.jsonl", margin: (0.1, "one in ten") };
    let rows = translation.rows.iter().map(|row| Value::Object(row.clone()).to_string() + "\n");
    let entries = translation.entries.iter().map(|entry| format!("{entry:#?}\n"));
    let mut files = vec![
        ("tests.jsonl".to_owned(), rows.collect()),
        ("entries.txt".to_owned(), entries.collect()),
    ];
    for (name, text) in translation.suites(&facts) {
        files.push((format!("{name}.yaml"), named(text)));
    }
    files
}

#[test]
fn configurations_become_suites() {
    let mut different = Vec::new();
    for config in CONFIGS {
        let expected = folder().join(config).with_file_name("expected");
        for (name, text) in made(config) {
            let file = expected.join(&name);
            if std::env::var_os("UPDATE_EXPECTED").is_some() {
                std::fs::create_dir_all(&expected).unwrap();
                std::fs::write(&file, &text).unwrap();
            }
            let wanted = std::fs::read_to_string(&file).unwrap_or_default();
            if wanted != text {
                different.push(format!("{config} {name}\n--- expected\n{wanted}--- made\n{text}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What is made is fine as it is: each suite loads, and the expected answers score 1.
#[test]
fn the_suites_load_and_the_expected_answers_pass() {
    for config in CONFIGS {
        let dir = tempfile::tempdir().unwrap();
        let files = made(config);
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        for (name, _) in files.iter().filter(|(name, _)| name.ends_with(".yaml")) {
            let suite = Suite::load(name, dir.path());
            let suite = suite.unwrap_or_else(|problems| panic!("{config} {name}: {problems}"));
            for sample in suite.samples.iter() {
                let reading = suite.task.read(&suite.task.write_expected(&sample));
                let score = suite.task.score(&reading, &sample).unwrap();
                assert_eq!(score.primary, 1.0, "{config} {name} line {}", sample.line);
            }
        }
    }
}
