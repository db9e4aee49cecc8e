//! An answer that checks let pass, where one can be made of them: what the oracle says.
//!
//! Checks say what an answer must have, and not what it is. So texts are made of what they ask for,
//! and the first one that passes all of them is taken; there may be none.

use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Map, Value, json};

use super::check::Check;
use super::judge::Test;
use crate::tasks::pattern;

/// Longest text that is made, in bytes.
const LONGEST: usize = 10_000;
/// Deepest value that is made of a schema.
const DEEPEST: usize = 8;

/// The first text that passes.
pub(super) fn passing(checks: &[Check], passes: impl Fn(&str) -> bool) -> Option<String> {
    candidates(checks).into_iter().find(|text| passes(text))
}

fn candidates(checks: &[Check]) -> Vec<String> {
    let wanted = || checks.iter().filter(|check| !check.negated).map(|check| &check.test);
    let mut candidates: Vec<String> = wanted().filter_map(whole).collect();
    let starts = wanted().filter_map(|test| match test {
        Test::StartsWith(text) => Some(text.clone()),
        _ => None,
    });
    let ends = wanted().filter_map(|test| match test {
        Test::EndsWith(text) => Some(text.clone()),
        _ => None,
    });
    let pieces: Vec<String> =
        starts.chain(wanted().flat_map(pieces)).chain(ends).filter(|p| !p.is_empty()).collect();
    candidates.extend(pieces.iter().cloned());
    candidates.extend([" ", "", "\n"].map(|between| pieces.join(between)));
    // Text with the JSON at its end, and as much of it as is asked for.
    let least = wanted().filter_map(|test| match test {
        Test::Words { least, .. } => usize::try_from(*least).ok(),
        _ => None,
    });
    let least = least.max().unwrap_or(1).min(LONGEST);
    let has = pieces.iter().map(|piece| piece.split_whitespace().count()).sum::<usize>();
    let filling = vec!["word"; least.saturating_sub(has)].join(" ");
    candidates.extend([format!("{} {filling}", pieces.join(" ")), filling]);
    candidates.extend(["{}", "[]", "yes", "0"].map(str::to_owned));
    candidates.retain(|text| !text.trim().is_empty() && text.len() <= LONGEST);
    candidates
}

/// The answer as a whole, where a check says it.
fn whole(test: &Test) -> Option<String> {
    match test {
        Test::Equals(text) | Test::Levenshtein { text, .. } | Test::Rouge { text, .. } => {
            Some(text.clone())
        }
        Test::EqualsJson(value) => Some(value.to_string()),
        Test::Bleu { texts, .. } => texts.first().cloned(),
        Test::Json { schema, .. } => {
            Some(schema.as_ref().map_or(json!({}), |(s, _)| of_schema(s, DEEPEST)).to_string())
        }
        Test::Contains { .. }
        | Test::StartsWith(_)
        | Test::EndsWith(_)
        | Test::Regex(_)
        | Test::Words { .. } => None,
    }
}

/// What an answer must have somewhere in it.
fn pieces(test: &Test) -> Vec<String> {
    match test {
        Test::Contains { texts, all: true, .. } => texts.clone(),
        Test::Contains { texts, .. } => texts.iter().take(1).cloned().collect(),
        Test::Regex(regex) => {
            let mut text = String::new();
            let hir = pattern::parse(regex.as_str());
            let fits = hir.is_ok_and(|hir| add_match(&hir, &mut text));
            if fits { vec![text] } else { Vec::new() }
        }
        Test::Json { whole: false, .. } => whole(test).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Adds the shortest text that an expression matches, but for what it looks at around it; whether
/// there was room.
fn add_match(hir: &Hir, text: &mut String) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => *text += &String::from_utf8_lossy(&literal.0),
        HirKind::Class(class) => text.extend(pattern::member(class)),
        HirKind::Capture(capture) => return add_match(&capture.sub, text),
        HirKind::Concat(parts) => return parts.iter().all(|part| add_match(part, text)),
        HirKind::Alternation(ways) => {
            return ways.first().is_none_or(|way| add_match(way, text));
        }
        HirKind::Repetition(repetition) => {
            let mut once = String::new();
            if !add_match(&repetition.sub, &mut once) {
                return false;
            }
            let times = usize::try_from(repetition.min).unwrap_or(usize::MAX);
            if once.len().saturating_mul(times) > LONGEST {
                return false;
            }
            *text += &once.repeat(if once.is_empty() { 0 } else { times });
        }
    }
    text.len() <= LONGEST
}

/// A value for a schema, by its commonest keywords.
fn of_schema(schema: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let first = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|all| all.first());
    if let Some(value) = first("enum") {
        return value.clone();
    }
    if let Some(way) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
        return of_schema(way, depth);
    }
    let kind = schema.get("type");
    let kind = kind.and_then(|k| k.as_array().and_then(|all| all.first()).or(Some(k)));
    let properties = schema.get("properties").and_then(Value::as_object);
    let number = |key: &str| schema.get(key).and_then(Value::as_u64).unwrap_or(0).min(100);
    match kind.and_then(Value::as_str) {
        Some("string") => "a".repeat(usize::try_from(number("minLength")).unwrap_or(0)).into(),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => Value::Bool(true),
        Some("array") => {
            let item = of_schema(schema.get("items").unwrap_or(&Value::Null), depth);
            vec![item; usize::try_from(number("minItems")).unwrap_or(0)].into()
        }
        Some("null") => Value::Null,
        _ => {
            let member =
                |(name, schema): (&String, &Value)| (name.clone(), of_schema(schema, depth));
            Value::Object(properties.map_or_else(Map::new, |all| all.iter().map(member).collect()))
        }
    }
}
