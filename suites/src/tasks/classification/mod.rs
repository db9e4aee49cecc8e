//! Classification: labels out of lists, on one axis or on several.
//!
//! **How an answer is read** (`answer.format: text`, which one axis can have):
//! 1. white space around it is dropped; the rest is a label as it is written in the suite;
//! 2. else it is a label but for case, for `_`, `-` and spaces in each other's place, and for
//!    punctuation around it (`"Card Arrival."` is `card_arrival`). A difference in case alone is no
//!    repair, the others are;
//! 3. else exactly one label occurs in it as whole words, under the rules of 2; where one label
//!    contains another (`card payment`, `payment`), the longer one counts. This is a repair.
//!
//! Aliases (`aliases: {billing: [invoice]}`) are read like their label. With `answer.format: json`
//! the answer is an object with the axes as its keys; one axis can also be answered by the JSON
//! string alone. A fence or prose around it is a repair; its values are read by rules 1 and 2 only.
//! Axes with any number of labels are read as `multiple.rs` says.
//!
//! **Unparsed**: nothing fits, or two different labels are named. The reader does not understand
//! sentences: "not billing" names one label, and is read as it. Of several axes one that is missing
//! or unreadable is wrong, and the others count; an answer in which no axis can be read is unparsed.
//!
//! **Scored** on each axis as right (1) or wrong (0); for sets of labels see
//! [`crate::metrics::multilabel`], for `out_of_scope` `metrics/scope.rs`. With `ordinal` the
//! rank score is 1 less the distance of the two labels in the list, as a share of the largest one.
//! Metrics of one axis stand by their own name, those of several behind `.AXIS`; several axes have
//! the accuracy as the mean over axes, and the exact match, where all axes are right.

mod axis;
mod multiple;
mod read;
mod score;

use rightsize_providers::Fields;
use serde_json::{Map, Value, json};

pub use axis::{Axis, Label};
pub(crate) use read::{indistinct, key};

use super::{BadExpected, Reading, Score, json_answer};
use crate::metrics::{Measure, Metric, Parts, measure};

/// A classification task.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// What is asked for, in the suite's order; never empty.
    pub axes: Vec<Axis>,
    /// Whether answers are JSON objects instead of bare labels; true where there are several axes.
    pub json: bool,
    /// The metric that headlines this task.
    pub primary: Measure,
}

impl Classification {
    /// A task that is headlined by its first metric.
    pub(crate) fn new(axes: Vec<Axis>, json: bool) -> Classification {
        let mut task = Classification { axes, json, primary: Metric::Accuracy.into() };
        if let Some(first) = task.metrics().into_iter().next() {
            task.primary = first;
        }
        task
    }

    /// The axis, where there is one only.
    fn only(&self) -> Option<&Axis> {
        match self.axes.as_slice() {
            [axis] => Some(axis),
            _ => None,
        }
    }

    /// All metrics, the default primary one first.
    pub(super) fn metrics(&self) -> Vec<Measure> {
        if let Some(axis) = self.only() {
            return axis.metrics().into_iter().map(Measure::from).collect();
        }
        let of_axis = |axis: &Axis| {
            let name = axis.name.clone();
            axis.metrics().into_iter().map(move |metric| Measure::of_axis(metric, &name))
        };
        let of_all = [Metric::Accuracy, Metric::ExactMatch].map(Measure::from);
        of_all.into_iter().chain(self.axes.iter().flat_map(of_axis)).collect()
    }

    /// The metric that `scoring.primary` names. With one axis `accuracy.AXIS` is `accuracy`.
    pub(crate) fn metric_named(&self, word: &str) -> Option<Measure> {
        let suffix = self.only().map(|axis| format!(".{}", axis.name));
        let word = suffix.and_then(|suffix| word.strip_suffix(&suffix)).unwrap_or(word);
        self.metrics().into_iter().find(|measure| measure.to_string() == word)
    }

