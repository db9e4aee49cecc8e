//! Support tickets: a subject and a body of one to four sentences, two of them perhaps generic.

use rand::Rng;
use serde_json::{Map, Value, json};

use super::Sample;
use super::template::{Sections, fill};
use super::values::{Split, value};
use crate::prompt::Task;

/// The queues, in the order of the suite.
pub const LABELS: [&str; 7] =
    ["billing", "login", "shipping", "returns", "bug", "setup", "feature"];

/// The templates of the tickets.
pub fn templates() -> Sections {
    Sections::read(include_str!("../../data/triage.txt"))
}

/// A ticket of one label.
pub fn sample<R: Rng>(sections: &Sections, split: Split, rng: &mut R) -> Sample {
    let label = LABELS[rng.random_range(0..LABELS.len())];
    let side = split.name();
    let nouns = sections.lines("noun.train");
    let mut slot = |kind: &str, rng: &mut R| match kind {
        "noun" => nouns[rng.random_range(0..nouns.len())].to_owned(),
        kind => value(kind, split, rng).unwrap_or_default(),
    };
    let subject = sections.choose(&format!("{label}.{side}.subject"), rng);
    let core = sections.choose(&format!("{label}.{side}"), rng);
    let mut parts = vec![fill(core.template, rng, &mut slot)];
    if rng.random_bool(0.25) {
        let more = sections.choose(&format!("{label}.{side}"), rng);
        if more != core {
            parts.push(fill(more.template, rng, &mut slot));
        }
    }
    if rng.random_bool(0.6) {
        let open = sections.choose(&format!("open.{side}"), rng);
        parts.insert(0, fill(open.template, rng, &mut slot));
    }
    if rng.random_bool(0.6) {
        let close = sections.choose(&format!("close.{side}"), rng);
        parts.push(fill(close.template, rng, &mut slot));
    }
    let mut title = fill(subject.template, rng, &mut slot).trim().to_owned();
    match rng.random_range(0..12) {
        // A subject that says nothing, as so often.
        0 | 1 => {
            title = ["Question", "Help", "Please help", "Problem", "Urgent"]
                [rng.random_range(0..5)]
            .to_owned();
        }
        2 => title = title.to_lowercase(),
        _ => {}
    }
    let mut body = tidy(&parts.join(" "));
    if rng.random_bool(0.1) {
        body = body.to_lowercase();
    }
    let row: Map<String, Value> = [
        ("subject".to_owned(), json!(title)),
        ("body".to_owned(), json!(body)),
        ("category".to_owned(), json!(label)),
    ]
    .into_iter()
    .collect();
    Sample {
        task: Task::Triage,
        row,
        family: core.family,
        answer: label.to_owned(),
        values: vec![],
    }
}

/// Removes the double blanks and the blanks before a stop that empty alternatives leave.
fn tidy(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(" .", ".").replace(" ,", ",").replace(" ?", "?")
}
