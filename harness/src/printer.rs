//! Where a command writes: data to standard output, everything else to standard error.
//!
//! A closed pipe is no error: whoever reads has seen enough.

use std::io::{ErrorKind, IsTerminal, Write};

/// What a command may print, and how.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// Nothing but results and errors.
    pub quiet: bool,
    /// Colour on standard output.
    pub colour: bool,
    /// Standard error is a terminal, so progress bars make sense.
    pub bars: bool,
    /// Columns of the terminal; absent when the output is no terminal.
    pub width: Option<usize>,
}

impl Printer {
    /// Looks at the terminal and at `NO_COLOR` (any value that is not empty turns colour off).
    pub fn detect(quiet: bool) -> Printer {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Printer {
            quiet,
            colour: terminal && !no_colour && !dumb,
            bars: std::io::stderr().is_terminal() && !quiet && !dumb,
            width: terminal.then(columns).flatten(),
        }
    }

    /// Writes a result to standard output.
    pub fn result(&self, text: &str) {
        write_line(&mut std::io::stdout().lock(), text);
    }

    /// Writes a remark to standard error, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Writes a warning to standard error, also with `--quiet`.
    pub fn warn(&self, text: &str) {
        write_line(&mut std::io::stderr().lock(), text);
    }
}

/// Writes a line; a reader that has gone away is not told about.
fn write_line(out: &mut impl Write, text: &str) {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{newline}").and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        tracing::warn!("cannot write the output: {error}");
    }
}

fn columns() -> Option<usize> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col))
}
