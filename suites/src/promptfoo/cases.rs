//! Tests, default test and scenarios: the cases that are asked, each with its variables and checks.

use rightsize_providers::Fields;
use serde_json::Value;

use super::assertions;
use super::config::{Node, text_of};
use super::remarks::{Kind, Remarks};
use super::template;
use crate::dataset;
use crate::problem::{Problem, Problems};
use crate::sample::scalar;
use crate::tasks::checks::{Check, columns_of, written_in};

/// Most cases: lists of variables multiply.
const MOST: usize = 100_000;

/// One question.
#[derive(Debug, Clone, Default)]
pub(super) struct Case {
    pub vars: Fields,
    /// What its answer must have, in the form in which rows keep checks.
    pub checks: Vec<Value>,
    pub threshold: Option<f64>,
    pub description: Option<String>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    /// Whether some of its assertions could not be translated.
    pub less: bool,
    /// Where it stands.
    pub place: String,
}

/// What every test has beside its own.
#[derive(Clone, Default)]
struct Defaults {
    tests: Vec<Node>,
}

/// All cases of a configuration.
pub(super) fn all(root: &Node, remarks: &mut Remarks) -> Result<Vec<Case>, Problems> {
    let mut defaults = Defaults::default();
    if let Some(node) = root.get("defaultTest") {
        match node.text().map(str::to_owned) {
            Some(named) => defaults.tests.push(node.follow(&named)?),
            None => defaults.tests.push(node),
        }
    }
    let mut cases = Vec::new();
    if let Some(tests) = root.get("tests") {
        add_all(&tests, &defaults, &mut cases, remarks)?;
    }
    for scenario in root.get("scenarios").map(|all| all.items()).unwrap_or_default() {
        let scenario = match scenario.text().map(str::to_owned) {
            Some(named) => scenario.follow(&named)?,
            None => scenario,
        };
        let configs = scenario.get("config").map(|all| all.items()).unwrap_or_default();
        for config in configs {
            let mut defaults = defaults.clone();
            defaults.tests.push(config);
            match scenario.get("tests") {
                Some(tests) => add_all(&tests, &defaults, &mut cases, remarks)?,
                None => add(&[], &defaults, &mut cases, remarks)?,
            }
        }
    }
    for case in &cases {
        let (kind, why) = match (case.checks.is_empty(), case.less) {
            (true, _) => {
                (Kind::Not, "no assertion that can be judged is left: the test is left out")
            }
            (false, true) => (Kind::Differs, "it passes by the assertions that are left"),
            (false, false) => continue,
        };
        remarks.add(kind, case.place.clone(), "test".to_owned(), why.to_owned());
    }
    Ok(cases)
}

fn add_all(
    tests: &Node,
    defaults: &Defaults,
    cases: &mut Vec<Case>,
    remarks: &mut Remarks,
) -> Result<(), Problems> {
    for test in tests.items() {
        let path = test.get("path").and_then(|path| path.text().map(str::to_owned));
        match test.text().map(str::to_owned).or(path) {
            Some(named) => add_file(&test, &named, defaults, cases, remarks)?,
            None if test.value.is_object() => {
                add(std::slice::from_ref(&test), defaults, cases, remarks)?;
            }
            None => remarks.not(&test, "a test", "it is no mapping"),
        }
    }
    Ok(())
}

/// Tests of a file: rows of a table, or a list of tests.
fn add_file(
    node: &Node,
    named: &str,
    defaults: &Defaults,
    cases: &mut Vec<Case>,
    remarks: &mut Remarks,
) -> Result<(), Problems> {
    let plain = named.strip_prefix("file://").unwrap_or(named);
    let ends = |ends: &[&str]| ends.iter().any(|end| plain.ends_with(end));
    if plain.contains('*') {
        let why = "names with `*` are not resolved: name each file";
        remarks.not(node, format!("tests of `{named}`"), why);
    } else if plain.contains("://") || ends(&[".xlsx", ".xls"]) || plain.contains(".py") {
        let why = "tests are read from csv, json, jsonl and yaml files: save them as one";
        remarks.not(node, format!("tests of `{named}`"), why);
    } else if ends(&[".yaml", ".yml", ".json"]) {
        let tests = node.follow(named)?;
        add_all(&tests, defaults, cases, remarks)?;
    } else if ends(&[".csv", ".tsv", ".jsonl"]) {
        let (path, shown) = node.opened(named);
        for row in dataset::read_file(&path, &shown, None)?.iter() {
            let row = row?;
            let place = format!("{shown}:{}", row.line);
            // A line of JSON is a test like any other.
            match row.fields.contains_key("vars") || row.fields.contains_key("assert") {
                true => {
                    let test = node.of_row(Value::Object(row.fields), &place);
                    add(&[test], defaults, cases, remarks)?;
                }
                false => add_row(&row.fields, place, defaults, cases, remarks)?,
            }
        }
    } else {
        let why = "tests are read from csv, json, jsonl and yaml files: save them as one";
        remarks.not(node, format!("tests of `{named}`"), why);
    }
    Ok(())
}

