//! Fields that hold a list: a list of values, or a list of objects (rows) with columns.
//!
//! **Rows are matched** with the expected ones by optimal assignment: the one with the most equal
//! cells, and among these the one where the equal cells stand in earlier columns, which so identify a
//! row. The order of rows does not matter; values that are swapped between rows do, for a cell is
//! compared with the cell of its own row only. (An evaluation that flattens lists, such as Donut's,
//! does not see such swaps.) An item of a list of values is a row with one cell.
//!
//! **Cells are judged** like fields, by the null table of [`crate::metrics::extraction`]. A row
//! without counterpart is compared with a row of nulls: its values are missing, or invented. A row
//! without any value is no row, so null, an empty list and a list of empty objects are the same.
//!
//! What stands in an answer instead of a list is its only item. What stands in it instead of an
//! object is an invented value of the first column.
//!
//! At most [`MOST_ROWS`] rows are matched, so that a hostile answer is cheap: the work grows with the
//! square of the shorter list. Rows of an answer beyond them are invented; expected rows beyond them
//! are refused when the suite is loaded.

use serde_json::{Map, Value, json};

use super::compare::{Comparable, Compare};
use super::extraction::is_null;
use crate::metrics::assignment::assign;
use crate::metrics::extraction::{Tally, Verdict};
use crate::problem::brief;

/// Most rows of a list that are matched.
pub const MOST_ROWS: usize = 500;

/// A column of a list of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: the key in an item.
    pub name: String,
    /// When two values are the same.
    pub compare: Compare,
}

/// The items of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Items {
    /// Single values.
    Values(Compare),
    /// Objects; at least one column.
    Rows(Vec<Column>),
}

/// A value of a row.
enum Cell {
    Null,
    /// A value that is none of the comparator's kind, and so equals nothing.
    Other,
    Known(Comparable),
}

/// The cells of a row, in the order of the columns; what is behind the last one is null.
type Row = Vec<Cell>;

impl Cell {
    fn of(value: Option<&Value>, compare: &Compare) -> Cell {
        match value.filter(|value| !is_null(Some(value))) {
            None => Cell::Null,
            Some(value) => compare.comparable(value).map_or(Cell::Other, Cell::Known),
        }
    }
}

impl Items {
    fn comparators(&self) -> Vec<&Compare> {
        match self {
            Items::Values(compare) => vec![compare],
            Items::Rows(columns) => columns.iter().map(|column| &column.compare).collect(),
        }
    }

    /// The names under which the list is scored.
    pub(crate) fn scored_names(&self, list: &str) -> Vec<String> {
        match self {
            Items::Values(_) => vec![list.to_owned()],
            Items::Rows(columns) => columns.iter().map(|c| format!("{list}.{}", c.name)).collect(),
        }
    }

    /// The expected list of a row of data: a list, or its JSON as text, as a csv file has it.
    /// Without the items that hold no value, and without keys that are no column.
    ///
    /// # Errors
    /// The place in the list, such as `[2].price`, and what is wrong there.
    pub(super) fn expected(&self, value: &Value) -> Result<Value, (String, String)> {
        let parsed = match value {
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        };
        let list = match parsed.as_ref().unwrap_or(value) {
            value if is_null(Some(value)) => return Ok(json!([])),
            Value::Array(list) => list,
            other => return Err((String::new(), format!("{} is no list", brief(other)))),
        };
        let mut items = Vec::new();
        for (at, item) in list.iter().enumerate().filter(|(_, item)| !is_null(Some(item))) {
            match self {
                Items::Values(compare) => {
                    if let Some(why) = compare.objects_to(item) {
                        return Err((format!("[{at}]"), why));
                    }
                    items.push(item.clone());
                }
                Items::Rows(columns) => items.extend(expected_row(columns, at, item)?),
            }
        }
        if items.len() > MOST_ROWS {
            let why = format!(
                "the list has {} items, and at most {MOST_ROWS} can be matched",
                items.len()
            );
            return Err((String::new(), why));
        }
        Ok(items.into())
    }

