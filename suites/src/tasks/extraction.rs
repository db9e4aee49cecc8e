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
//! **Scored** field by field with the field's comparator (`exact`, `casefold`, `number` with a
//! tolerance, `date`, `enum`) and the null table of [`crate::metrics::extraction`]. The document's
//! own score is its F1 over fields; 1 where no value was expected and none given. Metrics: field
//! F1 (micro over all documents), document accuracy.

use rightsize_providers::Fields;
use serde_json::{Map, Value, json};

pub use super::compare::Compare;
use super::{BadExpected, Reading, Score, json_answer};
use crate::metrics::extraction::{Verdict, f1};
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
    /// When two values are the same.
    pub compare: Compare,
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

    /// The values of a row by field; empty text is null.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let mut values = Map::new();
        for field in &self.fields {
            let Some(value) = row.get(&field.expected) else {
                let message = format!("the row has no column `{}`", field.expected);
                return Err(BadExpected::new(message, "write null where there is no value"));
            };
            let value = if is_null(Some(value)) { Value::Null } else { value.clone() };
            if let Some(why) = field.compare.objects_to(&value).filter(|_| !value.is_null()) {
                let message = format!("the expected value of `{}`: {why}", field.name);
                return Err(BadExpected::new(message, "correct the row, or change `compare`"));
            }
            values.insert(field.name.clone(), value);
        }
        Ok(Value::Object(values))
    }

    pub(super) fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|f| (f.name.clone(), f.compare.schema())).collect();
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
        let fits = |f: &Field| object.get(&f.name).is_some_and(|v| f.compare.fits(v));
        let schema_valid =
            !answer.repaired && object.len() == self.fields.len() && self.fields.iter().all(fits);
        let value: Map<String, Value> = self
            .fields
            .iter()
            .map(|f| (f.name.clone(), object.get(&f.name).cloned().unwrap_or(Value::Null)))
            .collect();
        Reading {
            value: Some(Value::Object(value)),
            reader: "json",
            repaired: answer.repaired,
            schema_valid: Some(schema_valid),
            why: None,
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
            let verdict = field.judge(read.and_then(|r| r.get(&field.name)), gold);
            all_right &= matches!(verdict, Verdict::Exact | Verdict::Absent);
            detail.insert(field.name.clone(), verdict.as_str().into());
            let (a, b, c) = verdict.counts();
            tp += a;
            fp += b;
            fn_ += c;
            for (kind, count) in [("tp", a), ("fp", b), ("fn", c)] {
                if count > 0.0 {
                    parts.insert(format!("{kind}:{}", field.name), count);
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
    fn judge(&self, read: Option<&Value>, gold: &Value) -> Verdict {
        match (is_null(Some(gold)), read.filter(|v| !is_null(Some(v)))) {
            (true, None) => Verdict::Absent,
            (true, Some(_)) => Verdict::Invented,
            (false, None) => Verdict::Missing,
            (false, Some(value)) if self.compare.equal(value, gold) => Verdict::Exact,
            (false, Some(_)) => Verdict::Wrong,
        }
    }
}

#[cfg(test)]
#[path = "extraction_tests.rs"]
mod tests;
