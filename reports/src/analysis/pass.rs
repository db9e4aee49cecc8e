//! The units of one suite, entry and scenario: counts, latencies, tokens, slices, errors.

use std::collections::{BTreeMap, BTreeSet};

use rightsize_providers::UsageSource;
use rightsize_suites::command::PART;

use super::estimate::{self, Quantity, Samples};
use super::model::*;
use super::{repeats, tables};
use crate::folder::{ErrorKey, Figures, Row};
use crate::latency;
use crate::run::{EntryRef, Outcome, Scenario, SuiteFacts};
use crate::stats::percentile::{Sorted, needed};

/// Most parts of a scoring command that are figures of the report.
const MOST_PARTS: usize = 32;

/// A tag with more values than this is no slice but an identifier.
const MOST_SLICES: usize = 12;

/// Analyses one pass. `rows` is not empty.
pub fn of(
    facts: &SuiteFacts,
    entry: &EntryRef,
    scenario: Scenario,
    rows: &[&Row],
    seed: u64,
) -> Pass {
    let name = format!("{}/{}/{}", facts.name, entry.id, scenario.as_str());
    let reduce = facts.reduce;
    let samples = Samples::of(rows, reduce);
    let mut metrics = facts.metrics.iter().map(|metric| samples.estimate(metric, seed, &name));
    let primary = metrics.next().unwrap_or_else(|| Estimate {
        metric: String::new(),
        title: facts.primary.clone(),
        value: None,
        interval: None,
        bounds: None,
    });
    let mut others: Vec<Estimate> = metrics.collect();
    let own = own_parts(rows).into_iter();
    others.extend(own.map(|part| samples.estimate(Quantity::Part(part), seed, &name)));
    drop(samples);
    let concurrency = match scenario {
        Scenario::SingleStream => 1,
        Scenario::Batch => entry.concurrency,
    };
    Pass {
        scenario,
        concurrency,
        counts: counts(rows),
        primary,
        others,
        latency: latencies(label(scenario, concurrency), rows),
        tokens: tokens(rows),
        slices: slices(facts, rows, seed, &name),
        confusion: tables::confusion(&facts.labels, rows),
        axes: tables::axes(facts, rows),
        fields: tables::fields(facts, rows),
        errors: errors(rows),
    }
}

/// The names of the parts that a scoring command gave, in their order; at most [`MOST_PARTS`].
fn own_parts<'a>(rows: &[&'a Row]) -> BTreeSet<&'a str> {
    let parts = rows.iter().flat_map(|row| &row.parts);
    let all: BTreeSet<&str> = parts.filter_map(|(name, _)| name.strip_prefix(PART)).collect();
    all.into_iter().take(MOST_PARTS).collect()
}

/// Under which load latencies were measured.
fn label(scenario: Scenario, concurrency: usize) -> String {
    match scenario {
        Scenario::SingleStream => "single-stream".into(),
        Scenario::Batch => format!("batch, {concurrency} in flight"),
    }
}

fn counts(rows: &[&Row]) -> Counts {
    let mut counts =
        Counts { units: rows.len() as u64, samples: repeats::count(rows), ..Counts::default() };
    for row in rows {
        match row.outcome {
            Outcome::Scored => counts.scored += 1,
            Outcome::Unparsed => counts.unparsed += 1,
            Outcome::Truncated => counts.truncated += 1,
            Outcome::Refused => counts.refused += 1,
            Outcome::Error => counts.errors += 1,
        }
    }
    counts
}

