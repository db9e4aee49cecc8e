//! Metrics against the values of their reference implementations, one file a metric.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod bleu;
mod chrf;
mod classification;
mod edit_distance;
mod rouge;
mod squad_v1;
mod support;
mod ter;
