//! Pii: where personal data stand in a text, and of which type they are.
//!
//! **How an answer is read**: a JSON object with the list `entities`, or the list itself; a code
//! fence or prose around it is dropped (a repair). An item is `{"type": "EMAIL", "text": "a@b.c"}`,
//! which marks every place where the text stands, as a mask would; or a place in code points,
//! `{"type": "EMAIL", "start": 3, "end": 8}` or `[3, 8, "EMAIL"]`, whose end is the first code point
//! after it. Types are read as the suite writes them, or in another case. An item of another shape
//! or type is left out, and the answer counts as repaired.
//!
//! **Unparsed**: there is no such list. An empty list says that there are no personal data.
//!
//! **Scored** by code points and by spans (see [`crate::metrics::spans_pii`]). A text that is marked
//! and does not stand in the sample is a false positive. The headline is the character recall; what
//! it lacks to 1 is the *leak rate*, the share of personal data that a mask made of the answer would
//! let through. A document's own score is its character recall, and 1 where it holds no personal
//! data. Metrics: character recall, character precision, strict F1 and F2 (place and type), span F1
//! (place alone), partial F1 and type F1 (see [`crate::metrics::ner_nervaluate`]). The strict F1 is the
//! entity F1 of CoNLL, as seqeval computes it, so that this task serves for named entities too.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Finder, Reading, Score, json_answer};
use crate::metrics::precision_recall::Counts;
use crate::metrics::spans::Span;
use crate::metrics::{Metric, Parts, ner_nervaluate, spans_pii};
use crate::problem::brief;

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 7] = [
    Metric::CharacterRecall,
    Metric::CharacterPrecision,
    Metric::StrictF1,
    Metric::StrictF2,
    Metric::SpanF1,
    Metric::PartialF1,
    Metric::TypeF1,
];

/// The key of an answer's list.
const ENTITIES: &str = "entities";

/// A task of finding personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct Pii {
    /// The column with the text that is searched.
    pub text: String,
    /// The column with the right spans.
    pub expected: String,
    /// The types, in the suite's order.
    pub types: Vec<String>,
    /// How the baseline `pattern` finds a type, for the types that have a pattern, in their order.
    pub patterns: Vec<(String, Finder)>,
    /// The metric that headlines this task.
    pub primary: Metric,
}

