//! The subcommands, a file each: they wire the crates together and compute nothing.

mod check;
mod demo;
mod explain;
mod hardware;
mod init;
mod merge;
mod models;
mod report;
mod rescore;
mod run;
mod schema;

use clap::CommandFactory;

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};
use crate::logging;
use crate::printer::Printer;

/// Runs a command and prints why it failed, if it did.
pub fn run(arguments: Arguments) -> Exit {
    let printer = Printer::detect(arguments.quiet);
    let verbose = arguments.verbose;
    logging::start(verbose);
    let result = match arguments.command {
        Command::Demo(demo) => demo::demo(demo, verbose, printer),
        Command::Run(run) => run::run(run, verbose, printer),
        Command::Merge { folders, out } => merge::merge(&folders, &out, printer),
        Command::Report(report) => report::report(&report, printer),
        Command::Rescore(args) => rescore::rescore(&args, printer),
        Command::Check { files } => check::check(&files, printer),
        Command::Init(init) => init::init(&init, printer),
        Command::Models => models::models(printer),
        Command::Hardware { json } => hardware::hardware(json, printer),
        Command::Schema { file } => schema::schema(file, printer),
        Command::Explain { term } => explain::explain(term.as_deref(), printer),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "rightsize", &mut script);
            printer.result(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
    };
    match result {
        Ok(exit) => exit,
        Err(Failure { exit, reports }) => {
            for report in reports {
                printer.warn(&format!("{report:?}"));
            }
            exit
        }
    }
}
