//! `rightsize schema`: the JSON Schema of the files that a user writes.

use rightsize_suites::Suite;

use crate::arguments::SchemaOf;
use crate::bakeoff::Bakeoff;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// `rightsize schema`.
pub fn schema(file: SchemaOf, printer: Printer) -> Result<Exit, Failure> {
    let schema = match file {
        SchemaOf::Suite => Suite::yaml_schema(),
        SchemaOf::Bakeoff => Bakeoff::yaml_schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| {
        Failure::incomplete(format!("cannot write JSON: {error}"), "report this as a bug")
    })?;
    printer.result(&text);
    Ok(Exit::Done)
}
