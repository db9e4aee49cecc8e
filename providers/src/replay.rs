//! Answers read from a file: a run is repeated without a model.
//!
//! A file of JSON lines, a folder with one `SUITE.jsonl` a suite, or a run folder (its
//! `records.jsonl`). A line answers one sample:
//!
//! ```text
//! {"sample": "t-17", "text": "billing"}
//! {"suite": "triage", "sample": "t-18", "model": "small", "repeat": 0,
//!  "response": {"text": "login", "finish": "length"},
//!  "usage": {"input_total": 40, "output_total": 2}, "timing": {"sent": 1, "last_token": 9}}
//! {"sample": "t-19", "error": "the server was down"}
//! ```
//!
//! `id` may stand for `sample`. A line without `suite`, `model` or `repeat` answers for all of
//! them; the more exact line is taken first. Timing is what the file says, else absent. Lines of a
//! run folder (they have `schema`) may hold further keys, a later one supersedes an earlier one, and
//! a torn last line is left out; elsewhere these are errors.

mod line;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::{
    Advice, Answer, Ask, AskKind, Attempt, Capabilities, Description, ErrorKind, Provider,
    ProviderError, SampleRef, Side, Stage,
    digest::{self, Half},
};
use line::{Content, Line};
use serde_json::json;

/// The records of a run folder.
const RECORDS: &str = "records.jsonl";

/// Recorded answers of one model.
#[derive(Debug)]
pub struct Replay {
    model: String,
    path: PathBuf,
    sha256: String,
    bytes: u64,
    sources: Vec<Source>,
    /// The name of each source.
    names: Vec<String>,
    /// Where the line of each answer stands, by what it answers: lines are read again when they are
    /// asked for, so that a million of them take a small memory.
    answers: HashMap<Half, Entry>,
}

/// What a line answers; `None` is any.
fn key(suite: Option<&str>, sample: &str, repeat: Option<u32>) -> Half {
    digest::half(&digest::of_value(&json!([suite, sample, repeat])))
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    /// The number of the line.
    number: u32,
    source: u16,
    is_record: bool,
    single_stream: bool,
}

impl Replay {
    /// Reads a file or a folder. Where lines name a model, those of `model` are taken.
    ///
    /// # Errors
    /// At [`Stage::Start`], ends the entry: no such file, no answers in it, none of this model, or
    /// a line that cannot be read, with file, line and column.
    pub fn open(path: &Path, model: &str) -> Result<Replay, ProviderError> {
        let mut sources = sources(path)?;
        let mut replay = Replay {
            model: model.to_owned(),
            path: path.to_owned(),
            sha256: String::new(),
            bytes: 0,
            sources: Vec::new(),
            names: sources.iter().map(|source| source.name.clone()).collect(),
            answers: HashMap::new(),
        };
        let mut others = BTreeSet::new();
        for (number, source) in (0u16..).zip(&mut sources) {
            let read = line::lines(source, |source, offset, line| match &line.model {
                Some(name) if name != model => {
                    others.insert(name.clone());
                    Ok(())
                }
                _ => replay.insert(&line, offset, source, number),
            })?;
            replay.bytes = replay.bytes.saturating_add(read);
        }
        replay.sha256 = digest_of(&sources)?;
        replay.sources = sources;
        if replay.answers.is_empty() {
            let names = others.into_iter().collect::<Vec<_>>().join("`, `");
            let why = if names.is_empty() {
                format!("{} holds no answers", path.display())
            } else {
                format!(
                    "{} holds no answers of the model `{model}`: it has those of `{names}`; name one of them as `model`",
                    path.display()
                )
            };
            return Err(unusable(ErrorKind::NotFound, why));
        }
        Ok(replay)
    }

    fn insert(
        &mut self,
        line: &Line,
        offset: u64,
        source: &Source,
        number: u16,
    ) -> Result<(), ProviderError> {
        let suite = line.suite.as_deref().or(source.suite.as_deref());
        let key = key(suite, &line.sample, line.repeat);
        if let Some(earlier) = self.answers.get(&key) {
            // One sample asked in both passes: the answer of the batch pass is the one that counts.
            if line.single_stream && !earlier.single_stream {
                return Ok(());
            }
            if !line.is_record || !earlier.is_record {
                // What lies in another file has another suite, unless it names one itself.
                let file = self.names.get(usize::from(earlier.source)).unwrap_or(&source.name);
                let why = format!(
                    "{}:{}: the sample `{}` already has an answer at {file}:{}: leave one of them, or name suite, model or repeat",
                    source.name, line.number, line.sample, earlier.number
                );
                return Err(unusable(ErrorKind::Protocol, why));
            }
        }
        let entry = Entry {
            offset,
            number: u32::try_from(line.number).unwrap_or(u32::MAX),
            source: number,
            is_record: line.is_record,
            single_stream: line.single_stream,
        };
        self.answers.insert(key, entry);
        Ok(())
    }

