//! Progress on standard error: a bar an entry in a terminal, a line now and then elsewhere.
//!
//! A consumer of [`Event`]s; it counts nothing that the journal does not hold.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rightsize_reports::run::{EntrySession, Outcome, Record, Scenario};

use crate::printer::Printer;
use crate::runner::Event;

/// Shows events as they come.
pub struct Display {
    printer: Printer,
    bars: MultiProgress,
    entries: HashMap<String, Entry>,
    id_width: usize,
}

/// What is shown of one entry.
struct Entry {
    left: Vec<(Scenario, u64)>,
    bar: ProgressBar,
    scenario: Option<Scenario>,
    answered: u64,
    errors: u64,
    /// Tenths that have been said, where there is no terminal.
    tenths: u64,
}

impl Display {
    /// A display for entries with these ids.
    pub fn new<'a>(printer: Printer, ids: impl Iterator<Item = &'a str>) -> Display {
        let target = match printer.bars {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        Display {
            printer,
            bars: MultiProgress::with_draw_target(target),
            entries: HashMap::new(),
            id_width: ids.map(|id| id.chars().count()).max().unwrap_or(0).min(32),
        }
    }

    /// Shows one event.
    pub fn show(&mut self, event: Event<'_>) {
        match event {
            Event::EntryStarted { entry, units } => self.started(entry, units),
            Event::Recorded { record } => self.recorded(record),
            Event::Waiting { entry, seconds, why } => self.waiting(entry, seconds, why),
            Event::EntryEnded { session } => self.ended(session),
        }
    }

    /// Says something without disturbing the bars.
    pub fn note(&self, text: &str) {
        self.bars.suspend(|| self.printer.note(text));
    }

    fn started(&mut self, id: &str, units: &[(Scenario, u64)]) {
        let entry = Entry {
            left: units.to_vec(),
            bar: ProgressBar::hidden(),
            scenario: None,
            answered: 0,
            errors: 0,
            tenths: 0,
        };
        self.entries.insert(id.to_owned(), entry);
    }

    fn recorded(&mut self, record: &Record) {
        let width = self.id_width;
        let Some(entry) = self.entries.get_mut(&record.model) else { return };
        if entry.scenario != Some(record.scenario) {
            let units = entry.left.iter().find(|(scenario, _)| *scenario == record.scenario);
            let total = units.map_or(0, |(_, n)| *n);
            entry.scenario = Some(record.scenario);
            (entry.answered, entry.errors, entry.tenths) = (0, 0, 0);
            entry.bar.finish();
            entry.bar = self.bars.add(ProgressBar::new(total).with_style(style()));
            let words = record.scenario.as_str();
            entry.bar.set_prefix(format!("{:width$}  {words:13}", record.model));
            entry.bar.enable_steady_tick(Duration::from_millis(250));
        }
        entry.answered += 1;
        entry.errors += u64::from(record.outcome == Outcome::Error);
        entry.bar.inc(1);
        if entry.errors > 0 {
            entry.bar.set_message(format!("{} without an answer", entry.errors));
        }
        let total = entry.bar.length().unwrap_or(0).max(1);
        let tenths = entry.answered * 10 / total;
        // A log file gets a line a tenth instead of a bar.
        if !self.printer.bars && tenths > entry.tenths {
            entry.tenths = tenths;
            let (n, words) = (entry.answered, record.scenario.as_str());
            self.printer.note(&format!("{:width$}  {words:13}  {n}/{total}", record.model));
        }
    }

    fn waiting(&mut self, id: &str, seconds: f64, why: &str) {
        if let Some(entry) = self.entries.get(id) {
            entry.bar.set_message(format!("waits {seconds:.1} s: {}", first_words(why)));
        }
    }

    fn ended(&mut self, session: &EntrySession) {
        if let Some(entry) = self.entries.get(&session.entry) {
            entry.bar.finish();
        }
        if let Some(error) = &session.ended_by {
            let text = format!("warning: `{}` ended early: {}", session.entry, error.message);
            self.bars.suspend(|| self.printer.warn(&text));
        }
    }
}

fn style() -> ProgressStyle {
    let template = "{prefix} {bar:24} {pos:>5}/{len}  {per_sec:>12}  ETA {eta:>4}  {wide_msg}";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(60).collect()
}
