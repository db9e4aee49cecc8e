//! The engine process: crashes, foreign files, orphans, and what its answers must be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod answers;
mod asking;
mod crashes;
mod files;
mod orphan;
mod references;
