//! Scores made again of the answers of a run, after a change of an alias, a filter, a comparator or
//! an expected answer, or of rightsize itself. No call is made, and the records stay as they are.

mod comparable;
mod difference;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rightsize_providers::digest::{self, Half};
use rightsize_reports::folder::{FolderError, RunFolder};
use rightsize_reports::run::{
    Mode, Outcome, Record, SCHEMA, ScoreLine, ScoredSuite, ScoresHead, SuiteFacts, SuiteRef, files,
};
use rightsize_suites::tasks::SCORING_VERSION;
use rightsize_suites::{Sample, Suite};
use serde_json::json;

use crate::exit::Failure;
use crate::journal::{ScoresFile, ScoresWriter};
use crate::judge::{Judgement, judge, parts_of_error};
use crate::prepare::kept_suite;
use crate::scorer::Scorer;

pub use difference::{CellDifference, Difference, SampleDifference, Scored};

/// Hexadecimal digits of the digest in a scoring version.
const DIGITS: usize = 12;

/// What was done.
#[derive(Debug)]
pub struct Rescored {
    /// What has changed.
    pub difference: Difference,
    /// The file of the new scores; absent if nothing was to be written.
    pub file: Option<PathBuf>,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// Scores the answers of a run folder again: by the suites that scored it last, those that `sources`
/// name replaced by what stands there now. With `dry_run` nothing is written.
///
/// # Errors
/// The folder is no run, in use or damaged; a suite is wrong, or would have asked something else.
pub fn rescore(folder: &Path, sources: &[String], dry_run: bool) -> Result<Rescored, Failure> {
    let writer = if dry_run { None } else { Some(ScoresWriter::begin(folder)?) };
    let run = RunFolder::open(folder).map_err(unreadable)?;
    let mut notes = Vec::new();
    let suites = suites(folder, &run, sources, &mut notes)?;
    if !run.dev_rows().is_empty() {
        notes.push(format!(
            "{} records of the dev split keep their scores: prompt variants were chosen by them",
            run.dev_rows().len()
        ));
    }
    let scorers = scorers(&suites)?;
    let head = head(&run, &suites);
    let mut file = match &writer {
        Some(writer) => {
            for ((suite, scored), asked) in
                suites.iter().zip(&head.suites).zip(&run.manifest.suites)
            {
                if scored.facts.sha256 != asked.sha256 {
                    writer.keep(&scored.folder(asked), suite)?;
                }
            }
            Some(writer.file(&head)?)
        }
        None => None,
    };
    let difference = score_all(&run, &suites, &scorers, &head.scoring_version, file.as_mut())?;
    let file = file.map(ScoresFile::finish).transpose()?;
    Ok(Rescored { difference, file, notes })
}

fn unreadable(error: FolderError) -> Failure {
    Failure::wrong(error, "give the folder that `rightsize run` named")
}

/// The suites in the order of the manifest.
fn suites(
    folder: &Path,
    run: &RunFolder,
    sources: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<Suite>, Failure> {
    let mut given: HashMap<String, Suite> = HashMap::new();
    for source in sources {
        let suite = Suite::load(source, Path::new(""))?;
        let names = || run.manifest.suites.iter().map(|suite| suite.name.as_str());
        if !names().any(|name| name == suite.name) {
            let message = format!("{source} is the suite `{}`, which was not run", suite.name);
            let has = names().collect::<Vec<_>>().join(", ");
            return Err(Failure::wrong(message, format!("the run has: {has}")));
        }
        if let Some(twice) = given.insert(suite.name.clone(), suite) {
            let message = format!("--suite names two files of the suite `{}`", twice.name);
            return Err(Failure::wrong(message, "name one of them"));
        }
    }
    let mut all = Vec::new();
    for asked in &run.manifest.suites {
        let suite = match given.remove(&asked.name) {
            None => kept_suite(&run.suite_folder(asked), run.source(asked))?,
            Some(new) => {
                let own = folder.join(files::SUITES).join(&asked.name);
                let first = kept_suite(&own, &asked.source)?;
                unchanged(folder, asked, &first)?;
                notes.extend(comparable::check(&first, &new)?);
                let mut passes = run.manifest.planned.iter();
                if passes.any(|pass| pass.suite == asked.name && pass.mode == Mode::Choose) {
                    comparable::check_choices(&first, &new)?;
                }
                // The suite as it was run has its place in the folder, and its source.
                if new.sha256 == first.sha256 { first } else { new }
            }
        };
        all.push(suite);
    }
    Ok(all)
}

/// The commands of suites that are scored by one. A run folder does not keep a command's files.
fn scorers(suites: &[Suite]) -> Result<Vec<Option<Scorer>>, Failure> {
    let scorer = |suite: &Suite| match &suite.command {
        Some(command) if command.sha256.is_none() => Err(Failure::wrong(
            format!("`{}` is scored by a command: {}", suite.name, command.shown()),
            "give the suite's own file with --suite, beside which the command lies",
        )),
        _ => Ok(Scorer::of(suite, Path::new(""))),
    };
    suites.iter().map(scorer).collect()
}

/// What was asked is known only if the suite in the folder is the one that was run.
fn unchanged(folder: &Path, asked: &SuiteRef, kept: &Suite) -> Result<(), Failure> {
    if kept.sha256 == asked.sha256 {
        return Ok(());
    }
    Err(Failure::wrong(
        format!("{}: the suite `{}` in the folder was changed", folder.display(), asked.name),
        "restore the folder from a copy",
    ))
}

fn head(run: &RunFolder, suites: &[Suite]) -> ScoresHead {
    let scored: Vec<ScoredSuite> = suites
        .iter()
        .map(|suite| ScoredSuite {
            facts: SuiteFacts::of(suite),
            source: suite.source.clone(),
            scoring_sha256: suite.scoring_digest(),
        })
        .collect();
    // Facts of a suite that change no score, such as its margin, are no part of the version: the
    // newest file names the suite that has them.
    let all: Vec<_> = scored.iter().map(|s| [&s.facts.name, &s.scoring_sha256]).collect();
    let mut digits = digest::of_value(&json!(all));
    digits.truncate(DIGITS);
    ScoresHead {
        schema: SCHEMA,
        scoring_version: format!("{SCORING_VERSION}-{digits}"),
        number: run.rescored().map_or(0, |before| before.number).saturating_add(1),
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        suites: scored,
    }
}

/// What an id is looked up by.
fn key_of(id: &str) -> Half {
    digest::half(&digest::of_bytes(id.as_bytes()))
}

/// The position of each sample of a suite, by its id.
fn positions(suite: &Suite) -> HashMap<Half, usize> {
    suite.samples.iter().enumerate().map(|(at, sample)| (key_of(&sample.id), at)).collect()
}

/// Scores unit by unit, so that memory does not grow with the texts.
fn score_all(
    run: &RunFolder,
    suites: &[Suite],
    scorers: &[Option<Scorer>],
    scoring_version: &str,
    mut file: Option<&mut ScoresFile<'_>>,
) -> Result<Difference, Failure> {
    let positions: Vec<HashMap<Half, usize>> = suites.iter().map(positions).collect();
    let mut texts = run.texts().map_err(unreadable)?;
    let mut tally = difference::Tally::new(run);
    let beside = run.choice_rows().iter().map(|row| (row, false));
    for (row, of_cell) in run.rows().iter().map(|row| (row, true)).chain(beside) {
        let before = texts.record(row).map_err(unreadable)?;
        let suite = suites.get(row.suite);
        let position = positions.get(row.suite).and_then(|p| p.get(&key_of(run.sample(row))));
        let sample = suite.zip(position).and_then(|(suite, at)| suite.samples.get(*at));
        let (Some(suite), Some(sample)) = (suite, sample) else {
            return Err(unscored(&before, "its suite has no such sample"));
        };
        let scorer = scorers.get(row.suite).and_then(Option::as_ref);
        let after = again(&before, suite, scorer, &sample)?;
        if let Some(file) = file.as_mut() {
            file.line(&after)?;
        }
        // Choices beside written answers are in the file; the difference is that of the cells.
        if of_cell {
            tally.add(row, &before, &after);
        }
    }
    Ok(tally.finish(run, suites, scoring_version))
}

/// The score of a recorded answer. An error stays one, with the statistics of what is expected now.
fn again(
    record: &Record,
    suite: &Suite,
    scorer: Option<&Scorer>,
    sample: &Sample,
) -> Result<ScoreLine, Failure> {
    let expected = (record.expected != sample.expected).then(|| sample.expected.clone());
    if record.outcome == Outcome::Error {
        return Ok(ScoreLine {
            unit: record.unit.clone(),
            outcome: Outcome::Error,
            score: None,
            parts: parts_of_error(suite, sample),
            readings: record.readings.clone(),
            detail: record.detail.clone(),
            expected,
            schema_valid: record.signals.schema_valid,
            parse_repaired: record.signals.parse_repaired,
        });
    }
    let Some(response) = &record.response else {
        return Err(unscored(record, "the record has no answer"));
    };
    let Judgement { reading, outcome, score } = judge(suite, scorer, sample, response);
    let score = score.map_err(|error| unscored(record, &error.to_string()))?;
    let (schema_valid, repaired) = (reading.schema_valid, reading.repaired);
    Ok(ScoreLine {
        unit: record.unit.clone(),
        outcome,
        score: Some(score.primary),
        parts: score.parts,
        readings: reading.recorded(),
        detail: score.detail,
        expected,
        schema_valid,
        parse_repaired: Some(repaired),
    })
}

fn unscored(record: &Record, why: &str) -> Failure {
    Failure::wrong(
        format!(
            "sample `{}` of suite `{}` cannot be scored again: {why}",
            record.sample, record.suite
        ),
        "restore the folder from a copy",
    )
}
