//! A status, headers and a body to a [`ProviderError`]: whose fault, and whether to try again.
//!
//! | status | kind | side | advice |
//! |---|---|---|---|
//! | 401, 403 | `auth` | ours | the entry ends |
//! | 404, 405, 410, 3xx | `not_found` | ours | the entry ends |
//! | 402, 429 with the words of a quota | `quota` | ours | the entry ends |
//! | 429 | `rate_limited` | ours | after the wait that the server names, else backoff |
//! | 408, 409, 5xx | `server` | theirs | the same |
//! | 400, 413, 422, other 4xx | `bad_request`, `context_overflow` | ours | never |

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::wait;
use crate::{Advice, ErrorKind, ProviderError, Side, Stage};

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    message: String,
    /// `type` and `code`, lower case.
    codes: Vec<String>,
    /// A `code` that is an HTTP status.
    status: Option<u16>,
}

/// The error of a response whose status is no success.
pub fn of_status(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> ProviderError {
    let raw = String::from_utf8_lossy(body);
    let words = match serde_json::from_slice::<Value>(body) {
        Ok(value) => words(&value),
        Err(_) => Words { message: one_line(&raw), ..Words::default() },
    };
    let (side, kind, advice) = classify(status, &words);
    let advice = match advice {
        Advice::Backoff => wait::advised(headers, &raw, now).unwrap_or(Advice::Backoff),
        fixed => fixed,
    };
    let mut message = format!("the server answered HTTP {status}: {}", remedy(kind));
    if (300..400).contains(&status)
        && let Some(place) = headers.get("location").and_then(|l| l.to_str().ok())
    {
        message.push_str(&format!(" It redirects to {}.", without_query(place)));
    }
    said(&mut message, &words);
    ProviderError {
        http_status: Some(status),
        request_id: request_id(headers),
        ..ProviderError::new(side, kind, Stage::Wait, advice, message)
    }
}

/// The error in an event or a body that came with a status of success, if there is one.
pub fn in_success(event: &str, value: &Value) -> Option<ProviderError> {
    let named = event == "error" || value.get("object").and_then(Value::as_str) == Some("error");
    if !named && value.get("error").is_none_or(Value::is_null) {
        return None;
    }
    let words = words(value);
    let has = |parts: &[&str]| words.codes.iter().any(|c| parts.iter().any(|p| c.contains(p)));
    let status = words.status.unwrap_or_else(|| {
        if has(&["rate_limit", "quota", "too_many"]) {
            429
        } else if has(&["authentication", "permission", "api_key"]) {
            401
        } else if has(&["not_found"]) {
            404
        } else if has(&["invalid_request", "bad_request", "context_length"]) {
            400
        } else {
            500
        }
    });
    let (side, kind, advice) = classify(status, &words);
    let advice = match advice {
        Advice::Backoff => {
            wait::advised(&HeaderMap::new(), &value.to_string(), Timestamp::UNIX_EPOCH)
                .unwrap_or(Advice::Backoff)
        }
        fixed => fixed,
    };
    let mut message = format!("the server sent an error instead of an answer: {}", remedy(kind));
    said(&mut message, &words);
    Some(ProviderError::new(side, kind, Stage::Stream, advice, message))
}

/// The server's id of the request, from its headers.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-request-id", "request-id", "x-amzn-requestid", "apim-request-id"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .map(|id| id.chars().take(200).collect())
}

fn classify(status: u16, words: &Words) -> (Side, ErrorKind, Advice) {
    match status {
        401 | 403 => (Side::Ours, ErrorKind::Auth, Advice::EndsEntry),
        404 | 405 | 410 | 300..=399 => (Side::Ours, ErrorKind::NotFound, Advice::EndsEntry),
        402 => (Side::Ours, ErrorKind::Quota, Advice::EndsEntry),
        429 if words.name_a_quota() => (Side::Ours, ErrorKind::Quota, Advice::EndsEntry),
        429 => (Side::Ours, ErrorKind::RateLimited, Advice::Backoff),
        408 | 409 => (Side::Theirs, ErrorKind::Server, Advice::Backoff),
        400..=499 if words.name_an_overflow() => {
            (Side::Ours, ErrorKind::ContextOverflow, Advice::Never)
        }
        400..=499 => (Side::Ours, ErrorKind::BadRequest, Advice::Never),
        _ => (Side::Theirs, ErrorKind::Server, Advice::Backoff),
    }
}

impl Words {
    fn any(&self, parts: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        parts.iter().any(|p| message.contains(p) || self.codes.iter().any(|c| c.contains(p)))
    }

    /// A spending limit, or a limit a day: waiting as long as a run can wait does not lift it.
    fn name_a_quota(&self) -> bool {
        self.any(&[
            "insufficient_quota",
            "exceeded your current quota",
            "billing",
            "credit balance",
            "insufficient balance",
            "spend limit",
            "spending limit",
            "per day",
            "daily",
        ])
    }

    fn name_an_overflow(&self) -> bool {
        self.any(&["context_length_exceeded", "maximum context length", "context window"])
    }
}

