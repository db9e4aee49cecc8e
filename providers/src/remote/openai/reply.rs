//! A whole response that was not streamed.

use serde_json::Value;

use super::draft::{Draft, protocol};
use crate::remote::failure;
use crate::{Advice, Answer, ProviderError, Stamp};

/// Reads a response body with a status of success. `at` is when its last byte came: all that is
/// known of the time of its tokens, so the answer has a last token and no first one.
///
/// # Errors
/// An error object in the place of an answer; `Protocol` for broken JSON or a body without an
/// answer.
pub fn read(body: &[u8], at: Stamp) -> Result<Answer, ProviderError> {
    let value: Value = serde_json::from_slice(body).map_err(|e| {
        let start: String = String::from_utf8_lossy(body).chars().take(200).collect();
        let why = format!(
            "the answer is no JSON ({e}); does `base_url` end with /v1? It begins with: {start}"
        );
        protocol(why, Advice::Backoff)
    })?;
    if let Some(error) = failure::in_success("", &value) {
        return Err(error);
    }
    let mut draft = Draft::default();
    let taken = draft.take(&value, "message", at);
    if let Err(mut error) = taken {
        error.partial_text = draft.partial_text();
        return Err(error);
    }
    if !draft.has_choice() {
        return Err(protocol("the answer has no `choices`".to_owned(), Advice::Backoff));
    }
    let mut answer = draft.into_answer();
    answer.timing.first_token = None;
    answer.timing.first_content = None;
    answer.timing.last_token = Some(at);
    Ok(answer)
}
