//! `rightsize rescore`: the answers of a run folder are scored again, and the difference is shown.

use rightsize_reports::html::{Embed, Options};
use rightsize_reports::{numbers, visible};
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::arguments;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::rescore::{self, CellDifference, Difference, Scored};
use crate::write_report;

/// Characters of a reading that are shown.
const MOST_OF_A_READING: usize = 60;

/// `rightsize rescore`.
pub fn rescore(args: &arguments::Rescore, printer: Printer) -> Result<Exit, Failure> {
    let done = rescore::rescore(&args.folder, &args.suite, args.dry_run)?;
    for note in &done.notes {
        printer.note(&format!("note: {note}"));
    }
    if args.json {
        let text = serde_json::to_string_pretty(&done.difference).map_err(|error| {
            Failure::incomplete(format!("cannot write JSON: {error}"), "report this as a bug")
        })?;
        printer.result(&text);
    } else {
        printer.result(&text(&done.difference));
    }
    let Some(file) = &done.file else {
        printer.note("Nothing was written.");
        return Ok(Exit::Done);
    };
    let (run, analysis) = write_report::read(&args.folder)?;
    let options = Options { share: false, embed: Embed::Budget };
    let report = write_report::write_html(&run, &analysis, options, &args.folder)?;
    printer.note(&format!("Scores: {}\nReport: {}", file.display(), report.display()));
    Ok(Exit::Done)
}

/// The difference for people.
fn text(difference: &Difference) -> String {
    let mut table = Builder::default();
    table.push_record(["suite", "model", "n", "changed", "metric", "before", "after"]);
    for cell in &difference.cells {
        let metric = match cell.metric == cell.metric_before {
            true => cell.metric.clone(),
            false => format!("{} → {}", cell.metric_before, cell.metric),
        };
        table.push_record([
            visible::line(&cell.suite).into_owned(),
            visible::line(&cell.model).into_owned(),
            numbers::count(cell.n),
            numbers::count(cell.changed),
            metric,
            percent(cell.before),
            percent(cell.after),
        ]);
    }
    let table = table.build().with(Style::blank()).to_string();
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    for cell in difference.cells.iter().filter(|cell| cell.changed > 0) {
        lines.push(String::new());
        lines.extend(changed(cell));
    }
    let before = difference.scoring_version_before.as_deref();
    lines.push(format!(
        "\n{} units scored again: scoring version {} → {}",
        numbers::count(difference.units),
        before.map_or("of the records".into(), visible::line),
        difference.scoring_version
    ));
    lines.join("\n").replace('\u{202f}', " ")
}

/// The changed samples of a suite and a model, a line each.
fn changed(cell: &CellDifference) -> Vec<String> {
    let (suite, model) = (visible::line(&cell.suite), visible::line(&cell.model));
    let mut lines = vec![format!("{suite}, {model}: {} changed", numbers::count(cell.changed))];
    for sample in &cell.samples {
        let id = visible::line(&sample.sample);
        lines.push(format!("  {id}  {} → {}", words(&sample.before), words(&sample.after)));
    }
    let left = cell.changed.saturating_sub(cell.samples.len() as u64);
    if left > 0 {
        lines.push(format!("  and {} more", numbers::count(left)));
    }
    lines
}

/// The score and what was read, or what became of the answer.
fn words(scored: &Scored) -> String {
    let read = match &scored.reading {
        Some(reading) => {
            let text = reading.to_string();
            visible::line(&visible::capped(&text, MOST_OF_A_READING)).into_owned()
        }
        None => serde_json::to_value(scored.outcome)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default(),
    };
    match scored.score {
        Some(score) => format!("{read} ({score:.2})"),
        None => read,
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| numbers::DASH.to_owned(), |value| numbers::percent(value, 1))
}
