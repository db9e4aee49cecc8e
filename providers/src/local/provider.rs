//! A local model as a provider: what a crash of its engine process means for the asks.
//!
//! Every ask in flight when the process dies is to be asked again alone. One that was the only one
//! in flight is the sample that kills the engine: it fails for good, and the third such sample ends
//! the entry. A death with nothing in flight ends the entry, too. The process is started again at the
//! next attempt.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::LocalModel;
use super::process::{Death, EngineProcess, Lost};
use crate::{
    Advice, Ask, Attempt, Capabilities, Clock, Description, ErrorKind, Provider, ProviderError,
    Side, Stage,
};

/// So many samples that kill the engine alone end an entry.
const CRASHING_SAMPLES: usize = 3;

/// A local model in an engine process.
pub struct LocalProvider {
    executable: PathBuf,
    model: LocalModel,
    description: Description,
    process: Mutex<Arc<EngineProcess>>,
    /// Held while a process is started in place of a dead one.
    restarting: tokio::sync::Mutex<()>,
    record: Mutex<Record>,
}

/// What happened so far.
#[derive(Default)]
struct Record {
    deaths: Vec<Arc<Death>>,
    /// Peak memory of the processes that are gone.
    peak_memory_bytes: u64,
    /// Why no further ask will be answered.
    end: Option<ProviderError>,
}

impl LocalProvider {
    /// Starts `executable` as an engine and loads the model.
    ///
    /// # Errors
    /// The executable cannot be started, or the model cannot be loaded.
    pub async fn start(
        executable: &Path,
        model: LocalModel,
        clock: Clock,
    ) -> Result<LocalProvider, ProviderError> {
        let began = clock.now();
        let process = EngineProcess::start(executable, &model).await?;
        let load_ms = clock.now().since(began) / 1_000_000;
        let description = Description {
            load_ms: Some(load_ms),
            weights_bytes: bytes_of(&model.model),
            ..process.description().clone()
        };
        Ok(LocalProvider {
            executable: executable.to_owned(),
            model,
            description,
            process: Mutex::new(Arc::new(process)),
            restarting: tokio::sync::Mutex::new(()),
            record: Mutex::default(),
        })
    }

    /// Ends the engine process; what answered, with its last figures.
    pub async fn stop(self) -> Description {
        let process = self.process();
        // A death until here was a crash, and is counted before the wanted one.
        self.describe();
        process.stop().await;
        self.describe()
    }

    /// Id of the engine process, as it is now.
    pub fn process_id(&self) -> u32 {
        self.process().id()
    }

    fn process(&self) -> Arc<EngineProcess> {
        Arc::clone(&self.process.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that lives: the present one, or a new one in its place.
    async fn living(&self) -> Result<Arc<EngineProcess>, ProviderError> {
        let _alone = self.restarting.lock().await;
        let process = self.process();
        if let Some(death) = process.death() {
            self.record().bury(&death, &process);
        }
        if let Some(end) = self.record().end.clone() {
            return Err(end);
        }
        if process.death().is_none() {
            return Ok(process);
        }
        match EngineProcess::start(&self.executable, &self.model).await {
            Ok(started) => {
                let started = Arc::new(started);
                *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&started);
                Ok(started)
            }
            Err(error) => {
                let message = format!("the engine does not start again: {error}");
                let end = ProviderError { message, advice: Advice::EndsEntry, ..error };
                self.record().end = Some(end.clone());
                Err(end)
            }
        }
    }

    /// The error of an ask that was in flight.
    fn lost(&self, death: &Arc<Death>, process: &EngineProcess) -> ProviderError {
        let mut record = self.record();
        record.bury(death, process);
        let crash = &death.crash;
        let others = crash.in_flight.len().saturating_sub(1);
        let kind = if death.hung { ErrorKind::EngineHang } else { ErrorKind::EngineCrash };
        let (advice, what) = match &record.end {
            _ if others > 0 => (
                Advice::Alone,
                format!("with {others} other samples in flight; it is asked again alone"),
            ),
            None => (
                Advice::Never,
                "and only this sample was in flight; leave it out of the suite, or use another \
                 engine"
                    .to_owned(),
            ),
            Some(end) => (Advice::EndsEntry, format!("and only this sample was in flight; {end}")),
        };
        let message = format!("the engine process ended ({}) {what}", crash.ended_by);
        ProviderError::new(Side::Theirs, kind, Stage::Stream, advice, message)
    }
}

impl Record {
    /// Takes note of a death, once.
    fn bury(&mut self, death: &Arc<Death>, process: &EngineProcess) {
        if death.expected || self.deaths.iter().any(|known| Arc::ptr_eq(known, death)) {
            return;
        }
        self.peak_memory_bytes = self.peak_memory_bytes.max(process.peak_memory_bytes());
        self.deaths.push(Arc::clone(death));
        let crash = &death.crash;
        if crash.in_flight.is_empty() {
            let last = crash.last_log.last().map(|line| format!("; its last words: `{line}`"));
            self.end = Some(ProviderError::new(
                Side::Theirs,
                ErrorKind::EngineDead,
                Stage::Wait,
                Advice::EndsEntry,
                format!(
                    "the engine process ended ({}) with no sample in flight{}",
                    crash.ended_by,
                    last.unwrap_or_default()
                ),
            ));
        }
        let alone = self.deaths.iter().filter(|d| d.crash.in_flight.len() == 1).count();
        if alone >= CRASHING_SAMPLES && self.end.is_none() {
            self.end = Some(ProviderError::new(
                Side::Theirs,
                ErrorKind::EngineCrash,
                Stage::Wait,
                Advice::EndsEntry,
                format!("{alone} samples have killed the engine, each alone: the entry ends"),
            ));
        }
    }
}

impl Provider for LocalProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generate: true,
            choose: true,
            embed: false,
            schema: false,
            tools: false,
            local: true,
            live: true,
            default_concurrency: self.model.parallel.max(1),
        }
    }

    fn attempt<'a>(&'a self, ask: &'a Ask) -> Attempt<'a> {
        Box::pin(async move {
            loop {
                let process = self.living().await?;
                match process.ask(ask).await {
                    Ok(result) => return result,
                    Err(Lost::InFlight(death)) => return Err(self.lost(&death, &process)),
                    // It died between two lines of this loop.
                    Err(Lost::Before) if process.death().is_some_and(|death| !death.expected) => {}
                    Err(Lost::Before) => return Err(stopped()),
                }
            }
        })
    }

    fn describe(&self) -> Description {
        let process = self.process();
        let mut record = self.record();
        if let Some(death) = process.death() {
            record.bury(&death, &process);
        }
        let peak = record.peak_memory_bytes.max(process.peak_memory_bytes());
        Description {
            peak_memory_bytes: Some(peak).filter(|bytes| *bytes > 0),
            crashes: record.deaths.iter().map(|death| death.crash.clone()).collect(),
            ..self.description.clone()
        }
    }
}

fn stopped() -> ProviderError {
    ProviderError::new(
        Side::Ours,
        ErrorKind::Cancelled,
        Stage::Wait,
        Advice::EndsEntry,
        "the engine process was told to end",
    )
}

/// Bytes of a file of weights, or of a folder's files.
fn bytes_of(path: &Path) -> Option<u64> {
    let length =
        |path: &Path| std::fs::metadata(path).map_or(0, |m| if m.is_file() { m.len() } else { 0 });
    let bytes = match std::fs::read_dir(path) {
        Ok(files) => files.flatten().map(|file| length(&file.path())).fold(0, u64::saturating_add),
        Err(_) => length(path),
    };
    Some(bytes).filter(|bytes| *bytes > 0)
}
