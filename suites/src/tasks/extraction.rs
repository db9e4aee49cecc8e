//! Extraction: values of named fields, as one JSON object.
//!
//! **How an answer is read**: the whole answer is a JSON object; else the first object in it that
//! has at least one of the fields as a key (a code fence or prose around it is dropped: a repair).
//! Small models go on with further documents after their answer, so the first one counts. Other
//! keys are ignored. A field whose key is absent, or whose value is null or empty text, has no
//! value.
//!
//! **Unparsed**: there is no such object.
//!
//! **Scored** field by field with the field's comparator (`exact`, `casefold`, `fuzzy` with a
//! threshold, `number` and `money` with a tolerance, `date`, `enum`) and the null table of
//! [`crate::metrics::extraction`]. Lists are scored cell by cell, after their rows were matched (see
//! `list.rs`). The document's own score is its F1 over fields and cells; 1 where no value was
//! expected and none given. Metrics: field F1 (micro over the fields and cells of all documents),
//! document accuracy (everything right, lists included).

use rightsize_providers::Fields;
use serde_json::{Map, Value, json};

pub use super::compare::Compare;
pub use super::list::{Column, Items};
use super::{BadExpected, Finder, Reading, Score, json_answer};
use crate::metrics::extraction::{Tally, Verdict, f1};
use crate::metrics::{Metric, Parts};

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 2] = [Metric::FieldF1, Metric::DocumentAccuracy];

/// An extraction task.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    /// The fields, in the suite's order.
    pub fields: Vec<Field>,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name: the key in an answer.
    pub name: String,
    /// The column with the right value; null or empty text where there is none.
    pub expected: String,
    /// What it holds.
    pub shape: Shape,
    /// How the baseline `pattern` finds it in the text.
    pub pattern: Option<Finder>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// One value.
    Value(Compare),
    /// A list.
    List(Items),
}

/// Whether a value stands for "no value".
pub(crate) fn is_null(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

impl Extraction {
    pub(super) fn field_names(&self) -> Vec<String> {
        self.fields.iter().map(|f| f.name.clone()).collect()
    }

    pub(super) fn scored_names(&self) -> Vec<String> {
        self.fields.iter().flat_map(Field::scored_names).collect()
    }

    /// The values of a row by field; empty text is null.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let mut values = Map::new();
        for field in &self.fields {
            let Some(value) = row.get(&field.expected) else {
                let message = format!("the row has no column `{}`", field.expected);
                return Err(BadExpected::new(message, "write null where there is no value"));
            };
            let expected = field.shape.expected(value).map_err(|(place, why)| {
                let message = format!("the expected value of `{}{place}`: {why}", field.name);
                let remedy = match &field.shape {
                    Shape::Value(_) => "correct the row, or change `compare`",
                    Shape::List(_) => "correct the row, or change `list` and what is in it",
                };
                BadExpected::new(message, remedy)
            })?;
            values.insert(field.name.clone(), expected);
        }
        Ok(Value::Object(values))
    }

    pub(super) fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|f| (f.name.clone(), f.shape.schema())).collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": self.field_names(),
            "additionalProperties": false,
        })
    }

    /// Written by hand because the fields stand in the suite's order, which a map of JSON values
    /// need not keep.
    pub(super) fn write(&self, expected: &Value) -> String {
        let member = |field: &Field| {
            let value = expected.get(&field.name).unwrap_or(&Value::Null);
            format!("{}: {value}", Value::from(field.name.as_str()))
        };
        format!("{{{}}}", self.fields.iter().map(member).collect::<Vec<_>>().join(", "))
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        let wanted = |v: &Value| self.fields.iter().any(|f| v.get(&f.name).is_some());
        let answer = json_answer::find(text, wanted);
        let Some(object) = answer.values.iter().find_map(Value::as_object) else {
            let why = if text.trim().is_empty() {
                "the answer is empty"
            } else {
                "no JSON object with a field of the suite"
            };
            return Reading { schema_valid: Some(false), ..Reading::nothing("json", why) };
        };
        let fits = |f: &Field| object.get(&f.name).is_some_and(|v| f.shape.fits(v));
        let schema_valid =
            !answer.repaired && object.len() == self.fields.len() && self.fields.iter().all(fits);
        let value: Map<String, Value> = self
            .fields
            .iter()
            .map(|f| (f.name.clone(), object.get(&f.name).cloned().unwrap_or(Value::Null)))
            .collect();
        Reading {
            repaired: answer.repaired,
            schema_valid: Some(schema_valid),
            ..Reading::of("json", Some(Value::Object(value)))
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let expected = expected.as_object()?;
        let mut parts = Parts::from([("n".to_owned(), 1.0)]);
        let mut detail = Map::new();
        let mut all_right = read.is_some();
        let (mut tp, mut fp, mut fn_) = (0.0, 0.0, 0.0);
        for field in &self.fields {
            let gold = expected.get(&field.name)?;
            let read = read.and_then(|r| r.get(&field.name));
            for (name, tally) in field.scored_names().into_iter().zip(field.shape.judge(read, gold))
            {
                all_right &= tally.is_right();
                detail.insert(name.clone(), field.shape.detail(&tally));
                let (a, b, c) = tally.counts();
                tp += a;
                fp += b;
                fn_ += c;
                for (kind, count) in [("tp", a), ("fp", b), ("fn", c)] {
                    if count > 0.0 {
                        parts.insert(format!("{kind}:{name}"), count);
                    }
                }
            }
        }
        let document = if all_right { 1.0 } else { 0.0 };
        for (name, value) in [("tp", tp), ("fp", fp), ("fn", fn_), ("document", document)] {
            parts.insert(name.to_owned(), value);
        }
        let primary = match self.primary {
            Metric::DocumentAccuracy => document,
            _ => f1(tp, fp, fn_).unwrap_or(document),
        };
        Some(Score { primary, parts, detail: Value::Object(detail) })
    }
}