impl Pii {
    /// The text of a row and the spans in it.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let text = match row.get(&self.text) {
            Some(Value::String(text)) => text,
            Some(other) => {
                let message = format!("`{}` is {}, no text", self.text, brief(other));
                return Err(BadExpected::new(message, "write the text that is searched"));
            }
            None => return Err(BadExpected::absent(&self.text)),
        };
        let given = row.get(&self.expected).ok_or_else(|| BadExpected::absent(&self.expected))?;
        let bad = |what: String| {
            let message = format!("`{}`: {what}", self.expected);
            let remedy = "write `[[start, end, type], ...]` in code points, `[]` for no span";
            BadExpected::new(message, remedy)
        };
        let list = given.as_array().ok_or_else(|| bad(format!("{given} is no list of spans")))?;
        let length = text.chars().count();
        for item in list {
            let span = place(item).ok_or_else(|| bad(format!("{item} is no span")))?;
            if span.end > length {
                return Err(bad(format!("{item} ends after the text, which has {length}")));
            }
            if !self.types.iter().any(|known| known == span.label) {
                return Err(bad(format!("`{}` is none of the suite's types", span.label)));
            }
        }
        Ok(json!({"text": text, "spans": list}))
    }

    pub(super) fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {ENTITIES: {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": self.types},
                    "text": {"type": "string"},
                },
                "required": ["type", "text"],
                "additionalProperties": false,
            }}},
            "required": [ENTITIES],
            "additionalProperties": false,
        })
    }

    /// An answer that names places in the text, in bytes and in the order of the text, as the places
    /// in code points that [`Pii::read`] reads.
    pub(crate) fn write_places(text: &str, places: &[(Range<usize>, &str)]) -> String {
        let (mut byte, mut point) = (0usize, 0usize);
        let mut points_to = |at: usize| {
            point = point.saturating_add(text.get(byte..at).unwrap_or_default().chars().count());
            byte = at;
            point
        };
        let place = |(range, kind): &(Range<usize>, &str)| {
            json!([points_to(range.start), points_to(range.end), kind])
        };
        json!({ENTITIES: places.iter().map(place).collect::<Vec<_>>()}).to_string()
    }

    pub(super) fn write(&self, expected: &Value) -> String {
        json!({ENTITIES: expected.get("spans")}).to_string()
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        let list_of = |v: &Value| v.get(ENTITIES).and_then(Value::as_array).cloned();
        let answer = json_answer::find(text, |v| list_of(v).is_some() || is_item(v));
        let list = match answer.values.as_slice() {
            [Value::Array(list)] => Some(list.clone()),
            // A list in a fence is found item by item.
            values => values
                .iter()
                .find_map(list_of)
                .or_else(|| values.iter().any(is_item).then(|| values.to_vec())),
        };
        let Some(list) = list else {
            let empty = text.trim().is_empty();
            let why = if empty { "the answer is empty" } else { "no JSON list of entities" };
            return Reading { schema_valid: Some(false), ..Reading::nothing("json", why) };
        };
        let items: Vec<Value> = list.iter().filter_map(|item| self.read_item(item)).collect();
        let whole = !answer.repaired && items.len() == list.len();
        let as_asked = |item: &Value| item.get("text").is_some();
        let named = answer.values.iter().all(|value| list_of(value).is_some());
        let schema_valid = whole && named && items.iter().all(as_asked);
        Reading {
            repaired: !whole,
            schema_valid: Some(schema_valid),
            ..Reading::of("json", Some(items.into()))
        }
    }

    /// An item in one of the two shapes that scoring knows, its type as the suite writes it.
    fn read_item(&self, item: &Value) -> Option<Value> {
        if let Some(span) = place(item) {
            return Some(json!([span.start, span.end, self.known(span.label)?]));
        }
        let kind = self.known(item.get("type")?.as_str()?)?;
        let text = item.get("text")?.as_str().filter(|text| !text.is_empty())?;
        Some(json!({"type": kind, "text": text}))
    }

    fn known(&self, kind: &str) -> Option<&str> {
        let same = |known: &&String| known.to_lowercase() == kind.trim().to_lowercase();
        let exact = self.types.iter().find(|known| *known == kind);
        exact.or_else(|| self.types.iter().find(same)).map(String::as_str)
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let text = expected.get("text")?.as_str()?;
        let gold: Vec<Span<'_>> =
            expected.get("spans")?.as_array()?.iter().map(place).collect::<Option<_>>()?;
        let mut found = Vec::new();
        let mut invented = 0.0;
        // An answer that says the same over and over marks it once.
        let mut said = HashSet::new();
        let items = read.and_then(Value::as_array).into_iter().flatten();
        for item in items.filter(|item| said.insert(item.to_string())) {
            let before = found.len();
            mark(item, text, &mut found);
            if found.len() == before {
                invented += 1.0;
            }
        }
        let length = text.chars().count();
        let characters = spans_pii::characters(length, &gold, &found);
        let with_invented = |c: Counts| Counts { predicted: c.predicted + invented, ..c };
        let strict = with_invented(spans_pii::exact_labelled(&gold, &found));
        let places = with_invented(spans_pii::exact_unlabelled(&gold, &found));
        let mut parts = Parts::from([("n".to_owned(), 1.0)]);
        spans_pii::add_parts(&mut parts, spans_pii::CHARACTERS, characters);
        spans_pii::add_parts(&mut parts, spans_pii::STRICT, strict);
        spans_pii::add_parts(&mut parts, spans_pii::PLACES, places);
        for (name, scheme) in [
            (ner_nervaluate::PARTIAL, ner_nervaluate::Scheme::Partial),
            (ner_nervaluate::TYPE, ner_nervaluate::Scheme::EntityType),
        ] {
            let tally = ner_nervaluate::compare(&in_order(&gold), &in_order(&found), scheme);
            spans_pii::add_parts(&mut parts, name, with_invented(tally.counts()));
        }
        for kind in &self.types {
            let (gold, found) = (of_type(&gold, kind), of_type(&found, kind));
            spans_pii::add_parts(&mut parts, kind, spans_pii::exact_labelled(&gold, &found));
        }
        let leaked = spans_pii::not_fully_covered(length, &gold, &found);
        let detail = json!({
            "expected": gold.len(),
            "found": found.len(),
            "not_in_text": invented,
            "leaked": leaked,
        });
        let undefined = if gold.is_empty() { 1.0 } else { 0.0 };
        let primary = self.primary.finish(&parts).unwrap_or(undefined);
        Some(Score { primary, parts, detail })
    }
}

/// The distinct spans in the order of the text: what is paired does not hang on the answer's order.
fn in_order<'a>(spans: &[Span<'a>]) -> Vec<Span<'a>> {
    spans.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn of_type<'a>(spans: &[Span<'a>], kind: &str) -> Vec<Span<'a>> {
    spans.iter().filter(|span| span.label == kind).copied().collect()
}

/// A place: `[start, end, type]`, or an object with these keys.
fn place(item: &Value) -> Option<Span<'_>> {
    let (start, end, label) = match item {
        Value::Array(list) => match list.as_slice() {
            [start, end, label] => (start, end, label),
            _ => return None,
        },
        object => (object.get("start")?, object.get("end")?, object.get("type")?),
    };
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let span = Span { start: number(start)?, end: number(end)?, label: label.as_str()? };
    (span.start < span.end).then_some(span)
}

fn is_item(value: &Value) -> bool {
    let named = value.get("type").is_some_and(Value::is_string);
    place(value).is_some() || named && value.get("text").is_some_and(Value::is_string)
}

/// Adds what a read item marks: its place, or every place of its text.
fn mark<'a>(item: &'a Value, text: &str, found: &mut Vec<Span<'a>>) {
    if let Some(span) = place(item) {
        found.push(span);
        return;
    }
    let part = |key: &str| item.get(key).and_then(Value::as_str);
    let (Some(label), Some(wanted)) = (part("type"), part("text").filter(|t| !t.is_empty())) else {
        return;
    };
    let length = wanted.chars().count();
    let (mut start, mut counted) = (0usize, 0usize);
    for (at, _) in text.match_indices(wanted) {
        start = start.saturating_add(text.get(counted..at).unwrap_or_default().chars().count());
        counted = at;
        found.push(Span { start, end: start.saturating_add(length), label });
    }
}

#[cfg(test)]
#[path = "pii_tests.rs"]
mod tests;
