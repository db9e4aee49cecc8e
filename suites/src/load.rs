//! From a file to a suite: read, check, and try out everything that could fail later.

use std::path::Path;

use rightsize_providers::Message;
use rightsize_providers::digest::OfParts;
use serde_json::{Value, json};

use crate::check::{self, Document};
use crate::columns;
use crate::command;
use crate::dev;
use crate::few_shot;
use crate::layers::{self, Kept, Layer, Place};
use crate::problem::{Problem, Problems};
use crate::prompt_keys::{self, Places};
use crate::rows;
use crate::sample::{self, Samples};
use crate::schema::{NOT_BUILT, SuiteFile};
use crate::suite::Suite;
use crate::tasks::Task;
use crate::tasks::checks;
use crate::tasks::faq::{self, Faq};
use crate::tools_file;
use crate::variants::{self, Variant};
use crate::yaml;

impl Suite {
    /// Loads a suite: `catalog:NAME`, or a path relative to `base`.
    ///
    /// # Errors
    /// Everything that is wrong with the suite, its data and its prompts, with file and line.
    pub fn load(source: &str, base: &Path) -> Result<Suite, Problems> {
        let (own, extended) = layers::read(source, base)?;
        build(&own, &extended)
    }

    /// Makes a suite of what a run folder kept of it, so that a run can be resumed and scored again
    /// without the suite's own files.
    ///
    /// # Errors
    /// As [`Suite::load`]; they mean that the folder was changed.
    pub fn from_run_folder(yaml: &str, source: &str, kept: Kept) -> Result<Suite, Problems> {
        if yaml::extends(source, yaml)?.is_some() {
            let problem = Problem::of_file(source, "a run folder keeps suites without `extends`");
            return Err(problem.remedy("restore the folder from a copy").into());
        }
        let place = Place::Run(kept);
        build(&Layer { name: source.to_owned(), text: yaml.to_owned(), place }, &[])
    }
}

fn build(own: &Layer, extended: &[Layer]) -> Result<Suite, Problems> {
    let layers = || std::iter::once(own).chain(extended);
    let texts: Vec<(&str, &str)> = layers().map(|l| (l.name.as_str(), l.text.as_str())).collect();
    let yaml::Layered { read: file, resolved } = yaml::read_layers(&texts, NOT_BUILT)?;
    let mut file: SuiteFile = file;
    let document = Document::new(own, extended);
    let tools_file = tools_file::read(&mut file, document)?;
    let (source, yaml) = (document.name, resolved.as_deref().unwrap_or(document.text));
    let mut problems = Vec::new();
    let folder = match &own.place {
        Place::Folder { opened, .. } => Some(opened.as_path()),
        Place::Catalog(_) | Place::Run(_) => None,
    };
    let scorer =
        command::check(&file.scoring, folder, document).unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            None
        });
    let task = check::task(&file, document, &mut problems);
    let templates = task.as_ref().and_then(|task| {
        prompt_keys::templates(&file.prompt, Places::OF_SUITE, task, document, &mut problems)
    });
    let table = rows::of_test(&file, document).map_err(|p| problems.push(p)).ok();
    let (Some(mut task), Some(mut templates), Some(table)) = (task, templates, table) else {
        return Err(sorted(problems));
    };
    if let Task::Checks(task) = &mut task {
        let columns = table.rows.columns()?;
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        task.columns = checks::columns_of(&task.expected, &columns);
    }
    columns::check(&file, &task, &templates, &table, document, &mut problems)?;
    let mut variants = variants::compile(&file, &task, &table, document, &mut problems)?;
    if !problems.is_empty() {
        return Err(sorted(problems));
    }
    let mut warnings = table.notes.clone();
    warnings.extend(columns::hidden(&templates, &table)?);
    let (command, warning) = scorer.unzip();
    warnings.extend(warning.flatten());
    let samples = sample::test(&file.data, &task, &table, &mut warnings)?;
    if let Task::Faq(faq) = &mut task {
        warnings.extend(without_answer(faq, &samples, &file, document)?);
    }
    if let Task::Checks(task) = &mut task {
        task.look_at(&samples)?;
    }
    columns::fill_all(&templates, &samples, &table.name, document)?;
    let mut train = sample::none(&file.data, &task);
    let mut train_name = String::new();
    if let Some(table) = rows::of_train(&file, document)? {
        warnings.extend(table.notes.iter().cloned());
        train = sample::train(&file.data, &task, &table)?;
        warnings.extend(sample::leak(&file.data, &samples, &train, &table.name)?);
        train_name = table.name;
    }
    let mut dev = sample::none(&file.data, &task);
    let mut dev_name = String::new();
    if let Some(table) = rows::of_dev(&file, document)? {
        warnings.extend(table.notes.iter().cloned());
        dev = sample::dev(&file.data, &task, &table)?;
        warnings.extend(sample::stands_in(&file.data, &dev, ("dev", &samples, "test"))?);
        warnings.extend(sample::stands_in(&file.data, &dev, ("dev", &train, "train"))?);
        dev_name = table.name;
    } else if !(variants.is_empty() || train.is_empty() || matches!(own.place, Place::Run(_))) {
        let shown = variants::shown_by_hand(&file);
        let aside = dev::set_aside(&file.data, &samples, &shown, &train)?;
        // Made like the rows that a run folder keeps of them, so that they have the same ids.
        dev = sample::dev(&file.data, &task, &aside.dev)?;
        train = aside.train;
        warnings.push(dev::note(&dev, &train, &train_name));
        dev_name.clone_from(&train_name);
    }
    columns::fill_all(&templates, &dev, &dev_name, document)?;
    for Variant { templates, .. } in &variants {
        columns::fill_all(templates, &samples, &table.name, document)?;
        columns::fill_all(templates, &dev, &dev_name, document)?;
    }
    let rows = few_shot::Rows {
        data: &file.data,
        task: &task,
        templates: &templates.clone(),
        samples: &samples,
        dev: &dev,
        train: &train,
        train_name: &train_name,
        at: &["prompt", "few_shot"],
        document,
    };
    if let Some(spec) = &file.prompt.few_shot {
        templates.examples = few_shot::messages(spec, rows)?;
    }
    variants::add_examples(&mut variants, &file, &templates.examples, rows)?;
    let max_tokens = file.answer.max_tokens.unwrap_or_else(|| task.default_max_tokens());
    let of_variants: Vec<_> = variants.iter().map(|v| &v.templates.examples).collect();
    let sha256 = sha256(
        yaml,
        Content {
            samples: &samples,
            dev: &dev,
            examples: &templates.examples,
            of_variants: &of_variants,
            tools: tools_file.as_ref(),
        },
    )?;
    Ok(Suite {
        name: file.name,
        description: file.description,
        task,
        margin: file.margin,
        reduce: file.scoring.reduce,
        yaml: yaml.to_owned(),
        source: source.to_owned(),
        sha256,
        warnings,
        command,
        tools_file,
        templates,
        variants,
        max_tokens,
        constrain: file.answer.constrain,
        samples,
        train,
        dev,
    })
}

