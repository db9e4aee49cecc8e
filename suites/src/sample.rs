//! One input with its expected answer, and how rows become samples.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rightsize_providers::Fields;
use rightsize_providers::digest::{self, Half, half};
use serde_json::Value;

use crate::dataset::{Row, Table};
use crate::problem::{Problem, Problems, brief};
use crate::schema::{Data, Source};
use crate::selection::answer_columns;
use crate::store::Rows;
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

/// The samples of a split, in an order. They are made anew from their rows whenever they are read, so
/// that a million of them cost eight bytes each, and their rows what fits of them into memory.
///
/// ```
/// let suite = rightsize_suites::Suite::load("catalog:support-triage", ".".as_ref())?;
/// let second = suite.samples.get(1).ok_or("there are many")?;
/// assert_eq!(suite.samples.iter().nth(1), Some(second));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Samples {
    rows: Rows,
    making: Arc<Making>,
}

/// How rows become samples.
#[derive(Debug)]
struct Making {
    task: Task,
    /// Columns that are not shown.
    answers: Vec<String>,
    id: Option<String>,
    tags: Vec<String>,
    cluster: Option<String>,
    /// Which occurrence of its digest a row is that repeats an earlier one, by its place.
    repeats: HashMap<u64, usize>,
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sample at a position. `None` beyond the last one, and where the temporary file that holds
    /// the rows can no longer be read: then the log says so.
    pub fn get(&self, position: usize) -> Option<Sample> {
        let made = self.rows.get(position).and_then(|placed| match placed {
            Some((place, row)) => self.making.sample(place, row).map(Some),
            None => Ok(None),
        });
        made.unwrap_or_else(|problem| {
            tracing::error!("{problem}");
            None
        })
    }

    /// The first sample.
    pub fn first(&self) -> Option<Sample> {
        self.get(0)
    }

    /// All of them in their order; as [`Samples::get`].
    pub fn iter(&self) -> impl Iterator<Item = Sample> + Clone + '_ {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    /// All of them in their order, read faster than one by one.
    ///
    /// # Errors
    /// The temporary file that holds the rows cannot be read.
    pub fn checked(&self) -> impl Iterator<Item = Result<Sample, Problem>> + '_ {
        self.rows
            .placed()
            .map(|placed| placed.and_then(|(place, row)| self.making.sample(place, row)))
    }

    /// Their rows as they were read.
    ///
    /// # Errors
    /// As [`Samples::checked`].
    pub fn rows(&self) -> impl Iterator<Item = Result<Fields, Problem>> + '_ {
        self.rows.iter().map(|row| row.map(|row| row.fields))
    }

    /// The samples at some positions, in the order of these.
    pub fn select(&self, positions: impl IntoIterator<Item = usize>) -> Samples {
        Samples { rows: self.rows.select(positions), making: self.making.clone() }
    }

    /// The rows at some positions, as they are kept.
    pub(crate) fn rows_at(&self, positions: impl IntoIterator<Item = usize>) -> Rows {
        self.rows.select(positions)
    }

    /// The columns that occur in any row.
    pub(crate) fn columns(&self) -> Result<Arc<Vec<String>>, Problem> {
        self.rows.columns()
    }
}

impl Making {
    fn sample(&self, place: u64, Row { line, fields: row }: Row) -> Result<Sample, Problem> {
        // Each row was made a sample of when the suite was loaded.
        let changed = |what: String| Problem::of_file("temporary file", what).at_line(line);
        let id = match &self.id {
            Some(column) => row
                .get(column)
                .and_then(scalar)
                .ok_or_else(|| changed(format!("the row has no `{column}`")))?,
            None => match self.repeats.get(&place) {
                None => digest_id(&row),
                Some(count) => format!("{}#{count}", digest_id(&row)),
            },
        };
        let expected = self.task.expected_in(&row).map_err(|bad| changed(bad.message))?;
        let answers: Vec<&str> = self.answers.iter().map(String::as_str).collect();
        Ok(Sample {
            id,
            fields: without(&row, &answers),
            expected,
            tags: tags(&row, &self.tags),
            cluster: self.cluster.as_ref().and_then(|c| row.get(c)).and_then(scalar),
            line,
            row,
        })
    }
}

