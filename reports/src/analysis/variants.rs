//! Prompt variants: how each scored on the dev split, which was chosen, which was asked on test.
//!
//! The one place that scores the dev split: the runner chooses by it, and reports show it.

use super::estimate::Samples;
use super::model::{VariantScore, VariantView};
use super::repeats;
use crate::folder::{Row, RunFolder};
use crate::run::{Outcome, SuiteFacts};

/// The name of a suite's own prompt.
const DEFAULT: &str = rightsize_suites::variants::DEFAULT;

/// Every pair of a suite and an entry that was asked in a variant, or in several on the dev split.
pub fn of(folder: &RunFolder) -> Vec<VariantView> {
    let mut views = Vec::new();
    for (s, facts) in folder.suites.iter().enumerate() {
        for (m, entry) in folder.manifest.models.iter().enumerate() {
            let mine = |row: &&Row| row.suite == s && row.model == m;
            let asked = folder.rows().iter().find(mine).map(|row| row.variant.to_string());
            let dev: Vec<&Row> = folder.dev_rows().iter().filter(mine).collect();
            if dev.is_empty() && asked.as_deref().is_none_or(|variant| variant == DEFAULT) {
                continue;
            }
            let name = format!("{}/{}/dev", facts.name, entry.id);
            views.push(VariantView {
                suite: facts.name.clone(),
                model: entry.id.clone(),
                asked,
                candidates: candidates(facts, &dev, folder.manifest.seed, &name),
            });
        }
    }
    views
}

/// The variants that were asked on dev, in the suite's order.
fn candidates(facts: &SuiteFacts, dev: &[&Row], seed: u64, name: &str) -> Vec<VariantScore> {
    let Some(primary) = facts.metrics.first() else { return Vec::new() };
    let order = std::iter::once(DEFAULT).chain(facts.variants.iter().map(String::as_str));
    let scored = order.filter_map(|variant| {
        let rows: Vec<&Row> = dev.iter().copied().filter(|row| *row.variant == *variant).collect();
        (!rows.is_empty()).then(|| VariantScore {
            variant: variant.to_owned(),
            samples: repeats::count(&rows),
            units: rows.len() as u64,
            errors: rows.iter().filter(|row| row.outcome == Outcome::Error).count() as u64,
            score: Samples::of(&rows, facts.reduce).estimate(
                primary,
                seed,
                &format!("{name}/{variant}"),
            ),
        })
    });
    scored.collect()
}

impl VariantView {
    /// The variant with the best score on dev; of equal ones the suite's first.
    pub fn best(&self) -> Option<&VariantScore> {
        let value = |candidate: &VariantScore| candidate.score.value.unwrap_or(0.0);
        // `max_by` takes the last of equals.
        self.candidates.iter().rev().max_by(|a, b| value(a).total_cmp(&value(b)))
    }

    /// What was chosen and why, in a sentence without the names of suite and entry.
    pub fn sentence(&self) -> String {
        let scores: Vec<String> = self
            .candidates
            .iter()
            .map(|candidate| {
                let variant = crate::visible::line(&candidate.variant);
                let errors = match candidate.errors {
                    0 => String::new(),
                    n => format!(", {n} without an answer"),
                };
                let n = crate::numbers::count(candidate.samples);
                let score = crate::numbers::value(&candidate.score);
                format!("{variant} {score} (n = {n}{errors})")
            })
            .collect();
        match (&self.asked, scores.is_empty()) {
            (Some(asked), true) => format!("asked in the prompt variant {asked}"),
            (Some(asked), false) => {
                format!("prompt variant {asked}, chosen on the dev split: {}", scores.join(", "))
            }
            (None, _) => format!("no prompt variant is chosen yet: {}", scores.join(", ")),
        }
    }
}
