//! Few-shot examples: rows of the train split, shown with their answers before the question.
//!
//! The examples are the same for every sample, so that servers can keep the prompt's beginning. Rows
//! whose question is asked in the test or dev split are never shown, nor is one question shown twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rightsize_providers::digest::{self, Half, half};
use rightsize_providers::{Message, Role};

use crate::check::Document;
use crate::columns;
use crate::problem::{Problem, listed, nearest};
use crate::prompt::Templates;
use crate::sample::{self, Sample, Samples, scalar};
use crate::schema::{Data, FewShot};
use crate::tasks::Task;

/// Most examples of a prompt.
const MOST: usize = 64;

/// What examples are chosen from, and for what.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub data: &'a Data,
    pub task: &'a Task,
    pub templates: &'a Templates,
    /// The test split, whose questions are not to be shown.
    pub samples: &'a Samples,
    /// The dev split: the same, else it would favour the prompts with examples.
    pub dev: &'a Samples,
    pub train: &'a Samples,
    /// How messages call the train split.
    pub train_name: &'a str,
    /// The path of the key `few_shot`.
    pub at: &'a [&'a str],
    pub document: Document<'a>,
}

impl Rows<'_> {
    /// A problem at a key of `few_shot`; none for the key itself.
    fn problem(&self, key: &[&str], message: impl Into<String>) -> Problem {
        self.document.problem(&[self.at, key].concat(), message)
    }
}

/// The messages of the examples: a question and its answer in turn.
pub(crate) fn messages(spec: &FewShot, rows: Rows<'_>) -> Result<Vec<Message>, Problem> {
    if rows.train.is_empty() {
        let message = "examples are rows of the train split, and there is none";
        let problem = rows.problem(&[], message);
        return Err(problem.remedy("name rows with expected answers under `data.train`"));
    }
    if matches!(rows.task, Task::Checks(_)) {
        let problem = rows.problem(&[], "checks are no answers that could be shown");
        return Err(problem.remedy("write the turns of an example yourself: `prompt.messages`"));
    }
    let mut shown = Questions::of_splits(rows)?;
    let (wanted, order) = match spec {
        FewShot::ByHand(ids) => return by_hand(ids, &mut shown, rows),
        FewShot::Drawn { count, stratify, seed } => {
            (*count, drawn(stratify.as_deref(), *seed, rows)?)
        }
    };
    check_count(wanted, &["count"], rows)?;
    let mut messages = Vec::new();
    let mut turns = order.into_iter().map(Vec::into_iter).collect::<Vec<_>>();
    // One of each value in turn, until there are enough or nothing is left of any.
    while messages.len() < wanted.saturating_mul(2) && !turns.is_empty() {
        let mut left = Vec::with_capacity(turns.len());
        for mut of_value in turns {
            if messages.len() >= wanted.saturating_mul(2) {
                break;
            }
            for position in of_value.by_ref() {
                let Some(row) = rows.train.get(position) else { continue };
                if let Some(example) = shown.new_example(&row, rows)? {
                    messages.extend(example);
                    left.push(of_value);
                    break;
                }
            }
        }
        turns = left;
    }
    if messages.len() < wanted.saturating_mul(2) {
        let found = messages.len() / 2;
        let message =
            format!("{wanted} examples are wanted, and {} can show {found}", rows.train_name);
        let problem = rows.problem(&["count"], message);
        return Err(problem.remedy(
            "lower the count, or add train rows: those that are asked in the test split, and those \
             that repeat another, are not shown",
        ));
    }
    Ok(messages)
}

fn check_count(count: usize, key: &[&str], rows: Rows<'_>) -> Result<(), Problem> {
    if (1..=MOST).contains(&count) {
        return Ok(());
    }
    let problem = rows.problem(key, format!("{count} examples are wanted"));
    Err(problem.remedy(format!("from 1 to {MOST}; without examples leave `few_shot` out")))
}

