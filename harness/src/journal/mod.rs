//! The run folder as it is written: append, lock, recover, resume.
//!
//! A record is on disk before it is on the screen: each line goes out in one `write`, so a killed
//! process loses at most the line that it was writing, and what the kernel holds survives it. The
//! files are synchronised with the disk when a session ends. A failed write (a full disk) takes back
//! the part of the line that got through and ends the run.
//!
//! What stands in the folder is described in [`rightsize_reports::run`], which reads it.

mod append;
mod create;
mod lock;
mod merge;
mod resume;
mod scores;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rightsize_providers::digest::{self, Half, half};
use rightsize_reports::run::{PromptText, Record, SessionLine, files};

pub use create::create;
pub use merge::{Merged, merge};
pub use resume::{Conflict, Done, Resumed, resume};
pub use scores::{ScoresFile, ScoresWriter};

use append::Appender;
use lock::Lock;

/// The one writer of a run folder.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    records: Appender,
    prompts: Appender,
    sessions: Appender,
    known_prompts: HashSet<Half>,
    _lock: Lock,
}

/// Why a run folder cannot be created, opened, resumed or merged.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum JournalError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    #[diagnostic(help("the folder must be writable and its disk must have room"))]
    Io {
        /// The file or folder.
        path: String,
        /// What it said.
        source: io::Error,
    },
    /// The folder is somebody else's.
    #[error("{path} is in use: another rightsize writes to it")]
    #[diagnostic(help("wait for it to end, or give another folder with --out"))]
    Locked {
        /// The folder.
        path: String,
    },
    /// `--out` names a folder that holds something.
    #[error("{path} already holds {what}")]
    #[diagnostic(help(
        "go on with a run by `rightsize run --resume {path}`, or give another folder with --out"
    ))]
    NotEmpty {
        /// The folder.
        path: String,
        /// What is there.
        what: String,
    },
    /// What stands in the folder does not fit.
    #[error("{path}: {message}")]
    #[diagnostic(help("{remedy}"))]
    Unfit {
        /// The file or folder.
        path: String,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
    },
}

impl JournalError {
    fn io(path: &Path) -> impl Fn(io::Error) -> JournalError + '_ {
        |source| JournalError::Io { path: path.display().to_string(), source }
    }

    fn unfit(path: &Path, message: impl ToString, remedy: impl ToString) -> JournalError {
        JournalError::Unfit {
            path: path.display().to_string(),
            message: message.to_string(),
            remedy: remedy.to_string(),
        }
    }

    /// Whether the disk (or a quota) is full.
    pub fn disk_full(&self) -> bool {
        let JournalError::Io { source, .. } = self else { return false };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }
}

impl Journal {
    /// Opens the three growing files of a folder whose lock is held.
    fn open(folder: &Path, lock: Lock, known: HashSet<Half>) -> Result<Journal, JournalError> {
        let open = |name| Appender::open(&folder.join(name));
        Ok(Journal {
            folder: folder.to_path_buf(),
            records: open(files::RECORDS)?,
            prompts: open(files::PROMPTS)?,
            sessions: open(files::SESSIONS)?,
            known_prompts: known,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes that a torn last line had when the folder was opened; 0 when no line was torn.
    pub fn torn_bytes(&self) -> u64 {
        self.records.torn + self.prompts.torn + self.sessions.torn
    }

    /// Writes a record, and before it its prompt if that is new.
    ///
    /// # Errors
    /// The disk refused; nothing of the record is left in the file.
    pub fn record(&mut self, record: &Record, prompt: &str) -> Result<(), JournalError> {
        let prompt_key = half(&record.prompt_sha256);
        if !self.known_prompts.contains(&prompt_key) {
            let line = PromptText { sha256: record.prompt_sha256.clone(), text: prompt.to_owned() };
            self.prompts.append(&line)?;
            self.known_prompts.insert(prompt_key);
        }
        self.records.append(record)
    }

    /// Writes a line about the session.
    ///
    /// # Errors
    /// The disk refused.
    pub fn session(&mut self, line: &SessionLine) -> Result<(), JournalError> {
        self.sessions.append(line)
    }

    /// Synchronises the files with the disk.
    ///
    /// # Errors
    /// The disk refused.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.prompts.sync()?;
        self.records.sync()?;
        self.sessions.sync()
    }
}

/// Writes a whole file so that it is there complete or not at all.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), JournalError> {
    write_whole_by(path, |file| file.write_all(content))
}

/// The same for content that `write` makes as it goes.
fn write_whole_by(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), JournalError> {
    let temporary = path.with_extension("tmp");
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write(&mut file)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(JournalError::io(path))
}

/// Digest of a prompt's text, as records name it.
pub fn prompt_sha256(text: &str) -> String {
    digest::of_bytes(text.as_bytes())
}
