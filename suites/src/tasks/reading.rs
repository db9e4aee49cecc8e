//! What was read in an answer, and how a record keeps it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the key of a reading beside the one that counts begins with, in a record.
pub const BESIDE: &str = "beside/";

/// What was read in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The answer in the task's shape; `None` when nothing could be read.
    pub value: Option<Value>,
    /// Which reader read it: `text`, `json`, `span`, `strict`, `flexible`, `regex`,
    /// `tools`.
    pub reader: &'static str,
    /// Whether the answer had to be repaired: a fence stripped, a label found in prose, a final
    /// answer found by another filter than the first.
    pub repaired: bool,
    /// Whether the answer satisfied its schema as it was; `None` for answers without one.
    pub schema_valid: Option<bool>,
    /// Why nothing was read.
    pub why: Option<String>,
    /// What the suite's other pipelines read in the same answer, by their names; those that read
    /// nothing are left out. They decide no outcome.
    pub beside: BTreeMap<String, Value>,
}

impl Reading {
    /// A reading of nothing: what unparsed, truncated, refused and failed units are scored with.
    pub fn nothing(reader: &'static str, why: impl Into<String>) -> Self {
        Reading { why: Some(why.into()), ..Reading::of(reader, None) }
    }

    /// A reading of a plain text as it is.
    pub(super) fn text(reader: &'static str, text: &str) -> Self {
        Reading::of(reader, Some(text.into()))
    }

    /// A reading that nothing more is known of.
    pub(super) fn of(reader: &'static str, value: Option<Value>) -> Self {
        Reading {
            value,
            reader,
            repaired: false,
            schema_valid: None,
            why: None,
            beside: BTreeMap::new(),
        }
    }

    /// The readings as a record keeps them: the one that counts by its reader, the others as
    /// `beside/NAME`.
    pub fn recorded(self) -> BTreeMap<String, Value> {
        let beside =
            self.beside.into_iter().map(|(name, value)| (format!("{BESIDE}{name}"), value));
        self.value.map(|value| (self.reader.to_owned(), value)).into_iter().chain(beside).collect()
    }
}

/// The reading that counts, of those that a record keeps.
pub fn counted(readings: &BTreeMap<String, Value>) -> Option<&Value> {
    readings.iter().find(|(name, _)| !name.starts_with(BESIDE)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_reading_that_counts_is_found_among_the_recorded_ones() {
        let beside = BTreeMap::from([("last".to_owned(), json!("7"))]);
        let both = Reading { beside: beside.clone(), ..Reading::text("strict", "42") }.recorded();
        assert_eq!(counted(&both), Some(&json!("42")));
        let one = Reading { beside, ..Reading::nothing("strict", "no number") }.recorded();
        assert_eq!((counted(&one), one.len()), (None, 1));
    }
}