    pub(super) fn schema(&self) -> Value {
        let item = match self {
            Items::Values(compare) => compare.schema(),
            Items::Rows(columns) => {
                let properties: Map<String, Value> =
                    columns.iter().map(|c| (c.name.clone(), c.compare.schema())).collect();
                let required: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                json!({
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }
        };
        json!({"type": "array", "items": item})
    }

    /// Whether a value satisfies the schema.
    pub(super) fn fits(&self, value: &Value) -> bool {
        let item_fits = |item: &Value| match self {
            Items::Values(compare) => compare.fits(item),
            Items::Rows(columns) => item.as_object().is_some_and(|row| {
                let fits = |c: &Column| row.get(&c.name).is_some_and(|v| c.compare.fits(v));
                row.len() == columns.len() && columns.iter().all(fits)
            }),
        };
        value.as_array().is_some_and(|list| list.iter().all(item_fits))
    }

    /// The rows of a value that hold anything.
    fn rows(&self, value: Option<&Value>) -> Vec<Row> {
        let items = match value {
            None => &[],
            Some(Value::Array(items)) => items.as_slice(),
            Some(other) => std::slice::from_ref(other),
        };
        let mut rows = Vec::new();
        for item in items {
            // Rows that will not be matched need not be understood.
            let cell = |value: Option<&Value>, compare| match is_null(value) {
                false if rows.len() >= MOST_ROWS => Cell::Other,
                _ => Cell::of(value, compare),
            };
            let row: Row = match (self, item) {
                (Items::Values(compare), item) => vec![cell(Some(item), compare)],
                (Items::Rows(columns), Value::Object(row)) => {
                    columns.iter().map(|c| cell(row.get(&c.name), &c.compare)).collect()
                }
                (Items::Rows(_), item) if is_null(Some(item)) => Vec::new(),
                (Items::Rows(_), _) => vec![Cell::Other],
            };
            if row.iter().any(|cell| !matches!(cell, Cell::Null)) {
                rows.push(row);
            }
        }
        rows
    }

    /// What became of the cells of each column, in the order of [`Items::scored_names`].
    pub(super) fn judge(&self, read: Option<&Value>, gold: &Value) -> Vec<Tally> {
        let comparators = self.comparators();
        let (read, gold) = (self.rows(read), self.rows(Some(gold)));
        let mut tallies = vec![Tally::default(); comparators.len()];
        if read.is_empty() && gold.is_empty() {
            tallies.iter_mut().for_each(|tally| tally.add(Verdict::Absent));
            return tallies;
        }
        let matched = matches(&comparators, &read, &gold);
        let mut left: Vec<Option<&Row>> = gold.iter().map(Some).collect();
        let mut pairs: Vec<(Option<&Row>, Option<&Row>)> = Vec::new();
        for (at, row) in read.iter().enumerate() {
            let partner = matched.get(at).copied().flatten();
            let gold = partner.and_then(|at| left.get_mut(at)).and_then(Option::take);
            pairs.push((Some(row), gold));
        }
        pairs.extend(left.into_iter().flatten().map(|row| (None, Some(row))));
        for (read, gold) in pairs {
            for ((at, compare), tally) in comparators.iter().enumerate().zip(&mut tallies) {
                tally.add(verdict(compare, cell(read, at), cell(gold, at)));
            }
        }
        tallies
    }
}

/// A cell of a row, null where there is none.
fn cell(row: Option<&Row>, at: usize) -> &Cell {
    row.and_then(|row| row.get(at)).unwrap_or(&Cell::Null)
}

/// The cells of an expected object, null where it has none; nothing where all are null.
fn expected_row(
    columns: &[Column],
    at: usize,
    item: &Value,
) -> Result<Option<Value>, (String, String)> {
    let Value::Object(given) = item else {
        return Err((format!("[{at}]"), format!("{item} is no object")));
    };
    let mut row = Map::new();
    for column in columns {
        let value = given.get(&column.name).filter(|value| !is_null(Some(value)));
        if let Some(why) = value.and_then(|value| column.compare.objects_to(value)) {
            return Err((format!("[{at}].{}", column.name), why));
        }
        row.insert(column.name.clone(), value.cloned().unwrap_or(Value::Null));
    }
    let empty = row.values().all(Value::is_null);
    Ok((!empty).then_some(Value::Object(row)))
}

fn verdict(compare: &Compare, read: &Cell, gold: &Cell) -> Verdict {
    match (read, gold) {
        (Cell::Null, Cell::Null) => Verdict::Absent,
        (_, Cell::Null) => Verdict::Invented,
        (Cell::Null, _) => Verdict::Missing,
        (Cell::Known(read), Cell::Known(gold)) if compare.same(read, gold) => Verdict::Exact,
        _ => Verdict::Wrong,
    }
}

/// For each of the first rows of an answer the expected row that it is matched with.
fn matches(comparators: &[&Compare], read: &[Row], gold: &[Row]) -> Vec<Option<usize>> {
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let columns = comparators.len();
    // One more equal cell outweighs all preferences among columns, of which a pair of rows has at
    // most columns².
    let equal =
        whole(MOST_ROWS).saturating_mul(whole(columns.saturating_mul(columns))).saturating_add(1);
    let weight = |read: &Row, gold: &Row| {
        let cells = comparators.iter().zip(read.iter().zip(gold)).enumerate();
        let equals = cells
            .filter(|(_, (compare, (read, gold)))| verdict(compare, read, gold) == Verdict::Exact);
        let weights = equals.map(|(at, _)| equal.saturating_add(whole(columns.saturating_sub(at))));
        weights.fold(0i64, i64::saturating_add)
    };
    let weights: Vec<Vec<i64>> = read
        .iter()
        .take(MOST_ROWS)
        .map(|read| gold.iter().take(MOST_ROWS).map(|gold| weight(read, gold)).collect())
        .collect();
    assign(&weights)
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
