//! From the YAML as written to a task: which keys belong to which kind, and what their values may be.

mod classification;
mod extraction;
mod pii;
mod reasoning;

use crate::layers::Layer;
use crate::metrics::{Measure, Metric, squad};
use crate::problem::{Problem, listed};
use crate::schema::{AnswerFormat, Ordered, SuiteFile, TaskKind, Tools};
use crate::tasks::checks::{self, Checks};
use crate::tasks::faq::{self, Faq};
use crate::tasks::tools::Tool;
use crate::tasks::{Finder, Summarization, Task, ToolUse};
use crate::yaml;

/// The suite's file in messages: its name, and its text to find lines in.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// The file itself and those that it extends; never empty.
    layers: (&'a Layer, &'a [Layer]),
}

impl<'a> Document<'a> {
    /// The files of a suite.
    pub(crate) fn new(own: &'a Layer, extended: &'a [Layer]) -> Self {
        Document { name: &own.name, text: &own.text, layers: (own, extended) }
    }

    /// The file that a key stands in: the first one that has it, as its value is the one that counts.
    pub(crate) fn holder(&self, path: &[&str]) -> &'a Layer {
        let (own, extended) = self.layers;
        let all = || std::iter::once(own).chain(extended);
        all().find(|layer| yaml::locate(&layer.text, path).is_some()).unwrap_or(own)
    }

    /// A problem at a key.
    pub(crate) fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let holder = self.holder(path);
        let problem = Problem::of_file(&holder.name, message);
        match yaml::locate(&holder.text, path) {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }
}

