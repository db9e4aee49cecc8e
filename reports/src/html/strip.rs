//! The strip: each model's score with its interval, a panel a suite, all on one axis.

use serde::Serialize;

use super::figures::{Name, Score, coordinate};
use crate::analysis::{Analysis, Cell, SuiteView};
use crate::{numbers, visible};

#[derive(Debug, Serialize)]
pub struct Panel {
    suite: String,
    description: String,
    metric: String,
    asked: String,
    samples: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: Name,
    /// Why there is nothing to see; empty when there is.
    why: String,
    score: Option<Score>,
    at: String,
    lower: String,
    upper: String,
    units: String,
    unanswered: String,
}

/// The panels.
pub fn panels(analysis: &Analysis) -> Vec<Panel> {
    let results = &analysis.results;
    let row = |cell: &Cell| row(Name::of(results, &cell.model), cell);
    let panel = |suite: &SuiteView| Panel {
        suite: visible::line(&suite.name).into_owned(),
        description: visible::line(&suite.description).into_owned(),
        metric: suite.primary.clone(),
        asked: numbers::count(suite.asked),
        samples: numbers::count(suite.samples),
        rows: results.cells.iter().filter(|c| c.suite == suite.name).map(row).collect(),
    };
    results.suites.iter().map(panel).collect()
}

fn row(model: Name, cell: &Cell) -> Row {
    let mut row = Row {
        model,
        why: cell.why_not.clone().unwrap_or_default(),
        score: None,
        at: String::new(),
        lower: String::new(),
        upper: String::new(),
        units: "0".into(),
        unanswered: String::new(),
    };
    let Some(pass) = cell.quality() else {
        return row;
    };
    row.units = pass.counts.n();
    row.unanswered = pass.counts.unscored();
    if let (true, Some(value)) = (cell.measured, pass.primary.value) {
        row.score = Some(Score::from(&pass.primary));
        row.at = coordinate(value);
        let interval = pass.primary.interval.as_ref();
        row.lower = interval.map_or(row.at.clone(), |i| coordinate(i.lower));
        row.upper = interval.map_or(row.at.clone(), |i| coordinate(i.upper));
    } else if row.why.is_empty() {
        row.why = "the score is undefined on these samples".into();
    }
    row
}
