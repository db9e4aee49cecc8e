//! One process of a scoring command, with a thread for each of its pipes: none of them can block
//! the caller beyond its time limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rightsize_suites::command::Command;
use rustix::process::{Pid, Signal, kill_process_group};

/// Longest line that is read of a command, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// Longest wait for what a process that has ended said at last.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running command.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    questions: Sender<String>,
    lines: Receiver<String>,
    /// The last line of its standard error.
    said: Arc<Mutex<String>>,
    /// Closed when its standard error is.
    silent: Receiver<()>,
}

impl Process {
    /// Starts the command in a folder, as a process group of its own: Ctrl-C is for the run, which
    /// then ends it.
    pub(super) fn start(command: &Command, folder: &Path, suite: &str) -> Result<Process, String> {
        let Some((program, arguments)) = command.argv.split_first() else {
            return Err("it is empty".to_owned());
        };
        // A relative program is relative to the suite, whatever the system makes of it.
        let program = match program.contains('/') {
            true => std::path::absolute(folder.join(program)).map_err(|e| e.to_string())?,
            false => program.into(),
        };
        let mut command = std::process::Command::new(&program);
        command.args(arguments).current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|e| format!("{} cannot be started: {e}", program.display()))?;
        let said = Arc::<Mutex<String>>::default();
        let (questions, to_write) = channel();
        let (read, lines) = channel();
        let (speaking, silent) = channel();
        if let Some(input) = child.stdin.take() {
            std::thread::spawn(move || write_all(input, &to_write));
        }
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                each_line(output, |line| read.send(line).is_ok());
            });
        }
        if let Some(errors) = child.stderr.take() {
            let (said, suite) = (Arc::clone(&said), suite.to_owned());
            std::thread::spawn(move || {
                let _speaking: Sender<()> = speaking;
                each_line(errors, |line| {
                    tracing::info!(suite, "scorer: {line}");
                    *said.lock().unwrap_or_else(PoisonError::into_inner) = line;
                    true
                });
            });
        }
        Ok(Process { child, questions, lines, said, silent })
    }

    /// Id of the process.
    #[cfg(test)]
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line and waits for one.
    pub(super) fn ask(&self, question: &str, limit: Duration) -> Result<String, String> {
        if let Ok(line) = self.lines.try_recv() {
            let start: String = line.chars().take(200).collect();
            return Err(format!("it wrote a line too many: {start}"));
        }
        // A process that reads no more shows itself by the end of its output.
        let _ = self.questions.send(format!("{question}\n"));
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("it gave no line within {} s", limit.as_secs_f64()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                // Its last words come by another pipe.
                let _ = self.silent.recv_timeout(LAST_WORDS);
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                Err(match said.is_empty() {
                    true => "it ended without a line".to_owned(),
                    false => format!("it ended without a line; it said: {said}"),
                })
            }
        }
    }
}

impl Drop for Process {
    /// Ends the process, and what it started.
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id())
            && let Some(group) = Pid::from_raw(id)
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn write_all(mut input: ChildStdin, questions: &Receiver<String>) {
    while let Ok(question) = questions.recv() {
        if input.write_all(question.as_bytes()).and_then(|()| input.flush()).is_err() {
            break;
        }
    }
}

/// Hands over each line until the end, or until a line is too long; bytes that are no UTF-8 are
/// replaced.
fn each_line(pipe: impl Read, mut take: impl FnMut(String) -> bool) {
    let mut pipe = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        let read = pipe.by_ref().take(LONGEST_LINE.saturating_add(1)).read_until(b'\n', &mut line);
        match read {
            Ok(n) if n > 0 && line.len() as u64 <= LONGEST_LINE => {}
            _ => return,
        }
        let text = String::from_utf8_lossy(&line);
        if !take(text.trim_end_matches(['\n', '\r']).to_owned()) {
            return;
        }
    }
}
