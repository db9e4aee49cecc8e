//! What a suite makes of the rows of a file: columns that are computed, rows that are kept, their
//! order, and how many of them.
//!
//! The steps always follow each other in this order, whatever the order of the keys:
//! 1. `columns`: each new column is an expression of minijinja (`subject ~ ' ' ~ body`, which keeps
//!    the type of its value), or a template where the text has `{{` or `{%` (which gives a text). It
//!    sees the columns of the row and the new columns above it. The others stay as they are.
//! 2. `filter`: an expression; a row is kept where its value is true (not null, 0 or empty).
//! 3. `shuffle`: a permutation by ChaCha8 of the seed.
//! 4. `limit`: the first rows; with `stratify`, of each value of a column in proportion.
//!
//! A variable that a row does not have is an error with the row's line, and evaluation has the fuel
//! limit of the prompts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::{Environment, ErrorKind, Expression, Template};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rightsize_providers::Fields;
use serde_json::Value;

use crate::check::Document;
use crate::dataset::{self, Row, Table};
use crate::problem::{Problem, listed, nearest};
use crate::prompt;
use crate::schema::{Ordered, Selection, Source};
use crate::store::{Rows, RowsWriter};

/// Applies the steps to the rows of the file. `path` is where the mapping stands in the suite.
///
/// # Errors
/// An expression that does not compile, or has no value for a row; a column that is there already,
/// or is named and not there; a filter that keeps nothing; a limit that cannot be met.
pub(crate) fn apply(
    selection: &Selection,
    table: Table,
    path: &[&str],
    document: Document<'_>,
) -> Result<Table, Problem> {
    let at = At { path, document };
    let Table { name, mut rows, mut notes } = table;
    let Ordered(new_columns) = &selection.columns;
    for (column, source) in new_columns {
        let key = ["columns", column.as_str()];
        if rows.columns()?.contains(column) {
            let problem = at.problem(&key, format!("{name} has a column `{column}` already"));
            return Err(problem.remedy("give the new column another name"));
        }
        let environment = environment_of(source).map_err(|e| at.broken(&key, &e))?;
        let formula = Formula::of(&environment, source).map_err(|e| at.broken(&key, &e))?;
        formula.check_columns(&rows, &name, &key, at)?;
        let mut wider = RowsWriter::default();
        for row in rows.iter() {
            let mut row = row?;
            let value = formula.value(&row.fields).and_then(|value| {
                serde_json::to_value(&value).map_err(|e| format!("its value is no JSON: {e}"))
            });
            let value = value.map_err(|e| formula.of_row(&row, &name, &e, &key, at))?;
            row.fields.insert(column.clone(), value);
            wider.push(row.line, &row.fields)?;
        }
        rows = wider.finish()?;
    }
    if let Some(source) = &selection.filter {
        let before = rows.len();
        filter(&mut rows, source, &name, at)?;
        let dropped = before.saturating_sub(rows.len());
        if dropped > 0 {
            let key = at.dotted("filter");
            notes.push(format!("`{key}` leaves out {dropped} of the {before} rows of {name}"));
        }
    }
    if let Some(seed) = selection.shuffle {
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    }
    limit(&mut rows, selection, &name, at)?;
    Ok(Table { name, rows, notes })
}

/// The columns that hold expected answers or tell something of them: those that the task names, the
/// columns of which they are plain copies, and those that are computed from any of these.
pub(crate) fn answer_columns(source: Option<&Source>, expected: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = expected.iter().map(|&column| column.to_owned()).collect();
    let file = match source {
        Some(Source::File(file)) => dataset::tells(file, None),
        Some(Source::Selection(selection)) => dataset::tells(&selection.file, selection.format),
        Some(Source::Inline(_)) | None => &[],
    };
    let Some(Source::Selection(Selection { columns: Ordered(columns), .. })) = source else {
        tell_each_other(file, &mut found);
        return found;
    };
    let is_name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    for (column, formula) in columns.iter().rev() {
        let copied = formula.trim_matches(['{', '}', ' ']);
        if found.contains(column) && is_name(copied) {
            found.push(copied.to_owned());
        }
    }
    tell_each_other(file, &mut found);
    for (column, formula) in columns {
        let needs = environment_of(formula)
            .and_then(|environment| Ok(Formula::of(&environment, formula)?.needs))
            .unwrap_or_default();
        if needs.iter().any(|name| found.contains(name)) && !found.contains(column) {
            found.push(column.clone());
        }
    }
    found
}

