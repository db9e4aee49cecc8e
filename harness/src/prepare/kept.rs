//! A suite out of a run folder.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rightsize_reports::run::files;
use rightsize_suites::{Kept, Problems, Suite};

use crate::exit::Failure;

/// The suite that a run folder keeps in `own`, one of its folders.
pub fn kept_suite(own: &Path, source: &str) -> Result<Suite, Failure> {
    let read = |name: &str| {
        let path = own.join(name);
        std::fs::read_to_string(&path).map_err(|error| {
            let message = format!("cannot read {}: {error}", path.display());
            Failure::wrong(message, "restore the folder from a copy")
        })
    };
    let yaml = read(files::SUITE_YAML)?;
    let tools = match own.join(files::TOOLS).exists() {
        true => Some(serde_json::from_str(&read(files::TOOLS)?).map_err(|error| {
            let message = format!("{}: {error}", own.join(files::TOOLS).display());
            Failure::wrong(message, "restore the folder from a copy")
        })?),
        false => None,
    };
    // Rows pass through one by one; the first that is broken ends them and is told in the end.
    let broken: RefCell<Option<Failure>> = RefCell::default();
    let rows = |name: &str| -> Result<_, Failure> {
        let path = own.join(name);
        let wrong = move |error: &dyn std::fmt::Display| {
            let message = format!("{}: {error}", path.display());
            Failure::wrong(message, "restore the folder from a copy")
        };
        let lines = BufReader::new(File::open(own.join(name)).map_err(|e| wrong(&e))?).lines();
        let broken = &broken;
        Ok(lines.map_while(move |line| {
            let row = line.map_err(|e| wrong(&e));
            let row = row.and_then(|line| serde_json::from_str(&line).map_err(|e| wrong(&e)));
            row.map_err(|failure| *broken.borrow_mut() = Some(failure)).ok()
        }))
    };
    let rows_if_any = |name: &str| -> Result<_, Failure> {
        let there = own.join(name).exists();
        Ok(there.then(|| rows(name)).transpose()?.into_iter().flatten())
    };
    let (train, dev) = (rows_if_any(files::TRAIN)?, rows_if_any(files::DEV)?);
    let kept = Kept::new(rows(files::SAMPLES)?).and_then(|kept| kept.train(train)?.dev(dev));
    let kept = kept.map_err(Problems::from)?.tools(tools);
    let suite = Suite::from_run_folder(&yaml, source, kept);
    match broken.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(suite?),
    }
}
