//! The program's side of an engine process: starts it, asks it, watches it, buries it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch};

use super::LocalModel;
use super::child::{self, Child};
use super::frames::{self, Event, FrameError, FromEngine, ToEngine};
use super::log_tail::LogTail;
use crate::{Advice, Answer, Ask, Crash, Description, ErrorKind, ProviderError, Side, Stage};

/// A model is read from a disk that may be slow or far away: loading may take so many times the
/// limit that counts while asks are in flight.
const LOAD_FACTOR: u32 = 10;
/// How long a process may take to end once it was told to, and its pipes to run empty.
const GRACE: Duration = Duration::from_secs(5);

/// A running engine process with its model loaded. Dropping it kills the process.
pub struct EngineProcess {
    shared: Arc<Shared>,
    description: Description,
    next_id: AtomicU64,
    deaths: watch::Receiver<Option<Arc<Death>>>,
}

/// How an engine process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// What is recorded of it.
    pub crash: Crash,
    /// It made no progress and was killed for that.
    pub hung: bool,
    /// It was told to end, so this is no crash.
    pub expected: bool,
}

/// Why an ask came back without a result.
#[derive(Debug, Clone)]
pub enum Lost {
    /// The process had died before the ask was handed over.
    Before,
    /// The process died while the ask was in flight.
    InFlight(Arc<Death>),
}

/// What became of an ask.
type Reply = Result<Result<Answer, ProviderError>, Lost>;

/// An ask that the engine has not given back.
struct Flight {
    sample: String,
    /// Absent once nobody waits for it any more.
    reply: Option<oneshot::Sender<Reply>>,
}

struct State {
    in_flight: BTreeMap<u64, Flight>,
    /// When the engine last showed progress, or was given something to do.
    last_sign: Instant,
    peak_memory_bytes: u64,
    hung: bool,
    /// Frames to the engine; absent once it was told to end.
    outgoing: Option<mpsc::UnboundedSender<Vec<u8>>>,
    death: Option<Arc<Death>>,
}

struct Shared {
    state: Mutex<State>,
    child: Child,
    log: LogTail,
    hang_limit: Duration,
}