    pub(super) fn reader(&self) -> &'static str {
        if self.json { "json" } else { "text" }
    }

    /// The labels of the only axis, where a sample has one of them.
    pub(super) fn label_names(&self) -> Vec<String> {
        self.only().filter(|axis| !axis.multiple).map(Axis::label_names).unwrap_or_default()
    }

    /// `labels` in prompts: the list of the only axis, or an object of lists.
    pub(super) fn labels(&self) -> Value {
        let list = |axis: &Axis| Value::from(axis.label_names());
        match self.only() {
            Some(axis) => list(axis),
            None => self.axes.iter().map(|axis| (axis.name.clone(), list(axis))).collect(),
        }
    }

    /// `labels_help` in prompts: `- label: what it means`, a line each, below the names of several
    /// axes.
    pub(super) fn labels_help(&self) -> String {
        match self.only() {
            Some(axis) => axis.help(),
            None => {
                let help = |axis: &Axis| format!("{}:\n{}", axis.name, axis.help());
                self.axes.iter().map(help).collect::<Vec<_>>().join("\n\n")
            }
        }
    }

    /// Most tokens of an answer: room for the labels of each axis and for some prose.
    pub(super) fn max_tokens(&self) -> u32 {
        let tokens = |axis: &Axis| if axis.multiple { 128 } else { 32_u32 };
        let labels = self.axes.iter().map(tokens).fold(0, u32::saturating_add);
        if self.json { labels.saturating_add(32) } else { labels }
    }

    /// A label, a list of labels, or an object of either by axis.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let Some(axis) = self.only() else {
            let of_axis = |axis: &Axis| Ok((axis.name.clone(), axis.expected_in(row)?));
            return self.axes.iter().map(of_axis).collect::<Result<_, _>>().map(Value::Object);
        };
        let expected = axis.expected_in(row)?;
        let empty = expected.as_array().is_some_and(Vec::is_empty);
        if empty && !self.json && !axis.has_none() {
            let message = format!("the row has no label in `{}`", axis.expected);
            let remedy = "`none` is a label of the list, so that no answer can say that there is \
                          none: write that label, or `answer: {format: json}`";
            return Err(BadExpected::new(message, remedy));
        }
        Ok(expected)
    }

    /// The labels of an expected answer as people name them, `AXIS: LABEL` where there are several
    /// axes; `(none)` for an empty set.
    pub(super) fn names_in(&self, expected: &Value) -> Vec<String> {
        let mut names = Vec::new();
        for (axis, expected) in self.by_axis(expected) {
            let labels: Vec<&str> = match expected {
                Value::Array(list) if list.is_empty() => vec!["(none)"],
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                label => label.as_str().into_iter().collect(),
            };
            let several = self.axes.len() > 1;
            let name = |label| if several { format!("{}: {label}", axis.name) } else { label };
            names.extend(labels.into_iter().map(str::to_owned).map(name));
        }
        names
    }

    /// The value of each axis in an answer of this task; those that it lacks are left out.
    fn by_axis<'v>(&self, answer: &'v Value) -> Vec<(&Axis, &'v Value)> {
        match self.only() {
            Some(axis) => vec![(axis, answer)],
            None => self.axes.iter().filter_map(|a| Some((a, answer.get(&a.name)?))).collect(),
        }
    }

    /// An answer of this task from the values of its axes.
    pub(crate) fn join(&self, mut by_axis: Map<String, Value>) -> Value {
        match self.only() {
            Some(axis) => by_axis.remove(&axis.name).unwrap_or_default(),
            None => by_axis.into(),
        }
    }

    /// The value of one axis in an answer of this task.
    pub(crate) fn on_axis<'v>(&self, axis: &Axis, answer: &'v Value) -> Option<&'v Value> {
        self.by_axis(answer).into_iter().find(|(a, _)| a.name == axis.name).map(|(_, v)| v)
    }

    pub(super) fn schema(&self) -> Option<Value> {
        let properties = |axis: &Axis| (axis.name.clone(), axis.schema());
        self.json.then(|| {
            json!({
                "type": "object",
                "properties": self.axes.iter().map(properties).collect::<Map<_, _>>(),
                "required": self.axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>(),
                "additionalProperties": false,
            })
        })
    }

    pub(crate) fn write(&self, expected: &Value) -> String {
        match self.only() {
            Some(axis) if self.json => json!({&axis.name: expected}).to_string(),
            Some(axis) if axis.multiple => axis.set_as_text(expected),
            Some(_) => expected.as_str().unwrap_or_default().to_owned(),
            None => expected.to_string(),
        }
    }

    pub(super) fn read(&self, text: &str) -> Reading {
        match self.only() {
            Some(axis) if !self.json => read_text(axis, text),
            _ => self.read_json(text),
        }
    }

    fn read_json(&self, text: &str) -> Reading {
        let found = |value: &Value| self.axes.iter().any(|a| self.value_in(a, value).is_some());
        let answer = json_answer::find(text, found);
        let mut read = Map::new();
        let mut repaired = answer.repaired;
        let mut why = None;
        for axis in &self.axes {
            let values = answer.values.iter().filter_map(|value| self.value_in(axis, value));
            match said(axis, values) {
                Ok(Some((value, repair))) => {
                    read.insert(axis.name.clone(), value);
                    repaired |= repair;
                }
                Ok(None) => {}
                Err(message) => {
                    why.get_or_insert(message);
                }
            }
        }
        if read.is_empty() {
            let keys = self.axes.iter().map(|axis| format!("`{}`", axis.name));
            let keys = keys.collect::<Vec<_>>().join(" or ");
            let why = why.unwrap_or_else(|| format!("no JSON object with the key {keys}"));
            return Reading { schema_valid: Some(false), ..Reading::nothing("json", why) };
        }
        let valid = match answer.values.as_slice() {
            [Value::Object(object)] => self.is_exact(object),
            _ => false,
        };
        Reading {
            repaired,
            schema_valid: Some(valid && !answer.repaired),
            ..Reading::of("json", Some(self.join(read)))
        }
    }

    /// Whether an object is what [`Classification::schema`] asks for.
    fn is_exact(&self, object: &Map<String, Value>) -> bool {
        let exact = |axis: &Axis| object.get(&axis.name).is_some_and(|v| axis.is_exact(v));
        object.len() == self.axes.len() && self.axes.iter().all(exact)
    }

    /// What a JSON value has for an axis, where it is a text, or a list where one is asked for. The
    /// only axis needs no object around it.
    fn value_in<'v>(&self, axis: &Axis, value: &'v Value) -> Option<&'v Value> {
        let value = match value {
            Value::Object(object) => object.get(&axis.name)?,
            bare => Some(bare).filter(|_| self.axes.len() == 1)?,
        };
        let fits = value.is_string() || (axis.multiple && value.is_array());
        fits.then_some(value)
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        if let Some(axis) = self.only() {
            let score = axis.score(read, expected)?;
            let primary = score.share(self.primary.metric);
            return Some(Score { primary, parts: score.parts, detail: score.detail });
        }
        let mut parts = Parts::from([("n".to_owned(), 1.0)]);
        let mut details = Map::new();
        let (mut right, mut of_primary) = (0.0, None);
        for axis in &self.axes {
            let read = read.and_then(|read| read.get(&axis.name));
            let score = axis.score(read, expected.get(&axis.name)?)?;
            right += score.correct();
            if self.primary.axis.as_ref() == Some(&axis.name) {
                of_primary = Some(score.share(self.primary.metric));
            }
            parts.extend(measure::parts_of_axis(&axis.name, score.parts));
            details.insert(axis.name.clone(), score.detail);
        }
        let axes = self.axes.len() as f64;
        let exact = if right == axes { 1.0 } else { 0.0 };
        parts.insert("correct".to_owned(), right / axes);
        parts.insert("exact".to_owned(), exact);
        let of_all = if self.primary == Metric::ExactMatch { exact } else { right / axes };
        let primary = of_primary.unwrap_or(of_all);
        Some(Score { primary, parts, detail: json!({"axes": details}) })
    }
}

