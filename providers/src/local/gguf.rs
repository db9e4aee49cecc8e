//! The header of a GGUF file: metadata and the list of tensors, read with bounds.
//!
//! A model file is untrusted input, and llama.cpp aborts on some damaged ones. So this reader sees
//! every file first: it takes no length on trust, never allocates more than the file could hold,
//! and checks that every tensor lies inside the file. Layout: `docs/gguf.md` of ggml, versions 2
//! and 3, little-endian.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Most items of all arrays of a header together; a vocabulary of 256,000 tokens with merges,
/// scores and types has about a million.
const MAX_ITEMS: u64 = 8_000_000;
/// Longest text of the metadata, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// Most metadata entries and most tensors.
const MAX_ENTRIES: u64 = 1 << 20;
/// Most dimensions of a tensor (`GGML_MAX_DIMS`).
const MAX_DIMENSIONS: u32 = 4;
/// `general.alignment` where the file does not say.
const DEFAULT_ALIGNMENT: u64 = 32;

/// What a GGUF file says of itself.
#[derive(Debug, Clone)]
pub struct Header {
    /// Version of the format: 2 or 3.
    pub version: u32,
    /// The tensors, in the order of the file.
    pub tensors: Vec<Tensor>,
    /// Where the tensors' data begin, in bytes from the start of the file.
    pub data_offset: u64,
    /// The file's length in bytes.
    pub file_bytes: u64,
    metadata: BTreeMap<String, Entry>,
}

/// One tensor's place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Its shape, the fastest-moving dimension first.
    pub dimensions: Vec<u64>,
    /// The number of its type in `enum ggml_type`.
    pub kind: u32,
    /// Where its data begin, in bytes from [`Header::data_offset`].
    pub offset: u64,
}

impl Tensor {
    /// How many values it has; saturates.
    pub fn elements(&self) -> u64 {
        self.dimensions.iter().fold(1, |n, d| n.saturating_mul(*d))
    }

    /// Its size in bytes, or `None` where its type is not known here.
    pub fn bytes(&self) -> Option<u64> {
        let (_, block, size) = block_of(self.kind)?;
        Some(self.elements().div_ceil(block).saturating_mul(size))
    }

    /// The name of its type, such as `Q4_K`.
    pub fn kind_name(&self) -> Option<&'static str> {
        block_of(self.kind).map(|(name, _, _)| name)
    }
}

/// A value of the metadata, in the three shapes that readers ask for.
#[derive(Debug, Clone)]
enum Entry {
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// Why a file is no readable GGUF.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be opened or read.
    #[error("cannot read it: {0}")]
    Io(std::io::Error),
    /// It does not begin with `GGUF`.
    #[error("it does not begin with `GGUF`, so it is no GGUF file")]
    Magic,
    /// A version that this reader does not know.
    #[error("its GGUF version is {0}; versions 2 and 3 can be read")]
    Version(u32),
    /// It ends before its header does.
    #[error("it ends inside its header, after {0} bytes: the file is cut")]
    CutHeader(u64),
    /// A tensor reaches beyond the end of the file.
    #[error(
        "tensor `{tensor}` ends at byte {end}, but the file has {file_bytes} bytes: the file is cut"
    )]
    CutTensor {
        /// The first such tensor.
        tensor: String,
        /// Where its data would end.
        end: u64,
        /// The file's length.
        file_bytes: u64,
    },
    /// A value that no sound file has.
    #[error("its header is damaged at byte {at}: {what}")]
    Damaged {
        /// Where, in bytes from the start of the file.
        at: u64,
        /// What is wrong there.
        what: String,
    },
}

impl Header {
    /// Reads the header of a file and checks that every tensor lies inside the file.
    ///
    /// # Errors
    /// A file that cannot be read, is no GGUF, is cut or is damaged.
    pub fn read(path: &Path) -> Result<Header, GgufError> {
        let file = File::open(path).map_err(GgufError::Io)?;
        let file_bytes = file.metadata().map_err(GgufError::Io)?.len();
        Header::from_reader(BufReader::with_capacity(1 << 16, file), file_bytes)
    }

