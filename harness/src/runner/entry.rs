//! One model entry from its start to its end: batch pass, single-stream pass.

use std::sync::{Arc, OnceLock};

use rightsize_providers::{
    Advice, Ask, Description, ErrorKind, Provider, ProviderError, Side, Stage,
};
use rightsize_reports::run::{Mode, PlannedPass, Scenario, Split};
use rightsize_suites::{PromptError, Suite};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use super::Context;
use super::attempt::{Asking, Attempted};
use super::events::WorkerEvent;
use super::gate::{self, Gate};
use super::record;
use super::start::{self, Identity, Started};
use crate::bakeoff::{Bakeoff, ModelEntry};
use crate::journal::{Conflict, Done};
use crate::plan::{self, Place, Unit, Units};

/// A unit with its digests.
#[derive(Debug, Clone)]
pub struct PlannedUnit {
    /// The unit.
    pub unit: Unit,
    /// Its ask digest.
    pub ask: String,
    /// Its digest.
    pub digest: String,
}

impl PlannedUnit {
    /// The unit with its digests.
    pub(super) fn new(unit: Unit, ask: String) -> Self {
        PlannedUnit { digest: unit.key.unit(&ask), unit, ask }
    }
}

/// Whether a unit has no answer yet.
///
/// # Errors
/// It has an answer to another ask.
pub(super) fn is_left(unit: Unit, ask: &str, done: &Done) -> Result<bool, PlanError> {
    match done.answered(&unit.key, ask) {
        Ok(answered) => Ok(!answered),
        Err(Conflict) => Err(PlanError::Conflict {
            suite: unit.key.suite,
            sample: unit.key.sample,
            entry: unit.key.entry,
        }),
    }
}

/// What is to be done for one entry.
#[derive(Debug)]
pub struct EntryWork {
    /// The entry.
    pub entry: ModelEntry,
    /// What it is; the error that ends it before it starts.
    pub identity: Result<Identity, ProviderError>,
    /// Units still to be asked.
    pub units: Units,
    /// Units of the entry in this folder by suite and scenario, those that are done included.
    pub planned: Vec<PlannedPass>,
}

/// Why the units of an entry cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A prompt cannot be rendered.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A unit that is done was asked something else.
    #[error(
        "sample `{sample}` of suite `{suite}` was asked something else of `{entry}` in this folder"
    )]
    Conflict {
        /// The suite.
        suite: String,
        /// The sample.
        sample: String,
        /// The entry.
        entry: String,
    },
}

/// Plans one entry: of all its units those that are not done.
///
/// # Errors
/// A prompt that cannot be rendered, or a conflict with what was asked before.
pub fn plan_units(
    entry: &ModelEntry,
    identity: Result<Identity, ProviderError>,
    bakeoff: &Bakeoff,
    suites: &[Suite],
    mut units: Units,
    done: &Done,
) -> Result<EntryWork, PlanError> {
    let planned = units.planned();
    let Ok(known) = &identity else {
        let units = Units::default();
        return Ok(EntryWork { entry: entry.clone(), identity, units, planned });
    };
    // Loading the suites has rendered every prompt; the digests of asks are made here only to be
    // compared with those of before.
    if !done.is_empty() {
        units.retain(|units, place| -> Result<bool, PlanError> {
            let Some(unit) = units.unit(place, suites) else { return Ok(true) };
            let Some(suite) = suites.get(unit.suite) else { return Ok(true) };
            let ask = plan::ask_of(&unit, suite, entry, bakeoff.seed)?;
            let ask = plan::ask_digest(&ask, entry, known.sha256.as_deref(), &unit.key);
            is_left(unit, &ask, done)
        })?;
    }
    Ok(EntryWork { entry: entry.clone(), identity, units, planned })
}

