//! Apache Parquet: columns in row groups, read into rows.
//!
//! Pages may be plain, or packed by Snappy or gzip. (Other codecs of the format need a C compiler or
//! are rare.) What the types become stands in `value.rs`. A row's line is its number, from 1.
//!
//! The reader is the `parquet` crate, whose code trusts what a file says of itself. So a file is looked
//! through before it is read: the footer, of whose numbers the reader makes allocations and
//! recursions (`footer.rs`), and then the pages, whose few bytes may stand for any number of values.
//! What contradicts itself beyond that makes the reader panic; such a panic ends here.

mod footer;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::basic::{Compression, Encoding};
use ::parquet::column::page::Page;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use bytes::Bytes;

use super::{LARGEST_FILE, LONGEST_ROW, too_long};
use crate::problem::Problem;
use crate::store::RowsWriter;
use value::Budget;

/// Most values of a file, and most pages: with 64 bytes for each, what they take is 1 GiB.
const MOST_VALUES: u64 = LARGEST_FILE / 64;

/// Characters of the reader's messages that are told: some quote the data.
const LONGEST_MESSAGE: usize = 200;

pub(super) fn read(bytes: &[u8], name: &str, rows: &mut RowsWriter) -> Result<(), Problem> {
    footer::check(bytes).map_err(|why| broken(name, why))?;
    let bytes = Bytes::copy_from_slice(bytes);
    catch_unwind(AssertUnwindSafe(|| push_all(bytes, name, rows)))
        .unwrap_or_else(|_| Err(broken(name, "its parts contradict each other")))
}

fn broken(name: &str, why: impl std::fmt::Display) -> Problem {
    let why: String = why.to_string().chars().take(LONGEST_MESSAGE).collect();
    Problem::of_file(name, format!("this is no valid Parquet file: {why}"))
        .remedy("write it again, or convert it to .jsonl")
}

fn too_large(name: &str) -> Problem {
    Problem::of_file(name, "the rows have more than 1 GiB, or 16 million values")
        .remedy("take a sample of it: a suite needs hundreds of rows, not millions")
}

fn push_all(bytes: Bytes, name: &str, rows: &mut RowsWriter) -> Result<(), Problem> {
    let of_reader = |e: ParquetError| broken(name, e);
    let reader = SerializedFileReader::new(bytes).map_err(of_reader)?;
    look_through(&reader, name)?;
    let mut budget = Budget::new(LARGEST_FILE);
    for (i, row) in reader.get_row_iter(None).map_err(of_reader)?.enumerate() {
        let line = i.saturating_add(1);
        let left = budget.left();
        let fields = value::fields(row.map_err(of_reader)?, &mut budget)
            .map_err(|why| broken(name, why).at_line(line))?
            .ok_or_else(|| too_large(name))?;
        if left.saturating_sub(budget.left()) > LONGEST_ROW as u64 {
            return Err(too_long(name, line));
        }
        rows.push(line, &fields)?;
    }
    Ok(())
}

/// Adds up what the pages would become, before any value of them is made.
fn look_through(reader: &SerializedFileReader<Bytes>, name: &str) -> Result<(), Problem> {
    let of_reader = |e: ParquetError| broken(name, e);
    let mut size = Size::default();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(of_reader)?;
        let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(u64::MAX);
        if group.num_columns() == 0 && rows > 0 {
            return Err(broken(name, "it has rows without columns"));
        }
        for (column, chunk) in group.metadata().columns().iter().enumerate() {
            check_codec(chunk, name)?;
            check_place(chunk, name)?;
            let values = chunk_values(group.as_ref(), column, chunk, &mut size, name)?;
            if values < rows {
                let column = chunk.column_path().string();
                return Err(broken(name, format!("`{column}` has {values} values, not {rows}")));
            }
        }
    }
    Ok(())
}

/// What the pages that were looked through would become.
#[derive(Default)]
struct Size {
    values: u64,
    bytes: u64,
}

/// The number of values in a column of a row group.
fn chunk_values(
    group: &dyn RowGroupReader,
    column: usize,
    chunk: &ColumnChunkMetaData,
    size: &mut Size,
    name: &str,
) -> Result<u64, Problem> {
    let of_reader = |e: ParquetError| broken(name, e);
    let in_lists = chunk.column_descr().max_rep_level() > 0;
    let (mut values, mut longest) = (0u64, 0u64);
    let mut pages = group.get_column_page_reader(column).map_err(of_reader)?;
    while let Some(page) = pages.get_next_page().map_err(of_reader)? {
        let in_page = u64::from(page.num_values());
        size.bytes = size.bytes.saturating_add(page.buffer().len() as u64);
        size.values = size.values.saturating_add(1);
        if let Page::DictionaryPage { buf, num_values, .. } = &page {
            // The reader makes room for as many entries as the page says it has.
            if *num_values as usize > buf.len() {
                return Err(broken(name, "a dictionary has more entries than bytes"));
            }
            longest = longest.max(longest_entry(buf));
            continue;
        }
        if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
            // Each value may repeat most of the one before it, so that few bytes become many.
            let message = "the encoding DELTA_BYTE_ARRAY is not read";
            return Err(Problem::of_file(name, message)
                .remedy("write it with dictionary or plain encoding, the default of most tools"));
        }
        values = values.saturating_add(in_page);
        size.values = size.values.saturating_add(in_page);
        // A row is made as a whole; in a list it may have any number of a long entry.
        if in_lists {
            size.bytes = size.bytes.saturating_add(in_page.saturating_mul(longest));
        }
        if size.values > MOST_VALUES || size.bytes > LARGEST_FILE {
            return Err(too_large(name));
        }
    }
    Ok(values)
}

/// The longest entry of a dictionary of texts: each is its length in four bytes, then itself. Of
/// other types the figure has no meaning, but is no more than the dictionary's length.
fn longest_entry(mut entries: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = entries.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(rest) = rest.get(length..) else { break };
        longest = longest.max(length);
        entries = rest;
    }
    longest as u64
}

/// The reader panics at a negative place or length.
fn check_place(chunk: &ColumnChunkMetaData, name: &str) -> Result<(), Problem> {
    let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
    if start < 0 || chunk.compressed_size() < 0 {
        let column = chunk.column_path().string();
        return Err(broken(name, format!("the place or the length of `{column}` is negative")));
    }
    Ok(())
}

fn check_codec(chunk: &ColumnChunkMetaData, name: &str) -> Result<(), Problem> {
    match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) => Ok(()),
        other => {
            let codec = format!("{other:?}");
            let codec = codec.split('(').next().unwrap_or_default();
            let message = format!("pages packed by {codec} are not read");
            Err(Problem::of_file(name, message)
                .remedy("write it with `compression='snappy'`, or convert it to .jsonl"))
        }
    }
}

#[cfg(test)]
mod tests;
