//! The rows of a suite's splits: from files beside the file that names them, from the suite itself, or
//! from the run folder.

use rightsize_providers::Fields;

use crate::check::Document;
use crate::dataset::{self, Format, Table};
use crate::layers::Place;
use crate::problem::Problem;
use crate::schema::{Source, SuiteFile};
use crate::selection;
use crate::store::{Rows, RowsWriter};
use crate::yaml;

const TEST: [&str; 2] = ["data", "test"];
const TRAIN: [&str; 2] = ["data", "train"];
const DEV: [&str; 2] = ["data", "dev"];

/// The rows of the test split, at least one.
pub(crate) fn of_test(file: &SuiteFile, document: Document<'_>) -> Result<Table, Problem> {
    let table = match &document.holder(&TEST).place {
        Place::Run(rows) => kept(&rows.test, document),
        Place::Catalog(_) | Place::Folder { .. } => read(&file.data.test, &TEST, document)?,
    };
    if table.rows.is_empty() {
        let message = format!("there is no row in {}", table.name);
        let problem = document.problem(&TEST, message);
        return Err(problem.remedy("a suite needs samples: a hundred are a start"));
    }
    Ok(table)
}

/// The rows of the train split, if the suite has one.
pub(crate) fn of_train(file: &SuiteFile, document: Document<'_>) -> Result<Option<Table>, Problem> {
    match (&document.holder(&TRAIN).place, &file.data.train) {
        (_, None) => Ok(None),
        (Place::Run(rows), _) => Ok(Some(kept(&rows.train, document))),
        (_, Some(source)) => read(source, &TRAIN, document).map(Some),
    }
}

/// The rows of the dev split, if the suite names them or the run folder kept some.
pub(crate) fn of_dev(file: &SuiteFile, document: Document<'_>) -> Result<Option<Table>, Problem> {
    match (&document.holder(&DEV).place, &file.data.dev) {
        (Place::Run(rows), _) if rows.dev.is_empty() => Ok(None),
        (Place::Run(rows), _) => Ok(Some(kept(&rows.dev, document))),
        (_, None) => Ok(None),
        (_, Some(source)) => {
            let table = read(source, &DEV, document)?;
            if table.rows.is_empty() {
                let problem = document.problem(&DEV, format!("there is no row in {}", table.name));
                return Err(problem.remedy("leave `data.dev` out, or add rows to choose on"));
            }
            Ok(Some(table))
        }
    }
}

fn read(source: &Source, path: &[&str], document: Document<'_>) -> Result<Table, Problem> {
    match source {
        Source::Inline(rows) => {
            let layer = document.holder(path);
            let locate = yaml::locator(&layer.text);
            let line = |i: usize| {
                let mut path = path.to_vec();
                let i = i.to_string();
                path.push(&i);
                locate(&path).map_or(1, |(line, _)| line)
            };
            Ok(Table { name: layer.name.clone(), rows: numbered(rows, line)?, notes: Vec::new() })
        }
        Source::File(name) => of_file(name, None, path, document),
        Source::Selection(selection) => {
            let table = of_file(&selection.file, selection.format, path, document)?;
            selection::apply(selection, table, path, document)
        }
    }
}

/// The rows of a data file, which lies beside the file that names it.
fn of_file(
    name: &str,
    format: Option<Format>,
    path: &[&str],
    document: Document<'_>,
) -> Result<Table, Problem> {
    let layer = document.holder(path);
    let (shown, rows) = match &layer.place {
        Place::Folder { opened, shown } => {
            let shown = shown.join(name).display().to_string();
            let rows = dataset::read_file(&opened.join(name), &shown, format).map_err(|p| {
                match p.line {
                    // What is wrong with the whole file is wrong with the key that names it.
                    None => Problem {
                        remedy: p.remedy,
                        ..document.problem(path, format!("{}: {}", p.file, p.message))
                    },
                    Some(_) => p,
                }
            })?;
            (shown, rows)
        }
        Place::Catalog(entry) => {
            let shown = format!("{}/{name}", layer.name);
            let text = entry.file(name).ok_or_else(|| {
                document.problem(path, format!("the catalog has no file `{name}`"))
            })?;
            let rows = dataset::read_embedded(text, &shown, format)?;
            (shown, rows)
        }
        Place::Run(_) => {
            return Err(document.problem(path, format!("`{name}` is no part of the run folder")));
        }
    };
    Ok(Table { name: shown, rows, notes: Vec::new() })
}

/// Rows that the run folder kept.
fn kept(rows: &Rows, document: Document<'_>) -> Table {
    let name = format!("rows of {} in the run folder", document.name);
    Table { name, rows: rows.clone(), notes: Vec::new() }
}

/// Rows of a run folder as they come; their lines are their numbers.
pub(crate) fn of_run_folder(rows: impl IntoIterator<Item = Fields>) -> Result<Rows, Problem> {
    let mut kept = RowsWriter::default();
    for (line, fields) in (1..).zip(rows) {
        kept.push(line, &fields)?;
    }
    kept.finish()
}

fn numbered(rows: &[Fields], line: impl Fn(usize) -> usize) -> Result<Rows, Problem> {
    let mut numbered = RowsWriter::default();
    for (i, fields) in rows.iter().enumerate() {
        numbered.push(line(i), fields)?;
    }
    numbered.finish()
}
