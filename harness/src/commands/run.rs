//! `rightsize run`: a bake-off from its file to its report.

use std::path::PathBuf;

use crate::arguments;
use crate::bakeoff::{Bakeoff, BakeoffFile};
use crate::exit::{Exit, Failure};
use crate::prepare;
use crate::printer::Printer;
use crate::session::{self, Ending};

/// `rightsize run`.
pub fn run(args: arguments::Run, verbose: u8, printer: Printer) -> Result<Exit, Failure> {
    let ending = Ending { max_errors: args.max_errors, json: args.json, verbose };
    let prepared = match &args.resume {
        Some(folder) => prepare::resume(folder, args.file.as_deref(), printer)?,
        None => {
            let path = args.file.clone().unwrap_or_else(|| PathBuf::from("bakeoff.yaml"));
            let mut file = BakeoffFile::load(&path)?;
            keep(&mut file.bakeoff, &args.models)?;
            prepare::begin(
                file,
                &args.suites,
                args.limit,
                args.shard,
                args.out.as_deref(),
                printer,
            )?
        }
    };
    session::execute(prepared, ending, printer)
}

/// Leaves the entries and baselines that `--models` names.
fn keep(bakeoff: &mut Bakeoff, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = bakeoff.ids().collect();
    if let Some(unknown) = ids.iter().find(|id| !known.contains(&id.as_str())) {
        let message = format!("--models names `{unknown}`, and the bake-off has no such entry");
        return Err(Failure::wrong(message, format!("it has: {}", known.join(", "))));
    }
    bakeoff.models.retain(|entry| ids.contains(&entry.id));
    bakeoff.baselines.retain(|method| ids.iter().any(|id| id == method.word()));
    Ok(())
}
