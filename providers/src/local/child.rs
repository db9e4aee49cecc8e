//! Starting, waiting for and killing a child process.
//!
//! One thread starts the child and waits for it. It lives as long as the child because Linux sends
//! the parent's death signal when the *thread* that started the child ends (prctl(2),
//! `PR_SET_PDEATHSIG`), and threads of an asynchronous runtime come and go.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::oneshot;

use super::{ENGINE_ARGUMENT, LocalModel};

/// A child process that can be killed from any thread.
#[derive(Debug, Clone)]
pub(super) struct Child(Arc<Mutex<std::process::Child>>);

/// A started child and its pipes.
pub(super) struct Spawned {
    pub(super) child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
    /// How it ended, once it has.
    pub(super) exit: oneshot::Receiver<ExitStatus>,
}

impl Child {
    /// The process's id.
    pub(super) fn id(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Kills the process and what it started in its process group, unless it is gone already.
    pub(super) fn kill(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // While it has not been waited for, its id cannot belong to another process.
        if matches!(child.try_wait(), Ok(None)) {
            if let Some(pid) = pid_of(&child) {
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
            }
            let _ = child.kill();
        }
    }

    fn wait(&self, pid: Option<Pid>) -> io::Result<ExitStatus> {
        // Wait without the lock and without reaping, so that `kill` stays possible and safe.
        if let Some(pid) = pid {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), options)
            {}
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wait()
    }
}

fn pid_of(child: &std::process::Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// Starts an executable as an engine.
pub(super) async fn spawn(executable: &Path, model: &LocalModel) -> io::Result<Spawned> {
    let mut command = Command::new(executable);
    command
        .arg(ENGINE_ARGUMENT)
        .env_clear()
        .envs(environment(std::env::vars_os()))
        .env("RAYON_NUM_THREADS", model.inference_threads().to_string())
        .envs(waiting(|name| std::env::var_os(name).is_some()))
        // Candle's kernels for AVX-512 round otherwise than those for AVX2. Without them both engines
        // compute alike, and a model answers alike on every x86-64 machine.
        .env("MISTRALRS_FORCE_AVX2", "1")
        // ggml prints a backtrace by running a debugger on itself when it aborts.
        .env("GGML_NO_BACKTRACE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal goes to its whole process group: the program decides what becomes of
        // its engines.
        .process_group(0);
    let (started, starting) = oneshot::channel();
    let (ended, exit) = oneshot::channel();
    std::thread::Builder::new().name("engine-process".into()).spawn(move || {
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let pid = pid_of(&child);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Child(Arc::new(Mutex::new(child)));
        // If nobody waits any more, the pipes close and the engine ends of itself.
        let _ = started.send(Ok((child.clone(), pipes)));
        if let Ok(status) = child.wait(pid) {
            let _ = ended.send(status);
        }
    })?;
    let (child, pipes) =
        starting.await.map_err(|_| io::Error::other("the starting thread died"))??;
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        child.kill();
        return Err(io::Error::other("it has no pipes"));
    };
    Ok(Spawned {
        stdin: ChildStdin::from_std(stdin)?,
        stdout: ChildStdout::from_std(stdout)?,
        stderr: ChildStderr::from_std(stderr)?,
        child,
        exit,
    })
}

/// How long a thread of GNU's OpenMP spins at a barrier before it sleeps, unless the user has said so.
///
/// Its default of 300,000 turns is a millisecond at each of some hundred barriers a token wherever
/// another process holds a core. Measured with SmolLM2-135M on two cores, tokens/s of decoding alone
/// on the machine and beside eight busy processes: default 123 and 0.5, 10,000 turns 123 and 3,
/// 1,000 turns 112 to 124 and 15 to 35, no spinning 53 to 66 and 33.
fn waiting(is_set: impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    let said = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"].into_iter().any(is_set);
    (!said).then_some(("GOMP_SPINCOUNT", "1000"))
}

/// What an engine needs of the environment. The rest stays out: native code that runs a downloaded
/// file has no business with the keys of remote servers.
fn environment<V>(
    all: impl IntoIterator<Item = (std::ffi::OsString, V)>,
) -> Vec<(std::ffi::OsString, V)> {
    const NAMES: &[&str] = &["HOME", "LANG", "PATH", "RUST_BACKTRACE", "TMPDIR", "TZ"];
    const PREFIXES: &[&str] = &[
        "LC_",
        "LD_",
        "DYLD_",
        "OMP_",
        "GOMP_",
        "KMP_",
        "GGML_",
        "LLAMA_",
        "CUDA_",
        "NVIDIA_",
        "HIP_",
        "ROCR_",
        "VK_",
        "ASAN_",
        "LLVM_PROFILE_",
    ];
    all.into_iter()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            NAMES.contains(&name.as_ref()) || PREFIXES.iter().any(|p| name.starts_with(p))
        })
        .collect()
}

/// The name of a signal, such as `SIGSEGV`.
pub(super) fn signal_name(signal: i32) -> String {
    let named = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
    ];
    let known = named.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_out_of_the_engine() {
        let all = ["PATH", "OPENAI_API_KEY", "OMP_NUM_THREADS", "AWS_SECRET_ACCESS_KEY", "HOMEX"];
        let kept = environment(all.map(|name| (name.into(), ())));
        let names: Vec<_> = kept.iter().map(|(name, ())| name.to_str().unwrap()).collect();
        assert_eq!(names, ["PATH", "OMP_NUM_THREADS"]);
    }

    #[test]
    fn the_user_decides_how_threads_wait() {
        assert_eq!(waiting(|_| false), Some(("GOMP_SPINCOUNT", "1000")));
        assert_eq!(waiting(|name| name == "OMP_WAIT_POLICY"), None);
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(9), "SIGKILL");
        assert_eq!(signal_name(64), "signal 64");
    }
}