    fn find(&self, sample: &SampleRef) -> Option<&Entry> {
        let suites = [Some(sample.suite.as_str()), None];
        let repeats = [Some(sample.repeat), None];
        suites.into_iter().find_map(|suite| {
            let mut repeats = repeats.into_iter();
            repeats.find_map(|repeat| self.answers.get(&key(suite, &sample.id, repeat)))
        })
    }

    /// What the line of an answer says.
    fn content(&self, entry: &Entry) -> Result<Content, ProviderError> {
        let source = self.sources.get(usize::from(entry.source));
        let content = source.and_then(|source| line::content_at(&source.file, entry.offset));
        content.ok_or_else(|| {
            let name = source.map_or("", |source| source.name.as_str());
            let why = format!("{name}:{}: the file changed while it was replayed", entry.number);
            ProviderError::new(Side::Ours, ErrorKind::Protocol, Stage::Read, Advice::EndsEntry, why)
        })
    }

    fn answer(&self, ask: &Ask) -> Result<Answer, ProviderError> {
        if !matches!(ask.kind, AskKind::Generate(_)) {
            return Err(ProviderError::new(
                Side::Ours,
                ErrorKind::Unsupported,
                Stage::Prepare,
                Advice::EndsEntry,
                "a file of recorded answers holds written answers only: no choices, no vectors",
            ));
        }
        match self.find(&ask.sample).map(|entry| self.content(entry)).transpose()? {
            Some(Content::Answer(answer)) => Ok(*answer),
            Some(Content::Error(error)) => Err(*error),
            None => Err(ProviderError::new(
                Side::Ours,
                ErrorKind::NotRecorded,
                Stage::Read,
                Advice::Never,
                format!(
                    "{} has no answer for the sample `{}` of the suite `{}` (repeat {}): record it, or leave the sample out",
                    self.path.display(),
                    ask.sample.id,
                    ask.sample.suite,
                    ask.sample.repeat
                ),
            )),
        }
    }
}

impl Provider for Replay {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generate: true,
            choose: false,
            embed: false,
            schema: true,
            tools: true,
            local: false,
            live: false,
            default_concurrency: 8,
        }
    }

    fn attempt<'a>(&'a self, ask: &'a Ask) -> Attempt<'a> {
        Box::pin(std::future::ready(self.answer(ask)))
    }

    fn describe(&self) -> Description {
        Description {
            provider: "replay".to_owned(),
            model: self.model.clone(),
            weights_sha256: Some(self.sha256.clone()),
            weights_bytes: Some(self.bytes),
            facts: BTreeMap::from([("answers".to_owned(), self.answers.len().to_string())]),
            ..Description::default()
        }
    }
}

/// A file of answers.
#[derive(Debug)]
struct Source {
    /// Its path, for messages.
    name: String,
    /// Its name without folder, for the digest.
    short: String,
    /// The suite that its name stands for.
    suite: Option<String>,
    file: File,
    /// SHA-256 of what was read.
    sha256: String,
}

fn sources(path: &Path) -> Result<Vec<Source>, ProviderError> {
    let missing = |e: &std::io::Error, path: &Path| {
        let why = format!("cannot read the recorded answers {}: {e}", path.display());
        unusable(ErrorKind::NotFound, why)
    };
    let meta = std::fs::metadata(path).map_err(|e| missing(&e, path))?;
    let mut files = Vec::new();
    if !meta.is_dir() {
        files.push((path.to_owned(), false));
    } else if path.join(RECORDS).is_file() {
        files.push((path.join(RECORDS), false));
    } else {
        for entry in std::fs::read_dir(path).map_err(|e| missing(&e, path))? {
            let file = entry.map_err(|e| missing(&e, path))?.path();
            if file.extension().is_some_and(|extension| extension == "jsonl") {
                files.push((file, true));
            }
        }
        files.sort();
        if files.is_empty() {
            let why = format!("{} holds neither {RECORDS} nor SUITE.jsonl files", path.display());
            return Err(unusable(ErrorKind::NotFound, why));
        }
    }
    let read = |(file, is_suite): (PathBuf, bool)| {
        let opened = File::open(&file).map_err(|e| missing(&e, &file))?;
        let part = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        Ok(Source {
            name: file.display().to_string(),
            short: part(file.file_name()),
            suite: is_suite.then(|| part(file.file_stem())),
            file: opened,
            sha256: String::new(),
        })
    };
    files.into_iter().map(read).collect()
}

/// SHA-256 of the file; of the names and digests for several.
fn digest_of(sources: &[Source]) -> Result<String, ProviderError> {
    if let [one] = sources {
        return Ok(one.sha256.clone());
    }
    let names: BTreeMap<&str, &str> =
        sources.iter().map(|s| (s.short.as_str(), s.sha256.as_str())).collect();
    serde_json::to_value(names).map(|value| digest::of_value(&value)).map_err(|e| {
        unusable(ErrorKind::Protocol, format!("no digest of the recorded answers: {e}"))
    })
}

fn unusable(kind: ErrorKind, why: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Start, Advice::EndsEntry, why)
}

#[cfg(test)]
mod tests;
