//! Inside the engine process: the trait of an engine, and the loop that drives it.

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

#[cfg(any(feature = "llama-cpp", feature = "candle"))]
use super::EngineKind;
use super::frames::{self, Event, FrameError, FromEngine, ToEngine};
use super::{LocalModel, memory};
use crate::{
    Advice, Answer, Ask, Clock, Description, ErrorKind, ProviderError, Side, Stage, Stamp,
};

/// One loaded model; driven by the one thread that owns it.
pub trait Engine {
    /// What answers: engine and version, facts (architecture, parameters, quantisation, context),
    /// threads, ISA, chat template.
    fn describe(&self) -> Description;

    /// Renders, tokenizes and queues an ask. An error is that ask's end.
    ///
    /// # Errors
    /// The ask cannot be served: its kind, its template, its length.
    fn accept(&mut self, id: u64, ask: &Ask, sent: Stamp) -> Result<(), ProviderError>;

    /// Forgets an ask.
    fn cancel(&mut self, id: u64);

    /// One step for everything in flight (one decode call); finished asks are handed out.
    fn step(&mut self, finished: &mut Vec<(u64, Result<Answer, ProviderError>)>);

    /// Whether nothing is queued or in flight.
    fn idle(&self) -> bool;
}

/// Loads a model into this process.
///
/// # Errors
/// The file is damaged or foreign, the engine cannot run it, or this build has no such engine.
pub fn open(model: &LocalModel) -> Result<Box<dyn Engine>, ProviderError> {
    match model.engine {
        #[cfg(feature = "llama-cpp")]
        EngineKind::LlamaCpp => Ok(Box::new(super::llama_cpp::LlamaCpp::load(model)?)),
        #[cfg(feature = "candle")]
        EngineKind::Candle => {
            Ok(Box::new(super::candle::Candle::load(&model.model, model.context)?))
        }
        #[cfg(not(all(feature = "llama-cpp", feature = "candle")))]
        missing => Err(ProviderError::new(
            Side::Ours,
            ErrorKind::Unsupported,
            Stage::Start,
            Advice::EndsEntry,
            format!(
                "this build has no {word}: build it with the feature `{word}`, or use another \
                 provider",
                word = missing.word()
            ),
        )),
    }
}

/// How often an engine at work says so.
const PROGRESS: Duration = Duration::from_secs(1);

/// The life of an engine process. To be called first in `main`, before any thread exists, when the
/// first argument is [`super::ENGINE_ARGUMENT`].
pub fn engine_main() -> ExitCode {
    engine_main_watched(|_| {})
}

/// [`engine_main`] with a function that sees every ask before the engine does. It is for test
/// executables that die on certain asks.
pub fn engine_main_watched(watch: impl FnMut(&Ask)) -> ExitCode {
    // The dispositions come first: whatever goes wrong later must not outlive the parent.
    die_with_parent();
    faults_are_fatal();
    no_core_dump();
    match take_stdout().and_then(|out| life(out, watch).map_err(io::Error::other)) {
        Ok(code) => code,
        Err(error) => {
            tracing::debug!(%error, "the engine ends");
            ExitCode::FAILURE
        }
    }
}

/// What the reading thread hands to the engine's thread, with the moment of its arrival.
type Arrival = (Stamp, ToEngine);

fn life(mut out: File, watch: impl FnMut(&Ask)) -> Result<ExitCode, FrameError> {
    let Some(ToEngine::Load(model)) = frames::read(&mut io::stdin().lock())? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut engine = match open(&model) {
        Ok(engine) => engine,
        Err(error) => {
            send(&mut out, Event::NotLoaded(error))?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    send(&mut out, Event::Loaded(Box::new(engine.describe())))?;
    let (sender, arrivals) = mpsc::channel();
    std::thread::Builder::new().name("frames".into()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(frame)) = frames::read(&mut input) {
            if sender.send((Clock::Monotonic.now(), frame)).is_err() {
                break;
            }
        }
        // The parent has closed the pipe or is gone. The engine's thread may be inside a long native
        // call, and the destructors of native code must not run under it.
        end_process();
    })?;
    work(engine.as_mut(), &arrivals, &mut out, watch)?;
    Ok(ExitCode::SUCCESS)
}

/// Answers asks until the frames end.
fn work(
    engine: &mut dyn Engine,
    arrivals: &Receiver<Arrival>,
    out: &mut File,
    mut watch: impl FnMut(&Ask),
) -> Result<(), FrameError> {
    let mut finished = Vec::new();
    let mut last_frame = Instant::now();
    loop {
        while let Some((sent, frame)) = match next(arrivals, engine.idle()) {
            Ok(arrival) => arrival,
            Err(Ended) => return Ok(()),
        } {
            match frame {
                ToEngine::Ask { id, ask } => {
                    watch(&ask);
                    if let Err(error) = engine.accept(id, &ask, sent) {
                        finished.push((id, Err(error)));
                    }
                }
                ToEngine::Cancel { id } => {
                    engine.cancel(id);
                    finished.push((id, Err(cancelled())));
                }
                ToEngine::Load(_) => {}
            }
            if engine.idle() {
                break;
            }
        }
        if !engine.idle() {
            engine.step(&mut finished);
        }
        if finished.is_empty() && last_frame.elapsed() >= PROGRESS {
            send(out, Event::Progress)?;
            last_frame = Instant::now();
        }
        for (id, result) in finished.drain(..) {
            send(out, Event::Done { id, result: Box::new(result) })?;
            last_frame = Instant::now();
        }
    }
}

/// The frames have ended.
struct Ended;

/// The next arrival: waits for it if there is nothing else to do.
fn next(arrivals: &Receiver<Arrival>, idle: bool) -> Result<Option<Arrival>, Ended> {
    if idle {
        return arrivals.recv().map(Some).map_err(|_| Ended);
    }
    match arrivals.try_recv() {
        Ok(arrival) => Ok(Some(arrival)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(Ended),
    }
}

fn send(out: &mut File, event: Event) -> Result<(), FrameError> {
    frames::write(out, &FromEngine { peak_memory_bytes: memory::peak_bytes(), event })
}

fn cancelled() -> ProviderError {
    ProviderError::new(
        Side::Ours,
        ErrorKind::Cancelled,
        Stage::Stream,
        Advice::Never,
        "the ask was cancelled",
    )
}

/// Keeps standard output for frames and points descriptor 1 at standard error, so that nothing that
/// native code prints can come between frames.
fn take_stdout() -> io::Result<File> {
    let out = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(out))
}

/// The parent's death kills this process; the end of its standard input is the second string.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        let _ =
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Rust's runtime handles SIGSEGV and SIGBUS to report stack overflows of its threads, and lets the
/// first such signal pass otherwise. Here a fault is a fault, at once and under its own name.
fn faults_are_fatal() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action is a valid disposition for these signals.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// A crash is expected now and then, and the memory of a model fills a disk.
fn no_core_dump() {
    // Linux ignores a limit of 0 where cores go to a program, but not a limit of 1
    // (`do_coredump` in fs/coredump.c); a core file has at least a page.
    let limit = Some(u64::from(cfg!(target_os = "linux")));
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: limit, maximum: limit },
    );
}

/// Ends this process without running any destructor or exit handler.
fn end_process() -> ! {
    // SAFETY: `_exit` has no precondition.
    unsafe { libc::_exit(0) }
}
