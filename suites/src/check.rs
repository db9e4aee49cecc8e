//! From the YAML as written to a task: which keys belong to which kind, and what their values may be.

mod classification;

use crate::metrics::{Metric, squad};
use crate::problem::{Problem, listed};
use crate::schema::{
    AnswerFormat, CompareWord, FieldSpec, FilterWord, Ordered, SuiteFile, TaskKind,
};
use crate::tasks::extraction::{Compare, Extraction, Field};
use crate::tasks::faq::{self, Faq};
use crate::tasks::reasoning::{Filter, Reasoning};
use crate::tasks::{Pattern, Pii, Summarization, Task};
use crate::yaml;

/// The suite's file in messages: its name, and its text to find lines in.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Document<'_> {
    /// A problem at a key.
    pub(crate) fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let problem = Problem::of_file(self.name, message);
        match yaml::locate(self.text, path) {
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
            Task::Extraction(extraction(fields, document, problems))
        }
        TaskKind::Pii => Task::Pii(pii(file, file.types.as_ref()?, document, problems)),
        TaskKind::Faq => Task::Faq(faq(file, file.expected.clone()?, document, problems)),
        TaskKind::Summarization => {
            let expected = file.expected.clone()?;
            Task::Summarization(Summarization { expected, primary: Metric::RougeL })
        }
        TaskKind::Reasoning => {
            let expected = file.expected.clone()?;
            let filters = filters(file, document, problems);
            Task::Reasoning(Reasoning { expected, filters, primary: Metric::Accuracy })
        }
    };
    let task = with_primary(task, file, document, problems);
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
            TaskKind::Faq | TaskKind::Summarization | TaskKind::Reasoning,
            Some(AnswerFormat::Json),
        ) => Some("text"),
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
        TaskKind::Faq | TaskKind::Summarization | TaskKind::Reasoning => false,
    };
    if file.answer.constrain && !json {
        let message = "only JSON answers can be constrained";
        let remedy = "write `format: json`, or leave `constrain` out";
        problems.push(document.problem(&["answer", "constrain"], message).remedy(remedy));
    }
    if file.answer.filters.is_some() && file.task != TaskKind::Reasoning {
        let message = "`filters` belongs to the task `reasoning`";
        let problem = document.problem(&["answer", "filters"], message);
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
        TaskKind::Faq => ("faq", "expected", &["abstentions"], "expected: answer"),
        TaskKind::Summarization => ("summarization", "expected", &[], "expected: summary"),
        TaskKind::Reasoning => ("reasoning", "expected", &[], "expected: answer"),
    };
    let keys = [
        ("labels", file.labels.is_some()),
        ("fields", file.fields.is_some()),
        ("types", file.types.is_some()),
        ("text", file.text.is_some()),
        ("expected", file.expected.is_some()),
        ("abstentions", file.abstentions.is_some()),
    ];
    for (key, present) in keys {
        if present && key != wanted && !others.contains(&key) {
            let message = format!("`{key}` does not belong to the task `{kind}`");
            let remedy = format!("remove it; this task has `{wanted}`");
            problems.push(document.problem(&[key], message).remedy(remedy));
        }
        if !present && key == wanted {
            let message = format!("the task `{kind}` needs the key `{wanted}`");
            problems.push(document.problem(&["task"], message).remedy(format!("add `{example}`")));
        }
    }
}

