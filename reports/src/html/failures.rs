//! What went wrong besides wrong answers: errors, entries that ended early, crashes.

use serde::Serialize;

use super::figures::Name;
use crate::analysis::Analysis;
use crate::{numbers, visible};

/// Most rows of errors; the rest is counted.
const MOST_ERRORS: usize = 50;
/// Most characters of one message.
const LONGEST: usize = 600;

#[derive(Debug, Serialize)]
pub struct Failures {
    errors: Vec<Error>,
    more: usize,
    ended: Vec<Ended>,
    crashes: Vec<Crash>,
}

#[derive(Debug, Serialize)]
struct Error {
    model: Name,
    suite: String,
    kind: String,
    side: String,
    message: String,
    count: String,
}

#[derive(Debug, Serialize)]
struct Ended {
    model: Name,
    session: u32,
    kind: String,
    side: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct Crash {
    model: Name,
    session: u32,
    ended_by: String,
    in_flight: Vec<String>,
    last_log: Vec<String>,
}

/// All failures of a run.
pub fn of(analysis: &Analysis) -> Failures {
    let results = &analysis.results;
    let text = |text: &str| visible::capped(&visible::text(text), LONGEST).into_owned();
    let mut errors: Vec<(u64, Error)> = Vec::new();
    for cell in &results.cells {
        for (pass, error) in cell.passes.iter().flat_map(|p| p.errors.iter().map(move |e| (p, e))) {
            let status = error.http_status.map_or(String::new(), |status| format!(" {status}"));
            errors.push((
                error.count,
                Error {
                    model: Name::of(results, &cell.model),
                    suite: format!("{}, {}", visible::line(&cell.suite), pass.scenario.as_str()),
                    kind: format!("{}{status}", error.kind.replace('_', " ")),
                    side: error.side.clone(),
                    message: text(&error.message),
                    count: numbers::count(error.count),
                },
            ));
        }
    }
    errors.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let more = errors.len().saturating_sub(MOST_ERRORS);
    let mut ended = Vec::new();
    let mut crashes = Vec::new();
    for entry in &analysis.setting.entries {
        let model = Name::of(results, &entry.model);
        ended.extend(entry.ended_by.iter().map(|end| Ended {
            model: model.clone(),
            session: end.session,
            kind: end.kind.replace('_', " "),
            side: end.side.clone(),
            message: text(&end.message),
        }));
        crashes.extend(entry.crashes.iter().map(|crash| Crash {
            model: model.clone(),
            session: crash.session,
            ended_by: text(&crash.ended_by),
            in_flight: crash.in_flight.iter().map(|id| visible::line(id).into_owned()).collect(),
            last_log: crash.last_log.iter().map(|line| text(line)).collect(),
        }));
    }
    Failures {
        errors: errors.into_iter().take(MOST_ERRORS).map(|(_, error)| error).collect(),
        more,
        ended,
        crashes,
    }
}
