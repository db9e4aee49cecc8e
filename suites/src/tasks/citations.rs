//! Citations in an answer: marks such as `[doc-3]` or `[1, 2]`, each the id of a source.
//!
//! What is cited is compared with the sources that the row names, as sets: the correctness of
//! citations in Gao et al. 2023 ("Enabling large language models to generate text with citations",
//! section 3), with known sources in the place of a judge.

use std::sync::LazyLock;

use regex::Regex;
use rightsize_providers::Fields;
use serde_json::Value;

use super::BadExpected;
use crate::metrics::precision_recall::Counts;
use crate::problem::brief;

/// The name of the counts in a score's statistics.
pub(crate) const CITATIONS: &str = "(citations)";

/// A mark with the white space before it. An id has no white space, so that `[see below]` is text.
#[allow(clippy::expect_used, reason = "a constant that a test compiles")]
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    let id = r"[^\s\[\],;]{1,64}";
    Regex::new(&format!(r"\s*\[({id}(?:\s*[,;]\s*{id})*)\]")).expect("a constant")
});

/// An answer without its marks, and the ids in them: each once, in order.
pub(super) fn split(text: &str) -> (String, Vec<String>) {
    let mut cited = Vec::new();
    for mark in MARK.captures_iter(text) {
        for id in ids_of(mark.get(1).map_or("", |ids| ids.as_str())) {
            if !cited.iter().any(|other| other == id) {
                cited.push(id.to_owned());
            }
        }
    }
    (MARK.replace_all(text, "").trim().to_owned(), cited)
}

fn ids_of(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';']).map(str::trim).filter(|id| !id.is_empty())
}

/// The ids that a row expects: a list, or a text with commas between them.
pub(super) fn expected_in(row: &Fields, column: &str) -> Result<Value, BadExpected> {
    let bad = |value: &Value| {
        BadExpected::new(
            format!("`{column}` is {}, no list of sources", brief(value)),
            "write a list of ids without white space, or an empty list",
        )
    };
    let all: Option<Vec<String>> = match row.get(column) {
        None => return Err(BadExpected::absent(column)),
        Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(ids_of(text).map(str::to_owned).collect()),
        Some(number @ Value::Number(_)) => Some(vec![number.to_string()]),
        Some(Value::Array(many)) => many
            .iter()
            .map(|id| match id {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    };
    let shown = row.get(column).unwrap_or(&Value::Null);
    let mut all = all.ok_or_else(|| bad(shown))?;
    let citable = |id: &String| split(&mark(std::slice::from_ref(id))).1 == [id.as_str()];
    if !all.iter().all(citable) {
        return Err(bad(shown));
    }
    all.sort();
    all.dedup();
    Ok(all.into())
}

/// The marks of some ids, as an answer has them.
pub(super) fn mark(ids: &[String]) -> String {
    ids.iter().map(|id| format!(" [{id}]")).collect()
}

/// The ids of a list.
pub(super) fn texts(ids: &Value) -> Vec<String> {
    let all = ids.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// How many ids were cited, expected, and both.
pub(super) fn counts(cited: &[String], expected: &[String]) -> Counts {
    Counts {
        tp: cited.iter().filter(|id| expected.contains(id)).count() as f64,
        predicted: cited.len() as f64,
        gold: expected.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_are_taken_out_of_the_text() {
        let (text, cited) = split("Zinc [2], as it is cheap [doc-1; 2] [see below].");
        assert_eq!(text, "Zinc, as it is cheap [see below].");
        assert_eq!(cited, ["2", "doc-1"]);
        assert_eq!(split("no mark []").1, [""; 0]);
    }

    #[test]
    fn a_row_names_its_sources() {
        let row = |value: Value| Fields::from_iter([("sources".to_owned(), value)]);
        let read = |value| expected_in(&row(value), "sources").ok();
        assert_eq!(read(json!(["b", 1, "b"])), Some(json!(["1", "b"])));
        assert_eq!(read(json!("b, a")), Some(json!(["a", "b"])));
        assert_eq!(read(json!(null)), Some(json!([])));
        assert_eq!(read(json!(["two words"])), None);
        assert_eq!(read(json!({"a": 1})), None);
        assert_eq!(expected_in(&Fields::new(), "sources").ok(), None);
    }
}
