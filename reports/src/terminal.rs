//! The summary on a terminal: one table a suite, readable without colour.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::{Alignment, Padding, Style, Width};

use crate::analysis::{Analysis, Cell, EntryView, Estimate, SuiteView};
use crate::{numbers, visible};

/// Heads of the columns; each is a term of the glossary.
pub const HEADS: [&str; 9] = [
    "model",
    "score",
    "95 % interval",
    "n",
    "not answered",
    "p50",
    "p95",
    "decode tok/s",
    "peak memory",
];

/// The summary of a run as text. `width` is the terminal's, `None` where there is none; `colour`
/// allows escape sequences (the caller honours `NO_COLOR`).
pub fn summary(analysis: &Analysis, width: Option<usize>, colour: bool) -> String {
    let results = &analysis.results;
    let mut out = String::new();
    for suite in &results.suites {
        let cells: Vec<&Cell> =
            results.cells.iter().filter(|cell| cell.suite == suite.name).collect();
        out.push_str(&title(suite, &cells, colour));
        out.push_str(&table(&cells, &analysis.setting.entries, width));
        out.push('\n');
        for note in notes(&cells) {
            out.push_str(&wrapped(&note, width));
        }
        for view in results.modes.iter().filter(|view| view.suite == suite.name) {
            let line = format!("{}: {}", visible::line(&view.model), view.sentence());
            out.push_str(&wrapped(&line, width));
        }
        for view in results.variants.iter().filter(|view| view.suite == suite.name) {
            let line = format!("{}: {}", visible::line(&view.model), view.sentence());
            out.push_str(&wrapped(&line, width));
        }
        out.push('\n');
    }
    for entry in &analysis.setting.entries {
        let name = visible::line(&entry.model);
        for end in &entry.ended_by {
            let message = visible::line(&end.message);
            out.push_str(&wrapped(&format!("{name} ended early: {message}"), width));
        }
        if let Some(last) = entry.crashes.last() {
            let died = format!(
                "{name}: its engine process died {}, last by {}",
                if entry.crashes.len() == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", entry.crashes.len())
                },
                visible::line(&last.ended_by)
            );
            out.push_str(&wrapped(&died, width));
        }
    }
    if results.units_recorded < results.units_planned {
        let line = format!(
            "incomplete: {} of {} units recorded",
            numbers::count(results.units_recorded),
            numbers::count(results.units_planned)
        );
        out.push_str(&wrapped(&line, width));
    }
    if let Some(rescored) = analysis.setting.rescored.as_ref().filter(|r| r.units_missing > 0) {
        let line = format!(
            "{} units were recorded after the scores had been made again, and are scored by the \
             suites as they were run: run `rightsize rescore` once more",
            numbers::count(rescored.units_missing)
        );
        out.push_str(&wrapped(&line, width));
    }
    out.replace('\u{202f}', " ")
}

fn title(suite: &SuiteView, cells: &[&Cell], colour: bool) -> String {
    let name = visible::line(&suite.name);
    let name = if colour { format!("\u{1b}[1m{name}\u{1b}[0m") } else { name.into_owned() };
    let mut load: Vec<&str> =
        cells.iter().filter_map(|cell| Some(cell.timed()?.latency.label.as_str())).collect();
    load.sort_unstable();
    load.dedup();
    format!(
        "{name}: {}, {} samples asked; latency end to end, {}\n",
        suite.primary,
        numbers::count(suite.asked),
        if load.is_empty() { "not measured".into() } else { load.join(" or ") }
    )
}

