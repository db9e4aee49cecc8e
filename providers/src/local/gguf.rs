//! The header of a GGUF file: metadata and the list of tensors, read with bounds.
//!
//! A model file is untrusted input, and llama.cpp aborts on some damaged ones. So this reader sees
//! every file first: it takes no length on trust, never allocates more than the file could hold,
//! and checks that every tensor lies inside the file. Layout: `docs/gguf.md` of ggml, versions 2
//! and 3, little-endian.

mod kinds;
mod source;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use kinds::block_of;
use source::Source;

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
        let mut source = Source::new(input, file_bytes);
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
        let mut header =
            Header { version, tensors, data_offset: source.at(), file_bytes, metadata };
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

#[cfg(test)]
mod tests;
