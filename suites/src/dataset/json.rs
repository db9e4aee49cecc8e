//! JSON: one array of objects, or the object of SQuAD.

use std::fmt;

use rightsize_providers::Fields;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::{LONGEST_ROW, line_of, squad, too_long};
use crate::problem::Problem;
use crate::store::RowsWriter;

/// A JSON object whose keys stand once each: `serde_json` would silently take the last.
pub(super) struct Object(pub Fields);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the row's columns")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Fields::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if fields.contains_key(&key) {
                        return Err(A::Error::custom(format!("the key `{key}` stands twice")));
                    }
                    fields.insert(key, value);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

/// A JSON error at its own line and column.
pub(super) fn broken(name: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    // serde_json appends the place, which stands in front of our message.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(m, _)| m);
    Problem::of_file(name, format!("this is no valid row: {message}"))
        .at(error.line(), error.column().max(1))
        .remedy("every row is a JSON object")
}

/// Reads the array item by item, so that every row knows its line.
pub(super) fn read(text: &str, name: &str, rows: &mut RowsWriter) -> Result<(), Problem> {
    let mut at = skip_white(text, 0);
    if text.get(at..).unwrap_or_default().starts_with('{') && text.contains("\"paragraphs\"") {
        return squad::read(text, name, rows);
    }
    if !text.get(at..).unwrap_or_default().starts_with('[') {
        return Err(Problem::of_file(name, "a list of rows is expected: `[{...}, {...}]`")
            .at_line(line_of(text.as_bytes(), at))
            .remedy("if there is one object a line, name the file .jsonl"));
    }
    at = skip_white(text, at.saturating_add(1));
    if text.get(at..).unwrap_or_default().starts_with(']') {
        return Ok(());
    }
    // Counted on from row to row: from the start each time, a long file would take a square of time.
    let (mut line, mut counted) = (1, 0);
    loop {
        let passed = text.as_bytes().get(counted..at).unwrap_or_default();
        line = line_of(passed, passed.len()).saturating_sub(1).saturating_add(line);
        counted = at;
        let rest = text.get(at..).unwrap_or_default();
        let mut items = serde_json::Deserializer::from_str(rest).into_iter::<Object>();
        let object = match items.next() {
            Some(Ok(object)) => object,
            Some(Err(e)) => {
                let problem = broken(name, &e);
                let below = e.line().saturating_sub(1);
                return Err(Problem {
                    line: Some(line.saturating_add(below)),
                    column: None,
                    ..problem
                });
            }
            None => return Err(Problem::of_file(name, "the list is not closed").at_line(line)),
        };
        let length = items.byte_offset();
        if length > LONGEST_ROW {
            return Err(too_long(name, line));
        }
        rows.push(line, &object.0)?;
        at = skip_white(text, at.saturating_add(length));
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(',') => at = skip_white(text, at.saturating_add(1)),
            Some(']') => break,
            _ => {
                let line = line_of(text.as_bytes(), at);
                return Err(Problem::of_file(name, "`,` or `]` is expected").at_line(line));
            }
        }
    }
    let after = skip_white(text, at.saturating_add(1));
    if after < text.len() {
        let line = line_of(text.as_bytes(), after);
        return Err(Problem::of_file(name, "there is something after the list").at_line(line));
    }
    Ok(())
}

fn skip_white(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    text.len().saturating_sub(rest.trim_start_matches([' ', '\t', '\r', '\n']).len())
}
