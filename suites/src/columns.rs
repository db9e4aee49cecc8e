//! What keys and templates of a suite need of the rows' columns: checked once, before any run.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::check::Document;
use crate::dataset::Table;
use crate::problem::{Problem, listed, nearest};
use crate::prompt::{PromptError, Templates};
use crate::prompt_keys::path_of;
use crate::sample::{Sample, Samples};
use crate::schema::SuiteFile;
use crate::selection::answer_columns;
use crate::tasks::Task;
use crate::tasks::extraction::{Items, Shape};
use crate::yaml;

/// Columns that keys and templates name must exist, and templates must not see the answer.
pub(crate) fn check(
    file: &SuiteFile,
    task: &Task,
    templates: &Templates,
    table: &Table,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    let columns = table.rows.columns()?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut named: Vec<(Vec<&str>, &str)> = Vec::new();
    named.extend(file.data.id.as_deref().map(|c| (vec!["data", "id"], c)));
    named.extend(file.data.cluster.as_deref().map(|c| (vec!["data", "cluster"], c)));
    named.extend(file.data.tags.iter().map(|c| (vec!["data", "tags"], c.as_str())));
    match task {
        Task::Classification(t) => named
            .extend(t.axes.iter().map(|a| (vec!["labels", a.name.as_str()], a.expected.as_str()))),
        Task::Faq(t) => {
            named.push((vec!["expected"], &t.expected));
            named.extend(t.citations.as_deref().map(|c| (vec!["citations"], c)));
        }
        Task::Summarization(t) => named.push((vec!["expected"], &t.expected)),
        Task::Reasoning(t) => named.push((vec!["expected"], &t.expected)),
        Task::ToolUse(t) => named.push((vec!["expected"], &t.expected)),
        // A column with a number behind the name serves as well.
        Task::Checks(t) if t.columns.is_empty() => named.push((vec!["expected"], &t.expected)),
        Task::Checks(_) => {}
        Task::Pii(t) => {
            named.extend([(vec!["text"], t.text.as_str()), (vec!["expected"], t.expected.as_str())])
        }
        Task::Extraction(t) => named.extend(
            t.fields.iter().map(|f| (vec!["fields", f.name.as_str()], f.expected.as_str())),
        ),
    }
    for (path, column) in named {
        if !columns.contains(&column) {
            let message = format!("{} has no column `{column}`", table.name);
            problems.push(missing(&columns, document.problem(&path, message), column));
        }
    }
    problems.extend(absent_columns_of_lists(task, table, document)?);
    check_prompt(file, task, templates, table, document, problems)
}

/// The remedy of a column that is not there.
fn missing(columns: &[&str], problem: Problem, column: &str) -> Problem {
    problem.remedy(match nearest(column, columns.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the columns are {}", listed(columns.iter().copied())),
    })
}

/// The columns that the templates of one prompt name must exist, and none may hold the answer.
pub(crate) fn check_prompt(
    file: &SuiteFile,
    task: &Task,
    templates: &Templates,
    table: &Table,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    let columns = table.rows.columns()?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let expected = answer_columns(Some(&file.data.test), &task.expected_columns());
    for (part, name) in templates.needs() {
        if templates.variables.contains_key(&name) {
            continue;
        }
        let at_key = path_of(part);
        let place = place_of_word(&document.holder(&at_key).text, &at_key, &name);
        let at = |problem: Problem| match place {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        };
        if expected.contains(&name) {
            let message = format!("the prompt shows `{name}`, which holds the expected answer");
            let problem = document.problem(&at_key, message);
            problems.push(at(problem.remedy("remove it from the template")));
        } else if !columns.contains(&name.as_str()) {
            let message = format!("the template uses `{name}`, but there is no such column");
            problems.push(at(missing(&columns, document.problem(&at_key, message), &name)));
        }
    }
    Ok(())
}

