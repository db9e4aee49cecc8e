//! `rightsize init`: a suite and a bake-off that run as they are, of a user's own file or of nothing.

mod from_data;
mod from_promptfoo;
mod question;

use std::path::{Path, PathBuf};

use rightsize_suites::propose;

use crate::arguments;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// What is written without a file of one's own, by path relative to the folder.
const EXAMPLE: [(&str, &str); 3] = [
    ("bakeoff.yaml", include_str!("init/bakeoff.yaml")),
    ("my-suite/suite.yaml", include_str!("init/suite.yaml")),
    ("my-suite/test.csv", include_str!("init/test.csv")),
];

/// `rightsize init`; nothing that exists is overwritten, unless that is said.
pub fn init(args: &arguments::Init, printer: Printer) -> Result<Exit, Failure> {
    let source = &args.source;
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    if source.is_file() {
        return match from_promptfoo::is_config(source) {
            true => from_promptfoo::init(args, printer),
            false => from_data::init(args, printer),
        };
    }
    if propose::is_data_file(&name) && !source.is_dir() {
        let message = format!("{}: there is no such file", source.display());
        return Err(Failure::wrong(message, "give a data file, or a folder for an example"));
    }
    if args.out.is_some() || says_of_columns(args) {
        let message = format!("{} is no data file", source.display());
        let remedy = "these options are for `rightsize init FILE`; an example needs a folder alone";
        return Err(Failure::wrong(message, remedy));
    }
    let files: Vec<(PathBuf, String)> =
        EXAMPLE.iter().map(|(name, text)| (source.join(name), (*text).to_owned())).collect();
    may_write(files.iter().map(|(path, _)| path.as_path()), args.force)?;
    for (path, text) in &files {
        write(path, text, printer)?;
    }
    say_how_to_run(source, printer);
    Ok(Exit::Done)
}

/// Whether an option says what the columns of a data file are.
fn says_of_columns(args: &arguments::Init) -> bool {
    args.kind.is_some()
        || args.expected.is_some()
        || args.id.is_some()
        || args.test_share.is_some()
        || !args.input.is_empty()
}

/// Whether none of the files is there, or all may be replaced.
fn may_write<'a>(mut paths: impl Iterator<Item = &'a Path>, force: bool) -> Result<(), Failure> {
    match paths.find(|path| !force && path.exists()) {
        None => Ok(()),
        Some(path) => {
            let message = format!("{} exists already", path.display());
            let remedy = "name another folder, move the file away, or replace it with --force";
            Err(Failure::wrong(message, remedy))
        }
    }
}

/// Creates a folder and those above it.
fn create(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))
}

/// Writes a file and the folders above it, and tells its path.
fn write(path: &Path, text: &str, printer: Printer) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        create(parent)?;
    }
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))?;
    printer.result(&path.display().to_string());
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    Failure::wrong(message, "name a folder that can be written")
}

fn say_how_to_run(folder: &Path, printer: Printer) {
    let bakeoff = folder.join("bakeoff.yaml");
    printer.note(&format!("Run it: rightsize run {}", bakeoff.display()));
}