/// Makes the samples of the test split; repeated rows are added to `warnings`.
pub(crate) fn test(
    data: &Data,
    task: &Task,
    table: &Table,
    warnings: &mut Vec<String>,
) -> Result<Samples, Problems> {
    let (samples, warning) = all(data, Some(&data.test), data.id.as_deref(), task, table)?;
    warnings.extend(warning);
    Ok(samples)
}

/// Makes the samples of the train split. Their ids are digests of the rows also where `data.id`
/// names a column: nobody looks a train row up, so it needs no id of its own.
pub(crate) fn train(data: &Data, task: &Task, table: &Table) -> Result<Samples, Problems> {
    all(data, data.train.as_ref(), None, task, table).map(|(samples, _)| samples)
}

/// Makes the samples of the dev split. Those of `data.dev` have their own ids, like those of the test
/// split; those that were set aside from train have digests, like the others there.
pub(crate) fn dev(data: &Data, task: &Task, table: &Table) -> Result<Samples, Problems> {
    let id = data.dev.as_ref().and(data.id.as_deref());
    all(data, data.dev.as_ref(), id, task, table).map(|(samples, _)| samples)
}

/// A split without rows.
pub(crate) fn none(data: &Data, task: &Task) -> Samples {
    let making = making(data, None, None, task, HashMap::new());
    Samples { rows: Rows::default(), making: Arc::new(making) }
}

fn making(
    data: &Data,
    source: Option<&Source>,
    id: Option<&str>,
    task: &Task,
    repeats: HashMap<u64, usize>,
) -> Making {
    Making {
        task: task.clone(),
        answers: answer_columns(source, &task.expected_columns()),
        id: id.map(str::to_owned),
        tags: data.tags.clone(),
        cluster: data.cluster.clone(),
        repeats,
    }
}

/// The samples, and the warning of repeated rows.
fn all(
    data: &Data,
    source: Option<&Source>,
    id_column: Option<&str>,
    task: &Task,
    table: &Table,
) -> Result<(Samples, Option<String>), Problems> {
    let mut ids = Ids::default();
    let (mut problems, mut more) = (Vec::new(), 0usize);
    for placed in table.rows.placed() {
        let (place, Row { line, fields: row }) = placed?;
        let problem = |message: String| Problem::of_file(&table.name, message).at_line(line);
        let id = match id_column {
            Some(column) => ids.own(&row, column, line).err(),
            None => {
                ids.of_digest(&row, place, line);
                None
            }
        };
        let id = id.map(|(message, remedy)| problem(message).remedy(remedy));
        let expected = task.expected_in(&row).err();
        let expected = expected.map(|bad| Problem { remedy: bad.remedy, ..problem(bad.message) });
        for problem in id.into_iter().chain(expected) {
            if problems.len() < MOST_PROBLEMS {
                problems.push(problem);
            } else {
                more = more.saturating_add(1);
            }
        }
    }
    if problems.is_empty() {
        let warning = ids.warning();
        let making = making(data, source, id_column, task, ids.repeats);
        return Ok((Samples { rows: table.rows.clone(), making: Arc::new(making) }, warning));
    }
    if more > 0 {
        problems.push(Problem::of_file(&table.name, format!("and {more} more such problems")));
    }
    Err(Problems(problems))
}

/// Tells how many test rows have the same input as a row of train, if any has. `name` is how the
/// warning calls the train split.
pub(crate) fn leak(
    data: &Data,
    samples: &Samples,
    train: &Samples,
    name: &str,
) -> Result<Option<String>, Problem> {
    let found = shared(data, samples, train)?;
    Ok(found.map(|Shared { rows, first: (test_line, train_line) }| {
        format!(
            "{rows} of {} test rows stand in train too (first: line {test_line} is line \
             {train_line} of {name}): what is trained or shown there is no fair test",
            samples.len(),
        )
    }))
}

