//! `rightsize init`: a commented bake-off and a suite of one's own that run as they are.

use std::path::Path;

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// What is written, by path relative to the folder.
const FILES: [(&str, &str); 3] = [
    ("bakeoff.yaml", include_str!("init/bakeoff.yaml")),
    ("my-suite/suite.yaml", include_str!("init/suite.yaml")),
    ("my-suite/test.csv", include_str!("init/test.csv")),
];

/// `rightsize init`; nothing that exists is overwritten.
pub fn init(folder: &Path, printer: Printer) -> Result<Exit, Failure> {
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        let message = format!("{} exists already", folder.join(name).display());
        return Err(Failure::wrong(message, "name another folder, or move the file away"));
    }
    for (name, content) in FILES {
        let path = folder.join(name);
        let write = || -> std::io::Result<()> {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, content)
        };
        write().map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::wrong(message, "name a folder that can be written")
        })?;
        printer.result(&path.display().to_string());
    }
    let bakeoff = folder.join("bakeoff.yaml");
    printer.note(&format!("Run it: rightsize run {}", bakeoff.display()));
    Ok(Exit::Done)
}
