//! Baselines: classical methods that answer samples without a language model, for nothing and in
//! no time. They say what a model's score is worth: one that a linear model reaches needs no
//! language model, one below `majority` is worse than no thought at all.
//!
//! A baseline is no provider: it sees samples and the train split. Its answers are written as text
//! and go through the same [`Task::read`] and [`Task::score`] as any model's. Every answer depends
//! on method, suite, seed and sample alone, never on the order of samples, on threads or on time.

mod input;
mod lbfgs;
mod linear;
mod majority;
mod nearest;
mod oracle;
mod pattern;
mod random;
mod regression;
mod tfidf;

use std::fmt;

use rightsize_providers::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sample::Sample;
use crate::suite::Suite;
use crate::tasks::{Classification, Task};
use input::Input;
use linear::Classifier;
use nearest::Nearest;

/// Why a method that draws or fits labels has no answers to other tasks, and the remedy.
const NO_LABELS: (&str, &str) = (
    "it chooses among labels, which only classification has",
    "use `nearest`, or leave it out of this suite",
);

/// How a baseline finds its answers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The expected answer itself: whatever it scores below 1 is a fault of the suite or of ours.
    Oracle,
    /// The commonest answer of the train split, for every sample.
    Majority,
    /// A label drawn at random, each as probable as the others.
    Random,
    /// The answer of the train row whose text is nearest: cosine of TF-IDF.
    Nearest,
    /// The label that a logistic regression on TF-IDF, fitted on the train split, finds most
    /// probable.
    Linear,
    /// What the suite's own regular expressions find.
    Pattern,
}

impl Method {
    /// All methods.
    pub const ALL: [Method; 6] = [
        Method::Oracle,
        Method::Majority,
        Method::Random,
        Method::Nearest,
        Method::Linear,
        Method::Pattern,
    ];