impl EngineProcess {
    /// Starts `executable` as an engine and loads a model into it.
    ///
    /// # Errors
    /// The executable cannot be started, is no engine, died or hung while it loaded, or the model
    /// cannot be loaded. All of them end the entry.
    pub async fn start(
        executable: &Path,
        model: &LocalModel,
    ) -> Result<EngineProcess, ProviderError> {
        let child::Spawned { child, stdin, mut stdout, stderr, mut exit } =
            child::spawn(executable, model).await.map_err(|error| {
                dead(
                    Side::Ours,
                    format!("cannot start {} as an engine: {error}", executable.display()),
                )
            })?;
        let log = LogTail::default();
        let logging = tokio::spawn(log.clone().follow(stderr));
        let (outgoing, frames_out) = mpsc::unbounded_channel();
        tokio::spawn(write_frames(stdin, frames_out));
        let load = frames::encode(&ToEngine::Load(model.clone()))
            .map_err(|error| dead(Side::Ours, error.to_string()))?;
        let _ = outgoing.send(load);

        let limit = model.hang_limit.saturating_mul(LOAD_FACTOR);
        let first =
            tokio::time::timeout(limit, frames::read_async::<FromEngine>(&mut stdout)).await;
        let (description, peak_memory_bytes) = match first {
            Ok(Ok(Some(FromEngine { event: Event::Loaded(description), peak_memory_bytes }))) => {
                (*description, peak_memory_bytes)
            }
            Ok(Ok(Some(FromEngine { event: Event::NotLoaded(error), .. }))) => return Err(error),
            other => {
                let what = match other {
                    Err(_) => Some(format!("did not load within {}", seconds(limit))),
                    Ok(Err(error)) => Some(format!("is no engine: {error}")),
                    Ok(Ok(Some(_))) => Some("is no engine of this version".to_owned()),
                    // The stream has ended: the exit status says why.
                    Ok(Ok(None)) => None,
                };
                if what.is_some() {
                    child.kill();
                }
                let status = tokio::time::timeout(GRACE, &mut exit).await.ok().and_then(Result::ok);
                child.kill();
                let _ = tokio::time::timeout(GRACE, logging).await;
                let what = what.unwrap_or_else(|| format!("ended ({})", ended_by(status)));
                return Err(load_failed(model, &what, &log.lines()));
            }
        };

        let (death_sender, deaths) = watch::channel(None);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                in_flight: BTreeMap::new(),
                last_sign: Instant::now(),
                peak_memory_bytes,
                hung: false,
                outgoing: Some(outgoing),
                death: None,
            }),
            child,
            log,
            hang_limit: model.hang_limit,
        });
        tokio::spawn(watch_for_hangs(Arc::downgrade(&shared)));
        tokio::spawn(supervise(Arc::clone(&shared), stdout, exit, logging, death_sender));
        Ok(EngineProcess { shared, description, next_id: AtomicU64::new(0), deaths })
    }

    /// What the engine said of itself and its model when it had loaded.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.shared.child.id()
    }

    /// Peak resident memory of the process, as it last reported it, in bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        self.shared.lock().peak_memory_bytes
    }

    /// How the process ended, if it has.
    pub fn death(&self) -> Option<Arc<Death>> {
        self.shared.lock().death.clone()
    }

    /// Has an ask answered. Dropping the future cancels it.
    ///
    /// # Errors
    /// The process died before or meanwhile.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = match frames::encode(&ToEngine::Ask { id, ask: Box::new(ask.clone()) }) {
            Ok(frame) => frame,
            Err(error) => return Ok(Err(not_sent(&error))),
        };
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            let Some(outgoing) = state.outgoing.clone().filter(|_| state.death.is_none()) else {
                return Err(Lost::Before);
            };
            if state.in_flight.is_empty() {
                state.last_sign = Instant::now();
            }
            let flight = Flight { sample: ask.sample.id.clone(), reply: Some(reply) };
            state.in_flight.insert(id, flight);
            // A closed channel means a dying process: the ask comes back with its death.
            let _ = outgoing.send(frame);
        }
        let _cancel = CancelOnDrop { shared: &self.shared, id };
        answer.await.unwrap_or(Err(Lost::Before))
    }

    /// Ends the process and waits until it is gone.
    pub async fn stop(&self) {
        self.shared.lock().outgoing = None;
        let mut deaths = self.deaths.clone();
        if tokio::time::timeout(GRACE, deaths.wait_for(Option::is_some)).await.is_err() {
            self.shared.child.kill();
            let _ = tokio::time::timeout(GRACE, deaths.wait_for(Option::is_some)).await;
        }
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        self.shared.lock().outgoing = None;
        self.shared.child.kill();
    }
}

/// Tells the engine when nobody waits for an ask any more. A finished ask is in flight no longer, and
/// nothing is left to cancel.
struct CancelOnDrop<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // It stays in flight until the engine gives it back: should the engine die of it until then,
        // it must not look as if nothing had been in flight.
        let Some(flight) = state.in_flight.get_mut(&self.id) else {
            return;
        };
        flight.reply = None;
        if let (Some(outgoing), Ok(frame)) =
            (&state.outgoing, frames::encode(&ToEngine::Cancel { id: self.id }))
        {
            let _ = outgoing.send(frame);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(&self, frame: FromEngine) {
        let mut state = self.lock();
        state.last_sign = Instant::now();
        state.peak_memory_bytes = state.peak_memory_bytes.max(frame.peak_memory_bytes);
        if let Event::Done { id, result } = frame.event
            && let Some(reply) = state.in_flight.remove(&id).and_then(|flight| flight.reply)
        {
            let _ = reply.send(Ok(*result));
        }
    }

    /// Gives every ask in flight back with the process's death.
    fn bury(&self, status: Option<ExitStatus>) -> Arc<Death> {
        let mut state = self.lock();
        let flights = std::mem::take(&mut state.in_flight);
        let ended_by = match state.hung {
            true => format!("hung for {} and was killed", seconds(self.hang_limit)),
            false => ended_by(status),
        };
        let crash = Crash {
            ended_by,
            in_flight: flights.values().map(|flight| flight.sample.clone()).collect(),
            last_log: self.log.lines(),
        };
        let expected = state.outgoing.is_none();
        let death = Arc::new(Death { crash, hung: state.hung, expected });
        state.death = Some(Arc::clone(&death));
        state.outgoing = None;
        for reply in flights.into_values().filter_map(|flight| flight.reply) {
            let _ = reply.send(Err(Lost::InFlight(Arc::clone(&death))));
        }
        death
    }
}

