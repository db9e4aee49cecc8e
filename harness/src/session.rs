//! One session of a run: from its first line in the journal to its report and its exit code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rightsize_hardware::Machine;
use rightsize_providers::Clock;
use rightsize_reports::run::{SessionEnd, SessionLine, SessionStart};
use tokio_util::sync::CancellationToken;

use crate::display::Display;
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::journal::Journal;
use crate::logging;
use crate::prepare::{Choosing, Prepared};
use crate::printer::Printer;
use crate::runner::{self, Context, MaxErrors, Retry, Tally, Work};
use crate::variants::Choices;
use crate::write_report;

/// Names the executable to start as engine process instead of this one: a wrapper such as numactl.
const ENGINE_ENV: &str = "RIGHTSIZE_ENGINE";

/// How a run ends and what it prints.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// `--max-errors`.
    pub max_errors: MaxErrors,
    /// `--json`.
    pub json: bool,
    /// `-v`.
    pub verbose: u8,
}

/// Runs what is left, writes the report and says how it went.
pub fn execute(prepared: Prepared, ending: Ending, printer: Printer) -> Result<Exit, Failure> {
    let Prepared {
        bakeoff,
        suites,
        scorers,
        work,
        choosing,
        left,
        base,
        mut journal,
        session,
        planned,
        done,
    } = prepared;
    let folder = journal.folder().to_path_buf();
    logging::to_folder(&folder, ending.verbose).map_err(|error| {
        Failure::incomplete(format!("cannot open the log: {error}"), "check the disk")
    })?;
    let clock = Clock::Monotonic;
    let start = session_start(session, clock, &base);
    journal.session(&SessionLine::Started(Box::new(start)))?;
    printer.note(&format!(
        "Suites: {}. Models: {}.{} Units to ask: {left}{}. Run folder: {}",
        suites.len(),
        bakeoff.models.len(),
        match bakeoff.baselines.len() {
            0 => String::new(),
            n => format!(" Baselines: {n}."),
        },
        if done > 0 { format!(" ({done} have an answer)") } else { String::new() },
        folder.display()
    ));
    let mut display = Display::new(printer, bakeoff.ids());
    let cancel = CancellationToken::new();
    let context = Arc::new(Context {
        bakeoff,
        suites,
        scorers,
        clock,
        session,
        engine: engine_executable()?,
        retry: Retry::default(),
        cancel: cancel.clone(),
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            Failure::incomplete(format!("cannot start threads: {error}"), "check limits")
        })?;
    let (tally, planned_test) = runtime.block_on(async {
        let listening = tokio::spawn(interrupt::listen(cancel.clone(), printer));
        let mut show = |event: runner::Event<'_>| display.show(event);
        let mut tally = runner::run(Arc::clone(&context), work, &mut journal, &mut show).await;
        let mut planned_test = Ok(());
        let choosing = choosing.filter(|_| tally.journal.is_none() && !cancel.is_cancelled());
        if let Some(choosing) = choosing {
            match after_choice(&context, &choosing, &folder, printer) {
                Ok(work) => {
                    let test = runner::run(context, work, &mut journal, &mut show).await;
                    tally = tally.and(test);
                }
                Err(failure) => planned_test = Err(failure),
            }
        }
        listening.abort();
        (tally, planned_test)
    });
    drop(runtime);
    let interrupted = cancel.is_cancelled() && tally.journal.is_none();
    let unanswered = planned.saturating_sub(done + tally.recorded - tally.errors);
    let too_many = ending.max_errors.exceeded(unanswered, planned);
    end_session(&mut journal, session, &tally, interrupted, too_many);
    drop(journal);
    if let Some(error) = tally.journal {
        let remedy = format!("then go on: rightsize run --resume {}", folder.display());
        let what = if error.disk_full() { "the disk is full: make room" } else { "mend the cause" };
        return Err(Failure::incomplete(
            format!("the run stopped: {error}"),
            format!("{what}, {remedy}"),
        ));
    }
    planned_test?;
    write_report::write_and_print(&folder, ending.json, printer)?;
    if interrupted {
        printer.warn(&format!("interrupted; go on: rightsize run --resume {}", folder.display()));
        return Ok(Exit::Incomplete);
    }
    if too_many {
        printer.warn(&format!(
            "incomplete: {unanswered} of {planned} units have no answer, more than --max-errors {}; \
             ask them again: rightsize run --resume {}",
            ending.max_errors,
            folder.display()
        ));
        return Ok(Exit::Incomplete);
    }
    Ok(Exit::Done)
}

/// Chooses the prompt variants by what stands in the journal, and plans the test split.
fn after_choice(
    context: &Context,
    choosing: &Choosing,
    folder: &Path,
    printer: Printer,
) -> Result<Work, Failure> {
    let (bakeoff, suites) = (&context.bakeoff, &context.suites);
    let choices = Choices::of_folder(folder, bakeoff, suites, |entry, suite| {
        choosing.dev_units(bakeoff, entry, suite)
    })?;
    for sentence in choices.chosen() {
        printer.note(&sentence);
    }
    for sentence in &choices.open {
        printer.warn(sentence);
    }
    choosing.test(bakeoff, suites, &choices)
}

fn session_start(session: u32, clock: Clock, base: &Path) -> SessionStart {
    let machine = Machine::detect();
    SessionStart {
        session,
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        clock_ns: clock.now().0,
        boot_id: machine.host.boot_id.clone(),
        args: std::env::args().skip(1).collect(),
        base: std::path::absolute(base).ok().map(|path| path.display().to_string()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: serde_json::to_value(&machine).unwrap_or_default(),
        confinement: Vec::new(),
    }
}

/// The line that ends a session. Where the disk is full there is none, as after a kill.
fn end_session(
    journal: &mut Journal,
    session: u32,
    tally: &Tally,
    interrupted: bool,
    too_many: bool,
) {
    let reason = match (&tally.journal, interrupted, too_many) {
        (Some(error), _, _) if error.disk_full() => "disk full",
        (Some(_), _, _) => "journal failed",
        (None, true, _) => "interrupted",
        (None, false, true) => "too many errors",
        (None, false, false) => "complete",
    };
    let end = SessionEnd {
        session,
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        recorded: tally.recorded,
        reason: reason.to_owned(),
    };
    if let Err(error) = journal.session(&SessionLine::Ended(end)).and_then(|()| journal.sync()) {
        tracing::error!("cannot end the session in the journal: {error}");
    }
}

fn engine_executable() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(ENGINE_ENV).filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    // Without /proc (a bare chroot) the system cannot say; the name it was started by can.
    let by_name = || std::env::args_os().next().map(PathBuf::from).filter(|path| path.exists());
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    std::env::current_exe().or_else(|error| by_name().map(absolute).ok_or(error)).map_err(|error| {
        Failure::wrong(
            format!("cannot find this executable: {error}"),
            format!("name it in the environment variable {ENGINE_ENV}"),
        )
    })
}