    /// Its word in files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Method::Oracle => "oracle",
            Method::Majority => "majority",
            Method::Random => "random",
            Method::Nearest => "nearest",
            Method::Linear => "linear",
            Method::Pattern => "pattern",
        }
    }

    /// What decides this method's answers to a suite, beside seed, sample and train split; null for
    /// methods that nothing else decides.
    pub fn parameters(self, suite: &Suite) -> Value {
        match self {
            Method::Oracle
            | Method::Majority
            | Method::Random
            | Method::Nearest
            | Method::Linear => Value::Null,
            Method::Pattern => json!(pattern::patterns(&suite.task)),
        }
    }

    /// Whether this method can answer a suite.
    ///
    /// # Errors
    /// Why it cannot: see [`Unfit`].
    pub fn check(self, suite: &Suite) -> Result<(), Unfit> {
        match self.objection(suite, &Input::of(suite)) {
            None => Ok(()),
            Some(objection) => Err(self.unfit(suite, objection)),
        }
    }

    fn unfit(self, suite: &Suite, (why, remedy): (&str, &str)) -> Unfit {
        Unfit {
            method: self,
            suite: suite.name.clone(),
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    /// Why this method has no answers for a suite, and the remedy.
    fn objection(self, suite: &Suite, input: &Input) -> Option<(&'static str, &'static str)> {
        if self == Method::Pattern && pattern::patterns(&suite.task).is_empty() {
            return Some(match suite.task {
                Task::Extraction(_) | Task::Pii(_) => (
                    "it finds values by regular expressions, and the suite has none",
                    "write `pattern: '...'` beside a field or a type in the suite's file",
                ),
                _ => (
                    "it finds values by regular expressions, which only extraction and pii have",
                    "leave it out of this suite",
                ),
            });
        }
        let needs_labels = matches!(self, Method::Random | Method::Linear);
        if needs_labels && suite.task.axes().is_empty() {
            return Some(NO_LABELS);
        }
        if self == Method::Linear && suite.task.axes().iter().any(|axis| axis.multiple) {
            return Some((
                "it finds one label on an axis, and a sample of this suite has any number of them",
                "use `nearest`, or leave it out of this suite",
            ));
        }
        let repeats_train = matches!(self, Method::Majority | Method::Nearest);
        if let Task::Checks(task) = &suite.task {
            if repeats_train {
                return Some((
                    "it repeats an answer of the train split, and checks are no answers",
                    "leave it out of this suite",
                ));
            }
            if self == Method::Oracle && suite.samples.iter().any(|s| task.has_no_answer(&s)) {
                return Some((
                    "it says the expected answer, and the checks of some sample say too little for \
                     one to be made",
                    "leave it out of this suite",
                ));
            }
        }
        if repeats_train && matches!(suite.task, Task::Pii(_)) {
            return Some((
                "it repeats an answer of the train split, and places of personal data in one text \
                 say nothing of another",
                "leave it out of this suite",
            ));
        }
        let learns = repeats_train || self == Method::Linear;
        if learns && suite.train.is_empty() {
            return Some((
                "it learns from the train split, and there is none",
                "name rows with expected answers under `data.train` in the suite's file",
            ));
        }
        let reads = matches!(self, Method::Nearest | Method::Linear);
        if reads && !suite.train.iter().any(|s| tfidf::has_terms(&input.text(&s))) {
            return Some((
                "the columns that the prompt shows hold no word of two or more letters in any \
                 train row",
                "check that the train rows have the columns of the prompt, as text",
            ));
        }
        None
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A method has no answers for a suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the baseline `{method}` cannot answer the suite `{suite}`: {why}\n  help: {remedy}")]
pub struct Unfit {
    /// The method.
    pub method: Method,
    /// The suite's name.
    pub suite: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// A method that is ready to answer the samples of one suite.
///
/// ```
/// use rightsize_suites::Suite;
/// use rightsize_suites::baselines::{Baseline, Method};
///
/// let suite = Suite::load("catalog:support-triage", ".".as_ref())?;
/// let baseline = Baseline::fit(Method::Oracle, &suite, 7)?;
/// let sample = suite.samples.first().ok_or("a suite has samples")?;
/// let reading = suite.task.read(&baseline.answer(&sample));
/// assert_eq!(suite.task.score(&reading, &sample)?.primary, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Baseline {
    input: Input,
    fitted: Fitted,
}

#[derive(Debug, Clone)]
enum Fitted {
    Oracle(Task),
    Majority { answer: String },
    Random { task: Classification, seed: u64 },
    Nearest(Nearest),
    Linear(Classifier),
    Pattern(Task),
}

impl Baseline {
    /// Learns what the method needs of the suite's train split. Only `linear` takes noticeable
    /// time: seconds for ten thousand rows, on at most two threads. `seed` matters to `random`
    /// alone.
    ///
    /// # Errors
    /// The method has no answers for this suite: see [`Unfit`].
    pub fn fit(method: Method, suite: &Suite, seed: u64) -> Result<Baseline, Unfit> {
        method.check(suite)?;
        let input = Input::of(suite);
        let task = &suite.task;
        let labels = task.as_classification().ok_or_else(|| method.unfit(suite, NO_LABELS));
        let fitted = match method {
            Method::Oracle => Fitted::Oracle(task.clone()),
            Method::Majority => Fitted::Majority { answer: majority::answer(task, &suite.train) },
            Method::Random => Fitted::Random { task: labels?.clone(), seed },
            Method::Nearest => Fitted::Nearest(Nearest::fit(task, &suite.train, &input)),
            Method::Linear => Fitted::Linear(Classifier::fit(labels?, &suite.train, &input)),
            Method::Pattern => Fitted::Pattern(task.clone()),
        };
        Ok(Baseline { input, fitted })
    }

    /// The answer to a sample of the suite that this was fitted on, to be read and scored like any
    /// other. Only `oracle` looks at the sample's expected answer.
    pub fn answer(&self, sample: &Sample) -> Response {
        self.answer_repeat(sample, 0)
    }

    /// The answer to a repeat of a sample, from 0: `random` draws anew, all others say the same
    /// again.
    pub fn answer_repeat(&self, sample: &Sample, repeat: u32) -> Response {
        let text = match &self.fitted {
            Fitted::Oracle(task) => return oracle::answer(task, sample),
            Fitted::Majority { answer } => answer.clone(),
            Fitted::Random { task, seed } => {
                task.write(&random::labels(task, *seed, &sample.id, repeat))
            }
            Fitted::Nearest(nearest) => nearest.answer(&self.input.text(sample)).to_owned(),
            Fitted::Linear(classifier) => classifier.answer(&self.input.text(sample)),
            Fitted::Pattern(task) => pattern::answer(task, sample, &self.input),
        };
        Response { text, ..Response::default() }
    }
}