fn latencies(label: String, rows: &[&Row]) -> Latency {
    let timed: Vec<&Row> =
        rows.iter().copied().filter(|row| !row.cached && row.outcome != Outcome::Error).collect();
    let over = |of: fn(&Figures) -> Option<f64>, missing: &str| {
        let known = timed.iter().filter_map(|row| row.figure(of));
        let ms: Vec<f64> = known.map(|ns| ns / 1e6).collect();
        quantiles(ms, timed.len(), missing)
    };
    let no_first = "the answers carry no time of a first token: they were not streamed";
    let tpot = over(
        |figures| figures.tpot,
        "needs streamed answers of two or more tokens and a known number of reasoning tokens",
    );
    let decode_tok_s = match (tpot.p50.value, &tpot.p50.why) {
        (Some(ms), _) => latency::decode_rate(ms * 1e6)
            .map_or_else(|| Figure::unknown("the median time per token is 0"), Figure::known),
        (None, why) => Figure { value: None, why: why.clone() },
    };
    Latency {
        label,
        ttft: over(|figures| figures.ttft.map(|ns| ns as f64), no_first),
        ttfo: over(|figures| figures.ttfo.map(|ns| ns as f64), no_first),
        end_to_end: over(
            |figures| figures.end_to_end.map(|ns| ns as f64),
            "the answers carry no time",
        ),
        tpot,
        decode_tok_s,
    }
}

/// Quantiles in milliseconds, each with its reason where there are too few values.
fn quantiles(ms: Vec<f64>, answers: usize, missing: &str) -> Quantiles {
    let n = ms.len() as u64;
    let sorted = Sorted::new(ms);
    let at = |q: f64| match &sorted {
        Some(sorted) if sorted.count() >= needed(q) => Figure::known(sorted.quantile(q)),
        Some(sorted) => Figure::unknown(format!(
            "p{:.0} needs {} answers, there are {}",
            q * 100.0,
            needed(q),
            sorted.count()
        )),
        None if answers == 0 => Figure::unknown("no answer was timed"),
        None => Figure::unknown(missing),
    };
    Quantiles { n, p50: at(0.50), p95: at(0.95), p99: at(0.99) }
}

fn tokens(rows: &[&Row]) -> Tokens {
    let total = |of: fn(&Figures) -> Option<u64>| {
        rows.iter().filter_map(|row| row.figure(of)).reduce(u64::saturating_add)
    };
    let mut known: Vec<UsageSource> = Vec::new();
    for row in rows.iter().filter(|row| row.outcome != Outcome::Error) {
        if !known.contains(&row.usage_source) {
            known.push(row.usage_source);
        }
    }
    let sources: BTreeSet<String> = known.iter().map(estimate::word).collect();
    Tokens {
        input: total(|figures| figures.input_tokens),
        output: total(|figures| figures.output_tokens),
        known: rows
            .iter()
            .filter_map(|row| row.figure(|figures| figures.input_tokens.and(figures.output_tokens)))
            .count() as u64,
        source: sources.into_iter().collect::<Vec<_>>().join(", "),
    }
}

fn slices(facts: &SuiteFacts, rows: &[&Row], seed: u64, name: &str) -> Vec<Slices> {
    let Some(primary) = facts.metrics.first() else {
        return Vec::new();
    };
    let tags: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.tags.keys()).map(String::as_str).collect();
    tags.into_iter()
        .map(|tag| {
            let mut by_value: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
            for row in rows {
                if let Some(value) = row.tags.get(tag) {
                    by_value.entry(value).or_default().push(row);
                }
            }
            let distinct = by_value.len();
            let values = if distinct > MOST_SLICES { BTreeMap::new() } else { by_value };
            Slices {
                tag: tag.to_owned(),
                distinct: distinct as u64,
                values: values
                    .into_iter()
                    .map(|(value, rows)| Slice {
                        value: value.to_owned(),
                        counts: counts(&rows),
                        primary: Samples::of(&rows, facts.reduce).estimate(
                            primary,
                            seed,
                            &format!("{name}/{tag}={value}"),
                        ),
                    })
                    .collect(),
            }
        })
        .collect()
}

fn errors(rows: &[&Row]) -> Vec<ErrorGroup> {
    let mut counts: BTreeMap<&ErrorKey, u64> = BTreeMap::new();
    for error in rows.iter().filter_map(|row| row.error.as_deref()) {
        *counts.entry(error).or_default() += 1;
    }
    let mut groups: Vec<(&ErrorKey, u64)> = counts.into_iter().collect();
    groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    groups
        .into_iter()
        .map(|(key, count)| ErrorGroup {
            kind: estimate::word(&key.kind),
            side: if key.ours { "ours" } else { "theirs" }.to_owned(),
            http_status: key.http_status,
            message: key.message.clone(),
            count,
        })
        .collect()
}