fn read_text(axis: &Axis, text: &str) -> Reading {
    let found = if axis.multiple {
        axis.set_in(text)
    } else {
        axis.one_in(text).map(|(label, repaired)| (label.name.as_str().into(), repaired))
    };
    match found {
        Ok((value, repaired)) => Reading { repaired, ..Reading::of("text", Some(value)) },
        Err(why) => Reading::nothing("text", why),
    }
}

/// What the JSON values of an answer say on an axis, and whether that took a repair; `None` without
/// any value. One that is no label counts only where no other value names one.
fn said<'v>(
    axis: &Axis,
    values: impl Iterator<Item = &'v Value>,
) -> Result<Option<(Value, bool)>, String> {
    let mut found: Option<(Value, bool)> = None;
    let mut not_read = None;
    for value in values {
        let read = match value.as_str() {
            Some(text) if !axis.multiple => match axis.whole(text) {
                Some((label, repaired)) => Ok((Value::from(label.name.as_str()), repaired)),
                None => Err(format!("`{text}` is no label of the suite")),
            },
            _ => axis.set_of(value),
        };
        match (read, &found) {
            (Ok((value, _)), Some((other, _))) if value != *other => {
                return Err(match (other.as_str(), value.as_str()) {
                    (Some(one), Some(other)) => format!("two labels: `{one}` and `{other}`"),
                    _ => format!("two lists of labels: {other} and {value}"),
                });
            }
            (Ok(_), Some(_)) => {}
            (Ok(read), None) => found = Some(read),
            (Err(why), _) => not_read = Some(why),
        }
    }
    match (found, not_read) {
        (None, Some(why)) => Err(why),
        (found, _) => Ok(found),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_axes;
