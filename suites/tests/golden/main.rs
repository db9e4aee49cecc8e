//! Metrics against the values of their reference implementations, one file a metric.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod bleu;
mod chrf;
mod classification;
mod correlation_agreement;
mod edit_distance;
mod golden_metrics;
mod gsm8k_extract;
mod json_schema;
mod multilabel;
mod ner_nervaluate;
mod ner_seqeval;
mod pass_at_k;
mod probabilistic;
mod retrieval;
mod rouge;
mod spans_pii;
mod squad_v1;
mod squad_v2;
mod support;
mod ter;
