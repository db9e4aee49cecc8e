//! Reasoning: a final answer, mostly a number, at the end of a chain of thought.
//!
//! **How an answer is read**: blocks `<think>…</think>` are removed, also one that was opened in the
//! prompt. Then the suite's filters are tried in their order, and the first that finds something
//! reads the answer; a later one than the first counts as a repair.
//!
//! - `strict`: the first `#### 42` (see [`crate::metrics::gsm8k_extract`]);
//! - `flexible`: the last number (see [`crate::metrics::final_answer`]). It reads nothing in an
//!   answer that reached its length limit: the last number of a text that was cut is not the final
//!   one;
//! - `regex`: the group of the last match of the suite's own expression.
//!
//! Named pipelines of filters beside it read the same answer each in its own way, to show what the
//! way of reading is worth; they decide no outcome.
//!
//! **Unparsed**: the answer ends inside a `<think>`, or no filter finds anything.
//!
//! **Scored** right if it is the expected answer: as a number where both are numbers (1,000 is 1000,
//! 42.0 is 42), else as text without white space around it. Of an expected text with `#### 42` in it,
//! a worked solution, that number is expected. Metric: accuracy, of what counts and of each pipeline
//! beside it.

use rightsize_providers::{Fields, Finish};
use serde_json::{Value, json};

use super::pattern::Pattern;
use super::{BadExpected, Reading, Score, thoughts};
use crate::metrics::measure::parts_of_axis;
use crate::metrics::{Measure, Metric, Parts, final_answer, gsm8k_extract};
use crate::problem::brief;

/// A task with a final answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasoning {
    /// The column with the right answer, or with a solution that ends in `#### 42`.
    pub expected: String,
    /// How answers are read: the first filter that finds something. At least one.
    pub filters: Vec<Filter>,
    /// Further ways to read the same answers, each scored beside the one that counts.
    pub beside: Vec<Pipeline>,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// A way to read answers that has a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its name: metrics are written `accuracy.NAME`.
    pub name: String,
    /// The first filter that finds something reads the answer. At least one.
    pub filters: Vec<Filter>,
}

/// A way to find the final answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The number behind `#### `.
    Strict,
    /// The last number.
    Flexible,
    /// The group of a regular expression.
    Regex(Pattern),
}

impl Filter {
    fn name(&self) -> &'static str {
        match self {
            Filter::Strict => "strict",
            Filter::Flexible => "flexible",
            Filter::Regex(_) => "regex",
        }
    }

    fn find(&self, text: &str) -> Option<String> {
        match self {
            Filter::Strict => gsm8k_extract::extract(text).filter(|answer| !answer.is_empty()),
            Filter::Flexible => final_answer::last_number(text),
            Filter::Regex(pattern) => pattern.find(text).map(str::to_owned),
        }
    }

    fn write(&self, answer: &str) -> String {
        match self {
            Filter::Strict => format!("#### {answer}"),
            Filter::Flexible => answer.to_owned(),
            Filter::Regex(pattern) => pattern.write(answer),
        }
    }
}

