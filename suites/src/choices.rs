//! Answers that are chosen by their log-probability instead of written.
//!
//! A task with a closed set of answers gives them in the words that an answer would have. A provider
//! scores each one after the same prompt; the most probable is what the model answered, and is read
//! and scored like a written one. Two readings, with the names of lm-evaluation-harness:
//!
//! - `acc`: the largest sum of log-probabilities. It is the score.
//! - `acc_norm`: the largest sum per character (Unicode code point) of the choice, since a sum favours
//!   short choices. It stands beside it.
//!
//! Of equal ones the first counts. Where all are equal the model told nothing: some engines give the
//! same number for every choice, and would silently score like chance.

use rightsize_providers::{Ask, AskKind, ChoiceScore, Choose, LogprobSummary, Response};

use crate::prompt::PromptError;
use crate::sample::Sample;
use crate::suite::Suite;
use crate::tasks::{Reading, Task};

/// The reading by the sum of log-probabilities.
pub const ACC: &str = "acc";
/// The reading by the sum per character; also the statistic of its score.
pub const ACC_NORM: &str = "acc_norm";

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Reading of the most probable choice, by [`ACC`].
    pub acc: Reading,
    /// Reading of the most probable choice per character.
    pub acc_norm: Reading,
}

impl Task {
    /// All answers that there are, as they would be written.
    ///
    /// # Errors
    /// Why the set of answers is not closed, for the end of a sentence.
    pub fn choices(&self) -> Result<Vec<String>, String> {
        let Some(task) = self.as_classification() else {
            return Err(format!("answers of the task `{}` are no closed set", self.kind()));
        };
        match task.axes.as_slice() {
            [axis] if axis.multiple => {
                Err("a sample has any number of labels, which are too many sets".to_owned())
            }
            [axis] if axis.labels.len() < 2 => Err("it has one label only".to_owned()),
            [axis] => Ok(axis.labels.iter().map(|l| self.write(&l.name.clone().into())).collect()),
            _ => Err("it has several label axes, of which an answer combines all".to_owned()),
        }
    }

    /// Reads what was chosen; `None` where no choices were scored.
    pub fn read_choices(&self, scores: &[ChoiceScore]) -> Option<Chosen> {
        let first = scores.first()?;
        let told = scores.iter().any(|score| score.logprob != first.logprob);
        let read = |value: fn(&ChoiceScore) -> f64, reader: &'static str| {
            let best = best(scores, value).filter(|_| told);
            let Some(best) = best else {
                let why = "all choices have the same log-probability";
                return Reading::nothing(reader, why);
            };
            let text = best.choice.clone();
            let reading = self.read(&Response { text, ..Response::default() });
            Reading { reader, ..reading }
        };
        let per_character =
            |score: &ChoiceScore| score.logprob / score.choice.chars().count().max(1) as f64;
        Some(Chosen { acc: read(|s| s.logprob, ACC), acc_norm: read(per_character, ACC_NORM) })
    }
}

/// The choice with the largest value, of equal ones the first.
fn best(scores: &[ChoiceScore], value: fn(&ChoiceScore) -> f64) -> Option<&ChoiceScore> {
    scores.iter().rev().max_by(|a, b| value(a).total_cmp(&value(b)))
}

/// How sure a model was of its choice: log-probability and tokens of the best one, and how far the
/// second lies behind it, in nats.
pub fn summary(scores: &[ChoiceScore]) -> Option<LogprobSummary> {
    let best = best(scores, |score| score.logprob)?;
    let others = scores.iter().filter(|score| !std::ptr::eq(*score, best));
    let second = others.map(|score| score.logprob).max_by(f64::total_cmp);
    Some(LogprobSummary {
        sum: best.logprob,
        tokens: best.tokens,
        min_margin: second.map(|second| best.logprob - second),
    })
}

