//! Files packed by gzip (RFC 1952) or Zstandard (RFC 8878), unpacked as they are read.

use std::io::{Error, Read, Result};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstandard,
}

/// How the name says that the file is packed, and the name of what is in it.
pub(super) fn of(name: &str) -> (&str, Compression) {
    match name.rsplit_once('.') {
        Some((inner, end)) if end.eq_ignore_ascii_case("gz") => (inner, Compression::Gzip),
        Some((inner, end)) if end.eq_ignore_ascii_case("zst") => (inner, Compression::Zstandard),
        _ => (name, Compression::None),
    }
}

impl Compression {
    /// The unpacked bytes of a stream. All members of a gzip file follow each other, as `gzip -c`
    /// appends them.
    pub(super) fn open<'a>(self, packed: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Compression::None => Box::new(packed),
            Compression::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Compression::Zstandard => {
                Box::new(StreamingDecoder::new(packed).map_err(Error::other)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'a,b\n1,2\n' | gzip -n9`, and packed by zstd at level 19.
    const GZIP: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xd4, 0x49, 0xe2, 0x32,
        0xd4, 0x31, 0xe2, 0x02, 0x00, 0x7b, 0x07, 0x97, 0x0a, 0x08, 0x00, 0x00, 0x00,
    ];
    const ZSTANDARD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x08, 0x41, 0x00, 0x00, 0x61, 0x2c, 0x62, 0x0a, 0x31, 0x2c,
        0x32, 0x0a,
    ];

    fn unpack(packed: &[u8], name: &str) -> Result<String> {
        let mut text = String::new();
        of(name).1.open(packed)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn both_packers() {
        assert_eq!(unpack(GZIP, "t.csv.gz").unwrap(), "a,b\n1,2\n");
        assert_eq!(unpack(&[GZIP, GZIP].concat(), "t.csv.GZ").unwrap(), "a,b\n1,2\na,b\n1,2\n");
        assert_eq!(unpack(ZSTANDARD, "t.csv.zst").unwrap(), "a,b\n1,2\n");
        assert_eq!(of("t.csv"), ("t.csv", Compression::None));
    }

    #[test]
    fn what_is_cut_or_not_packed_is_an_error() {
        for (bytes, name) in [(GZIP, "t.gz"), (ZSTANDARD, "t.zst")] {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            assert!(unpack(half, name).is_err());
            assert!(unpack(b"a,b\n1,2\n", name).is_err());
        }
    }
}