async fn write_frames(mut stdin: ChildStdin, mut frames: mpsc::UnboundedReceiver<Vec<u8>>) {
    use tokio::io::AsyncWriteExt;
    while let Some(frame) = frames.recv().await {
        if stdin.write_all(&frame).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads frames until the process has ended, then tells everybody.
async fn supervise(
    shared: Arc<Shared>,
    mut stdout: ChildStdout,
    mut exit: oneshot::Receiver<ExitStatus>,
    logging: tokio::task::JoinHandle<()>,
    deaths: watch::Sender<Option<Arc<Death>>>,
) {
    let reader = Arc::clone(&shared);
    let mut reading = std::pin::pin!(async {
        loop {
            match frames::read_async::<FromEngine>(&mut stdout).await {
                Ok(Some(frame)) => reader.take_in(frame),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "the engine process sent no frame");
                    reader.child.kill();
                    return;
                }
            }
        }
    });
    let status = tokio::select! {
        () = &mut reading => {
            let status = tokio::time::timeout(GRACE, &mut exit).await;
            if status.is_err() {
                shared.child.kill();
            }
            match status {
                Ok(status) => status.ok(),
                Err(_) => exit.await.ok(),
            }
        }
        status = &mut exit => {
            // Whatever it wrote before it died still counts.
            let _ = tokio::time::timeout(GRACE, &mut reading).await;
            status.ok()
        }
    };
    let _ = tokio::time::timeout(GRACE, logging).await;
    let death = shared.bury(status);
    tracing::debug!(ended_by = death.crash.ended_by, "the engine process ended");
    let _ = deaths.send(Some(death));
}

/// Kills the process if it says nothing for too long while asks are in flight.
async fn watch_for_hangs(shared: Weak<Shared>) {
    loop {
        let Some(engine) = shared.upgrade() else {
            return;
        };
        let limit = engine.hang_limit;
        {
            let mut state = engine.lock();
            if state.death.is_some() {
                return;
            }
            if !state.in_flight.is_empty() && state.last_sign.elapsed() > limit {
                state.hung = true;
                drop(state);
                engine.child.kill();
                return;
            }
        }
        drop(engine);
        let tick = (limit / 8).clamp(Duration::from_millis(20), Duration::from_secs(1));
        tokio::time::sleep(tick).await;
    }
}

/// `SIGSEGV`, `exit code 1`.
fn ended_by(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    let Some(status) = status else {
        return "its exit status is unknown".to_owned();
    };
    match (status.signal(), status.code()) {
        (Some(signal), _) => child::signal_name(signal),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn dead(side: Side, message: String) -> ProviderError {
    ProviderError::new(side, ErrorKind::EngineDead, Stage::Start, Advice::EndsEntry, message)
}

fn load_failed(model: &LocalModel, what: &str, log: &[String]) -> ProviderError {
    let file = model.model.display();
    let word = model.engine.word();
    let said = match log.iter().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(" its last words: `{line}`;"),
        None => String::new(),
    };
    dead(
        Side::Theirs,
        format!(
            "the engine process of {word} {what} while it loaded {file};{said} try another file of \
             this model, or another engine"
        ),
    )
}

fn not_sent(error: &FrameError) -> ProviderError {
    let message = format!("the ask cannot be handed to the engine: {error}; shorten the prompt");
    ProviderError::new(Side::Ours, ErrorKind::BadRequest, Stage::Prepare, Advice::Never, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn deaths_are_named() {
        // wait(2): the low seven bits are the signal, the next byte is the exit code.
        assert_eq!(ended_by(Some(ExitStatus::from_raw(11))), "SIGSEGV");
        assert_eq!(ended_by(Some(ExitStatus::from_raw(6))), "SIGABRT");
        assert_eq!(ended_by(Some(ExitStatus::from_raw(1 << 8))), "exit code 1");
        assert_eq!(seconds(Duration::from_secs(60)), "60 s");
        assert_eq!(seconds(Duration::from_millis(500)), "0.5 s");
    }
}
