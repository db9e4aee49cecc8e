//! The lock of a run folder's one writer. The kernel drops it with the process, however that ends.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rightsize_reports::run::files;
use rustix::fs::{FlockOperation, flock};

use super::JournalError;

/// A held lock; dropping it frees the folder.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder, or says that somebody else has it.
    pub fn take(folder: &Path) -> Result<Lock, JournalError> {
        let path = folder.join(files::LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JournalError::io(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(JournalError::Locked { path: folder.display().to_string() })
            }
            Err(error) => Err(JournalError::io(&path)(error.into())),
        }
    }
}
