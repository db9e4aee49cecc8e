//! One input with its expected answer, and how rows become samples.

use std::collections::{BTreeMap, HashMap};

use rightsize_providers::{Fields, digest};
use serde_json::Value;

use crate::dataset::{Row, Table};
use crate::problem::{Problem, Problems, brief};
use crate::schema::{Data, Source};
use crate::selection::answer_columns;
use crate::tasks::Task;

/// Rows that are reported one by one; the number of the others is told.
const MOST_PROBLEMS: usize = 10;

/// Hexadecimal digits of a row's digest that make an id: 64 bits.
const ID_LENGTH: usize = 16;

/// One input with its expected answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Unique within its split: the column `data.id`, or the digest of the row.
    pub id: String,
    /// The row as it was read.
    pub row: Fields,
    /// The row without the columns that hold expected answers or are computed from them: all that a
    /// prompt may see.
    pub fields: Fields,
    /// What the task compares with, in the task's own shape: a label, an object of field values, or
    /// one or more accepted answers.
    pub expected: Value,
    /// The columns `data.tags`, by name.
    pub tags: BTreeMap<String, String>,
    /// The column `data.cluster`: samples of one cluster are not independent of each other.
    pub cluster: Option<String>,
    /// The line of its file where the row starts, from 1; its number in the suite, from 1, where
    /// it was read from a run folder.
    pub line: usize,
}

/// Makes the samples of the test split; repeated rows are added to `warnings`.
pub(crate) fn test(
    data: &Data,
    task: &Task,
    table: &Table,
    warnings: &mut Vec<String>,
) -> Result<Vec<Sample>, Problems> {
    let (samples, ids) = all(data, Some(&data.test), data.id.as_deref(), task, table)?;
    warnings.extend(ids.warning());
    Ok(samples)
}

/// Makes the samples of the train split. Their ids are digests of the rows also where `data.id`
/// names a column: nobody looks a train row up, so it needs no id of its own.
pub(crate) fn train(data: &Data, task: &Task, table: &Table) -> Result<Vec<Sample>, Problems> {
    all(data, data.train.as_ref(), None, task, table).map(|(samples, _)| samples)
}

/// Makes the samples of the dev split, as those of the test split: they are asked, so each has its
/// own id.
pub(crate) fn dev(data: &Data, task: &Task, table: &Table) -> Result<Vec<Sample>, Problems> {
    all(data, data.dev.as_ref(), data.id.as_deref(), task, table).map(|(samples, _)| samples)
}