/// Runs all model entries: servers are reached for first (free of charge), local entries run one
/// after the other, then servers and replays side by side.
pub async fn run_all(context: Arc<Context>, work: Vec<EntryWork>, sender: Sender<WorkerEvent>) {
    let (local, other): (Vec<_>, Vec<_>) =
        work.into_iter().partition(|w| w.entry.provider.is_local());
    let mut ready = Vec::new();
    for work in other {
        if let Some(started) = start_entry(&context, &work, &sender).await {
            ready.push((work, started));
        }
    }
    for work in local {
        if context.cancel.is_cancelled() {
            break;
        }
        if let Some(started) = start_entry(&context, &work, &sender).await {
            run_entry(Arc::clone(&context), work, started, sender.clone()).await;
        }
    }
    let mut side_by_side = JoinSet::new();
    for (work, started) in ready {
        side_by_side.spawn(run_entry(Arc::clone(&context), work, started, sender.clone()));
    }
    while side_by_side.join_next().await.is_some() {}
}

/// Starts an entry that has units left; an error is its end.
async fn start_entry(
    context: &Context,
    work: &EntryWork,
    sender: &Sender<WorkerEvent>,
) -> Option<Started> {
    let started = match &work.identity {
        Err(error) => Err(error.clone()),
        Ok(_) if work.units.is_empty() => return None,
        Ok(identity) => tokio::select! {
            started = start::start(&work.entry, identity, context) => started,
            () = context.cancel.cancelled() => return None,
        },
    };
    match started {
        Ok(started) => {
            let able = started.provider().capabilities();
            let lacks = first_asks(context, work)
                .find_map(|ask| Some((able.lacks(&ask)?, ask.sample.suite)));
            let Some((lacks, suite)) = lacks else { return Some(started) };
            let message = format!(
                "`{}` {lacks}, which the suite `{suite}` needs: change the suite or the entry",
                work.entry.id
            );
            let error = unsupported(message);
            let description = started.stop().await;
            send_end(sender, work, description, Some(error), None).await;
            None
        }
        Err(error) => {
            let description = Description {
                provider: work.entry.provider.as_str().to_owned(),
                model: work.entry.model.clone(),
                ..Description::default()
            };
            send_end(sender, work, description, Some(error), None).await;
            None
        }
    }
}

/// What an entry was asked and cannot do, which ends it.
pub(super) fn unsupported(message: String) -> ProviderError {
    let (kind, advice) = (ErrorKind::Unsupported, Advice::EndsEntry);
    ProviderError::new(Side::Ours, kind, Stage::Start, advice, message)
}

/// The first ask of each suite and mode: what one sample needs, all of them do.
fn first_asks<'a>(context: &'a Context, work: &'a EntryWork) -> impl Iterator<Item = Ask> + 'a {
    let units = &work.units;
    let passes = units.places().chunk_by(|a, b| units.pass(a) == units.pass(b));
    passes.filter_map(|places| {
        let unit = units.unit(*places.first()?, &context.suites)?;
        let suite = context.suites.get(unit.suite)?;
        plan::ask_of(&unit, suite, &work.entry, context.bakeoff.seed).ok()
    })
}

async fn send_end(
    sender: &Sender<WorkerEvent>,
    work: &EntryWork,
    description: Description,
    ended_by: Option<ProviderError>,
    batch_wall_ns: Option<u64>,
) {
    let entry = work.entry.id.clone();
    // The digest of what was planned with: weights are read once, however large they are.
    let weights_sha256 = work.identity.as_ref().ok().and_then(|known| known.sha256.clone());
    let description = Box::new(Description { weights_sha256, ..description });
    let end = WorkerEvent::EntryEnded { entry, description, ended_by, batch_wall_ns };
    // The coordinator outlives its workers; if it does not, nobody is left to tell.
    let _ = sender.send(end).await;
}

/// What the tasks of one entry share.
struct Shared {
    context: Arc<Context>,
    entry: ModelEntry,
    /// Its units.
    units: Units,
    /// SHA-256 of its model, where there is one: part of the ask digests.
    weights: Option<String>,
    provider: Arc<dyn Provider>,
    sender: Sender<WorkerEvent>,
    /// The error after which no other ask of this entry can succeed.
    ended: OnceLock<ProviderError>,
}

