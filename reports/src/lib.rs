//! Reports: the run folder as it is read, the analysis of its records, and its renderers.
//!
//! ```text
//! run folder ─folder─▶ RunFolder ─analysis─▶ Analysis ─┬─ html      one self-contained file
//!                                                      ├─ terminal  tables for people
//!                                                      └─ JSON      (serde) for scripts
//! ```
//!
//! Everything shown is computed in [`analysis`], once; a renderer places and words it. What a
//! report shows to strangers is decided in [`share`], once.

pub mod analysis;
pub mod folder;
pub mod glossary;
pub mod html;
pub mod latency;
pub mod numbers;
pub mod run;
pub mod sample_size;
pub mod share;
pub mod stats;
pub mod terminal;
pub mod visible;
