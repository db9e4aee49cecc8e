//! Where the rows of a split are kept: one behind the other as bytes, in memory while they are few,
//! else in a temporary file that has no name and goes with its process.
//!
//! A row costs eight bytes of memory however long it is. Rows are made again when they are read, and
//! steps that choose or order rows work on their places. The file is the program's own copy: what
//! becomes of the data file after it was read changes no run.

mod encoding;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rand::Rng;
use rand::seq::SliceRandom;
use rightsize_providers::Fields;

use crate::dataset::Row;
use crate::problem::Problem;

/// Bytes of rows that stay in memory.
const MOST_IN_MEMORY: usize = 8 << 20;

/// Bytes that are read at once: of rows one after the other, and of one row.
const READ_AHEAD: usize = 256 << 10;
const READ_ONE: usize = 1 << 10;

/// Bytes before each row: its line, and its length.
const HEAD: usize = 12;

/// Rows in an order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    bytes: Arc<Bytes>,
    /// Where each row begins.
    places: Arc<Vec<u64>>,
    /// The columns that occur in any row, in the order of their first occurrence; not known where
    /// rows were left out since they were counted.
    columns: Option<Arc<Vec<String>>>,
}

#[derive(Debug)]
enum Bytes {
    Memory(Vec<u8>),
    File(File),
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes::Memory(Vec::new())
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The row at a position, and where its bytes begin: no other row's begin there. `None` beyond
    /// the last row.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub(crate) fn get(&self, position: usize) -> Result<Option<(u64, Row)>, Problem> {
        let Some(place) = self.places.get(position) else { return Ok(None) };
        let row = Window::new(&self.bytes, READ_ONE).row(*place).map_err(unreadable)?;
        Ok(Some((*place, row)))
    }

    /// The rows in their order; the first error is the last item that is worth looking at.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<Row, Problem>> + '_ {
        self.placed().map(|placed| placed.map(|(_, row)| row))
    }

    /// The same with where the bytes of each row begin.
    pub(crate) fn placed(&self) -> impl Iterator<Item = Result<(u64, Row), Problem>> + '_ {
        let mut window = Window::new(&self.bytes, READ_AHEAD);
        self.places
            .iter()
            .map(move |place| window.row(*place).map(|row| (*place, row)).map_err(unreadable))
    }

    /// The columns that occur in any row, in the order of their first occurrence.
    pub(crate) fn columns(&self) -> Result<Arc<Vec<String>>, Problem> {
        if let Some(known) = &self.columns {
            return Ok(known.clone());
        }
        let mut columns = Columns::default();
        for row in self.iter() {
            columns.add(&row?.fields);
        }
        Ok(Arc::new(columns.ordered))
    }

    /// Leaves the rows for which `keep` says so, by their position.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let before = self.places.len();
        let mut position = 0;
        Arc::make_mut(&mut self.places).retain(|_| {
            let kept = keep(position);
            position = position.saturating_add(1);
            kept
        });
        if self.places.len() < before {
            self.columns = None;
        }
    }

    /// Orders the rows at random.
    pub(crate) fn shuffle(&mut self, rng: &mut impl Rng) {
        Arc::make_mut(&mut self.places).shuffle(rng);
        self.columns = None;
    }

    /// The rows at some positions, in the order of these.
    pub(crate) fn select(&self, positions: impl IntoIterator<Item = usize>) -> Rows {
        let places = positions.into_iter().filter_map(|at| self.places.get(at).copied());
        Rows { bytes: self.bytes.clone(), places: Arc::new(places.collect()), columns: None }
    }
}

fn unreadable(error: io::Error) -> Problem {
    Problem::of_file("temporary file", format!("the rows cannot be read again: {error}"))
        .remedy("check the disk of the folder for temporary files (`TMPDIR`)")
}

/// A part of the bytes that has been read.
struct Window<'a> {
    bytes: &'a Bytes,
    ahead: usize,
    start: u64,
    read: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(bytes: &'a Bytes, ahead: usize) -> Self {
        Window { bytes, ahead, start: 0, read: Vec::new() }
    }

    fn row(&mut self, place: u64) -> io::Result<Row> {
        let torn = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let head: [u8; HEAD] = self.slice(place, HEAD)?.try_into().map_err(|_| torn())?;
        let [a, b, c, d, e, f, g, h, length @ ..] = head;
        let line = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let length = u32::from_le_bytes(length) as usize;
        let bytes = self.slice(place.saturating_add(HEAD as u64), length)?;
        let fields = encoding::decode(bytes).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "a row is not as it was written")
        })?;
        Ok(Row { line: usize::try_from(line).unwrap_or(usize::MAX), fields })
    }

    fn slice(&mut self, place: u64, length: usize) -> io::Result<&[u8]> {
        let torn = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let part = |bytes: &'a [u8], at: u64| {
            let at = usize::try_from(at).ok()?;
            bytes.get(at..at.checked_add(length)?)
        };
        let file = match self.bytes {
            Bytes::Memory(bytes) => return part(bytes, place).ok_or_else(torn),
            Bytes::File(file) => file,
        };
        let end = place.saturating_add(length as u64);
        if place < self.start || end > self.start.saturating_add(self.read.len() as u64) {
            self.read.resize(length.max(self.ahead), 0);
            let mut filled = 0;
            while let Some(rest) = self.read.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match file.read_at(rest, place.saturating_add(filled as u64)) {
                    Ok(0) => break,
                    Ok(more) => filled = filled.saturating_add(more),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.read.truncate(filled);
            self.start = place;
        }
        let at = usize::try_from(place.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.read.get(at..at.saturating_add(length)).ok_or_else(torn)
    }
}

