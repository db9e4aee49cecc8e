//! Classification: one label out of a list.
//!
//! **How an answer is read** (`answer.format: text`):
//! 1. white space around it is dropped; the rest is a label as it is written in the suite;
//! 2. else it is a label but for case, for `_`, `-` and spaces in each other's place, and for
//!    punctuation around it (`"Card Arrival."` is `card_arrival`). A difference in case alone is no
//!    repair, the others are;
//! 3. else exactly one label occurs in it as whole words, under the rules of 2; where one label
//!    contains another (`card payment`, `payment`), the longer one counts. This is a repair.
//!
//! Aliases (`aliases: {billing: [invoice]}`) are read like their label. With `answer.format: json`
//! the answer is an object with the axis as its key, or a JSON string; a fence or prose around it is
//! a repair; its value is read by rules 1 and 2 only.
//!
//! **Unparsed**: nothing fits, or two different labels are named. The reader does not understand
//! sentences: "not billing" names one label, and is read as it.
//!
//! **Scored** as right (1) or wrong (0). Metrics: accuracy, macro F1 (see
//! [`crate::metrics::classification`]).

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{BadExpected, Reading, Score, json_answer};
use crate::metrics::{Metric, Parts};
use crate::problem::{listed, nearest};

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 2] = [Metric::Accuracy, Metric::MacroF1];

/// A classification task.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// What is asked for: the key under `labels`.
    pub axis: String,
    /// The column with the right label.
    pub expected: String,
    /// The labels, in the suite's order.
    pub labels: Vec<Label>,
    /// Whether answers are JSON objects instead of bare labels.
    pub json: bool,
    /// The metric that headlines this task.
    pub primary: Metric,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name: what data and answers contain.
    pub name: String,
    /// What it means, for prompts.
    pub help: Option<String>,
    /// Further words that are read as this label.
    pub aliases: Vec<String>,
}

impl Label {
    fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// Two words of a label list that a reader cannot tell apart, if there are any.
pub(crate) fn indistinct(labels: &[Label]) -> Option<(String, String)> {
    let mut seen: Vec<(String, usize, &str)> = Vec::new();
    for (i, label) in labels.iter().enumerate() {
        for word in label.words() {
            let key = key(word);
            if let Some((_, _, other)) = seen.iter().find(|(k, j, _)| *k == key && *j != i) {
                return Some(((*other).to_owned(), word.to_owned()));
            }
            seen.push((key, i, word));
        }
    }
    None
}

impl Classification {
    pub(super) fn reader(&self) -> &'static str {
        if self.json { "json" } else { "text" }
    }

    pub(super) fn label_names(&self) -> Vec<String> {
        self.labels.iter().map(|l| l.name.clone()).collect()
    }

