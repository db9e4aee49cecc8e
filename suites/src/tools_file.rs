//! Tools that a suite keeps in a file of their own.

use std::path::Path;

use serde_json::Value;

use crate::check::Document;
use crate::layers::{Kept, Place, bytes_of};
use crate::problem::Problem;
use crate::schema::{SuiteFile, Tools};

/// Puts the tools of a file in the place of its name; gives what the file held.
pub(crate) fn read(file: &mut SuiteFile, document: Document<'_>) -> Result<Option<Value>, Problem> {
    let Some(Tools::File(name)) = &file.tools else { return Ok(None) };
    let problem = |message: String| document.problem(&["tools"], format!("{name}: {message}"));
    let value = match &document.holder(&["tools"]).place {
        Place::Folder { opened, .. } => read_json(&opened.join(name)).map_err(|message| {
            problem(message)
                .remedy("name a JSON file with a list of tools, relative to the suite's")
        })?,
        Place::Catalog(entry) => {
            let text = entry.file(name).unwrap_or_default();
            serde_json::from_str(text).map_err(|e| problem(format!("this is no JSON: {e}")))?
        }
        Place::Run(Kept { tools, .. }) => {
            let kept = tools.clone();
            kept.ok_or_else(|| problem("it is no part of the run folder".to_owned()))?
        }
    };
    let Value::Array(tools) = &value else {
        return Err(problem("this is no list".to_owned()).remedy("write `[{\"name\": ...}, ...]`"));
    };
    file.tools = Some(Tools::Inline(tools.clone()));
    Ok(Some(value))
}

/// Reads a JSON file beside a suite, or says why it cannot be read.
fn read_json(path: &Path) -> Result<Value, String> {
    let bytes = bytes_of(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot read the file: {e}"),
    })?;
    let bytes = bytes.ok_or("the file has more than 16 MiB")?;
    serde_json::from_slice(&bytes).map_err(|e| format!("this is no JSON: {e}"))
}