fn all(
    data: &Data,
    source: Option<&Source>,
    id_column: Option<&str>,
    task: &Task,
    table: &Table,
) -> Result<(Vec<Sample>, Ids), Problems> {
    let answers = answer_columns(source, &task.expected_columns());
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let mut ids = Ids::default();
    let mut samples = Vec::with_capacity(table.rows.len());
    let mut problems = Vec::new();
    for Row { line, fields: row } in &table.rows {
        let problem = |message: String| Problem::of_file(&table.name, message).at_line(*line);
        let id = match id_column {
            Some(column) => ids.own(row, column, *line),
            None => Ok(ids.of_digest(row, *line)),
        };
        let expected = task.expected_in(row);
        match (id, expected) {
            (Ok(id), Ok(expected)) => samples.push(Sample {
                id,
                row: row.clone(),
                fields: without(row, &answers),
                expected,
                tags: tags(row, &data.tags),
                cluster: data.cluster.as_ref().and_then(|c| row.get(c)).and_then(scalar),
                line: *line,
            }),
            (id, expected) => {
                if let Err((message, remedy)) = id {
                    problems.push(problem(message).remedy(remedy));
                }
                if let Err(bad) = expected {
                    problems.push(Problem { remedy: bad.remedy, ..problem(bad.message) });
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok((samples, ids));
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    if more > 0 {
        problems.push(Problem::of_file(&table.name, format!("and {more} more such problems")));
    }
    Err(Problems(problems))
}

/// Tells how many test rows have the same input as a row of train, if any has. `name` is how the
/// warning calls the train split.
pub(crate) fn leak(
    data: &Data,
    samples: &[Sample],
    train: &[Sample],
    name: &str,
) -> Option<String> {
    let lines: HashMap<String, usize> =
        train.iter().rev().map(|s| (input_digest(data, s), s.line)).collect();
    let hits: Vec<(usize, usize)> = samples
        .iter()
        .filter_map(|s| lines.get(&input_digest(data, s)).map(|line| (s.line, *line)))
        .collect();
    let (test_line, train_line) = hits.first()?;
    Some(format!(
        "{} of {} test rows stand in train too (first: line {test_line} is line {train_line} of {}): \
         what is trained or shown there is no fair test",
        hits.len(),
        samples.len(),
        name
    ))
}

/// Tells how many rows of one split ask the same as a row of another one, if any does.
pub(crate) fn stands_in(
    data: &Data,
    samples: &[Sample],
    (split, others, other): (&str, &[Sample], &str),
) -> Option<String> {
    let known: HashMap<String, usize> =
        others.iter().rev().map(|s| (input_digest(data, s), s.line)).collect();
    let line_of = |s: &Sample| known.get(&input_digest(data, s)).map(|line| (s.line, *line));
    let hits: Vec<(usize, usize)> = samples.iter().filter_map(line_of).collect();
    let (line, same) = hits.first()?;
    Some(format!(
        "{} of {} {split} rows stand in {other} too (first: line {line} is line {same} there): what \
         is chosen on them is not independent of {other}",
        hits.len(),
        samples.len()
    ))
}

/// Digest of a sample's input: its fields without id, tags and cluster.
pub(crate) fn input_digest(data: &Data, sample: &Sample) -> String {
    let mut no_input: Vec<&str> = data.tags.iter().map(String::as_str).collect();
    no_input.extend(data.id.as_deref());
    no_input.extend(data.cluster.as_deref());
    digest::of_value(&Value::Object(without(&sample.fields, &no_input)))
}

fn without(row: &Fields, columns: &[&str]) -> Fields {
    let kept = row.iter().filter(|(name, _)| !columns.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn tags(row: &Fields, columns: &[String]) -> BTreeMap<String, String> {
    columns.iter().filter_map(|c| Some((c.clone(), scalar(row.get(c)?)?))).collect()
}

/// Text, a number or a truth value as text; nothing for null, empty text, lists and objects.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The ids that were given so far.
#[derive(Default)]
struct Ids {
    lines: HashMap<String, usize>,
    /// How often each digest occurred, by digest.
    counts: HashMap<String, usize>,
    repeated: usize,
    first_repeated: Option<(usize, usize)>,
}

impl Ids {
    /// The id in a column, or what is wrong with it and the remedy.
    fn own(&mut self, row: &Fields, column: &str, line: usize) -> Result<String, (String, String)> {
        let id = row.get(column).and_then(scalar).ok_or_else(|| {
            let message = match row.get(column) {
                None => format!("the row has no id: the column `{column}` is missing"),
                Some(value) => format!("the row has no id: `{column}` is {}", brief(value)),
            };
            (message, "give every row an id, or remove `data.id`".to_owned())
        })?;
        match self.lines.insert(id.clone(), line) {
            None => Ok(id),
            Some(first) => Err((
                format!("the id `{id}` stands on line {first} already"),
                "ids are unique: rename one, or remove `data.id` to use digests".to_owned(),
            )),
        }
    }

    fn of_digest(&mut self, row: &Fields, line: usize) -> String {
        let mut id = digest::of_value(&Value::Object(row.clone()));
        id.truncate(ID_LENGTH);
        let count = self.counts.entry(id.clone()).or_default();
        *count = count.saturating_add(1);
        if *count == 1 {
            self.lines.insert(id.clone(), line);
            return id;
        }
        self.repeated = self.repeated.saturating_add(1);
        if self.first_repeated.is_none() {
            self.first_repeated = Some((line, self.lines.get(&id).copied().unwrap_or(line)));
        }
        format!("{id}#{count}")
    }

    fn warning(&self) -> Option<String> {
        let (line, first) = self.first_repeated?;
        Some(format!(
            "{} row(s) repeat an earlier one (first: line {line} is line {first}): each counts, \
             with an id such as `DIGEST#2`",
            self.repeated
        ))
    }
}
