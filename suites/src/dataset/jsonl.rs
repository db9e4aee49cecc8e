//! JSON Lines: one object a line; empty lines are skipped.

use super::{LONGEST_ROW, Row, json, too_long};
use crate::problem::Problem;

pub(super) fn read(text: &str, name: &str) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    for (i, row) in text.split('\n').enumerate() {
        let line = i.saturating_add(1);
        if row.trim().is_empty() {
            continue;
        }
        if row.len() > LONGEST_ROW {
            return Err(too_long(name, line));
        }
        let object: json::Object = serde_json::from_str(row).map_err(|e| {
            let problem = json::broken(name, &e);
            Problem { line: Some(line), ..problem }
        })?;
        rows.push(Row { line, fields: object.0 });
    }
    Ok(rows)
}
