//! A translation as the texts of suites.

use super::Translation;
use super::goal::{Goal, field_column};
use super::prompts::Prompt;
use super::remarks::{Group, Kind};
use crate::propose::word;
use crate::tasks::checks;

/// Most tokens of an answer: promptfoo's own default.
const MAX_TOKENS: u32 = 1024;

/// What a suite's file says beside the translation.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The suites' name; those of further prompts have a number behind it.
    pub name: &'a str,
    /// The file that they are made of, for people.
    pub origin: &'a str,
    /// The file with the rows, relative to the suites'.
    pub rows: &'a str,
    /// The loss that can be borne, in (0, 1), and why.
    pub margin: (f64, &'a str),
}

impl Translation {
    /// The suites, one for each prompt: the name and the text of its file.
    pub fn suites(&self, facts: &Facts<'_>) -> Vec<(String, String)> {
        let name = |i: usize| match i {
            0 => facts.name.to_owned(),
            i => format!("{}-{}", facts.name, i.saturating_add(1)),
        };
        let all = self.prompts.iter().enumerate();
        all.map(|(i, prompt)| (name(i), self.suite(&name(i), prompt, facts))).collect()
    }

    fn suite(&self, name: &str, prompt: &Prompt, facts: &Facts<'_>) -> String {
        let mut lines =
            vec![format!("# Translated by `rightsize init` of {}.", one_line(facts.origin))];
        for (kind, title) in
            [(Kind::Not, "Not translated:"), (Kind::Differs, "Translated with a difference:")]
        {
            let groups: Vec<&Group> =
                self.remarks.iter().filter(|g| g.first.kind == kind).collect();
            if !groups.is_empty() {
                lines.push(format!("# {title}"));
                lines.extend(groups.iter().map(|g| format!("# - {}", one_line(&g.to_string()))));
            }
        }
        lines.push(format!("name: {}", word(name)));
        lines.push(format!("task: {}", self.task));
        let label = prompt.label.as_deref().filter(|label| !label.contains("{{"));
        let description: Vec<&str> = [self.description.as_str()]
            .into_iter()
            .chain(label)
            .filter(|t| !t.is_empty())
            .collect();
        if !description.is_empty() {
            lines.push(format!("description: {}", word(&description.join(" / "))));
        }
        lines.push(format!("\ndata:\n  test: {}\n", word(facts.rows)));
        lines.push(self.expected_yaml());
        lines.push("\n# What is expected cannot be seen by a prompt.".to_owned());
        lines.push(prompt_yaml(prompt));
        lines.push(format!("\nanswer: {{max_tokens: {MAX_TOKENS}}}\n"));
        lines.push(
            "# The loss of the headline figure that you could bear if a model is cheaper, and why."
                .to_owned(),
        );
        let (margin, why) = facts.margin;
        lines.push(format!("margin: {{abs: {margin}, why: {}}}\n", word(why)));
        lines.join("\n")
    }

    fn expected_yaml(&self) -> String {
        let expected = checks::EXPECTED;
        match &self.goal {
            Goal::Labels(labels) => {
                let values: Vec<String> =
                    labels.iter().map(|label| format!("      - {}", word(label))).collect();
                format!(
                    "labels:\n  label:\n    expected: \"{expected}\"\n    values:\n{}",
                    values.join("\n")
                )
            }
            Goal::Answers | Goal::Checks => format!("expected: \"{expected}\""),
            Goal::Fields(fields) => {
                let field = |(name, spec): &(String, &str)| {
                    let column = word(&field_column(name));
                    let spec = spec.trim_start_matches('{');
                    format!("  {}: {{expected: {column}, {spec}", word(name))
                };
                let fields: Vec<String> = fields.iter().map(field).collect();
                format!("fields:\n{}", fields.join("\n"))
            }
        }
    }
}

fn prompt_yaml(prompt: &Prompt) -> String {
    let roles: Vec<&str> = prompt.messages.iter().map(|(role, _)| role.as_str()).collect();
    if matches!(roles.as_slice(), ["user"] | ["system", "user"]) {
        let part = |(role, text): &(String, String)| format!("  {role}: {}", block(text, 4));
        let parts: Vec<String> = prompt.messages.iter().map(part).collect();
        return format!("prompt:\n{}", parts.join("\n"));
    }
    let turn = |(role, text): &(String, String)| {
        format!("    - role: {role}\n      content: {}", block(text, 8))
    };
    let turns: Vec<String> = prompt.messages.iter().map(turn).collect();
    format!("prompt:\n  messages:\n{}", turns.join("\n"))
}

/// A text as a YAML scalar: with its lines as they are, where that keeps it; else quoted.
fn block(text: &str, indent: usize) -> String {
    let keeps = |line: &str| !line.ends_with([' ', '\t']) && !line.chars().any(char::is_control);
    let (text, mark) = match text.strip_suffix('\n') {
        Some(text) => (text, "|"),
        None => (text, "|-"),
    };
    let plain = (text.contains('\n') || mark == "|")
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with('\n')
        && !text.is_empty()
        && text.split('\n').all(keeps);
    match plain {
        false if mark == "|" => serde_json::Value::from(format!("{text}\n")).to_string(),
        false => serde_json::Value::from(text).to_string(),
        true => {
            let pad = " ".repeat(indent);
            let line = |line: &str| match line.is_empty() {
                true => String::new(),
                false => format!("{pad}{line}"),
            };
            format!("{mark}\n{}", text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Without line breaks, for a comment.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
