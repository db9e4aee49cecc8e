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
use std::path::{Path, PathBuf};

use crate::{
    Advice, Answer, Ask, AskKind, Attempt, Capabilities, Description, ErrorKind, Provider,
    ProviderError, SampleRef, Side, Stage, digest,
};
use line::{Content, Line};

/// The records of a run folder.
const RECORDS: &str = "records.jsonl";

/// Recorded answers of one model.
#[derive(Debug)]
pub struct Replay {
    model: String,
    path: PathBuf,
    sha256: String,
    bytes: u64,
    answers: HashMap<Key, Entry>,
}

/// What a line answers; `None` is any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    suite: Option<String>,
    sample: String,
    repeat: Option<u32>,
}

#[derive(Debug)]
struct Entry {
    content: Content,
    /// `file:line`.
    place: String,
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
        let sources = sources(path)?;
        let mut replay = Replay {
            model: model.to_owned(),
            path: path.to_owned(),
            sha256: digest_of(&sources)?,
            bytes: 0,
            answers: HashMap::new(),
        };
        let mut others = BTreeSet::new();
        for source in &sources {
            replay.bytes = replay.bytes.saturating_add(source.text.len() as u64);
            for line in line::lines(source)? {
                match &line.model {
                    Some(name) if name != model => {
                        others.insert(name.clone());
                    }
                    _ => replay.insert(line, source)?,
                }
            }
        }
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

    fn insert(&mut self, line: Line, source: &Source) -> Result<(), ProviderError> {
        let key = Key {
            suite: line.suite.or_else(|| source.suite.clone()),
            sample: line.sample,
            repeat: line.repeat,
        };
        let place = format!("{}:{}", source.name, line.number);
        if let Some(earlier) = self.answers.get(&key) {
            // One sample asked in both passes: the answer of the batch pass is the one that counts.
            if line.single_stream && !earlier.single_stream {
                return Ok(());
            }
            if !line.is_record || !earlier.is_record {
                let why = format!(
                    "{place}: the sample `{}` already has an answer at {}: leave one of them, or name suite, model or repeat",
                    key.sample, earlier.place
                );
                return Err(unusable(ErrorKind::Protocol, why));
            }
        }
        let entry = Entry {
            content: line.content,
            place,
            is_record: line.is_record,
            single_stream: line.single_stream,
        };
        self.answers.insert(key, entry);
        Ok(())
    }

    fn find(&self, sample: &SampleRef) -> Option<&Content> {
        let suites = [Some(sample.suite.clone()), None];
        let repeats = [Some(sample.repeat), None];
        suites.into_iter().find_map(|suite| {
            repeats.into_iter().find_map(|repeat| {
                let key = Key { suite: suite.clone(), sample: sample.id.clone(), repeat };
                self.answers.get(&key).map(|entry| &entry.content)
            })
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
        match self.find(&ask.sample) {
            Some(Content::Answer(answer)) => Ok((**answer).clone()),
            Some(Content::Error(error)) => Err((**error).clone()),
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

/// A file that has been read.
struct Source {
    /// Its path, for messages.
    name: String,
    /// Its name without folder, for the digest.
    file: String,
    /// The suite that its name stands for.
    suite: Option<String>,
    text: String,
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
        let bytes = std::fs::read(&file).map_err(|e| missing(&e, &file))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
            let line = valid.iter().filter(|b| **b == b'\n').count().saturating_add(1);
            unusable(
                ErrorKind::Protocol,
                format!("{}:{line}: this line is no UTF-8", file.display()),
            )
        })?;
        let part = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        Ok(Source {
            name: file.display().to_string(),
            file: part(file.file_name()),
            suite: is_suite.then(|| part(file.file_stem())),
            text,
        })
    };
    files.into_iter().map(read).collect()
}

/// SHA-256 of the file; of the names and digests for several.
fn digest_of(sources: &[Source]) -> Result<String, ProviderError> {
    if let [one] = sources {
        return Ok(digest::of_bytes(one.text.as_bytes()));
    }
    let names: BTreeMap<&str, String> =
        sources.iter().map(|s| (s.file.as_str(), digest::of_bytes(s.text.as_bytes()))).collect();
    serde_json::to_value(names).map(|value| digest::of_value(&value)).map_err(|e| {
        unusable(ErrorKind::Protocol, format!("no digest of the recorded answers: {e}"))
    })
}

fn unusable(kind: ErrorKind, why: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Start, Advice::EndsEntry, why)
}

#[cfg(test)]
mod tests;