impl Suite {
    /// What is asked of a sample where its answers are scored by log-probability: the same prompt as
    /// [`Suite::ask_in`], and all answers that there are.
    ///
    /// # Errors
    /// As [`Suite::ask_in`], and where the task has no closed set of answers.
    pub fn choose_in(
        &self,
        variant: &str,
        sample: &Sample,
        repeat: u32,
    ) -> Result<Ask, PromptError> {
        let mut ask = self.ask_in(variant, sample, repeat)?;
        let choices = self.task.choices().map_err(|message| PromptError {
            sample: sample.id.clone(),
            part: "user".to_owned(),
            message,
        })?;
        if let AskKind::Generate(generate) = ask.kind {
            ask.kind = AskKind::Choose(Choose { prompt: generate.prompt, choices });
        }
        Ok(ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn suite(labels: &str, more: &str) -> Suite {
        let dir = tempfile::tempdir().unwrap();
        let yaml = format!(
            "name: s\ntask: classification\ndata: {{test: [{{text: t, queue: login}}]}}\n\
             labels: {labels}\nprompt: {{user: '{{{{ text }}}}'}}\n{more}"
        );
        std::fs::write(dir.path().join("s.yaml"), yaml).unwrap();
        Suite::load("s.yaml", dir.path()).unwrap()
    }

    fn scores(all: &[(&str, f64)]) -> Vec<ChoiceScore> {
        let score = |(choice, logprob): &(&str, f64)| ChoiceScore {
            choice: (*choice).to_owned(),
            logprob: *logprob,
            tokens: 2,
        };
        all.iter().map(score).collect()
    }

    const LABELS: &str = "{queue: {values: [login, billing]}}";

    #[test]
    fn choices_are_written_as_answers_are() {
        assert_eq!(suite(LABELS, "").task.choices().unwrap(), ["login", "billing"]);
        let json = suite(LABELS, "answer: {format: json}\n");
        assert_eq!(
            json.task.choices().unwrap(),
            [r#"{"queue":"login"}"#, r#"{"queue":"billing"}"#]
        );
        // Every choice is read as the answer that it is.
        for choice in json.task.choices().unwrap() {
            let read = json.task.read(&Response { text: choice, ..Response::default() });
            assert_eq!(read.schema_valid, Some(true));
        }
        let ask = json.choose_in("default", &json.samples.get(0).unwrap(), 0).unwrap();
        let written = json.ask(&json.samples.get(0).unwrap(), 0).unwrap();
        let (AskKind::Choose(choose), AskKind::Generate(generate)) = (ask.kind, written.kind)
        else {
            panic!("a choice and a generation")
        };
        assert_eq!(choose.prompt, generate.prompt, "the prompt is the same");
    }

    #[test]
    fn open_sets_say_why() {
        let sets = suite("{queue: {values: [login, billing], multiple: true}}", "");
        assert!(sets.task.choices().unwrap_err().contains("any number of labels"));
        let faq = Suite::load("catalog:kb-faq", Path::new("")).unwrap();
        assert!(faq.task.choices().unwrap_err().contains("`faq`"));
        assert!(faq.choose_in("default", &faq.samples.get(0).unwrap(), 0).is_err());
    }

    #[test]
    fn the_sum_and_the_sum_per_character_are_two_readings() {
        let task = suite(LABELS, "").task;
        // Per character: -4/5 = -0.8 and -4.9/7 = -0.7.
        let chosen = task.read_choices(&scores(&[("login", -4.0), ("billing", -4.9)])).unwrap();
        assert_eq!((chosen.acc.value, chosen.acc.reader), (Some("login".into()), "acc"));
        let norm = chosen.acc_norm;
        assert_eq!((norm.value, norm.reader), (Some("billing".into()), "acc_norm"));
        // Of equal ones the first; where all are equal nothing was told.
        let task = suite("{queue: {values: [login, billing, other]}}", "").task;
        let tied = scores(&[("login", -2.0), ("billing", -1.0), ("other", -1.0)]);
        assert_eq!(task.read_choices(&tied).unwrap().acc.value, Some("billing".into()));
        let even = scores(&[("login", -1.0), ("billing", -1.0), ("other", -1.0)]);
        assert_eq!(task.read_choices(&even).unwrap().acc.value, None);
        assert_eq!(task.read_choices(&[]), None);
    }

    #[test]
    fn the_margin_is_that_of_the_two_best() {
        let summary = summary(&scores(&[("a", -3.0), ("b", -1.0), ("c", -1.5)])).unwrap();
        assert_eq!((summary.sum, summary.tokens, summary.min_margin), (-1.0, 2, Some(0.5)));
    }
}
