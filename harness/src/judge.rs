//! From an answer to its score: the one way, for an answer that has just come and for a recorded one.

use std::collections::BTreeMap;

use rightsize_providers::Response;
use rightsize_reports::run::Outcome;
use rightsize_suites::choices::{ACC_NORM, Chosen};
use rightsize_suites::{Parts, Reading, Sample, Score, ScoringError, Suite, outcome};

use crate::scorer::Scorer;

/// What an answer is worth.
#[derive(Debug)]
pub struct Judgement {
    /// What was read in it.
    pub reading: Reading,
    /// What became of it.
    pub outcome: Outcome,
    /// Its score; only a readable answer scores more than nothing.
    pub score: Result<Score, ScoringError>,
}

/// Reads and scores an answer.
///
/// `scorer` is the suite's own command, where it has one: it is waited for.
pub fn judge(
    suite: &Suite,
    scorer: Option<&Scorer>,
    sample: &Sample,
    response: &Response,
) -> Judgement {
    let chosen = suite.task.read_choices(&response.choices);
    let (reading, normalised) = match chosen {
        None => (suite.task.read(response), None),
        Some(Chosen { mut acc, acc_norm }) => {
            acc.beside.extend(acc_norm.value.clone().map(|value| (ACC_NORM.to_owned(), value)));
            (acc, Some(acc_norm))
        }
    };
    let outcome = outcome::outcome_of(response, &reading);
    let own = match outcome {
        Outcome::Scored => suite.task.score(&reading, sample),
        // Nothing counts as read; what pipelines beside it read stands.
        _ => suite.task.score(&Reading { value: None, ..reading.clone() }, sample),
    };
    let score = own.and_then(|own| match scorer {
        None => Ok(own),
        Some(scorer) => scorer.score(own, sample, &response.text, &reading, outcome),
    });
    let score = score.and_then(|mut score| {
        if let Some(reading) = &normalised {
            let primary = suite.task.score(reading, sample)?.primary;
            score.parts.insert(ACC_NORM.to_owned(), primary);
        }
        Ok(score)
    });
    Judgement { reading, outcome, score }
}

/// The statistics of an error: 'nothing right', so that the headline counts it as wrong.
pub fn parts_of_error(suite: &Suite, sample: &Sample) -> Parts {
    suite.task.score(&nothing(suite), sample).map_or_else(|_| BTreeMap::new(), |score| score.parts)
}

/// The reading of an answer that says nothing: it scores 0.
fn nothing(suite: &Suite) -> Reading {
    Reading::nothing(suite.task.reader(), "no answer")
}
