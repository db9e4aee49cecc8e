//! Comma- and tab-separated values (RFC 4180): the first row names the columns, quotes may hold
//! separators and line ends, every cell is text. Python's `csv` module (`excel`, `excel-tab`) reads
//! the same rows.

use rightsize_providers::Fields;
use serde_json::Value;

use super::{LONGEST_ROW, too_long};
use crate::problem::Problem;
use crate::store::RowsWriter;

pub(super) fn read(
    text: &str,
    name: &str,
    delimiter: u8,
    rows: &mut RowsWriter,
) -> Result<(), Problem> {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let broken = |e: ::csv::Error| Problem::of_file(name, format!("this is no valid table: {e}"));
    let header = reader.headers().map_err(broken)?.clone();
    check_header(&header, name)?;
    // The line of the last row, if a cell of it has a line end.
    let mut last_with_line_end = None;
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(1, |p| usize::try_from(p.line()).unwrap_or(usize::MAX));
        let line = line.saturating_add(blank_lines(text, record.position()));
        if record.len() != header.len() {
            let message =
                format!("the row has {} cells, the header has {}", record.len(), header.len());
            return Err(Problem::of_file(name, message)
                .at_line(line)
                .remedy("put a cell that contains separators in quotes"));
        }
        if record.as_slice().len() > LONGEST_ROW {
            return Err(too_long(name, line));
        }
        last_with_line_end = record.iter().any(|cell| cell.contains('\n')).then_some(line);
        let cell = |(column, value): (&str, &str)| (column.to_owned(), Value::from(value));
        let fields: Fields = header.iter().zip(record.iter()).map(cell).collect();
        rows.push(line, &fields)?;
    }
    // A quote that is never closed swallows the rest of the file into one cell without an error.
    let odd_quotes = !text.matches('"').count().is_multiple_of(2);
    if let Some(line) = last_with_line_end.filter(|_| odd_quotes) {
        return Err(Problem::of_file(name, "a quote is opened and never closed")
            .at_line(line)
            .remedy("close it; a quote inside a quoted cell is written twice"));
    }
    Ok(())
}

/// Empty lines between the end of the record before and this one: the reader skips them, but gives
/// the place where it began to look.
fn blank_lines(text: &str, position: Option<&::csv::Position>) -> usize {
    let start = position.and_then(|p| usize::try_from(p.byte()).ok()).unwrap_or(0);
    let rest = text.get(start..).unwrap_or_default().bytes();
    rest.take_while(|b| matches!(b, b'\n' | b'\r')).filter(|b| *b == b'\n').count()
}

fn check_header(header: &::csv::StringRecord, name: &str) -> Result<(), Problem> {
    for (i, column) in header.iter().enumerate() {
        let message = if column.is_empty() {
            format!("column {} has no name", i.saturating_add(1))
        } else if header.iter().take(i).any(|other| other == column) {
            format!("two columns are named `{column}`")
        } else {
            continue;
        };
        let remedy = "the first row names the columns, each once";
        return Err(Problem::of_file(name, message).at_line(1).remedy(remedy));
    }
    Ok(())
}
