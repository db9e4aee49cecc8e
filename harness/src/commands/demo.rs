//! `rightsize demo`: the bundled models on the shipped suites, in a few minutes.

use std::path::{Path, PathBuf};

use rightsize_providers::demo_models;
use serde_json::json;

use crate::arguments;
use crate::bakeoff::{BakeoffFile, ModelEntry};
use crate::exit::{Exit, Failure};
use crate::prepare;
use crate::printer::Printer;
use crate::runner::MaxErrors;
use crate::session::{self, Ending};

/// The bake-off of the demo.
const BAKEOFF: &str = include_str!("demo.yaml");
/// Samples of each suite that a large model is asked; the bundled ones are asked all.
const SAMPLES_OF_A_LARGE_MODEL: usize = 40;
/// Asks of a large model in flight at once.
const CONCURRENCY_OF_A_LARGE_MODEL: usize = 4;

/// `rightsize demo`.
pub fn demo(args: arguments::Demo, verbose: u8, printer: Printer) -> Result<Exit, Failure> {
    let mut file = BakeoffFile::parse("the demo's bake-off", BAKEOFF.to_owned(), PathBuf::new())?;
    // The real small model is there when somebody has fetched it; the demo is complete without.
    let name = demo_models::SMOLLM2;
    match demo_models::resolve(name, Path::new("")) {
        Ok(_) => file.bakeoff.models.push(large(name.to_owned(), name.to_owned())),
        Err(error) => printer.note(&format!(
            "note: {}\n      The demo goes on with the two models in the binary.",
            error.message
        )),
    }
    for path in &args.model {
        let id = path.file_stem().map_or("model".to_owned(), |stem| stem.to_string_lossy().into());
        file.bakeoff.models.push(large(id, path.display().to_string()));
    }
    file.text = manifest_text(&file)?;
    let prepared = prepare::begin(file, &[], args.limit, None, args.out.as_deref(), printer)?;
    let ending = Ending { max_errors: MaxErrors::Percent(1.0), json: args.json, verbose };
    session::execute(prepared, ending, printer)
}

fn large(id: String, model: String) -> ModelEntry {
    ModelEntry {
        id,
        samples: Some(SAMPLES_OF_A_LARGE_MODEL),
        concurrency: CONCURRENCY_OF_A_LARGE_MODEL,
        ..ModelEntry::named(&model)
    }
}

/// The bake-off with the entries that were added, as text: the run folder holds what was run, and
/// `rightsize run` takes it.
fn manifest_text(file: &BakeoffFile) -> Result<String, Failure> {
    let text = serde_yaml::to_string(&json!(file.bakeoff));
    text.map_err(|error| {
        Failure::wrong(format!("the demo's bake-off: {error}"), "report this as a bug")
    })
}
