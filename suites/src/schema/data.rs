//! The key `data` of a suite.

use std::fmt;

use rightsize_providers::Fields;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Ordered;
use crate::dataset::Format;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// the samples: a file relative to the suite's, a list of rows, or a mapping that chooses rows of
    /// a file (see Data)
    pub test: Source,
    /// rows to learn from: the baselines do, few-shot examples are taken from them, and test rows that
    /// stand there too give a warning. They have the columns with expected answers, as test rows do; they need no id, and are never asked
    /// or scored. Default: none
    #[serde(default)]
    pub train: Option<Source>,
    /// rows to choose a prompt variant on, never reported as a test. Default: with `prompt.variants` a
    /// fifth of train, see below; else none
    #[serde(default)]
    pub dev: Option<Source>,
    /// the column that identifies a sample; each value once. Default: a digest of the row; `#2` is
    /// added for a repeated row, with a warning
    #[serde(default)]
    pub id: Option<String>,
    /// a column: samples with the same value are not independent of each other. Default: none
    #[serde(default)]
    pub cluster: Option<String>,
    /// columns by which results can be told apart. Default: none
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Where rows come from.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Source {
    /// A file, relative to the suite's.
    File(String),
    /// The rows themselves.
    Inline(Vec<Fields>),
    /// A file, with columns that are computed and rows that are chosen.
    Selection(Selection),
}

/// A file, and what is made of its rows: columns, then the filter, then the shuffle, then the limit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// a file relative to the suite's
    pub file: String,
    /// `csv`, `tsv`, `jsonl`, `json` or `conll`. Default: as its name says
    #[serde(default)]
    pub format: Option<Format>,
    /// new columns, each an expression over those of the row. Default: none
    #[serde(default = "no_columns")]
    pub columns: Ordered<String>,
    /// an expression: rows for which it is true stay. Default: all stay
    #[serde(default)]
    pub filter: Option<String>,
    /// the seed of an order that is drawn. Default: the order of the file
    #[serde(default)]
    pub shuffle: Option<u64>,
    /// how many rows are taken, from the first. Default: all
    #[serde(default)]
    pub limit: Option<usize>,
    /// a column of which each value has its share of the limit. Default: none
    #[serde(default)]
    pub stratify: Option<String>,
}

fn no_columns() -> Ordered<String> {
    Ordered(Vec::new())
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a data file, a list of rows or a mapping with the key `file`",
                )
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Source, E> {
                Ok(Source::File(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<Source, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(rows)).map(Source::Inline)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Source::Selection)
            }
        }
        deserializer.deserialize_any(Words)
    }
}
