//! The footer of a Parquet file, looked through before it is read.
//!
//! A file ends with its metadata in Thrift's compact protocol, their length (four bytes) and `PAR1`.
//! The reader makes room for as many items as a list or a group of columns says it has, and calls
//! itself for each group inside a group. An allocation that fails and a stack that overflows are no
//! panics that could be caught; so what a footer says of itself must be true.

/// Most bytes of metadata.
const LARGEST_FOOTER: usize = 16 << 20;

/// Most structures or lists inside each other; the format needs fewer than ten.
const DEEPEST: u8 = 24;

/// Most groups of columns inside each other: a list of a list of a struct needs five.
const DEEPEST_GROUPS: usize = 32;

/// Types of values in Thrift's compact protocol.
mod kind {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UUID: u8 = 13;
}

/// The field of the metadata that lists the schema, and that of a schema's element that says how
/// many of the next elements are inside it.
const SCHEMA: i64 = 2;
const NUM_CHILDREN: i64 = 5;

/// Checks that a file is what it says, so far as the reader trusts it.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(super) fn check(file: &[u8]) -> Result<(), &'static str> {
    let no_end = "it does not end with `PAR1`";
    let (file, magic) = file.split_last_chunk::<4>().ok_or(no_end)?;
    if magic == b"PARE" {
        return Err("it is encrypted");
    }
    if magic != b"PAR1" {
        return Err(no_end);
    }
    let (file, length) = file.split_last_chunk::<4>().ok_or(no_end)?;
    let length = u32::from_le_bytes(*length) as usize;
    let start = file.len().checked_sub(length).ok_or("its metadata are longer than the file")?;
    if length > LARGEST_FOOTER {
        return Err("its metadata have more than 16 MiB");
    }
    let mut metadata = Compact { bytes: file.get(start..).unwrap_or_default() };
    let mut well_formed = true;
    metadata
        .fields(DEEPEST, |metadata, id, kind, depth| {
            if id != SCHEMA || kind != kind::LIST {
                return metadata.skip(kind, depth);
            }
            let (length, of) = metadata.list()?;
            let mut children = Vec::new();
            for _ in 0..length {
                if of != kind::STRUCT {
                    return None;
                }
                let mut number = 0;
                metadata.fields(depth, |element, id, kind, depth| {
                    if id == NUM_CHILDREN && matches!(kind, kind::I16 | kind::I32 | kind::I64) {
                        number = element.number()?;
                        return Some(());
                    }
                    element.skip(kind, depth)
                })?;
                children.push(number);
            }
            well_formed &= is_tree(&children);
            Some(())
        })
        .ok_or("its metadata are cut or damaged")?;
    if well_formed { Ok(()) } else { Err("its schema is damaged, or too deep") }
}

/// Whether elements in depth-first order, each with the number of its children, make one tree that is
/// not too deep.
fn is_tree(children: &[i64]) -> bool {
    let mut open = vec![1];
    for (i, number) in children.iter().enumerate() {
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(missing) = open.last_mut() else { return false };
        *missing -= 1;
        let rest = children.len().saturating_sub(i).saturating_sub(1) as i64;
        if !(0..=rest).contains(number) || open.len() > DEEPEST_GROUPS {
            return false;
        }
        open.push(*number);
    }
    open.iter().all(|missing| *missing == 0)
}

/// What is left of a text in Thrift's compact protocol. All readings are `None` where it is cut.
struct Compact<'a> {
    bytes: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn pass(&mut self, length: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(length).ok()?..)?;
        Some(())
    }

    /// A number of seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number in zigzag order: 0, -1, 1, -2, ...
    fn number(&mut self) -> Option<i64> {
        let zigzag = self.unsigned()?;
        Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    /// Length of a list and type of its items, each of which has at least one byte; a structure that
    /// the format puts into a list has at least three.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned()?,
            short => u64::from(short),
        };
        let of = head & 0x0f;
        let smallest = if of == kind::STRUCT { 3 } else { 1 };
        (length.checked_mul(smallest)? <= self.bytes.len() as u64).then_some((length, of))
    }

    /// The fields of a structure: `on` is given the number and the type of each, and how deep its
    /// value may be, and reads the value.
    fn fields(
        &mut self,
        depth: u8,
        mut on: impl FnMut(&mut Self, i64, u8, u8) -> Option<()>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => self.number()?,
                more => id.checked_add(i64::from(more))?,
            };
            on(self, id, head & 0x0f, depth)?;
        }
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE => Some(()),
            kind::BYTE => self.pass(1),
            kind::I16 | kind::I32 | kind::I64 => self.unsigned().map(|_| ()),
            kind::DOUBLE => self.pass(8),
            kind::BINARY => {
                let length = self.unsigned()?;
                self.pass(length)
            }
            kind::LIST | kind::SET => {
                let depth = depth.checked_sub(1)?;
                let (length, of) = self.list()?;
                (0..length).try_for_each(|_| self.skip_item(of, depth))
            }
            kind::MAP => {
                let depth = depth.checked_sub(1)?;
                let length = self.unsigned()?;
                if length == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..length).try_for_each(|_| {
                    self.skip_item(kinds >> 4, depth)?;
                    self.skip_item(kinds & 0x0f, depth)
                })
            }
            kind::STRUCT => self.fields(depth, |inner, _, kind, depth| inner.skip(kind, depth)),
            kind::UUID => self.pass(16),
            _ => None,
        }
    }

    /// In a list a truth value has a byte of its own.
    fn skip_item(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE => self.pass(1),
            kind => self.skip(kind, depth),
        }
    }
}