/// The rows with these ids.
fn by_hand(ids: &[String], shown: &mut Questions, rows: Rows<'_>) -> Result<Vec<Message>, Problem> {
    check_count(ids.len(), &[], rows)?;
    let Some(column) = rows.data.id.as_deref() else {
        let message = "examples are named by their id, and rows have none";
        let remedy = "name the column under `data.id`, or write `few_shot: {count: 4}`";
        return Err(rows.problem(&[], message).remedy(remedy));
    };
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, row) in rows.train.rows().enumerate() {
        if let Some(id) = row?.get(column).and_then(scalar) {
            by_id.entry(id).or_default().push(position);
        }
    }
    let mut messages = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let index = index.to_string();
        let problem =
            |message: String, remedy: String| rows.problem(&[&index], message).remedy(remedy);
        let same: Option<Vec<Sample>> = by_id
            .get(id)
            .map(|positions| positions.iter().filter_map(|at| rows.train.get(*at)).collect());
        match same.as_deref() {
            Some([row]) => match shown.new_example(row, rows)? {
                Some(example) => messages.extend(example),
                None => {
                    let message = format!(
                        "the question of `{id}` (line {} of {}) is asked in the test or dev split, or \
                         shown already",
                        row.line, rows.train_name
                    );
                    return Err(problem(message, "choose another row".to_owned()));
                }
            },
            Some(several) => {
                let lines: Vec<String> = several.iter().map(|r| r.line.to_string()).collect();
                let message = format!("`{id}` stands on several lines of {}", rows.train_name);
                let remedy = format!("they are {}: rename the others", lines.join(", "));
                return Err(problem(message, remedy));
            }
            None => {
                let message = format!("{} has no row with the id `{id}`", rows.train_name);
                let known = || by_id.keys().map(String::as_str).collect::<BTreeSet<_>>();
                let remedy = match nearest(id, known()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if by_id.is_empty() => {
                        format!("add the column `{column}` to the train rows")
                    }
                    None => format!("it has {}", listed(known())),
                };
                return Err(problem(message, remedy));
            }
        }
    }
    Ok(messages)
}

/// The positions of the train rows in the order in which they are tried: a list for each value of `stratify`, or one
/// list of all. Both the rows of a value and the values themselves are shuffled: few examples of
/// many labels are not always those of the first ones.
fn drawn(stratify: Option<&str>, seed: u64, rows: Rows<'_>) -> Result<Vec<Vec<usize>>, Problem> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..rows.train.len()).collect();
    order.shuffle(&mut rng);
    let Some(column) = stratify else { return Ok(vec![order]) };
    let of_axis = match rows.task {
        Task::Classification(task) => {
            task.axes.iter().find(|axis| axis.name == column).map(|axis| (task, axis))
        }
        _ => None,
    };
    let value = |row: &Sample| match of_axis {
        Some((task, axis)) => task.on_axis(axis, &row.expected).and_then(scalar),
        None => row.row.get(column).and_then(scalar),
    };
    let mut values: Vec<String> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut number_of: Vec<Option<usize>> = Vec::with_capacity(rows.train.len());
    for row in rows.train.checked() {
        let number = value(&row?).map(|value| match numbers.get(&value) {
            Some(number) => *number,
            None => {
                values.push(value.clone());
                numbers.insert(value, values.len().saturating_sub(1));
                values.len().saturating_sub(1)
            }
        });
        number_of.push(number);
    }
    if values.is_empty() {
        let names = rows.train.columns()?;
        let names = || names.iter().map(String::as_str);
        let message = format!("no row of {} has a value of `{column}`", rows.train_name);
        let problem = rows.problem(&["stratify"], message);
        return Err(problem.remedy(match nearest(column, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the columns are {}", listed(names())),
        }));
    }
    let mut of_value: Vec<Vec<usize>> = vec![Vec::new(); values.len()];
    for position in order {
        let number = number_of.get(position).copied().flatten();
        if let Some(list) = number.and_then(|number| of_value.get_mut(number)) {
            list.push(position);
        }
    }
    values.sort();
    values.shuffle(&mut rng);
    let positions = |value: &String| {
        let number = numbers.get(value)?;
        of_value.get_mut(*number).map(std::mem::take)
    };
    Ok(values.iter().filter_map(positions).collect())
}

/// The questions that may not be shown (again): by what is asked, and by the row without id, tags
/// and cluster, since a prompt may show those.
struct Questions(HashSet<Half>);

impl Questions {
    fn of_splits(rows: Rows<'_>) -> Result<Questions, Problem> {
        let mut known = HashSet::with_capacity(rows.samples.len().saturating_mul(2));
        for sample in rows.samples.checked().chain(rows.dev.checked()) {
            let sample = sample?;
            // All test rows have been filled before; one that cannot be is not asked either.
            if let Ok(question) = rows.templates.question(&sample.id, &sample.fields) {
                known.insert(half(&digest::of_bytes(question.content.as_bytes())));
            }
            known.insert(half(&sample::input_digest(rows.data, &sample)));
        }
        Ok(Questions(known))
    }

    /// The example that a train row makes; none where its question is known.
    fn new_example(
        &mut self,
        row: &Sample,
        rows: Rows<'_>,
    ) -> Result<Option<[Message; 2]>, Problem> {
        let question = rows.templates.question(&row.id, &row.fields).map_err(|e| {
            columns::unfilled(rows.templates, row, rows.train_name, rows.document, &e)
        })?;
        let asked = self.0.insert(half(&digest::of_bytes(question.content.as_bytes())));
        let input = self.0.insert(half(&sample::input_digest(rows.data, row)));
        if !(asked && input) {
            return Ok(None);
        }
        let content = rows.task.write_expected(row).text;
        Ok(Some([question, Message { role: Role::Assistant, content }]))
    }
}
