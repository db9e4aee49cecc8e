//! The run folder as it is opened: small files whole, records as a stream.
//!
//! One pass over `records.jsonl` keeps what the analysis needs of each unit ([`Row`]) and where its
//! line stands; texts are read again, one unit at a time, when they are rendered ([`Texts`]). So
//! the memory does not grow with the length of prompts and answers: about a hundred bytes a unit.

mod index;
mod rows;
mod scores;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use index::{Index, key};
use rows::{Collected, Ids};
pub use rows::{ErrorKey, Figures, OnAxis, Row, Shared, Verdict};
pub use scores::newest_scores;
use scores::{OpenScores, Scores};

use crate::run::{
    Manifest, PromptText, Record, SCHEMA, ScoredSuite, ScoresHead, SessionLine, SuiteFacts,
    SuiteRef, files,
};

/// Why a run folder cannot be read. Each message names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file is missing or unreadable.
    #[error("{}: {source}; is this the folder of a run?", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or line is not what it should be.
    #[error("{}{}: {why}; {remedy}", path.display(), at(*line))]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from 1, in files of lines.
        line: Option<u64>,
        /// What is wrong.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The folder was written by a newer program.
    #[error(
        "{}: written with schema {found}, this program reads up to {SCHEMA}; use a newer rightsize",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
}

fn at(line: Option<u64>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

/// Where a line stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its bytes, without the line break.
    pub len: usize,
}

/// What was noticed while reading; of this folder, not of the run's results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noticed {
    /// Last lines without an end, cut by a kill: dropped.
    pub torn: u64,
    /// Lines that a later line of the same unit superseded.
    pub superseded: u64,
    /// Units of the same key that were asked in two different ways: the later one is used.
    pub conflicts: u64,
    /// Records of suites or models that the manifest does not name: left out.
    pub foreign: u64,
    /// Units without a line in the newest scores: recorded after those were made.
    pub unscored: u64,
}

/// An opened run folder.
#[derive(Debug)]
pub struct RunFolder {
    dir: PathBuf,
    /// What was run.
    pub manifest: Manifest,
    /// Sessions, in the order of the file.
    pub sessions: Vec<SessionLine>,
    /// Facts of the suites as they scored, in the manifest's order.
    pub suites: Vec<SuiteFacts>,
    /// What was noticed while reading.
    pub noticed: Noticed,
    rows: Vec<Row>,
    dev: Vec<Row>,
    choices: Vec<Row>,
    ids: Ids,
    prompts: Index,
    scores: Option<Scores>,
}

impl RunFolder {
    /// Opens the folder `dir`: reads manifest, sessions and suite facts, and passes once over the
    /// records. Where scores were made again, the newest ones count.
    pub fn open(dir: &Path) -> Result<RunFolder, FolderError> {
        RunFolder::read(dir, Scores::newest(dir)?)
    }

    /// As [`RunFolder::open`], with the scores of the records, whatever was scored again.
    pub fn open_as_recorded(dir: &Path) -> Result<RunFolder, FolderError> {
        RunFolder::read(dir, None)
    }

