//! What the models are asked: the prompt templates of the shipped suites, in ChatML.

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

/// The chat template in the metadata of both models.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// The three tasks of the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// `catalog/support-triage`
    Triage,
    /// `catalog/invoice-extraction`
    Invoice,
    /// `catalog/kb-faq`
    Faq,
}

impl Task {
    /// All tasks.
    pub const ALL: [Self; 3] = [Self::Triage, Self::Invoice, Self::Faq];

    /// The folder in the catalog, which is the suite's name too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Triage => "support-triage",
            Self::Invoice => "invoice-extraction",
            Self::Faq => "kb-faq",
        }
    }

    /// The text of the suite's `suite.yaml`.
    pub fn suite_yaml(self) -> &'static str {
        match self {
            Self::Triage => include_str!("../../suites/catalog/support-triage/suite.yaml"),
            Self::Invoice => include_str!("../../suites/catalog/invoice-extraction/suite.yaml"),
            Self::Faq => include_str!("../../suites/catalog/kb-faq/suite.yaml"),
        }
    }
}

/// The prompt of one suite, ready to be filled with rows.
pub struct Prompt {
    environment: Environment<'static>,
    lists: Map<String, Value>,
}

/// Why a prompt could not be made.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

impl Prompt {
    /// Reads the templates out of the suite.
    pub fn of(task: Task) -> Result<Self, Error> {
        let suite: Value = serde_yaml::from_str(task.suite_yaml())?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for part in ["system", "user"] {
            let template = suite["prompt"][part].as_str().ok_or("a suite without a prompt")?;
            environment.add_template_owned(part, template.to_owned())?;
        }
        let mut lists = Map::new();
        if let Some(labels) = suite["labels"]["category"].get("values") {
            lists.insert("labels".to_owned(), labels.clone());
        }
        if let Some(fields) = suite["fields"].as_object() {
            lists.insert("fields".to_owned(), fields.keys().cloned().collect());
        }
        Ok(Self { environment, lists })
    }

    /// The system and the user message of a row.
    pub fn messages(&self, row: &Map<String, Value>) -> Result<(String, String), Error> {
        let mut values = row.clone();
        values.extend(self.lists.clone());
        let render = |part| self.environment.get_template(part)?.render(&values);
        Ok((render("system")?, render("user")?))
    }

    /// The system part and the rest of a row's prompt, up to where the answer starts.
    pub fn chat(&self, row: &Map<String, Value>) -> Result<(String, String), Error> {
        let (system, user) = self.messages(row)?;
        Ok((
            format!("<|im_start|>system\n{system}<|im_end|>\n"),
            format!("<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_what_the_suites_say() {
        let row = serde_json::json!({"subject": "Login", "body": "I forgot my PIN."});
        let (system, user) =
            Prompt::of(Task::Triage).unwrap().messages(row.as_object().unwrap()).unwrap();
        assert_eq!(
            system,
            "Sort the support ticket into one category: billing, login, shipping, returns, bug, \
             setup, feature. Answer with the category only."
        );
        assert_eq!(user, "Login\n\nI forgot my PIN.");
    }

    #[test]
    fn the_chat_is_what_the_template_in_the_metadata_gives() {
        let row = serde_json::json!({"context": "It <is> \"blue\".", "question": "Which?"});
        let prompt = Prompt::of(Task::Faq).unwrap();
        let (system, user) = prompt.messages(row.as_object().unwrap()).unwrap();
        let messages = serde_json::json!([
            {"role": "system", "content": system},
            {"role": "user", "content": user},
        ]);
        let rendered = Environment::new()
            .render_str(
                CHAT_TEMPLATE,
                minijinja::context! { messages, add_generation_prompt => true },
            )
            .unwrap();
        let (first, second) = prompt.chat(row.as_object().unwrap()).unwrap();
        assert_eq!(first + &second, rendered);
    }
}
