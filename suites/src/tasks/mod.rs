//! Task kinds: how an answer is written, read and scored. One file a kind.

mod accepted;
pub mod checks;
pub(crate) mod citations;
pub mod classification;
mod compare;
pub mod extraction;
pub mod faq;
mod finder;
mod json_answer;
mod list;
mod money;
mod pattern;
pub mod pii;
mod reading;
pub mod reasoning;
pub mod summarization;
mod thoughts;
pub mod tool_use;
pub mod tools;

use rightsize_providers::{Fields, Finish, Response};
use serde_json::Value;

pub use checks::Checks;
pub use classification::{Axis, Classification};
pub use extraction::Extraction;
pub use faq::Faq;
pub use finder::Finder;
pub use pattern::Pattern;
pub use pii::Pii;
pub use reading::{BESIDE, Reading, counted};
pub use reasoning::Reasoning;
pub use summarization::Summarization;
pub use tool_use::ToolUse;

use crate::metrics::{Measure, Metric, Parts};
use crate::sample::Sample;

/// Version of the scoring rules; raised whenever a rule of reading or scoring changes, so that
/// scores of different rules are never compared.
pub const SCORING_VERSION: u32 = 1;

/// What is asked of a model, and how its answers are judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Labels out of lists, on one axis or on several.
    Classification(Classification),
    /// Values of named fields.
    Extraction(Extraction),
    /// Personal data in a text.
    Pii(Pii),
    /// A short answer in words.
    Faq(Faq),
    /// A shorter text that says the same.
    Summarization(Summarization),
    /// A final answer at the end of a chain of thought.
    Reasoning(Reasoning),
    /// Calls of tools.
    ToolUse(ToolUse),
    /// Answers that must have what the row's checks ask for.
    Checks(Checks),
}

/// The score of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The sample's share of the primary metric, in [0, 1]. Where that metric is no mean of samples
    /// it is the nearest thing that a single sample has: right or wrong for macro F1, the
    /// document's own F1 for field F1.
    pub primary: f64,
    /// Additive statistics, from which [`Metric::finish`] makes every metric of the task.
    pub parts: Parts,
    /// Verdicts, in the task's own shape.
    pub detail: Value,
}

/// A score could not be computed, by our own fault; never the model's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sample `{sample}` cannot be scored: {message}")]
pub struct ScoringError {
    /// The sample.
    pub sample: String,
    /// What is wrong.
    pub message: String,
}

/// Why a row's expected answer is none.
#[derive(Debug)]
pub(crate) struct BadExpected {
    pub message: String,
    pub remedy: Option<String>,
}

impl BadExpected {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        BadExpected { message: message.into(), remedy: Some(remedy.into()) }
    }

    /// The row lacks the column, though other rows have it.
    fn absent(column: &str) -> Self {
        let message = format!("the row has no column `{column}`, which holds what is expected");
        BadExpected::new(message, "add it, or remove the row")
    }
}

