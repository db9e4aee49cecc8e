//! Run folders of shards, put together into one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rightsize_providers::digest::half;
use rightsize_reports::run::{
    Manifest, Outcome, PlannedPass, PromptText, Record, SCHEMA, SessionLine, files,
};

use super::lock::Lock;
use super::resume::{UnitLine, lines, lines_at, read_manifest, session_of};
use super::{Journal, JournalError, write_whole};
use crate::plan::UnitKey;

/// What a merge found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Units in the new folder.
    pub units: u64,
    /// Units that stood in more than one folder.
    pub repeated: u64,
}

/// Where the best record of a unit stands.
struct Place {
    folder: usize,
    offset: u64,
    unit: String,
    answered: bool,
}

/// Writes `out` as the one run that `folders` are parts of.
///
/// Records are written in the order of their keys, so that the result does not depend on the order
/// of the folders. Of two records of one unit an answer beats an error, and the first beats the rest.
///
/// # Errors
/// The folders are not parts of one run, two of them asked one unit different things, or the scores
/// of one were made again.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<Merged, JournalError> {
    folders.iter().try_for_each(|folder| refuse_scores(folder))?;
    let manifest = common_manifest(folders)?;
    let (places, repeated) = best_places(folders)?;
    std::fs::create_dir_all(out).map_err(JournalError::io(out))?;
    if std::fs::read_dir(out).map_err(JournalError::io(out))?.next().is_some() {
        let what = "something".to_owned();
        return Err(JournalError::NotEmpty { path: out.display().to_string(), what });
    }
    let lock = Lock::take(out)?;
    if let Some(first) = folders.first() {
        copy_sources(first, out)?;
    }
    let mut journal = Journal::open(out, lock, HashSet::new())?;
    merge_prompts(folders, &mut journal)?;
    let mut parts = Vec::new();
    for (folder, sessions_before) in folders.iter().zip(merge_sessions(folders, &mut journal)?) {
        let path = folder.join(files::RECORDS);
        let file = File::open(&path).map_err(JournalError::io(&path))?;
        parts.push((BufReader::new(file), path, sessions_before));
    }
    for place in places.values() {
        if let Some((file, path, sessions_before)) = parts.get_mut(place.folder) {
            let record = read_record(file, path, place.offset, *sessions_before)?;
            journal.records.append(&record)?;
        }
    }
    journal.sync()?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| JournalError::io(out)(e.into()))?;
    write_whole(&out.join(files::MANIFEST), &text)?;
    Ok(Merged { units: places.len() as u64, repeated })
}

/// Scores that were made again are of one folder. Merged, they would cover a part of the run only,
/// and left out they would be lost without a word.
fn refuse_scores(folder: &Path) -> Result<(), JournalError> {
    // What is no folder is told when its manifest is read.
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let name = entry.map_err(JournalError::io(folder))?.file_name();
        if files::is_scores(&name.to_string_lossy()) {
            return Err(JournalError::unfit(
                &folder.join(name),
                "the scores of this part were made again",
                "move the file away, merge, then run `rightsize rescore` on the merged folder",
            ));
        }
    }
    Ok(())
}

/// The manifest that all folders share but for shard and number of units, which is added up over
/// the different shards.
fn common_manifest(folders: &[PathBuf]) -> Result<Manifest, JournalError> {
    let mut common: Option<Manifest> = None;
    let mut planned: BTreeMap<Option<String>, Vec<PlannedPass>> = BTreeMap::new();
    for folder in folders {
        let mut manifest = read_manifest(folder)?;
        planned.insert(manifest.shard.take(), std::mem::take(&mut manifest.planned));
        manifest.units_planned = 0;
        match &common {
            None => common = Some(manifest),
            Some(first) if *first == manifest => {}
            Some(first) => {
                return Err(JournalError::unfit(
                    folder,
                    format!("not a part of the same run: {}", difference(first, &manifest)),
                    "merge only folders of one bake-off with the same suites, models and seed",
                ));
            }
        }
    }
    let mut common = common.ok_or_else(|| {
        JournalError::unfit(Path::new("merge"), "no folders", "name at least one run folder")
    })?;
    // A whole run among the folders has all units; shards add up.
    common.planned = match planned.remove(&None) {
        Some(whole) => whole,
        None => added_up(planned.into_values()),
    };
    common.units_planned = common.planned.iter().map(|pass| pass.units).sum();
    Ok(common)
}

/// The passes of shards, each pass once, in the order of the first shard.
fn added_up(shards: impl Iterator<Item = Vec<PlannedPass>>) -> Vec<PlannedPass> {
    let mut whole: Vec<PlannedPass> = Vec::new();
    for pass in shards.flatten() {
        let same = whole.iter_mut().find(|seen| {
            (&seen.suite, &seen.model, seen.scenario, seen.split, seen.mode)
                == (&pass.suite, &pass.model, pass.scenario, pass.split, pass.mode)
        });
        match same {
            // Every shard asks all of the dev split: the same units.
            Some(seen) if !seen.split.is_test() => {}
            Some(seen) => seen.units += pass.units,
            None => whole.push(pass),
        }
    }
    whole
}

/// Where two manifests first differ, in words.
pub fn difference(a: &Manifest, b: &Manifest) -> String {
    if a.bakeoff_sha256 != b.bakeoff_sha256 || a.bakeoff != b.bakeoff {
        return "the bake-off differs".to_owned();
    }
    if let Some((x, _)) = a.suites.iter().zip(&b.suites).find(|(x, y)| x != y) {
        return format!("the suite `{}` differs", x.name);
    }
    if let Some((x, _)) = a.models.iter().zip(&b.models).find(|(x, y)| x != y) {
        return format!("the model entry `{}` differs", x.id);
    }
    "seed, suites or models differ".to_owned()
}

