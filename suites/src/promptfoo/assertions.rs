//! An assertion of a test, as a check.

use rightsize_providers::Fields;
use serde_json::{Map, Value};

use super::config::{Node, text_of};
use super::prompts;
use super::remarks::Remarks;
use super::template;
use crate::tasks::checks::{Check, Kind, not_judged};

/// Keys of an assertion that a check has too, or that change nothing for those that are judged.
const KEPT: [&str; 5] = ["type", "value", "threshold", "weight", "metric"];

/// The checks of one assertion, in the form in which rows keep them. What cannot be judged is remarked.
pub(super) fn checks(node: &Node, vars: &Fields, remarks: &mut Remarks) -> Vec<Value> {
    if let Some(text) = node.text() {
        return written(node, &Value::from(text), text, vars, remarks);
    }
    let Some(word) = node.get("type").and_then(|word| word.text().map(str::to_owned)) else {
        remarks.not(node, "an assertion", "it has no `type`");
        return Vec::new();
    };
    let shown = format!("assertion `{word}`");
    if word == "assert-set" {
        if node.get("threshold").is_some() || node.get("weight").is_some() {
            remarks.not(
                node,
                shown,
                "a set with a threshold or a weight of its own has no counterpart",
            );
            return Vec::new();
        }
        let all = node.get("assert").map(|all| all.items()).unwrap_or_default();
        return all.iter().flat_map(|one| checks(one, vars, remarks)).collect();
    }
    let plain = word.strip_prefix("not-").unwrap_or(&word);
    let Some(kind) = Kind::named(plain) else {
        let (why, remedy) =
            not_judged(plain).unwrap_or(("promptfoo's documents do not know it", ""));
        let why = if remedy.is_empty() { why.to_owned() } else { format!("{why}; {remedy}") };
        remarks.not(node, shown, why);
        return Vec::new();
    };
    let mut mapping = Map::new();
    for (key, member) in node.members() {
        let fits = key != "threshold" || kind.has_threshold();
        match KEPT.contains(&key.as_str()) && fits {
            true => {
                mapping.insert(key, member.value.clone());
            }
            false => {
                let why = "a check of this kind has no such key: it is left out";
                remarks.differs(&member, format!("`{key}` of {shown}"), why);
            }
        }
    }
    if let Some(named) = node.get("value").and_then(|v| v.text().map(str::to_owned))
        && named.starts_with("file://")
    {
        let (path, name) = node.opened(&named);
        let code = prompts::is_code(&named);
        match text_of(&path, &name).ok().filter(|_| !code) {
            Some(text) => mapping.insert("value".to_owned(), text.trim_end().into()),
            None => {
                let why = if code { "it runs code" } else { "there is no such file" };
                remarks.not(node, format!("{shown} of `{named}`"), why);
                return Vec::new();
            }
        };
    }
    written(node, &Value::Object(mapping), &shown, vars, remarks)
}

fn written(
    node: &Node,
    check: &Value,
    shown: &str,
    vars: &Fields,
    remarks: &mut Remarks,
) -> Vec<Value> {
    let check = match template::filled(check, vars) {
        Ok(check) => check,
        Err(why) => {
            remarks.not(node, shown, format!("its template cannot be filled: {why}"));
            return Vec::new();
        }
    };
    match Check::new(&check) {
        Ok(check) => {
            let differs = match check.kind {
                Kind::RougeN => Some("it is the F1 of single words, as `rouge_score` computes it"),
                Kind::Bleu => Some("it is computed as sacrebleu does, with smoothing"),
                Kind::Levenshtein if check.negated => {
                    Some("it holds where `levenshtein` does not; promptfoo ignores the `not-`")
                }
                _ => None,
            };
            if let Some(why) = differs {
                remarks.differs(node, format!("assertion `{}`", check.word()), why);
            }
            vec![check.written()]
        }
        Err(bad) => {
            let why = match bad.remedy {
                Some(remedy) => format!("{}; {remedy}", bad.message),
                None => bad.message,
            };
            remarks.not(node, shown, why);
            Vec::new()
        }
    }
}
