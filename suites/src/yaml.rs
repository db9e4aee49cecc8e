//! Reading YAML that a user wrote: typed values, with errors that point at the line.
//!
//! Two parsers read the text. `serde_yaml` makes the typed value; it cannot say where a value stands
//! that is well-formed but wrong, and it knows nothing of keys that are not built yet.
//! `saphyr-parser` gives the events with their places, of which a tree of places is made: it finds
//! duplicate keys and locates the paths that serde names. A text must please both.

mod tree;
mod wording;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use serde_yaml::Value;

use crate::problem::{Problem, Problems, nearest};
use tree::Tree;

/// Unknown keys that are removed and reported before reading gives up.
const MOST_UNKNOWN: usize = 50;

/// Reads YAML text as a `T`. `file` is how messages name it.
///
/// `not_built` names keys that are part of the format, but whose behaviour is not built yet, as
/// dotted paths with `*` for any key or list item (`models.*.lora`), each with what to do instead.
/// They are errors: a key is never read and ignored. `T` should deny unknown fields.
///
/// # Errors
/// All problems that can be found at once: broken syntax alone; else every duplicate key, every key
/// that is not built, every unknown key and the first value of a wrong type.
pub fn read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    not_built: &[(&str, &str)],
) -> Result<T, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = Tree::parse(text)
        .map_err(|e| Problems::from(syntax(file, &e.message).at(e.line, e.column)))?;
    let mut problems: Vec<Problem> = tree.duplicates().map(|d| duplicate(file, &d)).collect();
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let mut value: Value = serde_yaml::from_str(text).map_err(|e| {
        // serde_yaml appends the place, which stands in front of our message.
        let message = e.to_string();
        let problem = syntax(file, message.split(" at line ").next().unwrap_or(&message));
        Problems::from(place(problem, e.location().map(|at| (at.line(), at.column()))))
    })?;
    for (pattern, instead) in not_built {
        let pattern: Vec<&str> = pattern.split('.').collect();
        for path in tree.matches(&pattern) {
            let key = path.join(".");
            let message = format!("`{key}` is not built yet");
            let problem = Problem::of_file(file, message).remedy(format!("remove it: {instead}"));
            problems.push(place(problem, tree.locate(&path)));
            remove(&mut value, &path);
        }
    }
    let read = typed::<T>(file, &tree, value, &mut problems);
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => {
            problems.sort_by_key(|p| (p.line, p.column));
            Err(Problems(problems))
        }
    }
}

/// Where the key or list item at a path stands: line and column, from 1. `None` where there is none.
pub fn locate(text: &str, path: &[&str]) -> Option<(usize, usize)> {
    Tree::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?.locate(path)
}

/// Deserialises; takes unknown keys out and tries again, so that all of them are reported.
fn typed<T: DeserializeOwned>(
    file: &str,
    tree: &Tree,
    mut value: Value,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    for _ in 0..MOST_UNKNOWN {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let mut path = keys(error.path());
        let message = error.inner().to_string();
        let Some((key, known)) = wording::unknown_key(&message) else {
            let known_place = tree.locate_value(&as_strs(&path)).or_else(|| tree.locate(&[""; 0]));
            problems.push(place(wrong_value(file, &path, &message), known_place));
            return None;
        };
        // Some deserialisers count the key to the path, some do not.
        if path.last() != Some(&key) || tree.locate(&as_strs(&path)).is_none() {
            path.push(key.clone());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let problem = Problem::of_file(file, format!("unknown key `{}`", path.join(".")));
        let problem = match nearest(&key, known.iter().copied()) {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem.remedy(format!("known here: {}", crate::problem::listed(known))),
        };
        problems.push(place(problem, tree.locate(&as_strs(&path))));
        if !remove(&mut value, &as_strs(&path)) {
            return None;
        }
    }
    None
}

fn place(problem: Problem, at: Option<(usize, usize)>) -> Problem {
    match at {
        Some((line, column)) => problem.at(line, column),
        None => problem,
    }
}

fn duplicate(file: &str, duplicate: &tree::Duplicate) -> Problem {
    let message = format!("duplicate key `{}`", duplicate.key);
    Problem::of_file(file, message)
        .at(duplicate.second.0, duplicate.second.1)
        .remedy(format!("it stands on line {} already: keep one", duplicate.first.0))
}

fn syntax(file: &str, message: &str) -> Problem {
    let remedy = if message.contains("tab") {
        "indent with spaces"
    } else {
        "look for an open bracket or quote, and for the indentation; put text with `: ` or ` #` in quotes"
    };
    Problem::of_file(file, format!("this is no valid YAML: {message}")).remedy(remedy)
}

fn wrong_value(file: &str, path: &[String], message: &str) -> Problem {
    let (message, remedy) = wording::of_serde(message);
    let message =
        if path.is_empty() { message } else { format!("`{}`: {message}", path.join(".")) };
    Problem { remedy, ..Problem::of_file(file, message) }
}

/// Serde's path as keys; variants of enums are no keys.
fn keys(path: &Path) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn as_strs(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Takes the key at a path out of a value; whether it was there.
fn remove(value: &mut Value, path: &[impl AsRef<str>]) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let mut at = value;
    for segment in parents {
        let segment = segment.as_ref();
        let next = match at {
            Value::Sequence(items) => segment.parse().ok().and_then(|i: usize| items.get_mut(i)),
            Value::Mapping(map) => map.get_mut(segment),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    at.as_mapping_mut().is_some_and(|map| map.remove(last.as_ref()).is_some())
}

#[cfg(test)]
#[path = "yaml/tests.rs"]
mod tests;
