//! Where the lines of a file stand, by the digest that each of them is found by.

use sha2::{Digest, Sha256};

use super::Span;

/// Lines by digest, 24 bytes a line: of a digest its first 64 bits, which no two of a million lines
/// share but once in ten million files.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// In the order of the keys once it is complete.
    lines: Vec<(u64, Span)>,
}

impl Index {
    pub(super) fn add(&mut self, key: u64, span: Span) {
        self.lines.push((key, span));
    }

    /// Makes lines ready to be found; of lines with one key the last that was added counts.
    pub(super) fn complete(mut self) -> Self {
        self.lines.reverse();
        self.lines.sort_by_key(|(key, _)| *key);
        self.lines.dedup_by_key(|(key, _)| *key);
        self.lines.shrink_to_fit();
        self
    }

    /// The line with this key.
    pub(super) fn get(&self, key: u64) -> Option<Span> {
        let at = self.lines.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.lines.get(at).map(|(_, span)| *span)
    }
}

/// The first 64 bits of a hexadecimal SHA-256; of anything else, those of its own digest.
pub(super) fn key(hex: &str) -> u64 {
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = hex.get(..16).filter(|_| is_digest);
    first.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_else(|| {
        let digest = Sha256::digest(hex.as_bytes());
        digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_key_counts() {
        let span = |offset| Span { offset, len: 1 };
        let mut index = Index::default();
        for (key, offset) in [(5, 0), (3, 1), (5, 2), (9, 3), (3, 4)] {
            index.add(key, span(offset));
        }
        let index = index.complete();
        let found = [3, 5, 9, 4].map(|key| index.get(key).map(|span| span.offset));
        assert_eq!(found, [Some(4), Some(2), Some(3), None]);
    }

    #[test]
    fn what_is_no_digest_has_a_key_too() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(key(hex), 0xba78_16bf_8f01_cfea);
        // The digest of `abc` is the one above.
        assert_eq!(key("abc"), 0xba78_16bf_8f01_cfea);
        assert_ne!(key(&hex[..63]), key(hex));
    }
}
