//! From a promptfoo configuration to suites and a bake-off.

use std::path::{Path, PathBuf};

use rightsize_reports::{numbers, sample_size, visible};
use rightsize_suites::Suite;
use rightsize_suites::baselines::Method;
use rightsize_suites::promptfoo::{self, Entry, Facts, Kind, Translation};
use rightsize_suites::propose::word;
use serde_json::Value;

use super::from_data::{json_lines, suite_name};
use super::{create, may_write, say_how_to_run, says_of_columns, write};
use crate::arguments;
use crate::bakeoff::BakeoffFile;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Largest file that is looked at, in bytes.
const LARGEST: u64 = 16 << 20;

/// Whether a file is a promptfoo configuration, by what it holds.
pub fn is_config(path: &Path) -> bool {
    let ends = ["yaml", "yml", "json"];
    let named = path.extension().is_some_and(|end| ends.iter().any(|e| end == *e));
    let small = path.metadata().is_ok_and(|file| file.len() <= LARGEST);
    named && small && std::fs::read_to_string(path).is_ok_and(|text| promptfoo::is_config(&text))
}

/// `rightsize init promptfooconfig.yaml`.
pub fn init(args: &arguments::Init, printer: Printer) -> Result<Exit, Failure> {
    let source = args.source.as_path();
    if says_of_columns(args) {
        let message = format!("{} is a promptfoo configuration", source.display());
        let remedy =
            "it says itself what is asked and expected: of the options give --out, --force";
        return Err(Failure::wrong(message, remedy));
    }
    let translation = promptfoo::translate(source)?;
    let name = suite_name(source);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(&name));
    let (margin, why) = sample_size::margin(translation.rows.len());
    let origin = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rows = "tests.jsonl";
    let facts = Facts { name: &name, origin: &origin, rows, margin: (margin, &why) };
    let suites = translation.suites(&facts);
    let files: Vec<(String, &String)> =
        suites.iter().enumerate().map(|(i, (_, text))| (file_of(i), text)).collect();
    let names = files.iter().map(|(name, _)| name.as_str()).chain([rows, "bakeoff.yaml"]);
    let paths: Vec<PathBuf> = names.map(|name| out.join(name)).collect();
    may_write(paths.iter().map(PathBuf::as_path), args.force)?;
    say(&translation, suites.len(), printer);
    create(&out)?;
    write(&out.join(rows), &json_lines(&translation.rows), printer)?;
    let mut loaded = Vec::new();
    for (file, text) in &files {
        let path = out.join(file);
        write(&path, text, printer)?;
        loaded.push(Suite::load(&path.display().to_string(), Path::new(""))?);
    }
    let bakeoff = out.join("bakeoff.yaml");
    write(&bakeoff, &bakeoff_yaml(&name, &origin, &translation, &loaded), printer)?;
    BakeoffFile::load(&bakeoff)?;
    for warning in loaded.iter().flat_map(|suite| &suite.warnings) {
        printer.note(&format!("warning: {warning}"));
    }
    say_how_to_run(&out, printer);
    Ok(Exit::Done)
}

fn file_of(prompt: usize) -> String {
    match prompt {
        0 => "suite.yaml".to_owned(),
        more => format!("suite-{}.yaml", more + 1),
    }
}

/// What was translated, and what was not.
fn say(translation: &Translation, suites: usize, printer: Printer) {
    let count = |n: usize, word: &str| {
        format!("{} {word}{}", numbers::count(n as u64), if n == 1 { "" } else { "s" })
    };
    let mut lines = vec![format!(
        "Translated: {} of the task {}, {}, {}.",
        count(suites, "suite"),
        translation.task,
        count(translation.rows.len(), "test"),
        count(translation.entries.len(), "provider"),
    )];
    for (kind, title) in
        [(Kind::Not, "Not translated:"), (Kind::Differs, "Translated with a difference:")]
    {
        let groups: Vec<String> = translation
            .remarks
            .iter()
            .filter(|group| group.first.kind == kind)
            .map(|group| format!("  {}", visible::line(&group.to_string())))
            .collect();
        if !groups.is_empty() {
            lines.push(title.to_owned());
            lines.extend(groups);
        }
    }
    printer.result(&lines.join("\n"));
}

/// The text of the bake-off.
fn bakeoff_yaml(name: &str, origin: &str, translation: &Translation, suites: &[Suite]) -> String {
    let oracle = suites.iter().all(|suite| Method::Oracle.check(suite).is_ok());
    let mut lines = vec![
        format!("# Translated by `rightsize init` of {}.", visible::line(origin)),
        "#   rightsize check bakeoff.yaml            proves it without calling a model".to_owned(),
        "#   rightsize run bakeoff.yaml --limit 20   a quick look".to_owned(),
        format!("name: {}", word(name)),
        "suites:".to_owned(),
    ];
    lines.extend((0..suites.len()).map(|i| format!("  - {}", file_of(i))));
    lines.push(String::new());
    if translation.entries.is_empty() && oracle {
        lines.push(
            "# Put models below, in the place of `[]`; `rightsize models` lists some.".into(),
        );
        lines.push("models: []".to_owned());
    } else if translation.entries.is_empty() {
        lines.push(
            "# No provider was translated. This one comes with rightsize: replace it.".into(),
        );
        lines.push("models: [specialist-5m]".to_owned());
    } else {
        lines.push("# Keys stand in the environment, never here.\nmodels:".to_owned());
        lines.extend(translation.entries.iter().map(entry_yaml));
    }
    if oracle {
        lines.push(
            "\n# The expected answers: they prove that what is right is scored so.\n\
             baselines: [oracle]"
                .to_owned(),
        );
    }
    if translation.repeats > 1 {
        lines.push(format!("\n# Each test so many times.\nrepeats: {}", translation.repeats));
    }
    lines.join("\n") + "\n"
}

fn entry_yaml(entry: &Entry) -> String {
    let mut lines = vec![
        format!("  - id: {}", word(&entry.id)),
        "    provider: openai".to_owned(),
        format!("    model: {}", word(&entry.model)),
    ];
    let mut line = |key: &str, value: String| lines.push(format!("    {key}: {value}"));
    if let Some(url) = &entry.base_url {
        line("base_url", word(url));
    }
    if let Some(key) = &entry.key_env {
        line("key_env", word(key));
    }
    if let Some(concurrency) = entry.concurrency {
        line("concurrency", concurrency.to_string());
    }
    if !entry.sampling.is_empty() {
        // A mapping of JSON is one of YAML.
        line("sampling", Value::Object(entry.sampling.clone()).to_string());
    }
    if !entry.extras.is_empty() {
        line("extras", Value::Object(entry.extras.clone()).to_string());
    }
    lines.join("\n")
}
