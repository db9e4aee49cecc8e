//! Which rows are asked, and which are learned from.
//!
//! A seeded split keeps the share of each label, and keeps rows together that belong together: those
//! of one cluster, and those with the same input. It depends on the rows alone, not on their order.

use std::collections::{BTreeMap, HashMap};

use rightsize_providers::{Fields, digest};
use serde_json::{Value, json};

use super::roles::Input;
use super::target::Target;
use super::{Decision, Subject};
use crate::sample::scalar;

/// The share of rows that are asked, where nothing else is said.
const TEST_SHARE: f64 = 0.7;
/// Test rows that are proposed at most: they support a margin of two points if two models differ on
/// one row in ten (see `stats::power` of the reports), and more rows cost more than they tell.
const MOST_TEST: usize = 1_546;
/// Seed of the split.
const SEED: u64 = 7;

/// The rows of a proposal.
#[derive(Debug, Clone)]
pub struct Splits {
    /// How many rows are asked.
    pub test: usize,
    /// How many are learned from.
    pub train: usize,
    /// The rows, where the user's own files cannot be used as they are.
    pub written: Option<Written>,
}

/// Rows that a command writes into files of their own, with the columns that the suite needs.
#[derive(Debug, Clone)]
pub struct Written {
    /// Why the user's own files are not used.
    pub why: String,
    /// Rows that are asked.
    pub test: Vec<Fields>,
    /// Rows that are learned from; may be empty.
    pub train: Vec<Fields>,
}

impl Splits {
    /// Whether there are rows to learn from.
    pub fn has_train(&self) -> bool {
        self.train > 0
    }
}

/// What a split is made of.
pub(super) struct Making<'a> {
    /// The rows, their objects taken apart, and the rows as they were read.
    pub rows: &'a [Fields],
    pub raw: &'a [Fields],
    /// Rows that a suite can use.
    pub used: Vec<usize>,
    /// The rows of the file beside it, and those of them that can be used.
    pub train: Option<(&'a [Fields], Vec<usize>)>,
    pub raw_train: &'a [Fields],
    pub target: &'a Target,
    pub input: &'a [Input],
    pub id: Option<&'a str>,
    pub tags: &'a [String],
    pub cluster: Option<&'a str>,
    /// The column that says to which split a row belongs.
    pub marks: Option<&'a str>,
    /// The share that is wanted.
    pub share: Option<f64>,
}

pub(super) fn make(making: Making<'_>, decisions: &mut Vec<Decision>) -> Splits {
    let (test, train, value, why, split) = making.divide();
    let rows = |of: &[Fields], which: &[usize]| -> Vec<Fields> {
        which.iter().filter_map(|i| of.get(*i)).map(|row| making.written(row)).collect()
    };
    let reason = match split {
        true => Some("a split has files of its own".to_owned()),
        false => making.objection(),
    };
    let (train_rows, train_of) = match (&making.train, split) {
        (Some((rows, _)), false) => (train, *rows),
        _ => (train, making.rows),
    };
    let written = reason.map(|why| Written {
        why,
        test: rows(making.rows, &test),
        train: rows(train_of, &train_rows),
    });
    let value = match &written {
        Some(_) => format!("{value}, written"),
        None => value,
    };
    let why = match written.as_ref().filter(|_| !split) {
        Some(written) => format!("{why}; {}", written.why),
        None => why,
    };
    decisions.push(Decision { subject: Subject::Splits, value, why, doubtful: false });
    Splits { test: test.len(), train: train_rows.len(), written }
}

/// Test rows, train rows, how they are told of, why, and whether the file itself was divided.
type Divided = (Vec<usize>, Vec<usize>, String, String, bool);

