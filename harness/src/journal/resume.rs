//! An existing run folder, to go on with: what was asked already, and what is to be asked again.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use rightsize_providers::digest::{Half, half};
use rightsize_reports::run::{
    EntrySession, Manifest, Mode, Outcome, SCHEMA, Scenario, SessionLine, Split, files,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lock::Lock;
use super::{Journal, JournalError};
use crate::plan::UnitKey;

/// A run folder that is open again.
#[derive(Debug)]
pub struct Resumed {
    /// Its journal.
    pub journal: Journal,
    /// What was run.
    pub manifest: Manifest,
    /// Units with a complete record.
    pub done: Done,
    /// Number of the session that begins now.
    pub session: u32,
    /// The folder that paths in the bake-off are relative to.
    pub base: PathBuf,
}

/// Units that have a complete record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// By the digest of the unit's key: the first 63 bits of the ask's digest, and whether it has an
    /// answer.
    units: HashMap<Half, u64>,
}

/// A unit was asked something else before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

/// What is kept of an ask's digest, without its last bit.
fn ask_bits(ask: &str) -> u64 {
    let [first, _] = half(ask);
    first & !1
}

/// What is kept of a unit's key: its digest with no ask.
fn key_bits(key: &UnitKey) -> Half {
    half(&key.unit(""))
}

/// What a record's line says of its unit; the rest is not read.
#[derive(Deserialize)]
pub(super) struct UnitLine {
    pub schema: u32,
    pub unit: String,
    pub ask: String,
    pub suite: String,
    pub split: Split,
    pub sample: String,
    pub model: String,
    pub variant: String,
    pub mode: Mode,
    pub scenario: Scenario,
    pub repeat: u32,
    pub outcome: Outcome,
}

impl UnitLine {
    pub fn key(&self) -> UnitKey {
        UnitKey {
            suite: self.suite.clone(),
            split: self.split,
            sample: self.sample.clone(),
            entry: self.model.clone(),
            variant: self.variant.clone(),
            mode: self.mode,
            scenario: self.scenario,
            repeat: self.repeat,
        }
    }
}

impl Done {
    /// Whether the unit has an answer. Errors are asked again.
    ///
    /// # Errors
    /// The unit was asked something else.
    pub fn answered(&self, key: &UnitKey, ask: &str) -> Result<bool, Conflict> {
        match self.units.get(&key_bits(key)) {
            Some(seen) if seen & !1 != ask_bits(ask) => Err(Conflict),
            Some(seen) => Ok(seen & 1 == 1),
            None => Ok(false),
        }
    }

    /// Whether no unit has a record.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Units with an answer.
    pub fn count(&self) -> u64 {
        self.units.values().filter(|seen| *seen & 1 == 1).count() as u64
    }

    fn add(&mut self, line: UnitLine) {
        let answered = u64::from(line.outcome != Outcome::Error);
        self.units.insert(key_bits(&line.key()), ask_bits(&line.ask) | answered);
    }
}

/// Opens a run folder to go on with it; a torn last line is cut off.
///
/// # Errors
/// It is no run folder, of a newer version, in use, or damaged.
pub fn resume(folder: &Path) -> Result<Resumed, JournalError> {
    let manifest = read_manifest(folder)?;
    let lock = Lock::take(folder)?;
    let mut journal = Journal::open(folder, lock, HashSet::new())?;
    let mut done = Done::default();
    lines(&folder.join(files::RECORDS), |line: UnitLine| done.add(line))?;
    let mut known = HashSet::new();
    lines(&folder.join(files::PROMPTS), |prompt: PromptLine| {
        known.insert(half(&prompt.sha256));
    })?;
    journal.known_prompts = known;
    let (mut last, mut base) = (0, PathBuf::new());
    lines(&folder.join(files::SESSIONS), |line: SessionLine| {
        last = last.max(session_of(&line));
        if let SessionLine::Started(start) = line
            && let Some(path) = start.base
        {
            base = PathBuf::from(path);
        }
    })?;
    Ok(Resumed { journal, manifest, done, session: last + 1, base })
}

#[derive(Deserialize)]
struct PromptLine {
    sha256: String,
}

/// The session that a line of `sessions.jsonl` belongs to.
pub(super) fn session_of(line: &SessionLine) -> u32 {
    match line {
        SessionLine::Started(start) => start.session,
        SessionLine::Entry(entry) => {
            let EntrySession { session, .. } = **entry;
            session
        }
        SessionLine::Ended(end) => end.session,
    }
}

/// The manifest of a run folder.
pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, JournalError> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let path = folder.join(files::MANIFEST);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(JournalError::unfit(
                folder,
                "no run folder: it has no manifest.json",
                "give the folder that `rightsize run` named, or start a run with --out",
            ));
        }
        Err(error) => return Err(JournalError::io(&path)(error)),
    };
    let damaged = |error: serde_json::Error| {
        JournalError::unfit(&path, format!("damaged: {error}"), "restore it from a copy")
    };
    let version: Version = serde_json::from_slice(&text).map_err(damaged)?;
    if version.schema > SCHEMA {
        return Err(JournalError::unfit(
            &path,
            format!(
                "written by a newer version (schema {}, this one knows {SCHEMA})",
                version.schema
            ),
            "use that version of rightsize",
        ));
    }
    serde_json::from_slice(&text).map_err(damaged)
}

/// Reads a file of JSON lines; a missing file has none.
pub(super) fn lines<T: DeserializeOwned>(
    path: &Path,
    mut each: impl FnMut(T),
) -> Result<(), JournalError> {
    lines_at(path, |_, value| each(value))
}

/// As [`lines`], with the offset of each line in the file.
pub(super) fn lines_at<T: DeserializeOwned>(
    path: &Path,
    mut each: impl FnMut(u64, T),
) -> Result<(), JournalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(JournalError::io(path)(error)),
    };
    let mut offset = 0;
    for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.map_err(JournalError::io(path))?;
        let start = offset;
        offset += line.len() as u64 + 1;
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(value) => each(start, value),
            Err(error) => {
                let place = PathBuf::from(format!("{}:{}", path.display(), number + 1));
                let remedy = "the line is damaged: remove it, and its unit is asked again";
                return Err(JournalError::unfit(&place, error, remedy));
            }
        }
    }
    Ok(())
}