/// A row of a table: columns that begin with `__` say more of the test, all others are variables.
fn add_row(
    row: &Fields,
    place: String,
    defaults: &Defaults,
    cases: &mut Vec<Case>,
    remarks: &mut Remarks,
) -> Result<(), Problems> {
    let text = |name: &str| row.get(name).and_then(scalar).filter(|text| !text.trim().is_empty());
    let mut vars = Fields::new();
    for (name, value) in row {
        let config = ["__config:", "__metadata:", "__providerOutput"];
        if config.iter().any(|start| name.starts_with(start)) && text(name).is_some() {
            let why = "a row has no settings of its own";
            remarks.add(Kind::Not, place.clone(), format!("column `{name}`"), why.to_owned());
        }
        if !name.starts_with("__") {
            vars.insert(name.clone(), value.clone());
        }
    }
    let own = Case {
        threshold: text("__threshold").and_then(|text| text.trim().parse().ok()),
        description: text("__description"),
        prefix: text("__prefix"),
        suffix: text("__suffix"),
        place,
        ..Case::default()
    };
    let before = cases.len();
    let layers: Vec<&Node> = defaults.tests.iter().collect();
    push(&layers, vars, own, cases, remarks)?;
    let columns: Vec<&str> = row.keys().map(String::as_str).collect();
    for case in cases.iter_mut().skip(before) {
        for column in columns_of("__expected", &columns) {
            for written in written_in(row.get(&column).unwrap_or(&Value::Null)) {
                let check = template::filled(&written, &case.vars)
                    .map_err(|why| format!("its template cannot be filled: {why}"))
                    .and_then(|filled| {
                        Check::new(&filled).map_err(|bad| match bad.remedy {
                            Some(remedy) => format!("{}; {remedy}", bad.message),
                            None => bad.message,
                        })
                    });
                match check {
                    Ok(check) => {
                        case.checks.push(check.named(text("__metric").as_deref()).written());
                    }
                    Err(why) => {
                        let what = format!("`{column}`");
                        remarks.add(Kind::Not, case.place.clone(), what, why);
                        case.less = true;
                    }
                }
            }
        }
    }
    Ok(())
}

/// A test, with what stands above it.
fn add(
    test: &[Node],
    defaults: &Defaults,
    cases: &mut Vec<Case>,
    remarks: &mut Remarks,
) -> Result<(), Problems> {
    let layers: Vec<&Node> = defaults.tests.iter().chain(test).collect();
    let place = layers.last().map(|node| node.place()).unwrap_or_default();
    push(&layers, Fields::new(), Case { place, ..Case::default() }, cases, remarks)
}

