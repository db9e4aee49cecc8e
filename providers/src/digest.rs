//! SHA-256 of files and of values, as lower-case hexadecimal.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The text of a SHA-256 that was made part by part.
pub(crate) fn of_finished(hasher: Sha256) -> String {
    hex(&hasher.finalize())
}

/// The first 128 bits of a digest: no two texts of a run share them, and a million take a quarter of
/// the memory of their hexadecimal text.
pub type Half = [u64; 2];

/// The first half of a hexadecimal digest; of anything else, that of its own digest.
pub fn half(hex: &str) -> Half {
    let part = |at: std::ops::Range<usize>| u64::from_str_radix(hex.get(at)?, 16).ok();
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (part(0..16), part(16..32)) {
        (Some(first), Some(second)) if is_digest => [first, second],
        _ => half(&of_bytes(hex.as_bytes())),
    }
}

/// SHA-256 of a file's content, read as a stream.
///
/// # Errors
/// Whatever opening or reading the file gives.
pub fn of_file(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
}

/// SHA-256 of a file, or of a folder: then of the names and digests of its files in the order of
/// their names, folders inside it left out.
///
/// # Errors
/// Whatever opening or reading gives.
pub fn of_path(path: &Path) -> std::io::Result<String> {
    if !path.is_dir() {
        return of_file(path);
    }
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, of_file(&entry.path())?);
        }
    }
    let lines: String = files.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    Ok(of_bytes(lines.as_bytes()))
}

/// SHA-256 of a JSON value whose parts come one by one: what they are joined by is written as text. Told
/// with keys in order, it is the digest that [`of_value`] has for the whole.
#[derive(Debug, Default)]
pub struct OfParts {
    hasher: Sha256,
    canonical: String,
}

impl OfParts {
    /// Adds a part of the text: brackets, commas, keys.
    pub fn text(&mut self, text: &str) {
        self.hasher.update(text.as_bytes());
    }

    /// Adds a value.
    pub fn value(&mut self, value: &Value) {
        self.canonical.clear();
        write_canonical(value, &mut self.canonical);
        self.hasher.update(self.canonical.as_bytes());
    }

    /// Adds a list of values.
    ///
    /// # Errors
    /// The first error among the values.
    pub fn list<E>(&mut self, values: impl Iterator<Item = Result<Value, E>>) -> Result<(), E> {
        self.text("[");
        for (i, value) in values.enumerate() {
            if i > 0 {
                self.text(",");
            }
            self.value(&value?);
        }
        self.text("]");
        Ok(())
    }

    /// The digest.
    pub fn finish(self) -> String {
        of_finished(self.hasher)
    }
}

/// SHA-256 of a JSON value with the keys of every object in order, so that two values that are
/// equal have equal digests however they were written.
pub fn of_value(value: &Value) -> String {
    let mut canonical = String::new();
    write_canonical(value, &mut canonical);
    of_bytes(canonical.as_bytes())
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                if let Some(inner) = map.get(key) {
                    write_canonical(inner, out);
                }
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let nibble = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or('0');
    bytes.iter().flat_map(|b| [nibble(b >> 4), nibble(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// FIPS 180-2, appendix B.1.
    #[test]
    fn abc() {
        assert_eq!(
            of_bytes(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn half_of_a_digest_and_of_what_is_none() {
        let abc = [0xba78_16bf_8f01_cfea, 0x4141_40de_5dae_2223];
        assert_eq!([half(&of_bytes(b"abc")), half("abc")], [abc, abc]);
    }

    #[test]
    fn parts_have_the_digest_of_the_whole() {
        let rows = [json!({"b": 1, "a": [0.5, null]}), json!("x")];
        let mut parts = OfParts::default();
        parts.text("{\"rows\":");
        parts.list(rows.iter().cloned().map(Ok::<_, ()>)).unwrap();
        parts.text(",\"yaml\":");
        parts.value(&json!("name: é"));
        parts.text("}");
        assert_eq!(parts.finish(), of_value(&json!({"yaml": "name: é", "rows": rows})));
        let mut none = OfParts::default();
        none.list(std::iter::empty::<Result<Value, ()>>()).unwrap();
        assert_eq!(none.finish(), of_value(&json!([])));
    }

    #[test]
    fn order_of_keys_does_not_matter() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":{"x":[1,2],"y":null}}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"b":{"y":null,"x":[1,2]},"a":1}"#).unwrap();
        assert_eq!(of_value(&a), of_value(&b));
        assert_ne!(of_value(&a), of_value(&json!({"a":1,"b":{"x":[2,1],"y":null}})));
    }
}
