//! `rightsize explain`: what a word of the reports means.

use rightsize_reports::glossary::{self, Entry};

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// `rightsize explain`; without a term, all of them.
pub fn explain(term: Option<&str>, printer: Printer) -> Result<Exit, Failure> {
    match term {
        Some(term) => match glossary::explain(term) {
            Some(entry) => printer.result(&text(entry)),
            None => {
                let near = glossary::candidates(term);
                let remedy = match near.is_empty() {
                    true => "`rightsize explain` lists every term".to_owned(),
                    false => format!("did you mean {}?", near.join(" or ")),
                };
                return Err(Failure::wrong(format!("no report uses the term `{term}`"), remedy));
            }
        },
        None => {
            let all: Vec<String> = glossary::terms().iter().map(text).collect();
            printer.result(&all.join("\n\n"));
        }
    }
    Ok(Exit::Done)
}

fn text(entry: &Entry) -> String {
    let mut text = format!("{}: {}", entry.term, entry.meaning);
    if !entry.also.is_empty() {
        text += &format!("\n  also: {}", entry.also.join(", "));
    }
    if let Some(unit) = entry.unit {
        text += &format!("\n  unit: {unit}");
    }
    if let Some(source) = entry.source {
        text += &format!("\n  source: {source}");
    }
    text
}