    /// Like [`Header::read`], from the start of a stream of `file_bytes` bytes.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn from_reader(input: impl Read, file_bytes: u64) -> Result<Header, GgufError> {
        let mut source = Source { input, at: 0, file_bytes, items_left: MAX_ITEMS };
        if source.array::<4>().map_err(|e| magic_error(e, file_bytes))? != *b"GGUF" {
            return Err(GgufError::Magic);
        }
        let version = source.u32()?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version(version));
        }
        let tensor_count = source.count("tensors")?;
        let entry_count = source.count("metadata entries")?;
        let mut metadata = BTreeMap::new();
        for _ in 0..entry_count {
            let key = source.text()?;
            let kind = source.u32()?;
            let entry = source.entry(kind)?;
            metadata.insert(key, entry);
        }
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            tensors.push(source.tensor()?);
        }
        let mut header = Header { version, tensors, data_offset: source.at, file_bytes, metadata };
        header.place_data()?;
        Ok(header)
    }

    /// A text of the metadata, such as `tokenizer.chat_template`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Entry::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number of the metadata; a truth value counts as 0 or 1. Whole numbers are exact up to 2^53.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key)? {
            Entry::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole, non-negative number of the metadata.
    pub fn count(&self, key: &str) -> Option<u64> {
        let number = self.number(key)?;
        let whole = number >= 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0;
        whole.then_some(number as u64)
    }

    /// A list of texts, such as `tokenizer.ggml.tokens`.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key)? {
            Entry::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// A list of numbers, such as `tokenizer.ggml.token_type`.
    pub fn numbers(&self, key: &str) -> Option<&[f64]> {
        match self.metadata.get(key)? {
            Entry::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// A number of the model's architecture: `context_length` is read as
    /// `llama.context_length` where `general.architecture` is `llama`.
    pub fn of_architecture(&self, name: &str) -> Option<u64> {
        self.count(&format!("{}.{name}", self.text("general.architecture")?))
    }

    /// The text of the token whose id stands at `key`, such as `tokenizer.ggml.bos_token_id`.
    pub fn token(&self, key: &str) -> Option<&str> {
        let id = usize::try_from(self.count(key)?).ok()?;
        self.texts("tokenizer.ggml.tokens")?.get(id).map(String::as_str)
    }

    /// How many values all tensors have together: the number of parameters.
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().fold(0, |n, tensor| n.saturating_add(tensor.elements()))
    }

    /// The type that holds most of the weights, such as `Q4_K`: the file's quantisation.
    pub fn quantisation(&self) -> Option<&'static str> {
        let mut values: BTreeMap<&'static str, u64> = BTreeMap::new();
        for tensor in &self.tensors {
            let sum = values.entry(tensor.kind_name()?).or_default();
            *sum = sum.saturating_add(tensor.elements());
        }
        values.into_iter().max_by_key(|(_, sum)| *sum).map(|(name, _)| name)
    }

    /// Aligns the start of the data and checks each tensor against the end of the file.
    fn place_data(&mut self) -> Result<(), GgufError> {
        let at = self.data_offset;
        let damaged = |what: String| GgufError::Damaged { at, what };
        let alignment = match self.metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(_) => self.count("general.alignment").unwrap_or(0),
        };
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(damaged(format!("`general.alignment` is {alignment}, no power of two")));
        }
        self.data_offset = at.next_multiple_of(alignment);
        for tensor in &self.tensors {
            if tensor.offset % alignment != 0 {
                return Err(damaged(format!("tensor `{}` is not aligned", tensor.name)));
            }
            let end = tensor
                .bytes()
                .unwrap_or(0)
                .saturating_add(tensor.offset)
                .saturating_add(self.data_offset);
            if end > self.file_bytes {
                let file_bytes = self.file_bytes;
                return Err(GgufError::CutTensor { tensor: tensor.name.clone(), end, file_bytes });
            }
        }
        Ok(())
    }
}

/// A file of fewer than four bytes is foreign rather than cut.
fn magic_error(error: GgufError, file_bytes: u64) -> GgufError {
    if file_bytes < 4 { GgufError::Magic } else { error }
}

/// A stream that knows where it is and how much can still come.
struct Source<R> {
    input: R,
    at: u64,
    file_bytes: u64,
    items_left: u64,
}

impl<R: Read> Source<R> {
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

    fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, of: &str) -> Result<u64, GgufError> {
        let count = self.u64()?;
        if count > MAX_ENTRIES {
            return Err(self.damaged(format!("it announces {count} {of}")));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<String, GgufError> {
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

    fn entry(&mut self, kind: u32) -> Result<Entry, GgufError> {
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

    fn tensor(&mut self) -> Result<Tensor, GgufError> {
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

/// Name, values per block and bytes per block of a type of `enum ggml_type` (ggml.h,
/// ggml-common.h). Types that are gone from ggml, or newer than this table, are absent.
fn block_of(kind: u32) -> Option<(&'static str, u64, u64)> {
    Some(match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        2 => ("Q4_0", 32, 18),
        3 => ("Q4_1", 32, 20),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, 34),
        9 => ("Q8_1", 32, 36),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        15 => ("Q8_K", 256, 292),
        16 => ("IQ2_XXS", 256, 66),
        17 => ("IQ2_XS", 256, 74),
        18 => ("IQ3_XXS", 256, 98),
        19 => ("IQ1_S", 256, 50),
        20 => ("IQ4_NL", 32, 18),
        21 => ("IQ3_S", 256, 110),
        22 => ("IQ2_S", 256, 82),
        23 => ("IQ4_XS", 256, 136),
        24 => ("I8", 1, 1),
        25 => ("I16", 1, 2),
        26 => ("I32", 1, 4),
        27 => ("I64", 1, 8),
        28 => ("F64", 1, 8),
        29 => ("IQ1_M", 256, 56),
        30 => ("BF16", 1, 2),
        34 => ("TQ1_0", 256, 54),
        35 => ("TQ2_0", 256, 66),
        39 => ("MXFP4", 32, 17),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    }

    /// A file as `docs/gguf.md` describes it: two tensors of 32 and 64 values, five entries.
    fn file() -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend(2u64.to_le_bytes());
        out.extend(5u64.to_le_bytes());
        text(&mut out, "general.architecture");
        out.extend(8u32.to_le_bytes());
        text(&mut out, "llama");
        text(&mut out, "llama.context_length");
        out.extend(4u32.to_le_bytes());
        out.extend(512u32.to_le_bytes());
        text(&mut out, "llama.rope.freq_base");
        out.extend(6u32.to_le_bytes());
        out.extend(10_000f32.to_le_bytes());
        text(&mut out, "tokenizer.ggml.tokens");
        out.extend(9u32.to_le_bytes());
        out.extend(8u32.to_le_bytes());
        out.extend(2u64.to_le_bytes());
        text(&mut out, "<s>");
        text(&mut out, "Ġa");
        text(&mut out, "tokenizer.ggml.bos_token_id");
        out.extend(4u32.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        for (name, dimensions, kind, offset) in
            [("a", vec![32u64], 0u32, 0u64), ("b", vec![32, 2], 2, 128)]
        {
            text(&mut out, name);
            out.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(32) + 128 + 36, 0);
        out
    }

    fn read(bytes: &[u8]) -> Result<Header, GgufError> {
        Header::from_reader(bytes, bytes.len() as u64)
    }

    #[test]
    fn reads_a_sound_file() {
        let header = read(&file()).unwrap();
        assert_eq!(header.text("general.architecture"), Some("llama"));
        assert_eq!(header.of_architecture("context_length"), Some(512));
        assert_eq!(header.number("llama.rope.freq_base"), Some(10_000.0));
        assert_eq!(header.texts("tokenizer.ggml.tokens").unwrap(), ["<s>", "Ġa"]);
        assert_eq!(header.token("tokenizer.ggml.bos_token_id"), Some("<s>"));
        assert_eq!(header.text("llama.context_length"), None);
        assert_eq!(header.parameters(), 96);
        assert_eq!(header.tensors[1].bytes(), Some(36));
        assert_eq!(header.quantisation(), Some("Q4_0"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(read(b"{\"a\":1}"), Err(GgufError::Magic)));
        assert!(matches!(read(b""), Err(GgufError::Magic)));
        let mut old = file();
        old[4] = 1;
        assert!(matches!(read(&old), Err(GgufError::Version(1))));
        let whole = file();
        assert!(matches!(read(&whole[..100]), Err(GgufError::CutHeader(100))));
        match read(&whole[..whole.len() - 1]) {
            Err(GgufError::CutTensor { tensor, end, file_bytes }) => {
                assert_eq!(tensor, "b");
                assert_eq!(end, whole.len() as u64);
                assert_eq!(file_bytes, end - 1);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = file();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut bytes = file();
        // The length of the first key.
        bytes[24..32].copy_from_slice(&(1u64 << 40).to_le_bytes());
        assert!(matches!(read(&bytes), Err(GgufError::Damaged { .. })));
        bytes[24..32].copy_from_slice(&(1u64 << 20).to_le_bytes());
        assert!(matches!(read(&bytes), Err(GgufError::CutHeader(_))));
    }

    #[test]
    fn reads_the_bundled_models() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo-models");
        for name in ["specialist-1m.gguf", "specialist-5m.gguf"] {
            let header = Header::read(&folder.join(name)).unwrap();
            assert_eq!(header.text("general.architecture"), Some("llama"), "{name}");
            assert!(header.text("tokenizer.chat_template").is_some(), "{name}");
            assert!(header.parameters() > 500_000, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_mutation_panics(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes = file();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len()) + 1);
            let _ = read(&bytes);
        }

        #[test]
        fn no_bytes_panic(tail in prop::collection::vec(any::<u8>(), 0..256)) {
            let mut bytes = b"GGUF\x03\0\0\0".to_vec();
            bytes.extend(tail);
            let _ = read(&bytes);
        }
    }
}
