//! JSON Lines: one object a line; empty lines are skipped.

use std::io::{BufRead, Read};

use super::{
    BYTE_ORDER_MARK, LARGEST_FILE, LONGEST_ROW, cannot_read, json, not_utf8, too_large, too_long,
};
use crate::problem::Problem;
use crate::store::RowsWriter;

/// Reads line by line, so that a long file takes the memory of its longest line.
pub(super) fn read(
    mut lines: impl BufRead,
    name: &str,
    rows: &mut RowsWriter,
) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    let mut in_all = 0u64;
    for line in 1.. {
        bytes.clear();
        // With its line end, and a byte more, by which one that is too long is known.
        let longest = (LONGEST_ROW as u64).saturating_add(2);
        let read = (&mut lines).take(longest).read_until(b'\n', &mut bytes);
        let read = read.map_err(|e| cannot_read(name, &e))?;
        if read == 0 {
            break;
        }
        in_all = in_all.saturating_add(read as u64);
        if in_all > LARGEST_FILE {
            return Err(too_large(name));
        }
        let row = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let row = if line == 1 { row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row) } else { row };
        if row.len() > LONGEST_ROW {
            return Err(too_long(name, line));
        }
        let row = std::str::from_utf8(row).map_err(|_| not_utf8(name, line))?;
        if row.trim().is_empty() {
            continue;
        }
        let object: json::Object = serde_json::from_str(row).map_err(|e| {
            let problem = json::broken(name, &e);
            Problem { line: Some(line), ..problem }
        })?;
        rows.push(line, &object.0)?;
    }
    Ok(())
}
