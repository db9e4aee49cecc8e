//! `rightsize merge`: the run folders of shards become one.

use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::{journal, write_report};

/// `rightsize merge`.
pub fn merge(folders: &[PathBuf], out: &Path, printer: Printer) -> Result<Exit, Failure> {
    let merged = journal::merge(folders, out)?;
    printer.note(&format!(
        "{} units of {} folders, {} of them in more than one → {}",
        merged.units,
        folders.len(),
        merged.repeated,
        out.display()
    ));
    write_report::write_and_print(out, false, printer)?;
    Ok(Exit::Done)
}
