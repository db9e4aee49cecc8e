//! Metrics against the values of their reference implementations, one file a metric.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod classification;
mod correlation_agreement;
mod multilabel;
mod ner_nervaluate;
mod ner_seqeval;
mod probabilistic;
mod spans_pii;
mod squad_v1;
mod support;
