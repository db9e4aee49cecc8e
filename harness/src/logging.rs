//! Tracing with `-v`: to standard error, and to `log.txt` once there is a run folder.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use rightsize_reports::run::files;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The log file, which is known only when the run folder is.
static FILE: OnceLock<Mutex<File>> = OnceLock::new();

/// Turns tracing on: 0 warnings only, 1 what is done, 2 or more everything of ours.
pub fn start(verbose: u8) {
    let filter = match verbose {
        0 => "error",
        1 => "warn,rightsize=info,rightsize_providers=info",
        _ => "info,rightsize=trace,rightsize_providers=trace",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(false)
        .with_writer(Both { to_file: verbose > 0 })
        .finish();
    // Only a second call in one process fails; the first one's settings hold.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Sends what is traced from now on to `log.txt` in this folder too.
///
/// # Errors
/// The file cannot be opened.
pub fn to_folder(folder: &Path, verbose: u8) -> std::io::Result<()> {
    if verbose > 0 {
        let path = folder.join(files::LOG);
        let file = File::options().append(true).create(true).open(path)?;
        let _ = FILE.set(Mutex::new(file));
    }
    Ok(())
}

/// Writes to standard error and to the log file.
struct Both {
    to_file: bool,
}

struct BothWriter {
    to_file: bool,
}

impl<'a> MakeWriter<'a> for Both {
    type Writer = BothWriter;

    fn make_writer(&'a self) -> BothWriter {
        BothWriter { to_file: self.to_file }
    }
}

impl Write for BothWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Tracing must never fail a run: neither a closed pipe nor a full disk counts here.
        let _ = std::io::stderr().lock().write_all(bytes);
        if self.to_file
            && let Some(Ok(mut file)) = FILE.get().map(Mutex::lock)
        {
            let _ = file.write_all(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
