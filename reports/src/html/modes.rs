//! Answers written and answers chosen by log-probability, and the gap between them.

use serde::Serialize;

use super::figures::{Name, Score};
use crate::analysis::{Analysis, ModeView};
use crate::{numbers, visible};

#[derive(Debug, Serialize)]
pub struct Row {
    suite: String,
    model: Name,
    metric: String,
    n: String,
    left_out: String,
    /// Absent where answers were only chosen.
    generate: Option<Score>,
    choose: Score,
    norm: String,
    gap: String,
}

/// A row for each suite and entry whose answers were chosen.
pub fn of(analysis: &Analysis) -> Vec<Row> {
    let results = &analysis.results;
    let row = |view: &ModeView| Row {
        suite: visible::line(&view.suite).into_owned(),
        model: Name::of(results, &view.model),
        metric: visible::line(&view.choose.title).into_owned(),
        n: numbers::count(view.samples),
        left_out: match view.left_out {
            0 => String::new(),
            n => format!("{} without an answer left out", numbers::count(n)),
        },
        generate: view.generate.as_ref().map(Score::from),
        choose: Score::from(&view.choose),
        norm: view.choose_norm.map_or(numbers::DASH.into(), |norm| numbers::percent(norm, 1)),
        gap: view.difference.map_or(numbers::DASH.into(), |d| format!("{:+.1} points", d * 100.0)),
    };
    results.modes.iter().map(row).collect()
}
