//! Finding the JSON in what a model wrote: as it is, in a code fence, or between prose.

use serde_json::{Deserializer, Value};

/// Starts that are tried before giving up: a bound on the work that a hostile answer can cause.
const MOST_STARTS: usize = 1000;

/// The JSON values of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The values that were wanted, in their order; never nested in each other.
    pub values: Vec<Value>,
    /// Whether there was anything beside one value.
    pub repaired: bool,
}

/// Finds JSON in a text.
///
/// A text that is one JSON value as a whole is returned as it is, wanted or not. Else every object
/// in it that `wanted` accepts is returned, and the answer counts as repaired.
pub(super) fn find(text: &str, wanted: impl Fn(&Value) -> bool) -> Found {
    if let Ok(value) = serde_json::from_str::<Value>(text.trim()) {
        return Found { values: vec![value], repaired: false };
    }
    let mut values = Vec::new();
    let mut from = 0;
    for _ in 0..MOST_STARTS {
        let Some(rest) = text.get(from..) else { break };
        let Some(start) = rest.find('{').map(|i| from.saturating_add(i)) else {
            break;
        };
        let mut stream = Deserializer::from_str(text.get(start..).unwrap_or_default()).into_iter();
        match stream.next() {
            Some(Ok(value)) => {
                from = start.saturating_add(stream.byte_offset().max(1));
                if wanted(&value) {
                    values.push(value);
                }
            }
            _ => from = start.saturating_add(1),
        }
    }
    Found { values, repaired: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn has_a(value: &Value) -> bool {
        value.get("a").is_some()
    }

    #[test]
    fn as_it_is() {
        let found = find(" {\"a\": 1}\n", has_a);
        assert_eq!(found, Found { values: vec![json!({"a": 1})], repaired: false });
    }

    #[test]
    fn in_a_fence_and_between_prose() {
        for text in ["```json\n{\"a\": 1}\n```", "Here: {\"a\": 1}. {\"b\": 2} {not json}"] {
            let found = find(text, has_a);
            assert_eq!(found, Found { values: vec![json!({"a": 1})], repaired: true }, "{text}");
        }
    }

    #[test]
    fn a_cut_object_is_none() {
        assert_eq!(find("{\"a\": \"b", has_a).values, Vec::<Value>::new());
    }

    #[test]
    fn hostile_nesting_ends() {
        let text = "{\"a\":".repeat(100_000);
        assert_eq!(find(&text, has_a).values, Vec::<Value>::new());
    }

    proptest! {
        #[test]
        fn any_text(text in "[{}\\[\\]\":,a1 \\PC]{0,60}") {
            let _ = find(&text, has_a);
        }
    }
}
