//! Metrics against the values of their reference implementations, one file a metric.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod classification;
mod golden_metrics;
mod gsm8k_extract;
mod json_schema;
mod pass_at_k;
mod retrieval;
mod squad_v1;
mod squad_v2;
mod support;
