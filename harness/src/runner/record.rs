//! From the answer (or the error) of a unit to its record: read, score, note.

use std::collections::BTreeMap;

use rightsize_providers::{Advice, Answer, ErrorKind, ProviderError, Side, Stage, Timing, Usage};
use rightsize_reports::run::{Outcome, Record, RecordError, SCHEMA, Signals};
use rightsize_suites::{Sample, Suite, choices};
use serde_json::Value;

use super::Context;
use super::attempt::Attempted;
use super::entry::PlannedUnit;
use crate::journal;
use crate::judge::{Judgement, judge, parts_of_error};
use crate::scorer::Scorer;

/// Makes the record of a unit. Waits for the suite's scoring command, where it has one.
pub fn record(
    context: &Context,
    planned: &PlannedUnit,
    suite: &Suite,
    prompt: &str,
    attempted: Attempted,
) -> Record {
    let sample = &planned.unit.sample;
    let scorer = context.scorers.get(planned.unit.suite).and_then(Option::as_ref);
    let key = &planned.unit.key;
    let slept = u64::try_from(attempted.slept.as_nanos()).unwrap_or(u64::MAX);
    let mut record = Record {
        schema: SCHEMA,
        unit: planned.digest.clone(),
        ask: planned.ask.clone(),
        suite: key.suite.clone(),
        split: key.split,
        sample: key.sample.clone(),
        model: key.entry.clone(),
        variant: key.variant.clone(),
        mode: key.mode,
        scenario: key.scenario,
        repeat: key.repeat,
        session: context.session,
        tags: sample.tags.clone(),
        cluster: sample.cluster.clone(),
        prompt_sha256: journal::prompt_sha256(prompt),
        response: None,
        server: Default::default(),
        readings: BTreeMap::new(),
        expected: sample.expected.clone(),
        outcome: Outcome::Error,
        score: None,
        parts: BTreeMap::new(),
        detail: Value::Null,
        scoring_version: suite.scoring_version(),
        error: None,
        usage: Usage::default(),
        timing: Timing::default(),
        signals: Signals::default(),
        energy_j: None,
        attempts: attempted.attempts,
        cached: false,
        unknown: BTreeMap::new(),
    };
    match attempted.result {
        Ok(answer) => {
            // A replay that recorded no stamps keeps none: its timing is the file's, or absent.
            let live = answer.timing.sent.is_some();
            score(&mut record, suite, scorer, sample, answer);
            if live {
                record.timing.scheduled.get_or_insert(attempted.scheduled);
                record.timing.rate_limit_sleep_ns = slept;
            }
        }
        Err(error) => fail(&mut record, suite, sample, error),
    }
    record
}

/// Reads and scores the answer.
fn score(
    record: &mut Record,
    suite: &Suite,
    scorer: Option<&Scorer>,
    sample: &Sample,
    answer: Answer,
) {
    let Judgement { reading, outcome, score } = judge(suite, scorer, sample, &answer.response);
    match score {
        Ok(score) => {
            record.outcome = outcome;
            record.score = Some(score.primary);
            record.parts = score.parts;
            record.detail = score.detail;
        }
        Err(error) => {
            let ours = ProviderError::new(
                Side::Ours,
                ErrorKind::Protocol,
                Stage::Read,
                Advice::Never,
                error.to_string(),
            );
            fail(record, suite, sample, ours);
        }
    }
    record.signals = Signals {
        logprob: answer.logprob.or_else(|| choices::summary(&answer.response.choices)),
        schema_valid: reading.schema_valid,
        parse_repaired: Some(reading.repaired),
    };
    record.readings = reading.recorded();
    record.response = Some(answer.response);
    record.server = answer.server;
    record.usage = answer.usage;
    record.timing = answer.timing;
}

/// Notes an error. It has no score.
fn fail(record: &mut Record, suite: &Suite, sample: &Sample, error: ProviderError) {
    record.outcome = Outcome::Error;
    record.score = None;
    record.parts = parts_of_error(suite, sample);
    record.error = Some(RecordError::from(error));
}