impl Making<'_> {
    fn divide(&self) -> Divided {
        let all = self.used.clone();
        let n = all.len();
        if let Some((test, train)) = self.marked() {
            let value = format!("{} test, {} train", test.len(), train.len());
            let why = format!("`{}` says so", self.marks.unwrap_or_default());
            return (test, train, value, why, true);
        }
        if let Some((_, train)) = &self.train {
            let value = format!("{n} test, {} train", train.len());
            return (all, train.clone(), value, "a train file lies beside it".to_owned(), false);
        }
        let usual = (MOST_TEST as f64 / n.max(1) as f64).min(TEST_SHARE);
        let share = self.share.unwrap_or(usual);
        let rows: Vec<Fields> = all.iter().filter_map(|i| self.rows.get(*i)).cloned().collect();
        if self.share.is_none() && !self.target.repeats(&rows) {
            let why = "answers do not repeat: no baseline could learn them".to_owned();
            return (all, Vec::new(), format!("{n} test"), why, false);
        }
        if share >= 1.0 {
            let why = "as you said; baselines have nothing to learn from".to_owned();
            return (all, Vec::new(), format!("{n} test"), why, false);
        }
        let (test, train) = self.seeded(share);
        let value = format!("{} test, {} train", test.len(), train.len());
        let of_what = match self.target {
            Target::Labels { .. } => "each label",
            Target::Fields { .. }
            | Target::Spans { .. }
            | Target::Text { .. }
            | Target::Checks { .. } => "the rows",
        };
        let why = format!(
            "by seed {SEED}, {:.0} % of {of_what}; baselines learn from train",
            share * 100.0
        );
        (test, train, value, why, true)
    }

    /// The splits that a column names.
    fn marked(&self) -> Option<(Vec<usize>, Vec<usize>)> {
        let column = self.marks?;
        let of = |words: &[&str]| -> Vec<usize> {
            let is = |i: &&usize| {
                let value = self.rows.get(**i).and_then(|row| row.get(column)).and_then(scalar);
                value.is_some_and(|value| words.contains(&value.trim().to_lowercase().as_str()))
            };
            self.used.iter().filter(is).copied().collect()
        };
        let test = [
            of(&["test"]),
            of(&["eval", "evaluation"]),
            of(&["validation", "valid", "val", "dev"]),
        ]
        .into_iter()
        .find(|rows| !rows.is_empty())?;
        Some((test, of(&["train", "training"])))
    }

    /// A split by the seed: of each label the share, of each group all rows or none.
    fn seeded(&self, share: f64) -> (Vec<usize>, Vec<usize>) {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for i in &self.used {
            if let Some(row) = self.rows.get(*i) {
                groups.entry(self.group(row)).or_default().push(*i);
            }
        }
        let mut strata: BTreeMap<String, Vec<(String, Vec<usize>)>> = BTreeMap::new();
        for (group, rows) in groups {
            let first = rows.first().and_then(|i| self.rows.get(*i));
            let stratum = first.map(|row| self.target.stratum(row)).unwrap_or_default();
            strata.entry(stratum).or_default().push((group, rows));
        }
        let (mut test, mut train) = (Vec::new(), Vec::new());
        for groups in strata.values_mut() {
            groups.sort();
            let size: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
            // Every label is asked, and learned where it has two groups of rows.
            let most = if groups.len() > 1 { size.saturating_sub(1) } else { size };
            let wanted = ((size as f64 * share).round() as usize).clamp(1, most.max(1));
            let mut asked = 0usize;
            for (i, (_, rows)) in groups.iter().enumerate() {
                let last = i.saturating_add(1) == groups.len();
                if asked < wanted && !(last && i > 0) {
                    asked = asked.saturating_add(rows.len());
                    test.extend(rows);
                } else {
                    train.extend(rows);
                }
            }
        }
        test.sort_unstable();
        train.sort_unstable();
        (test, train)
    }

    /// What a row must not be parted from, as a digest with the seed: a random order.
    fn group(&self, row: &Fields) -> String {
        let of = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
        let key: Value = match self.cluster {
            Some(column) => of(column),
            None => self.input.iter().map(|input| of(&input.column)).collect(),
        };
        digest::of_value(&json!([SEED, key]))
    }

    /// Why the user's files cannot be used as they are, if they cannot.
    fn objection(&self) -> Option<String> {
        let whole = |rows: &[Fields], used: &[usize]| rows.len() == used.len();
        let trained = self.train.as_ref().is_none_or(|(rows, used)| whole(rows, used));
        if !whole(self.rows, &self.used) || !trained {
            return Some("rows are left out".to_owned());
        }
        if let Some(input) = self.input.iter().find(|input| input.column != input.variable) {
            return Some(format!("a prompt cannot name the column `{}`", input.column));
        }
        // Values that were taken apart, corrected or written in another way.
        let same = |flat: &[Fields], raw: &[Fields]| {
            flat.iter().zip(raw).all(|(flat, raw)| {
                self.written(flat).iter().all(|(name, value)| raw.get(name) == Some(value))
            })
        };
        let train = self.train.as_ref().map_or(&[][..], |(rows, _)| *rows);
        let fine = same(self.rows, self.raw) && same(train, self.raw_train);
        (!fine).then(|| "values are written as a suite reads them".to_owned())
    }

    /// A row with the columns that the suite needs, under the names that it uses.
    fn written(&self, row: &Fields) -> Fields {
        let mut written = Fields::new();
        let mut keep = |name: &str, column: &str| {
            if let Some(value) = row.get(column) {
                written.insert(name.to_owned(), value.clone());
            }
        };
        self.id.into_iter().for_each(|id| keep(id, id));
        self.input.iter().for_each(|input| keep(&input.variable, &input.column));
        self.tags.iter().for_each(|tag| keep(tag, tag));
        self.cluster.into_iter().for_each(|cluster| keep(cluster, cluster));
        written.extend(self.target.written(row));
        written
    }
}
