//! Prompt variants: which one each entry was asked in, and the scores on the dev split.

use serde::Serialize;

use super::figures::{Name, Score};
use crate::analysis::{Analysis, VariantView};
use crate::{numbers, visible};

#[derive(Debug, Serialize)]
pub struct Table {
    suite: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: Name,
    /// Empty where none is chosen yet.
    asked: String,
    candidates: Vec<Candidate>,
}

#[derive(Debug, Serialize)]
struct Candidate {
    variant: String,
    score: Score,
    n: String,
    chosen: bool,
}

/// A table for each suite that was asked in variants.
pub fn of(analysis: &Analysis) -> Vec<Table> {
    let results = &analysis.results;
    let of_suite = |name: &str| -> Vec<Row> {
        let views = results.variants.iter().filter(|view| view.suite == name);
        views.map(|view| row(view, Name::of(results, &view.model))).collect()
    };
    results
        .suites
        .iter()
        .map(|suite| Table {
            suite: visible::line(&suite.name).into_owned(),
            rows: of_suite(&suite.name),
        })
        .filter(|table| !table.rows.is_empty())
        .collect()
}

fn row(view: &VariantView, model: Name) -> Row {
    let candidates = view.candidates.iter().map(|candidate| Candidate {
        variant: visible::line(&candidate.variant).into_owned(),
        score: Score::from(&candidate.score),
        n: numbers::count(candidate.samples),
        chosen: view.asked.as_ref() == Some(&candidate.variant),
    });
    Row {
        model,
        asked: view.asked.as_deref().map(visible::line).unwrap_or_default().into_owned(),
        candidates: candidates.collect(),
    }
}
