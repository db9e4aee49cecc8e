//! Scores that were made again, as they are read: the newest file of a run folder.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::index::{Index, key};
use super::{FolderError, changed, line_of, lines, read_span};
use crate::run::{Record, SCHEMA, ScoreLine, ScoresHead, files};

/// Longest head of a file, in bytes; a run of a thousand suites has less.
const LONGEST_HEAD: u64 = 4 << 20;

/// The newest scores of a folder, and where the line of each unit stands.
#[derive(Debug)]
pub(super) struct Scores {
    pub head: ScoresHead,
    path: PathBuf,
    spans: Index,
}

/// The file of [`Scores`], opened.
#[derive(Debug)]
pub(super) struct OpenScores<'a> {
    scores: &'a Scores,
    file: File,
    buffer: Vec<u8>,
}

/// The head of the newest scores of a run folder; `None` where they were never made again.
///
/// # Errors
/// A file of scores cannot be read, or was written by a newer program.
pub fn newest_scores(dir: &Path) -> Result<Option<ScoresHead>, FolderError> {
    Ok(newest(dir)?.map(|(head, _)| head))
}

/// The newest head and its file.
fn newest(dir: &Path) -> Result<Option<(ScoresHead, PathBuf)>, FolderError> {
    let io = |source| FolderError::Io { path: dir.to_owned(), source };
    let mut newest: Option<(ScoresHead, PathBuf)> = None;
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !files::is_scores(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        let head = head(&path)?;
        let order = |head: &ScoresHead| (head.number, head.time.clone());
        if newest.as_ref().is_none_or(|(newest, _)| order(newest) < order(&head)) {
            newest = Some((head, path));
        }
    }
    Ok(newest)
}

fn head(path: &Path) -> Result<ScoresHead, FolderError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u32,
    }
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    let mut line = Vec::new();
    let file = File::open(path).map_err(io)?;
    BufReader::new(file.take(LONGEST_HEAD)).read_until(b'\n', &mut line).map_err(io)?;
    if let Ok(Version { schema }) = serde_json::from_slice(&line)
        && schema > SCHEMA
    {
        return Err(FolderError::Newer { path: path.to_owned(), found: schema });
    }
    serde_json::from_slice(&line).map_err(|error| FolderError::Format {
        path: path.to_owned(),
        line: Some(1),
        why: format!("cannot be read: {error}"),
        remedy: "remove the file, then run `rightsize rescore` on the folder",
    })
}

impl Scores {
    /// The newest scores of a folder, if there are any.
    pub(super) fn newest(dir: &Path) -> Result<Option<Scores>, FolderError> {
        let Some((head, path)) = newest(dir)? else { return Ok(None) };
        let mut spans = Index::default();
        let torn = lines(&path, |bytes, span, number| {
            #[derive(serde::Deserialize)]
            struct Unit {
                unit: String,
            }
            if number > 1 {
                let Unit { unit } = line_of(&path, bytes, number)?;
                spans.add(key(&unit), span);
            }
            Ok(())
        })?;
        match torn {
            0 => Ok(Some(Scores { head, path, spans: spans.complete() })),
            // It was written whole, so that a torn line means a broken copy.
            _ => Err(FolderError::Format {
                path,
                line: None,
                why: "its last line is cut off".to_owned(),
                remedy: "remove the file, then run `rightsize rescore` on the folder",
            }),
        }
    }

    /// Opens the file.
    pub(super) fn open(&self) -> Result<OpenScores<'_>, FolderError> {
        let file = File::open(&self.path)
            .map_err(|source| FolderError::Io { path: self.path.clone(), source })?;
        Ok(OpenScores { scores: self, file, buffer: Vec::new() })
    }
}

impl OpenScores<'_> {
    /// Puts the newest score in the place of the record's; says whether there is one.
    pub(super) fn apply(&mut self, record: &mut Record) -> Result<bool, FolderError> {
        let path = &self.scores.path;
        let Some(span) = self.scores.spans.get(key(&record.unit)) else { return Ok(false) };
        read_span(path, &mut self.file, span, &mut self.buffer)?;
        let line: ScoreLine = serde_json::from_slice(&self.buffer).map_err(|_| changed(path))?;
        let fits = line.fits(record);
        if fits {
            line.apply(record);
        }
        Ok(fits)
    }
}
