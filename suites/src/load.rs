//! From a file to a suite: read, check, and try out everything that could fail later.

use std::path::{Path, PathBuf};

use rightsize_providers::{Fields, digest};
use serde_json::{Value, json};

use crate::catalog;
use crate::check::{self, Document};
use crate::columns;
use crate::command;
use crate::dataset::{self, Row, Table};
use crate::problem::{Problem, Problems, listed};
use crate::prompt::Templates;
use crate::sample::{self, Sample};
use crate::schema::{NOT_BUILT, Source, SuiteFile, Tools};
use crate::suite::Suite;
use crate::tasks::Task;
use crate::tasks::faq::{self, Faq};
use crate::yaml;

/// Largest suite file, in bytes; larger data belongs into a file of its own.
const LARGEST_YAML: u64 = 16 << 20;

/// Where the files of a suite lie.
enum Place {
    /// In the binary.
    Catalog(&'static catalog::Entry),
    /// In the folder of the suite's file: the folder as it is opened, and as messages name it.
    Folder { opened: PathBuf, shown: PathBuf },
    /// In the run folder, which kept the rows themselves.
    Run { test: Vec<Fields>, train: Vec<Fields>, tools: Option<Value> },
}

impl Suite {
    /// Loads a suite: `catalog:NAME`, or a path relative to `base`.
    ///
    /// # Errors
    /// Everything that is wrong with the suite, its data and its prompts, with file and line.
    pub fn load(source: &str, base: &Path) -> Result<Suite, Problems> {
        if let Some(name) = source.strip_prefix(catalog::PREFIX) {
            let entry = catalog::find(name)?;
            return build(entry.yaml, source, Place::Catalog(entry));
        }
        let path = base.join(source);
        let yaml = read_yaml(&path, source)?;
        let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
        let place = Place::Folder { opened: folder(&path), shown: folder(Path::new(source)) };
        build(&yaml, source, place)
    }

    /// Makes a suite of what a run folder kept of it, so that a run can be resumed and scored again
    /// without the suite's own files: the YAML as it was, and the rows of its splits in order.
    ///
    /// # Errors
    /// As [`Suite::load`]; they mean that the folder was changed.
    pub fn from_run_folder(
        yaml: &str,
        source: &str,
        test: Vec<Fields>,
        train: Vec<Fields>,
    ) -> Result<Suite, Problems> {
        build(yaml, source, Place::Run { test, train, tools: None })
    }

    /// The same for a suite whose tools stand in a file of their own, with what the file held
    /// ([`Suite::tools_file`]).
    ///
    /// # Errors
    /// As [`Suite::from_run_folder`].
    pub fn with_tools_from_run_folder(
        yaml: &str,
        source: &str,
        test: Vec<Fields>,
        train: Vec<Fields>,
        tools: Value,
    ) -> Result<Suite, Problems> {
        build(yaml, source, Place::Run { test, train, tools: Some(tools) })
    }
}

fn read_yaml(path: &Path, source: &str) -> Result<String, Problem> {
    use std::io::Read;
    if path.is_dir() {
        let problem = Problem::of_file(source, "this is a folder");
        return Err(problem.remedy(format!("name the file in it: `{source}/suite.yaml`")));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_YAML.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Problem::of_file(source, "there is no such file")
                .remedy(format!(
                    "shipped suites are named {}",
                    listed(catalog_sources().iter().map(String::as_str))
                )),
            _ => Problem::of_file(source, format!("cannot read the file: {e}")),
        })?;
    if bytes.len() as u64 > LARGEST_YAML {
        let problem = Problem::of_file(source, "the file has more than 16 MiB");
        return Err(problem.remedy("put the rows into a data file of their own"));
    }
    String::from_utf8(bytes).map_err(|_| Problem::of_file(source, "this is not UTF-8"))
}

fn catalog_sources() -> Vec<String> {
    catalog::names().map(|name| format!("{}{name}", catalog::PREFIX)).collect()
}

