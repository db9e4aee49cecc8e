//! Prompts: minijinja templates over the columns of a row.
//!
//! A template sees the row without the columns that hold expected answers, and what the task adds:
//! `labels` (a list), `labels_help` (a line each), `fields` (a list). An undefined variable is an
//! error. Python's methods of strings, lists and mappings work; there is nothing to include or load.

use minijinja::{Environment, UndefinedBehavior};
use rightsize_providers::{Fields, Message, Prompt, Role};
use serde_json::Value;

/// Instructions that one prompt may cost: loops in a template end.
const FUEL: u64 = 1_000_000;

/// A prompt could not be made of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sample `{sample}`: the template `prompt.{part}` cannot be filled: {message}")]
pub struct PromptError {
    /// The sample's id.
    pub sample: String,
    /// The part of the prompt: `system` or `user`.
    pub part: &'static str,
    /// What went wrong.
    pub message: String,
}

/// The compiled templates of a suite.
#[derive(Debug, Clone)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    parts: Vec<(&'static str, Role)>,
    /// What the task adds to the columns.
    pub variables: Fields,
}

/// Why a template does not compile.
#[derive(Debug)]
pub(crate) struct TemplateError {
    pub part: &'static str,
    /// Line within the template, from 1.
    pub line: usize,
    pub message: String,
}

impl Templates {
    /// Compiles the templates. `variables` hide columns of the same name.
    pub(crate) fn compile(
        system: Option<&str>,
        user: &str,
        variables: Fields,
    ) -> Result<Templates, TemplateError> {
        let mut environment = environment();
        let mut parts = Vec::new();
        let all = [("system", Role::System, system), ("user", Role::User, Some(user))];
        for (part, role, source) in all {
            let Some(source) = source else { continue };
            environment.add_template_owned(part, source.to_owned()).map_err(|e| TemplateError {
                part,
                line: e.line().unwrap_or(1),
                message: message_of(&e),
            })?;
            parts.push((part, role));
        }
        Ok(Templates { environment, parts, variables })
    }

    /// The variables that a part of the prompt takes from outside, in order of their names.
    pub(crate) fn needs(&self) -> Vec<(&'static str, String)> {
        let built_in: Vec<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let mut needs = Vec::new();
        for (part, _) in &self.parts {
            let Ok(template) = self.environment.get_template(part) else {
                continue;
            };
            let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            names.retain(|name| !built_in.contains(&name.as_str()));
            names.sort();
            needs.extend(names.into_iter().map(|name| (*part, name)));
        }
        needs
    }

    /// The prompt of a row.
    pub(crate) fn fill(&self, sample: &str, fields: &Fields) -> Result<Prompt, PromptError> {
        let mut context = fields.clone();
        context.extend(self.variables.clone());
        let context = minijinja::Value::from_serialize(Value::Object(context));
        let mut messages = Vec::with_capacity(self.parts.len());
        for (part, role) in &self.parts {
            let content = self
                .environment
                .get_template(part)
                .and_then(|template| template.render(&context))
                .map_err(|e| PromptError {
                    sample: sample.to_owned(),
                    part,
                    message: message_of(&e),
                })?;
            messages.push(Message { role: *role, content });
        }
        Ok(Prompt::Messages(messages))
    }
}

/// An environment for what a suite writes: undefined variables are errors, loops end.
pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment
}

/// The kind and the detail of a template error; its place is told apart.
pub(crate) fn message_of(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(user: &str, row: Value) -> Result<String, String> {
        let Value::Object(fields) = row else { panic!("a row is an object") };
        let templates = Templates::compile(None, user, Fields::new()).map_err(|e| e.message)?;
        match templates.fill("s", &fields).map_err(|e| e.to_string())? {
            Prompt::Messages(messages) => Ok(messages[0].content.clone()),
            Prompt::Raw(text) => Ok(text),
        }
    }

    #[test]
    fn columns_are_filled_in_as_they_are() {
        let text = fill("{{ a }} {{ b.upper() }}", json!({"a": "<b> & \"c\"", "b": "x"}));
        assert_eq!(text, Ok("<b> & \"c\" X".to_owned()));
    }

    #[test]
    fn text_of_a_row_is_no_template() {
        assert_eq!(fill("{{ a }}", json!({"a": "{{ b }}"})), Ok("{{ b }}".to_owned()));
    }

    #[test]
    fn an_undefined_variable_is_an_error() {
        let error = fill("{{ a }}", json!({})).unwrap_err();
        assert!(error.contains("sample `s`") && error.contains("prompt.user"), "{error}");
    }

    #[test]
    fn an_endless_template_ends() {
        let text =
            "{% for a in range(10000) %}{% for b in range(10000) %}{{ a }}{% endfor %}{% endfor %}";
        let error = fill(text, json!({})).unwrap_err();
        assert!(error.contains("fuel"), "{error}");
    }

    #[test]
    fn needs_are_what_comes_from_outside() {
        let user =
            "{% set x = 1 %}{{ x }}{{ a.b }}{% for c in d %}{{ c }}{% endfor %}{{ range(3) }}";
        let templates = Templates::compile(Some("{{ s }}"), user, Fields::new()).unwrap();
        let needs = [("system", "s"), ("user", "a"), ("user", "d")];
        assert_eq!(templates.needs(), needs.map(|(p, n)| (p, n.to_owned())));
    }
}
