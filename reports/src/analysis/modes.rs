//! Generation and log-probability side by side, on the samples that have an answer in both.

use std::collections::BTreeSet;

use rightsize_suites::choices::ACC_NORM;

use super::estimate::Samples;
use super::model::ModeView;
use super::repeats;
use crate::folder::{Row, RunFolder};
use crate::run::{Mode, Outcome};

/// Every pair of a suite and an entry whose answers were scored by log-probability.
pub fn of(folder: &RunFolder) -> Vec<ModeView> {
    let mut views = Vec::new();
    for (s, facts) in folder.suites.iter().enumerate() {
        let Some(primary) = facts.metrics.first() else { continue };
        for (m, entry) in folder.manifest.models.iter().enumerate() {
            let mine = |row: &&Row| row.suite == s && row.model == m;
            let beside: Vec<&Row> = folder.choice_rows().iter().filter(mine).collect();
            let rows: Vec<&Row> = folder.rows().iter().filter(mine).collect();
            let alone = rows.iter().all(|row| row.mode == Mode::Choose);
            let (chosen, written) = match (beside.is_empty(), alone) {
                (true, true) => (rows, Vec::new()),
                (true, false) => continue,
                (false, _) => (beside, rows),
            };
            let Some(first) = written.iter().chain(&chosen).map(|row| row.scenario).min() else {
                continue;
            };
            let written: Vec<&Row> =
                written.into_iter().filter(|row| row.scenario == first).collect();
            let both = !written.is_empty();
            let all: BTreeSet<u32> = written.iter().chain(&chosen).map(|row| row.sample).collect();
            let (with_written, with_chosen) = (answers(&written), answers(&chosen));
            let common = |row: &&&Row| {
                with_chosen.contains(&row.sample) && (!both || with_written.contains(&row.sample))
            };
            let chosen: Vec<&Row> = chosen.iter().filter(common).copied().collect();
            let written: Vec<&Row> = written.iter().filter(common).copied().collect();
            if chosen.is_empty() {
                continue;
            }
            let name = format!("{}/{}/modes", facts.name, entry.id);
            let seed = folder.manifest.seed;
            let of = |rows: &[&Row], mode: &str| {
                let samples = Samples::of(rows, facts.reduce);
                samples.estimate(primary, seed, &format!("{name}/{mode}"))
            };
            let choose = of(&chosen, "choose");
            let generate = both.then(|| of(&written, "generate"));
            let difference = generate.as_ref().and_then(|g| Some(choose.value? - g.value?));
            let samples = repeats::count(&chosen);
            views.push(ModeView {
                suite: facts.name.clone(),
                model: entry.id.clone(),
                samples,
                left_out: (all.len() as u64).saturating_sub(samples),
                generate,
                choose,
                choose_norm: norm(&chosen),
                difference,
            });
        }
    }
    views
}

/// The samples all of whose rows have an answer.
fn answers(rows: &[&Row]) -> BTreeSet<u32> {
    let errors: BTreeSet<u32> =
        rows.iter().filter(|r| r.outcome == Outcome::Error).map(|r| r.sample).collect();
    rows.iter().map(|row| row.sample).filter(|sample| !errors.contains(sample)).collect()
}

/// The mean score of the choices that are most probable per character.
fn norm(rows: &[&Row]) -> Option<f64> {
    let value = |row: &&Row| row.parts.iter().find(|(name, _)| &**name == ACC_NORM).map(|p| p.1);
    let all: Option<Vec<f64>> = rows.iter().map(value).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.iter().sum::<f64>() / all.len() as f64)
}

impl ModeView {
    /// The scores and the gap, in a sentence without the names of suite and entry.
    pub fn sentence(&self) -> String {
        let n = crate::numbers::count(self.samples);
        let chosen = crate::numbers::value(&self.choose);
        let norm = self.choose_norm.map_or_else(String::new, |norm| {
            format!(", acc_norm {}", crate::numbers::percent(norm, 1))
        });
        let choice = format!("by choice {chosen} (acc{norm})");
        match (&self.generate, self.difference) {
            (Some(generate), Some(difference)) => format!(
                "{} by generation {}, {choice}, gap {:+.1} points, n = {n}",
                self.choose.title,
                crate::numbers::value(generate),
                difference * 100.0
            ),
            _ => format!("{} {choice}, n = {n}", self.choose.title),
        }
    }
}