fn extraction(
    fields: &[(String, FieldSpec)],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Extraction {
    if fields.is_empty() {
        let problem = document.problem(&["fields"], "there is no field to extract");
        problems.push(problem.remedy("name at least one: `fields: {total: {compare: number}}`"));
    }
    let field = |(name, spec): &(String, FieldSpec)| {
        let mut belongs = |key: &str, present: bool, word: CompareWord| {
            if present && spec.compare != word {
                let message = format!("`{key}` does not belong to this comparator");
                let problem = document.problem(&["fields", name, key], message);
                problems.push(problem.remedy("remove it, or change `compare`"));
            }
        };
        belongs("tolerance", spec.tolerance.is_some(), CompareWord::Number);
        belongs("values", spec.values.is_some(), CompareWord::Enum);
        let tolerance = spec.tolerance.unwrap_or(0.0);
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            let message = format!("the tolerance {tolerance} is no number from 0");
            let problem = document.problem(&["fields", name, "tolerance"], message);
            problems.push(problem.remedy("it is the largest absolute difference that is right"));
        }
        let values = spec.values.clone().unwrap_or_default();
        if spec.compare == CompareWord::Enum && values.is_empty() {
            let problem = document.problem(&["fields", name], "`compare: enum` needs `values`");
            problems.push(problem.remedy("list them: `values: [EUR, USD]`"));
        }
        Field {
            name: name.clone(),
            expected: spec.expected.clone().unwrap_or_else(|| name.clone()),
            compare: match spec.compare {
                CompareWord::Exact => Compare::Exact,
                CompareWord::Casefold => Compare::Casefold,
                CompareWord::Number => Compare::Number { tolerance },
                CompareWord::Date => Compare::Date,
                CompareWord::Enum => Compare::Enum { values },
            },
        }
    };
    Extraction { fields: fields.iter().map(field).collect(), primary: Metric::FieldF1 }
}

fn pii(
    file: &SuiteFile,
    types: &[String],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Pii {
    if types.is_empty() {
        let problem = document.problem(&["types"], "there is no type of personal data");
        problems.push(problem.remedy("name at least one: `types: [PERSON, EMAIL]`"));
    }
    for (i, kind) in types.iter().enumerate() {
        let same = |other: &String| other.to_lowercase() == kind.to_lowercase();
        if types.iter().take(i).any(same) {
            let message = format!("the type `{kind}` stands twice in the list");
            problems.push(document.problem(&["types"], message).remedy("keep one of them"));
        }
        if kind.trim() != kind || kind.is_empty() || kind.contains(['(', ')']) {
            let message = format!("`{kind}` cannot name a type");
            let remedy = "remove white space around it, and parentheses";
            problems.push(document.problem(&["types"], message).remedy(remedy));
        }
    }
    Pii {
        text: file.text.clone().unwrap_or_else(|| "text".to_owned()),
        expected: file.expected.clone().unwrap_or_else(|| "spans".to_owned()),
        types: types.to_vec(),
        primary: Metric::CharacterRecall,
    }
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
    Faq { expected, abstentions, unanswerable: false, primary: Metric::ExactMatch }
}

fn filters(file: &SuiteFile, document: Document<'_>, problems: &mut Vec<Problem>) -> Vec<Filter> {
    let Some(words) = &file.answer.filters else {
        return vec![Filter::Strict, Filter::Flexible];
    };
    if words.is_empty() {
        let problem = document.problem(&["answer", "filters"], "there is no filter");
        problems.push(problem.remedy("leave the key out for `[strict, flexible]`"));
    }
    let filter = |(i, word): (usize, &FilterWord)| match word {
        FilterWord::Strict => Some(Filter::Strict),
        FilterWord::Flexible => Some(Filter::Flexible),
        FilterWord::Regex(source) => Pattern::new(source)
            .map(Filter::Regex)
            .map_err(|bad| {
                let i = i.to_string();
                let path = ["answer", "filters", i.as_str()];
                problems.push(document.problem(&path, bad.message).remedy(bad.remedy));
            })
            .ok(),
    };
    words.iter().enumerate().filter_map(filter).collect()
}

/// Puts `scoring.primary` in the place of the kind's default. `accuracy.category` names the axis
/// too.
fn with_primary(
    mut task: Task,
    file: &SuiteFile,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Task {
    let Some(word) = &file.scoring.primary else {
        return task;
    };
    let metrics = task.metrics();
    let found = match &task {
        Task::Classification(task) => task.metric_named(word),
        Task::Extraction(_)
        | Task::Pii(_)
        | Task::Faq(_)
        | Task::Summarization(_)
        | Task::Reasoning(_) => metrics.iter().find(|m| m.to_string() == *word).cloned(),
    };
    match found {
        Some(found) => match &mut task {
            Task::Classification(task) => task.primary = found,
            Task::Extraction(task) => task.primary = found.metric,
            Task::Pii(task) => task.primary = found.metric,
            Task::Faq(task) => task.primary = found.metric,
            Task::Summarization(task) => task.primary = found.metric,
            Task::Reasoning(task) => task.primary = found.metric,
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
