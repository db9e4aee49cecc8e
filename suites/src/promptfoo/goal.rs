//! Which task says what the tests ask for.
//!
//! - one `equals` a test, few values that repeat: labels (`classification`)
//! - one `equals` a test: an answer in words (`faq`)
//! - JSON whose values are known: fields (`extraction`)
//! - anything else: `checks`, whose rules are promptfoo's own

use std::collections::{BTreeMap, BTreeSet};

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::cases::Case;
use super::config::Node;
use super::prompts::Prompt;
use super::remarks::Remarks;
use super::template;
use crate::metrics::squad;
use crate::sample::scalar;
use crate::tasks::{checks, classification};

/// Most labels, and the longest one in characters.
const MOST_LABELS: usize = 50;
const LONGEST_LABEL: usize = 60;

/// A task for the cases.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Goal {
    /// The labels, in the order of their first occurrence.
    Labels(Vec<String>),
    Answers,
    /// Names of fields, each with how it is written in the suite.
    Fields(Vec<(String, &'static str)>),
    Checks,
}

/// What the rows of a suite hold under a field's name.
pub(super) fn field_column(name: &str) -> String {
    format!("{}_{name}", checks::EXPECTED)
}

/// The task that fits all cases.
pub(super) fn of(cases: &[Case], prompts: &[Prompt], root: &Node, remarks: &mut Remarks) -> Goal {
    let tests = root.get("tests").unwrap_or_else(|| root.clone());
    if let Some(texts) = cases.iter().map(only_text).collect::<Option<Vec<String>>>() {
        if let Some(labels) = labels(&texts, cases.len()).filter(|_| !shadows(prompts)) {
            let why = "the label is found in the answer, in any case, also among other words";
            remarks.differs(&tests, "assertion `equals`", why);
            return Goal::Labels(labels);
        }
        if texts.iter().all(|text| !squad::normalise(text).is_empty()) {
            let why = "texts are compared as in SQuAD: without case, punctuation and articles";
            remarks.differs(&tests, "assertion `equals`", why);
            return Goal::Answers;
        }
        return Goal::Checks;
    }
    let objects = cases.iter().map(known_values).collect::<Option<Vec<Fields>>>();
    match objects.and_then(|objects| fields(&objects)).filter(|_| !shadows(prompts)) {
        Some(fields) => {
            let why = "the fields are compared one by one; JSON is found between other words too";
            remarks.differs(&tests, "assertions on JSON", why);
            Goal::Fields(fields)
        }
        None => Goal::Checks,
    }
}

/// Whether a prompt uses a name that the task would give another meaning.
fn shadows(prompts: &[Prompt]) -> bool {
    let taken = ["labels", "labels_help", "fields"];
    let names = |source: &String| template::variables(source).unwrap_or_default();
    let mut sources = prompts.iter().flat_map(|prompt| &prompt.messages).map(|(_, source)| source);
    sources.any(|source| names(source).iter().any(|name| taken.contains(&name.as_str())))
}

/// The text that an answer must equal, where that is all.
fn only_text(case: &Case) -> Option<String> {
    let [check] = case.checks.as_slice() else { return None };
    let only = check.as_object()?.keys().all(|key| key == "type" || key == "value");
    (only && check.get("type")? == "equals" && case.threshold.is_none())
        .then(|| scalar(check.get("value")?))?
}

fn labels(texts: &[String], rows: usize) -> Option<Vec<String>> {
    let mut labels: Vec<String> = Vec::new();
    for text in texts {
        if !labels.contains(text) {
            labels.push(text.clone());
        }
        if labels.len() > MOST_LABELS {
            return None;
        }
    }
    let short = |text: &String| {
        text.chars().count() <= LONGEST_LABEL && !text.contains('\n') && text.trim() == text
    };
    let apart: BTreeSet<String> = labels.iter().map(|text| classification::key(text)).collect();
    let repeat = labels.len() > 1 && labels.len().saturating_mul(2) <= rows;
    (repeat && apart.len() == labels.len() && labels.iter().all(short)).then_some(labels)
}

/// The values that the JSON of an answer must have, where the checks say all of them and nothing else.
fn known_values(case: &Case) -> Option<Fields> {
    let mut known: Option<Fields> = None;
    if case.threshold.is_some() {
        return None;
    }
    for check in &case.checks {
        let only = check.as_object()?.keys().all(|key| key == "type" || key == "value");
        let value = check.get("value").unwrap_or(&Value::Null);
        let values = match check.get("type")?.as_str()? {
            _ if !only => return None,
            "equals" => Some(value.as_object()?.clone()),
            "is-json" | "contains-json" => constants(value),
            _ => return None,
        };
        match (values, &known) {
            (Some(values), None) => known = Some(values),
            // A schema beside the values says nothing more of them.
            (None, _) => {}
            (Some(_), Some(_)) => return None,
        }
    }
    known.filter(|known| !known.is_empty())
}

/// The values of a schema whose properties are all constant.
fn constants(schema: &Value) -> Option<Fields> {
    let parsed = schema.as_str().and_then(|text| serde_yaml::from_str::<Value>(text).ok());
    let properties = parsed.as_ref().unwrap_or(schema).get("properties")?.as_object()?;
    let constant = |(name, schema): (&String, &Value)| {
        let one = || schema.get("enum")?.as_array().filter(|all| all.len() == 1)?.first();
        Some((name.clone(), schema.get("const").or_else(one)?.clone()))
    };
    properties.iter().map(constant).collect()
}

/// The fields of objects, where an extraction can say them.
fn fields(objects: &[Fields]) -> Option<Vec<(String, &'static str)>> {
    let mut values: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (name, value) in objects.iter().flatten() {
        if !values.contains_key(name.as_str()) {
            order.push(name);
        }
        values.entry(name).or_default().push(value);
    }
    let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
    let spec = |values: &[&Value]| {
        let lists = values.iter().filter(|value| value.is_array()).count();
        let numbers = |mut all: &mut dyn Iterator<Item = &Value>| {
            let mut any = false;
            (&mut all).filter(|v| !v.is_null()).all(|v| {
                any = true;
                v.is_number()
            }) && any
        };
        if values.iter().all(|value| is_scalar(value)) {
            return Some(match numbers(&mut values.iter().copied()) {
                true => "{compare: number}",
                false => "{compare: exact}",
            });
        }
        let items = || values.iter().filter_map(|value| value.as_array()).flatten();
        let nulls = values.iter().filter(|value| value.is_null()).count();
        let whole = lists.saturating_add(nulls) == values.len() && items().all(is_scalar);
        whole.then(|| match numbers(&mut items()) {
            true => "{list: true, compare: number}",
            false => "{list: true, compare: exact}",
        })
    };
    let fine = |name: &str| !name.trim().is_empty() && !name.contains('.');
    order
        .into_iter()
        .map(|name| Some((name.to_owned(), spec(values.get(name)?).filter(|_| fine(name))?)))
        .collect()
}

impl Goal {
    /// The word of the task.
    pub fn task(&self) -> &'static str {
        match self {
            Goal::Labels(_) => "classification",
            Goal::Answers => "faq",
            Goal::Fields(_) => "extraction",
            Goal::Checks => "checks",
        }
    }

    /// The rows of the suites.
    pub fn rows(&self, cases: &[Case]) -> Vec<Fields> {
        cases.iter().map(|case| self.row(case)).collect()
    }

    fn row(&self, case: &Case) -> Fields {
        let mut row = case.vars.clone();
        if let Some(description) = &case.description {
            row.insert("__description".to_owned(), description.as_str().into());
        }
        match self {
            Goal::Labels(_) | Goal::Answers => {
                row.insert(checks::EXPECTED.to_owned(), only_text(case).into());
            }
            Goal::Fields(fields) => {
                let known = known_values(case).unwrap_or_default();
                for (name, _) in fields {
                    let value = known.get(name).cloned().unwrap_or(Value::Null);
                    row.insert(field_column(name), value);
                }
            }
            Goal::Checks => {
                row.insert(checks::EXPECTED.to_owned(), case.checks.clone().into());
                if let Some(threshold) = case.threshold {
                    row.insert("__threshold".to_owned(), json!(threshold));
                }
            }
        }
        row
    }
}