/// Tells how many rows of one split ask the same as a row of another one, if any does.
pub(crate) fn stands_in(
    data: &Data,
    samples: &Samples,
    (split, others, other): (&str, &Samples, &str),
) -> Result<Option<String>, Problem> {
    let found = shared(data, samples, others)?;
    Ok(found.map(|Shared { rows, first: (line, same) }| {
        format!(
            "{rows} of {} {split} rows stand in {other} too (first: line {line} is line {same} \
             there): what is chosen on them is not independent of {other}",
            samples.len()
        )
    }))
}

/// Rows that ask the same as a row of another split.
struct Shared {
    rows: usize,
    /// The line of the first one, and that of the other split's row.
    first: (usize, usize),
}

fn shared(data: &Data, samples: &Samples, others: &Samples) -> Result<Option<Shared>, Problem> {
    if others.is_empty() {
        return Ok(None);
    }
    let mut lines: HashMap<Half, usize> = HashMap::with_capacity(others.len());
    for sample in others.checked() {
        let sample = sample?;
        lines.entry(half(&input_digest(data, &sample))).or_insert(sample.line);
    }
    let (mut rows, mut first) = (0usize, None);
    for sample in samples.checked() {
        let sample = sample?;
        if let Some(line) = lines.get(&half(&input_digest(data, &sample))) {
            rows = rows.saturating_add(1);
            first.get_or_insert((sample.line, *line));
        }
    }
    Ok(first.map(|first| Shared { rows, first }))
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

/// The digest of a row, as an id.
fn digest_id(row: &Fields) -> String {
    let mut id = digest::of_value(&Value::Object(row.clone()));
    id.truncate(ID_LENGTH);
    id
}

/// The ids that were given so far.
#[derive(Default)]
struct Ids {
    /// The line of each, by the digest of an id of the row's own.
    lines: HashMap<Half, u32>,
    /// How often each digest of a row occurred, and the line of the first.
    counts: HashMap<u64, (u32, u32)>,
    /// Which occurrence a row is that repeats an earlier one, by its place.
    repeats: HashMap<u64, usize>,
    first_repeated: Option<(usize, usize)>,
}

impl Ids {
    /// Takes the id in a column; or says what is wrong with it, and the remedy.
    fn own(&mut self, row: &Fields, column: &str, line: usize) -> Result<(), (String, String)> {
        let id = row.get(column).and_then(scalar).ok_or_else(|| {
            let message = match row.get(column) {
                None => format!("the row has no id: the column `{column}` is missing"),
                Some(value) => format!("the row has no id: `{column}` is {}", brief(value)),
            };
            (message, "give every row an id, or remove `data.id`".to_owned())
        })?;
        let number = u32::try_from(line).unwrap_or(u32::MAX);
        match self.lines.insert(half(&digest::of_bytes(id.as_bytes())), number) {
            None => Ok(()),
            Some(first) => Err((
                format!("the id `{id}` stands on line {first} already"),
                "ids are unique: rename one, or remove `data.id` to use digests".to_owned(),
            )),
        }
    }

    fn of_digest(&mut self, row: &Fields, place: u64, line: usize) {
        let id = u64::from_str_radix(&digest_id(row), 16).unwrap_or_default();
        let number = u32::try_from(line).unwrap_or(u32::MAX);
        let (count, first) = self.counts.entry(id).or_insert((0, number));
        *count = count.saturating_add(1);
        if *count > 1 {
            self.repeats.insert(place, *count as usize);
            self.first_repeated.get_or_insert((line, *first as usize));
        }
    }

    fn warning(&self) -> Option<String> {
        let (line, first) = self.first_repeated?;
        Some(format!(
            "{} row(s) repeat an earlier one (first: line {line} is line {first}): each counts, \
             with an id such as `DIGEST#2`",
            self.repeats.len()
        ))
    }
}
