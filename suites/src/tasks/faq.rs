//! Faq: a short answer in words, from the model's own knowledge or from a text in the prompt.
//!
//! **How an answer is read**: the text without white space around it.
//!
//! **Unparsed**: an empty answer. It is wrong, as every question here has an answer.
//!
//! **Scored** by SQuAD v1.1's exact match and token F1, the best over the accepted answers (see
//! [`crate::metrics::squad`]). Metrics: exact match, token F1.

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Reading, Score};
use crate::metrics::{Metric, Parts, squad};

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 2] = [Metric::ExactMatch, Metric::TokenF1];

/// A question answering task.
#[derive(Debug, Clone, PartialEq)]
pub struct Faq {
    /// The column with the accepted answer, or with a list of them.
    pub expected: String,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// The accepted answers of an expected value: a text, or a list of texts.
fn accepted(expected: &Value) -> Option<Vec<&str>> {
    match expected {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(many) if !many.is_empty() => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

impl Faq {
    /// The accepted answers of a row; numbers are taken as their text.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let as_text = |value: &Value| match value {
            Value::Number(number) => Value::from(number.to_string()),
            other => other.clone(),
        };
        let value = match row.get(column) {
            None => return Err(BadExpected::absent(column)),
            Some(Value::Array(many)) => many.iter().map(as_text).collect(),
            Some(one) => as_text(one),
        };
        match accepted(&value) {
            Some(all) if all.iter().all(|a| !a.trim().is_empty()) => Ok(value),
            Some(_) => Err(BadExpected::new(
                format!("an accepted answer in the column `{column}` is empty"),
                "questions without an answer are not built yet: remove the row",
            )),
            None => Err(BadExpected::new(
                format!("`{column}` is {value}, no answer"),
                "write a text, or a list of accepted texts",
            )),
        }
    }

    pub(super) fn write(&self, expected: &Value) -> String {
        let first = accepted(expected).and_then(|all| all.first().copied());
        first.unwrap_or_default().to_owned()
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        match text.trim() {
            "" => Reading::nothing("span", "the answer is empty"),
            span => Reading {
                value: Some(span.into()),
                reader: "span",
                repaired: false,
                schema_valid: None,
                why: None,
            },
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let golds = accepted(expected)?;
        let (exact, f1) = match read.and_then(Value::as_str) {
            Some(answer) => (squad::exact_match(answer, &golds), squad::f1(answer, &golds)),
            None => (false, 0.0),
        };
        let exact = if exact { 1.0 } else { 0.0 };
        let parts = Parts::from([
            ("n".to_owned(), 1.0),
            ("exact".to_owned(), exact),
            ("f1".to_owned(), f1),
        ]);
        let primary = if self.primary == Metric::TokenF1 { f1 } else { exact };
        Some(Score { primary, parts, detail: json!({"exact": exact, "f1": f1}) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use proptest::prelude::*;

    const TASK: fn() -> Faq = || Faq { expected: "answer".to_owned(), primary: Metric::ExactMatch };

    #[test]
    fn several_accepted_answers() {
        let expected = json!(["32.8 inches", "32.8"]);
        let score = |text: &str| {
            let reading = TASK().read(text);
            TASK().score(reading.value.as_ref(), &expected).unwrap()
        };
        assert_eq!(score("32.8").primary, 1.0);
        assert_eq!(score(" The 32.8 inches. ").primary, 1.0);
        let partly = score("about 32.8 inches");
        // 2 shared tokens of 3 given and 2 expected: P 2/3, R 1, F1 0.8.
        assert_eq!((partly.primary, partly.parts["f1"]), (0.0, 0.8));
    }

    #[test]
    fn an_empty_answer_is_wrong() {
        let reading = TASK().read(" \n");
        assert_eq!(reading.value, None);
        let score = TASK().score(reading.value.as_ref(), &json!("the")).unwrap();
        assert_eq!((score.primary, score.parts["n"]), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn a_written_answer_scores_one(answer in "\\PC{0,30}[^\\s\\p{C}]\\PC{0,30}") {
            let expected = json!([answer, "other"]);
            let reading = TASK().read(&TASK().write(&expected));
            prop_assert_eq!(TASK().score(reading.value.as_ref(), &expected).unwrap().primary, 1.0);
        }

        #[test]
        fn statistics_are_additive(pairs in prop::collection::vec(("[a-d ]{0,8}", "[a-d ]{1,8}"), 1..20)) {
            let mut sum = Parts::new();
            let (mut exact, mut f1) = (0.0, 0.0);
            for (answer, gold) in &pairs {
                let reading = TASK().read(answer);
                let score = TASK().score(reading.value.as_ref(), &json!(gold)).unwrap();
                metrics::add(&mut sum, &score.parts);
                let read = !answer.trim().is_empty();
                exact += f64::from(u8::from(read && squad::exact_match(answer, &[gold.as_str()])));
                f1 += if read { squad::f1(answer, &[gold.as_str()]) } else { 0.0 };
            }
            let n = pairs.len() as f64;
            prop_assert!((Metric::ExactMatch.finish(&sum).unwrap() - exact / n).abs() < 1e-12);
            prop_assert!((Metric::TokenF1.finish(&sum).unwrap() - f1 / n).abs() < 1e-12);
        }
    }
}
