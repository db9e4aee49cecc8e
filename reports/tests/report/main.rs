//! Run folders made of a model of a run, and everything that is read, computed and rendered of them.

// All of this crate is tests; clippy's exception for tests knows only functions marked as such.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stderr, clippy::print_stdout)]

mod analysis;
mod axes;
mod fixture;
mod folder;
mod html;
mod memory;
mod share;
mod terminal;