/// Lays tests over each other, and adds a case for each combination of their variables.
fn push(
    layers: &[&Node],
    own_vars: Fields,
    mut case: Case,
    cases: &mut Vec<Case>,
    remarks: &mut Remarks,
) -> Result<(), Problems> {
    let mut vars = Fields::new();
    let mut asserts = Vec::new();
    let mut expand = true;
    // The nearest one counts; what a row of a table says is nearer still.
    let mut below = Case::default();
    for layer in layers {
        for (key, node) in layer.members() {
            match key.as_str() {
                "vars" => vars.extend(variables(&node, remarks)?),
                "assert" => asserts.extend(node.items()),
                "threshold" => below.threshold = node.value.as_f64(),
                "description" => below.description = node.text().map(str::to_owned),
                "options" => {
                    for (key, option) in node.members() {
                        let text = option.text().map(str::to_owned);
                        match key.as_str() {
                            "prefix" => below.prefix = text,
                            "suffix" => below.suffix = text,
                            "disableVarExpansion" => expand = option.value != true,
                            // It judges, and judges are not translated.
                            "provider" | "rubricPrompt" => {}
                            _ => remarks.not(
                                &option,
                                format!("`options.{key}`"),
                                "a row has no settings of its own; the whole answer is judged",
                            ),
                        }
                    }
                }
                "metadata" => {}
                _ => remarks.not(&node, format!("`{key}` of a test"), "a row has no such key"),
            }
        }
    }
    vars.extend(own_vars);
    case.threshold = case.threshold.or(below.threshold);
    case.description = case.description.or(below.description);
    case.prefix = case.prefix.or(below.prefix);
    case.suffix = case.suffix.or(below.suffix);
    let combinations = if expand { combinations(vars)? } else { vec![vars] };
    if cases.len().saturating_add(combinations.len()) > MOST {
        return Err(too_many());
    }
    for vars in combinations {
        let vars = nested(vars);
        let before = remarks.not_translated();
        let checks = asserts.iter().flat_map(|node| assertions::checks(node, &vars, remarks));
        let checks = checks.collect();
        let less = remarks.not_translated() > before;
        cases.push(Case { vars, checks, less, ..case.clone() });
    }
    Ok(())
}

/// The variables of a test: a mapping, or files with one.
fn variables(node: &Node, remarks: &mut Remarks) -> Result<Fields, Problems> {
    let mut vars = Fields::new();
    if node.value.is_object() {
        for (name, member) in node.members() {
            match member.text().filter(|text| text.starts_with("file://")) {
                None => {
                    vars.insert(name, member.value.clone());
                }
                Some(named) => match text_in(&member, named) {
                    Ok(text) => {
                        vars.insert(name, text.into());
                    }
                    Err(why) => {
                        remarks.not(&member, format!("variable `{name}` of `{named}`"), why);
                        vars.insert(name, Value::from(""));
                    }
                },
            }
        }
        return Ok(vars);
    }
    for item in node.items() {
        match item.text().map(str::to_owned) {
            Some(named) if !named.contains('*') => {
                vars.extend(variables(&item.follow(&named)?, remarks)?);
            }
            _ => remarks.not(&item, "`vars`", "name each file of variables, without `*`"),
        }
    }
    Ok(vars)
}

/// What a file holds that a variable names.
fn text_in(node: &Node, named: &str) -> Result<String, String> {
    let readable = [".txt", ".md", ".json", ".yaml", ".yml", ".html", ".csv", ".xml", ".log"];
    if !readable.iter().any(|end| named.ends_with(end)) {
        return Err("only files of text are read, and none is run".to_owned());
    }
    let (path, shown) = node.opened(named);
    text_of(&path, &shown).map(|text| text.trim().to_owned()).map_err(|problem| problem.message)
}

/// A case for each combination of the items of variables that are lists.
fn combinations(vars: Fields) -> Result<Vec<Fields>, Problems> {
    let mut all = vec![Fields::new()];
    for (name, value) in vars {
        let items = match value {
            Value::Array(items) if !items.is_empty() => items,
            one => vec![one],
        };
        if all.len().saturating_mul(items.len()) > MOST {
            return Err(too_many());
        }
        let with = |fields: &Fields, item: &Value| {
            let mut fields = fields.clone();
            fields.insert(name.clone(), item.clone());
            fields
        };
        all =
            all.iter().flat_map(|f| items.iter().map(|i| with(f, i)).collect::<Vec<_>>()).collect();
    }
    Ok(all)
}

fn too_many() -> Problems {
    let problem = Problem::of_file("the configuration", "it has more than 100,000 tests");
    problem.remedy("lists of variables multiply: shorten them").into()
}

/// Variables whose texts name other variables.
fn nested(vars: Fields) -> Fields {
    let fill = |(name, value): (&String, &Value)| {
        let filled = template::filled(value, &vars).unwrap_or_else(|_| value.clone());
        (name.clone(), filled)
    };
    vars.iter().map(fill).collect()
}
