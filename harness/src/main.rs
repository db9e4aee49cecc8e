//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use rightsize::{arguments::Arguments, commands};
use rightsize_providers::local;

fn main() -> ExitCode {
    // First of all, before any thread or runtime exists: this process may be an engine.
    if std::env::args_os().nth(1).is_some_and(|word| word == local::ENGINE_ARGUMENT) {
        return local::engine_main();
    }
    commands::run(Arguments::parse()).into()
}