    fn read(dir: &Path, scores: Option<Scores>) -> Result<RunFolder, FolderError> {
        let manifest: Manifest = manifest(dir)?;
        let mut suites = Vec::with_capacity(manifest.suites.len());
        for suite in &manifest.suites {
            let own = dir.join(files::SUITES).join(&suite.name).join(files::SUITE_FACTS);
            suites.push(match scored(scores.as_ref(), suite) {
                Some(scored) => scored.facts.clone(),
                None => json_file::<SuiteFacts>(&own)?,
            });
        }
        let mut noticed = Noticed::default();
        let mut sessions = Vec::new();
        let path = dir.join(files::SESSIONS);
        if path.exists() {
            noticed.torn += lines(&path, |bytes, _, number| {
                sessions.push(line_of(&path, bytes, number)?);
                Ok(())
            })?;
        }
        let mut collector = rows::Collector::new(&manifest, &suites);
        let path = dir.join(files::RECORDS);
        if path.exists() {
            let mut newest = scores.as_ref().map(Scores::open).transpose()?;
            noticed.torn += lines(&path, |bytes, span, number| {
                let mut record = record_of(&path, bytes, number)?;
                let scored = match &mut newest {
                    Some(newest) if record.split.is_test() => newest.apply(&mut record)?,
                    _ => true,
                };
                collector.take(record, span, scored);
                Ok(())
            })?;
        }
        let Collected { rows, dev, choices, ids } = collector.finish(&mut noticed);
        /// The text is read when it is shown.
        #[derive(serde::Deserialize)]
        struct PromptKey {
            sha256: String,
        }
        let mut prompts = Index::default();
        let path = dir.join(files::PROMPTS);
        if path.exists() {
            noticed.torn += lines(&path, |bytes, span, number| {
                let PromptKey { sha256 } = line_of(&path, bytes, number)?;
                prompts.add(key(&sha256), span);
                Ok(())
            })?;
        }
        let (dir, prompts) = (dir.to_owned(), prompts.complete());
        Ok(RunFolder {
            dir,
            manifest,
            sessions,
            suites,
            noticed,
            rows,
            dev,
            choices,
            ids,
            prompts,
            scores,
        })
    }

    /// What the scores were made again by; `None` where they are those of the records.
    pub fn rescored(&self) -> Option<&ScoresHead> {
        self.scores.as_ref().map(|scores| &scores.head)
    }

    /// Where a suite came from as it scored: a path as written, or `catalog:NAME`.
    pub fn source<'a>(&'a self, suite: &'a SuiteRef) -> &'a str {
        scored(self.scores.as_ref(), suite).map_or(&suite.source, |scored| &scored.source)
    }

    /// The folder of a suite's files as it scored, with the run folder before it.
    pub fn suite_folder(&self, suite: &SuiteRef) -> PathBuf {
        self.dir.join(match scored(self.scores.as_ref(), suite) {
            Some(scored) => scored.folder(suite),
            None => Path::new(files::SUITES).join(&suite.name),
        })
    }

    /// The test units, one row each, in an order that depends on nothing but the units: suite,
    /// sample, model, scenario, repeat.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The units of the dev split, in the same order. Their scores are those of the records.
    pub fn dev_rows(&self) -> &[Row] {
        &self.dev
    }

    /// The test units whose answers were chosen by log-probability beside written ones of the same
    /// entry, in the same order. Where an entry only chooses, they are in [`RunFolder::rows`].
    pub fn choice_rows(&self) -> &[Row] {
        &self.choices
    }

    /// The sample id of a row.
    pub fn sample(&self, row: &Row) -> &str {
        self.ids.get(row.sample)
    }

    /// Opens the texts of the folder.
    pub fn texts(&self) -> Result<Texts<'_>, FolderError> {
        let open = |name| {
            let path = self.dir.join(name);
            match File::open(&path) {
                Ok(file) => Ok(Some((path, file))),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(FolderError::Io { path, source }),
            }
        };
        Ok(Texts {
            folder: self,
            records: open(files::RECORDS)?,
            prompts: open(files::PROMPTS)?,
            scores: self.scores.as_ref().map(Scores::open).transpose()?,
            buffer: Vec::new(),
        })
    }
}

/// A suite of the run as it scored again.
fn scored<'a>(scores: Option<&'a Scores>, suite: &SuiteRef) -> Option<&'a ScoredSuite> {
    scores?.head.suites.iter().find(|scored| scored.facts.name == suite.name)
}

/// Reads texts of an opened folder, one unit at a time.
#[derive(Debug)]
pub struct Texts<'a> {
    folder: &'a RunFolder,
    records: Option<(PathBuf, File)>,
    prompts: Option<(PathBuf, File)>,
    scores: Option<OpenScores<'a>>,
    buffer: Vec<u8>,
}

