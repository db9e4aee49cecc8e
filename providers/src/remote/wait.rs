//! How long the server asks to wait before the next attempt.
//!
//! In this order: `x-should-retry: false`; `retry-after-ms`; `retry-after` in seconds or as an HTTP
//! date; a wait named in the body ("try again in 5.289s", "resets in ~30s", `retryDelay`); the
//! reset of a rate limit that is used up (`x-ratelimit-remaining-…: 0`). A wait longer than a day is
//! cut to a day; how much waiting a run bears is the runner's decision.

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::Advice;

const DAY_MS: f64 = 86_400_000.0;

/// What headers and body advise; `None` where they say nothing. `now` counts only where the
/// response has no `Date` of its own.
pub(super) fn advised(headers: &HeaderMap, body: &str, now: Timestamp) -> Option<Advice> {
    let should_retry = text(headers, "x-should-retry");
    if should_retry == Some("false") {
        return Some(Advice::Never);
    }
    text(headers, "retry-after-ms")
        .and_then(|ms| ms.parse().ok())
        .or_else(|| retry_after_ms(headers, now))
        .or_else(|| named_in(body))
        .or_else(|| exhausted_limit(headers))
        .and_then(whole_ms)
        .map(Advice::AfterMs)
        .or_else(|| (should_retry == Some("true")).then_some(Advice::Backoff))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Rounded up; negative and undefined waits are none.
fn whole_ms(ms: f64) -> Option<u64> {
    (ms >= 0.0).then(|| ms.min(DAY_MS).ceil() as u64)
}

fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<f64> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Some(seconds * 1e3);
    }
    // The server's own clock, where it tells it: ours may be wrong.
    let now = text(headers, DATE.as_str()).and_then(http_date).unwrap_or(now);
    let wait = http_date(value)?.duration_since(now);
    Some((wait.as_secs_f64() * 1e3).max(0.0))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp())
}

/// A wait in the words of an error body, in milliseconds.
fn named_in(body: &str) -> Option<f64> {
    let body = body.to_ascii_lowercase();
    ["try again in", "retry in", "retry after", "resets in", "retrydelay"].iter().find_map(
        |words| {
            let (_, after) = body.split_once(words)?;
            duration_ms(after.trim_start_matches([' ', ':', '"', '\'', '~', '=']))
        },
    )
}

/// The longest reset among the limits that are used up. `-1` and other odd values are unknown.
fn exhausted_limit(headers: &HeaderMap) -> Option<f64> {
    headers
        .iter()
        .filter(|(_, value)| value.as_bytes() == b"0")
        .filter_map(|(name, _)| name.as_str().strip_prefix("x-ratelimit-remaining-"))
        .filter_map(|bucket| duration_ms(text(headers, &format!("x-ratelimit-reset-{bucket}"))?))
        .reduce(f64::max)
}

/// A duration at the start of a text: `12ms`, `6s`, `1m26.4s`, `37 seconds`.
fn duration_ms(text: &str) -> Option<f64> {
    let mut total = None;
    let mut rest = text;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start_matches(' ');
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (Ok(number), Some(unit)) = (number.parse::<f64>(), unit_ms(unit)) else {
            return total;
        };
        total = Some(total.unwrap_or(0.0) + number * unit);
        rest = after;
    }
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
        "m" | "min" | "mins" | "minute" | "minutes" => 60e3,
        "h" | "hr" | "hour" | "hours" => 3_600e3,
        "d" | "day" | "days" => DAY_MS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn advice(headers: &[(&str, &str)], body: &str) -> Option<Advice> {
        let headers = headers
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap()))
            .collect();
        advised(&headers, body, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_first_that_speaks_decides() {
        let after = |ms| Some(Advice::AfterMs(ms));
        assert_eq!(advice(&[], ""), None);
        assert_eq!(
            advice(&[("x-should-retry", "false"), ("retry-after", "1")], ""),
            Some(Advice::Never)
        );
        assert_eq!(advice(&[("x-should-retry", "true")], ""), Some(Advice::Backoff));
        assert_eq!(advice(&[("retry-after-ms", "120"), ("retry-after", "9")], ""), after(120));
        assert_eq!(advice(&[("retry-after", "9")], "try again in 20ms"), after(9000));
        assert_eq!(advice(&[("retry-after", "0.25")], ""), after(250));
        assert_eq!(advice(&[("retry-after", "99999999")], ""), after(86_400_000));
        assert_eq!(advice(&[("retry-after", "-1")], ""), None);
        assert_eq!(advice(&[("retry-after", "NaN")], ""), None);
    }

    #[test]
    fn an_http_date_is_read_on_the_servers_clock() {
        let date = ("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT");
        assert_eq!(advice(&[date], ""), Some(Advice::AfterMs(30_000)));
        let clock = ("date", "Thu, 01 Jan 2026 00:00:20 GMT");
        assert_eq!(advice(&[date, clock], ""), Some(Advice::AfterMs(10_000)));
        let late = ("date", "Thu, 01 Jan 2026 00:01:20 GMT");
        assert_eq!(advice(&[date, late], ""), Some(Advice::AfterMs(0)));
    }

    /// Bodies as the vendors word them.
    #[test]
    fn waits_in_bodies() {
        for (body, ms) in [
            ("Rate limit reached for m. Please try again in 5.289s. Visit", 5289),
            ("Please try again in 20ms.", 20),
            ("Please try again in 1m26.4s.", 86_400),
            (r#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#, 30_000),
            (r#"{"@type":"google.rpc.RetryInfo","retryDelay": "37s"}"#, 37_000),
            ("retry after 2 seconds", 2000),
        ] {
            assert_eq!(advice(&[], body), Some(Advice::AfterMs(ms)), "{body}");
        }
        assert_eq!(advice(&[], "please try again in a while"), None);
    }

    #[test]
    fn resets_count_for_exhausted_limits_only() {
        let headers = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "12ms"),
            ("x-ratelimit-remaining-tokens", "149"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(advice(&headers, ""), Some(Advice::AfterMs(12)));
        let unknown = [("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-reset-tokens", "0")];
        assert_eq!(advice(&unknown, ""), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(body in "(try again in )?[0-9.msh ~]{0,20}\\PC{0,20}", header in "[ -~]{0,20}") {
            let _ = advice(&[("retry-after", &header), ("retry-after-ms", &header)], &body);
        }
    }
}
