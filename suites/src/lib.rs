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
pub mod choices;
mod columns;
pub mod command;
mod dataset;
mod dev;
mod few_shot;
mod layers;
mod load;
pub mod metrics;
pub mod outcome;
mod problem;
mod prompt;
mod prompt_keys;
pub mod promptfoo;
pub mod propose;
pub mod reduce;
mod rows;
mod sample;
mod schema;
mod scoring;
mod selection;
mod store;
mod suite;
pub mod tasks;
mod tools_file;
pub mod variants;
pub mod yaml;

pub use layers::Kept;
pub use metrics::{Measure, Metric, Parts};
pub use outcome::Outcome;
pub use problem::{Excerpt, Problem, Problems, nearest};
pub use prompt::PromptError;
pub use reduce::Reduce;
pub use sample::{Sample, Samples};
pub use suite::{Margin, Suite};
pub use tasks::{BESIDE, Reading, Score, ScoringError, Task, counted};
