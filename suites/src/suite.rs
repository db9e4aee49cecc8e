//! A loaded suite: everything that is needed to ask its samples and to judge the answers.

use rightsize_providers::{Ask, AskKind, Generate, SampleRef};

use crate::metrics::Measure;
use crate::prompt::{PromptError, Templates};
use crate::sample::Sample;
pub use crate::schema::Margin;
use crate::tasks::{SCORING_VERSION, Task};

/// A loaded, checked suite. Made by [`Suite::load`] and [`Suite::from_run_folder`].
///
/// ```
/// let suite = rightsize_suites::Suite::load("catalog:support-triage", ".".as_ref())?;
/// let sample = &suite.samples[0];
/// let reading = suite.task.read(&suite.task.write_expected(sample));
/// assert_eq!(suite.task.score(&reading, sample)?.primary, 1.0);
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
    pub samples: Vec<Sample>,
    /// The train split, in the order of its file: what baselines learn from, never asked or scored.
    /// Empty where the suite has none.
    pub train: Vec<Sample>,
    /// The loss it can bear.
    pub margin: Option<Margin>,
    /// The YAML as written.
    pub yaml: String,
    /// `catalog:NAME`, or the path as the bake-off wrote it.
    pub source: String,
    /// Digest of YAML and test rows: the same whether they were read from their files or from a
    /// run folder. Train rows are no part of it: no answer of a model depends on them.
    pub sha256: String,
    /// What is suspicious in it, a sentence each: repeated rows, test rows that stand in train.
    pub warnings: Vec<String>,
    pub(crate) templates: Templates,
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
        let prompt = self.templates.fill(&sample.id, &sample.fields)?;
        let generate = Generate {
            schema: if self.constrain { self.task.schema() } else { None },
            ..Generate::new(prompt, self.max_tokens)
        };
        Ok(Ask {
            sample: SampleRef { suite: self.name.clone(), id: sample.id.clone(), repeat },
            fields: sample.fields.clone(),
            kind: AskKind::Generate(generate),
        })
    }

    /// Version of the rules by which this suite's answers are read and scored.
    pub fn scoring_version(&self) -> u32 {
        SCORING_VERSION
    }

    /// The metric that headlines the suite.
    pub fn primary(&self) -> Measure {
        self.task.primary()
    }

    /// All metrics of the suite, the primary one first.
    pub fn metrics(&self) -> Vec<Measure> {
        self.task.metrics()
    }
}
