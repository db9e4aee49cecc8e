//! Faq: a short answer in words, from the model's own knowledge or from a text in the prompt.
//!
//! **How an answer is read**: the text without white space around it. Where the suite has questions
//! without an answer, an empty text is read too: as an abstention.
//!
//! **Unparsed**: an empty answer where every question of the suite has an answer. It is wrong.
//!
//! **Scored** by SQuAD v1.1's exact match and token F1, the best over the accepted answers (see
//! [`crate::metrics::squad`]). A suite with questions without an answer is scored by SQuAD v2.0
//! ([`crate::metrics::squad_v2`]): both figures are 1 for an abstention where there is no answer,
//! and 0 where there is one. An abstention is an empty answer, or one that equals a phrase of the
//! suite after SQuAD's normalisation; a phrase that is an accepted answer of its question is none.
//!
//! **Citations** (`citations: sources`): marks such as `[doc-3]` are taken out of the answer before it
//! is read, and are compared with the row's sources (see `tasks/citations.rs`).
//!
//! Metrics: exact match, token F1; with citations their precision and recall.

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Reading, Score, accepted, citations};
use crate::metrics::{Metric, Parts, spans_pii, squad, squad_v2};

/// The metrics of this kind, the default primary one first.
const METRICS: [Metric; 2] = [Metric::ExactMatch, Metric::TokenF1];
/// Those of a suite with citations.
const WITH_CITATIONS: [Metric; 4] =
    [Metric::ExactMatch, Metric::TokenF1, Metric::CitationPrecision, Metric::CitationRecall];

/// A question answering task.
#[derive(Debug, Clone, PartialEq)]
pub struct Faq {
    /// The column with the accepted answer, or with a list of them.
    pub expected: String,
    /// Answers that say that there is none, beside the empty one.
    pub abstentions: Vec<String>,
    /// The column with the ids of the sources that an answer should cite.
    pub citations: Option<String>,
    /// Whether the suite has questions without an answer.
    pub unanswerable: bool,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// The phrases that count as an abstention where the suite names none.
pub(crate) fn abstentions() -> Vec<String> {
    ["unanswerable", "no answer", "not in the text"].map(str::to_owned).to_vec()
}

/// Whether an expected value says that its question has no answer.
pub(crate) fn has_no_answer(expected: &Value) -> bool {
    accepted::texts(answers_of(expected)).is_some_and(|texts| texts.is_empty())
}

/// The accepted answers in an expected value, and the answer in a reading. Both are an object
/// `{answer, citations}` where the suite has citations.
fn answers_of(value: &Value) -> &Value {
    value.get("answer").unwrap_or(value)
}

fn citations_of(value: Option<&Value>) -> Vec<String> {
    value.and_then(|value| value.get("citations")).map(citations::texts).unwrap_or_default()
}

impl Faq {
    /// The accepted answers of a row; numbers are taken as their text.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let answers = accepted::in_row(row, &self.expected, "accepted answer")?;
        match &self.citations {
            None => Ok(answers),
            Some(column) => {
                let sources = citations::expected_in(row, column)?;
                Ok(json!({"answer": answers, "citations": sources}))
            }
        }
    }

    pub(super) fn expected_columns(&self) -> Vec<&str> {
        std::iter::once(&self.expected).chain(&self.citations).map(String::as_str).collect()
    }