/// The units of an entry by how they are asked.
struct Parts<'a> {
    batch: &'a [Place],
    single: &'a [Place],
    /// Answers that are chosen beside those that are written.
    choices: &'a [Place],
}

impl<'a> Parts<'a> {
    /// Written answers stand first, those of the batch pass before the others; where all are chosen,
    /// they take their place.
    fn of(units: &'a Units) -> Self {
        let (places, pass) = (units.places(), |place: &Place| units.pass(place));
        let is_chosen = |place: &Place| pass(place).is_some_and(|pass| pass.mode == Mode::Choose);
        let beside = places.iter().position(is_chosen).filter(|at| *at > 0);
        let (written, choices) = places.split_at(beside.unwrap_or(places.len()));
        let is_batch =
            |place: &Place| pass(place).is_some_and(|pass| pass.scenario == Scenario::Batch);
        let (batch, single) = written.split_at(written.partition_point(is_batch));
        Parts { batch, single, choices }
    }
}

/// Runs the passes of an entry that has started.
async fn run_entry(
    context: Arc<Context>,
    mut work: EntryWork,
    started: Started,
    sender: Sender<WorkerEvent>,
) {
    let units = std::mem::take(&mut work.units);
    let is_batch =
        |place: &&Place| units.pass(place).is_some_and(|pass| pass.scenario == Scenario::Batch);
    let in_batch = units.places().iter().filter(is_batch).count();
    let in_single = units.len().saturating_sub(in_batch);
    let counts = [(Scenario::Batch, in_batch), (Scenario::SingleStream, in_single)];
    let counts = counts.into_iter().filter(|(_, n)| *n > 0).map(|(s, n)| (s, n as u64)).collect();
    let start = WorkerEvent::EntryStarted { entry: work.entry.id.clone(), units: counts };
    let _ = sender.send(start).await;
    let shared = Arc::new(Shared {
        context: Arc::clone(&context),
        entry: work.entry.clone(),
        units,
        weights: work.identity.as_ref().ok().and_then(|known| known.sha256.clone()),
        provider: started.provider(),
        sender: sender.clone(),
        ended: OnceLock::new(),
    });
    let mut batch_wall_ns = None;
    let Parts { batch, single, choices } = Parts::of(&shared.units);
    if !batch.is_empty() {
        let begun = context.clock.now();
        // Throughput is that of the test split.
        let of_test = batch
            .iter()
            .any(|place| shared.units.pass(place).is_some_and(|pass| pass.split == Split::Test));
        pass(&shared, batch, work.entry.concurrency).await;
        batch_wall_ns = of_test.then(|| context.clock.now().since(begun));
    }
    // Beside written answers, choices are no part of the throughput.
    pass(&shared, choices, work.entry.concurrency).await;
    for of_suite in single.chunk_by(|a, b| shared.units.pass(a) == shared.units.pass(b)) {
        warm_up(&shared, of_suite).await;
        pass(&shared, of_suite, 1).await;
    }
    let ended_by = shared.ended.get().cloned();
    drop(shared);
    let description = started.stop().await;
    send_end(&sender, &work, description, ended_by, batch_wall_ns).await;
}

/// Asks a local model before the first measured ask of a suite, so that the first one measured is
/// not the one that maps the weights. Nothing of it is recorded.
async fn warm_up(shared: &Shared, places: &[Place]) {
    let Some(place) = places.first().filter(|_| shared.entry.provider.is_local()) else { return };
    let Some(unit) = shared.units.unit(*place, &shared.context.suites) else { return };
    let Some(suite) = shared.context.suites.get(unit.suite) else { return };
    let seed = shared.context.bakeoff.seed;
    let Ok(ask) = plan::ask_of(&unit, suite, &shared.entry, seed) else { return };
    for _ in 0..shared.context.bakeoff.single_stream.warmup {
        if shared.ended.get().is_some() {
            return;
        }
        tokio::select! {
            // An error shows itself again in the first measured ask.
            _ = shared.provider.attempt(&ask) => {}
            () = shared.context.cancel.cancelled() => return,
        }
    }
}