fn table(cells: &[&Cell], entries: &[EntryView], width: Option<usize>) -> String {
    let rows: Vec<[String; 9]> = cells.iter().map(|cell| row(cell, entries)).collect();
    // A narrow terminal loses whole columns from the right of this list, never half a number.
    let mut kept: Vec<usize> = (0..HEADS.len()).collect();
    for dropped in [8, 7, 6, 4, 3, 5] {
        let table = draw(&rows, &kept);
        if width.is_none_or(|width| widest(&table) <= width) {
            return table;
        }
        kept.retain(|column| *column != dropped);
    }
    let table = draw(&rows, &kept);
    match width {
        Some(width) if widest(&table) > width => narrowed(&rows, &kept, width),
        _ => table,
    }
}

fn builder(rows: &[[String; 9]], kept: &[usize]) -> tabled::Table {
    let pick = |cells: &[String; 9]| -> Vec<String> {
        kept.iter().filter_map(|column| cells.get(*column).cloned()).collect()
    };
    let mut builder = Builder::default();
    builder.push_record(pick(&HEADS.map(str::to_owned)));
    for row in rows {
        builder.push_record(pick(row));
    }
    let mut table = builder.build();
    table
        .with(Style::blank())
        .with(Padding::new(0, 1, 0, 0))
        .modify(Columns::new(1..), Alignment::right())
        .modify(Rows::first(), Alignment::left())
        .modify(Columns::new(1..), Alignment::right());
    table
}

fn draw(rows: &[[String; 9]], kept: &[usize]) -> String {
    builder(rows, kept).to_string()
}

fn narrowed(rows: &[[String; 9]], kept: &[usize], width: usize) -> String {
    let mut table = builder(rows, kept);
    table.with(Width::wrap(width.max(20)));
    table.to_string()
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

fn row(cell: &Cell, entries: &[EntryView]) -> [String; 9] {
    let memory = entries.iter().find(|entry| entry.model == cell.model).map_or_else(
        || numbers::DASH.to_owned(),
        |entry| numbers::figure(&entry.peak_memory_bytes, numbers::bytes),
    );
    let name = visible::line(&cell.model).into_owned();
    let (Some(quality), Some(timed)) = (cell.quality(), cell.timed()) else {
        let dash = || numbers::DASH.to_owned();
        return [
            name,
            "not measured".into(),
            dash(),
            "0".into(),
            dash(),
            dash(),
            dash(),
            dash(),
            memory,
        ];
    };
    let (score, range) = match cell.measured {
        true => (numbers::value(&quality.primary), numbers::range(&quality.primary)),
        false => ("not measured".into(), numbers::DASH.into()),
    };
    let counts = &quality.counts;
    [
        name,
        score,
        range,
        counts.n(),
        numbers::count(counts.units.saturating_sub(counts.scored)),
        numbers::figure(&timed.latency.end_to_end.p50, numbers::ms),
        numbers::figure(&timed.latency.end_to_end.p95, numbers::ms),
        numbers::figure(&timed.latency.decode_tok_s, numbers::rate),
        memory,
    ]
}

/// What a table cannot hold: why a cell is not measured, bounds, what became of unanswered units.
fn notes(cells: &[&Cell]) -> Vec<String> {
    let mut notes = Vec::new();
    for cell in cells {
        let name = visible::line(&cell.model);
        if let Some(why) = &cell.why_not {
            notes.push(format!("{name} is not measured: {why}"));
            continue;
        }
        let Some(pass) = cell.quality() else { continue };
        let words = pass.counts.unscored();
        if !words.is_empty() {
            notes.push(format!("{name}: {words}{}", bounds(&pass.primary)));
        }
    }
    notes
}

fn bounds(estimate: &Estimate) -> String {
    estimate.bounds.map_or_else(String::new, |bounds| {
        format!(
            "; with errors answered between {} and {}",
            numbers::percent(bounds.worst, 1),
            numbers::percent(bounds.best, 1)
        )
    })
}

/// A line broken at spaces.
fn wrapped(line: &str, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX).max(20);
    let (mut out, mut used) = (String::new(), 0usize);
    for word in line.split(' ') {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            out.push_str("\n  ");
            used = 2;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += long;
    }
    out.push('\n');
    out
}
