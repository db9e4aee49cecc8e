//! A run made ready: its suites loaded, its matrix planned, its folder created or opened again.

mod kept;
mod planning;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rightsize_providers::digest;
use rightsize_reports::folder::newest_scores;
use rightsize_reports::run::{
    BASELINE, EntryRef, Manifest, PlannedPass, SCHEMA, ScorerRef, SuiteRef, files,
};
use rightsize_suites::{Problems, Suite};
use serde_json::Value;

use crate::bakeoff::{Bakeoff, BakeoffFile};
use crate::exit::Failure;
use crate::journal::{self, Done, Journal};
use crate::modes;
use crate::plan::{self, Shard};
use crate::printer::Printer;
use crate::runner::Work;
use crate::scorer::{self, Scorer};
use crate::variants;

pub use kept::kept_suite;
pub use planning::Choosing;
use planning::{Planned, plan};

/// A run, ready to begin: its matrix, its folder.
pub struct Prepared {
    /// What the workers need.
    pub bakeoff: Bakeoff,
    /// The suites.
    pub suites: Vec<Suite>,
    /// The commands that score answers, by suite.
    pub scorers: Vec<Option<Scorer>>,
    /// The work that is left; where prompt variants are to be chosen, that of the dev split.
    pub work: Work,
    /// What the test split is planned with once they are chosen.
    pub choosing: Option<Choosing>,
    /// Units without an answer, those of work that is not planned yet included.
    pub left: u64,
    /// The folder that paths in the bake-off are relative to.
    pub base: PathBuf,
    /// The open run folder.
    pub journal: Journal,
    /// Number of the session.
    pub session: u32,
    /// Units planned in this folder.
    pub planned: u64,
    /// Units that had an answer before.
    pub done: u64,
}

/// Loads the suites of a bake-off, all problems together.
pub fn load_suites(file: &BakeoffFile) -> Result<Vec<Suite>, Failure> {
    let mut problems = Vec::new();
    let mut suites: Vec<Suite> = Vec::new();
    for source in &file.bakeoff.suites {
        match Suite::load(source, &file.base) {
            Ok(suite) => suites.push(suite),
            Err(Problems(more)) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    let mut names = BTreeSet::new();
    for suite in &suites {
        if !names.insert(suite.name.as_str()) {
            let message = format!("two suites are called `{}`", suite.name);
            return Err(Failure::wrong(message, "change the `name` in one of the suite files"));
        }
        let (needed, repeats) = (suite.reduce.needs(), file.bakeoff.repeats);
        if needed > repeats {
            let message = format!(
                "the suite `{}` counts {}, and the bake-off asks each sample {repeats} time(s)",
                suite.name, suite.reduce
            );
            return Err(Failure::wrong(message, format!("set `repeats: {needed}`, or more")));
        }
    }
    variants::check(file, &suites)?;
    modes::check(file, &suites)?;
    Ok(suites)
}

/// Plans a new run and creates its folder.
pub fn begin(
    file: BakeoffFile,
    only_suites: &[String],
    limit: Option<usize>,
    shard: Option<Shard>,
    out: Option<&Path>,
    printer: Printer,
) -> Result<Prepared, Failure> {
    let mut suites = load_suites(&file)?;
    if !only_suites.is_empty() {
        let known: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        if let Some(unknown) = only_suites.iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("--suites names `{unknown}`, and the bake-off has no such suite");
            return Err(Failure::wrong(message, format!("it has: {}", known.join(", "))));
        }
        suites.retain(|suite| only_suites.contains(&suite.name));
    }
    let warnings = file.bakeoff.warnings();
    for warning in suites.iter().flat_map(|suite| &suite.warnings).chain(&warnings) {
        printer.note(&format!("warning: {warning}"));
    }
    let part = (limit, shard);
    let Planned { work, choosing, passes } =
        plan(&file.bakeoff, &suites, &file.base, part, Done::default())?;
    for method in &file.bakeoff.baselines {
        for unfit in suites.iter().filter_map(|suite| method.check(suite).err()) {
            let (suite, why) = (unfit.suite, unfit.why);
            printer.note(&format!("note: baseline {method} does not answer {suite}: {why}"));
        }
    }
    let planned = passes.iter().map(|pass| pass.units).sum();
    let left = if choosing.is_some() { planned } else { work.left() };
    let scorers = scorers(&suites, &file.base, left, printer)?;
    let manifest = manifest(&file, &suites, limit, shard, passes);
    let folder = match out {
        Some(folder) => folder.to_path_buf(),
        None => {
            PathBuf::from("runs").join(format!("{}-{}", stamp(), file_name(&file.bakeoff.name)))
        }
    };
    let journal = journal::create(&folder, &manifest, &file.text, &suites)?;
    let BakeoffFile { bakeoff, base, .. } = file;
    Ok(Prepared {
        bakeoff,
        suites,
        scorers,
        work,
        choosing,
        left,
        base,
        journal,
        session: 1,
        planned,
        done: 0,
    })
}

/// The scoring commands of the suites, each named to the user and tried out: one that does not work
/// is found before anything is asked.
fn scorers(
    suites: &[Suite],
    base: &Path,
    left: u64,
    printer: Printer,
) -> Result<Vec<Option<Scorer>>, Failure> {
    let mut scorers = Vec::new();
    for suite in suites {
        let scorer = Scorer::of(suite, base);
        if let Some(scorer) = scorer.as_ref().filter(|_| left > 0) {
            printer.warn(&format!("{} is scored by a command: {}", suite.name, scorer.shown()));
            scorer.try_out(suite).map_err(|error| {
                let message = format!("the expected answer of {}: {error}", suite.name);
                Failure::wrong(message, "try the command by hand: it gets a JSON object a line")
            })?;
        }
        scorers.push(scorer);
    }
    Ok(scorers)
}

/// Looks up the command of a suite out of a run folder again: it must be the one of the manifest.
fn with_command_of(mut suite: Suite, reference: &SuiteRef, base: &Path) -> Result<Suite, Failure> {
    let folder = scorer::folder_of(&suite, base);
    let Some(command) = &mut suite.command else { return Ok(suite) };
    let now = command.digest(&folder).ok();
    if now.is_none() || now != reference.scorer.as_ref().map(|scorer| scorer.sha256.clone()) {
        return Err(Failure::wrong(
            format!(
                "the command that scores `{}` is not the one of this run: {} (in {})",
                suite.name,
                command.shown(),
                folder.display()
            ),
            "restore its files, or start a new run with --out",
        ));
    }
    command.sha256 = now;
    Ok(suite)
}

/// A folder for a run: the time in UTC, so that folders sort by age.
fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string()
}

fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

fn manifest(
    file: &BakeoffFile,
    suites: &[Suite],
    limit: Option<usize>,
    shard: Option<Shard>,
    planned: Vec<PlannedPass>,
) -> Manifest {
    Manifest {
        schema: SCHEMA,
        name: file.bakeoff.name.clone(),
        bakeoff_sha256: digest::of_bytes(file.text.as_bytes()),
        bakeoff: plan::resolved(&file.bakeoff, limit),
        seed: file.bakeoff.seed,
        suites: suites
            .iter()
            .map(|suite| SuiteRef {
                name: suite.name.clone(),
                sha256: suite.sha256.clone(),
                source: suite.source.clone(),
                scorer: suite.command.as_ref().map(|command| ScorerRef {
                    command: command.argv.clone(),
                    sha256: command.sha256.clone().unwrap_or_default(),
                }),
            })
            .collect(),
        models: file
            .bakeoff
            .models
            .iter()
            .map(|entry| EntryRef {
                id: entry.id.clone(),
                provider: entry.provider.as_str().to_owned(),
                model: entry.model.clone(),
                concurrency: entry.concurrency,
                local: entry.provider.is_local(),
            })
            .chain(file.bakeoff.baselines.iter().map(|method| EntryRef {
                id: method.word().to_owned(),
                provider: BASELINE.to_owned(),
                model: method.word().to_owned(),
                concurrency: 1,
                local: false,
            }))
            .collect(),
        units_planned: planned.iter().map(|pass| pass.units).sum(),
        planned,
        shard: shard.map(|shard| shard.to_string()),
    }
}

/// Opens a run folder to go on with; everything but the models comes out of the folder.
pub fn resume(folder: &Path, file: Option<&Path>, printer: Printer) -> Result<Prepared, Failure> {
    let resumed = journal::resume(folder)?;
    if resumed.journal.torn_bytes() > 0 {
        let bytes = resumed.journal.torn_bytes();
        printer.note(&format!(
            "a torn last line ({bytes} bytes) was dropped; its unit is asked again"
        ));
    }
    let manifest = resumed.manifest;
    let damaged = |what: &str| {
        Failure::wrong(format!("{}: {what}", folder.display()), "restore the folder from a copy")
    };
    let bakeoff = manifest.bakeoff.get("bakeoff").cloned().unwrap_or_default();
    let bakeoff: Bakeoff = serde_json::from_value(bakeoff)
        .map_err(|error| damaged(&format!("the bake-off in manifest.json is damaged: {error}")))?;
    let scores = newest_scores(folder)
        .map_err(|error| Failure::wrong(error, "resume when the file is mended or removed"))?;
    if scores.is_some() {
        printer.note(&format!(
            "note: the scores of this folder were made again; new answers are scored by the suites \
             as they were run. Afterwards: rightsize rescore {}",
            folder.display()
        ));
    }
    let limit = manifest.bakeoff.get("limit").and_then(Value::as_u64);
    let limit = limit.and_then(|n| usize::try_from(n).ok());
    let shard = manifest.shard.as_deref().map(str::parse).transpose();
    let shard = shard.map_err(|error: String| damaged(&error))?;
    let mut suites = Vec::new();
    for reference in &manifest.suites {
        let own = folder.join(files::SUITES).join(&reference.name);
        let suite = kept_suite(&own, &reference.source)?;
        if suite.sha256 != reference.sha256 {
            return Err(damaged(&format!("the suite `{}` in the folder was changed", suite.name)));
        }
        suites.push(suite);
    }
    let mut base = resumed.base;
    if let Some(path) = file {
        let given = BakeoffFile::load(path)?;
        if digest::of_bytes(given.text.as_bytes()) != manifest.bakeoff_sha256 {
            return Err(Failure::wrong(
                format!("{} is not the bake-off of {}", path.display(), folder.display()),
                "resume without a file, or start a new run with --out",
            ));
        }
        base = given.base;
    }
    let suites = suites.into_iter().zip(&manifest.suites);
    let suites: Vec<Suite> = suites
        .map(|(suite, reference)| with_command_of(suite, reference, &base))
        .collect::<Result<_, _>>()?;
    let done = resumed.done.count();
    let Planned { work, choosing, .. } =
        plan(&bakeoff, &suites, &base, (limit, shard), resumed.done)?;
    let left = match &choosing {
        Some(_) => manifest.units_planned.saturating_sub(done),
        None => work.left(),
    };
    let scorers = scorers(&suites, &base, left, printer)?;
    Ok(Prepared {
        bakeoff,
        suites,
        scorers,
        work,
        choosing,
        left,
        base,
        journal: resumed.journal,
        session: resumed.session,
        planned: manifest.units_planned,
        done,
    })
}
