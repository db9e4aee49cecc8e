//! The keys under `labels`.

use super::Document;
use crate::problem::{Problem, listed, nearest};
use crate::schema::{self, AnswerFormat, Ordered, SuiteFile, Values};
use crate::tasks::Classification;
use crate::tasks::classification::{Axis, Label, indistinct};

/// What no axis of several can have in its name: metrics and statistics of axes are named with
/// them.
const NOT_IN_A_NAME: [char; 3] = ['/', ':', '.'];

/// Whether answers are JSON: as the suite says, and always where there are several axes.
pub(super) fn is_json(file: &SuiteFile) -> bool {
    let several = file.labels.as_ref().is_some_and(|Ordered(axes)| axes.len() > 1);
    several || file.answer.format == Some(AnswerFormat::Json)
}

pub(super) fn task(
    file: &SuiteFile,
    axes: &[(String, schema::Axis)],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Classification {
    if axes.is_empty() {
        let problem = document.problem(&["labels"], "there is no label axis");
        problems.push(problem.remedy("name one: `labels: {category: {values: [a, b]}}`"));
    }
    if axes.len() > 1 {
        if file.answer.format == Some(AnswerFormat::Text) {
            let message = "several label axes are answered by a JSON object, not by text";
            let remedy = "write `format: json`, or leave the key out";
            problems.push(document.problem(&["answer", "format"], message).remedy(remedy));
        }
        for (name, _) in axes.iter().filter(|(name, _)| name.contains(NOT_IN_A_NAME)) {
            let message = format!("`{name}` cannot name one of several label axes");
            let remedy = "leave out `/`, `:` and `.`";
            problems.push(document.problem(&["labels", name], message).remedy(remedy));
        }
    }
    let json = is_json(file);
    let axes = axes.iter().map(|(name, spec)| axis(name, spec, json, document, problems));
    Classification::new(axes.collect(), json)
}

fn axis(
    name: &str,
    spec: &schema::Axis,
    json: bool,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Axis {
    let Values(values) = &spec.values;
    let label = |(name, help): &(String, Option<String>)| Label {
        name: name.clone(),
        help: help.clone(),
        aliases: spec.aliases.get(name).cloned().unwrap_or_default(),
    };
    let labels: Vec<Label> = values.iter().map(label).collect();
    check_labels(&labels, name, document, problems);
    check_aliases(spec, &labels, name, document, problems);
    check_extras(spec, &labels, name, document, problems);
    if spec.multiple && !json && labels.iter().any(|l| l.name.contains(['\n', '\r'])) {
        let message = "a label holds a line break, and answers have a label a line";
        let problem = document.problem(&["labels", name, "values"], message);
        problems.push(problem.remedy("remove it, or write `answer: {format: json}`"));
    }
    Axis {
        name: name.to_owned(),
        expected: spec.expected.clone().unwrap_or_else(|| name.to_owned()),
        labels,
        multiple: spec.multiple,
        out_of_scope: spec.out_of_scope.clone(),
        ordinal: spec.ordinal,
    }
}

fn check_labels(labels: &[Label], axis: &str, document: Document<'_>, problems: &mut Vec<Problem>) {
    let path = ["labels", axis, "values"];
    if labels.len() < 2 {
        let message = format!("{} label(s): a classification needs at least two", labels.len());
        problems.push(document.problem(&path, message).remedy("list all labels under `values`"));
    }
    if labels.iter().any(|l| l.name.trim() != l.name || l.name.is_empty()) {
        let message = "a label is empty, or has white space around it";
        problems.push(document.problem(&path, message).remedy("remove the white space"));
    }
    for (i, label) in labels.iter().enumerate() {
        if labels.iter().take(i).any(|other| other.name == label.name) {
            let message = format!("the label `{}` stands twice in the list", label.name);
            problems.push(document.problem(&path, message).remedy("keep one of them"));
        }
    }
    if let Some((a, b)) = indistinct(labels).filter(|(a, b)| a != b) {
        let message = format!("`{a}` and `{b}` cannot be told apart in an answer");
        let remedy =
            "case, `_`, `-`, spaces and punctuation around a label make no difference: rename one";
        problems.push(document.problem(&path, message).remedy(remedy));
    }
}

fn check_aliases(
    spec: &schema::Axis,
    labels: &[Label],
    axis: &str,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) {
    if labels.iter().flat_map(|l| &l.aliases).any(|a| a.trim().is_empty()) {
        let path = ["labels", axis, "aliases"];
        problems.push(document.problem(&path, "an alias is empty").remedy("remove it"));
    }
    for unknown in spec.aliases.keys().filter(|a| !is_label(labels, a)) {
        problems.push(no_label(unknown, labels, &["labels", axis, "aliases", unknown], document));
    }
}

/// `out_of_scope` and `ordinal`: what one label out of a list can have.
fn check_extras(
    spec: &schema::Axis,
    labels: &[Label],
    axis: &str,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) {
    let outside = spec.out_of_scope.as_ref();
    for (key, present) in [("out_of_scope", outside.is_some()), ("ordinal", spec.ordinal)] {
        if present && spec.multiple {
            let message = format!("`{key}` belongs to axes with one label a sample");
            let problem = document.problem(&["labels", axis, key], message);
            problems.push(problem.remedy("remove it, or `multiple`"));
        }
    }
    if spec.ordinal && outside.is_some() {
        let message = "a label out of scope has no place in an order";
        let problem = document.problem(&["labels", axis, "ordinal"], message);
        problems.push(problem.remedy("remove `ordinal` or `out_of_scope`"));
    }
    if let Some(outside) = outside.filter(|outside| !is_label(labels, outside)) {
        problems.push(no_label(outside, labels, &["labels", axis, "out_of_scope"], document));
    }
}

fn is_label(labels: &[Label], word: &str) -> bool {
    labels.iter().any(|label| label.name == word)
}

fn no_label(word: &str, labels: &[Label], path: &[&str], document: Document<'_>) -> Problem {
    let names = || labels.iter().map(|l| l.name.as_str());
    let problem = document.problem(path, format!("`{word}` is no label"));
    problem.remedy(match nearest(word, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the labels are {}", listed(names())),
    })
}
