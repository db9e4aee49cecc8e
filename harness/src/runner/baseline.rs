//! One baseline from its start to its end. It is no provider: it sees the samples and their train
//! split, and shares only the record with model entries.

use std::sync::Arc;
use std::time::Duration;

use rightsize_providers::{Answer, Description, ServerWords, Timing, Usage};
use rightsize_reports::run::{BASELINE, PlannedPass, Scenario};
use rightsize_suites::Suite;
use rightsize_suites::baselines::{Baseline, Method, Unfit};
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::Context;
use super::attempt::Attempted;
use super::entry::{PlanError, PlannedUnit, is_left, unsupported};
use super::events::WorkerEvent;
use super::record;
use crate::bakeoff::Bakeoff;
use crate::journal::Done;
use crate::plan::{self, Answerer, Shard, Units};

/// What is to be done for one baseline.
#[derive(Debug)]
pub struct BaselineWork {
    /// The method.
    pub method: Method,
    /// Units still to be answered.
    pub units: Units,
    /// Its units in this folder by suite, those that are done included.
    pub planned: Vec<PlannedPass>,
    /// The digest of each suite's train rows.
    pub train: Vec<String>,
    /// The suites that it cannot answer.
    pub unfit: Vec<Unfit>,
}

/// Plans the baselines of a bake-off.
///
/// # Errors
/// A unit that is done was answered after other train rows.
pub fn plan_baselines(
    bakeoff: &Bakeoff,
    suites: &[Suite],
    part: (Option<usize>, Option<Shard>),
    done: &Done,
) -> Result<Vec<BaselineWork>, PlanError> {
    if bakeoff.baselines.is_empty() {
        return Ok(Vec::new());
    }
    let train: Vec<String> = suites.iter().map(plan::train_digest).collect();
    let methods = bakeoff.baselines.iter();
    methods.map(|method| plan_baseline(*method, bakeoff, suites, &train, part, done)).collect()
}

/// Plans one baseline: its units of the suites that it can answer, without those that are done.
/// `trained` has the digest of each suite's train rows.
fn plan_baseline(
    method: Method,
    bakeoff: &Bakeoff,
    suites: &[Suite],
    trained: &[String],
    (limit, shard): (Option<usize>, Option<Shard>),
    done: &Done,
) -> Result<BaselineWork, PlanError> {
    let checked = suites.iter().zip(trained);
    let fit: Vec<Result<(&String, Value), Unfit>> = checked
        .map(|(suite, train)| method.check(suite).map(|()| (train, method.parameters(suite))))
        .collect();
    let train = |suite: usize| fit.get(suite).and_then(|fit| fit.as_ref().ok());
    let mut units = plan::units_of(Answerer::baseline(method), bakeoff, suites, limit, shard);
    let answers =
        |units: &Units, place| units.pass(&place).is_some_and(|pass| train(pass.suite).is_some());
    units.retain(|units, place| Ok::<_, PlanError>(answers(units, place)))?;
    let planned = units.planned();
    if !done.is_empty() {
        units.retain(|units, place| {
            let Some(unit) = units.unit(place, suites) else { return Ok(true) };
            let Some((train, parameters)) = train(unit.suite) else { return Ok(true) };
            let ask = plan::baseline_digest(method, bakeoff.seed, parameters, train, &unit.key);
            is_left(unit, &ask, done)
        })?;
    }
    let unfit = fit.into_iter().filter_map(Result::err).collect();
    Ok(BaselineWork { method, units, planned, train: trained.to_vec(), unfit })
}

/// Fits and answers, one baseline after the other, before any model.
pub async fn run_all(
    context: &Arc<Context>,
    work: Vec<BaselineWork>,
    sender: &Sender<WorkerEvent>,
) {
    for work in work.into_iter().filter(|work| !work.units.is_empty()) {
        let entry = work.method.word().to_owned();
        let units = vec![(Scenario::Batch, work.units.len() as u64)];
        let _ = sender.send(WorkerEvent::EntryStarted { entry: entry.clone(), units }).await;
        let description = Box::new(Description {
            provider: BASELINE.to_owned(),
            model: entry.clone(),
            ..Description::default()
        });
        let begun = context.clock.now();
        // Fitting keeps a core busy for seconds, which no task of the runtime may do.
        let answering = {
            let (context, sender) = (Arc::clone(context), sender.clone());
            tokio::task::spawn_blocking(move || answer_all(&context, &work, &sender))
        };
        let ended_by = match answering.await {
            Ok(ended) => ended.err().map(|unfit| unsupported(unfit.to_string())),
            Err(error) => Some(unsupported(format!("the baseline ended abnormally: {error}"))),
        };
        let batch_wall_ns = Some(context.clock.now().since(begun));
        let end = WorkerEvent::EntryEnded { entry, description, ended_by, batch_wall_ns };
        // The coordinator outlives its workers; if it does not, nobody is left to tell.
        let _ = sender.send(end).await;
    }
}

/// Answers the units of all suites, which stand one suite after the other.
fn answer_all(
    context: &Context,
    work: &BaselineWork,
    sender: &Sender<WorkerEvent>,
) -> Result<(), Unfit> {
    let (units, seed) = (&work.units, context.bakeoff.seed);
    for places in units.places().chunk_by(|a, b| units.pass(a) == units.pass(b)) {
        let Some(pass) = places.first().and_then(|place| units.pass(place)) else { continue };
        let Some(suite) = context.suites.get(pass.suite) else { continue };
        let Some(train) = work.train.get(pass.suite) else { continue };
        let baseline = Baseline::fit(work.method, suite, seed)?;
        let parameters = work.method.parameters(suite);
        for place in places {
            if context.cancel.is_cancelled() {
                return Ok(());
            }
            let Some(unit) = units.unit(*place, &context.suites) else { continue };
            // The prompt was rendered when the suite was loaded; the record shows the question by it.
            let Ok(ask) = suite.ask(&unit.sample, unit.key.repeat) else { continue };
            let prompt = plan::prompt_text(&ask);
            let answer = Answer {
                response: baseline.answer_repeat(&unit.sample, unit.key.repeat),
                vector: None,
                usage: Usage::default(),
                timing: Timing::default(),
                logprob: None,
                server: ServerWords::default(),
            };
            let attempted = Attempted {
                result: Ok(answer),
                attempts: 1,
                slept: Duration::ZERO,
                scheduled: context.clock.now(),
            };
            let ask = plan::baseline_digest(work.method, seed, &parameters, train, &unit.key);
            let planned = PlannedUnit::new(unit, ask);
            let record = record::record(context, &planned, suite, &prompt, attempted);
            let event = WorkerEvent::Recorded { record: Box::new(record), prompt };
            if sender.blocking_send(event).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
