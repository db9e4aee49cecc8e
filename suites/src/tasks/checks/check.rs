//! One check: the forms in which it is written, and the one form in which it is kept.
//!
//! ```text
//! contains: Paris                                 a text, as in a cell of a csv file
//! levenshtein(3): Paris                           a text with a threshold
//! Paris                                           a text that names no kind: the answer equals it
//! {type: not-regex, value: '\d', weight: 2}       a mapping
//! ```

use serde_json::{Map, Value, json};

use super::judge::{Judgement, Test};
use super::kind::{Kind, not_judged};
use crate::problem::{listed, nearest};
use crate::sample::scalar;
use crate::tasks::BadExpected;

/// The keys of the mapping form.
const KEYS: [&str; 5] = ["type", "value", "threshold", "weight", "metric"];

/// One thing that an answer must have, or must not have.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub kind: Kind,
    pub negated: bool,
    /// What it was made of.
    value: Value,
    threshold: Option<f64>,
    /// Its share in the score of its sample.
    pub weight: f64,
    /// The name under which it is counted, if not its kind.
    metric: Option<String>,
    pub test: Test,
}

impl Check {
    /// Reads a check in any of its forms.
    pub fn new(written: &Value) -> Result<Check, BadExpected> {
        match written {
            Value::Object(mapping) => Check::of_mapping(mapping),
            Value::String(text) => Check::of_text(text),
            other => match scalar(other) {
                Some(text) => Check::of(Kind::Equals, false, &Value::from(text)),
                None => Err(BadExpected::new(
                    format!("{other} is no check"),
                    "write a text such as `contains: Paris`, or a mapping with the key `type`",
                )),
            },
        }
    }

    fn of(kind: Kind, negated: bool, value: &Value) -> Result<Check, BadExpected> {
        Parts { kind, negated, value, threshold: None, weight: 1.0, metric: None }.check()
    }

    /// A text: a kind, perhaps with a threshold, a colon and a value; else what the answer equals.
    pub fn of_text(text: &str) -> Result<Check, BadExpected> {
        let text = text.trim();
        let equals = || Check::of(Kind::Equals, false, &Value::from(text));
        if text.starts_with("file://") {
            return Err(not_a_judge(text, text, ("it runs or reads another file", IN_PLACE)));
        }
        let head = text.split([':', '(', '\n']).next().unwrap_or(text);
        let (negated, word) = match head.strip_prefix("not-") {
            Some(word) => (true, word),
            None => (false, head),
        };
        let rest = text.get(head.len()..).unwrap_or_default();
        let Some(kind) = Kind::named(word) else {
            let reason = match not_judged(word) {
                // A label such as `cost` is a word like any other.
                Some(reason) if !rest.is_empty() || word.contains('-') => reason,
                _ if text.starts_with("trajectory:") => {
                    not_judged("trajectory:").unwrap_or_default()
                }
                _ => return equals(),
            };
            return Err(not_a_judge(head, text, reason));
        };
        let (threshold, value) = match threshold_of(rest) {
            Some(parted) => parted,
            None if rest.is_empty() && kind.needs_no_value() => (None, ""),
            None => return equals(),
        };
        let value = Value::from(value.trim());
        Parts { kind, negated, value: &value, threshold, weight: 1.0, metric: None }.check()
    }