/// Columns of which one tells the others hide together.
fn tell_each_other(same: &[&str], found: &mut Vec<String>) {
    if found.iter().any(|column| same.contains(&column.as_str())) {
        found.extend(same.iter().map(|&column| column.to_owned()));
    }
}

/// Where the mapping stands.
#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a [&'a str],
    document: Document<'a>,
}

impl At<'_> {
    fn problem(&self, key: &[&str], message: impl Into<String>) -> Problem {
        self.document.problem(&[self.path, key].concat(), message)
    }

    fn broken(&self, key: &[&str], error: &minijinja::Error) -> Problem {
        let message = format!("the expression does not compile: {}", prompt::message_of(error));
        self.problem(key, message).remedy(
            "write an expression such as `subject ~ ' ' ~ body`, or a template such as \
             `{{ subject }} {{ body }}`",
        )
    }

    fn dotted(&self, key: &str) -> String {
        [self.path, &[key]].concat().join(".")
    }
}

/// The name of the one template in an environment.
const TEMPLATE: &str = "column";

fn is_template(source: &str) -> bool {
    source.contains("{{") || source.contains("{%")
}

fn environment_of(source: &str) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = prompt::environment();
    if is_template(source) {
        environment.add_template_owned(TEMPLATE, source.to_owned())?;
    }
    Ok(environment)
}

/// What computes a value of a row.
struct Formula<'e> {
    kind: Kind<'e>,
    /// The columns that it names.
    needs: Vec<String>,
}

enum Kind<'e> {
    Expression(Expression<'e, 'static>),
    Template(Template<'e, 'e>),
}

impl<'e> Formula<'e> {
    fn of(
        environment: &'e Environment<'static>,
        source: &str,
    ) -> Result<Formula<'e>, minijinja::Error> {
        let (kind, names) = if is_template(source) {
            let template = environment.get_template(TEMPLATE)?;
            let names = template.undeclared_variables(false);
            (Kind::Template(template), names)
        } else {
            // The lexer of minijinja panics at brackets that close a template and were never opened.
            let compile = || environment.compile_expression_owned(source.to_owned());
            let expression = catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| {
                Err(minijinja::Error::new(ErrorKind::SyntaxError, "a bracket is not opened"))
            })?;
            let names = expression.undeclared_variables(false);
            (Kind::Expression(expression), names)
        };
        let built_in: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
        let mut needs: Vec<String> =
            names.into_iter().filter(|name| !built_in.contains(&name.as_str())).collect();
        needs.sort();
        Ok(Formula { kind, needs })
    }

    fn value(&self, row: &Fields) -> Result<minijinja::Value, String> {
        let value = match &self.kind {
            Kind::Expression(expression) => expression.eval(row),
            Kind::Template(template) => template.render(row).map(minijinja::Value::from),
        };
        match value {
            Ok(value) if value.is_undefined() => Err("its value is undefined".to_owned()),
            Ok(value) => Ok(value),
            Err(error) => Err(prompt::message_of(&error)),
        }
    }

    /// A name that is no column of any row is a slip, also where the expression asks whether it is
    /// defined.
    fn check_columns(
        &self,
        rows: &Rows,
        table: &str,
        key: &[&str],
        at: At<'_>,
    ) -> Result<(), Problem> {
        let columns = rows.columns()?;
        let absent = self.needs.iter().find(|name| !columns.contains(name));
        match absent.filter(|_| !rows.is_empty()) {
            Some(absent) => Err(no_column(absent, &columns, table, key, at)),
            None => Ok(()),
        }
    }

    /// What is wrong with the value for a row.
    fn of_row(&self, row: &Row, table: &str, why: &str, key: &[&str], at: At<'_>) -> Problem {
        let key = [at.path, key].concat().join(".");
        let absent = self.needs.iter().find(|name| !row.fields.contains_key(*name));
        let (message, remedy) = match absent {
            Some(absent) => (
                format!("the row has no column `{absent}`, which `{key}` uses"),
                format!("add it, or ask for it in the expression: `{absent} is defined and ...`"),
            ),
            None => (
                format!("`{key}` has no value for the row: {why}"),
                "filters, tests and functions are those of minijinja".to_owned(),
            ),
        };
        Problem::of_file(table, message).at_line(row.line).remedy(remedy)
    }
}

fn no_column(column: &str, columns: &[String], table: &str, key: &[&str], at: At<'_>) -> Problem {
    let problem = at.problem(key, format!("{table} has no column `{column}`"));
    problem.remedy(match nearest(column, columns.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the columns are {}", listed(columns.iter().map(String::as_str))),
    })
}

