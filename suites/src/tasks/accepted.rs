//! Accepted answers of a row: one text, or a list of them. Any of them is right.

use rightsize_providers::Fields;
use serde_json::Value;

use super::BadExpected;
use crate::problem::brief;

/// The accepted answers of a row; numbers are taken as their text. Null, an empty text and an empty
/// list are the empty list: there is none. `what` is the word for one of them in messages.
pub(super) fn in_row(row: &Fields, column: &str, what: &str) -> Result<Value, BadExpected> {
    let as_text = |value: &Value| match value {
        Value::Number(number) => Value::from(number.to_string()),
        other => other.clone(),
    };
    let value = match row.get(column) {
        None => return Err(BadExpected::absent(column)),
        Some(Value::Null) => Value::Array(Vec::new()),
        Some(Value::String(text)) if text.trim().is_empty() => Value::Array(Vec::new()),
        Some(Value::Array(many)) => many.iter().map(as_text).collect(),
        Some(one) => as_text(one),
    };
    match texts(&value) {
        Some(all) if all.iter().all(|text| !text.trim().is_empty()) => Ok(value),
        Some(_) => Err(BadExpected::new(
            format!("one {what} in the column `{column}` is empty"),
            "remove it from the list",
        )),
        None => Err(BadExpected::new(
            format!("`{column}` is {}, no {what}", brief(&value)),
            "write a text, or a list of texts",
        )),
    }
}

/// The texts of an expected value; `None` where it is of another shape.
pub(super) fn texts(expected: &Value) -> Option<Vec<&str>> {
    match expected {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