type Places = BTreeMap<UnitKey, Place>;

/// For each unit the place of its best record, and how many units stand in several folders.
fn best_places(folders: &[PathBuf]) -> Result<(Places, u64), JournalError> {
    let mut places: Places = BTreeMap::new();
    let mut repeated = HashSet::new();
    // Of each suite and entry the prompt variant that its test units were asked in.
    let mut variants: HashMap<(String, String), String> = HashMap::new();
    for (folder, path) in folders.iter().enumerate() {
        let mut conflict = None;
        let mut newer = None;
        let mut other_variant = None;
        lines_at(&path.join(files::RECORDS), |offset, record: UnitLine| {
            let answered = record.outcome != Outcome::Error;
            let key = record.key();
            if key.split.is_test() {
                let pair = (key.suite.clone(), key.entry.clone());
                let first = variants.entry(pair).or_insert_with(|| key.variant.clone());
                if *first != key.variant {
                    other_variant.get_or_insert_with(|| (first.clone(), key.clone()));
                }
            }
            match places.get(&key) {
                Some(seen) if seen.unit != record.unit => {
                    conflict.get_or_insert(key);
                }
                Some(seen) => {
                    if seen.folder != folder {
                        repeated.insert(key.clone());
                    }
                    // An answer is final. Of two errors the later one of a folder counts.
                    if !seen.answered && (answered || seen.folder == folder) {
                        places.insert(key, Place { folder, offset, unit: record.unit, answered });
                    }
                }
                None => {
                    places.insert(key, Place { folder, offset, unit: record.unit, answered });
                }
            }
            if record.schema > SCHEMA {
                newer = Some(record.schema);
            }
        })?;
        if let Some(schema) = newer {
            return Err(JournalError::unfit(
                path,
                format!(
                    "has records of a newer version (schema {schema}, this one knows {SCHEMA})"
                ),
                "use that version of rightsize",
            ));
        }
        if let Some((first, key)) = other_variant {
            return Err(JournalError::unfit(
                path,
                format!(
                    "the parts chose different prompt variants of suite `{}` for `{}`: `{first}` \
                     and `{}`",
                    key.suite, key.entry, key.variant
                ),
                "answers on the dev split differed between the parts: fix a `variant` in the entry \
                 and run the parts again",
            ));
        }
        if let Some(key) = conflict {
            return Err(JournalError::unfit(
                path,
                format!(
                    "conflict: sample `{}` of suite `{}` was asked something else of `{}`",
                    key.sample, key.suite, key.entry
                ),
                "the prompts, the sampling or the weights changed between the parts; run them again",
            ));
        }
    }
    Ok((places, repeated.len() as u64))
}

fn copy_sources(from: &Path, to: &Path) -> Result<(), JournalError> {
    let copy = |name: &Path| -> Result<(), JournalError> {
        let target = to.join(name);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(JournalError::io(parent))?;
        }
        std::fs::copy(from.join(name), &target).map_err(JournalError::io(&target)).map(|_| ())
    };
    copy(Path::new(files::BAKEOFF))?;
    let suites = from.join(files::SUITES);
    for suite in std::fs::read_dir(&suites).map_err(JournalError::io(&suites))? {
        let suite = suite.map_err(JournalError::io(&suites))?.file_name();
        let own = Path::new(files::SUITES).join(suite);
        for name in [files::SUITE_YAML, files::SUITE_FACTS, files::SAMPLES] {
            copy(&own.join(name))?;
        }
        for name in [files::TRAIN, files::DEV, files::TOOLS].map(|name| own.join(name)) {
            if from.join(&name).exists() {
                copy(&name)?;
            }
        }
    }
    Ok(())
}

/// Writes the sessions of all folders, numbered on; for each folder how many went before it.
fn merge_sessions(folders: &[PathBuf], journal: &mut Journal) -> Result<Vec<u32>, JournalError> {
    let mut before = 0;
    let mut all_before = Vec::new();
    for folder in folders {
        all_before.push(before);
        let (mut last, mut all) = (0, Vec::new());
        lines(&folder.join(files::SESSIONS), |line: SessionLine| {
            last = last.max(session_of(&line));
            all.push(line);
        })?;
        for mut line in all {
            match &mut line {
                SessionLine::Started(start) => start.session += before,
                SessionLine::Entry(entry) => entry.session += before,
                SessionLine::Ended(end) => end.session += before,
            }
            journal.session(&line)?;
        }
        before += last;
    }
    Ok(all_before)
}

fn merge_prompts(folders: &[PathBuf], journal: &mut Journal) -> Result<(), JournalError> {
    for folder in folders {
        let mut failure = Ok(());
        lines(&folder.join(files::PROMPTS), |prompt: PromptText| {
            if failure.is_ok() && journal.known_prompts.insert(half(&prompt.sha256)) {
                failure = journal.prompts.append(&prompt);
            }
        })?;
        failure?;
    }
    Ok(())
}

/// Reads the record at an offset and numbers its session on.
fn read_record(
    file: &mut BufReader<File>,
    path: &Path,
    offset: u64,
    sessions_before: u32,
) -> Result<Record, JournalError> {
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(JournalError::io(path))?;
    file.read_until(b'\n', &mut line).map_err(JournalError::io(path))?;
    let mut record: Record =
        serde_json::from_slice(&line).map_err(|error| JournalError::io(path)(error.into()))?;
    record.session += sessions_before;
    Ok(record)
}
