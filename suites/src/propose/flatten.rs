//! Objects in cells become columns: `{"reply": {"total": 3}}` is the column `reply.total`.
//!
//! Also where the object is written as text, as in a cell of a spreadsheet. Lists stay as they are.

use rightsize_providers::Fields;
use serde_json::Value;

/// Objects that lie deeper stay as they are.
const DEEPEST: usize = 4;

/// The rows with their objects taken apart.
pub(super) fn rows(rows: &[Fields]) -> Vec<Fields> {
    rows.iter().map(row).collect()
}

fn row(fields: &Fields) -> Fields {
    let mut flat = Fields::new();
    for (name, value) in fields {
        put(&mut flat, name.clone(), value, DEEPEST);
    }
    flat
}

fn put(flat: &mut Fields, name: String, value: &Value, depth: usize) {
    let written = match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str::<Value>(text).ok()
        }
        _ => None,
    };
    match (written.as_ref().unwrap_or(value), depth.checked_sub(1)) {
        (Value::Object(members), Some(depth)) => {
            for (member, value) in members {
                put(flat, format!("{name}.{member}"), value, depth);
            }
        }
        // A list that is written as text is one only where it holds what a task knows.
        (Value::Array(list), _) if list.iter().any(|v| v.is_array() || v.is_object()) => {
            flat.insert(name, Value::Array(list.clone()));
        }
        _ => {
            flat.insert(name, value.clone());
        }
    }
}
