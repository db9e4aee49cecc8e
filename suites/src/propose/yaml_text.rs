//! A proposal as the text of a suite's file, with comments for people.

use std::fmt::Write;

use super::roles::identifier;
use super::target::{Field, Target};
use super::{Kind, Proposal};

/// What a suite's file says beside the proposal.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The suite's name.
    pub name: &'a str,
    /// The file that it was made of, for people.
    pub origin: &'a str,
    /// The file with the test rows, relative to the suite's.
    pub test: &'a str,
    /// The file with the train rows.
    pub train: Option<&'a str>,
    /// The loss that can be borne, in (0, 1), and why.
    pub margin: (f64, &'a str),
}

impl Proposal {
    /// The text of the suite's file.
    pub fn suite_yaml(&self, facts: &Facts<'_>) -> String {
        let mut text = String::new();
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        line(&format!("# Proposed by `rightsize init` for {}.", one_line(facts.origin)));
        line(
            "# Read it through, above all the prompt and the margin: you know the task, it does not.",
        );
        line(
            "#   rightsize check suite.yaml      says what is wrong with it, and what its rows support",
        );
        line(&format!("name: {}", word(facts.name)));
        line(&format!("task: {}", self.kind));
        line(&format!("description: {}", word(&self.description(facts.origin))));
        line("");
        line("data:");
        line(&format!("  test: {}", word(facts.test)));
        if let Some(train) = facts.train {
            line(&format!(
                "  train: {}   # baselines learn from it; it is never asked",
                word(train)
            ));
        }
        match &self.id {
            Some(id) => line(&format!("  id: {}", word(id))),
            None => {
                line("  # id: COLUMN        # names a row; without it, a digest of the row does")
            }
        }
        if let Some(cluster) = &self.cluster {
            line(&format!(
                "  cluster: {}   # rows with the same value are not independent",
                word(cluster)
            ));
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|tag| word(tag)).collect();
            line(&format!(
                "  tags: [{}]   # the report shows results for each value",
                tags.join(", ")
            ));
        }
        line("");
        line(self.expected_yaml().trim_end());
        line("");
        line("# Columns stand in {{ }}; what is expected cannot be seen by a prompt.");
        line(self.prompt_yaml().trim_end());
        line("");
        if let Some(answer) = self.answer_yaml() {
            line(&answer);
        }
        if self.has_long_answers() {
            line("# Long answers are seldom given word for word: their words are compared.");
            line("scoring: {primary: token_f1}");
        }
        line(
            "# The loss of the headline figure that you could bear if a model is cheaper, and why.",
        );
        line(&format!("margin: {{abs: {}, why: {}}}", facts.margin.0, word(facts.margin.1)));
        text
    }

    fn description(&self, origin: &str) -> String {
        let what = match self.kind {
            Kind::Classification => "One label of a list",
            Kind::Extraction => "Values of fields in a text",
            Kind::Pii => "Personal data in a text",
            Kind::Faq => "A short answer to a question",
            Kind::Summarization => "A shorter text",
            Kind::Reasoning => "A final answer after some steps",
            Kind::Checks => "What an answer must have",
        };
        format!("{what}, for the rows of {origin}")
    }

    /// The keys that say what is expected.
    fn expected_yaml(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = match &self.target {
            Target::Labels { column, values, .. } => {
                let axis = self.axis(column);
                let mut done =
                    write!(text, "labels:\n  {}:\n    expected: {}", word(&axis), word(column));
                done =
                    done.and(writeln!(text, "   # the column with the right label\n    values:"));
                for (label, n) in values {
                    done = done.and(writeln!(text, "      - {}   # {n} rows", word(label)));
                }
                done
            }
            Target::Fields { fields, .. } => {
                let mut done = writeln!(text, "fields:");
                for field in fields {
                    done = done.and(writeln!(text, "  {}", field_yaml(field)));
                }
                done
            }
            Target::Spans { column, text: of, types } => {
                let types: Vec<String> = types.iter().map(|(label, _)| word(label)).collect();
                let variable = self.input.iter().find(|i| i.column == *of).map(|i| &i.variable);
                let of = variable.unwrap_or(of);
                writeln!(
                    text,
                    "types: [{}]\ntext: {}\nexpected: {}",
                    types.join(", "),
                    word(of),
                    word(column)
                )
            }
            Target::Text { column, unanswerable, .. } => {
                let done = writeln!(
                    text,
                    "expected: {}   # the column with the right answer",
                    word(column)
                );
                match unanswerable {
                    true => done.and(writeln!(
                        text,
                        "# Some rows have no answer; there it is right to say one of these:\n\
                         abstentions: [unanswerable, no answer, not in the text]"
                    )),
                    false => done,
                }
            }
            Target::Checks { column, .. } => writeln!(
                text,
                "expected: {}   # the column with the checks, and those with a number behind its name",
                word(column)
            ),
        };
        text
    }

    /// Whether answers are sentences, which nobody gives word for word.
    fn has_long_answers(&self) -> bool {
        const SHORT: usize = 60;
        self.kind == Kind::Faq && self.longest_expected > SHORT
    }

    /// The name of the label axis: no variable of a prompt has it.
    fn axis(&self, column: &str) -> String {
        identifier(column.rsplit('.').next().unwrap_or(column))
    }

    fn prompt_yaml(&self) -> String {
        let system = match &self.target {
            Target::Labels { values, .. } if values.len() > 12 => {
                "Choose the one label that fits the text. The labels are:\n    {{ labels_help }}\n    \
                 Answer with the label only."
                    .to_owned()
            }
            Target::Labels { .. } => {
                "Choose the one label that fits the text: {{ labels | join(', ') }}.\n    \
                 Answer with the label only."
                    .to_owned()
            }
            Target::Fields { .. } => {
                "Read the text. Answer with one JSON object with the keys {{ fields | join(', ') }}.\n    \
                 Write null where the text does not say. Dates are yyyy-mm-dd, numbers have no unit."
                    .to_owned()
            }
            Target::Spans { .. } => {
                "Find the personal data in the text. The types are {{ types | join(', ') }}.\n    \
                 Answer with JSON such as {\"entities\": [{\"type\": \"{{ types[0] }}\", \"text\": \"as in the text\"}]}."
                    .to_owned()
            }
            Target::Text { kind: Kind::Summarization, .. } => {
                "Summarize the text. Answer with the summary only.".to_owned()
            }
            Target::Text { kind: Kind::Reasoning, numeric: true, .. } => {
                "Think step by step. Write the final number in a last line such as `#### 42`.".to_owned()
            }
            Target::Text { kind: Kind::Reasoning, .. } => {
                "Think step by step. Write the final answer in a last line such as `Answer: ...`.".to_owned()
            }
            Target::Text { unanswerable: true, .. } => {
                "Answer the question in as few words as possible.\n    \
                 Write `unanswerable` where the text has no answer."
                    .to_owned()
            }
            Target::Text { .. } if self.has_long_answers() => "Answer the question.".to_owned(),
            Target::Text { .. } => "Answer the question in as few words as possible.".to_owned(),
            Target::Checks { .. } => String::new(),
        };
        let show = |(variable, list): (&str, bool)| match list {
            true => format!("{{{{ {variable} | join(' ') }}}}"),
            false => format!("{{{{ {variable} }}}}"),
        };
        let inputs = self.input.iter().map(|i| (i.variable.as_str(), i.list));
        let shown: Vec<String> = match self.input.len() {
            0 | 1 => inputs.map(show).collect(),
            _ => inputs.map(|input| format!("{}: {}", input.0, show(input))).collect(),
        };
        let user = shown.join("\n    ");
        if let Target::Checks { around, .. } = &self.target {
            let [before, behind] = around.each_ref().map(|column| {
                column.as_ref().map(|c| format!("{{{{ {c} }}}}")).unwrap_or_default()
            });
            return format!("prompt:\n  user: |-\n    {before}{user}{behind}");
        }
        format!("prompt:\n  system: |-\n    {system}\n  user: |-\n    {user}")
    }

    /// How long an answer may be and how it is read, where the defaults of the task do not fit.
    fn answer_yaml(&self) -> Option<String> {
        // A token has some three characters in the languages of Europe; half as much again is room.
        let tokens = self.longest_expected.div_ceil(2).saturating_add(16).next_multiple_of(16);
        let least = match self.kind {
            Kind::Classification => 32,
            Kind::Faq => 64,
            Kind::Summarization => 256,
            Kind::Extraction | Kind::Pii | Kind::Checks => 512,
            Kind::Reasoning => {
                let free = matches!(&self.target, Target::Text { numeric: false, .. });
                return free.then(|| "answer: {filters: [{regex: 'Answer: (.+)'}]}".to_owned());
            }
        };
        (tokens > least).then(|| format!("answer: {{max_tokens: {}}}", tokens.min(2048)))
    }
}

fn field_yaml(field: &Field) -> String {
    let tolerance = if field.compare == "number" { ", tolerance: 0.005" } else { "" };
    format!(
        "{}: {{expected: {}, compare: {}{tolerance}}}",
        word(&field.name),
        word(&field.column),
        field.compare
    )
}

/// A text as a YAML scalar that means nothing else: bare where it is a plain word, else quoted.
pub fn word(text: &str) -> String {
    const MEAN_MORE: [&str; 10] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !MEAN_MORE.contains(&text.to_lowercase().as_str());
    match bare {
        true => text.to_owned(),
        // A text of JSON is one of YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}

/// Without line breaks, for a comment.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