/// The columns of lists of objects that no item of any row has: misspelt ones, most likely.
fn absent_columns_of_lists(
    task: &Task,
    table: &Table,
    document: Document<'_>,
) -> Result<Vec<Problem>, Problem> {
    let Task::Extraction(task) = task else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for field in &task.fields {
        let Shape::List(Items::Rows(columns)) = &field.shape else { continue };
        let mut keys: BTreeSet<String> = BTreeSet::new();
        for row in table.rows.iter() {
            let row = row?;
            let Some(value) = row.fields.get(&field.expected) else { continue };
            // A csv file has the list as text.
            let parsed: Option<Value> = value.as_str().and_then(|t| serde_json::from_str(t).ok());
            let items = parsed.as_ref().unwrap_or(value).as_array();
            let objects = items.into_iter().flatten().filter_map(Value::as_object);
            for key in objects.flat_map(|object| object.keys()) {
                if !keys.contains(key) {
                    keys.insert(key.clone());
                }
            }
        }
        let absent = columns.iter().filter(|c| !keys.is_empty() && !keys.contains(&c.name));
        problems.extend(absent.map(|column| {
            let name = column.name.as_str();
            let path = ["fields", &field.name, "list", name];
            let message = format!("no item of `{}` in {} has `{name}`", field.expected, table.name);
            let problem = document.problem(&path, message);
            problem.remedy(match nearest(name, keys.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the items have {}", listed(keys.iter().map(String::as_str))),
            })
        }));
    }
    Ok(problems)
}

/// Where a word stands in the text below a key: a template may span many lines.
fn place_of_word(text: &str, path: &[&str], word: &str) -> Option<(usize, usize)> {
    let (from, _) = yaml::locate(text, path)?;
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut lines = text.lines().enumerate().skip(from.saturating_sub(1));
    lines.find_map(|(i, line)| {
        let at = line.match_indices(word).map(|(at, _)| at).find(|at| {
            let before = line.get(..*at).and_then(|s| s.chars().next_back());
            let after = line.get(at.saturating_add(word.len())..).and_then(|s| s.chars().next());
            // The key itself is followed by a colon.
            !part_of_word(before) && !part_of_word(after) && after != Some(':')
        })?;
        let column = line.get(..at)?.chars().count().saturating_add(1);
        Some((i.saturating_add(1), column))
    })
}

/// Columns that a template cannot see because the task gives a variable of the same name.
pub(crate) fn hidden(templates: &Templates, table: &Table) -> Result<Vec<String>, Problem> {
    let hides = |column: &&String| templates.variables.contains_key(*column);
    let warning = |column: &String| {
        format!("the column `{column}` is hidden from prompts by the task's own variable")
    };
    Ok(table.rows.columns()?.iter().filter(hides).map(warning).collect())
}

/// Fills the templates with every sample once, so that none fails in the middle of a run.
pub(crate) fn fill_all(
    templates: &Templates,
    samples: &Samples,
    name: &str,
    document: Document<'_>,
) -> Result<(), Problem> {
    for sample in samples.checked() {
        let sample = sample?;
        templates
            .fill(&sample.id, &sample.fields)
            .map_err(|e| unfilled(templates, &sample, name, document, &e))?;
    }
    Ok(())
}

/// The problem of a row that a template cannot be filled with. `name` is the file of the row.
pub(crate) fn unfilled(
    templates: &Templates,
    sample: &Sample,
    name: &str,
    document: Document<'_>,
    error: &PromptError,
) -> Problem {
    let absent = templates.needs().into_iter().find(|(part, name)| {
        *part == error.part
            && !sample.fields.contains_key(name)
            && !templates.variables.contains_key(name)
    });
    match absent {
        Some((part, column)) => {
            let message = format!("the row has no column `{column}`, which `prompt.{part}` uses");
            let remedy =
                format!("add it, or write `{{% if {column} is defined %}}` into the template");
            Problem::of_file(name, message).at_line(sample.line).remedy(remedy)
        }
        None => {
            let message = format!(
                "the template cannot be filled with the row on line {} of {name}: {}",
                sample.line, error.message
            );
            let problem = document.problem(&path_of(&error.part), message);
            problem.remedy("filters, tests and functions are those of minijinja")
        }
    }
}