impl Reasoning {
    /// The right answer of a row, as text.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let answer = match row.get(column) {
            None => return Err(BadExpected::absent(column)),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) if !text.trim().is_empty() => {
                Filter::Strict.find(text).unwrap_or_else(|| text.trim().to_owned())
            }
            Some(other) => {
                let message = format!("`{column}` is {}, no answer", brief(other));
                return Err(BadExpected::new(message, "write a number or a text"));
            }
        };
        let value = Value::from(answer);
        if self.write(&value).is_empty() {
            return Err(BadExpected::new(
                format!("no filter of the suite can read the expected answer {}", brief(&value)),
                "`strict` and `flexible` read numbers; for other answers write \
                 `answer: {filters: [{regex: 'Answer: (.+)'}]}`",
            ));
        }
        Ok(value)
    }

    /// A text in which the suite's filters read the answer; empty where they cannot.
    pub(super) fn write(&self, expected: &Value) -> String {
        let answer = expected.as_str().unwrap_or_default();
        let is_read = |text: &String| {
            let reading = self.read(text, Finish::Stop);
            reading.value.is_some_and(|read| is_same(&read, answer))
        };
        self.filters.iter().map(|filter| filter.write(answer)).find(is_read).unwrap_or_default()
    }

    pub(super) fn reader(&self) -> &'static str {
        self.filters.first().map_or("strict", Filter::name)
    }

    pub(super) fn read(&self, text: &str, finish: Finish) -> Reading {
        let Some(said) = thoughts::removed(text) else {
            return Reading::nothing(self.reader(), "the answer ends inside <think>");
        };
        let read = match first(&self.filters, &said, finish) {
            Some((at, filter, answer)) => {
                Reading { repaired: at > 0, ..Reading::text(filter.name(), &answer) }
            }
            None if said.trim().is_empty() => {
                Reading::nothing(self.reader(), "the answer is empty")
            }
            None => Reading::nothing(self.reader(), "no filter finds a final answer"),
        };
        let beside = self.beside.iter().filter_map(|pipeline| {
            let (_, _, answer) = first(&pipeline.filters, &said, finish)?;
            Some((pipeline.name.clone(), answer.into()))
        });
        Reading { beside: beside.collect(), ..read }
    }

    /// The accuracy by what counts, then by each pipeline beside it.
    pub(super) fn metrics(&self) -> Vec<Measure> {
        let beside = self.beside.iter().map(|p| Measure::of_axis(Metric::Accuracy, &p.name));
        std::iter::once(Metric::Accuracy.into()).chain(beside).collect()
    }

    pub(super) fn score(&self, reading: &Reading, expected: &Value) -> Option<Score> {
        let expected = expected.as_str()?;
        let share = |read: Option<&Value>| match read.is_some_and(|read| is_same(read, expected)) {
            true => 1.0,
            false => 0.0,
        };
        let parts_of =
            |share: f64| Parts::from([("n".to_owned(), 1.0), ("correct".to_owned(), share)]);
        let primary = share(reading.value.as_ref());
        let mut parts = parts_of(primary);
        for Pipeline { name, .. } in &self.beside {
            parts.extend(parts_of_axis(name, parts_of(share(reading.beside.get(name)))));
        }
        Some(Score { primary, parts, detail: json!({"correct": primary == 1.0}) })
    }
}

/// What the first filter that finds something finds, and its place. The last number of an answer that
/// was cut is not looked for.
fn first<'a>(
    filters: &'a [Filter],
    said: &str,
    finish: Finish,
) -> Option<(usize, &'a Filter, String)> {
    let whole = finish != Finish::Length;
    let filters = filters.iter().enumerate();
    filters
        .filter(|(_, filter)| whole || **filter != Filter::Flexible)
        .find_map(|(at, filter)| Some((at, filter, filter.find(said)?)))
}

