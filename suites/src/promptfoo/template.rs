//! Templates of nunjucks, as minijinja writes them. Both are Jinja: what differs is named here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::{Environment, UndefinedBehavior};
use regex::Regex;
use rightsize_providers::Fields;
use serde_json::Value;

use crate::prompt;

/// Whether there is anything to fill in.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// The text in minijinja's words: the filter `dump` is `tojson`, `===` is `==`.
pub(super) fn translated(text: &str) -> String {
    if !is_template(text) {
        return text.to_owned();
    }
    let Ok(inside) = Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}") else { return text.to_owned() };
    let Ok(dump) = Regex::new(r"\|\s*dump\b(\(\s*\))?") else { return text.to_owned() };
    inside
        .replace_all(text, |found: &regex::Captures<'_>| {
            let inner = found.get(0).map_or("", |m| m.as_str());
            dump.replace_all(inner, "| tojson").replace("!==", "!=").replace("===", "==")
        })
        .into_owned()
}

/// An environment in which, as in nunjucks, an undefined variable is empty.
fn environment() -> Environment<'static> {
    let mut environment = prompt::environment();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment
}

/// The variables that a template takes from outside.
///
/// # Errors
/// Why it does not compile.
pub(super) fn variables(source: &str) -> Result<Vec<String>, String> {
    let environment = prompt::environment();
    let template = environment.template_from_str(source).map_err(|e| prompt::message_of(&e))?;
    let built_in: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    names.retain(|name| !built_in.contains(&name.as_str()));
    names.sort();
    Ok(names)
}

/// Fills a template as a suite would: an undefined variable is an error.
///
/// # Errors
/// Why it cannot be filled.
pub(super) fn fill_strictly(source: &str, vars: &Fields) -> Result<String, String> {
    rendered(&prompt::environment(), source, vars)
}

/// A value with the templates in its texts filled in.
///
/// # Errors
/// Why one cannot be filled.
pub(super) fn filled(value: &Value, vars: &Fields) -> Result<Value, String> {
    match value {
        Value::String(text) if is_template(text) => {
            rendered(&environment(), &translated(text), vars).map(Value::String)
        }
        Value::Array(items) => items.iter().map(|item| filled(item, vars)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| Ok((key.clone(), filled(value, vars)?)))
            .collect::<Result<_, String>>()
            .map(Value::Object),
        other => Ok(other.clone()),
    }
}

fn rendered(environment: &Environment<'_>, source: &str, vars: &Fields) -> Result<String, String> {
    let context = minijinja::Value::from_serialize(vars);
    // The lexer of minijinja panics at some brackets that were never opened.
    let render = || environment.render_str(source, context);
    match catch_unwind(AssertUnwindSafe(render)) {
        Ok(filled) => filled.map_err(|e| prompt::message_of(&e)),
        Err(_) => Err("a bracket is not opened".to_owned()),
    }
}
