//! The `usage` object in the one meaning of [`Usage`].
//!
//! `prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning tokens here, as
//! [`Usage`] wants it. Cache writes have no lifetime in this format, so they stay in `raw`.

use serde_json::Value;

use crate::{Usage, UsageSource};

/// Reads the object; a count that is absent or breaks an invariant of [`Usage`] is unknown.
///
/// Reasoning tokens are unknown where the server does not report them: a server may well reason and
/// hide it.
pub fn read(raw: Option<&Value>) -> Usage {
    let Some(raw) = raw.filter(|raw| raw.is_object()) else {
        return Usage::default();
    };
    let count = |path: &str| raw.pointer(path).and_then(Value::as_u64);
    let within = |part: Option<u64>, whole: Option<u64>| {
        part.filter(|part| whole.is_none_or(|whole| *part <= whole))
    };
    let input_total = count("/prompt_tokens");
    let output_total = count("/completion_tokens");
    let known = input_total.is_some() || output_total.is_some();
    Usage {
        input_total,
        cache_read: within(count("/prompt_tokens_details/cached_tokens"), input_total),
        cache_write_5m: None,
        cache_write_1h: None,
        output_total,
        reasoning: within(count("/completion_tokens_details/reasoning_tokens"), output_total),
        source: if known { UsageSource::Reported } else { UsageSource::Missing },
        raw: Some(raw.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn zero_and_unknown_differ() {
        let usage = read(Some(&json!({"prompt_tokens": 9, "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 0}})));
        assert_eq!((usage.input_total, usage.output_total), (Some(9), Some(0)));
        assert_eq!((usage.cache_read, usage.reasoning), (Some(0), None));
        assert_eq!(usage.source, UsageSource::Reported);
    }

    #[test]
    fn counts_that_contradict_are_unknown() {
        let raw = json!({"prompt_tokens": 9, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 6}});
        let usage = read(Some(&raw));
        assert_eq!((usage.cache_read, usage.reasoning), (None, None));
        assert_eq!(usage.raw, Some(raw));
    }

    #[test]
    fn nothing_reported_is_missing() {
        for raw in [None, Some(Value::Null), Some(json!({})), Some(json!({"prompt_tokens": -1}))] {
            assert_eq!(read(raw.as_ref()).source, UsageSource::Missing, "{raw:?}");
        }
    }
}