    /// `- label: what it means`, a line each: `labels_help` in prompts.
    pub(crate) fn labels_help(&self) -> String {
        let line = |l: &Label| match &l.help {
            Some(help) => format!("- {}: {help}", l.name),
            None => format!("- {}", l.name),
        };
        self.labels.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The label of a row: text as it stands in the list, or a number or truth value whose text
    /// does.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let label = match row.get(column) {
            None => return Err(BadExpected::absent(column)),
            Some(Value::String(text)) if text.is_empty() => {
                let message = format!("the column `{column}` is empty");
                return Err(BadExpected::new(message, "write a label, or remove the row"));
            }
            Some(Value::String(text)) => text.clone(),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string(),
            Some(other) => {
                let message = format!("`{column}` is {other}, no label");
                return Err(BadExpected::new(message, "write one label as text"));
            }
        };
        if self.labels.iter().any(|l| l.name == label) {
            return Ok(label.into());
        }
        let names = || self.labels.iter().map(|l| l.name.as_str());
        let message = format!("`{label}` in the column `{column}` is none of the labels");
        let remedy = match nearest(&label, names()) {
            Some(near) => format!("did you mean `{near}`? The labels are {}", listed(names())),
            None => format!("the labels are {}", listed(names())),
        };
        Err(BadExpected::new(message, remedy))
    }

    pub(super) fn schema(&self) -> Option<Value> {
        self.json.then(|| {
            json!({
                "type": "object",
                "properties": {&self.axis: {"type": "string", "enum": self.label_names()}},
                "required": [&self.axis],
                "additionalProperties": false,
            })
        })
    }

    pub(super) fn write(&self, expected: &Value) -> String {
        if self.json {
            json!({&self.axis: expected}).to_string()
        } else {
            expected.as_str().unwrap_or_default().to_owned()
        }
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        if self.json { self.read_json(text) } else { self.read_text(text) }
    }

    fn read_text(&self, text: &str) -> Reading {
        let found = match self.whole(text) {
            Some(found) => Ok(found),
            None => self.in_prose(text).map(|label| (label, true)),
        };
        match found {
            Ok((label, repaired)) => Reading {
                value: Some(label.name.clone().into()),
                reader: "text",
                repaired,
                schema_valid: None,
                why: None,
            },
            Err(why) => Reading::nothing("text", why),
        }
    }

    fn read_json(&self, text: &str) -> Reading {
        let nothing =
            |why: String| Reading { schema_valid: Some(false), ..Reading::nothing("json", why) };
        let mut found: Option<(&Label, bool)> = None;
        let mut not_a_label = None;
        let answer = json_answer::find(text, |value| self.value_in(value).is_some());
        for value in &answer.values {
            let Some(named) = self.value_in(value) else {
                continue;
            };
            match (self.whole(named), found) {
                (Some((label, _)), Some((other, _))) if label.name != other.name => {
                    return nothing(format!("two labels: `{}` and `{}`", other.name, label.name));
                }
                (Some(_), Some(_)) => {}
                (Some(label), None) => found = Some(label),
                (None, _) => not_a_label = Some(named.to_owned()),
            }
        }
        match (found, not_a_label) {
            (Some((label, repaired)), _) => Reading {
                value: Some(label.name.clone().into()),
                reader: "json",
                repaired: repaired || answer.repaired,
                schema_valid: Some(
                    !answer.repaired && answer.values == [json!({&self.axis: label.name})],
                ),
                why: None,
            },
            (None, Some(named)) => nothing(format!("`{named}` is no label of the suite")),
            (None, None) => nothing(format!("no JSON object with the key `{}`", self.axis)),
        }
    }

    fn value_in<'v>(&self, value: &'v Value) -> Option<&'v str> {
        match value {
            Value::String(text) => Some(text),
            object => object.get(&self.axis)?.as_str(),
        }
    }

    /// The label that the whole text is (rules 1 and 2), and whether that took a repair.
    fn whole(&self, text: &str) -> Option<(&Label, bool)> {
        let text = text.trim();
        if let Some(label) = self.labels.iter().find(|l| l.words().any(|w| w == text)) {
            return Some((label, false));
        }
        let lower = text.to_lowercase();
        if let Some(label) =
            self.labels.iter().find(|l| l.words().any(|w| w.to_lowercase() == lower))
        {
            return Some((label, false));
        }
        let key = key(text);
        let same = |l: &&Label| !key.is_empty() && l.words().any(|w| self::key(w) == key);
        self.labels.iter().find(same).map(|label| (label, true))
    }

    /// The only label that occurs in a text (rule 3).
    fn in_prose(&self, text: &str) -> Result<&Label, String> {
        let folded = fold(text);
        let mut hits: Vec<(std::ops::Range<usize>, &Label)> = Vec::new();
        for label in &self.labels {
            for word in label.words() {
                let key = key(word);
                hits.extend(occurrences(&folded, &key).map(|at| (at, label)));
            }
        }
        // From left to right, the longer one first: a hit that ends before an earlier one does lies
        // within it.
        hits.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
        let mut named: Vec<&Label> = Vec::new();
        let mut covered = 0;
        for (at, label) in hits {
            if at.end > covered {
                covered = at.end;
                named.push(label);
            }
        }
        named.dedup_by(|a, b| a.name == b.name);
        match named.as_slice() {
            [] if text.trim().is_empty() => Err("the answer is empty".to_owned()),
            [] => Err("no label of the suite occurs in the answer".to_owned()),
            [one] => Ok(one),
            [one, other, ..] => {
                Err(format!("two labels are named: `{}` and `{}`", one.name, other.name))
            }
        }
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let truth = expected.as_str()?;
        let predicted = read.and_then(Value::as_str);
        let right = predicted == Some(truth);
        let correct = if right { 1.0 } else { 0.0 };
        let mut parts = Parts::from([
            ("n".to_owned(), 1.0),
            ("correct".to_owned(), correct),
            ("labels".to_owned(), self.labels.len() as f64),
        ]);
        if right {
            parts.insert(format!("tp:{truth}"), 1.0);
        } else {
            parts.insert(format!("fn:{truth}"), 1.0);
            if let Some(wrong) = predicted {
                parts.insert(format!("fp:{wrong}"), 1.0);
            }
        }
        // Both metrics of the kind see a single sample as right or wrong.
        let detail = json!({"expected": truth, "predicted": predicted});
        Some(Score { primary: correct, parts, detail })
    }
}

/// Lower case, with runs of white space, `_` and `-` as one space.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars() {
        if c.is_whitespace() || c == '_' || c == '-' {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A folded text without what is no letter or digit at its ends; the folded text itself where
/// nothing would be left (a label `+`).
pub(crate) fn key(text: &str) -> String {
    let folded = fold(text);
    match folded.trim_matches(|c: char| !c.is_alphanumeric()) {
        "" => folded.trim().to_owned(),
        inner => inner.to_owned(),
    }
}

/// Where `word` occurs in `text` with no letter or digit beside it.
fn occurrences<'t>(
    text: &'t str,
    word: &'t str,
) -> impl Iterator<Item = std::ops::Range<usize>> + 't {
    let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let at = (!word.is_empty()).then(|| text.match_indices(word)).into_iter().flatten();
    at.map(|(start, hit)| start..start.saturating_add(hit.len())).filter(move |at| {
        let before = text.get(..at.start).and_then(|s| s.chars().next_back());
        let after = text.get(at.end..).and_then(|s| s.chars().next());
        !touches(before) && !touches(after)
    })
}

#[cfg(test)]
#[path = "classification_tests.rs"]
mod tests;
