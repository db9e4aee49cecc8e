//! Checks: an answer passes if it has what the row's checks ask for. The checks and the names of
//! their columns are those of promptfoo (`__expected: contains: Paris`), so that its tests are data.
//!
//! **How an answer is read**: as it is, white space and all.
//!
//! **Unparsed**: an empty answer.
//!
//! **Scored**: the sample passes if every check holds. Where its row has a `__threshold`, it passes if
//! the mean of its checks' scores by their weights is at least that. A check scores 1 or 0; `rouge-n`
//! and `bleu` score their figure.
//!
//! Metrics: pass rate, check score (the mean of the samples' weighted means). Counts of each check
//! stand under its name, that of its kind unless the row gives another: one that holds is a true
//! positive, one that fails both a false positive and a false negative, so that precision and recall
//! are the share that held. Without an answer all are false negatives.

mod answer;
mod check;
mod judge;
mod kind;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Reading, Score};
use crate::metrics::{Metric, Parts};
use crate::problem::Problem;
use crate::sample::{Sample, Samples, scalar};
pub(crate) use check::Check;
pub(crate) use kind::{Kind, not_judged};

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 2] = [Metric::PassRate, Metric::CheckScore];

/// The column with the checks where the suite names none.
pub(crate) const EXPECTED: &str = "__expected";
/// The columns with a sample's own threshold, and with the name under which its checks are counted.
const THRESHOLD: &str = "__threshold";
const METRIC: &str = "__metric";
/// Columns that belong to the checks beside them, and are no input of a model.
pub(crate) const BESIDE: [&str; 5] =
    [THRESHOLD, METRIC, "__description", "__providerOutput", "__metadata"];

/// Most checks of a row.
const MOST_CHECKS: usize = 100;
/// Most names of checks that are told apart.
const MOST_NAMES: usize = 32;

/// A task whose answers are checked for what they must have.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// The column with the checks; those of its name with a number behind it count too.
    pub expected: String,
    /// The columns with checks that the rows have, in order.
    pub columns: Vec<String>,
    /// The names of the samples' checks, in the order of their first occurrence.
    pub names: Vec<String>,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// The columns with checks among those of the rows, in the order of their numbers.
pub(crate) fn columns_of(expected: &str, columns: &[&str]) -> Vec<String> {
    let number = |column: &str| -> Option<u64> {
        match column.strip_prefix(expected)? {
            "" => Some(0),
            digits => digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit())),
        }
    };
    let mut found: Vec<(u64, &str)> =
        columns.iter().filter_map(|column| Some((number(column)?, *column))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, column)| column.to_owned()).collect()
}

/// The checks of a row and its threshold, as an expected value keeps them.
struct Wanted {
    checks: Vec<Check>,
    threshold: Option<f64>,
}

/// What became of the checks of a row.
struct Outcome {
    passed: bool,
    score: f64,
    held: Vec<bool>,
}

impl Wanted {
    fn of(expected: &Value) -> Option<Wanted> {
        let written = expected.get("checks")?.as_array()?;
        let checks = written.iter().map(|check| Check::new(check).ok()).collect::<Option<_>>()?;
        Some(Wanted { checks, threshold: expected.get("threshold").and_then(Value::as_f64) })
    }

    fn judge(&self, answer: &str) -> Outcome {
        let judgements: Vec<_> = self.checks.iter().map(|check| check.judge(answer)).collect();
        let (mut score, mut weights) = (0.0, 0.0);
        for (check, judgement) in self.checks.iter().zip(&judgements) {
            score += check.weight * judgement.figure;
            weights += check.weight;
        }
        let score = if weights > 0.0 { score / weights } else { 0.0 };
        let held: Vec<bool> = judgements.iter().map(|judgement| judgement.held).collect();
        let passed = match self.threshold {
            Some(threshold) => score >= threshold,
            None => held.iter().all(|held| *held),
        };
        Outcome { passed, score, held }
    }
}

impl Checks {
    /// A task that has seen no row.
    pub(crate) fn new(expected: &str) -> Checks {
        Checks {
            expected: expected.to_owned(),
            columns: Vec::new(),
            names: Vec::new(),
            primary: Metric::PassRate,
        }
    }

    pub(super) fn expected_columns(&self) -> Vec<&str> {
        let own = self.columns.iter().map(String::as_str);
        own.chain([self.expected.as_str(), THRESHOLD, METRIC]).collect()
    }

