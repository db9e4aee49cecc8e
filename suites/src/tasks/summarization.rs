//! Summarization: a shorter text that says the same.
//!
//! **How an answer is read**: the text without white space around it.
//!
//! **Unparsed**: an empty answer.
//!
//! **Scored** by the F1 of ROUGE-1, ROUGE-2 and ROUGE-L (see [`crate::metrics::rouge`]), each with
//! words as they are and with their stems by Porter's rules, because both are in use and their
//! figures must not be compared with each other. Of several references the best counts, for each
//! metric on its own. A suite's figure is the mean of its samples.
//!
//! ROUGE compares runs of `a`–`z` and `0`–`9` only. So a reference without any is refused, and so is
//! one of a single word where ROUGE-2 is the primary metric: no answer could score there.

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Reading, Score, accepted};
use crate::metrics::rouge::{self, Tokens, rouge_l, rouge_n};
use crate::metrics::{Metric, Parts};

/// Compares an answer with a reference.
type Compare = fn(&str, &str) -> rouge::Score;

const FIGURES: [(Metric, Compare); 6] = [
    (Metric::RougeL, |a, r| rouge_l(a, r, Tokens::Plain)),
    (Metric::Rouge1, |a, r| rouge_n(a, r, 1, Tokens::Plain)),
    (Metric::Rouge2, |a, r| rouge_n(a, r, 2, Tokens::Plain)),
    (Metric::RougeLStemmed, |a, r| rouge_l(a, r, Tokens::Stemmed)),
    (Metric::Rouge1Stemmed, |a, r| rouge_n(a, r, 1, Tokens::Stemmed)),
    (Metric::Rouge2Stemmed, |a, r| rouge_n(a, r, 2, Tokens::Stemmed)),
];

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 6] = {
    let [(a, _), (b, _), (c, _), (d, _), (e, _), (f, _)] = FIGURES;
    [a, b, c, d, e, f]
};

/// A summarization task.
#[derive(Debug, Clone, PartialEq)]
pub struct Summarization {
    /// The column with the reference, or with a list of them.
    pub expected: String,
    /// The metric that headlines this task.
    pub primary: Metric,
}

impl Summarization {
    /// The references of a row.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let value = accepted::in_row(row, column, "reference")?;
        let references = accepted::texts(&value).unwrap_or_default();
        let words = references.iter().map(|text| Tokens::Plain.of(text).len()).min();
        let pairs = matches!(self.primary, Metric::Rouge2 | Metric::Rouge2Stemmed);
        match words {
            None => Err(BadExpected::new(
                format!("there is no reference in the column `{column}`"),
                "write one, or remove the row",
            )),
            Some(0) => Err(BadExpected::new(
                format!("a reference in the column `{column}` has no letter a to z and no digit"),
                "remove it: ROUGE compares nothing else",
            )),
            Some(1) if pairs => Err(BadExpected::new(
                format!("a reference in the column `{column}` has only one word"),
                "remove it, or choose another primary metric: ROUGE-2 compares pairs of words",
            )),
            Some(_) => Ok(value),
        }
    }

    pub(super) fn write(&self, expected: &Value) -> String {
        let references = accepted::texts(expected).unwrap_or_default();
        references.first().copied().unwrap_or_default().to_owned()
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        match text.trim() {
            "" => Reading::nothing("text", "the answer is empty"),
            summary => Reading::text("text", summary),
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let references = accepted::texts(expected)?;
        let answer = read.and_then(Value::as_str).unwrap_or_default();
        let f1 = |compare: Compare| {
            let scores = references.iter().map(|reference| compare(answer, reference));
            rouge::Score::best(scores).map_or(0.0, |best| best.f1)
        };
        let mut parts = Parts::from([("n".to_owned(), 1.0)]);
        parts.extend(FIGURES.map(|(metric, compare)| (metric.as_str().to_owned(), f1(compare))));
        let primary = parts.get(self.primary.as_str()).copied().unwrap_or(0.0);
        Some(Score { primary, parts, detail: json!({"references": references.len()}) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use proptest::prelude::*;

    fn task(primary: Metric) -> Summarization {
        Summarization { expected: "summary".to_owned(), primary }
    }

    fn score(text: &str, expected: &Value) -> Score {
        let task = task(Metric::RougeL);
        task.score(task.read(text).value.as_ref(), expected).unwrap()
    }

    #[test]
    fn the_best_reference_counts_for_each_metric() {
        // The first shares three words in another order, the second a pair of words in order.
        let score = score("a b c", &json!(["c b a", "a b x y z u v w"]));
        assert_eq!(score.parts["rouge_1"], 1.0);
        // Pairs: 1 of 2 given and 1 of 7 expected.
        assert!((score.parts["rouge_2"] - 2.0 / 9.0).abs() < 1e-12);
        // Subsequences: 2 of 3 given, 2 of 8 expected; or 1 of 3 and 1 of 3.
        assert!((score.parts["rouge_l"] - 4.0 / 11.0).abs() < 1e-12);
        assert_eq!(score.primary, score.parts["rouge_l"]);
    }

    #[test]
    fn stems_are_metrics_of_their_own() {
        let score = score("walking cats", &json!("walked cat"));
        let figures = ["rouge_1", "rouge_1_stemmed", "rouge_2_stemmed", "rouge_l_stemmed"];
        // Words of up to three letters keep their form, and `cats` has the stem `cat`.
        assert_eq!(figures.map(|name| score.parts[name]), [0.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn an_empty_answer_is_unparsed_and_scores_0() {
        let task = task(Metric::RougeL);
        assert_eq!(task.read(" \n").value, None);
        let score = task.score(None, &json!("words")).unwrap();
        assert_eq!((score.primary, score.parts["n"]), (0.0, 1.0));
    }

    #[test]
    fn references_that_no_answer_could_meet_are_refused() {
        let refused = |primary: Metric, reference: &str| {
            let row = json!({"summary": reference});
            task(primary).expected_in(row.as_object().unwrap()).is_err()
        };
        assert!(refused(Metric::RougeL, "Привет"));
        assert!(!refused(Metric::RougeL, "Привет 5"));
        assert!(refused(Metric::Rouge2, "word"));
        assert!(!refused(Metric::Rouge2, "two words"));
    }

    proptest! {
        #[test]
        fn a_written_answer_scores_one(
            texts in prop::collection::vec("\\PC{0,20}[a-z]+ [0-9a-z]+\\PC{0,20}", 1..4),
        ) {
            let row = json!({"summary": texts});
            for primary in METRICS {
                let task = task(primary);
                let expected = task.expected_in(row.as_object().unwrap()).unwrap();
                let reading = task.read(&task.write(&expected));
                let score = task.score(reading.value.as_ref(), &expected).unwrap();
                prop_assert_eq!(score.primary, 1.0);
            }
        }

        #[test]
        fn statistics_are_additive(
            pairs in prop::collection::vec(("[a-d ]{0,12}", "[a-d ]{1,12}"), 1..10),
        ) {
            let mut sum = Parts::new();
            let mut means = [0.0; METRICS.len()];
            for (answer, reference) in &pairs {
                metrics::add(&mut sum, &score(answer, &json!(reference)).parts);
                for (mean, (_, compare)) in means.iter_mut().zip(FIGURES) {
                    *mean += compare(answer, reference).f1 / pairs.len() as f64;
                }
            }
            for (metric, mean) in METRICS.into_iter().zip(means) {
                prop_assert!((metric.finish(&sum).unwrap() - mean).abs() < 1e-12);
            }
        }
    }
}
