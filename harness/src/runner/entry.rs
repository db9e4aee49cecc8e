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
use super::gate::{Gate, Place};
use super::record;
use super::start::{self, Identity, Started};
use crate::bakeoff::{Bakeoff, ModelEntry};
use crate::journal::Done;
use crate::plan::{self, Unit};

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
    /// The unit with its digests; `None` if it has an answer.
    ///
    /// # Errors
    /// It has an answer to another ask.
    pub(super) fn left(unit: Unit, ask: String, done: &Done) -> Result<Option<Self>, PlanError> {
        match done.answered(&unit.key, &ask) {
            Ok(true) => Ok(None),
            Ok(false) => {
                let digest = unit.key.unit(&ask);
                Ok(Some(PlannedUnit { unit, ask, digest }))
            }
            Err(_) => Err(PlanError::Conflict {
                suite: unit.key.suite,
                sample: unit.key.sample,
                entry: unit.key.entry,
            }),
        }
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
    pub units: Vec<PlannedUnit>,
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
    all: Vec<Unit>,
    done: &Done,
) -> Result<EntryWork, PlanError> {
    let planned = count(&all);
    let mut units = Vec::new();
    let Ok(known) = &identity else {
        return Ok(EntryWork { entry: entry.clone(), identity, units, planned });
    };
    for unit in all {
        let Some(suite) = suites.get(unit.suite) else { continue };
        let Some(ask) = plan::ask_of(&unit, suite, entry, bakeoff.seed)? else { continue };
        let ask = plan::ask_digest(&ask, entry, known.sha256.as_deref(), &unit.key);
        units.extend(PlannedUnit::left(unit, ask, done)?);
    }
    Ok(EntryWork { entry: entry.clone(), identity, units, planned })
}

