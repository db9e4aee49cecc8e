//! A loaded suite: everything that is needed to ask its samples and to judge the answers.

use rightsize_providers::{Ask, AskKind, Generate, SampleRef};
use serde_json::{Value, json};

use crate::command::Command;
use crate::metrics::{Measure, Metric};
use crate::prompt::{PromptError, Templates};
use crate::reduce::Reduce;
use crate::sample::{Sample, Samples};
pub use crate::schema::Margin;
use crate::tasks::{SCORING_VERSION, Task};
use crate::variants::{DEFAULT, Variant};

/// A loaded, checked suite. Made by [`Suite::load`] and [`Suite::from_run_folder`].
///
/// ```
/// let suite = rightsize_suites::Suite::load("catalog:support-triage", ".".as_ref())?;
/// let sample = suite.samples.first().ok_or("a suite has samples")?;
/// let reading = suite.task.read(&suite.task.write_expected(&sample));
/// assert_eq!(suite.task.score(&reading, &sample)?.primary, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Suite {
    /// Its name: letters, digits, `.`, `_` and `-`, so that it can name a folder.
    pub name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// What is asked, and how answers are judged.
    pub task: Task,
    /// The test split, in the order of its file; never empty, ids are unique.
    pub samples: Samples,
    /// The train split, in the order of its file: what baselines learn from and few-shot examples
    /// are taken from, never asked or scored.
    /// Empty where the suite has none.
    pub train: Samples,
    /// The dev split: what a prompt variant is chosen on, asked but never reported as a test. It is
    /// `data.dev`, or with variants a part of the train rows, which are then not in [`Suite::train`].
    pub dev: Samples,
    /// The loss it can bear.
    pub margin: Option<Margin>,
    /// How a sample that is asked several times counts as one.
    pub reduce: Reduce,
    /// The YAML as written; where it extends another one, both as one text.
    pub yaml: String,
    /// `catalog:NAME`, or the path as the bake-off wrote it.
    pub source: String,
    /// Digest of YAML and test rows: the same whether they were read from their files or from a
    /// run folder. Of the train rows it has those that the prompt shows as examples: on no others
    /// does an answer of a model depend.
    pub sha256: String,
    /// What is suspicious in it, a sentence each: repeated rows, test rows that stand in train.
    pub warnings: Vec<String>,
    /// The command that scores its answers, where it has one. It is run by `rightsize run` alone.
    pub command: Option<Command>,
    /// What the file of its tools held, where `tools` names one: a list of definitions.
    pub tools_file: Option<Value>,
    pub(crate) templates: Templates,
    pub(crate) variants: Vec<Variant>,
    pub(crate) max_tokens: u32,
    pub(crate) constrain: bool,
}

impl Suite {
    /// What is asked for a sample: messages, temperature 0, not streamed. The runner puts the
    /// entry's own sampling and extras over it.
    ///
    /// # Errors
    /// A template that cannot be filled with the sample's columns. Loading has filled all of them
    /// once, so this only happens to a sample of another suite.
    pub fn ask(&self, sample: &Sample, repeat: u32) -> Result<Ask, PromptError> {
        self.ask_in(DEFAULT, sample, repeat)
    }

    /// The same in a variant of the prompt; [`DEFAULT`] is the suite's own.
    ///
    /// # Errors
    /// As [`Suite::ask`], and where the suite has no such variant.
    pub fn ask_in(&self, variant: &str, sample: &Sample, repeat: u32) -> Result<Ask, PromptError> {
        let named = || self.variants.iter().find(|v| v.name == variant).map(|v| &v.templates);
        let templates = if variant == DEFAULT { Some(&self.templates) } else { named() };
        let templates = templates.ok_or_else(|| PromptError {
            sample: sample.id.clone(),
            part: format!("variants.{variant}"),
            message: "the suite has no such variant".to_owned(),
        })?;
        let prompt = templates.fill(&sample.id, &sample.fields)?;
        let tools = self.task.offered_tools();
        let generate = Generate {
            schema: if self.constrain { self.task.schema() } else { None },
            tool_choice: (!tools.is_empty()).then(|| "auto".into()),
            tools,
            ..Generate::new(prompt, self.max_tokens)
        };
        Ok(Ask {
            sample: SampleRef { suite: self.name.clone(), id: sample.id.clone(), repeat },
            fields: sample.fields.clone(),
            kind: AskKind::Generate(generate),
        })
    }

    /// The names of its prompts: [`DEFAULT`], then its variants in the order of the file.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        std::iter::once(DEFAULT).chain(self.variants.iter().map(|v| v.name.as_str()))
    }

    /// Version of the rules by which this suite's answers are read and scored. With a command it is
    /// a number made of the command's digest, so that another command is another version.
    pub fn scoring_version(&self) -> u32 {
        match &self.command {
            None => SCORING_VERSION,
            Some(command) => command.scoring_version(SCORING_VERSION),
        }
    }

    /// The JSON Schema (draft 2020-12) of a suite's YAML, for editors: the keys that are built, their
    /// types and what they mean. What fits together is for [`Suite::load`] to check.
    pub fn yaml_schema() -> Value {
        let mut schema = schemars::schema_for!(crate::schema::SuiteFile);
        // A suite that extends another one need not have the keys that are required of a whole one.
        if let Some(required) = schema.remove("required") {
            schema.insert(
                "anyOf".to_owned(),
                json!([{ "required": required }, { "required": ["extends"] }]),
            );
        }
        schema.to_value()
    }

    /// The metric that headlines the suite.
    pub fn primary(&self) -> Measure {
        match self.command {
            Some(_) => Metric::Score.into(),
            None => self.task.primary(),
        }
    }

    /// All metrics of the suite, the primary one first. The parts of a command are not among them:
    /// their names are known once it has answered.
    pub fn metrics(&self) -> Vec<Measure> {
        let judged = self.command.iter().map(|_| Metric::Score.into());
        judged.chain(self.task.metrics()).collect()
    }
}
