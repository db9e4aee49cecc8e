//! `pattern`: what the regular expressions of the suite find. Where they reach a model, the task
//! needs no model.
//!
//! A field of an extraction gets the first value that is found in the columns of the prompt, a list
//! of values gets all of them; what is not found, or has no pattern, is null. For pii all places of
//! all types are marked. Where two places overlap, that of the type which the suite names first
//! stays, so that a pattern for phone numbers need not know that it may meet a card number.

use std::ops::Range;

use serde_json::{Map, Value};

use super::input::Input;
use crate::sample::Sample;
use crate::tasks::extraction::{Field, Shape};
use crate::tasks::{Extraction, Pii, Task};

/// The names and patterns of a suite, in its order.
pub(super) fn patterns(task: &Task) -> Vec<(&str, &str)> {
    match task {
        Task::Extraction(task) => {
            let fields = task.fields.iter();
            fields.filter_map(|f| Some((f.name.as_str(), f.pattern.as_ref()?.source()))).collect()
        }
        Task::Pii(task) => task.patterns.iter().map(|(t, p)| (t.as_str(), p.source())).collect(),
        _ => Vec::new(),
    }
}

/// The answer to a sample; empty for kinds of tasks that have no patterns.
pub(super) fn answer(task: &Task, sample: &Sample, input: &Input) -> String {
    match task {
        Task::Extraction(task) => values(task, &input.text(sample)),
        Task::Pii(task) => {
            places(task, sample.fields.get(&task.text).and_then(Value::as_str).unwrap_or_default())
        }
        _ => String::new(),
    }
}

fn values(task: &Extraction, text: &str) -> String {
    let found = |field: &Field| {
        let ranges = field.pattern.iter().flat_map(|pattern| pattern.ranges(text));
        let mut values = ranges.filter_map(|range| text.get(range)).map(Value::from);
        match field.shape {
            Shape::Value(_) => values.next().unwrap_or(Value::Null),
            Shape::List(_) => values.collect(),
        }
    };
    let values: Map<String, Value> =
        task.fields.iter().map(|field| (field.name.clone(), found(field))).collect();
    Value::Object(values).to_string()
}

fn places(task: &Pii, text: &str) -> String {
    let mut places: Vec<(Range<usize>, &str)> = Vec::new();
    for (kind, pattern) in &task.patterns {
        // Places of one type do not overlap, so that the earlier types' places, sorted, suffice.
        let earlier = places.len();
        for range in pattern.ranges(text) {
            let taken = places.get(..earlier).unwrap_or_default();
            let at = taken.partition_point(|(other, _)| other.end <= range.start);
            if taken.get(at).is_none_or(|(other, _)| range.end <= other.start) {
                places.push((range, kind));
            }
        }
        places.sort_by_key(|(range, _)| range.start);
    }
    Pii::write_places(text, &places)
}