/// Reads the forms in use: `{"error":{"message","type","code"}}`, `{"error":"…"}`,
/// `{"message":"…"}`, `{"detail":…}`.
fn words(value: &Value) -> Words {
    let inner = value.get("error").filter(|e| !e.is_null()).unwrap_or(value);
    let message = match inner {
        Value::String(text) => text.clone(),
        object => {
            ["message", "detail", "error"].iter().find_map(|key| object.get(*key)).map_or_else(
                || object.to_string(),
                |m| m.as_str().map_or_else(|| m.to_string(), str::to_owned),
            )
        }
    };
    let codes = ["type", "code", "status"]
        .iter()
        .filter_map(|key| inner.get(*key)?.as_str())
        .map(str::to_ascii_lowercase)
        .collect();
    let status = inner
        .get("code")
        .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code));
    Words { message: one_line(&message), codes, status }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn said(message: &mut String, words: &Words) {
    if !words.message.is_empty() {
        message.push_str(&format!(" The server said: {}", words.message));
    }
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Auth => {
            "check the key in the variable that `key_env` names, and what it may do."
        }
        ErrorKind::NotFound => "check `base_url` (it mostly ends with /v1) and `model`.",
        ErrorKind::Quota => {
            "a spending or daily limit is used up; raise it or wait until it is renewed."
        }
        ErrorKind::RateLimited => "too many requests for now; a lower `concurrency` avoids this.",
        ErrorKind::ContextOverflow => {
            "prompt and `max_tokens` do not fit into the model's context."
        }
        ErrorKind::BadRequest => "it does not take this request; see what it says.",
        _ => "the failure is on its side.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(status: u16, body: &str) -> ProviderError {
        of_status(status, &HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_status_has_its_side_kind_and_advice() {
        use {Advice::*, ErrorKind::*, Side::*};
        for (code, side, kind, advice) in [
            (301, Ours, NotFound, EndsEntry),
            (400, Ours, BadRequest, Never),
            (401, Ours, Auth, EndsEntry),
            (402, Ours, Quota, EndsEntry),
            (403, Ours, Auth, EndsEntry),
            (404, Ours, NotFound, EndsEntry),
            (408, Theirs, Server, Backoff),
            (409, Theirs, Server, Backoff),
            (413, Ours, BadRequest, Never),
            (422, Ours, BadRequest, Never),
            (429, Ours, RateLimited, Backoff),
            (500, Theirs, Server, Backoff),
            (503, Theirs, Server, Backoff),
            (529, Theirs, Server, Backoff),
        ] {
            let e = status(code, "");
            assert_eq!((e.side, e.kind, e.advice), (side, kind, advice), "{code}");
            assert_eq!(e.http_status, Some(code));
        }
    }

    #[test]
    fn quotas_are_not_waited_for() {
        for body in [
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            r#"{"error":{"message":"Rate limit reached on tokens per day (TPD): try again in 7m","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ] {
            let e = status(429, body);
            assert_eq!((e.kind, e.advice), (ErrorKind::Quota, Advice::EndsEntry), "{body}");
        }
        let e = status(
            429,
            r#"{"error":{"message":"Please try again in 20ms.","code":"rate_limit_exceeded"}}"#,
        );
        assert_eq!((e.kind, e.advice), (ErrorKind::RateLimited, Advice::AfterMs(20)));
    }

    #[test]
    fn all_forms_of_a_message_are_read() {
        for body in [
            json!({"error": {"message": "the words", "type": "t", "code": null}}),
            json!({"error": "the words"}),
            json!({"object": "error", "message": "the words", "code": 40001}),
            json!({"detail": "the words"}),
            json!({"error": {"detail": "the words"}}),
        ] {
            let e = status(400, &body.to_string());
            assert!(e.message.ends_with("The server said: the words"), "{}", e.message);
        }
        let html = status(502, "<html>\n<h1>Bad\n gateway</h1>");
        assert!(html.message.ends_with("<html> <h1>Bad gateway</h1>"), "{}", html.message);
    }

    #[test]
    fn errors_inside_a_success() {
        let kind = |event: &str, value: Value| in_success(event, &value).map(|e| e.kind);
        assert_eq!(kind("", json!({"choices": [], "error": null})), None);
        assert_eq!(kind("", json!({"error": {"type": "server_error"}})), Some(ErrorKind::Server));
        assert_eq!(kind("", json!({"error": {"code": 429}})), Some(ErrorKind::RateLimited));
        assert_eq!(
            kind("", json!({"error": {"code": "rate_limit_exceeded"}})),
            Some(ErrorKind::RateLimited)
        );
        assert_eq!(
            kind("", json!({"error": {"type": "invalid_request_error"}})),
            Some(ErrorKind::BadRequest)
        );
        assert_eq!(kind("error", json!({"message": "overloaded"})), Some(ErrorKind::Server));
        assert_eq!(
            kind("", json!({"object": "error", "message": "m", "code": 400})),
            Some(ErrorKind::BadRequest)
        );
    }

    #[test]
    fn a_prompt_that_does_not_fit_is_named() {
        let e = status(400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#);
        assert_eq!((e.kind, e.advice), (ErrorKind::ContextOverflow, Advice::Never));
    }
}
