//! The synthetic text that the models learn from, and of which the suites' generated samples are
//! the part kept for the test: other templates, other values.

pub mod decoration;
pub mod faq;
pub mod invoice;
pub mod names;
pub mod template;
pub mod triage;
pub mod values;

use rand::Rng;
use serde_json::{Map, Value};

use crate::prompt::Task;
use template::Sections;
use values::Split;

/// One row of a suite with the answer that a model should give.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The suite.
    pub task: Task,
    /// The columns that prompt and scoring use.
    pub row: Map<String, Value>,
    /// The templates it is made of.
    pub family: String,
    /// The whole answer.
    pub answer: String,
    /// The values that must not be in both splits: what is to be copied.
    pub values: Vec<String>,
}

/// Writes samples of all tasks.
pub struct Writer {
    triage: Sections,
    invoice: Sections,
    faq: Sections,
    /// Whether training invoices have decorated lines; those of the test never have.
    decorated: bool,
}

impl Writer {
    /// Reads the templates.
    pub fn new() -> Self {
        let (triage, invoice) = (triage::templates(), invoice::templates());
        Self { triage, invoice, faq: faq::templates(), decorated: false }
    }

    /// The same, with decorated lines in training invoices.
    pub fn decorated() -> Self {
        Self { decorated: true, ..Self::new() }
    }

    /// One sample.
    pub fn sample<R: Rng>(&self, task: Task, split: Split, rng: &mut R) -> Sample {
        match task {
            Task::Triage => triage::sample(&self.triage, split, rng),
            Task::Invoice => {
                let decorated = self.decorated && split == Split::Train;
                invoice::sample(&self.invoice, decorated, split, rng)
            }
            Task::Faq => faq::sample(&self.faq, split, rng),
        }
    }

    /// One text with all questions about it.
    pub fn samples<R: Rng>(&self, task: Task, split: Split, rng: &mut R) -> Vec<Sample> {
        match task {
            Task::Faq => faq::samples(&self.faq, split, rng),
            _ => vec![self.sample(task, split, rng)],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn samples(split: Split, seed: u64, count: usize) -> Vec<Sample> {
        let writer = Writer::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let task = |i: usize| Task::ALL[i % Task::ALL.len()];
        (0..count).map(|i| writer.sample(task(i), split, &mut rng)).collect()
    }

    #[test]
    fn one_seed_gives_one_text() {
        assert_eq!(samples(Split::Train, 5, 90), samples(Split::Train, 5, 90));
        assert_ne!(samples(Split::Train, 5, 90), samples(Split::Train, 6, 90));
    }

    #[test]
    fn training_and_test_share_no_family() {
        let families = |split| -> BTreeSet<(Task, String)> {
            (0..4)
                .flat_map(|seed| samples(split, seed, 3000))
                .flat_map(|s| {
                    let parts: Vec<String> = s.family.split('+').map(str::to_owned).collect();
                    parts.into_iter().map(move |part| (s.task, part))
                })
                .collect()
        };
        let (train, test) = (families(Split::Train), families(Split::Test));
        assert!(train.len() > 200 && test.len() > 100, "{} and {}", train.len(), test.len());
        assert!(train.is_disjoint(&test));
    }

    #[test]
    fn families_of_both_splits_are_different_templates() {
        for (sections, ends) in [
            (triage::templates(), [".train", ".test"]),
            (triage::templates(), [".train.subject", ".test.subject"]),
            (invoice::templates(), [".train", ".test"]),
        ] {
            for name in sections.names() {
                let Some(stem) = name.strip_suffix(ends[1]) else {
                    continue;
                };
                let train: BTreeSet<_> =
                    sections.lines(&format!("{stem}{}", ends[0])).iter().collect();
                let test: BTreeSet<_> = sections.lines(name).iter().collect();
                assert!(!train.is_empty(), "{name} has no training templates");
                assert!(train.is_disjoint(&test), "{name} shares a template");
            }
        }
        let sections = faq::templates();
        for name in sections.names() {
            for letter in ['f', 'q'] {
                let lines = |split| -> BTreeSet<_> {
                    faq::lines(&sections, name, letter, split).into_iter().collect()
                };
                assert!(lines(Split::Train).is_disjoint(&lines(Split::Test)), "{name}");
            }
        }
    }

    #[test]
    fn training_and_test_share_no_value() {
        for seed in 0..4 {
            for sample in samples(Split::Train, seed, 3000) {
                assert!(sample.values.iter().all(|v| Split::of(v) == Split::Train), "{sample:?}");
            }
            for sample in samples(Split::Test, seed, 3000) {
                assert!(sample.values.iter().all(|v| Split::of(v) == Split::Test), "{sample:?}");
            }
        }
    }

    #[test]
    fn no_slot_is_left_and_every_answer_stands_in_its_text() {
        for sample in
            samples(Split::Train, 1, 3000).into_iter().chain(samples(Split::Test, 1, 3000))
        {
            let texts: Vec<&str> = sample.row.values().filter_map(Value::as_str).collect();
            assert!(!texts.iter().any(|t| t.contains(['{', '}', '['])), "{sample:?}");
            if sample.task == Task::Faq {
                let context = texts[0].to_lowercase();
                assert!(context.contains(&sample.answer.to_lowercase()), "{sample:?}");
            }
            if sample.task == Task::Invoice {
                assert!(
                    sample.values[..2].iter().all(|v| texts[0].contains(v.as_str())),
                    "{sample:?}"
                );
                let answer: Value = serde_json::from_str(&sample.answer).unwrap();
                for (field, value) in answer.as_object().unwrap() {
                    assert_eq!(&sample.row[field], value);
                }
            }
        }
    }
}
