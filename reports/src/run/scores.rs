//! Scores that were made again of the answers of a run: the lines of `scores-VERSION.jsonl`.
//!
//! The first line is the [`ScoresHead`], every other one a [`ScoreLine`]. A file is written whole,
//! and counts in place of what stands in the records; of several the one with the greatest number
//! counts. The records keep the first scores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Outcome, Record, SuiteFacts, SuiteRef, files};

/// Hexadecimal digits of a suite's digest that name the folder of the suite as it was scored again.
const DIGITS: usize = 16;

/// What the scores of a file were made by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoresHead {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Version of the rules in the program, `-`, and the first digits of a digest of what decides
    /// the scores of all suites of the run. It stands in the file's name.
    pub scoring_version: String,
    /// How many times scores had been made again in this folder, this time included. The greatest
    /// one is the newest.
    pub number: u32,
    /// Wall clock, RFC 3339 with seconds, UTC.
    pub time: String,
    /// Version of rightsize.
    pub version: String,
    /// Suites in the order of the manifest.
    pub suites: Vec<ScoredSuite>,
}

/// A suite as it scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredSuite {
    /// What a report needs to know of it. They stand here because a newer version of rightsize may
    /// have other metrics of the same suite.
    pub facts: SuiteFacts,
    /// Where it came from.
    pub source: String,
    /// Digest of what decides its scores.
    pub scoring_sha256: String,
}

impl ScoredSuite {
    /// The folder of its files, relative to the run folder: that of the suite `run` as it was asked,
    /// or one in it where the suite is another.
    pub fn folder(&self, run: &SuiteRef) -> PathBuf {
        let own = Path::new(files::SUITES).join(&run.name);
        if self.facts.sha256 == run.sha256 {
            return own;
        }
        let digits: String =
            self.facts.sha256.chars().filter(char::is_ascii_hexdigit).take(DIGITS).collect();
        own.join(format!("rescored-{digits}"))
    }
}

/// The score of one unit. The fields are those of its [`Record`], which they stand in place of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// The unit.
    pub unit: String,
    /// What became of it. An error stays one.
    pub outcome: Outcome,
    /// Primary score in [0, 1]; absent for errors.
    pub score: Option<f64>,
    /// Additive statistics by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, f64>,
    /// What was read in the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readings: BTreeMap<String, Value>,
    /// Kind-specific detail.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// What is expected now, where it differs from the record.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expected: Option<Value>,
    /// Whether the answer satisfied its schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_valid: Option<bool>,
    /// Whether the reader had to repair the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse_repaired: Option<bool>,
}

/// A key that is there has a value, also where it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl ScoreLine {
    /// Whether this is the score of what the record says. It is not where an error was scored and
    /// the unit has been asked again since.
    pub fn fits(&self, record: &Record) -> bool {
        (self.outcome == Outcome::Error) == (record.outcome == Outcome::Error)
    }

    /// Puts this score in the place of the record's.
    pub fn apply(self, record: &mut Record) {
        record.outcome = self.outcome;
        record.score = self.score;
        record.parts = self.parts;
        record.readings = self.readings;
        record.detail = self.detail;
        if let Some(expected) = self.expected {
            record.expected = expected;
        }
        record.signals.schema_valid = self.schema_valid;
        record.signals.parse_repaired = self.parse_repaired;
    }
}