/// Makes the task; every problem that keeps it from being made is added to `problems`.
pub(crate) fn task(
    file: &SuiteFile,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Task> {
    let before = problems.len();
    check_name(file, document, problems);
    check_margin(file, document, problems);
    check_answer(file, document, problems);
    check_keys_of_kind(file, document, problems);
    let task = match file.task {
        TaskKind::Classification => {
            let Ordered(axes) = file.labels.as_ref()?;
            Task::Classification(classification::task(file, axes, document, problems))
        }
        TaskKind::Extraction => {
            let Ordered(fields) = file.fields.as_ref()?;
            Task::Extraction(extraction::check(fields, document, problems))
        }
        TaskKind::Pii => Task::Pii(pii::check(file, file.types.as_ref()?, document, problems)),
        TaskKind::Faq => Task::Faq(faq(file, file.expected.clone()?, document, problems)),
        TaskKind::Summarization => {
            let expected = file.expected.clone()?;
            Task::Summarization(Summarization { expected, primary: Metric::RougeL })
        }
        TaskKind::Reasoning => {
            let expected = file.expected.clone()?;
            Task::Reasoning(reasoning::check(file, expected, document, problems))
        }
        TaskKind::ToolUse => Task::ToolUse(tool_use(file, document, problems)),
        TaskKind::Checks => {
            let column = file.expected.as_deref().unwrap_or(checks::EXPECTED);
            Task::Checks(Checks::new(column))
        }
    };
    let task = with_primary(task, file, document, problems);
    check_reduce(file, &task, document, problems);
    (problems.len() == before).then_some(task)
}

fn check_name(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = &file.name;
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(fine) {
        let message = format!("`{name}` cannot name a suite");
        problems.push(document.problem(&["name"], message).remedy(
            "use at most 64 letters, digits, `-`, `_` and `.`: the name becomes that of a folder",
        ));
    }
}

fn check_margin(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) {
    let Some(margin) = &file.margin else { return };
    if !(margin.abs > 0.0 && margin.abs < 1.0) {
        let message = format!("the margin {} is not between 0 and 1", margin.abs);
        let remedy = "two percentage points are `abs: 0.02`";
        problems.push(document.problem(&["margin", "abs"], message).remedy(remedy));
    }
}

fn check_answer(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) {
    let wanted = match (file.task, file.answer.format) {
        (TaskKind::Extraction | TaskKind::Pii, Some(AnswerFormat::Text)) => Some("json"),
        (
            TaskKind::Faq | TaskKind::Summarization | TaskKind::Reasoning | TaskKind::Checks,
            Some(AnswerFormat::Json),
        ) => Some("text"),
        (TaskKind::ToolUse, Some(AnswerFormat::Text)) => Some("json"),
        (TaskKind::ToolUse, Some(AnswerFormat::Tools)) => None,
        (TaskKind::Extraction | TaskKind::Pii, Some(AnswerFormat::Tools)) => Some("json"),
        (_, Some(AnswerFormat::Tools)) => Some("text"),
        _ => None,
    };
    if let Some(wanted) = wanted {
        let message = "this answer format is not built yet for this task";
        let remedy = format!("write `format: {wanted}`, or leave the key out");
        problems.push(document.problem(&["answer", "format"], message).remedy(remedy));
    }
    let json = match file.task {
        TaskKind::Extraction | TaskKind::Pii => true,
        TaskKind::Classification => classification::is_json(file),
        TaskKind::Faq | TaskKind::Summarization | TaskKind::Reasoning | TaskKind::Checks => false,
        // Their schema would be that of all tools together, which no engine takes yet.
        TaskKind::ToolUse => false,
    };
    if file.answer.constrain && !json {
        let (message, remedy) = match file.task {
            TaskKind::ToolUse => ("calls of tools cannot be constrained yet", "leave it out"),
            _ => (
                "only JSON answers can be constrained",
                "write `format: json`, or leave `constrain` out",
            ),
        };
        problems.push(document.problem(&["answer", "constrain"], message).remedy(remedy));
    }
    let given =
        [("filters", file.answer.filters.is_some()), ("readings", file.answer.readings.is_some())];
    for (key, _) in
        given.into_iter().filter(|(_, given)| *given && file.task != TaskKind::Reasoning)
    {
        let message = format!("`{key}` belongs to the task `reasoning`");
        let problem = document.problem(&["answer", key], message);
        problems.push(problem.remedy("remove it; this task reads its answers in one way"));
    }
    if file.answer.max_tokens == Some(0) {
        let message = "an answer of 0 tokens is no answer";
        let remedy = "leave the key out for the default of the task";
        problems.push(document.problem(&["answer", "max_tokens"], message).remedy(remedy));
    }
}

/// The key that names what is expected belongs to the kind: it must be there, and only those may
/// stand beside it that the kind knows.
fn check_keys_of_kind(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) {
    let (kind, wanted, others, example): (_, _, &[&str], _) = match file.task {
        TaskKind::Classification => {
            ("classification", "labels", &[], "labels: {category: {values: [a, b]}}")
        }
        TaskKind::Extraction => ("extraction", "fields", &[], "fields: {total: {compare: number}}"),
        TaskKind::Pii => ("pii", "types", &["text", "expected"], "types: [PERSON, EMAIL]"),
        TaskKind::Faq => ("faq", "expected", &["abstentions", "citations"], "expected: answer"),
        TaskKind::Summarization => ("summarization", "expected", &[], "expected: summary"),
        TaskKind::Reasoning => ("reasoning", "expected", &[], "expected: answer"),
        TaskKind::ToolUse => ("tool_use", "tools", &["expected"], "tools: tools.json"),
        TaskKind::Checks => ("checks", "", &["expected"], ""),
    };
    let keys = [
        ("labels", file.labels.is_some()),
        ("fields", file.fields.is_some()),
        ("types", file.types.is_some()),
        ("text", file.text.is_some()),
        ("expected", file.expected.is_some()),
        ("abstentions", file.abstentions.is_some()),
        ("citations", file.citations.is_some()),
        ("tools", file.tools.is_some()),
    ];
    for (key, present) in keys {
        if present && key != wanted && !others.contains(&key) {
            let message = format!("`{key}` does not belong to the task `{kind}`");
            let has = if wanted.is_empty() { "expected" } else { wanted };
            let remedy = format!("remove it; this task has `{has}`");
            problems.push(document.problem(&[key], message).remedy(remedy));
        }
        if !present && key == wanted {
            let message = format!("the task `{kind}` needs the key `{wanted}`");
            problems.push(document.problem(&["task"], message).remedy(format!("add `{example}`")));
        }
    }
}

/// Compiles the pattern at a key.
fn finder(
    source: &str,
    path: &[&str],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Finder> {
    let finder = Finder::new(source);
    finder.map_err(|bad| problems.push(document.problem(path, bad.message).remedy(bad.remedy))).ok()
}

fn faq(
    file: &SuiteFile,
    expected: String,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Faq {
    let abstentions = file.abstentions.clone().unwrap_or_else(faq::abstentions);
    for phrase in abstentions.iter().filter(|phrase| squad::normalise(phrase).is_empty()) {
        let message = format!("the abstention `{phrase}` is empty when it is compared");
        let remedy = "remove it: an empty answer is an abstention anyway";
        problems.push(document.problem(&["abstentions"], message).remedy(remedy));
    }
    // Whether a row has no answer is known once the rows have been read.
    let citations = file.citations.clone();
    Faq { expected, abstentions, citations, unanswerable: false, primary: Metric::ExactMatch }
}

fn tool_use(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) -> ToolUse {
    // Those of a file were read before.
    let written = match &file.tools {
        Some(Tools::Inline(tools)) => tools.as_slice(),
        Some(Tools::File(_)) | None => &[],
    };
    if written.is_empty() && file.tools.is_some() {
        let problem = document.problem(&["tools"], "there is no tool");
        problems.push(problem.remedy("define at least one: `{name: now, parameters: {...}}`"));
    }
    let mut tools: Vec<Tool> = Vec::new();
    for (i, value) in written.iter().enumerate() {
        let position = i.to_string();
        let path = ["tools", position.as_str()];
        match Tool::new(value) {
            Ok(tool) if tools.iter().any(|other| other.name() == tool.name()) => {
                let message = format!("tool {}: `{}` is defined twice", i + 1, tool.name());
                problems.push(document.problem(&path, message).remedy("keep one of them"));
            }
            Ok(tool) => tools.push(tool),
            Err(bad) => {
                let message = format!("tool {}: {}", i + 1, bad.message);
                problems.push(document.problem(&path, message).remedy(bad.remedy));
            }
        }
    }
    ToolUse {
        tools,
        expected: file.expected.clone().unwrap_or_else(|| "calls".to_owned()),
        typed: file.answer.format == Some(AnswerFormat::Tools),
        primary: Metric::CallAccuracy,
    }
}

/// Only what is right or wrong can pass.
fn check_reduce(
    file: &SuiteFile,
    task: &Task,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) {
    let reduce = file.scoring.reduce;
    let primary = task.primary();
    // Of several axes the accuracy is a mean over them.
    let several = task.axes().len() > 1;
    let passes = |m: &Measure| m.is_proportion() && !(several && *m == Metric::Accuracy);
    if reduce.counts_passes() && !passes(&primary) {
        let message = format!("`{reduce}` counts right answers, and `{primary}` is a share");
        let passing: Vec<String> =
            task.metrics().iter().filter(|m| passes(m)).map(ToString::to_string).collect();
        let remedy = match passing.is_empty() {
            true => "write `reduce: mean`: no metric of this task is right or wrong".to_owned(),
            false => format!(
                "write `reduce: mean`, or choose as `primary` {}",
                listed(passing.iter().map(String::as_str))
            ),
        };
        problems.push(document.problem(&["scoring", "reduce"], message).remedy(remedy));
    }
}

/// Puts `scoring.primary` in the place of the kind's default. `accuracy.category` names the axis
/// too.
fn with_primary(
    mut task: Task,
    file: &SuiteFile,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Task {
    let Some(word) = file.scoring.primary.as_ref().filter(|_| file.scoring.command.is_none())
    else {
        return task;
    };
    let mut metrics = task.metrics();
    if task.axes().is_empty() {
        // What is read beside an answer decides no outcome, so that it headlines nothing.
        metrics.retain(|measure| measure.axis.is_none());
    }
    let found = match &task {
        Task::Classification(task) => task.metric_named(word),
        Task::Extraction(_)
        | Task::Pii(_)
        | Task::Faq(_)
        | Task::Summarization(_)
        | Task::Reasoning(_)
        | Task::ToolUse(_)
        | Task::Checks(_) => metrics.iter().find(|m| m.to_string() == *word).cloned(),
    };
    match found {
        Some(found) => match &mut task {
            Task::Classification(task) => task.primary = found,
            Task::Extraction(task) => task.primary = found.metric,
            Task::Pii(task) => task.primary = found.metric,
            Task::Faq(task) => task.primary = found.metric,
            Task::Summarization(task) => task.primary = found.metric,
            Task::Reasoning(task) => task.primary = found.metric,
            Task::ToolUse(task) => task.primary = found.metric,
            Task::Checks(task) => task.primary = found.metric,
        },
        None => {
            let message = format!("`{word}` is no metric of the task `{}`", task.kind());
            let names: Vec<String> = metrics.iter().map(ToString::to_string).collect();
            let remedy = format!("it has {}", listed(names.iter().map(String::as_str)));
            problems.push(document.problem(&["scoring", "primary"], message).remedy(remedy));
        }
    }
    task
}
