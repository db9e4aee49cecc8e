use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Written by pyarrow 26: three rows in two groups, packed by Snappy.
const TYPES: &[u8] = include_bytes!("../../../tests/inputs/data/types.parquet");

fn values(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut writer = RowsWriter::default();
    read(bytes, "d.parquet", &mut writer).map_err(|p| p.to_string())?;
    let rows: Vec<_> = writer.finish().unwrap().iter().map(Result::unwrap).collect();
    assert!(rows.iter().enumerate().all(|(i, row)| row.line == i + 1));
    Ok(rows.into_iter().map(|row| row.fields.into()).collect())
}

#[test]
fn values_of_all_types() {
    let first = json!({
        "text": "Zoé", "n": 1, "u": 0, "f": 0.1, "price": "12.50", "day": "2024-01-31",
        "at": "2024-01-31T13:45:00Z", "time": "13:45:00", "ok": true, "spans": [[0, 3], [5, 8]],
        "words": ["a", null, "b"], "who": {"name": "Ada", "born": 1815},
        "bag": {"x": 1, "y": 2}, "raw": "plain"
    });
    let second = json!({
        "text": "", "n": -2, "u": 255, "f": null, "price": "-0.05", "day": "1969-12-31",
        "at": "1969-12-31T23:59:59.5Z", "time": "00:00:00.25", "ok": false, "spans": [],
        "words": ["a"], "who": {"name": null, "born": 1}, "bag": {}, "raw": "/wA="
    });
    let third = json!({
        "text": null, "n": 9_007_199_254_740_992u64, "u": null, "f": -2.5,
        "price": "1234567890.00", "day": null, "at": null, "time": null, "ok": null, "spans": null,
        "words": [], "who": null, "bag": null, "raw": null
    });
    assert_eq!(values(TYPES), Ok(vec![first, second, third]));
}

#[test]
fn what_is_cut_says_so() {
    for (bytes, wanted) in [
        (&b""[..], "it does not end with `PAR1`"),
        (b"id,text\n1,a\n", "it does not end with `PAR1`"),
        (b"PARE", "it is encrypted"),
        (b"\xff\xff\xff\xffPAR1", "its metadata are longer than the file"),
        (b"\x19\x01\x00\x00\x00PAR1", "its metadata are cut or damaged"),
        (TYPES.split_last_chunk::<9>().unwrap().0, "it does not end with `PAR1`"),
    ] {
        let error = values(bytes).unwrap_err();
        assert!(error.contains("d.parquet: this is no valid Parquet file"), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
}

/// A file of nothing but a schema: a list of elements with a name (field 4) and children (field 5).
fn of_schema(children: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x29, (15 << 4) | 12];
    let mut length = children.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    for number in children {
        bytes.extend([0x48, 1, b'a', 0x15, number << 1, 0]);
    }
    bytes.push(0);
    let length = (bytes.len() as u32).to_le_bytes();
    bytes.extend(length);
    bytes.extend(b"PAR1");
    bytes
}

#[test]
fn a_schema_that_is_deep_or_larger_than_it_is_does_not_reach_the_reader() {
    assert_eq!(footer::check(&of_schema(&[2, 1, 0, 0])), Ok(()));
    let damaged = Err("its schema is damaged, or too deep");
    for children in [vec![1; 100_000], vec![3, 0, 0], vec![1, 0, 0], vec![63, 0], vec![1]] {
        assert_eq!(footer::check(&of_schema(&children)), damaged);
    }
    // A list that says it has 2^28 items, and structures without end inside each other.
    let long = b"\x29\xfc\xff\xff\xff\x7f\x00\x07\x00\x00\x00PAR1";
    let deep = [&[0x1c; 1000][..], &1000u32.to_le_bytes(), b"PAR1"].concat();
    for bytes in [&long[..], &deep] {
        assert_eq!(footer::check(bytes), Err("its metadata are cut or damaged"));
    }
}

/// One row with a list that has an entry of 1,000 bytes two million times, in a small file.
#[test]
fn a_small_file_of_a_large_list_is_refused_before_it_is_made() {
    let bytes = include_bytes!("../../../tests/inputs/data/unpacks_to_2_gb.parquet");
    assert!(bytes.len() < 20_000);
    let error = values(bytes).unwrap_err();
    assert!(error.starts_with("d.parquet: the rows have more than 1 GiB"), "{error}");
}

#[test]
fn the_longest_entry_of_a_dictionary() {
    assert_eq!(longest_entry(b"\x01\0\0\0a\x03\0\0\0abc\x02\0\0\0ab"), 3);
    assert_eq!(longest_entry(b"\x01\0\0\0a\xff\0\0\0abc"), 1);
    assert_eq!(longest_entry(b""), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A file with some bytes changed is an error or rows, never a panic.
    #[test]
    fn damaged_files(
        changes in prop::collection::vec((0..TYPES.len(), any::<u8>()), 1..4),
        in_footer in any::<bool>(),
    ) {
        let mut bytes = TYPES.to_vec();
        let footer = bytes.len() - 8 - u32::from_le_bytes(
            *bytes[bytes.len() - 8..].first_chunk::<4>().unwrap()) as usize;
        for (at, byte) in changes {
            let at = if in_footer { footer + at % (bytes.len() - footer) } else { at };
            bytes[at] = byte;
        }
        let _ = values(&bytes);
    }
}
