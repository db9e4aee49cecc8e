//! The YAML of a suite, as it is written: types only, one struct a mapping. What the keys mean and
//! which of them fit together is checked in `check.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use rightsize_providers::Fields;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Keys of the format whose behaviour is not built, with what to do instead.
pub(crate) const NOT_BUILT: &[(&str, &str)] = &[
    ("extends", "write the keys of the other suite into this one"),
    ("repeats", "run the bake-off again with another `seed`"),
    ("retrieval", "put the passage into a column of the row"),
    ("tools", "ask for text"),
    ("data.dev", "put it aside until prompts and thresholds can be chosen on it"),
    ("prompt.few_shot", "write the examples into `prompt.system`"),
    ("prompt.variants", "write a second suite with the other prompt"),
    ("scoring.command", "choose a metric of the task by `scoring.primary`"),
    ("scoring.judge", "choose a metric of the task by `scoring.primary`"),
];

/// A suite as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuiteFile {
    pub name: String,
    pub task: TaskKind,
    #[serde(default)]
    pub description: String,
    pub data: Data,
    #[serde(default)]
    pub labels: Option<Ordered<Axis>>,
    #[serde(default)]
    pub fields: Option<Ordered<FieldSpec>>,
    #[serde(default)]
    pub expected: Option<String>,
    #[serde(default)]
    pub abstentions: Option<Vec<String>>,
    #[serde(default)]
    pub types: Option<Vec<String>>,
    #[serde(default)]
    pub text: Option<String>,
    pub prompt: PromptText,
    #[serde(default)]
    pub answer: Answer,
    #[serde(default)]
    pub scoring: Scoring,
    #[serde(default)]
    pub margin: Option<Margin>,
}

/// The loss that a suite can bear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// Absolute loss of the primary metric, in (0, 1).
    pub abs: f64,
    /// The reason, for the reader of a report.
    pub why: String,
}

/// The word of `task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    Classification,
    Extraction,
    Pii,
    Faq,
    Summarization,
    Reasoning,
}

impl<'de> Deserialize<'de> for TaskKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const BUILT: [&str; 6] =
            ["classification", "extraction", "pii", "faq", "summarization", "reasoning"];
        const NOT_BUILT: [&str; 2] = ["code", "tool_use"];
        let word = String::deserialize(deserializer)?;
        match word.as_str() {
            "classification" => Ok(TaskKind::Classification),
            "extraction" => Ok(TaskKind::Extraction),
            "pii" => Ok(TaskKind::Pii),
            "faq" => Ok(TaskKind::Faq),
            "summarization" => Ok(TaskKind::Summarization),
            "reasoning" => Ok(TaskKind::Reasoning),
            word if NOT_BUILT.contains(&word) => Err(D::Error::custom(format!(
                "the task kind `{word}` is not built yet; there are {}",
                crate::problem::listed(BUILT)
            ))),
            word => Err(D::Error::unknown_variant(word, &BUILT)),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub test: Source,
    #[serde(default)]
    pub train: Option<Source>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub cluster: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file, relative to the suite's.
    File(String),
    /// The rows themselves.
    Inline(Vec<Fields>),
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a data file or a list of rows")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Source, E> {
                Ok(Source::File(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<Source, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(rows)).map(Source::Inline)
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// A mapping in the order of the file.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub Vec<(String, T)>);

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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Axis {
    pub values: Values,
    #[serde(default)]
    pub expected: Option<String>,
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub multiple: bool,
    #[serde(default)]
    pub ordinal: bool,
    #[serde(default)]
    pub out_of_scope: Option<String>,
}

/// Labels, with or without a line on what each means.
#[derive(Debug)]
pub(crate) struct Values(pub Vec<(String, Option<String>)>);

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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldSpec {
    #[serde(default)]
    pub expected: Option<String>,
    #[serde(default)]
    pub compare: CompareWord,
    #[serde(default)]
    pub tolerance: Option<f64>,
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CompareWord {
    #[default]
    Exact,
    Casefold,
    Number,
    Date,
    Enum,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptText {
    #[serde(default)]
    pub system: Option<String>,
    pub user: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(default)]
    pub format: Option<AnswerFormat>,
    #[serde(default)]
    pub max_tokens: Option<u32>,
    #[serde(default)]
    pub constrain: bool,
    #[serde(default)]
    pub filters: Option<Vec<FilterWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnswerFormat {
    Text,
    Json,
}

/// A filter that reads a final answer: a word, or `{regex: '...'}`.
#[derive(Debug)]
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scoring {
    #[serde(default)]
    pub primary: Option<String>,
}
