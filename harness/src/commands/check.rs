//! `rightsize check`: suites and bake-offs, proved without calling a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rightsize_providers::AskKind;
use rightsize_reports::sample_size;
use rightsize_suites::{Problem, Problems, Suite};

use crate::bakeoff::BakeoffFile;
use crate::exit::{Exit, Failure};
use crate::plan::{self, Answerer};
use crate::prepare;
use crate::printer::Printer;

/// `rightsize check`: every file is looked at, all problems are printed.
pub fn check(files: &[String], printer: Printer) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for file in files {
        let result = match is_bakeoff(file)? {
            true => check_bakeoff(Path::new(file), printer),
            false => check_suite(file, printer),
        };
        if let Err(failure) = result {
            for report in failure.reports {
                printer.warn(&format!("{report:?}"));
            }
            exit = exit.max(failure.exit);
        }
    }
    Ok(exit)
}

/// A bake-off has models, a suite has a task.
fn is_bakeoff(file: &str) -> Result<bool, Failure> {
    if file.starts_with("catalog:") {
        return Ok(false);
    }
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::from(Problems(vec![Problem {
            file: file.to_owned(),
            line: None,
            column: None,
            message: format!("cannot read it: {error}"),
            remedy: Some("give a suite file, a bake-off file or catalog:NAME".to_owned()),
        }]))
    })?;
    Ok(text.lines().any(|line| line.starts_with("models:")))
}

fn check_bakeoff(path: &Path, printer: Printer) -> Result<(), Failure> {
    let file = BakeoffFile::load(path)?;
    let suites = prepare::load_suites(&file)?;
    let mut lines = vec![format!("{}: bake-off `{}` is fine", path.display(), file.bakeoff.name)];
    for entry in &file.bakeoff.models {
        let answerer = Answerer::model(entry, &file.bakeoff);
        let units = plan::units_of(answerer, &file.bakeoff, &suites, None, None).len();
        lines.push(format!("  model  {}  {units} units", entry.id));
    }
    for method in &file.bakeoff.baselines {
        for suite in &suites {
            lines.push(match method.check(suite) {
                Ok(()) => format!("  baseline  {method}  {}", suite.name),
                Err(unfit) => format!("  baseline  {method}  not {}: {}", suite.name, unfit.why),
            });
        }
    }
    lines.extend(file.bakeoff.warnings().iter().map(|warning| format!("  warning: {warning}")));
    printer.result(&lines.join("\n"));
    for suite in &suites {
        describe(suite, printer);
    }
    Ok(())
}

fn check_suite(source: &str, printer: Printer) -> Result<(), Failure> {
    let suite = Suite::load(source, &PathBuf::new())?;
    describe(&suite, printer);
    Ok(())
}

/// What a suite holds, and the first prompt as a model would get it.
fn describe(suite: &Suite, printer: Printer) {
    let mut lines = vec![format!(
        "{}: suite `{}` is fine: {}, {} samples, scored by {}",
        suite.source,
        suite.name,
        suite.task.kind(),
        suite.samples.len(),
        suite.primary().title()
    )];
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    for label in suite.samples.iter().flat_map(|sample| suite.task.labels_of(&sample)) {
        *labels.entry(label).or_default() += 1;
    }
    for (label, count) in labels {
        lines.push(format!("  label  {label}  {count}"));
    }
    lines.extend(sample_size::sentences(suite).iter().map(|sentence| format!("  {sentence}")));
    lines.extend(suite.warnings.iter().map(|warning| format!("  warning: {warning}")));
    if let Some(Ok(ask)) = suite.samples.first().map(|sample| suite.ask(&sample, 0))
        && let AskKind::Generate(generate) = &ask.kind
    {
        lines.push(format!("  the first prompt, for at most {} tokens:", generate.max_tokens));
        for (speaker, text) in plan::messages(&ask) {
            lines.push(format!("    {speaker}:"));
            lines.extend(text.lines().map(|line| format!("      {line}")));
        }
    }
    printer.result(&lines.join("\n"));
}