    fn of_mapping(mapping: &Map<String, Value>) -> Result<Check, BadExpected> {
        if let Some(key) = mapping.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(BadExpected::new(
                format!("`{key}` is no key of a check"),
                format!("the keys are {}", listed(KEYS)),
            ));
        }
        let Some(word) = mapping.get("type").and_then(Value::as_str) else {
            return Err(BadExpected::new(
                format!("{} has no `type`", Value::Object(mapping.clone())),
                format!("name one: {}", listed(Kind::ALL.map(Kind::word))),
            ));
        };
        let (negated, plain) = match word.strip_prefix("not-") {
            Some(plain) => (true, plain),
            None => (false, word),
        };
        let kind = Kind::named(plain).ok_or_else(|| match not_judged(plain) {
            Some(reason) => not_a_judge(word, word, reason),
            None => BadExpected::new(
                format!("`{word}` is no kind of check"),
                match nearest(plain, Kind::ALL.map(Kind::word)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", listed(Kind::ALL.map(Kind::word))),
                },
            ),
        })?;
        let number = |key: &str| match mapping.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64().filter(|number| *number >= 0.0) {
                Some(number) => Ok(Some(number)),
                None => Err(BadExpected::new(
                    format!("the {key} of `{word}` is {value}, no number of 0 or more"),
                    format!("write a number, or leave `{key}` out"),
                )),
            },
        };
        let value = mapping.get("value").unwrap_or(&Value::Null);
        let metric = mapping.get("metric").and_then(scalar);
        let (threshold, weight) = (number("threshold")?, number("weight")?.unwrap_or(1.0));
        Parts { kind, negated, value, threshold, weight, metric }.check()
    }

    /// The one form in which a check is kept, which reads as the same check again.
    pub fn written(&self) -> Value {
        let mut mapping = Map::from_iter([("type".to_owned(), self.word().into())]);
        if !self.value.is_null() && self.value != "" {
            mapping.insert("value".to_owned(), self.value.clone());
        }
        if let Some(threshold) = self.threshold {
            mapping.insert("threshold".to_owned(), json!(threshold));
        }
        if self.weight != 1.0 {
            mapping.insert("weight".to_owned(), json!(self.weight));
        }
        if let Some(metric) = &self.metric {
            mapping.insert("metric".to_owned(), metric.as_str().into());
        }
        Value::Object(mapping)
    }

    /// Its value, where that is a text.
    pub fn text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// The word of its kind, with `not-` before it where it is negated.
    pub fn word(&self) -> String {
        format!("{}{}", if self.negated { "not-" } else { "" }, self.kind)
    }

    /// The name under which it is counted.
    pub fn name(&self) -> String {
        self.metric.clone().unwrap_or_else(|| self.word())
    }

    /// Counted under another name than its kind's, unless it has one.
    pub fn named(mut self, metric: Option<&str>) -> Check {
        self.metric = self.metric.or(metric.map(str::to_owned));
        self
    }

    /// Whether an answer has what it must have.
    pub fn judge(&self, answer: &str) -> Judgement {
        let judgement = self.test.judge(answer);
        match self.negated {
            true => Judgement { held: !judgement.held, figure: 1.0 - judgement.figure },
            false => judgement,
        }
    }
}

/// What a check is made of.
struct Parts<'a> {
    kind: Kind,
    negated: bool,
    value: &'a Value,
    threshold: Option<f64>,
    weight: f64,
    metric: Option<String>,
}

impl Parts<'_> {
    fn check(self) -> Result<Check, BadExpected> {
        let Parts { kind, negated, value, threshold, weight, metric } = self;
        if threshold.is_some() && !kind.has_threshold() {
            return Err(BadExpected::new(
                format!("`{kind}` has no threshold"),
                "leave it out: `levenshtein`, `rouge-n` and `bleu` have one",
            ));
        }
        let test = Test::new(kind, value, threshold)?;
        Ok(Check { kind, negated, value: value.clone(), threshold, weight, metric, test })
    }
}

/// What to do about a check that stands in another file.
const IN_PLACE: &str =
    "write the check in place; code can be put into a program: `scoring: {command: [...]}`";

fn not_a_judge(word: &str, text: &str, (why, remedy): (&str, &str)) -> BadExpected {
    const SHOWN: usize = 80;
    let shown = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    let of = if word == text { String::new() } else { format!(" of `{shown}`") };
    BadExpected::new(format!("the check `{word}`{of} cannot be judged: {why}"), remedy)
}

/// What stands behind a kind: a threshold in brackets, where there is one, and the value behind a
/// colon. `None` for anything else.
fn threshold_of(rest: &str) -> Option<(Option<f64>, &str)> {
    let (threshold, rest) = match rest.strip_prefix('(') {
        None => (None, rest),
        Some(inner) => {
            let (number, rest) = inner.split_once(')')?;
            let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            (Some(number.parse::<f64>().ok().filter(|_| digits)?), rest)
        }
    };
    Some((threshold, rest.strip_prefix(':')?))
}
