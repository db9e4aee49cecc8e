//! Reading rows: csv, tsv, jsonl, json, conll, parquet, each also compressed, and rows that stand in
//! the suite itself.
//!
//! All formats give the same thing: rows of columns, each with the line where it starts. Cells of
//! csv and tsv are text; cells of JSON keep their types. Errors name the file and the line.

mod compression;
mod conll;
mod csv;
mod json;
mod jsonl;
mod parquet;
mod squad;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use rightsize_providers::Fields;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::problem::Problem;
use crate::store::{Rows, RowsWriter};

/// Largest data file, in bytes, once it is unpacked: a file beyond it is a mistake, not a suite.
const LARGEST_FILE: u64 = 1 << 30;

/// What some programs write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Longest row, in bytes: more than any model's context.
const LONGEST_ROW: usize = 16 << 20;

/// A row and the line where it starts, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub line: usize,
    pub fields: Fields,
}

/// Rows with the name of what they stand in.
pub(crate) struct Table {
    pub name: String,
    pub rows: Rows,
    /// What the reader of `check` should know of how they were chosen, a sentence each.
    pub notes: Vec<String>,
}

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Csv,
    Tsv,
    Jsonl,
    Json,
    Conll,
    Parquet,
}

/// The format that a file's name says, or why there is none. A compressed file is named as what is
/// in it, with `.gz` or `.zst` behind it.
fn format_of(name: &str) -> Result<Format, Problem> {
    let (name, _) = compression::of(name);
    let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "tsv" => Ok(Format::Tsv),
        "jsonl" | "ndjson" => Ok(Format::Jsonl),
        "json" => Ok(Format::Json),
        "conll" | "bio" | "iob" | "iob2" | "iobes" => Ok(Format::Conll),
        "parquet" => Ok(Format::Parquet),
        _ => Err(Problem::of_file(name, "the file's name does not say its format").remedy(
            "name it .csv, .tsv, .jsonl, .json, .conll or .parquet, with .gz or .zst behind it where \
             packed; or write `{file: NAME, format: csv}`",
        )),
    }
}

/// Whether a file's name says that it holds rows.
pub(crate) fn names_rows(name: &str) -> bool {
    format_of(name).is_ok()
}

/// Columns that a format gives and of which each tells the others: none is shown to a model that is
/// asked for one of them.
pub(crate) fn tells(name: &str, format: Option<Format>) -> &'static [&'static str] {
    match format.map_or_else(|| format_of(name), Ok) {
        Ok(Format::Conll) => &["tags", "spans"],
        Ok(Format::Csv | Format::Tsv | Format::Jsonl | Format::Json | Format::Parquet) | Err(_) => {
            &[]
        }
    }
}

/// Reads the rows of a file on disk. `name` is how messages call it, and says its format where
/// `format` does not.
pub(crate) fn read_file(path: &Path, name: &str, format: Option<Format>) -> Result<Rows, Problem> {
    let format = format.map_or_else(|| format_of(name), Ok)?;
    let mut unpacked = unpacked(path, name).map_err(|e| cannot_read(name, &e))?;
    if format == Format::Jsonl {
        return read_lines(unpacked, name);
    }
    let mut bytes = Vec::new();
    unpacked.read_to_end(&mut bytes).map_err(|e| cannot_read(name, &e))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large(name));
    }
    read_bytes(&bytes, name, format)
}

fn too_large(name: &str) -> Problem {
    Problem::of_file(name, "the file has more than 1 GiB")
        .remedy("take a sample of it: a suite needs hundreds of rows, not millions")
}

/// Reads the rows of a file that is part of the binary.
pub(crate) fn read_embedded(
    text: &str,
    name: &str,
    format: Option<Format>,
) -> Result<Rows, Problem> {
    read_bytes(text.as_bytes(), name, format.map_or_else(|| format_of(name), Ok)?)
}

fn cannot_read(name: &str, error: &std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::of_file(name, "there is no such file")
            .remedy("paths in a suite are relative to the suite's file"),
        _ => Problem::of_file(name, format!("cannot read the file: {error}")),
    }
}

/// At most one byte more than [`LARGEST_FILE`], so that an endless device file ends, and so does a
/// small file that unpacks to an endless one.
fn unpacked(path: &Path, name: &str) -> std::io::Result<impl BufRead> {
    let (_, packed) = compression::of(name);
    let file = BufReader::new(std::fs::File::open(path)?);
    let limited = packed.open(file)?.take(LARGEST_FILE.saturating_add(1));
    Ok(BufReader::with_capacity(1 << 16, limited))
}

/// Lines are read one by one; of the other formats the file is held as a whole while it is read.
fn read_lines(lines: impl BufRead, name: &str) -> Result<Rows, Problem> {
    let mut rows = RowsWriter::default();
    jsonl::read(lines, name, &mut rows)?;
    rows.finish()
}

fn read_bytes(bytes: &[u8], name: &str, format: Format) -> Result<Rows, Problem> {
    let mut rows = RowsWriter::default();
    match format {
        Format::Csv => csv::read(text_of(bytes, name)?, name, b',', &mut rows),
        Format::Tsv => csv::read(text_of(bytes, name)?, name, b'\t', &mut rows),
        Format::Jsonl => return read_lines(bytes, name),
        Format::Json => json::read(text_of(bytes, name)?, name, &mut rows),
        Format::Conll => conll::read(text_of(bytes, name)?, name, &mut rows),
        Format::Parquet => parquet::read(bytes, name, &mut rows),
    }?;
    rows.finish()
}

fn text_of<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Problem> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| {
        let valid = bytes.get(..e.valid_up_to()).unwrap_or_default();
        not_utf8(name, line_of(valid, valid.len()))
    })
}

fn not_utf8(name: &str, line: usize) -> Problem {
    Problem::of_file(name, "this is not UTF-8")
        .at_line(line)
        .remedy(format!("convert it, for example with `iconv -f latin1 -t utf8 {name}`"))
}

/// The line, from 1, of a byte offset.
fn line_of(text: &[u8], offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.iter().filter(|b| **b == b'\n').count().saturating_add(1)
}

fn too_long(name: &str, line: usize) -> Problem {
    Problem::of_file(name, "the row has more than 16 MiB")
        .at_line(line)
        .remedy("no model reads a text of this length: cut or split it")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