    /// The checks of a row, in one form: `{"checks": [{"type": ..., "value": ...}]}`.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let metric = row.get(METRIC).and_then(scalar);
        let mut checks = Vec::new();
        for column in &self.columns {
            for written in written_in(row.get(column).unwrap_or(&Value::Null)) {
                let check = Check::new(&written).map_err(|bad| BadExpected {
                    message: format!("`{column}`: {}", bad.message),
                    ..bad
                })?;
                checks.push(check.named(metric.as_deref()).written());
            }
        }
        if checks.is_empty() || checks.len() > MOST_CHECKS {
            let (message, remedy) = match checks.is_empty() {
                true => (
                    format!("there is no check in `{}`", self.columns.join("`, `")),
                    "write one, such as `contains: Paris`, or remove the row",
                ),
                false => (
                    format!("the row has {} checks", checks.len()),
                    "a row has at most 100 checks: divide it",
                ),
            };
            return Err(BadExpected::new(message, remedy));
        }
        let mut expected = json!({"checks": checks});
        if let Some(threshold) = threshold_in(row)? {
            expected["threshold"] = json!(threshold);
        }
        Ok(expected)
    }

    /// An answer that passes, where one can be made of the checks; else nothing.
    pub(super) fn write(&self, expected: &Value) -> String {
        let made = Wanted::of(expected)
            .and_then(|wanted| answer::passing(&wanted.checks, |text| wanted.judge(text).passed));
        made.unwrap_or_default()
    }

    /// Whether no passing answer could be made for a sample.
    pub(crate) fn has_no_answer(&self, sample: &Sample) -> bool {
        self.write(&sample.expected).is_empty()
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        match text.trim().is_empty() {
            true => Reading::nothing("text", "the answer is empty"),
            false => Reading::text("text", text),
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let wanted = Wanted::of(expected)?;
        let outcome = match read.and_then(Value::as_str) {
            Some(answer) => wanted.judge(answer),
            None => Outcome { passed: false, score: 0.0, held: vec![false; wanted.checks.len()] },
        };
        let passed = if outcome.passed { 1.0 } else { 0.0 };
        let mut parts = Parts::from([
            ("n".to_owned(), 1.0),
            (Metric::PassRate.as_str().to_owned(), passed),
            (Metric::CheckScore.as_str().to_owned(), outcome.score),
        ]);
        let mut verdicts: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
        for (check, held) in wanted.checks.iter().zip(&outcome.held) {
            let name = check.name();
            let (words, verdict): (&[&str], _) = match (held, read) {
                (true, _) => (&["tp"], "exact"),
                (false, Some(_)) => (&["fp", "fn"], "wrong"),
                (false, None) => (&["fn"], "missing"),
            };
            for word in words {
                *parts.entry(format!("{word}:{name}")).or_insert(0.0) += 1.0;
            }
            let count = verdicts.entry(name).or_default().entry(verdict).or_default();
            *count = count.saturating_add(1);
        }
        let primary = match self.primary {
            Metric::CheckScore => outcome.score,
            _ => passed,
        };
        Some(Score { primary, parts, detail: json!(verdicts) })
    }

    /// Looks at the samples for the names of their checks.
    ///
    /// # Errors
    /// The rows cannot be read again.
    pub(crate) fn look_at(&mut self, samples: &Samples) -> Result<(), Problem> {
        for sample in samples.checked() {
            let Some(wanted) = Wanted::of(&sample?.expected) else { continue };
            for name in wanted.checks.iter().map(Check::name) {
                if self.names.len() < MOST_NAMES && !self.names.contains(&name) {
                    self.names.push(name);
                }
            }
        }
        Ok(())
    }
}

/// Whether a value of a row holds a check that can be judged and is more than a text that the answer
/// equals.
pub(crate) fn says_more(value: &Value) -> bool {
    let more = |written: &Value| {
        let plain = written.as_str().map(str::trim);
        Check::new(written).is_ok_and(|c| c.kind != Kind::Equals || c.text() != plain)
    };
    !matches!(value, Value::Number(_) | Value::Bool(_)) && written_in(value).iter().any(more)
}

/// The text in the one check of a value, where it has one.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match written_in(value).as_slice() {
        [one] => Check::new(one).ok()?.text().map(str::to_owned),
        _ => None,
    }
}

/// The checks in a value of a row: one, or a list of them, also where it is written as JSON.
pub(crate) fn written_in(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) => {
            let parsed = serde_json::from_str::<Value>(text).ok();
            let is_check = |value: &Value| value.get("type").is_some_and(Value::is_string);
            match parsed {
                Some(Value::Array(all)) if !all.is_empty() && all.iter().all(is_check) => all,
                Some(one) if is_check(&one) => vec![one],
                _ => vec![value.clone()],
            }
        }
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    }
}

/// The threshold of a row: a number in [0, 1], also as text.
fn threshold_in(row: &Fields) -> Result<Option<f64>, BadExpected> {
    let Some(text) = row.get(THRESHOLD).and_then(scalar).filter(|text| !text.trim().is_empty())
    else {
        return Ok(None);
    };
    match text.trim().parse::<f64>() {
        Ok(threshold) if (0.0..=1.0).contains(&threshold) => Ok(Some(threshold)),
        _ => Err(BadExpected::new(
            format!("`{THRESHOLD}` is `{text}`"),
            "write a number from 0 to 1: the score from which the row passes",
        )),
    }
}
