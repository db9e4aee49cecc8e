//! What each kind of check asks of an answer. The rules are promptfoo's, with these differences:
//! regular expressions are those of the crate `regex`, whose time is linear in the answer; edits are
//! counted in characters; ROUGE-1 and BLEU are the F1 of `rouge_score` and sacrebleu's figure; and
//! `not-levenshtein` is the opposite of `levenshtein`.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::kind::Kind;
use crate::metrics::bleu;
use crate::metrics::edit_distance::levenshtein;
use crate::metrics::json_schema::{Draft, Schema};
use crate::metrics::rouge::{self, Tokens};
use crate::sample::scalar;
use crate::tasks::{BadExpected, json_answer, pattern};

/// Most memory of a compiled expression, in bytes.
const LARGEST_REGEX: usize = 1 << 20;
/// Edits that are borne where a check does not say, as in promptfoo.
const MOST_EDITS: f64 = 5.0;
/// The least ROUGE-1 and BLEU where a check does not say, as in promptfoo.
const LEAST_ROUGE: f64 = 0.75;
const LEAST_BLEU: f64 = 0.5;

/// A check that is ready to be made.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// The answer is this text.
    Equals(String),
    /// The answer is JSON of this value.
    EqualsJson(Value),
    /// It has all of the texts, or any of them.
    Contains {
        texts: Vec<String>,
        all: bool,
        any_case: bool,
    },
    StartsWith(String),
    EndsWith(String),
    Regex(Regex),
    /// It is JSON, or has a JSON object in it, that satisfies the schema.
    Json {
        whole: bool,
        schema: Option<(Value, Arc<Schema>)>,
    },
    /// At most so many edits lead to the text.
    Levenshtein {
        text: String,
        most: usize,
    },
    Rouge {
        text: String,
        least: f64,
    },
    Bleu {
        texts: Vec<String>,
        least: f64,
    },
    /// Number of words.
    Words {
        least: u64,
        most: u64,
    },
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judgement {
    pub held: bool,
    /// Its score in [0, 1]: 1 or 0, or the figure that is compared with a threshold.
    pub figure: f64,
}

impl From<bool> for Judgement {
    fn from(held: bool) -> Judgement {
        Judgement { held, figure: if held { 1.0 } else { 0.0 } }
    }
}

impl Test {
    /// Makes the check of a kind with a value.
    pub fn new(kind: Kind, value: &Value, threshold: Option<f64>) -> Result<Test, BadExpected> {
        let contains = |texts, all, any_case| Ok(Test::Contains { texts, all, any_case });
        let one = || Ok(vec![text(kind, value)?]);
        match kind {
            Kind::Equals => match value {
                Value::Array(_) | Value::Object(_) => Ok(Test::EqualsJson(value.clone())),
                _ => Ok(Test::Equals(text(kind, value)?)),
            },
            Kind::Contains => contains(one()?, true, false),
            Kind::IcContains => contains(one()?, true, true),
            Kind::ContainsAny => contains(texts(kind, value)?, false, false),
            Kind::ContainsAll => contains(texts(kind, value)?, true, false),
            Kind::IcContainsAny => contains(texts(kind, value)?, false, true),
            Kind::IcContainsAll => contains(texts(kind, value)?, true, true),
            Kind::StartsWith => Ok(Test::StartsWith(text(kind, value)?)),
            Kind::EndsWith => Ok(Test::EndsWith(text(kind, value)?)),
            Kind::Regex => regex(&text(kind, value)?).map(Test::Regex),
            Kind::IsJson => Ok(Test::Json { whole: true, schema: schema(kind, value)? }),
            Kind::ContainsJson => Ok(Test::Json { whole: false, schema: schema(kind, value)? }),
            Kind::Levenshtein => {
                let most = threshold.unwrap_or(MOST_EDITS).floor() as usize;
                Ok(Test::Levenshtein { text: text(kind, value)?, most })
            }
            Kind::RougeN => {
                let text = text(kind, value)?;
                if Tokens::Plain.of(&text).is_empty() {
                    return Err(BadExpected::new(
                        format!("ROUGE sees no word in `{text}`"),
                        "it reads the letters a to z and digits only: use `levenshtein`",
                    ));
                }
                Ok(Test::Rouge { text, least: threshold.unwrap_or(LEAST_ROUGE) })
            }
            Kind::Bleu => {
                let texts = match value {
                    Value::Array(_) => texts(kind, value)?,
                    _ => one()?,
                };
                Ok(Test::Bleu { texts, least: threshold.unwrap_or(LEAST_BLEU) })
            }
            Kind::WordCount => words(value),
        }
    }

