//! Entity scores over tag sequences, as seqeval 1.2.2 computes them (Nakayama 2018, after the
//! `conlleval` script of CoNLL 2000).
//!
//! An entity is right if an entity of the same type has the same first and last token in the same
//! sequence. [`Mode::Conlleval`] reads any sequence of tags: an `I-` tag after `O` or after another
//! type starts an entity. [`Mode::Strict`] takes only entities that are well-formed in the scheme.
//! All figures are in [0, 1], and 0 where they are 0/0. Types are those found on either side, so a
//! type that is only predicted lowers the macro average.

use std::collections::{BTreeMap, BTreeSet};

use super::precision_recall::{Counts, Scores, weighted_mean};
use super::spans::Span;

/// How entities are read from tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The lenient rules of `conlleval`, seqeval's default.
    Conlleval,
    /// Only well-formed entities of a scheme.
    Strict(Scheme),
}

/// A way to write entities as tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `B-` opens, `I-` continues.
    Iob2,
    /// `B-` opens, `I-` continues, `E-` closes; `S-` is an entity of one token.
    Iobes,
}

/// Scores over all sequences.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Of the counts of all types together.
    pub micro: Scores,
    /// Mean over the types; `None` without any.
    pub macro_average: Option<Scores>,
    /// Mean over the types, weighted by the number of true entities; 0 without any.
    pub weighted: Scores,
    /// Counts of each type.
    pub per_type: BTreeMap<String, Counts>,
}

/// Scores of predicted sequences; `None` where seqeval refuses the input: lengths differ, a tag is
/// empty, or in strict mode a tag has a prefix that the scheme lacks.
pub fn report(truth: &[Vec<&str>], predicted: &[Vec<&str>], mode: Mode) -> Option<Report> {
    if !same_lengths(truth, predicted) {
        return None;
    }
    let mut per_type: BTreeMap<String, Counts> = BTreeMap::new();
    for (truth, predicted) in truth.iter().zip(predicted) {
        let truth: BTreeSet<Span<'_>> = entities(truth, mode)?.into_iter().collect();
        for entity in &truth {
            per_type.entry(entity.label.into()).or_default().gold += 1.0;
        }
        for entity in entities(predicted, mode)? {
            let counts = per_type.entry(entity.label.into()).or_default();
            counts.predicted += 1.0;
            if truth.contains(&entity) {
                counts.tp += 1.0;
            }
        }
    }
    let mut total = Counts::default();
    per_type.values().for_each(|counts| total += *counts);
    Some(Report {
        micro: total.scores(),
        macro_average: weighted_mean(per_type.values().map(|c| (1.0, c.scores()))),
        weighted: weighted_mean(per_type.values().map(|c| (c.gold, c.scores())))
            .unwrap_or_default(),
        per_type,
    })
}

/// Share of tokens with the right tag; `None` without tokens or where lengths differ.
pub fn token_accuracy(truth: &[Vec<&str>], predicted: &[Vec<&str>]) -> Option<f64> {
    let tokens: usize = truth.iter().map(Vec::len).sum();
    let pairs = truth.iter().flatten().zip(predicted.iter().flatten());
    let right = pairs.filter(|(truth, predicted)| truth == predicted).count();
    (tokens > 0 && same_lengths(truth, predicted)).then(|| right as f64 / tokens as f64)
}

fn same_lengths(truth: &[Vec<&str>], predicted: &[Vec<&str>]) -> bool {
    truth.iter().map(Vec::len).eq(predicted.iter().map(Vec::len))
}

/// The entities of one sequence, in order; `None` where seqeval refuses a tag.
pub fn entities<'a>(tags: &[&'a str], mode: Mode) -> Option<Vec<Span<'a>>> {
    match mode {
        Mode::Conlleval => conlleval_entities(tags),
        Mode::Strict(scheme) => strict_entities(tags, scheme),
    }
}

fn conlleval_entities<'a>(tags: &[&'a str]) -> Option<Vec<Span<'a>>> {
    let mut entities = Vec::new();
    let (mut previous, mut label, mut start) = ('O', "", 0);
    for (position, tag) in tags.iter().copied().chain(["O"]).enumerate() {
        let (prefix, rest) = split_prefix(tag)?;
        let next_label = or_unnamed(rest.split_once('-').map_or(rest, |(_, label)| label));
        if ends(previous, label, prefix, next_label) {
            entities.push(Span { start, end: position, label });
        }
        if starts(previous, label, prefix, next_label) {
            start = position;
        }
        (previous, label) = (prefix, next_label);
    }
    Some(entities)
}

/// `end_of_chunk`: whether an entity ends before the tag.
fn ends(previous: char, label: &str, prefix: char, next_label: &str) -> bool {
    matches!((previous, prefix), ('E' | 'S', _) | ('B' | 'I', 'B' | 'S' | 'O'))
        || (!matches!(previous, 'O' | '.') && label != next_label)
}

/// `start_of_chunk`: whether an entity starts at the tag.
fn starts(previous: char, label: &str, prefix: char, next_label: &str) -> bool {
    matches!((previous, prefix), (_, 'B' | 'S') | ('E' | 'S' | 'O', 'E' | 'I'))
        || (!matches!(prefix, 'O' | '.') && label != next_label)
}

fn strict_entities<'a>(tags: &[&'a str], scheme: Scheme) -> Option<Vec<Span<'a>>> {
    let allowed: &[char] = match scheme {
        Scheme::Iob2 => &['I', 'O', 'B'],
        Scheme::Iobes => &['I', 'O', 'B', 'E', 'S'],
    };
    let tokens: Vec<(char, &str)> = tags
        .iter()
        .map(|tag| {
            let (prefix, rest) = split_prefix(tag)?;
            allowed.contains(&prefix).then(|| (prefix, or_unnamed(rest.trim_matches('-'))))
        })
        .collect::<Option<_>>()?;
    let mut entities = Vec::new();
    let mut tokens = tokens.into_iter().enumerate().peekable();
    while let Some((start, (mut last, label))) = tokens.next() {
        if !matches!(last, 'B' | 'S') {
            continue;
        }
        let mut end = start.saturating_add(1);
        while let Some((position, (prefix, _))) = tokens.next_if(|(_, (prefix, next))| {
            matches!((last, prefix), ('B' | 'I', 'I' | 'E')) && *next == label
        }) {
            (last, end) = (prefix, position.saturating_add(1));
        }
        if scheme == Scheme::Iob2 || matches!(last, 'E' | 'S') {
            entities.push(Span { start, end, label });
        }
    }
    Some(entities)
}

/// First character of a tag and what follows; `None` of an empty one.
fn split_prefix(tag: &str) -> Option<(char, &str)> {
    let mut characters = tag.chars();
    characters.next().map(|prefix| (prefix, characters.as_str()))
}

/// The type, which seqeval calls `_` where a tag names none.
fn or_unnamed(label: &str) -> &str {
    if label.is_empty() { "_" } else { label }
}