impl Field {
    fn scored_names(&self) -> Vec<String> {
        match &self.shape {
            Shape::Value(_) => vec![self.name.clone()],
            Shape::List(items) => items.scored_names(&self.name),
        }
    }
}

impl Shape {
    /// The expected value, or the place in it and what is wrong there.
    fn expected(&self, value: &Value) -> Result<Value, (String, String)> {
        match self {
            Shape::Value(_) if is_null(Some(value)) => Ok(Value::Null),
            Shape::Value(compare) => match compare.objects_to(value) {
                Some(why) => Err((String::new(), why)),
                None => Ok(value.clone()),
            },
            Shape::List(items) => items.expected(value),
        }
    }

    fn schema(&self) -> Value {
        match self {
            Shape::Value(compare) => compare.schema(),
            Shape::List(items) => items.schema(),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match self {
            Shape::Value(compare) => compare.fits(value),
            Shape::List(items) => items.fits(value),
        }
    }

    fn judge(&self, read: Option<&Value>, gold: &Value) -> Vec<Tally> {
        let compare = match self {
            Shape::Value(compare) => compare,
            Shape::List(items) => return items.judge(read, gold),
        };
        let verdict = match (is_null(Some(gold)), read.filter(|v| !is_null(Some(v)))) {
            (true, None) => Verdict::Absent,
            (true, Some(_)) => Verdict::Invented,
            (false, None) => Verdict::Missing,
            (false, Some(value)) if compare.equal(value, gold) => Verdict::Exact,
            (false, Some(_)) => Verdict::Wrong,
        };
        vec![verdict.into()]
    }

    /// A tally in a record: the word of the only verdict of a value, the numbers of all verdicts of
    /// a list's cells.
    fn detail(&self, tally: &Tally) -> Value {
        let mut given = tally.given().map(|(verdict, count)| (verdict.as_str(), count));
        match self {
            Shape::Value(_) => given.next().map(|(word, _)| word).into(),
            Shape::List(_) => {
                given.map(|(word, count)| (word.to_owned(), Value::from(count))).collect()
            }
        }
    }
}

#[cfg(test)]
#[path = "extraction_tests.rs"]
mod tests;