    /// Makes the check.
    pub fn judge(&self, answer: &str) -> Judgement {
        match self {
            Test::Equals(text) => (answer == text).into(),
            Test::EqualsJson(value) => {
                serde_json::from_str::<Value>(answer).is_ok_and(|read| same(&read, value)).into()
            }
            Test::Contains { texts, all, any_case } => {
                let folded = any_case.then(|| answer.to_lowercase());
                let has = |text: &String| match &folded {
                    Some(folded) => folded.contains(&text.to_lowercase()),
                    None => answer.contains(text),
                };
                match all {
                    true => texts.iter().all(has),
                    false => texts.iter().any(has),
                }
                .into()
            }
            Test::StartsWith(text) => answer.starts_with(text).into(),
            Test::EndsWith(text) => answer.ends_with(text).into(),
            Test::Regex(regex) => regex.is_match(answer).into(),
            Test::Json { whole: true, schema } => {
                let read = serde_json::from_str::<Value>(answer);
                read.is_ok_and(|value| satisfies(&value, schema)).into()
            }
            Test::Json { whole: false, schema } => {
                let mut found = json_answer::find(answer, Value::is_object).values;
                // A list as a whole: promptfoo finds the objects in it.
                if let [Value::Array(items)] = found.as_mut_slice() {
                    found = std::mem::take(items);
                }
                found.iter().any(|v| v.is_object() && satisfies(v, schema)).into()
            }
            Test::Levenshtein { text, most } => {
                let lengths = (answer.chars().count(), text.chars().count());
                (lengths.0.abs_diff(lengths.1) <= *most && levenshtein(answer, text) <= *most)
                    .into()
            }
            Test::Rouge { text, least } => {
                let figure = rouge::rouge_n(answer, text, 1, Tokens::Plain).f1;
                Judgement { held: figure >= *least, figure }
            }
            Test::Bleu { texts, least } => {
                let settings = bleu::Settings { effective_order: true, ..Default::default() };
                let references: Vec<&str> = texts.iter().map(String::as_str).collect();
                let counts = bleu::Counts::of(answer, &references, &settings);
                let figure = counts.map_or(0.0, |counts| counts.bleu(&settings).score / 100.0);
                let figure = figure.clamp(0.0, 1.0);
                // Products of roots: a whole match need not be 1 to the last digit.
                Judgement { held: figure + 1e-9 >= *least, figure }
            }
            Test::Words { least, most } => {
                let words = answer.split_whitespace().count() as u64;
                (*least <= words && words <= *most).into()
            }
        }
    }
}

/// Whether two JSON values are the same: numbers by their value, objects in any order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let in_b = |(key, value)| b.get::<String>(key).is_some_and(|other| same(value, other));
            a.len() == b.len() && a.iter().all(in_b)
        }
        (a, b) => a == b,
    }
}

fn satisfies(value: &Value, schema: &Option<(Value, Arc<Schema>)>) -> bool {
    schema.as_ref().is_none_or(|(_, schema)| schema.is_valid(value))
}

/// A text that is not empty; a number is taken as its text.
fn text(kind: Kind, value: &Value) -> Result<String, BadExpected> {
    scalar(value).ok_or_else(|| {
        let what = match value {
            Value::Null => "nothing".to_owned(),
            other => other.to_string(),
        };
        BadExpected::new(
            format!("the value of `{kind}` is {what}, no text"),
            format!("write the text behind the kind: `{kind}: Paris`"),
        )
    })
}

/// Texts: a list of them, or one text with commas between them. A part in quotes may hold commas.
fn texts(kind: Kind, value: &Value) -> Result<Vec<String>, BadExpected> {
    let texts = match value {
        Value::Array(items) => {
            items.iter().map(|item| text(kind, item)).collect::<Result<Vec<_>, _>>()?
        }
        one => parted(&text(kind, one)?),
    };
    match texts.is_empty() {
        true => Err(BadExpected::new(
            format!("`{kind}` has no text"),
            format!("write them with commas between: `{kind}: Paris, Lyon`"),
        )),
        false => Ok(texts),
    }
}

fn parted(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' if quoted || part.trim().is_empty() => quoted = !quoted,
            ',' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts.iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

fn regex(source: &str) -> Result<Regex, BadExpected> {
    let unread = |bad: pattern::BadPattern| {
        BadExpected::new(format!("`{source}`: {}", bad.message), bad.remedy)
    };
    pattern::parse(source).map_err(unread)?;
    let built = RegexBuilder::new(source).size_limit(LARGEST_REGEX).build();
    built.map_err(|_| {
        BadExpected::new(
            format!("the regular expression `{source}` is too large"),
            "use smaller numbers of repetitions",
        )
    })
}

/// The schema in a value: a mapping, or YAML or JSON of one.
fn schema(kind: Kind, value: &Value) -> Result<Option<(Value, Arc<Schema>)>, BadExpected> {
    const REMEDY: &str = "write a JSON Schema (draft 7, or 2020-12 where `$schema` says so)";
    let written = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => serde_yaml::from_str::<Value>(text).unwrap_or_default(),
        other => other.clone(),
    };
    if !written.is_object() && !written.is_boolean() {
        return Err(BadExpected::new(format!("the value of `{kind}` is no schema"), REMEDY));
    }
    let newer = written.get("$schema").and_then(Value::as_str);
    let draft = match newer.is_some_and(|named| named.contains("2020-12")) {
        true => Draft::Draft202012,
        false => Draft::Draft7,
    };
    let schema = Schema::new(&written, draft).map_err(|error| {
        BadExpected::new(format!("the value of `{kind}` is no JSON Schema: {error}"), REMEDY)
    })?;
    Ok(Some((written, Arc::new(schema))))
}

/// A number of words, or `{min, max}`.
fn words(value: &Value) -> Result<Test, BadExpected> {
    let number = |value: &Value| match value {
        Value::String(text) => text.trim().parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let range = match value {
        Value::Object(range) => {
            let bound = |key: &str, default| match range.get(key) {
                None | Some(Value::Null) => Some(default),
                Some(value) => number(value),
            };
            let known = !range.is_empty() && range.keys().all(|k| k == "min" || k == "max");
            bound("min", 0).zip(bound("max", u64::MAX)).filter(|_| known)
        }
        one => number(one).map(|n| (n, n)),
    };
    match range {
        Some((least, most)) if least <= most => Ok(Test::Words { least, most }),
        _ => Err(BadExpected::new(
            format!("the value of `word-count` is {value}, no number of words"),
            "write a number, or `{min: 20, max: 50}`",
        )),
    }
}
