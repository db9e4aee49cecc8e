//! `rightsize report`: the report and the summary of a run folder.

use rightsize_reports::html::{Embed, Options};
use rightsize_reports::terminal;

use crate::arguments::{self, EmbedTexts};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::write_report::{print_json, read, write_html};

/// `rightsize report`.
pub fn report(args: &arguments::Report, printer: Printer) -> Result<Exit, Failure> {
    let (run, analysis) = read(&args.folder)?;
    if args.json {
        print_json(&analysis, printer)?;
        return Ok(Exit::Done);
    }
    let embed = match args.embed {
        EmbedTexts::Budget => Embed::Budget,
        EmbedTexts::All => Embed::All,
    };
    let options = Options { share: args.share, embed };
    let path = write_html(&run, &analysis, options, &args.folder)?;
    printer.result(&terminal::summary(&analysis, printer.width, printer.colour));
    printer.result(&format!("Report: {}", path.display()));
    Ok(Exit::Done)
}
