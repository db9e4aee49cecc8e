//! Suites: the YAML format, data, prompts, task kinds and metrics.
//!
//! ```text
//! suite.yaml ─load─▶ Suite ─▶ Sample ─prompt─▶ Ask … Answer ─task─▶ Reading ─▶ Score ─sum─▶ Metric
//! ```
//!
//! A [`Suite`] is loaded and checked once; afterwards nothing in it can fail because of its input:
//! every prompt has been rendered, every expected answer has been read. What a user writes is
//! described in `README.md` of this crate.

pub mod baselines;
pub mod catalog;
mod check;
mod columns;
mod dataset;
mod load;
pub mod metrics;
pub mod outcome;
mod problem;
mod prompt;
mod sample;
mod schema;
mod suite;
pub mod tasks;
pub mod yaml;

pub use metrics::{Measure, Metric, Parts};
pub use outcome::Outcome;
pub use problem::{Excerpt, Problem, Problems};
pub use prompt::PromptError;
pub use sample::Sample;
pub use suite::{Margin, Suite};
pub use tasks::{Reading, Score, ScoringError, Task};