/// Units by suite, scenario, split and mode.
pub fn count(units: &[Unit]) -> Vec<PlannedPass> {
    let mut passes: Vec<PlannedPass> = Vec::new();
    for Unit { key, .. } in units {
        match passes.last_mut() {
            Some(last)
                if last.suite == key.suite
                    && last.scenario == key.scenario
                    && (last.split, last.mode) == (key.split, key.mode) =>
            {
                last.units += 1;
            }
            _ => passes.push(PlannedPass {
                suite: key.suite.clone(),
                model: key.entry.clone(),
                scenario: key.scenario,
                split: key.split,
                mode: key.mode,
                units: 1,
            }),
        }
    }
    passes
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
    let passes = work
        .units
        .chunk_by(|a, b| (a.unit.suite, a.unit.key.mode) == (b.unit.suite, b.unit.key.mode));
    passes.filter_map(|units| {
        let unit = &units.first()?.unit;
        let suite = context.suites.get(unit.suite)?;
        plan::ask_of(unit, suite, &work.entry, context.bakeoff.seed).ok()?
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
    provider: Arc<dyn Provider>,
    sender: Sender<WorkerEvent>,
    /// The error after which no other ask of this entry can succeed.
    ended: OnceLock<ProviderError>,
}

/// Runs the passes of an entry that has started.
async fn run_entry(
    context: Arc<Context>,
    work: EntryWork,
    started: Started,
    sender: Sender<WorkerEvent>,
) {
    let (batch, single): (Vec<_>, Vec<_>) = work
        .units
        .iter()
        .cloned()
        .partition(|planned| planned.unit.key.scenario == Scenario::Batch);
    let units = [(Scenario::Batch, batch.len()), (Scenario::SingleStream, single.len())];
    let units = units.into_iter().filter(|(_, n)| *n > 0).map(|(s, n)| (s, n as u64)).collect();
    let _ = sender.send(WorkerEvent::EntryStarted { entry: work.entry.id.clone(), units }).await;
    let shared = Arc::new(Shared {
        context: Arc::clone(&context),
        entry: work.entry.clone(),
        provider: started.provider(),
        sender: sender.clone(),
        ended: OnceLock::new(),
    });
    let mut batch_wall_ns = None;
    let chosen = |planned: &PlannedUnit| planned.unit.key.mode == Mode::Choose;
    let beside = batch.iter().any(|planned| !chosen(planned));
    let (choices, batch): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|planned| beside && chosen(planned));
    if !batch.is_empty() {
        let begun = context.clock.now();
        // Throughput is that of the test split.
        let of_test = batch.iter().any(|planned| planned.unit.key.split == Split::Test);
        pass(&shared, batch, work.entry.concurrency).await;
        batch_wall_ns = of_test.then(|| context.clock.now().since(begun));
    }
    // Beside written answers, choices are no part of the throughput.
    pass(&shared, choices, work.entry.concurrency).await;
    let mut single = single.into_iter().peekable();
    while let Some(suite) = single.peek().map(|planned| planned.unit.suite) {
        let mut of_suite = Vec::new();
        while let Some(planned) = single.next_if(|planned| planned.unit.suite == suite) {
            of_suite.push(planned);
        }
        warm_up(&shared, &of_suite).await;
        pass(&shared, of_suite, 1).await;
    }
    let ended_by = shared.ended.get().cloned();
    drop(shared);
    let description = started.stop().await;
    send_end(&sender, &work, description, ended_by, batch_wall_ns).await;
}

/// Asks a local model before the first measured ask of a suite, so that the first one measured is
/// not the one that maps the weights. Nothing of it is recorded.
async fn warm_up(shared: &Shared, units: &[PlannedUnit]) {
    let Some(planned) = units.first().filter(|_| shared.entry.provider.is_local()) else { return };
    let Some(suite) = shared.context.suites.get(planned.unit.suite) else { return };
    let seed = shared.context.bakeoff.seed;
    let Ok(Some(ask)) = plan::ask_of(&planned.unit, suite, &shared.entry, seed) else { return };
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

/// Asks the units with at most `concurrency` in flight.
async fn pass(shared: &Arc<Shared>, units: Vec<PlannedUnit>, concurrency: usize) {
    let gate = Gate::new(concurrency);
    let mut in_flight = JoinSet::new();
    for planned in units {
        let place = tokio::select! {
            place = gate.enter() => place,
            () = shared.context.cancel.cancelled() => break,
        };
        let Some(place) = place.filter(|_| shared.ended.get().is_none()) else { break };
        in_flight.spawn(ask_unit(Arc::clone(shared), gate.clone(), place, planned));
        while in_flight.try_join_next().is_some() {}
    }
    while in_flight.join_next().await.is_some() {}
}

/// Asks one unit until it is settled and sends its record. A cancelled unit leaves none.
async fn ask_unit(shared: Arc<Shared>, gate: Gate, place: Place, planned: PlannedUnit) {
    let context = &shared.context;
    let Some(suite) = context.suites.get(planned.unit.suite) else { return };
    let Some(sample) = planned.unit.sample(suite) else { return };
    let ask = plan::ask_of(&planned.unit, suite, &shared.entry, context.bakeoff.seed);
    // The prompt was rendered when the run was planned.
    let Ok(Some(ask)) = ask else { return };
    let prompt = plan::prompt_text(&ask);
    let asking = Asking {
        provider: shared.provider.as_ref(),
        ask: &ask,
        gate: &gate,
        retry: context.retry,
        clock: &context.clock,
        seed: jitter_seed(context.bakeoff.seed, &planned.digest),
    };
    let settled = asking.until_settled(place, |pause, error| {
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
            let sample = planned.unit.sample(suite)?;
            let record = record::record(&context, &planned, suite, sample, &prompt, attempted);
            Some((record, prompt))
        });
        let Ok(Some(scored)) = scoring.await else { return };
        scored
    } else {
        (record::record(context, &planned, suite, sample, &prompt, attempted), prompt)
    };
    let _ = shared.sender.send(WorkerEvent::Recorded { record: Box::new(record), prompt }).await;
}

/// The seed of a unit's backoff: the run's, mixed with the unit's digest.
fn jitter_seed(seed: u64, unit: &str) -> u64 {
    seed ^ unit.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
}