/// Settled units that may wait to be written before no other is asked.
const MOST_UNWRITTEN: usize = 64;

/// Asks the units with at most `concurrency` in flight.
async fn pass(shared: &Arc<Shared>, units: &[Place], concurrency: usize) {
    let gate = Gate::new(concurrency);
    let mut in_flight = JoinSet::new();
    for unit in units {
        let entered = tokio::select! {
            entered = gate.enter() => entered,
            () = shared.context.cancel.cancelled() => break,
        };
        let Some(entered) = entered.filter(|_| shared.ended.get().is_none()) else { break };
        in_flight.spawn(ask_unit(Arc::clone(shared), gate.clone(), entered, *unit));
        while in_flight.try_join_next().is_some() {}
        // Answers that come faster than they are written wait for the journal, outside of the gate.
        while in_flight.len() > concurrency.saturating_add(MOST_UNWRITTEN) {
            in_flight.join_next().await;
        }
    }
    while in_flight.join_next().await.is_some() {}
}

/// Asks one unit until it is settled and sends its record. A cancelled unit leaves none.
async fn ask_unit(shared: Arc<Shared>, gate: Gate, entered: gate::Place, place: Place) {
    let context = &shared.context;
    let Some(unit) = shared.units.unit(place, &context.suites) else { return };
    let Some(suite) = context.suites.get(unit.suite) else { return };
    // The prompt was rendered when the suite was loaded.
    let ask = plan::ask_of(&unit, suite, &shared.entry, context.bakeoff.seed);
    let Ok(ask) = ask else { return };
    let digest = plan::ask_digest(&ask, &shared.entry, shared.weights.as_deref(), &unit.key);
    let planned = PlannedUnit::new(unit, digest);
    let prompt = plan::prompt_text(&ask);
    let asking = Asking {
        provider: shared.provider.as_ref(),
        ask: &ask,
        gate: &gate,
        retry: context.retry,
        clock: &context.clock,
        seed: jitter_seed(context.bakeoff.seed, &planned.digest),
    };
    let settled = asking.until_settled(entered, |pause, error| {
        tracing::info!(
            entry = shared.entry.id,
            sample = planned.unit.key.sample,
            "again in {:.1} s: {error}",
            pause.as_secs_f64()
        );
        // A full channel means that the display is busy; the wait itself is in the record.
        let _ = shared.sender.try_send(WorkerEvent::Waiting {
            entry: shared.entry.id.clone(),
            seconds: pause.as_secs_f64(),
            why: error.to_string(),
        });
    });
    let attempted: Attempted = tokio::select! {
        attempted = settled => attempted,
        () = context.cancel.cancelled() => return,
    };
    if let Err(error) = &attempted.result
        && error.advice == Advice::EndsEntry
    {
        let _ = shared.ended.set(error.clone());
    }
    let has_scorer = context.scorers.get(planned.unit.suite).is_some_and(Option::is_some);
    let (record, prompt) = if has_scorer {
        // A command takes its time, which no task of the runtime may do.
        let context = Arc::clone(context);
        let scoring = tokio::task::spawn_blocking(move || {
            let suite = context.suites.get(planned.unit.suite)?;
            let record = record::record(&context, &planned, suite, &prompt, attempted);
            Some((record, prompt))
        });
        let Ok(Some(scored)) = scoring.await else { return };
        scored
    } else {
        (record::record(context, &planned, suite, &prompt, attempted), prompt)
    };
    let _ = shared.sender.send(WorkerEvent::Recorded { record: Box::new(record), prompt }).await;
}

/// The seed of a unit's backoff: the run's, mixed with the unit's digest.
fn jitter_seed(seed: u64, unit: &str) -> u64 {
    seed ^ unit.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
}