fn build(text: &str, source: &str, place: Place) -> Result<Suite, Problems> {
    let mut file: SuiteFile = yaml::read(source, text, NOT_BUILT)?;
    let document = Document { name: source, text };
    let tools_file = tools_of_file(&mut file, document, &place)?;
    let mut problems = Vec::new();
    let folder = match &place {
        Place::Folder { opened, .. } => Some(opened.as_path()),
        Place::Catalog(_) | Place::Run { .. } => None,
    };
    let scorer =
        command::check(&file.scoring, folder, document).unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            None
        });
    let task = check::task(&file, document, &mut problems);
    let templates = task.as_ref().and_then(|task| templates(&file, task, document, &mut problems));
    let table = test_rows(&file, document, &place).map_err(|p| problems.push(p)).ok();
    let (Some(mut task), Some(templates), Some(table)) = (task, templates, table) else {
        return Err(sorted(problems));
    };
    columns::check(&file, &task, &templates, &table, document, &mut problems);
    if !problems.is_empty() {
        return Err(sorted(problems));
    }
    let mut warnings = columns::hidden(&templates, &table);
    let (command, warning) = scorer.unzip();
    warnings.extend(warning.flatten());
    let samples = sample::test(&file.data, &task, &table, &mut warnings)?;
    if let Task::Faq(faq) = &mut task {
        warnings.extend(without_answer(faq, &samples, &file, document)?);
    }
    columns::fill_all(&templates, &samples, &table.name, document)?;
    let table = match (&place, &file.data.train) {
        (_, None) => None,
        (Place::Run { train, .. }, _) => Some(kept(train, document)),
        (_, Some(source)) => Some(rows(source, &["data", "train"], document, &place)?),
    };
    let mut train = Vec::new();
    if let Some(table) = table {
        train = sample::train(&file.data, &task, &table)?;
        warnings.extend(sample::leak(&file.data, &samples, &train, &table.name));
    }
    let max_tokens = file.answer.max_tokens.unwrap_or_else(|| task.default_max_tokens());
    let all: Vec<Value> = samples.iter().map(|s| Value::Object(s.row.clone())).collect();
    let mut content = json!({"yaml": text, "rows": all});
    if let (Some(tools), Some(content)) = (&tools_file, content.as_object_mut()) {
        content.insert("tools".to_owned(), tools.clone());
    }
    Ok(Suite {
        name: file.name,
        description: file.description,
        task,
        margin: file.margin,
        yaml: text.to_owned(),
        source: source.to_owned(),
        sha256: digest::of_value(&content),
        warnings,
        command,
        tools_file,
        templates,
        max_tokens,
        constrain: file.answer.constrain,
        samples,
        train,
    })
}

/// Puts the tools of a file in the place of its name; gives what the file held.
fn tools_of_file(
    file: &mut SuiteFile,
    document: Document<'_>,
    place: &Place,
) -> Result<Option<Value>, Problem> {
    let Some(Tools::File(name)) = &file.tools else { return Ok(None) };
    let problem = |message: String| document.problem(&["tools"], format!("{name}: {message}"));
    let value = match place {
        Place::Folder { opened, .. } => read_json(&opened.join(name)).map_err(|message| {
            problem(message)
                .remedy("name a JSON file with a list of tools, relative to the suite's")
        })?,
        Place::Catalog(entry) => {
            let text = entry.file(name).unwrap_or_default();
            serde_json::from_str(text).map_err(|e| problem(format!("this is no JSON: {e}")))?
        }
        Place::Run { tools, .. } => {
            let kept = tools.clone();
            kept.ok_or_else(|| problem("it is no part of the run folder".to_owned()))?
        }
    };
    let Value::Array(tools) = &value else {
        return Err(problem("this is no list".to_owned()).remedy("write `[{\"name\": ...}, ...]`"));
    };
    file.tools = Some(Tools::Inline(tools.clone()));
    Ok(Some(value))
}

/// Reads a JSON file beside a suite, or says why it cannot be read.
fn read_json(path: &Path) -> Result<Value, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_YAML.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("cannot read the file: {e}"),
        })?;
    if bytes.len() as u64 > LARGEST_YAML {
        return Err("the file has more than 16 MiB".to_owned());
    }
    serde_json::from_slice(&bytes).map_err(|e| format!("this is no JSON: {e}"))
}