/// Leaves the rows for which a formula is true.
fn filter(rows: &mut Rows, source: &str, table: &str, at: At<'_>) -> Result<(), Problem> {
    let key = ["filter"];
    if is_template(source) {
        let problem = at.problem(&key, "a filter is an expression, no template");
        return Err(problem.remedy("leave the brackets out: `language == 'en'`"));
    }
    let environment = prompt::environment();
    let formula = Formula::of(&environment, source).map_err(|e| at.broken(&key, &e))?;
    formula.check_columns(rows, table, &key, at)?;
    let before = rows.len();
    let mut kept = Vec::with_capacity(before);
    for row in rows.iter() {
        let row = row?;
        match formula.value(&row.fields) {
            Ok(value) => kept.push(value.is_true()),
            Err(e) => return Err(formula.of_row(&row, table, &e, &key, at)),
        }
    }
    rows.retain(|position| kept.get(position) == Some(&true));
    if rows.is_empty() && before > 0 {
        let problem = at.problem(&key, format!("the filter keeps none of the {before} rows"));
        return Err(problem.remedy("cells of csv and tsv are text: compare them with `'1'`"));
    }
    Ok(())
}

/// Leaves as many rows as `limit` says, of each value of a column in proportion where it is stratified.
fn limit(rows: &mut Rows, selection: &Selection, table: &str, at: At<'_>) -> Result<(), Problem> {
    let Some(limit) = selection.limit else {
        return match &selection.stratify {
            Some(_) => Err(at
                .problem(&["stratify"], "`stratify` needs a `limit`")
                .remedy("say how many rows to take: `limit: 500`")),
            None => Ok(()),
        };
    };
    if limit == 0 {
        let problem = at.problem(&["limit"], "a limit of 0 leaves no row");
        return Err(problem.remedy("leave the key out for all rows"));
    }
    let Some(column) = &selection.stratify else {
        rows.retain(|position| position < limit);
        return Ok(());
    };
    let columns = rows.columns()?;
    if !columns.contains(column) && !rows.is_empty() {
        return Err(no_column(column, &columns, table, &["stratify"], at));
    }
    let value = |row: &Row| row.fields.get(column).unwrap_or(&Value::Null).to_string();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter() {
        let count = counts.entry(value(&row?)).or_default();
        *count = count.saturating_add(1);
    }
    if counts.len() > limit {
        let message = format!(
            "a limit of {limit} is less than the {} values of `{column}`, each of which has a row",
            counts.len()
        );
        let remedy = "raise it, or stratify by a column with fewer values";
        return Err(at.problem(&["limit"], message).remedy(remedy));
    }
    let mut shares: BTreeMap<String, usize> = counts
        .keys()
        .cloned()
        .zip(proportional(&counts.values().copied().collect::<Vec<_>>(), limit))
        .collect();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let left = shares.get_mut(&value(&row?)).filter(|left| **left > 0);
        kept.push(left.map(|left| *left = left.saturating_sub(1)).is_some());
    }
    rows.retain(|position| kept.get(position) == Some(&true));
    Ok(())
}

/// How many of each group to take, `limit` in all, by the method of the largest remainder (Hamilton);
/// a group that would get none gets one from the group that has the most. No share is larger than
/// its group, and their sum is `limit` or all there are. `limit` is at least the number of groups.
fn proportional(groups: &[usize], limit: usize) -> Vec<usize> {
    let total: u128 = groups.iter().map(|count| *count as u128).sum();
    if total <= limit as u128 {
        return groups.to_vec();
    }
    let quota = |count: usize| (count as u128).saturating_mul(limit as u128);
    let whole = |count: usize| usize::try_from(quota(count) / total).unwrap_or(count);
    let mut shares: Vec<usize> = groups.iter().map(|count| whole(*count)).collect();
    let mut by_remainder: Vec<(u128, &mut usize)> =
        groups.iter().map(|count| quota(*count) % total).zip(&mut shares).collect();
    by_remainder.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    let given: usize = by_remainder.iter().map(|(_, share)| **share).sum();
    for (_, share) in by_remainder.into_iter().take(limit.saturating_sub(given)) {
        *share = share.saturating_add(1);
    }
    for group in 0..shares.len() {
        if shares.get(group) != Some(&0) {
            continue;
        }
        // The first of the largest: `max_by_key` would give the last.
        if let Some(largest) = shares.iter_mut().rev().max_by_key(|share| **share) {
            *largest = largest.saturating_sub(1);
        }
        if let Some(share) = shares.get_mut(group) {
            *share = 1;
        }
    }
    shares
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
