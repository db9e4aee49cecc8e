//! The table of models × suites: scores, outcomes, latencies, tokens, memory, cost.

use serde::Serialize;

use super::figures::{Name, Notes, Score, Text};
use crate::analysis::{Analysis, Cell, EntryView, Pass, Quantiles};
use crate::{numbers, visible};

#[derive(Debug, Serialize)]
pub struct Table {
    suite: String,
    metric: String,
    rows: Vec<Row>,
    others: Vec<Others>,
    notes: Notes,
}

#[derive(Debug, Serialize)]
struct Row {
    model: Name,
    score: Option<Score>,
    why: Option<usize>,
    counts: Vec<Text>,
    load: String,
    ttft: Vec<Text>,
    end_to_end: Vec<Text>,
    rest: Vec<Text>,
}

/// The other metrics of a suite, a row a model.
#[derive(Debug, Serialize)]
struct Others {
    model: Name,
    metrics: Vec<(String, Score)>,
}

/// One table a suite.
pub fn tables(analysis: &Analysis) -> Vec<Table> {
    let results = &analysis.results;
    let table = |suite: &crate::analysis::SuiteView| {
        let mut notes = Notes::default();
        let mut rows = Vec::new();
        let mut others = Vec::new();
        for cell in results.cells.iter().filter(|cell| cell.suite == suite.name) {
            let model = Name::of(results, &cell.model);
            let entry = analysis.setting.entries.iter().find(|e| e.model == cell.model);
            if let Some(pass) =
                cell.quality().filter(|pass| cell.measured && !pass.others.is_empty())
            {
                let metrics =
                    pass.others.iter().map(|e| (e.title.clone(), Score::from(e))).collect();
                others.push(Others { model: model.clone(), metrics });
            }
            rows.push(row(model, cell, entry, &mut notes));
        }
        Table {
            suite: visible::line(&suite.name).into_owned(),
            metric: suite.primary.clone(),
            rows,
            others,
            notes,
        }
    };
    results.suites.iter().map(table).collect()
}

fn row(model: Name, cell: &Cell, entry: Option<&EntryView>, notes: &mut Notes) -> Row {
    let why = cell.why_not.as_ref().map(|why| notes.number(&format!("not measured: {why}")));
    let quality = cell.quality();
    let timed = cell.timed();
    let latency = timed.map(|pass| &pass.latency);
    Row {
        model,
        score: quality.filter(|_| cell.measured).map(|pass| Score::from(&pass.primary)),
        why,
        counts: counts(quality),
        load: latency.map_or(String::new(), |latency| latency.label.clone()),
        ttft: quantiles(latency.map(|latency| &latency.ttft), notes),
        end_to_end: quantiles(latency.map(|latency| &latency.end_to_end), notes),
        rest: rest(cell, entry, notes),
    }
}

fn counts(pass: Option<&Pass>) -> Vec<Text> {
    let counts = pass.map(|pass| pass.counts).unwrap_or_default();
    let outcomes = [counts.unparsed, counts.truncated, counts.refused, counts.errors];
    let outcomes = outcomes.into_iter().map(numbers::count);
    std::iter::once(counts.n()).chain(outcomes).map(Text::plain).collect()
}

fn quantiles(quantiles: Option<&Quantiles>, notes: &mut Notes) -> Vec<Text> {
    match quantiles {
        None => vec![notes.dash("no unit was recorded"); 3],
        Some(q) => [&q.p50, &q.p95, &q.p99].map(|figure| notes.cell(figure, numbers::ms)).into(),
    }
}

/// Decode rate, throughput, tokens in and out, memory, cost.
fn rest(cell: &Cell, entry: Option<&EntryView>, notes: &mut Notes) -> Vec<Text> {
    let nothing = "no unit was recorded";
    let decode = match cell.timed() {
        Some(pass) => notes.cell(&pass.latency.decode_tok_s, numbers::rate),
        None => notes.dash(nothing),
    };
    let mut tokens = |count: Option<Option<u64>>| match count {
        Some(Some(count)) => Text::plain(numbers::count(count)),
        Some(None) => notes.dash("no answer carries token counts"),
        None => notes.dash(nothing),
    };
    let quality = cell.quality();
    let input = tokens(quality.map(|pass| pass.tokens.input));
    let output = tokens(quality.map(|pass| pass.tokens.output));
    let memory = match entry {
        Some(entry) => notes.cell(&entry.peak_memory_bytes, numbers::bytes),
        None => notes.dash(nothing),
    };
    vec![decode, input, output, memory, notes.cell(&cell.cost, numbers::rate)]
}
