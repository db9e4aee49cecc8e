//! The runner and the command line of rightsize.
//!
//! [`commands`] wires the crates together, a file a subcommand; [`bakeoff`] reads the bake-off file;
//! [`plan`] makes units of it; [`runner`] works through them; [`journal`] writes the run folder.
//! What is written is read by `rightsize_reports`.

pub mod arguments;
pub mod bakeoff;
pub mod commands;
pub mod display;
pub mod exit;
pub mod interrupt;
pub mod journal;
pub mod judge;
pub mod logging;
pub mod modes;
pub mod plan;
pub mod prepare;
pub mod printer;
pub mod prompt_lengths;
pub mod rescore;
pub mod runner;
pub mod scorer;
pub mod session;
pub mod variants;
pub mod write_report;
