//! A new run folder. The manifest is written last: a folder without one is no run yet.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use rightsize_reports::run::{Manifest, SuiteFacts, files};
use rightsize_suites::{Samples, Suite};

use super::lock::Lock;
use super::{Journal, JournalError, write_whole, write_whole_by};

/// Creates a run folder and opens its journal.
///
/// # Errors
/// The folder holds a run or something else, is in use, or cannot be written.
pub fn create(
    folder: &Path,
    manifest: &Manifest,
    bakeoff: &str,
    suites: &[Suite],
) -> Result<Journal, JournalError> {
    std::fs::create_dir_all(folder).map_err(JournalError::io(folder))?;
    if let Some(what) = stranger(folder)? {
        return Err(JournalError::NotEmpty { path: folder.display().to_string(), what });
    }
    let lock = Lock::take(folder)?;
    write_whole(&folder.join(files::BAKEOFF), bakeoff.as_bytes())?;
    for suite in suites {
        write_suite(folder, suite)?;
    }
    let text = to_json(folder, manifest)?;
    write_whole(&folder.join(files::MANIFEST), &text)?;
    Journal::open(folder, lock, HashSet::new())
}

/// The first thing in the folder that an earlier, unfinished `create` would not have left.
fn stranger(folder: &Path) -> Result<Option<String>, JournalError> {
    let ours = [files::LOCK, files::BAKEOFF, files::SUITES, "bakeoff.tmp", "manifest.tmp"];
    for entry in std::fs::read_dir(folder).map_err(JournalError::io(folder))? {
        let name = entry.map_err(JournalError::io(folder))?.file_name();
        if name == files::MANIFEST {
            return Ok(Some("a run".to_owned()));
        }
        if !ours.iter().any(|own| name == *own) {
            return Ok(Some(format!("`{}`", name.to_string_lossy())));
        }
    }
    Ok(None)
}

/// Writes what the folder keeps of a suite: as written, its facts, and its rows, so that neither a
/// report nor a resumed run needs anything outside the folder.
fn write_suite(folder: &Path, suite: &Suite) -> Result<(), JournalError> {
    let own = folder.join(files::SUITES).join(&suite.name);
    write_suite_as_scored(&own, suite)?;
    for (name, rows) in [(files::TRAIN, &suite.train), (files::DEV, &suite.dev)] {
        if !rows.is_empty() {
            write_rows(&own.join(name), rows)?;
        }
    }
    Ok(())
}

/// The same into the folder `own`, without the rows of train and dev: they decide no score.
pub(super) fn write_suite_as_scored(own: &Path, suite: &Suite) -> Result<(), JournalError> {
    std::fs::create_dir_all(own).map_err(JournalError::io(own))?;
    write_whole(&own.join(files::SUITE_YAML), suite.yaml.as_bytes())?;
    write_whole(&own.join(files::SUITE_FACTS), &to_json(own, &SuiteFacts::of(suite))?)?;
    if let Some(tools) = &suite.tools_file {
        write_whole(&own.join(files::TOOLS), &to_json(own, tools)?)?;
    }
    write_rows(&own.join(files::SAMPLES), &suite.samples)
}

fn write_rows(path: &Path, samples: &Samples) -> Result<(), JournalError> {
    write_whole_by(path, |file| {
        for row in samples.rows() {
            let row = row.map_err(|problem| io::Error::other(problem.to_string()))?;
            serde_json::to_writer(&mut *file, &row)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

fn to_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, JournalError> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| JournalError::io(path)(error.into()))?;
    text.push(b'\n');
    Ok(text)
}