    pub(super) fn all_metrics(&self) -> &'static [Metric] {
        match self.citations {
            Some(_) => &WITH_CITATIONS,
            None => &METRICS,
        }
    }

    pub(super) fn write(&self, expected: &Value) -> String {
        let texts = accepted::texts(answers_of(expected)).unwrap_or_default();
        // SQuAD v2.0 drops answers of which nothing is left, such as `the`.
        let compared = texts.iter().find(|text| !squad::normalise(text).is_empty());
        let abstention = self.abstentions.first().map(String::as_str);
        let answer = compared.or(texts.first()).copied().or(abstention).unwrap_or_default();
        answer.to_owned() + &citations::mark(&citations_of(Some(expected)))
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        let (answer, cited) = match self.citations {
            Some(_) => citations::split(text),
            None => (text.trim().to_owned(), Vec::new()),
        };
        if answer.is_empty() && !self.unanswerable {
            return Reading::nothing("span", "the answer is empty");
        }
        let reading = Reading::text("span", &answer);
        match self.citations {
            Some(_) => {
                let value = json!({"answer": answer, "citations": cited});
                Reading { value: Some(value), ..reading }
            }
            None => reading,
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let golds = accepted::texts(answers_of(expected))?;
        let cited = citations_of(read);
        let read = read.map(answers_of).and_then(Value::as_str);
        let (exact, f1) = match read {
            Some(answer) if self.unanswerable => {
                let answer = if self.abstains(answer, &golds) { "" } else { answer };
                (squad_v2::exact_match(answer, &golds), squad_v2::f1(answer, &golds))
            }
            Some(answer) => (squad::exact_match(answer, &golds), squad::f1(answer, &golds)),
            None => (false, 0.0),
        };
        let exact = if exact { 1.0 } else { 0.0 };
        let mut parts = Parts::from([
            ("n".to_owned(), 1.0),
            ("exact".to_owned(), exact),
            ("f1".to_owned(), f1),
        ]);
        let mut detail = json!({"exact": exact, "f1": f1});
        let mut primary = if self.primary == Metric::TokenF1 { f1 } else { exact };
        if self.citations.is_some() {
            let counts = citations::counts(&cited, &citations_of(Some(expected)));
            spans_pii::add_parts(&mut parts, citations::CITATIONS, counts);
            detail["cited"] = cited.into();
            // Without any source to cite, or any cited, nothing is wrong with the citations.
            primary = match self.primary {
                Metric::CitationPrecision => counts.defined_precision().unwrap_or(1.0),
                Metric::CitationRecall => counts.defined_recall().unwrap_or(1.0),
                _ => primary,
            };
        }
        if self.unanswerable {
            let abstained = read.is_some_and(|answer| self.abstains(answer, &golds));
            detail["abstained"] = abstained.into();
        }
        Some(Score { primary, parts, detail })
    }

    /// Whether an answer says that there is none.
    fn abstains(&self, answer: &str, golds: &[&str]) -> bool {
        let phrases: Vec<&str> = self.abstentions.iter().map(String::as_str).collect();
        let says_so = answer.is_empty() || squad::exact_match(answer, &phrases);
        says_so && !squad::exact_match(answer, golds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use proptest::prelude::*;

    const TASK: fn() -> Faq = || Faq {
        expected: "answer".to_owned(),
        abstentions: abstentions(),
        citations: None,
        unanswerable: false,
        primary: Metric::ExactMatch,
    };

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

    #[test]
    fn citations_are_counted_apart_from_the_answer() {
        let task = Faq { citations: Some("sources".to_owned()), ..TASK() };
        let row = json!({"answer": "zinc", "sources": ["a", "b"]});
        let expected = task.expected_in(row.as_object().unwrap()).unwrap();
        let mut sum = Parts::new();
        for said in [task.write(&expected).as_str(), "Zinc [a] [c].", "tin", ""] {
            let reading = task.read(said);
            let score = task.score(reading.value.as_ref(), &expected).unwrap();
            metrics::add(&mut sum, &score.parts);
        }
        // Right and with both sources; right with one of two, and one that is none; wrong; nothing.
        assert_eq!(Metric::ExactMatch.finish(&sum), Some(0.5));
        assert_eq!(Metric::CitationPrecision.finish(&sum), Some(0.75));
        assert_eq!(Metric::CitationRecall.finish(&sum), Some(3.0 / 8.0));
        assert_eq!(task.all_metrics().len(), 4);
    }

    /// The task with questions without an answer.
    fn v2() -> Faq {
        Faq { unanswerable: true, ..TASK() }
    }

    fn exact_and_f1(task: &Faq, text: &str, expected: &Value) -> (f64, f64) {
        let reading = task.read(text);
        let parts = task.score(reading.value.as_ref(), expected).unwrap().parts;
        (parts["exact"], parts["f1"])
    }

    #[test]
    fn it_is_right_to_abstain_where_there_is_no_answer() {
        for said in ["", " \n", "Unanswerable.", "no answer", "Not in text"] {
            assert_eq!(exact_and_f1(&v2(), said, &json!([])), (1.0, 1.0), "{said}");
            assert_eq!(exact_and_f1(&v2(), said, &json!(["an island"])), (0.0, 0.0), "{said}");
        }
        assert_eq!(exact_and_f1(&v2(), "an island", &json!([])), (0.0, 0.0));
        assert_eq!(exact_and_f1(&v2(), "Unanswerable, I fear", &json!([])), (0.0, 0.0));
        let silent = Faq { abstentions: Vec::new(), ..v2() };
        assert_eq!(exact_and_f1(&silent, "unanswerable", &json!([])), (0.0, 0.0));
        assert_eq!(exact_and_f1(&silent, "", &json!([])), (1.0, 1.0));
    }

    #[test]
    fn an_accepted_answer_is_no_abstention() {
        let expected = json!(["No answer", "silence"]);
        assert_eq!(exact_and_f1(&v2(), "no answer", &expected), (1.0, 1.0));
        // Shares a token, but abstains.
        assert_eq!(exact_and_f1(&v2(), "no answer", &json!(["no"])), (0.0, 0.0));
    }

    #[test]
    fn nothing_read_is_no_abstention() {
        let score = v2().score(None, &json!([])).unwrap();
        assert_eq!((score.primary, score.parts["n"]), (0.0, 1.0));
        assert_eq!(score.detail["abstained"], false);
    }

    proptest! {
        #[test]
        fn a_written_answer_scores_one_among_questions_without_answer(
            answers in prop::collection::vec("(no answer|[a-d]{1,3}|the)", 0..3)
        ) {
            let (task, expected) = (v2(), json!(answers));
            let written = task.write(&expected);
            prop_assert_eq!(exact_and_f1(&task, &written, &expected), (1.0, 1.0));
        }

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