impl Texts<'_> {
    /// The whole record behind a row, with its newest score.
    pub fn record(&mut self, row: &Row) -> Result<Record, FolderError> {
        let Some((path, file)) = &mut self.records else {
            return Err(changed(&self.folder.dir.join(files::RECORDS)));
        };
        read_span(path, file, row.span, &mut self.buffer)?;
        let mut record = serde_json::from_slice(&self.buffer).map_err(|_| changed(path))?;
        if let Some(scores) = &mut self.scores {
            scores.apply(&mut record)?;
        }
        Ok(record)
    }

    /// The prompt behind a row, as it stands in the folder; `None` where it was not kept.
    pub fn prompt(&mut self, row: &Row) -> Result<Option<String>, FolderError> {
        let (Some(span), Some((path, file))) =
            (self.folder.prompts.get(row.prompt), &mut self.prompts)
        else {
            return Ok(None);
        };
        read_span(path, file, span, &mut self.buffer)?;
        let prompt: PromptText = serde_json::from_slice(&self.buffer).map_err(|_| changed(path))?;
        Ok(Some(prompt.text))
    }
}

fn changed(path: &Path) -> FolderError {
    FolderError::Format {
        path: path.to_owned(),
        line: None,
        why: "the file changed while it was read".into(),
        remedy: "wait until the run has ended and report again",
    }
}

fn read_span(
    path: &Path,
    file: &mut File,
    span: Span,
    buffer: &mut Vec<u8>,
) -> Result<(), FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    file.seek(SeekFrom::Start(span.offset)).map_err(io)?;
    buffer.clear();
    buffer.resize(span.len, 0);
    file.read_exact(buffer).map_err(io)
}

/// The manifest of a folder; refuses a newer schema before anything else is read of it.
fn manifest(dir: &Path) -> Result<Manifest, FolderError> {
    let path = dir.join(files::MANIFEST);
    let value: serde_json::Value = json_file(&path)?;
    let found = value.get("schema").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > SCHEMA {
        return Err(FolderError::Newer { path, found });
    }
    serde_json::from_value(value).map_err(|e| not_json(&path, None, &e))
}

fn json_file<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let text =
        std::fs::read(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|e| not_json(path, None, &e))
}

fn line_of<T: DeserializeOwned>(path: &Path, bytes: &[u8], line: u64) -> Result<T, FolderError> {
    serde_json::from_slice(bytes).map_err(|e| not_json(path, Some(line), &e))
}

fn not_json(path: &Path, line: Option<u64>, error: &serde_json::Error) -> FolderError {
    FolderError::Format {
        path: path.to_owned(),
        line,
        why: format!("cannot be read: {error}"),
        remedy: "restore the file, or delete the line and resume the run",
    }
}

/// A line of `records.jsonl`, with the schema looked at first where the line does not fit.
fn record_of(path: &Path, bytes: &[u8], line: u64) -> Result<Record, FolderError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u32,
    }
    let record = serde_json::from_slice::<Record>(bytes);
    let schema = match &record {
        Ok(record) => record.schema,
        Err(_) => serde_json::from_slice::<Version>(bytes).map_or(0, |v| v.schema),
    };
    if schema > SCHEMA {
        return Err(FolderError::Newer { path: path.to_owned(), found: schema });
    }
    record.map_err(|e| not_json(path, Some(line), &e))
}

/// Calls `each` with every complete line, its place and its number; returns 1 for a torn last line.
fn lines(
    path: &Path,
    mut each: impl FnMut(&[u8], Span, u64) -> Result<(), FolderError>,
) -> Result<u64, FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    let (mut offset, mut number, mut buffer) = (0u64, 0u64, Vec::new());
    loop {
        buffer.clear();
        let read = reader.read_until(b'\n', &mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(0);
        }
        if buffer.pop() != Some(b'\n') {
            return Ok(1);
        }
        number = number.saturating_add(1);
        if !buffer.iter().all(u8::is_ascii_whitespace) {
            each(&buffer, Span { offset, len: buffer.len() }, number)?;
        }
        offset = offset.saturating_add(read as u64);
    }
}
