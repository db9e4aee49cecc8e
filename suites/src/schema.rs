//! The YAML of a suite, as it is written: types only, one struct a mapping. Which keys fit together
//! is checked in `check.rs`.
//!
//! The comments on the fields are for users: `rightsize schema suite` prints them, and the table of
//! keys in `README.md` is made of them. `Default:` begins the column of defaults.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::reduce::Reduce;

mod data;
mod fields;
mod prompt;
mod tools;
mod types;

pub(crate) use data::{Data, Selection, Source};
pub(crate) use fields::{ColumnSpec, CompareWord, FieldSpec, ListSpec};
pub(crate) use prompt::{FewShot, MessageText, PromptText, RoleWord, VariantText};
pub(crate) use tools::Tools;
pub(crate) use types::Types;

/// Keys of the format whose behaviour is not built, with what to do instead.
pub(crate) const NOT_BUILT: &[(&str, &str)] = &[
    (
        "repeats",
        "write `repeats` into the bake-off; a suite says by `scoring.reduce` how they count",
    ),
    ("retrieval", "put the passage into a column of the row"),
    ("scoring.judge", "choose a metric of the task by `scoring.primary`"),
];

/// A suite: one kind of task, its samples, a prompt, and how answers are scored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "suite of rightsize")]
pub(crate) struct SuiteFile {
    /// up to 64 letters, digits, `-`, `_`, `.`; names the suite's folder in a run
    pub name: String,
    /// `classification`, `extraction`, `pii`, `faq`, `summarization`, `reasoning`, `tool_use` or
    /// `checks`
    pub task: TaskKind,
    /// one line for people. Default: empty
    #[serde(default)]
    pub description: String,
    /// another suite, a path relative to this file or `catalog:NAME`, whose keys count where this file has
    /// none, see below. Default: none
    #[serde(default)]
    #[expect(dead_code, reason = "resolved before the keys are read; here for the schema")]
    pub extends: Option<String>,
    /// the samples and their columns
    pub data: Data,
    /// classification: the axes, by name. Default: required by the task
    #[serde(default)]
    pub labels: Option<Ordered<Axis>>,
    /// extraction: the fields, by name. Default: required by the task
    #[serde(default)]
    pub fields: Option<Ordered<FieldSpec>>,
    /// faq, summarization, reasoning: the column with the accepted answer or answers; pii: the column
    /// with the right spans; checks: the column with the checks. Default: required by the task; pii
    /// `spans`, checks `__expected`
    #[serde(default)]
    pub expected: Option<String>,
    /// faq: the answers that mean that there is none. Default: `unanswerable`, `no answer`,
    /// `not in the text`
    #[serde(default)]
    pub abstentions: Option<Vec<String>>,
    /// faq: the column with the ids of the sources that an answer should cite. Default: none
    #[serde(default)]
    pub citations: Option<String>,
    /// pii: the types of personal data. Default: required by the task
    #[serde(default)]
    pub types: Option<Types>,
    /// pii: the column that is searched. Default: `text`
    #[serde(default)]
    pub text: Option<String>,
    /// tool_use: the tools that can be called, a list or a JSON file with one. Default: required by the
    /// task
    #[serde(default)]
    pub tools: Option<Tools>,
    /// templates of the messages
    pub prompt: PromptText,
    /// how an answer is asked for and read
    #[serde(default)]
    pub answer: Answer,
    /// what the score is
    #[serde(default)]
    pub scoring: Scoring,
    /// the loss that can be borne. Default: none
    #[serde(default)]
    pub margin: Option<Margin>,
}

/// The loss that a suite can bear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// absolute loss of the primary metric, between 0 and 1: 0.02 is two percentage points
    pub abs: f64,
    /// the reason, for the reader of a report
    pub why: String,
}

/// The word of `task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(crate) enum TaskKind {
    Classification,
    Extraction,
    Pii,
    Faq,
    Summarization,
    Reasoning,
    ToolUse,
    Checks,
}