/// The columns of rows that come one by one.
#[derive(Debug, Default)]
struct Columns {
    ordered: Vec<String>,
    seen: HashSet<String>,
}

impl Columns {
    fn add(&mut self, fields: &Fields) {
        for column in fields.keys() {
            if !self.seen.contains(column) {
                self.seen.insert(column.clone());
                self.ordered.push(column.clone());
            }
        }
    }
}

/// Takes rows one by one.
#[derive(Debug, Default)]
pub(crate) struct RowsWriter {
    /// Bytes that are in no file.
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    written: u64,
    places: Vec<u64>,
    columns: Columns,
}

impl RowsWriter {
    /// Adds a row, which starts on a line of its file.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub(crate) fn push(&mut self, line: usize, fields: &Fields) -> Result<(), Problem> {
        self.columns.add(fields);
        let start = self.memory.len();
        self.memory.extend((line as u64).to_le_bytes());
        self.memory.extend([0; 4]);
        encoding::encode(fields, &mut self.memory);
        let length = self.memory.len().saturating_sub(start).saturating_sub(HEAD);
        let length = u32::try_from(length).map_err(|_| {
            Problem::of_file("temporary file", "a row has more than 4 GiB").at_line(line)
        })?;
        let at = start.saturating_add(HEAD);
        if let Some(slot) = self.memory.get_mut(at.saturating_sub(4)..at) {
            slot.copy_from_slice(&length.to_le_bytes());
        }
        self.places.push(self.written.saturating_add(start as u64));
        if self.file.is_some() || self.memory.len() > MOST_IN_MEMORY {
            self.spill().map_err(|error| {
                Problem::of_file("temporary file", format!("cannot keep the rows: {error}"))
                    .remedy("make room in the folder for temporary files, or set `TMPDIR`")
            })?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::with_capacity(READ_AHEAD, tempfile::tempfile()?)),
        };
        file.write_all(&self.memory)?;
        self.written = self.written.saturating_add(self.memory.len() as u64);
        self.memory.clear();
        self.memory.shrink_to(READ_AHEAD);
        Ok(())
    }

    /// The rows.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub(crate) fn finish(mut self) -> Result<Rows, Problem> {
        let bytes = match self.file {
            None => {
                self.memory.shrink_to_fit();
                Bytes::Memory(self.memory)
            }
            Some(file) => Bytes::File(file.into_inner().map_err(|e| unreadable(e.into_error()))?),
        };
        self.places.shrink_to_fit();
        Ok(Rows {
            bytes: Arc::new(bytes),
            places: Arc::new(self.places),
            columns: Some(Arc::new(self.columns.ordered)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fields(value: Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    /// Rows of about a kilobyte: `i`, and a text.
    fn some(count: usize) -> Rows {
        let mut rows = RowsWriter::default();
        for i in 0..count {
            rows.push(i + 7, &fields(json!({"i": i, "text": i.to_string().repeat(200)}))).unwrap();
        }
        rows.finish().unwrap()
    }

    #[test]
    fn few_rows_stay_in_memory_and_many_go_to_a_file() {
        for (count, in_file) in [(0, false), (10, false), (20_000, true)] {
            let rows = some(count);
            assert_eq!(matches!(*rows.bytes, Bytes::File(_)), in_file);
            assert_eq!(rows.iter().count(), count);
            for (i, row) in rows.iter().enumerate() {
                let row = row.unwrap();
                assert_eq!((row.line, &row.fields["i"]), (i + 7, &json!(i)));
                assert_eq!(row.fields["text"], i.to_string().repeat(200));
            }
            for i in [0, 3, count.saturating_sub(1)].into_iter().filter(|i| *i < count) {
                assert_eq!(rows.get(i).unwrap().unwrap().1.fields["i"], i);
            }
            assert!(rows.get(count).unwrap().is_none());
        }
    }

    #[test]
    fn a_row_that_is_longer_than_what_is_read_at_once() {
        let long = "x".repeat(MOST_IN_MEMORY);
        let mut rows = RowsWriter::default();
        for text in [&long, "y", &long] {
            rows.push(1, &fields(json!({"text": text}))).unwrap();
        }
        let rows = rows.finish().unwrap();
        let read: Vec<usize> =
            rows.iter().map(|row| row.unwrap().fields["text"].as_str().unwrap().len()).collect();
        assert_eq!(read, [long.len(), 1, long.len()]);
    }

    #[test]
    fn columns_are_those_of_the_rows_that_are_left() {
        let mut rows = RowsWriter::default();
        for row in [json!({"b": 1}), json!({"a": 1, "b": 2}), json!({"c": 1})] {
            rows.push(1, &fields(row)).unwrap();
        }
        let mut rows = rows.finish().unwrap();
        assert_eq!(**rows.columns().unwrap(), ["b", "a", "c"]);
        rows.retain(|position| position > 0);
        assert_eq!(**rows.columns().unwrap(), ["a", "b", "c"]);
        assert_eq!(**rows.select([1]).columns().unwrap(), ["c"]);
    }
}
