//! The values of a header, one after the other; no length is taken on trust.

use std::io::Read;

use super::kinds::block_of;
use super::{Entry, GgufError, Tensor};

/// Most items of all arrays of a header together; a vocabulary of 256,000 tokens with merges,
/// scores and types has about a million.
const MAX_ITEMS: u64 = 8_000_000;
/// Longest text of the metadata, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// Most metadata entries and most tensors.
const MAX_ENTRIES: u64 = 1 << 20;
/// Most dimensions of a tensor (`GGML_MAX_DIMS`).
const MAX_DIMENSIONS: u32 = 4;

/// A stream that knows where it is and how much can still come.
pub(super) struct Source<R> {
    input: R,
    at: u64,
    file_bytes: u64,
    items_left: u64,
}

impl<R: Read> Source<R> {
    /// A stream of `file_bytes` bytes at its start.
    pub(super) fn new(input: R, file_bytes: u64) -> Self {
        Source { input, at: 0, file_bytes, items_left: MAX_ITEMS }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    fn damaged(&self, what: impl Into<String>) -> GgufError {
        GgufError::Damaged { at: self.at, what: what.into() }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), GgufError> {
        self.input.read_exact(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => GgufError::CutHeader(self.file_bytes),
            _ => GgufError::Io(error),
        })?;
        self.at = self.at.saturating_add(buffer.len() as u64);
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn count(&mut self, of: &str) -> Result<u64, GgufError> {
        let count = self.u64()?;
        if count > MAX_ENTRIES {
            return Err(self.damaged(format!("it announces {count} {of}")));
        }
        Ok(count)
    }

    pub(super) fn text(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        if length > MAX_TEXT {
            return Err(self.damaged(format!("a text of {length} bytes")));
        }
        if length > self.file_bytes.saturating_sub(self.at) {
            return Err(GgufError::CutHeader(self.file_bytes));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.fill(&mut bytes)?;
        // Tokens of some vocabularies are single bytes of a character, so not every text is UTF-8.
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(super) fn entry(&mut self, kind: u32) -> Result<Entry, GgufError> {
        match kind {
            8 => Ok(Entry::Text(self.text()?)),
            9 => self.list(),
            _ => Ok(Entry::Number(self.scalar(kind)?)),
        }
    }

    fn list(&mut self) -> Result<Entry, GgufError> {
        let kind = self.u32()?;
        let length = self.u64()?;
        if length > self.items_left {
            return Err(self.damaged(format!("a list of {length} items")));
        }
        self.items_left -= length;
        if kind == 8 {
            let mut texts = Vec::new();
            for _ in 0..length {
                texts.push(self.text()?);
            }
            return Ok(Entry::Texts(texts));
        }
        let mut numbers = Vec::new();
        for _ in 0..length {
            numbers.push(self.scalar(kind)?);
        }
        Ok(Entry::Numbers(numbers))
    }

    fn scalar(&mut self, kind: u32) -> Result<f64, GgufError> {
        Ok(match kind {
            0 | 7 => f64::from(u8::from_le_bytes(self.array()?)),
            1 => f64::from(i8::from_le_bytes(self.array()?)),
            2 => f64::from(u16::from_le_bytes(self.array()?)),
            3 => f64::from(i16::from_le_bytes(self.array()?)),
            4 => f64::from(self.u32()?),
            5 => f64::from(i32::from_le_bytes(self.array()?)),
            6 => f64::from(f32::from_le_bytes(self.array()?)),
            10 => self.u64()? as f64,
            11 => i64::from_le_bytes(self.array()?) as f64,
            12 => f64::from_le_bytes(self.array()?),
            other => return Err(self.damaged(format!("a value of unknown type {other}"))),
        })
    }

    pub(super) fn tensor(&mut self) -> Result<Tensor, GgufError> {
        let name = self.text()?;
        let rank = self.u32()?;
        if rank > MAX_DIMENSIONS {
            return Err(self.damaged(format!("tensor `{name}` has {rank} dimensions")));
        }
        let mut dimensions = Vec::new();
        for _ in 0..rank {
            dimensions.push(self.u64()?);
        }
        let tensor = Tensor { name, dimensions, kind: self.u32()?, offset: self.u64()? };
        let row = tensor.dimensions.first().copied().unwrap_or(1);
        if tensor.elements() == 0 {
            return Err(self.damaged(format!("tensor `{}` is empty", tensor.name)));
        }
        if block_of(tensor.kind).is_some_and(|(_, block, _)| row % block != 0) {
            let what = format!("rows of tensor `{}` are no whole number of blocks", tensor.name);
            return Err(self.damaged(what));
        }
        Ok(tensor)
    }
}