impl<'de> Deserialize<'de> for TaskKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const BUILT: [&str; 8] = [
            "classification",
            "extraction",
            "pii",
            "faq",
            "summarization",
            "reasoning",
            "tool_use",
            "checks",
        ];
        const NOT_BUILT: [&str; 1] = ["code"];
        let word = String::deserialize(deserializer)?;
        match word.as_str() {
            "classification" => Ok(TaskKind::Classification),
            "extraction" => Ok(TaskKind::Extraction),
            "pii" => Ok(TaskKind::Pii),
            "faq" => Ok(TaskKind::Faq),
            "summarization" => Ok(TaskKind::Summarization),
            "reasoning" => Ok(TaskKind::Reasoning),
            "tool_use" => Ok(TaskKind::ToolUse),
            "checks" => Ok(TaskKind::Checks),
            word if NOT_BUILT.contains(&word) => Err(D::Error::custom(format!(
                "the task kind `{word}` is not built yet; there are {}",
                crate::problem::listed(BUILT)
            ))),
            word => Err(D::Error::unknown_variant(word, &BUILT)),
        }
    }
}

/// A mapping in the order of the file.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub Vec<(String, T)>);

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MappingTo{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Axis {
    /// all labels: a list, or a mapping with a description for each
    pub values: Values,
    /// the column with the right label. Default: the axis' name
    #[serde(default)]
    pub expected: Option<String>,
    /// further words that are read as the label, a list for each label. Default: none
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    /// a sample has any number of the labels. Default: `false`, it has one
    #[serde(default)]
    pub multiple: bool,
    /// the labels have an order, that of the list: a near miss is better than a far one. Default:
    /// `false`
    #[serde(default)]
    pub ordinal: bool,
    /// the label of what belongs to none of the others. Default: none
    #[serde(default)]
    pub out_of_scope: Option<String>,
}

/// Labels, with or without a line on what each means.
#[derive(Debug)]
pub(crate) struct Values(pub Vec<(String, Option<String>)>);

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": { "type": "string" } },
        ] })
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of labels or a mapping from label to description")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
                let mut labels = Vec::new();
                while let Some(label) = seq.next_element()? {
                    labels.push((label, None));
                }
                Ok(Values(labels))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Values, A::Error> {
                let Ordered(labels) = Ordered::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Values(labels.into_iter().map(|(label, help)| (label, Some(help))).collect()))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// `text` or `json`; for tool_use `json` or `tools`. Default: `json` for extraction, pii,
    /// tool_use and several label axes, else `text`
    #[serde(default)]
    pub format: Option<AnswerFormat>,
    /// most tokens of an answer. Default: classification 32 an axis and 128 for label
    /// sets (JSON 32 more), extraction, pii and checks 512, faq
    /// 64, summarization and tool_use 256, reasoning 1024
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// `true`: the model is held to the answer's JSON Schema, and cannot be asked where that is
    /// impossible. Default: `false`
    #[serde(default)]
    pub constrain: bool,
    /// reasoning only: how the final answer is found, see below. Default: `[strict, flexible]`
    #[serde(default)]
    pub filters: Option<Vec<FilterWord>>,
    /// reasoning only: further lists of filters by name, which read the same answers beside `filters`.
    /// Default: none
    #[serde(default)]
    pub readings: Option<Ordered<Vec<FilterWord>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnswerFormat {
    Text,
    Json,
    Tools,
}

/// A filter that reads a final answer: a word, or `{regex: '...'}`.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(crate) enum FilterWord {
    Strict,
    Flexible,
    Regex(String),
}

impl<'de> Deserialize<'de> for FilterWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Regex {
            regex: String,
        }
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = FilterWord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`strict`, `flexible` or a mapping with the key `regex`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<FilterWord, E> {
                match word {
                    "strict" => Ok(FilterWord::Strict),
                    "flexible" => Ok(FilterWord::Flexible),
                    word => Err(E::unknown_variant(word, &["strict", "flexible"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FilterWord, A::Error> {
                let Regex { regex } = Regex::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FilterWord::Regex(regex))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scoring {
    /// the metric that headlines the suite. Default: the first one of the task
    #[serde(default)]
    pub primary: Option<String>,
    /// how a sample that the bake-off asks several times (`repeats`) counts as one, see below.
    /// Default: `mean`
    #[serde(default)]
    pub reduce: Reduce,
    /// a program of your own that scores the answers, with its arguments, see below. Default: none
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// the command's longest time for one sample. Default: `10s`
    #[serde(default)]
    pub timeout: Option<String>,
    /// how many processes of the command work side by side. Default: 1
    #[serde(default)]
    pub workers: Option<usize>,
}
