//! Prompts: minijinja templates over the columns of a row.
//!
//! ```text
//! system ─ examples of train (few-shot) ─ user          or: messages … ─ examples ─ last message
//! ```
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
    /// The part of the prompt, as a path below `prompt`: `system`, `user`, `messages.0.content`.
    pub part: String,
    /// What went wrong.
    pub message: String,
}

/// The compiled templates of a suite.
#[derive(Debug, Clone)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    parts: Vec<(String, Role)>,
    /// What the task adds to the columns.
    pub variables: Fields,
    /// Few-shot examples, a question and its answer in turn; they stand before the last message.
    pub examples: Vec<Message>,
}

/// A message as the suite's YAML has it.
pub(crate) struct Written<'a> {
    /// Where it stands, as a path below `prompt`.
    pub part: String,
    pub role: Role,
    /// The template.
    pub source: &'a str,
}

/// Why a template does not compile.
#[derive(Debug)]
pub(crate) struct TemplateError {
    pub part: String,
    /// Line within the template, from 1.
    pub line: usize,
    pub message: String,
}

impl Templates {
    /// Compiles the templates, in the order of the messages. `variables` hide columns of the same
    /// name.
    pub(crate) fn compile(
        written: Vec<Written<'_>>,
        variables: Fields,
    ) -> Result<Templates, TemplateError> {
        let mut environment = environment();
        let mut parts = Vec::with_capacity(written.len());
        for Written { part, role, source } in written {
            let added = environment.add_template_owned(part.clone(), source.to_owned());
            added.map_err(|e| TemplateError {
                part: part.clone(),
                line: e.line().unwrap_or(1),
                message: message_of(&e),
            })?;
            parts.push((part, role));
        }
        Ok(Templates { environment, parts, variables, examples: Vec::new() })
    }

    /// The variables that a part of the prompt takes from outside, in order of their names.
    pub(crate) fn needs(&self) -> Vec<(&str, String)> {
        let built_in: Vec<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let mut needs = Vec::new();
        for (part, _) in &self.parts {
            let Ok(template) = self.environment.get_template(part) else {
                continue;
            };
            let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            names.retain(|name| !built_in.contains(&name.as_str()));
            names.sort();
            needs.extend(names.into_iter().map(|name| (part.as_str(), name)));
        }
        needs
    }

    /// The prompt of a row.
    pub(crate) fn fill(&self, sample: &str, fields: &Fields) -> Result<Prompt, PromptError> {
        let context = self.context(fields);
        let length = self.parts.len().saturating_add(self.examples.len());
        let mut messages = Vec::with_capacity(length);
        for (index, part) in self.parts.iter().enumerate() {
            if index.saturating_add(1) == self.parts.len() {
                messages.extend(self.examples.iter().cloned());
            }
            messages.push(self.message(part, sample, &context)?);
        }
        Ok(Prompt::Messages(messages))
    }

    /// The last message of a row's prompt: its question, as an example shows it.
    pub(crate) fn question(&self, sample: &str, fields: &Fields) -> Result<Message, PromptError> {
        let last = self.parts.last().ok_or_else(|| PromptError {
            sample: sample.to_owned(),
            part: "user".to_owned(),
            message: "there is no message".to_owned(),
        })?;
        self.message(last, sample, &self.context(fields))
    }

    fn context(&self, fields: &Fields) -> minijinja::Value {
        let mut context = fields.clone();
        context.extend(self.variables.clone());
        minijinja::Value::from_serialize(Value::Object(context))
    }

    fn message(
        &self,
        (part, role): &(String, Role),
        sample: &str,
        context: &minijinja::Value,
    ) -> Result<Message, PromptError> {
        let filled = self.environment.get_template(part).and_then(|t| t.render(context));
        let content = filled.map_err(|e| PromptError {
            sample: sample.to_owned(),
            part: part.clone(),
            message: message_of(&e),
        })?;
        Ok(Message { role: *role, content })
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

    fn compile(parts: &[(&str, Role, &str)]) -> Result<Templates, TemplateError> {
        let written = parts.iter().map(|(part, role, source)| Written {
            part: (*part).to_owned(),
            role: *role,
            source,
        });
        Templates::compile(written.collect(), Fields::new())
    }

    fn fill(user: &str, row: Value) -> Result<String, String> {
        let Value::Object(fields) = row else { panic!("a row is an object") };
        let templates = compile(&[("user", Role::User, user)]).map_err(|e| e.message)?;
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
        let system = ("system", Role::System, "{{ s }}");
        let templates = compile(&[system, ("user", Role::User, user)]).unwrap();
        let needs = [("system", "s"), ("user", "a"), ("user", "d")];
        assert_eq!(templates.needs(), needs.map(|(p, n)| (p, n.to_owned())));
    }

    #[test]
    fn examples_stand_before_the_last_message() {
        let parts = [("system", Role::System, "S"), ("user", Role::User, "{{ a }}")];
        let mut templates = compile(&parts).unwrap();
        let said = |role, content: &str| Message { role, content: content.to_owned() };
        templates.examples = vec![said(Role::User, "1+1"), said(Role::Assistant, "2")];
        let row = json!({"a": "2+2"}).as_object().unwrap().clone();
        let wanted = vec![
            said(Role::System, "S"),
            said(Role::User, "1+1"),
            said(Role::Assistant, "2"),
            said(Role::User, "2+2"),
        ];
        assert_eq!(templates.fill("s", &row).unwrap(), Prompt::Messages(wanted));
        assert_eq!(templates.question("s", &row).unwrap(), said(Role::User, "2+2"));
    }
}
