//! One file a case: `inputs/err_*.yaml` with what is printed in `.expected` beside it, and
//! `inputs/ok_*.yaml` with what was loaded. `UPDATE_EXPECTED=1` writes the expected files anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use rightsize_suites::{Kept, Samples, Suite};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs")
}

fn cases(prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix) && name.ends_with(".yaml"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// Compares what was printed for each case; tells all that differ.
fn compare(prefix: &str, print: fn(&str) -> String) {
    let mut different = Vec::new();
    for name in cases(prefix) {
        let printed = format!("{}\n", print(&name));
        let file = folder().join(&name).with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&file, &printed).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if printed != expected {
            different.push(format!("{name}\n--- expected\n{expected}--- printed\n{printed}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn bad_suites() {
    compare("err_", |name| match Suite::load(name, &folder()) {
        Ok(_) => format!("{name} was loaded"),
        Err(problems) => {
            assert!(!problems.0.is_empty(), "{name}");
            let remedies = problems.0.iter().filter(|p| p.remedy.is_none());
            for problem in remedies {
                eprintln!("no remedy: {problem}");
            }
            problems.to_string()
        }
    });
}

#[test]
fn good_suites() {
    compare("ok_", |name| {
        let suite = match Suite::load(name, &folder()) {
            Ok(suite) => suite,
            Err(problems) => return format!("{name} was not loaded:\n{problems}"),
        };
        let rows = |split: &Samples| split.iter().map(|s| s.row).collect::<Vec<_>>();
        let kept = Kept::new(rows(&suite.samples)).unwrap().train(rows(&suite.train)).unwrap();
        let kept = kept.dev(rows(&suite.dev)).unwrap().tools(suite.tools_file.clone());
        let again = Suite::from_run_folder(&suite.yaml, name, kept).unwrap();
        assert_eq!(again.sha256, suite.sha256, "{name}");
        let mut lines =
            vec![format!("{} {} {}", suite.name, suite.task.kind(), suite.primary().title())];
        for sample in &suite.samples.iter().collect::<Vec<_>>() {
            let reading = suite.task.read(&suite.task.write_expected(sample));
            assert_eq!(suite.task.score(&reading, sample).unwrap().primary, 1.0, "{name}");
            let ask = serde_json::to_value(suite.ask(sample, 0).unwrap()).unwrap();
            lines.push(format!(
                "line {}: {} {} tags={:?} cluster={:?}\n  {}",
                sample.line,
                sample.id,
                sample.expected,
                sample.tags,
                sample.cluster,
                ask["kind"]["generate"]
            ));
        }
        lines.extend(suite.warnings.iter().map(|w| format!("warning: {w}")));
        lines.join("\n")
    });
}

#[test]
fn sources_that_are_none() {
    for (source, message) in [
        (
            "catalog:support-triag",
            "catalog:support-triag: there is no such suite in the catalog\n  \
             help: did you mean `catalog:support-triage`?",
        ),
        (
            "nowhere.yaml",
            "nowhere.yaml: there is no such file\n  help: shipped suites are named \
             `catalog:support-triage`, `catalog:invoice-extraction`, `catalog:kb-faq`",
        ),
        ("data", "data: this is a folder\n  help: name the file in it: `data/suite.yaml`"),
    ] {
        assert_eq!(Suite::load(source, &folder()).unwrap_err().to_string(), message);
    }
}

/// The first example of the README is a suite.
#[test]
fn the_readme_is_true() {
    let readme = include_str!("../README.md");
    let yaml = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let row = serde_json::json!({
        "id": "t1", "language": "en", "subject": "Hi", "body": "I was charged twice",
        "category": "billing"
    });
    let rows = vec![row.as_object().unwrap().clone()];
    let suite = Suite::from_run_folder(yaml, "README.md", Kept::new(rows).unwrap()).unwrap();
    assert_eq!(suite.samples.get(0).unwrap().tags["language"], "en");
}
