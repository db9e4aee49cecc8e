//! What single task kinds show: confusion matrices, per-label and per-field tables.

use serde::Serialize;

use super::figures::Name;
use crate::analysis::{Analysis, Confusion, FieldRow, LabelRow};
use crate::{numbers, visible};

/// Above this many labels a matrix cannot be read; the most frequent confusions are listed.
const MOST_LABELS: usize = 15;
/// Confusions listed.
const LISTED: usize = 20;

#[derive(Debug, Serialize)]
pub struct Suite {
    suite: String,
    matrices: Vec<Matrix>,
    label_sets: Vec<LabelSet>,
    fields: Vec<Fields>,
}

#[derive(Debug, Serialize)]
struct Matrix {
    model: Name,
    /// The axis, where there are several; else empty.
    axis: String,
    /// Column heads: the labels, then the extra columns.
    columns: Vec<String>,
    rows: Vec<Row>,
    /// The most frequent confusions, instead of rows that are too many.
    top: Vec<Pair>,
    mistakes: String,
    labels: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    label: String,
    n: String,
    cells: Vec<Shaded>,
}

#[derive(Debug, Serialize)]
struct Shaded {
    count: String,
    /// 0 to 9: tenths of the row.
    shade: u64,
    right: bool,
    zero: bool,
}

#[derive(Debug, Serialize)]
struct Pair {
    expected: String,
    predicted: String,
    count: String,
    of: String,
}

#[derive(Debug, Serialize)]
struct LabelSet {
    model: Name,
    axis: String,
    rows: Vec<Label>,
}

#[derive(Debug, Serialize)]
struct Label {
    label: String,
    counts: Vec<String>,
    shares: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Fields {
    model: Name,
    rows: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Field {
    field: String,
    counts: Vec<String>,
    shares: Vec<String>,
}

/// Suites that have such tables.
pub fn of(analysis: &Analysis) -> Vec<Suite> {
    let results = &analysis.results;
    results
        .suites
        .iter()
        .map(|suite| {
            let mut view = Suite {
                suite: visible::line(&suite.name).into_owned(),
                matrices: Vec::new(),
                label_sets: Vec::new(),
                fields: Vec::new(),
            };
            for cell in results.cells.iter().filter(|c| c.suite == suite.name && c.measured) {
                let Some(pass) = cell.quality() else { continue };
                let model = Name::of(results, &cell.model);
                if let Some(confusion) = &pass.confusion {
                    view.matrices.push(matrix(model.clone(), "", confusion));
                }
                for tables in &pass.axes {
                    if let Some(confusion) = &tables.confusion {
                        view.matrices.push(matrix(model.clone(), &tables.axis, confusion));
                    }
                    if !tables.labels.is_empty() {
                        view.label_sets.push(LabelSet {
                            model: model.clone(),
                            axis: visible::line(&tables.axis).into_owned(),
                            rows: tables.labels.iter().map(label).collect(),
                        });
                    }
                }
                if !pass.fields.is_empty() {
                    view.fields
                        .push(Fields { model, rows: pass.fields.iter().map(field).collect() });
                }
            }
            view
        })
        .filter(|suite| {
            let empty = suite.matrices.is_empty() && suite.label_sets.is_empty();
            !(empty && suite.fields.is_empty())
        })
        .collect()
}

fn matrix(model: Name, axis: &str, confusion: &Confusion) -> Matrix {
    let few = confusion.labels.len() <= MOST_LABELS;
    let rows =
        confusion.labels.iter().zip(&confusion.counts).enumerate().map(|(at, (label, counts))| {
            let of: u64 = counts.iter().sum();
            let cells = counts.iter().enumerate().map(|(column, count)| Shaded {
                count: numbers::count(*count),
                shade: count.saturating_mul(10).checked_div(of).unwrap_or(0).min(9),
                right: column == at,
                zero: *count == 0,
            });
            Row {
                label: visible::line(label).into_owned(),
                n: numbers::count(of),
                cells: cells.collect(),
            }
        });
    let top = confusion.top.iter().take(LISTED).map(|mistake| Pair {
        expected: visible::line(&mistake.expected).into_owned(),
        predicted: visible::line(&mistake.predicted).into_owned(),
        count: numbers::count(mistake.count),
        of: numbers::count(mistake.of),
    });
    Matrix {
        model,
        axis: visible::line(axis).into_owned(),
        columns: confusion.labels.iter().map(|l| visible::line(l).into_owned()).collect(),
        rows: if few { rows.collect() } else { Vec::new() },
        top: if few { Vec::new() } else { top.collect() },
        mistakes: numbers::count(confusion.top.iter().map(|m| m.count).sum()),
        labels: confusion.labels.len(),
    }
}

fn label(row: &LabelRow) -> Label {
    Label {
        label: visible::line(&row.label).into_owned(),
        counts: [row.expected, row.predicted, row.right].map(numbers::count).to_vec(),
        shares: [row.precision, row.recall, row.f1].map(share).to_vec(),
    }
}

fn field(row: &FieldRow) -> Field {
    Field {
        field: visible::line(&row.field).into_owned(),
        counts: [row.exact, row.wrong, row.missing, row.invented, row.absent]
            .into_iter()
            .map(numbers::count)
            .collect(),
        shares: [row.precision, row.recall, row.f1].map(share).to_vec(),
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or(numbers::DASH.into(), |value| numbers::percent(value, 1))
}
