//! The runner: works through the matrix of units and hands every record to the journal.
//!
//! ```text
//! workers ──WorkerEvent──▶ coordinator ──▶ journal, then ──Event──▶ display
//! ```
//!
//! Workers (a task a unit in flight) only ask, read and score. The one coordinator counts, writes
//! and says what happened: the journal comes before the display, a journal that fails ends the run,
//! a display that fails does not. Providers never loop; retry, limits and cancellation are here,
//! with time from `tokio::time`, so that all of it can be simulated.
//!
//! Baselines come first: they cost nothing. Local entries run one after the other, each alone on the machine, before any remote entry: so
//! what fails at start has failed before a paid call is made. Remote entries and replays then run
//! side by side.

mod attempt;
mod baseline;
mod entry;
mod events;
mod gate;
mod limits;
mod record;
mod start;

use std::path::PathBuf;
use std::sync::Arc;

use rightsize_providers::Clock;
use rightsize_reports::run::{EntrySession, Outcome, PlannedPass, RecordError, SessionLine};
use rightsize_suites::Suite;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bakeoff::Bakeoff;
use crate::journal::{Journal, JournalError};
use crate::scorer::Scorer;

pub use attempt::Retry;
pub use baseline::{BaselineWork, plan_baselines};
pub use entry::{EntryWork, PlanError, plan_units};
pub use events::{Event, WorkerEvent};
pub use limits::MaxErrors;
pub use start::{Identity, identify};

/// What every worker of a session needs.
#[derive(Debug)]
pub struct Context {
    /// The bake-off.
    pub bakeoff: Bakeoff,
    /// Its suites, in its order.
    pub suites: Vec<Suite>,
    /// The commands that score answers, by suite.
    pub scorers: Vec<Option<Scorer>>,
    /// The clock of the run.
    pub clock: Clock,
    /// Number of the session.
    pub session: u32,
    /// The executable to start as engine process.
    pub engine: PathBuf,
    /// How failed attempts are made again.
    pub retry: Retry,
    /// Cancelled by Ctrl-C and by a journal that fails.
    pub cancel: CancellationToken,
}

/// What a session did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Units recorded in this session, errors included.
    pub recorded: u64,
    /// Units recorded as errors in this session.
    pub errors: u64,
    /// The error of the journal, which ended the run.
    pub journal: Option<JournalError>,
}

impl Tally {
    /// This and what was done after it.
    pub fn and(self, after: Tally) -> Tally {
        Tally {
            recorded: self.recorded.saturating_add(after.recorded),
            errors: self.errors.saturating_add(after.errors),
            journal: self.journal.or(after.journal),
        }
    }
}

/// The work of a session.
#[derive(Debug, Default)]
pub struct Work {
    /// Of baselines, which come first.
    pub baselines: Vec<BaselineWork>,
    /// Of model entries.
    pub entries: Vec<EntryWork>,
}

impl Work {
    /// All passes of this folder, those that are done included.
    pub fn planned(&self) -> Vec<PlannedPass> {
        let baselines = self.baselines.iter().flat_map(|work| &work.planned);
        self.entries.iter().flat_map(|work| &work.planned).chain(baselines).cloned().collect()
    }

    /// Units without an answer.
    pub fn left(&self) -> u64 {
        let baselines = self.baselines.iter().map(|work| work.units.len());
        let left: usize = self.entries.iter().map(|work| work.units.len()).chain(baselines).sum();
        left as u64
    }
}

/// Runs all baselines and entries and returns when every worker has ended.
///
/// `display` is called after each event has been written; it must not block.
pub async fn run(
    context: Arc<Context>,
    work: Work,
    journal: &mut Journal,
    display: &mut dyn FnMut(Event<'_>),
) -> Tally {
    // Room for a few records, no more: what was paid for goes to the disk at once.
    let (sender, mut receiver) = mpsc::channel(32);
    let workers = tokio::spawn({
        let context = Arc::clone(&context);
        async move {
            baseline::run_all(&context, work.baselines, &sender).await;
            entry::run_all(context, work.entries, sender).await;
        }
    });
    let mut tally = Tally::default();
    while let Some(event) = receiver.recv().await {
        if tally.journal.is_none()
            && let Err(error) = write(&context, event, journal, display, &mut tally)
        {
            tracing::error!("the journal failed: {error}");
            tally.journal = Some(error);
            context.cancel.cancel();
        }
    }
    if let Err(error) = workers.await {
        tracing::error!("a worker ended abnormally: {error}");
    }
    tally
}

/// Writes an event to the journal, and only then shows it.
fn write(
    context: &Context,
    event: WorkerEvent,
    journal: &mut Journal,
    display: &mut dyn FnMut(Event<'_>),
    tally: &mut Tally,
) -> Result<(), JournalError> {
    match event {
        WorkerEvent::EntryStarted { entry, units } => {
            display(Event::EntryStarted { entry: &entry, units: &units });
        }
        WorkerEvent::Recorded { mut record, prompt } => {
            record.timing.recorded = Some(context.clock.now());
            journal.record(&record, &prompt)?;
            tally.recorded += 1;
            tally.errors += u64::from(record.outcome == Outcome::Error);
            display(Event::Recorded { record: &record });
        }
        WorkerEvent::Waiting { entry, seconds, why } => {
            display(Event::Waiting { entry: &entry, seconds, why: &why });
        }
        WorkerEvent::EntryEnded { entry, description, ended_by, batch_wall_ns } => {
            let line = EntrySession {
                session: context.session,
                entry,
                description: *description,
                ended_by: ended_by.map(RecordError::from),
                batch_wall_ns,
            };
            journal.session(&SessionLine::Entry(Box::new(line.clone())))?;
            display(Event::EntryEnded { session: &line });
        }
    }
    Ok(())
}
