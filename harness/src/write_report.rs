//! The report of a run folder: read, analysed, written as a file, summed up in the terminal.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rightsize_reports::analysis::{Analysis, analyse};
use rightsize_reports::folder::RunFolder;
use rightsize_reports::html::{self, Embed, Options};
use rightsize_reports::run::files;
use rightsize_reports::terminal;

use crate::exit::Failure;
use crate::printer::Printer;

/// Name of a report without texts, beside [`files::REPORT`].
const SHARED_REPORT: &str = "report-shared.html";

/// Writes the report of a run that has just ended and prints its summary, or its analysis as JSON.
pub fn write_and_print(folder: &Path, json: bool, printer: Printer) -> Result<(), Failure> {
    let (run, analysis) = read(folder)?;
    let options = Options { share: false, embed: Embed::Budget };
    let path = write_html(&run, &analysis, options, folder)?;
    if json {
        return print_json(&analysis, printer);
    }
    printer.result(&terminal::summary(&analysis, printer.width, printer.colour));
    printer.result(&format!("Report: {}", path.display()));
    Ok(())
}

/// Opens and analyses a run folder.
pub fn read(folder: &Path) -> Result<(RunFolder, Analysis), Failure> {
    let run = RunFolder::open(folder)
        .map_err(|e| Failure::wrong(e, "give the folder that `rightsize run` named"))?;
    let analysis =
        analyse(&run).map_err(|e| Failure::wrong(e, "restore the folder from a copy"))?;
    Ok((run, analysis))
}

/// Prints an analysis as JSON.
pub fn print_json(analysis: &Analysis, printer: Printer) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(analysis).map_err(|error| {
        Failure::incomplete(format!("cannot write the analysis: {error}"), "report this as a bug")
    })?;
    printer.result(&json);
    Ok(())
}

/// Writes the file so that a report is there complete or not at all.
pub fn write_html(
    run: &RunFolder,
    analysis: &Analysis,
    options: Options,
    folder: &Path,
) -> Result<PathBuf, Failure> {
    let path = folder.join(if options.share { SHARED_REPORT } else { files::REPORT });
    let failed = |error: &dyn std::fmt::Display| {
        Failure::incomplete(
            format!("cannot write {}: {error}", path.display()),
            format!("make room, then: rightsize report {}", folder.display()),
        )
    };
    let temporary = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    let mut out = BufWriter::new(temporary);
    html::write(run, analysis, &options, &mut out).map_err(|e| failed(&e))?;
    out.flush().map_err(|e| failed(&e))?;
    let temporary = out.into_inner().map_err(|e| failed(&e))?;
    temporary.persist(&path).map_err(|e| failed(&e))?;
    Ok(path)
}
