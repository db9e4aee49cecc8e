//! Metrics against the values of their reference implementations, one file a metric.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod bleu;
mod chrf;
mod classification;
mod correlation_agreement;
mod edit_distance;
mod multilabel;
mod ner_nervaluate;
mod ner_seqeval;
mod probabilistic;
mod rouge;
mod spans_pii;
mod squad_v1;
mod support;
mod ter;
