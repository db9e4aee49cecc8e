//! `rightsize check`: suites and bake-offs, proved without calling a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rightsize_providers::AskKind;
use rightsize_reports::sample_size;
use rightsize_suites::variants::DEFAULT;
use rightsize_suites::{Problem, Problems, Suite};

use crate::bakeoff::BakeoffFile;
use crate::exit::{Exit, Failure};
use crate::modes;
use crate::plan::{self, Answerer};
use crate::prepare;
use crate::printer::Printer;
use crate::prompt_lengths;
use crate::variants::{self, Prompts};

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
        let units = plan::units_of(answerer, &file.bakeoff, &suites, None, None);
        let units = modes::in_mode(entry.mode, units).len();
        let dev: u64 = suites
            .iter()
            .filter_map(|suite| match variants::prompts(&file.bakeoff, entry, suite) {
                Prompts::Fixed(_) => None,
                Prompts::Chosen(candidates) => {
                    let each = plan::dev_units_of_each(answerer, &file.bakeoff, suite, None);
                    Some(each.saturating_mul(candidates.len() as u64))
                }
            })
            .sum();
        let beside = match dev {
            0 => String::new(),
            n => format!(", and {n} on dev splits to choose prompt variants"),
        };
        lines.push(format!("  model  {}  {units} units{beside}", entry.id));
        let lengths = suites.iter().filter_map(|s| prompt_lengths::in_tokens(entry, &file.base, s));
        lines.extend(lengths.map(|line| format!("    {line}")));
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

/// The labels with their counts, the most frequent first; of many the ends of the list.
fn listed(labels: BTreeMap<String, usize>) -> Vec<String> {
    const MOST: usize = 24;
    const AT_THE_END: usize = 4;
    let mut labels: Vec<(String, usize)> = labels.into_iter().collect();
    labels.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let line = |(label, count): &(String, usize)| format!("  label  {label}  {count}");
    let cut = labels.len().saturating_sub(MOST);
    if cut == 0 {
        return labels.iter().map(line).collect();
    }
    let (first, rest) = labels.split_at(MOST - AT_THE_END);
    let (left_out, last) = rest.split_at(cut);
    let between = format!("  … and {} labels between", left_out.len());
    first.iter().map(line).chain([between]).chain(last.iter().map(line)).collect()
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
    lines.extend(listed(labels));
    if let Some(lengths) = prompt_lengths::in_characters(suite) {
        lines.push(format!("  prompts of {lengths} characters"));
    }
    lines.extend(sample_size::sentences(suite).iter().map(|sentence| format!("  {sentence}")));
    lines.extend(suite.warnings.iter().map(|warning| format!("  warning: {warning}")));
    if !suite.dev.is_empty() {
        lines.push(format!("  dev split: {} rows", suite.dev.len()));
    }
    for variant in suite.variants() {
        lines.extend(first_prompt(suite, variant));
    }
    printer.result(&lines.join("\n"));
}

/// The first sample's prompt in a variant.
fn first_prompt(suite: &Suite, variant: &str) -> Vec<String> {
    let ask = suite.samples.first().map(|sample| suite.ask_in(variant, &sample, 0));
    let Some(Ok(ask)) = ask else { return Vec::new() };
    let AskKind::Generate(generate) = &ask.kind else { return Vec::new() };
    let of_variant = match variant {
        DEFAULT => String::new(),
        name => format!(" of the variant {name}"),
    };
    let most = generate.max_tokens;
    let mut lines = vec![format!("  the first prompt{of_variant}, for at most {most} tokens:")];
    for (speaker, text) in plan::messages(&ask) {
        lines.push(format!("    {speaker}:"));
        lines.extend(text.lines().map(|line| format!("      {line}")));
    }
    lines
}