/// Tells a faq whether it has questions without an answer. They are meant where the suite says how
/// a model abstains; else they may be cells that were forgotten, which gives a warning.
fn without_answer(
    faq: &mut Faq,
    samples: &[Sample],
    file: &SuiteFile,
    document: Document<'_>,
) -> Result<Option<String>, Problem> {
    let all: Vec<&Sample> =
        samples.iter().filter(|sample| faq::has_no_answer(&sample.expected)).collect();
    faq.unanswerable = !all.is_empty();
    match (all.first(), &file.abstentions) {
        (None, Some(_)) => {
            let message = "every question has an answer, so that no abstention is right";
            let remedy = "remove the key, or add rows without an answer";
            Err(document.problem(&["abstentions"], message).remedy(remedy))
        }
        (Some(first), None) => Ok(Some(format!(
            "{} of {} rows have no answer in `{}` (first: line {}): it is right to abstain there; \
             write `abstentions` if that is meant",
            all.len(),
            samples.len(),
            faq.expected,
            first.line
        ))),
        _ => Ok(None),
    }
}

/// In the order of the file.
fn sorted(mut problems: Vec<Problem>) -> Problems {
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Problems(problems)
}

fn templates(
    file: &SuiteFile,
    task: &Task,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Templates> {
    let prompt = &file.prompt;
    Templates::compile(prompt.system.as_deref(), &prompt.user, task.prompt_variables())
        .map_err(|e| {
            let message = format!("the template does not compile: {}", e.message);
            let mut problem = document.problem(&["prompt", e.part], message);
            if let Some(line) =
                problem.line.and_then(|key| line_in_block(document.text, key, e.line))
            {
                problem = Problem { column: None, ..problem.at_line(line) };
            }
            problems.push(problem.remedy("templates are written as in Jinja: `{{ column }}`"));
        })
        .ok()
}

/// The line of the file that holds a line of a template in block style (`user: |`), whose key stands
/// on line `key`. Templates on the key's own line have no other place than their key.
fn line_in_block(text: &str, key: usize, line: usize) -> Option<usize> {
    let key_line = text.lines().nth(key.checked_sub(1)?)?;
    let block = key_line.trim_end().trim_end_matches(['-', '+']).ends_with(['|', '>']);
    block.then(|| key.saturating_add(line))
}

fn test_rows(file: &SuiteFile, document: Document<'_>, place: &Place) -> Result<Table, Problem> {
    let table = match place {
        Place::Run { test, .. } => kept(test, document),
        Place::Catalog(_) | Place::Folder { .. } => {
            rows(&file.data.test, &["data", "test"], document, place)?
        }
    };
    if table.rows.is_empty() {
        let message = format!("there is no row in {}", table.name);
        let problem = document.problem(&["data", "test"], message);
        return Err(problem.remedy("a suite needs samples: a hundred are a start"));
    }
    Ok(table)
}

fn rows(
    source: &Source,
    path: &[&str],
    document: Document<'_>,
    place: &Place,
) -> Result<Table, Problem> {
    match (source, place) {
        (Source::Inline(rows), _) => {
            let line = |i: usize| {
                let mut path = path.to_vec();
                let i = i.to_string();
                path.push(&i);
                yaml::locate(document.text, &path).map_or(1, |(line, _)| line)
            };
            Ok(Table { name: document.name.to_owned(), rows: numbered(rows, line) })
        }
        (Source::File(name), Place::Folder { opened, shown }) => {
            let shown = shown.join(name).display().to_string();
            let rows =
                dataset::read_file(&opened.join(name), &shown).map_err(|p| match p.line {
                    // What is wrong with the whole file is wrong with the key that names it.
                    None => Problem {
                        remedy: p.remedy,
                        ..document.problem(path, format!("{}: {}", p.file, p.message))
                    },
                    Some(_) => p,
                })?;
            Ok(Table { name: shown, rows })
        }
        (Source::File(name), Place::Catalog(entry)) => {
            let shown = format!("{}/{name}", document.name);
            let text = entry.file(name).ok_or_else(|| {
                document.problem(path, format!("the catalog has no file `{name}`"))
            })?;
            let rows = dataset::read_embedded(text, &shown)?;
            Ok(Table { name: shown, rows })
        }
        (Source::File(name), Place::Run { .. }) => {
            Err(document.problem(path, format!("`{name}` is no part of the run folder")))
        }
    }
}

/// Rows that the run folder kept.
fn kept(rows: &[Fields], document: Document<'_>) -> Table {
    Table {
        name: format!("rows of {} in the run folder", document.name),
        rows: numbered(rows, |i| i.saturating_add(1)),
    }
}

fn numbered(rows: &[Fields], line: impl Fn(usize) -> usize) -> Vec<Row> {
    rows.iter().enumerate().map(|(i, f)| Row { line: line(i), fields: f.clone() }).collect()
}