/// What decides the answers to a suite beside its YAML.
struct Content<'a> {
    samples: &'a Samples,
    dev: &'a Samples,
    examples: &'a [Message],
    of_variants: &'a [&'a Vec<Message>],
    tools: Option<&'a Value>,
}

/// Digest of what is asked: that of one object with these keys, those left out that are not there.
fn sha256(yaml: &str, content: Content<'_>) -> Result<String, Problem> {
    let Content { samples, dev, examples, of_variants, tools } = content;
    let mut digest = OfParts::default();
    digest.text("{");
    if !dev.is_empty() {
        digest.text("\"dev\":");
        digest.list(dev.rows().map(|row| row.map(Value::Object)))?;
        digest.text(",");
    }
    if !examples.is_empty() {
        digest.text("\"examples\":");
        digest.value(&json!(examples));
        digest.text(",");
    }
    if of_variants.iter().any(|examples| !examples.is_empty()) {
        digest.text("\"examples_of_variants\":");
        digest.value(&json!(of_variants));
        digest.text(",");
    }
    digest.text("\"rows\":");
    digest.list(samples.rows().map(|row| row.map(Value::Object)))?;
    if let Some(tools) = tools {
        digest.text(",\"tools\":");
        digest.value(tools);
    }
    digest.text(",\"yaml\":");
    digest.value(&json!(yaml));
    digest.text("}");
    Ok(digest.finish())
}

/// Tells a faq whether it has questions without an answer. They are meant where the suite says how
/// a model abstains; else they may be cells that were forgotten, which gives a warning.
fn without_answer(
    faq: &mut Faq,
    samples: &Samples,
    file: &SuiteFile,
    document: Document<'_>,
) -> Result<Option<String>, Problem> {
    let (mut all, mut first) = (0usize, None);
    for sample in samples.checked() {
        let sample = sample?;
        if faq::has_no_answer(&sample.expected) {
            all = all.saturating_add(1);
            first.get_or_insert(sample.line);
        }
    }
    faq.unanswerable = first.is_some();
    match (first, &file.abstentions) {
        (None, Some(_)) => {
            let message = "every question has an answer, so that no abstention is right";
            let remedy = "remove the key, or add rows without an answer";
            Err(document.problem(&["abstentions"], message).remedy(remedy))
        }
        (Some(first), None) => Ok(Some(format!(
            "{all} of {} rows have no answer in `{}` (first: line {first}): it is right to abstain there; \
             write `abstentions` if that is meant",
            samples.len(),
            faq.expected,
        ))),
        _ => Ok(None),
    }
}

/// In the order of the file.
fn sorted(mut problems: Vec<Problem>) -> Problems {
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Problems(problems)
}
