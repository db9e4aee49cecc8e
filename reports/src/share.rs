//! A report for strangers: the one place that decides what leaves the house.
//!
//! What stays: numbers, intervals, outcomes, model ids, suite names, the bake-off's name, machine
//! and versions. What goes: every text of a sample, and whatever may quote one or name a file:
//! labels, axes, fields and tags are numbered, sample ids hashed with a salt that is thrown away, error
//! messages, log lines, command lines, paths, endpoints and descriptions dropped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::analysis::{Analysis, Confusion, EntryView, Estimate, Pass, SessionView};

/// Salt of one shared report. It is never written, so equal ids of two reports cannot be matched
/// and guessed ids not be confirmed.
pub struct Salt([u8; 32]);

impl Salt {
    /// A new salt from the system's randomness.
    pub fn random() -> Self {
        Salt(rand::random())
    }

    /// What stands for a sample id in this report.
    pub fn hide(&self, id: &str) -> String {
        let digest = Sha256::new().chain_update(self.0).chain_update(id).finalize();
        digest.iter().take(6).fold("#".to_owned(), |out, byte| format!("{out}{byte:02x}"))
    }
}

/// The analysis without any text of a sample.
pub fn without_texts(analysis: &Analysis, salt: &Salt) -> Analysis {
    let mut shared = analysis.clone();
    for suite in &mut shared.results.suites {
        suite.description.clear();
        suite.source.clear();
        if let Some(margin) = &mut suite.margin {
            margin.why.clear();
        }
        suite.primary = axis_numbered(&suite.primary, &suite.axes, " (", ")");
    }
    for model in &mut shared.results.models {
        model.model.clear();
    }
    let tags = Tags::of(analysis);
    for cell in &mut shared.results.cells {
        let suite = analysis.results.suites.iter().find(|suite| suite.name == cell.suite);
        let axes = suite.map_or(&[][..], |suite| &suite.axes);
        for pass in &mut cell.passes {
            number_names(pass, &tags);
            number_axes(pass, axes);
        }
    }
    for suite in &mut shared.results.suites {
        suite.axes = (1..=suite.axes.len()).map(|number| format!("axis {number}")).collect();
    }
    shared.setting.sessions.iter_mut().for_each(session);
    for view in &mut shared.setting.entries {
        entry(view, salt);
    }
    shared
}

/// Tags and their values, each with a number that is the same all over the report.
struct Tags<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Tags<'a> {
    fn of(analysis: &'a Analysis) -> Self {
        let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let passes = analysis.results.cells.iter().flat_map(|cell| &cell.passes);
        for slices in passes.flat_map(|pass| &pass.slices) {
            let values = slices.values.iter().map(|slice| slice.value.as_str());
            tags.entry(&slices.tag).or_default().extend(values);
        }
        Tags(tags)
    }

    fn tag(&self, tag: &str) -> String {
        let number = self.0.keys().take_while(|known| **known != tag).count();
        format!("tag {}", number + 1)
    }

    fn value(&self, tag: &str, value: &str) -> String {
        let values = self.0.get(tag).into_iter().flatten();
        let number = values.take_while(|known| **known != value).count();
        format!("value {}", number + 1)
    }
}

fn number_names(pass: &mut Pass, tags: &Tags<'_>) {
    for error in &mut pass.errors {
        error.message.clear();
    }
    for (number, field) in pass.fields.iter_mut().enumerate() {
        field.field = format!("field {}", number + 1);
    }
    for slices in &mut pass.slices {
        for slice in &mut slices.values {
            slice.value = tags.value(&slices.tag, &slice.value);
        }
        slices.tag = tags.tag(&slices.tag);
    }
    if let Some(confusion) = &mut pass.confusion {
        number_labels(confusion);
    }
}

fn number_axes(pass: &mut Pass, axes: &[String]) {
    let rename = |estimate: &mut Estimate| {
        estimate.metric = axis_numbered(&estimate.metric, axes, ".", "");
        estimate.title = axis_numbered(&estimate.title, axes, " (", ")");
    };
    let slices = pass.slices.iter_mut().flat_map(|slices| &mut slices.values);
    let primaries = slices.map(|slice| &mut slice.primary);
    primaries.chain(&mut pass.others).chain([&mut pass.primary]).for_each(rename);
    for (number, tables) in pass.axes.iter_mut().enumerate() {
        tables.axis = format!("axis {}", number + 1);
        for (number, row) in tables.labels.iter_mut().enumerate() {
            row.label = format!("label {}", number + 1);
        }
        if let Some(confusion) = &mut tables.confusion {
            number_labels(confusion);
        }
    }
}

/// A metric's name with its axis between `before` and `after` as a number.
fn axis_numbered(name: &str, axes: &[String], before: &str, after: &str) -> String {
    let numbered = |(number, axis): (usize, &String)| {
        let metric = name.strip_suffix(&format!("{before}{axis}{after}"))?;
        Some(format!("{metric}{before}axis {}{after}", number + 1))
    };
    axes.iter().enumerate().find_map(numbered).unwrap_or_else(|| name.to_owned())
}

fn number_labels(confusion: &mut Confusion) {
    let numbered = |label: &str| {
        confusion
            .labels
            .iter()
            .position(|known| known == label)
            .map_or_else(|| label.to_owned(), |number| format!("label {}", number + 1))
    };
    let top = confusion
        .top
        .iter()
        .map(|mistake| crate::analysis::Mistake {
            expected: numbered(&mistake.expected),
            predicted: numbered(&mistake.predicted),
            ..mistake.clone()
        })
        .collect();
    confusion.top = top;
    for (number, label) in confusion.labels.iter_mut().enumerate() {
        *label = format!("label {}", number + 1);
    }
}

fn session(session: &mut SessionView) {
    session.args.clear();
    session.machine = machine(&session.machine);
    session.confinement.clear();
}

/// The parts of a machine's description that name no person, place or file.
fn machine(full: &Value) -> Value {
    const KEPT: [(&str, &[&str]); 3] = [
        (
            "processor",
            &[
                "model",
                "architecture",
                "logical_cpus",
                "physical_cores",
                "usable_cpus",
                "usable_cores",
                "quota",
                "instruction_sets",
            ],
        ),
        ("memory", &["total_bytes", "available_bytes", "limit_bytes"]),
        ("host", &["os", "container", "virtual_machine"]),
    ];
    let mut kept = Map::new();
    for (part, keys) in KEPT {
        let Some(full) = full.get(part).and_then(Value::as_object) else {
            continue;
        };
        let part_kept: Map<String, Value> = full
            .iter()
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        kept.insert(part.to_owned(), Value::Object(part_kept));
    }
    let gpus = full.get("gpus").and_then(Value::as_array).into_iter().flatten();
    let gpus: Vec<Value> = gpus
        .map(|gpu| json!({"name": gpu.get("name"), "memory_bytes": gpu.get("memory_bytes")}))
        .collect();
    kept.insert("gpus".to_owned(), Value::Array(gpus));
    Value::Object(kept)
}

fn entry(view: &mut EntryView, salt: &Salt) {
    for end in &mut view.ended_by {
        end.message.clear();
    }
    for crash in &mut view.crashes {
        crash.last_log.clear();
        crash.in_flight = crash.in_flight.iter().map(|id| salt.hide(id)).collect();
    }
    if let Some(description) = &mut view.description {
        description.model.clear();
        description.endpoint = None;
        description.chat_template = None;
        description.facts.clear();
        description.crashes.clear();
    }
}
