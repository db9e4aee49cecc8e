//! Tools that a model may call, as a suite defines them: OpenAI's functions, `name`, `description`
//! and `parameters`, a JSON Schema (draft 2020-12) of the arguments.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::metrics::json_schema::{Draft, Schema};

/// Longest name of a tool, as servers take it.
const LONGEST_NAME: usize = 64;

/// The keys of a definition.
const KEYS: [&str; 4] = ["name", "description", "parameters", "strict"];

/// A tool.
#[derive(Debug, Clone)]
pub struct Tool {
    name: String,
    definition: Value,
    schema: Arc<Schema>,
}

/// Two tools are the same if they are defined alike.
impl PartialEq for Tool {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}

/// Why a definition is none.
#[derive(Debug)]
pub(crate) struct BadTool {
    pub message: String,
    pub remedy: &'static str,
}

impl Tool {
    /// Reads a definition, bare or as `{"type": "function", "function": {...}}`. Without
    /// `parameters` the tool takes no arguments.
    pub(crate) fn new(value: &Value) -> Result<Tool, BadTool> {
        const FORM: &str = "define it as {name: now, description: tells the time, parameters: {type: object, properties: {}}}";
        let bad = |message: String, remedy| BadTool { message, remedy };
        let bare = match value.get("function") {
            Some(function) if value.get("type") == Some(&"function".into()) => function,
            _ => value,
        };
        let Some(written) = bare.as_object() else {
            return Err(bad(format!("{bare} is no definition"), FORM));
        };
        if let Some(key) = written.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(bad(format!("unknown key `{key}`"), FORM));
        }
        let name = written.get("name").and_then(Value::as_str).unwrap_or_default();
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fine) {
            let message = format!("`{name}` cannot name a tool");
            return Err(bad(message, "use at most 64 letters, digits, `_`, `-` and `.`"));
        }
        if written.get("description").is_some_and(|text| !text.is_string()) {
            return Err(bad(format!("the description of `{name}` is no text"), FORM));
        }
        let none = || json!({"type": "object", "properties": {}});
        let parameters = written.get("parameters").cloned().unwrap_or_else(none);
        if parameters.get("type") != Some(&"object".into()) {
            let message = format!("the parameters of `{name}` are no schema of an object");
            return Err(bad(message, "write `type: object` and `properties` under `parameters`"));
        }
        let schema = Schema::new(&parameters, Draft::Draft202012).map_err(|error| BadTool {
            message: format!("the parameters of `{name}` are no JSON Schema: {error}"),
            remedy: "the schema is of draft 2020-12; nothing outside it is fetched",
        })?;
        let mut definition: Map<String, Value> = written.clone();
        definition.insert("parameters".to_owned(), parameters);
        let definition = Value::Object(definition);
        Ok(Tool { name: name.to_owned(), definition, schema: Arc::new(schema) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its definition: an object with `name`, `parameters` and what else the suite says of it.
    pub fn definition(&self) -> &Value {
        &self.definition
    }

    /// Its definition as servers take it.
    pub(super) fn on_the_wire(&self) -> Value {
        json!({"type": "function", "function": self.definition})
    }

    /// Whether these arguments are valid.
    pub fn accepts(&self, arguments: &Value) -> bool {
        self.schema.is_valid(arguments)
    }

    /// The first thing that is wrong with arguments, in words.
    pub(super) fn objects_to(&self, arguments: &Value) -> Option<String> {
        let failure = self.schema.failures(arguments).into_iter().next()?;
        let place = if failure.place.is_empty() { "the arguments" } else { &failure.place };
        Some(match failure.keyword {
            Some(keyword) => format!("{place}: against `{keyword}` of its schema"),
            None => format!("{place}: not allowed by its schema"),
        })
    }
}
