//! Axes with any number of labels (`multiple: true`): how sets of labels stand in data and answers.
//!
//! A set is a list of labels in the suite's order, each once; the empty list where none applies. In
//! data it is a list of texts, or a text with `|` between the labels; `[]`, null and empty text are
//! the empty set. A JSON answer has a list, or a text that is read like a text answer.
//!
//! **A text answer** has a label a line, or labels between commas, semicolons or `|`. The word
//! `none` alone is the empty set, where no label is called so; silence is no answer. Where a piece
//! is no label, every label counts that occurs in the answer as whole words, which is a repair.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Axis, read};
use crate::problem::brief;
use crate::tasks::BadExpected;

/// How the empty set is written in a text.
const NONE: &str = "none";
/// Between labels in data.
const SEPARATOR: char = '|';
/// Between labels of one line of an answer.
const SEPARATORS: [char; 3] = [',', ';', SEPARATOR];
/// Different pieces of an answer that are looked at one by one: a bound on the work that an endless
/// answer can cause.
const MOST_PIECES: usize = 1000;

impl Axis {
    /// Whether `none` is read as the empty set.
    pub(super) fn has_none(&self) -> bool {
        self.whole(NONE).is_none()
    }

    /// The labels of a column.
    pub(super) fn expected_set(&self, value: &Value) -> Result<Value, BadExpected> {
        let column = &self.expected;
        let no_list = |value: &Value| {
            let message = format!("`{column}` holds {}, no list of labels", brief(value));
            BadExpected::new(message, "write a list of texts, or a text such as `a|b`")
        };
        let mut labels = BTreeSet::new();
        match value {
            Value::Null => {}
            Value::String(text) if self.rank(text).is_some() => {
                labels.insert(text.as_str());
            }
            Value::String(text) => {
                for piece in text.split(SEPARATOR).map(str::trim).filter(|p| !p.is_empty()) {
                    labels.insert(self.known(piece)?);
                }
            }
            Value::Array(list) => {
                for label in list {
                    labels.insert(self.known(label.as_str().ok_or_else(|| no_list(label))?)?);
                }
            }
            other => return Err(no_list(other)),
        }
        Ok(self.in_order(&labels))
    }

    fn in_order(&self, labels: &BTreeSet<&str>) -> Value {
        let names = self.labels.iter().map(|l| l.name.as_str());
        names.filter(|name| labels.contains(name)).map(Value::from).collect()
    }

    /// A set as text.
    pub(super) fn set_as_text(&self, labels: &Value) -> String {
        let labels: Vec<&str> =
            labels.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if labels.is_empty() { NONE.to_owned() } else { labels.join("\n") }
    }

    /// The set that a text answer names, and whether that took a repair.
    pub(super) fn set_in(&self, text: &str) -> Result<(Value, bool), String> {
        if text.trim().is_empty() {
            return Err("the answer is empty".to_owned());
        }
        if self.has_none() && read::key(text) == NONE {
            let repaired = !text.trim().eq_ignore_ascii_case(NONE);
            return Ok((Value::Array(Vec::new()), repaired));
        }
        if let Some((labels, repaired)) = self.pieces_of(text) {
            return Ok((self.in_order(&labels), repaired));
        }
        let named: BTreeSet<&str> =
            self.named_in(text).into_iter().map(|l| l.name.as_str()).collect();
        if named.is_empty() {
            return Err("no label of the suite occurs in the answer".to_owned());
        }
        Ok((self.in_order(&named), true))
    }

    /// The labels of a text that holds nothing else.
    fn pieces_of(&self, text: &str) -> Option<(BTreeSet<&str>, bool)> {
        let mut labels = BTreeSet::new();
        let mut repaired = false;
        let mut add = |piece: &str| {
            let found = self.whole(piece).or_else(|| Some((self.whole(numbered(piece)?)?.0, true)));
            found.map(|(label, repair)| {
                labels.insert(label.name.as_str());
                repaired |= repair;
            })
        };
        let lines: BTreeSet<&str> = filled(text.lines())?;
        for line in lines {
            if add(line).is_none() {
                filled(line.split(SEPARATORS))?.into_iter().try_for_each(&mut add)?;
            }
        }
        (!labels.is_empty()).then_some((labels, repaired))
    }

    /// The set of a JSON answer's value.
    pub(super) fn set_of(&self, value: &Value) -> Result<(Value, bool), String> {
        let list = match value {
            Value::Array(list) => list,
            other => {
                let (set, _) = self.set_in(other.as_str().unwrap_or_default())?;
                return Ok((set, true));
            }
        };
        let mut labels = BTreeSet::new();
        let mut repaired = false;
        let texts: BTreeSet<Option<&str>> = list.iter().map(Value::as_str).collect();
        if texts.len() > MOST_PIECES {
            return Err(format!("the list holds more than {MOST_PIECES} different texts"));
        }
        for text in texts {
            let text = text.ok_or_else(|| "the list holds something that is no text".to_owned())?;
            let found = self.whole(text);
            let (label, repair) =
                found.ok_or_else(|| format!("`{text}` is no label of the suite"))?;
            labels.insert(label.name.as_str());
            repaired |= repair;
        }
        Ok((self.in_order(&labels), repaired))
    }
}

/// The different pieces that are not blank; `None` where they are too many to be a list of labels.
fn filled<'t>(pieces: impl Iterator<Item = &'t str>) -> Option<BTreeSet<&'t str>> {
    let mut different = BTreeSet::new();
    for piece in pieces.map(str::trim).filter(|piece| !piece.is_empty()) {
        different.insert(piece);
        if different.len() > MOST_PIECES {
            return None;
        }
    }
    Some(different)
}

/// What follows the number of a numbered line: `2. billing`.
fn numbered(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = rest.len() < line.len();
    rest.strip_prefix(['.', ')']).filter(|_| numbered)
}
