//! The analysis of a run: everything that a renderer shows is computed here, once.
//!
//! [`Analysis::results`] depends on the records alone: the same bytes for one run and for its
//! shards merged, whatever the order of the records. What belongs to sessions (machine, versions,
//! memory, load time, throughput, crashes) stands in [`Analysis::setting`].

mod estimate;
mod kinds;
mod model;
mod modes;
mod pass;
mod repeats;
mod setting;
mod tables;
mod variants;

pub(crate) use estimate::word;
pub use model::*;
pub use setting::{CrashView, EndedBy, EntryView, Rescored, SessionView, Setting};

use crate::folder::{FolderError, Row, RunFolder};
use crate::run::{BASELINE, EntryRef, Manifest, Mode, Scenario, SuiteFacts};

/// How prompt variants scored on the dev split of a run folder, and which were asked on test.
pub fn variants(folder: &RunFolder) -> Vec<VariantView> {
    variants::of(folder)
}

/// Share of its units that a cell must have answered to count as measured.
pub const MEASURED_FROM: f64 = 0.95;

/// Analyses an opened run folder.
///
/// # Errors
/// None at present; the signature leaves room for folders that are read while they are analysed.
pub fn analyse(folder: &RunFolder) -> Result<Analysis, FolderError> {
    let manifest = &folder.manifest;
    let mut cells = Vec::new();
    for (s, facts) in folder.suites.iter().enumerate() {
        let of_suite: Vec<&Row> = folder.rows().iter().filter(|row| row.suite == s).collect();
        for (m, entry) in manifest.models.iter().enumerate() {
            let asked = entry.provider != BASELINE
                || planned(manifest, facts, entry, (Scenario::Batch, Mode::Generate)) > 0;
            if asked {
                let of_entry = of_suite.iter().copied().filter(|row| row.model == m);
                cells.push(cell(facts, entry, &of_entry.collect::<Vec<_>>(), manifest));
            }
        }
    }
    let results = Results {
        name: manifest.name.clone(),
        bakeoff_sha256: manifest.bakeoff_sha256.clone(),
        seed: manifest.seed,
        units_planned: manifest.units_planned,
        units_recorded: [folder.rows(), folder.dev_rows(), folder.choice_rows()]
            .iter()
            .map(|rows| rows.len() as u64)
            .sum(),
        suites: folder
            .suites
            .iter()
            .zip(&manifest.suites)
            .enumerate()
            .map(|(s, (facts, reference))| suite(s, facts, folder.source(reference), folder.rows()))
            .collect(),
        models: manifest.models.iter().map(ModelView::from).collect(),
        cells,
        variants: variants::of(folder),
        modes: modes::of(folder),
    };
    Ok(Analysis { schema: ANALYSIS_SCHEMA, results, setting: setting::of(folder) })
}

fn suite(index: usize, facts: &SuiteFacts, source: &str, rows: &[Row]) -> SuiteView {
    let mut asked: Vec<u32> =
        rows.iter().filter(|row| row.suite == index).map(|row| row.sample).collect();
    asked.dedup();
    SuiteView {
        name: facts.name.clone(),
        task: facts.task.clone(),
        description: facts.description.clone(),
        source: source.to_owned(),
        sha256: facts.sha256.clone(),
        scoring_version: facts.scoring_version,
        samples: facts.samples,
        asked: asked.len() as u64,
        primary: estimate::titled(&facts.primary, facts.reduce),
        axes: facts.axes.iter().map(|axis| axis.name.clone()).collect(),
        margin: facts.margin.clone(),
    }
}

/// One suite on one entry. Quality is read in the batch pass, latency in the single-stream pass of
/// a local entry and in the one pass of a remote one; where only one pass was made, both in that.
fn cell(facts: &SuiteFacts, entry: &EntryRef, rows: &[&Row], manifest: &Manifest) -> Cell {
    let seed = manifest.seed;
    let passes: Vec<Pass> = [Scenario::Batch, Scenario::SingleStream]
        .into_iter()
        .filter_map(|scenario| {
            let rows: Vec<&Row> =
                rows.iter().copied().filter(|row| row.scenario == scenario).collect();
            (!rows.is_empty()).then(|| pass::of(facts, entry, scenario, &rows, seed))
        })
        .collect();
    let why_not = match passes.first() {
        None => Some("no unit was recorded".to_owned()),
        // Units that never got a record (an entry that ended early) were not answered either.
        Some(pass) => {
            let mode = rows.first().map_or(Mode::Generate, |row| row.mode);
            let planned = planned(manifest, facts, entry, (pass.scenario, mode));
            let planned = planned.max(pass.counts.units);
            let answered = pass.counts.answered();
            ((answered as f64) < MEASURED_FROM * planned as f64)
                .then(|| format!("{answered} of {planned} units were answered, fewer than 95 %"))
        }
    };
    Cell {
        suite: facts.name.clone(),
        model: entry.id.clone(),
        measured: why_not.is_none(),
        why_not,
        passes,
        cost: Figure::unknown("this version holds no prices, so no cost is computed"),
    }
}

/// Units planned for a suite, an entry, a scenario and a mode; 0 where the manifest does not say.
fn planned(
    manifest: &Manifest,
    facts: &SuiteFacts,
    entry: &EntryRef,
    (scenario, mode): (Scenario, Mode),
) -> u64 {
    let passes = manifest.planned.iter();
    let of_this = passes.filter(|pass| {
        pass.split.is_test()
            && pass.mode == mode
            && pass.suite == facts.name
            && pass.model == entry.id
            && pass.scenario == scenario
    });
    of_this.map(|pass| pass.units).sum()
}
