//! One axis of a classification: what is asked for, and the labels that answer it.

use rightsize_providers::Fields;
use serde_json::{Value, json};

use crate::metrics::Metric;
use crate::problem::{brief, listed, nearest};
use crate::tasks::BadExpected;

/// One thing that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The key under `labels`.
    pub name: String,
    /// The column with the right label, or with the right labels.
    pub expected: String,
    /// The labels, in the suite's order.
    pub labels: Vec<Label>,
    /// Whether a sample has any number of labels instead of one.
    pub multiple: bool,
    /// The label of what belongs to none of the others.
    pub out_of_scope: Option<String>,
    /// Whether the order of the labels is one of degrees, so that a near label is less wrong.
    pub ordinal: bool,
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
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Axis {
    /// The names of the labels, in the suite's order.
    pub fn label_names(&self) -> Vec<String> {
        self.labels.iter().map(|l| l.name.clone()).collect()
    }

    /// The place of a label in the list.
    pub(super) fn rank(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|l| l.name == label)
    }

    /// The metrics of this axis, the main one first.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        if self.multiple {
            return vec![
                Metric::SubsetAccuracy,
                Metric::MicroF1,
                Metric::MacroF1,
                Metric::Jaccard,
                Metric::HammingAccuracy,
            ];
        }
        let mut metrics = vec![Metric::Accuracy, Metric::MacroF1];
        if self.ordinal {
            metrics.push(Metric::RankScore);
        }
        if self.out_of_scope.is_some() {
            metrics.extend([
                Metric::InScopeAccuracy,
                Metric::OutOfScopeRecall,
                Metric::OutOfScopePrecision,
            ]);
        }
        metrics
    }

    /// `- label: what it means`, a line each.
    pub(super) fn help(&self) -> String {
        let line = |l: &Label| match &l.help {
            Some(help) => format!("- {}: {help}", l.name),
            None => format!("- {}", l.name),
        };
        self.labels.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The JSON Schema of this axis in an answer.
    pub(super) fn schema(&self) -> Value {
        let label = json!({"type": "string", "enum": self.label_names()});
        if self.multiple {
            json!({"type": "array", "items": label, "maxItems": self.labels.len()})
        } else {
            label
        }
    }

    /// Whether a value is what [`Axis::schema`] asks for.
    pub(super) fn is_exact(&self, value: &Value) -> bool {
        let named = |value: &Value| value.as_str().is_some_and(|l| self.rank(l).is_some());
        match value {
            Value::Array(labels) if self.multiple => {
                labels.len() <= self.labels.len() && labels.iter().all(named)
            }
            value => !self.multiple && named(value),
        }
    }

    /// The label of a row, or its list of labels.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        let value = row.get(&self.expected).ok_or_else(|| BadExpected::absent(&self.expected))?;
        if self.multiple { self.expected_set(value) } else { self.expected_label(value) }
    }

    /// Text as it stands in the list, or a number or truth value whose text does.
    fn expected_label(&self, value: &Value) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let label = match value {
            Value::String(text) if text.is_empty() => {
                let message = format!("the column `{column}` is empty");
                return Err(BadExpected::new(message, "write a label, or remove the row"));
            }
            Value::String(text) => text.clone(),
            scalar @ (Value::Number(_) | Value::Bool(_)) => scalar.to_string(),
            other => {
                let message = format!("`{column}` is {}, no label", brief(other));
                return Err(BadExpected::new(message, "write one label as text"));
            }
        };
        self.known(&label).map(Value::from)
    }

    /// The label itself, where it is one of the list.
    pub(super) fn known<'l>(&self, label: &'l str) -> Result<&'l str, BadExpected> {
        if self.rank(label).is_some() {
            return Ok(label);
        }
        let names = || self.labels.iter().map(|l| l.name.as_str());
        let message = format!("`{label}` in the column `{}` is none of the labels", self.expected);
        let remedy = match nearest(label, names()) {
            Some(near) => format!("did you mean `{near}`? The labels are {}", listed(names())),
            None => format!("the labels are {}", listed(names())),
        };
        Err(BadExpected::new(message, remedy))
    }
}
