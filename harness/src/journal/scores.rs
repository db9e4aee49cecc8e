//! Scores that are made again: a file beside the records, there complete or not at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rightsize_reports::run::{ScoreLine, ScoresHead, files};
use rightsize_suites::Suite;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::JournalError;
use super::create::write_suite_as_scored;
use super::lock::Lock;
use super::resume::read_manifest;

/// The one who makes the scores of a folder again. Nobody else writes to the folder while it lives.
#[derive(Debug)]
pub struct ScoresWriter {
    folder: PathBuf,
    _lock: Lock,
}

/// A file of scores that is being written.
#[derive(Debug)]
pub struct ScoresFile<'a> {
    target: PathBuf,
    out: BufWriter<NamedTempFile>,
    _writer: &'a ScoresWriter,
}

impl ScoresWriter {
    /// Takes the lock of a run folder.
    ///
    /// # Errors
    /// It is no run folder, of a newer version, or in use.
    pub fn begin(folder: &Path) -> Result<ScoresWriter, JournalError> {
        read_manifest(folder)?;
        let lock = Lock::take(folder)?;
        Ok(ScoresWriter { folder: folder.to_path_buf(), _lock: lock })
    }

    /// Keeps a suite as it scores now in `own`, a folder relative to the run folder.
    ///
    /// # Errors
    /// The disk refused.
    pub fn keep(&self, own: &Path, suite: &Suite) -> Result<(), JournalError> {
        write_suite_as_scored(&self.folder.join(own), suite)
    }

    /// Begins the file of scores; it has its name only when it is finished.
    ///
    /// # Errors
    /// The disk refused.
    pub fn file(&self, head: &ScoresHead) -> Result<ScoresFile<'_>, JournalError> {
        let target = self.folder.join(files::scores(&head.scoring_version));
        let temporary =
            NamedTempFile::new_in(&self.folder).map_err(JournalError::io(&self.folder))?;
        let mut file = ScoresFile { target, out: BufWriter::new(temporary), _writer: self };
        file.write(head)?;
        Ok(file)
    }
}

impl ScoresFile<'_> {
    /// Writes the score of a unit.
    ///
    /// # Errors
    /// The disk refused.
    pub fn line(&mut self, line: &ScoreLine) -> Result<(), JournalError> {
        self.write(line)
    }

    fn write<T: Serialize>(&mut self, value: &T) -> Result<(), JournalError> {
        serde_json::to_writer(&mut self.out, value)
            .map_err(std::io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(JournalError::io(&self.target))
    }

    /// Gives the file its name; an older one of the same scoring version is replaced.
    ///
    /// # Errors
    /// The disk refused; then no file is left.
    pub fn finish(self) -> Result<PathBuf, JournalError> {
        let ScoresFile { target, out, .. } = self;
        let finish = || -> std::io::Result<()> {
            let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        finish().map_err(JournalError::io(&target))?;
        Ok(target)
    }
}
