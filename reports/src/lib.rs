//! Reports: the run folder as it is read, the analysis of its records, and its renderers.

pub mod run;
