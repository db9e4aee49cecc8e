//! The fields of an extraction suite.

use super::{Document, finder};
use crate::metrics::Metric;
use crate::problem::Problem;
use crate::schema::{ColumnSpec, CompareWord, FieldSpec, ListSpec};
use crate::tasks::extraction::{Column, Compare, Extraction, Field, Items, Shape};

/// The threshold of `fuzzy` where the suite names none.
const THRESHOLD: f64 = 0.9;
/// The tolerance of `money` where the suite names none: half a cent.
const HALF_A_CENT: f64 = 0.005;

/// Makes the task of what is written.
pub(super) fn check(
    specs: &[(String, FieldSpec)],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Extraction {
    if specs.is_empty() {
        let problem = document.problem(&["fields"], "there is no field to extract");
        problems.push(problem.remedy("name at least one: `fields: {total: {compare: number}}`"));
    }
    let mut fields = Vec::new();
    for (name, spec) in specs {
        let path = ["fields", name, "pattern"];
        let rows = matches!(spec.list, Some(ListSpec::Rows(_)));
        let pattern = match &spec.pattern {
            Some(_) if rows => {
                let message = "one pattern cannot find the cells of a list of objects";
                let remedy = "remove it; values and lists of values can have one";
                problems.push(document.problem(&path, message).remedy(remedy));
                None
            }
            Some(source) => finder(source, &path, document, problems),
            None => None,
        };
        fields.push(Field {
            name: name.clone(),
            expected: spec.expected.clone().unwrap_or_else(|| name.clone()),
            shape: shape(name, spec, document, problems),
            pattern,
        });
    }
    let task = Extraction { fields, primary: Metric::FieldF1 };
    check_names(&task, document, problems);
    task
}

/// Results are kept by name, so that the column `price` of `items` cannot stand beside a field
/// `items.price`.
fn check_names(task: &Extraction, document: Document<'_>, problems: &mut Vec<Problem>) {
    for field in &task.fields {
        let Shape::List(items @ Items::Rows(_)) = &field.shape else { continue };
        for name in items.scored_names(&field.name) {
            if task.fields.iter().any(|other| other.name == name) {
                let message = format!("`{name}` names a field and a column of `{}`", field.name);
                let problem = document.problem(&["fields", &name], message);
                problems.push(problem.remedy("rename one of them"));
            }
        }
    }
}

fn shape(
    name: &str,
    spec: &FieldSpec,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Shape {
    let own = ColumnSpec {
        compare: spec.compare,
        tolerance: spec.tolerance,
        threshold: spec.threshold,
        values: spec.values.clone(),
    };
    let columns = match &spec.list {
        None | Some(ListSpec::Values(false)) => {
            return Shape::Value(compare(&own, &["fields", name], document, problems));
        }
        Some(ListSpec::Values(true)) => {
            return Shape::List(Items::Values(compare(
                &own,
                &["fields", name],
                document,
                problems,
            )));
        }
        Some(ListSpec::Rows(columns)) => columns,
    };
    for (key, present) in [
        ("compare", own.compare.is_some()),
        ("tolerance", own.tolerance.is_some()),
        ("threshold", own.threshold.is_some()),
        ("values", own.values.is_some()),
    ] {
        if present {
            let message = format!("`{key}` belongs to the columns of the list");
            let problem = document.problem(&["fields", name, key], message);
            problems.push(problem.remedy("write it beside the columns that it is meant for"));
        }
    }
    if columns.is_empty() {
        let problem = document.problem(&["fields", name, "list"], "the list has no column");
        problems.push(problem.remedy("name at least one, or write `list: true` for single values"));
    }
    let column = |(column, spec): &(String, ColumnSpec)| Column {
        name: column.clone(),
        compare: compare(spec, &["fields", name, "list", column], document, problems),
    };
    Shape::List(Items::Rows(columns.iter().map(column).collect()))
}

/// The comparator at a path, with its parameters.
fn compare(
    spec: &ColumnSpec,
    path: &[&str],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Compare {
    let word = spec.compare.unwrap_or_default();
    let at = |key: &str, message: String| {
        let mut path = path.to_vec();
        path.push(key);
        document.problem(&path, message)
    };
    let has_tolerance = matches!(word, CompareWord::Number | CompareWord::Money);
    for (key, present, belongs) in [
        ("tolerance", spec.tolerance.is_some(), has_tolerance),
        ("threshold", spec.threshold.is_some(), word == CompareWord::Fuzzy),
        ("values", spec.values.is_some(), word == CompareWord::Enum),
    ] {
        if present && !belongs {
            let message = format!("`{key}` does not belong to this comparator");
            problems.push(at(key, message).remedy("remove it, or change `compare`"));
        }
    }
    let tolerance = spec.tolerance.unwrap_or(match word {
        CompareWord::Money => HALF_A_CENT,
        _ => 0.0,
    });
    if !(tolerance >= 0.0 && tolerance.is_finite()) {
        let problem = at("tolerance", format!("the tolerance {tolerance} is no number from 0"));
        problems.push(problem.remedy("it is the largest absolute difference that is right"));
    }
    let threshold = spec.threshold.unwrap_or(THRESHOLD);
    if !(threshold > 0.0 && threshold <= 1.0) {
        let message = format!("the threshold {threshold} is not above 0 and at most 1");
        let remedy = "it is the smallest similarity that is right: 1 for the same text";
        problems.push(at("threshold", message).remedy(remedy));
    }
    let values = spec.values.clone().unwrap_or_default();
    if word == CompareWord::Enum && values.is_empty() {
        let problem = document.problem(path, "`compare: enum` needs `values`");
        problems.push(problem.remedy("list them: `values: [EUR, USD]`"));
    }
    match word {
        CompareWord::Exact => Compare::Exact,
        CompareWord::Casefold => Compare::Casefold,
        CompareWord::Fuzzy => Compare::Fuzzy { threshold },
        CompareWord::Number => Compare::Number { tolerance },
        CompareWord::Money => Compare::Money { tolerance },
        CompareWord::Date => Compare::Date,
        CompareWord::Enum => Compare::Enum { values },
    }
}
