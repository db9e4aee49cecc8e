//! Keys that no output shows, and the scrubber of everything that a server may echo.

use std::fmt;

use serde_json::Value;

use crate::{Advice, Answer, ErrorKind, ProviderError, Side, Stage};

/// What stands in the place of a secret.
const MASK: &str = "[secret]";

/// Longest error message that is kept, in characters; cut after scrubbing, so that no part of a key
/// is left at the edge.
const MESSAGE_CHARS: usize = 900;

/// Keys at least this long are taken out of answers too. A shorter one (`EMPTY`, `none`, as local
/// servers want) is no secret, and may be a word of the answer that is to be scored.
const SCRUBBED_IN_ANSWERS: usize = 16;

/// A key. Its `Debug` and `Display` show nothing of it, not even its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key as it was given; white space around it (the line break of a file) is no part of it.
    pub fn new(key: impl AsRef<str>) -> Secret {
        Secret(key.as_ref().trim().to_owned())
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key itself, for the request only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Takes secrets out of whatever came from a server or a library.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrubber(Vec<Secret>);

impl Scrubber {
    /// A scrubber of these secrets.
    pub(crate) fn new(secrets: Vec<Secret>) -> Scrubber {
        let mut secrets: Vec<Secret> = secrets.into_iter().filter(|s| !s.is_empty()).collect();
        // The longest first: a secret that holds another one goes as a whole.
        secrets.sort_by_key(|s| std::cmp::Reverse(s.0.len()));
        Scrubber(secrets)
    }

    /// `text` with every secret masked.
    pub(crate) fn text(&self, text: &str) -> String {
        self.text_of(text, 1)
    }

    fn text_of(&self, text: &str, shortest: usize) -> String {
        let mut clean = text.to_owned();
        for secret in self.0.iter().filter(|s| s.0.len() >= shortest) {
            if clean.contains(secret.expose()) {
                clean = clean.replace(secret.expose(), MASK);
            }
        }
        clean
    }

    /// An error without secrets, its message shortened to what a person reads.
    pub(crate) fn error(&self, mut error: ProviderError) -> ProviderError {
        let message = self.text(&error.message);
        error.message = match message.char_indices().nth(MESSAGE_CHARS) {
            Some((cut, _)) => format!("{}…", message.get(..cut).unwrap_or_default()),
            None => message,
        };
        error.request_id = error.request_id.map(|id| self.text(&id));
        error.partial_text = error.partial_text.map(|text| self.text(&text));
        error
    }

    /// An answer without secrets: a server that echoes the request's headers must not write the
    /// key into records and reports.
    ///
    /// # Errors
    /// `Protocol` where the answer cannot be read back after masking, which no known answer does.
    pub(crate) fn answer(&self, answer: Answer) -> Result<Answer, ProviderError> {
        if !self.0.iter().any(|s| s.0.len() >= SCRUBBED_IN_ANSWERS) {
            return Ok(answer);
        }
        let unreadable = |e: serde_json::Error| {
            ProviderError::new(
                Side::Theirs,
                ErrorKind::Protocol,
                Stage::Read,
                Advice::Never,
                format!("the answer holds the key and cannot be kept without it: {e}"),
            )
        };
        let mut value = serde_json::to_value(&answer).map_err(unreadable)?;
        if self.value(&mut value) {
            serde_json::from_value(value).map_err(unreadable)
        } else {
            Ok(answer)
        }
    }

    /// Masks secrets in all strings and keys of a JSON value; tells whether there was one.
    fn value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let clean = self.text_of(text, SCRUBBED_IN_ANSWERS);
                let found = clean != *text;
                *text = clean;
                found
            }
            Value::Array(items) => {
                let mut found = false;
                for item in items {
                    found |= self.value(item);
                }
                found
            }
            Value::Object(map) => {
                let mut found = false;
                for (key, mut inner) in std::mem::take(map) {
                    let clean = self.text_of(&key, SCRUBBED_IN_ANSWERS);
                    found |= clean != key;
                    found |= self.value(&mut inner);
                    map.insert(clean, inner);
                }
                found
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::{Response, Usage};

    const KEY: &str = "sk-canary-0123456789abcdef";

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = Secret::new(format!(" {KEY}\n"));
        assert_eq!(key.expose(), KEY);
        assert_eq!(format!("{key:?} {key} {:?}", Some(&key)), "[secret] [secret] Some([secret])");
    }

    #[test]
    fn errors_are_scrubbed_before_they_are_cut() {
        let scrubber = Scrubber::new(vec![Secret::new(KEY)]);
        for before in 0..MESSAGE_CHARS + 10 {
            let mut error = ProviderError::new(
                Side::Ours,
                ErrorKind::Auth,
                Stage::Wait,
                Advice::EndsEntry,
                format!("{}{KEY} is not a key", "x".repeat(before)),
            );
            error.partial_text = Some(format!("you sent {KEY}"));
            error.request_id = Some(KEY.to_owned());
            let clean = format!("{:?}", scrubber.error(error));
            assert!(!clean.contains("sk-c") && !clean.contains("canary"), "{clean}");
        }
    }

    #[test]
    fn an_answer_that_echoes_the_key_loses_it_and_nothing_else() {
        let scrubber = Scrubber::new(vec![Secret::new(KEY)]);
        let answer = |word: &str| Answer {
            response: Response {
                text: format!("authorization: Bearer {word}"),
                ..Response::default()
            },
            vector: None,
            usage: Usage { raw: Some(json!({word: [word, 1]})), ..Usage::default() },
            timing: Default::default(),
            logprob: None,
            server: Default::default(),
        };
        assert_eq!(scrubber.answer(answer(KEY)).unwrap(), answer(MASK));
    }

    #[test]
    fn a_short_placeholder_key_does_not_change_answers() {
        let scrubber = Scrubber::new(vec![Secret::new("EMPTY")]);
        let answer = Answer {
            response: Response { text: "the box is EMPTY".into(), ..Response::default() },
            vector: None,
            usage: Usage::default(),
            timing: Default::default(),
            logprob: None,
            server: Default::default(),
        };
        assert_eq!(scrubber.answer(answer.clone()).unwrap(), answer);
    }
}
