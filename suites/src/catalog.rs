//! The shipped suites. They are part of the binary, and are named `catalog:NAME`.

use crate::problem::{Problem, listed, nearest};

/// What a source begins with when it names a shipped suite.
pub const PREFIX: &str = "catalog:";

/// A shipped suite.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: &'static str,
    pub yaml: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! entry {
    ($name:literal, $($file:literal),+) => {
        Entry {
            name: $name,
            yaml: include_str!(concat!("../catalog/", $name, "/suite.yaml")),
            files: &[$(($file, include_str!(concat!("../catalog/", $name, "/", $file)))),+],
        }
    };
}

const ENTRIES: &[Entry] = &[
    entry!("support-triage", "test.jsonl", "train.jsonl"),
    entry!("invoice-extraction", "test.jsonl"),
    entry!("kb-faq", "test.jsonl"),
];

/// The names of the shipped suites, without the prefix.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|e| e.name)
}

/// A shipped suite by name, or the problem with what was meant instead.
pub(crate) fn find(name: &str) -> Result<&'static Entry, Problem> {
    ENTRIES.iter().find(|e| e.name == name).ok_or_else(|| {
        let source = format!("{PREFIX}{name}");
        let problem = Problem::of_file(source, "there is no such suite in the catalog");
        problem.remedy(match nearest(name, names()) {
            Some(near) => format!("did you mean `{PREFIX}{near}`?"),
            None => format!("the catalog has {}", listed(names())),
        })
    })
}

impl Entry {
    /// The text of a file in the suite's folder.
    pub(crate) fn file(&self, name: &str) -> Option<&'static str> {
        self.files.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
    }
}
