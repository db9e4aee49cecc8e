//! Scores by the values of a tag.

use std::collections::BTreeSet;

use serde::Serialize;

use super::figures::{Name, Score};
use crate::analysis::{Analysis, Slice};
use crate::{numbers, visible};

#[derive(Debug, Serialize)]
pub struct Slices {
    tables: Vec<Table>,
    /// Tags with too many values to be slices.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Table {
    suite: String,
    metric: String,
    tag: String,
    values: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: Name,
    cells: Vec<Option<Scored>>,
}

#[derive(Debug, Serialize)]
struct Scored {
    score: Score,
    n: String,
}

/// One table a suite and tag; nothing when no sample has a tag.
pub fn of(analysis: &Analysis) -> Option<Slices> {
    let results = &analysis.results;
    let (mut tables, mut left_out) = (Vec::new(), Vec::new());
    for suite in &results.suites {
        let cells: Vec<_> = results
            .cells
            .iter()
            .filter(|cell| cell.suite == suite.name && cell.measured)
            .filter_map(|cell| Some((cell, cell.quality()?)))
            .collect();
        let tags: BTreeSet<&str> = cells
            .iter()
            .flat_map(|(_, pass)| &pass.slices)
            .map(|slices| slices.tag.as_str())
            .collect();
        for tag in tags {
            let of_tag: Vec<_> = cells
                .iter()
                .map(|(cell, pass)| (cell, pass.slices.iter().find(|s| s.tag == tag)))
                .collect();
            let values: BTreeSet<&str> = of_tag
                .iter()
                .filter_map(|(_, slices)| *slices)
                .flat_map(|slices| &slices.values)
                .map(|slice| slice.value.as_str())
                .collect();
            let distinct =
                of_tag.iter().filter_map(|(_, s)| Some(s.as_ref()?.distinct)).max().unwrap_or(0);
            if values.is_empty() {
                left_out.push(format!(
                    "{} of {} ({} values)",
                    visible::line(tag),
                    visible::line(&suite.name),
                    numbers::count(distinct)
                ));
                continue;
            }
            let rows = of_tag
                .iter()
                .map(|(cell, slices)| Row {
                    model: Name::of(results, &cell.model),
                    cells: values
                        .iter()
                        .map(|value| {
                            let slice = slices.as_ref()?.values.iter().find(|s| s.value == *value);
                            slice.map(scored)
                        })
                        .collect(),
                })
                .collect();
            tables.push(Table {
                suite: visible::line(&suite.name).into_owned(),
                metric: suite.primary.clone(),
                tag: visible::line(tag).into_owned(),
                values: values.into_iter().map(|v| visible::line(v).into_owned()).collect(),
                rows,
            });
        }
    }
    let some = !tables.is_empty() || !left_out.is_empty();
    some.then_some(Slices { tables, left_out })
}

fn scored(slice: &Slice) -> Scored {
    Scored { score: Score::from(&slice.primary), n: slice.counts.n() }
}