impl Task {
    /// The word of `task` in the suite's YAML.
    pub fn kind(&self) -> &'static str {
        match self {
            Task::Classification(_) => "classification",
            Task::Extraction(_) => "extraction",
            Task::Pii(_) => "pii",
            Task::Faq(_) => "faq",
            Task::Summarization(_) => "summarization",
            Task::Reasoning(_) => "reasoning",
            Task::ToolUse(_) => "tool_use",
            Task::Checks(_) => "checks",
        }
    }

    /// A perfect answer: what the oracle baseline, few-shot examples and the property
    /// `score(read(write_expected(sample))) = 1` stand on.
    pub fn write_expected(&self, sample: &Sample) -> Response {
        match self {
            Task::ToolUse(task) => task.write_expected(&sample.expected),
            _ => Response { text: self.write(&sample.expected), ..Response::default() },
        }
    }

    /// The text of a perfect answer, where `expected` is expected.
    pub(crate) fn write(&self, expected: &Value) -> String {
        match self {
            Task::Classification(task) => task.write(expected),
            Task::Extraction(task) => task.write(expected),
            Task::Pii(task) => task.write(expected),
            Task::Faq(task) => task.write(expected),
            Task::Summarization(task) => task.write(expected),
            Task::Reasoning(task) => task.write(expected),
            Task::ToolUse(task) => task.write(expected),
            Task::Checks(task) => task.write(expected),
        }
    }

    /// Reads an answer. A refused or filtered answer is not read at all.
    pub fn read(&self, response: &Response) -> Reading {
        if matches!(response.finish, Finish::Refusal | Finish::Filtered) {
            return Reading::nothing(
                self.reader(),
                "the model declined, or a filter cut the answer",
            );
        }
        match self {
            Task::Classification(task) => task.read(&response.text),
            Task::Extraction(task) => task.read(&response.text),
            Task::Pii(task) => task.read(&response.text),
            Task::Faq(task) => task.read(&response.text),
            Task::Summarization(task) => task.read(&response.text),
            Task::Reasoning(task) => task.read(&response.text, response.finish),
            Task::ToolUse(task) => task.read(response),
            Task::Checks(task) => task.read(&response.text),
        }
    }

    /// Scores what was read. A reading of nothing scores 0 and has the statistics of "nothing
    /// right".
    ///
    /// # Errors
    /// When the sample's expected answer has not the shape of this task: it is of another suite.
    pub fn score(&self, reading: &Reading, sample: &Sample) -> Result<Score, ScoringError> {
        let score = match self {
            Task::Classification(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Extraction(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Pii(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Faq(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Summarization(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Reasoning(task) => task.score(reading, &sample.expected),
            Task::ToolUse(task) => task.score(reading.value.as_ref(), &sample.expected),
            Task::Checks(task) => task.score(reading.value.as_ref(), &sample.expected),
        };
        score.ok_or_else(|| ScoringError {
            sample: sample.id.clone(),
            message: format!(
                "its expected answer is none of the task `{}`: it belongs to another suite",
                self.kind()
            ),
        })
    }

    /// The task, where it is a classification.
    pub(crate) fn as_classification(&self) -> Option<&Classification> {
        match self {
            Task::Classification(task) => Some(task),
            Task::Extraction(_)
            | Task::Pii(_)
            | Task::Faq(_)
            | Task::Summarization(_)
            | Task::Reasoning(_)
            | Task::ToolUse(_)
            | Task::Checks(_) => None,
        }
    }

    /// The label axes; empty for other kinds than classification.
    pub fn axes(&self) -> &[Axis] {
        self.as_classification().map_or(&[], |task| &task.axes)
    }

    /// The labels in the suite's order, where every sample has one of them; empty for several label
    /// axes or label sets (see [`Task::axes`]), and for other kinds than classification.
    pub fn labels(&self) -> Vec<String> {
        self.as_classification().map(Classification::label_names).unwrap_or_default()
    }

    /// The labels of a sample as people name them: `AXIS: LABEL` where there are several axes, and
    /// `(none)` for an empty set of labels. Empty for other kinds than classification.
    pub fn labels_of(&self, sample: &Sample) -> Vec<String> {
        let task = self.as_classification();
        task.map(|task| task.names_in(&sample.expected)).unwrap_or_default()
    }

    /// What is scored of an extraction, in the suite's order: the names of its fields, and
    /// `LIST.COLUMN` for the columns of a list of objects. Of checks, their names. Empty for other
    /// kinds.
    pub fn fields(&self) -> Vec<String> {
        match self {
            Task::Extraction(task) => task.scored_names(),
            Task::Checks(task) => task.names.clone(),
            Task::Classification(_)
            | Task::Pii(_)
            | Task::Faq(_)
            | Task::Summarization(_)
            | Task::Reasoning(_)
            | Task::ToolUse(_) => Vec::new(),
        }
    }

    /// The metric that headlines the task.
    pub fn primary(&self) -> Measure {
        let metric = match self {
            Task::Classification(task) => return task.primary.clone(),
            Task::Extraction(task) => task.primary,
            Task::Pii(task) => task.primary,
            Task::Faq(task) => task.primary,
            Task::Summarization(task) => task.primary,
            Task::Reasoning(task) => task.primary,
            Task::ToolUse(task) => task.primary,
            Task::Checks(task) => task.primary,
        };
        metric.into()
    }

    /// The metrics of the kind, the primary one first.
    pub fn metrics(&self) -> Vec<Measure> {
        let of_kind = |metrics: &[Metric]| metrics.iter().copied().map(Measure::from).collect();
        let all: Vec<Measure> = match self {
            Task::Classification(task) => task.metrics(),
            Task::Extraction(_) => of_kind(&extraction::METRICS),
            Task::Pii(_) => of_kind(&pii::METRICS),
            Task::Faq(task) => of_kind(task.all_metrics()),
            Task::Summarization(_) => of_kind(&summarization::METRICS),
            Task::Reasoning(task) => task.metrics(),
            Task::ToolUse(_) => of_kind(&tool_use::METRICS),
            Task::Checks(_) => of_kind(&checks::METRICS),
        };
        let others = all.into_iter().filter(|m| *m != self.primary());
        std::iter::once(self.primary()).chain(others).collect()
    }

    /// The columns that hold expected answers: no prompt may see them.
    pub fn expected_columns(&self) -> Vec<&str> {
        match self {
            Task::Classification(task) => task.axes.iter().map(|a| a.expected.as_str()).collect(),
            Task::Extraction(task) => task.fields.iter().map(|f| f.expected.as_str()).collect(),
            Task::Pii(task) => vec![&task.expected],
            Task::Faq(task) => task.expected_columns(),
            Task::Summarization(task) => vec![&task.expected],
            Task::Reasoning(task) => vec![&task.expected],
            Task::ToolUse(task) => vec![&task.expected],
            Task::Checks(task) => task.expected_columns(),
        }
    }

    /// The expected answer of a row, in the task's shape.
    pub(crate) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        match self {
            Task::Classification(task) => task.expected_in(row),
            Task::Extraction(task) => task.expected_in(row),
            Task::Pii(task) => task.expected_in(row),
            Task::Faq(task) => task.expected_in(row),
            Task::Summarization(task) => task.expected_in(row),
            Task::Reasoning(task) => task.expected_in(row),
            Task::ToolUse(task) => task.expected_in(row),
            Task::Checks(task) => task.expected_in(row),
        }
    }

    /// What prompts may use beside the columns of a row.
    pub(crate) fn prompt_variables(&self) -> Fields {
        let mut variables = Fields::new();
        match self {
            Task::Classification(task) => {
                variables.insert("labels".to_owned(), task.labels());
                variables.insert("labels_help".to_owned(), task.labels_help().into());
            }
            Task::Extraction(task) => {
                variables.insert("fields".to_owned(), task.field_names().into());
            }
            Task::Pii(task) => {
                variables.insert("types".to_owned(), task.types.clone().into());
            }
            Task::ToolUse(task) => {
                variables.insert("tools".to_owned(), task.tools_text().into());
            }
            Task::Faq(_) | Task::Summarization(_) | Task::Reasoning(_) | Task::Checks(_) => {}
        }
        variables
    }

    /// Most tokens of an answer where the suite does not say: room for the answer and for some
    /// prose around it.
    pub(crate) fn default_max_tokens(&self) -> u32 {
        match self {
            Task::Classification(task) => task.max_tokens(),
            Task::Extraction(_) | Task::Pii(_) | Task::Checks(_) => 512,
            Task::Faq(_) => 64,
            Task::Summarization(_) | Task::ToolUse(_) => 256,
            Task::Reasoning(_) => 1024,
        }
    }

    /// The tools that are given to a model as such, in the form of OpenAI's `tools`.
    pub fn offered_tools(&self) -> Vec<Value> {
        match self {
            Task::ToolUse(task) => task.offered(),
            _ => Vec::new(),
        }
    }

    /// The JSON Schema of an answer; `None` where answers are plain text.
    pub fn schema(&self) -> Option<Value> {
        match self {
            Task::Classification(task) => task.schema(),
            Task::Extraction(task) => Some(task.schema()),
            Task::Pii(task) => Some(task.schema()),
            Task::Faq(_)
            | Task::Summarization(_)
            | Task::Reasoning(_)
            | Task::ToolUse(_)
            | Task::Checks(_) => None,
        }
    }

    /// The name of the reader of this task's answers.
    pub fn reader(&self) -> &'static str {
        match self {
            Task::Classification(task) => task.reader(),
            Task::Extraction(_) | Task::Pii(_) => "json",
            Task::Faq(_) => "span",
            Task::Summarization(_) | Task::Checks(_) => "text",
            Task::Reasoning(task) => task.reader(),
            Task::ToolUse(task) => task.reader(),
        }
    }
}