fn is_same(read: &Value, expected: &str) -> bool {
    read.as_str().is_some_and(|read| final_answer::same(read, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use proptest::prelude::*;

    fn task(filters: Vec<Filter>) -> Reasoning {
        Reasoning {
            expected: "answer".to_owned(),
            filters,
            beside: Vec::new(),
            primary: Metric::Accuracy,
        }
    }

    fn default() -> Reasoning {
        task(vec![Filter::Strict, Filter::Flexible])
    }

    fn regex(source: &str) -> Filter {
        Filter::Regex(Pattern::new(source).unwrap())
    }

    #[test]
    fn the_first_filter_that_finds_something_reads() {
        for (text, reader, value, repaired) in [
            ("6 x 7\n#### 42", "strict", json!("42"), false),
            ("#### 42\nThat is 6 x 7.", "strict", json!("42"), false),
            ("6 x 7 is 42.", "flexible", json!("42"), true),
            ("#### forty-two, or 42", "flexible", json!("42"), true),
            ("#### ,", "strict", Value::Null, false),
            ("<think>#### 41</think>#### 42", "strict", json!("42"), false),
            ("<think>41", "strict", Value::Null, false),
            ("forty-two", "strict", Value::Null, false),
            ("", "strict", Value::Null, false),
        ] {
            let reading = default().read(text, Finish::Stop);
            assert_eq!(reading.value.unwrap_or_default(), value, "{text}");
            assert_eq!((reading.reader, reading.repaired), (reader, repaired), "{text}");
        }
        let letters = task(vec![regex(r"\(([A-D])\)")]);
        let reading = letters.read("(A) is wrong, so it is (C).", Finish::Stop);
        assert_eq!((reading.reader, reading.value), ("regex", Some(json!("C"))));
    }

    #[test]
    fn the_last_number_of_a_cut_answer_is_not_final() {
        assert_eq!(default().read("6 x 7 is", Finish::Length).value, None);
        let reading = default().read("#### 42\nThat is 6 x", Finish::Length);
        assert_eq!(reading.value, Some(json!("42")));
    }

    #[test]
    fn expected_answers_are_numbers_texts_and_solutions() {
        let expected = |task: &Reasoning, value: Value| {
            task.expected_in(json!({"answer": value}).as_object().unwrap())
        };
        for (value, answer) in [
            (json!(42), "42"),
            (json!(0.5), "0.5"),
            (json!(" 1,000 "), "1,000"),
            (json!("6 x 7 = 42\n#### 2,125"), "2125"),
        ] {
            assert_eq!(expected(&default(), value).unwrap(), answer);
        }
        for value in [json!(""), json!(null), json!([42]), json!("Paris"), json!("42 km")] {
            assert!(expected(&default(), value.clone()).is_err(), "{value}");
        }
        // A suite may mix both, as long as one filter reads each.
        let mixed = task(vec![Filter::Strict, regex("Answer: (.+)")]);
        assert_eq!(expected(&mixed, json!("Paris")).unwrap(), "Paris");
        assert_eq!(mixed.write(&json!("Paris")), "Answer: Paris");
        assert_eq!(mixed.write(&json!("42")), "#### 42");
    }

    #[test]
    fn nothing_read_is_wrong() {
        let nothing = Reading::nothing("strict", "no answer");
        let score = default().score(&nothing, &json!("0")).unwrap();
        assert_eq!((score.primary, score.parts["n"]), (0.0, 1.0));
    }

    #[test]
    fn pipelines_read_the_same_answer_side_by_side() {
        let last = Pipeline { name: "last".to_owned(), filters: vec![Filter::Flexible] };
        let task = Reasoning { beside: vec![last], ..task(vec![Filter::Strict]) };
        let names: Vec<String> = task.metrics().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["accuracy", "accuracy.last"]);
        let mut sum = Parts::new();
        for (text, finish) in [
            ("#### 42", Finish::Stop),
            ("It is 42.", Finish::Stop),
            ("#### 42\nI mean 41.", Finish::Stop),
            ("6 x 7 = 42, and", Finish::Length),
        ] {
            let score = task.score(&task.read(text, finish), &json!("42")).unwrap();
            metrics::add(&mut sum, &score.parts);
        }
        let figures: Vec<Option<f64>> = task.metrics().iter().map(|m| m.finish(&sum)).collect();
        assert_eq!(figures, [Some(0.5), Some(0.5)]);
        let reading = task.read("It is 42.", Finish::Stop);
        assert_eq!((reading.value, &reading.beside["last"]), (None, &json!("42")));
    }

    proptest! {
        #[test]
        fn a_written_answer_scores_one(
            number in "-?[1-9][0-9]{0,8}(\\.[0-9]{1,3})?",
            text in "[a-z0-9$.,-]{1,12}",
        ) {
            for (filter, answer) in [
                (Filter::Strict, &number),
                (Filter::Flexible, &number),
                (regex(r"Answer: (\S+)"), &text),
            ] {
                let task = task(vec![filter]);
                let row = json!({"answer": answer});
                let expected = task.expected_in(row.as_object().unwrap()).unwrap();
                let reading = task.read(&task.write(&expected), Finish::Stop);
                let score = task.score(&reading, &expected).unwrap();
                prop_assert_eq!(score.primary, 1.0, "{}", answer);
            }
        }

        #[test]
        fn statistics_are_additive(pairs in prop::collection::vec((0..4u8, 0..4u8), 1..20)) {
            let mut sum = Parts::new();
            for (answer, expected) in &pairs {
                let reading = default().read(&format!("it is {answer}.0"), Finish::Stop);
                let expected = json!(expected.to_string());
                let score = default().score(&reading, &expected).unwrap();
                metrics::add(&mut sum, &score.parts);
            }
            let right = pairs.iter().filter(|(answer, expected)| answer == expected).count();
            let accuracy = right as f64 / pairs.len() as f64;
            prop_assert!((Metric::Accuracy.finish(&sum).unwrap() - accuracy).abs() < 1e-12);
        }
    }
}
