//! A row as bytes, and back: the same to the last bit, which text does not promise for numbers.
//!
//! A value is a tag, then what belongs to it; lengths and numbers of items are 32 bits. Only bytes of
//! this process are read, yet nothing is trusted: what does not fit is no row.

use rightsize_providers::Fields;
use serde_json::{Number, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNSIGNED: u8 = 3;
const SIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const LIST: u8 = 7;
const OBJECT: u8 = 8;

/// Lists and objects that stand in each other; the parser of JSON allows 128.
const DEEPEST: usize = 1000;

pub(super) fn encode(fields: &Fields, out: &mut Vec<u8>) {
    length(fields.len(), out);
    for (name, value) in fields {
        text(name, out);
        of_value(value, out);
    }
}

fn of_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Number(number) => {
            let (tag, bytes) = match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(n), _, _) => (UNSIGNED, n.to_le_bytes()),
                (None, Some(n), _) => (SIGNED, n.to_le_bytes()),
                (None, None, Some(n)) => (FLOAT, n.to_le_bytes()),
                (None, None, None) => return out.push(NULL),
            };
            out.push(tag);
            out.extend(bytes);
        }
        Value::String(string) => {
            out.push(TEXT);
            text(string, out);
        }
        Value::Array(items) => {
            out.push(LIST);
            length(items.len(), out);
            items.iter().for_each(|item| of_value(item, out));
        }
        Value::Object(object) => {
            out.push(OBJECT);
            encode(object, out);
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    length(text.len(), out);
    out.extend(text.as_bytes());
}

/// A row of more than 4 GiB is refused as a whole.
fn length(length: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

pub(super) fn decode(bytes: &[u8]) -> Option<Fields> {
    let mut reader = Reader(bytes);
    let fields = reader.object(DEEPEST)?;
    reader.0.is_empty().then_some(fields)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn length(&mut self) -> Option<usize> {
        let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }

    fn object(&mut self, deepest: usize) -> Option<Fields> {
        let mut fields = Fields::new();
        for _ in 0..self.length()? {
            let name = self.text()?;
            fields.insert(name, self.value(deepest)?);
        }
        Some(fields)
    }

    fn value(&mut self, deepest: usize) -> Option<Value> {
        let deepest = deepest.checked_sub(1)?;
        Some(match *self.take(1)?.first()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            UNSIGNED => u64::from_le_bytes(self.word()?).into(),
            SIGNED => i64::from_le_bytes(self.word()?).into(),
            FLOAT => Number::from_f64(f64::from_le_bytes(self.word()?))?.into(),
            TEXT => Value::String(self.text()?),
            LIST => {
                let mut items = Vec::new();
                for _ in 0..self.length()? {
                    items.push(self.value(deepest)?);
                }
                Value::Array(items)
            }
            OBJECT => Value::Object(self.object(deepest)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn again(fields: &Fields) -> Option<Fields> {
        let mut bytes = Vec::new();
        encode(fields, &mut bytes);
        decode(&bytes)
    }

    #[test]
    fn all_kinds_of_values_in_their_order() {
        let row = json!({
            "z": null, "a": [true, false, [], {}], "é": "ü\u{0}\n", "o": {"y": 1, "x": -1},
            "n": [0, u64::MAX, i64::MIN, 1.0, 0.1, -0.0, 5e-324, 1.7976931348623157e308]
        });
        let fields = row.as_object().unwrap();
        let read = again(fields).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), row.to_string());
    }

    proptest! {
        #[test]
        fn floats_are_the_same_bits(bits: u64) {
            let float = f64::from_bits(bits);
            if let Some(number) = Number::from_f64(float) {
                let fields = Fields::from_iter([("f".to_owned(), Value::Number(number))]);
                let read = again(&fields).unwrap()["f"].as_f64().unwrap();
                prop_assert_eq!(read.to_bits(), float.to_bits());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
