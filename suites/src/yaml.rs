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
    let layer = parsed(file, text)?;
    typed_layers(&[layer.tree], layer.value, not_built).map(|(read, _)| read)
}

/// What was read of several texts.
pub(crate) struct Layered<T> {
    pub read: T,
    /// One text that says the same; absent where there was one anyway.
    pub resolved: Option<String>,
}

/// Reads texts that extend each other, the first one above the second and so on, as [`read`] does:
/// mappings are merged key by key, of everything else the upper one counts. The key `extends` of each
/// is dropped. A problem names the file in which its key stands.
pub(crate) fn read_layers<T: DeserializeOwned>(
    layers: &[(&str, &str)],
    not_built: &[(&str, &str)],
) -> Result<Layered<T>, Problems> {
    let mut trees = Vec::with_capacity(layers.len());
    let mut merged: Option<Value> = None;
    for (file, text) in layers {
        let Parsed { tree, mut value } = parsed(file, text)?;
        remove(&mut value, &[EXTENDS]);
        trees.push(tree);
        merged = Some(match merged {
            Some(over) => merge(over, value),
            None => value,
        });
    }
    let (read, value) = typed_layers(&trees, merged.unwrap_or_default(), not_built)?;
    let resolved = match layers {
        [] | [_] => None,
        [(file, _), ..] => Some(written(file, &value)?),
    };
    Ok(Layered { read, resolved })
}

/// The key that names the file below.
const EXTENDS: &str = "extends";

/// The value of the key `extends`. A text that is no YAML has none; reading it says why.
pub(crate) fn extends(file: &str, text: &str) -> Result<Option<String>, Problem> {
    let Ok(Parsed { tree, value }) = parsed(file, text) else { return Ok(None) };
    match value.get(EXTENDS) {
        None => Ok(None),
        Some(Value::String(named)) => Ok(Some(named.clone())),
        Some(_) => {
            let message = format!("`{EXTENDS}` is no name of a suite");
            let problem = Problem::of_file(file, message);
            let remedy = "write a path, or `catalog:NAME`: one suite, in quotes if need be";
            Err(place(problem.remedy(remedy), tree.tree.locate_value(&[EXTENDS])))
        }
    }
}

/// `over` laid on `under`.
fn merge(over: Value, under: Value) -> Value {
    match (over, under) {
        (Value::Mapping(over), Value::Mapping(mut under)) => {
            for (key, value) in over {
                // In place: labels keep the order of the file below.
                match under.get_mut(&key) {
                    Some(below) => *below = merge(value, std::mem::take(below)),
                    None => {
                        under.insert(key, value);
                    }
                }
            }
            Value::Mapping(under)
        }
        (over, _) => over,
    }
}

/// A value as text, which reads as the same value again.
fn written(file: &str, value: &Value) -> Result<String, Problem> {
    let text = serde_yaml::to_string(value).ok();
    let same = |text: &String| serde_yaml::from_str::<Value>(text).is_ok_and(|v| v == *value);
    text.filter(same).ok_or_else(|| {
        let problem = Problem::of_file(file, "what it extends cannot be written as one suite");
        problem.remedy("write the keys of the other suite into this one")
    })
}

/// A file's places, by the name of the file.
struct Places<'a> {
    file: &'a str,
    tree: Tree,
}

/// A text that both parsers take, without duplicate keys.
struct Parsed<'a> {
    tree: Places<'a>,
    value: Value,
}

fn parsed<'a>(file: &'a str, text: &str) -> Result<Parsed<'a>, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = Tree::parse(text)
        .map_err(|e| Problems::from(syntax(file, &e.message).at(e.line, e.column)))?;
    let problems: Vec<Problem> = tree.duplicates().map(|d| duplicate(file, &d)).collect();
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let value: Value = serde_yaml::from_str(text).map_err(|e| {
        // serde_yaml appends the place, which stands in front of our message.
        let message = e.to_string();
        let problem = syntax(file, message.split(" at line ").next().unwrap_or(&message));
        Problems::from(place(problem, e.location().map(|at| (at.line(), at.column()))))
    })?;
    Ok(Parsed { tree: Places { file, tree }, value })
}

/// The typed value, and the value that it was made of.
fn typed_layers<T: DeserializeOwned>(
    layers: &[Places<'_>],
    mut value: Value,
    not_built: &[(&str, &str)],
) -> Result<(T, Value), Problems> {
    let mut problems = Vec::new();
    for (pattern, instead) in not_built {
        let pattern: Vec<&str> = pattern.split('.').collect();
        for Places { file, tree } in layers {
            for path in tree.matches(&pattern) {
                let key = path.join(".");
                let message = format!("`{key}` is not built yet");
                let problem = Problem::of_file(*file, message);
                let problem = problem.remedy(format!("remove it: {instead}"));
                problems.push(place(problem, tree.locate(&path)));
                remove(&mut value, &path);
            }
        }
    }
    match typed::<T>(layers, value.clone(), &mut problems) {
        Some(read) if problems.is_empty() => Ok((read, value)),
        _ => {
            problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            Err(Problems(problems))
        }
    }
}

/// The first layer that has a path: the one whose value counts.
fn holder<'a, 'p>(layers: &'a [Places<'p>], path: &[&str]) -> Option<&'a Places<'p>> {
    layers.iter().find(|layer| layer.tree.locate(path).is_some())
}

/// A problem at the value or the key of a path, in the file that has it; else in the first one.
fn placed(layers: &[Places<'_>], path: &[&str], value: bool, problem: Problem) -> Problem {
    match (holder(layers, path), layers.first()) {
        (Some(Places { file, tree }), _) => {
            let at = if value { tree.locate_value(path) } else { tree.locate(path) };
            place(Problem { file: (*file).to_owned(), ..problem }, at)
        }
        (None, Some(Places { file, tree })) => {
            let at = tree.locate(&[""; 0]).filter(|_| value);
            place(Problem { file: (*file).to_owned(), ..problem }, at)
        }
        (None, None) => problem,
    }
}

/// Where the key or list item at a path stands: line and column, from 1. `None` where there is none.
pub fn locate(text: &str, path: &[&str]) -> Option<(usize, usize)> {
    locator(text)(path)
}

/// The same for many paths of one text, which is read once.
pub(crate) fn locator(text: &str) -> impl Fn(&[&str]) -> Option<(usize, usize)> + use<> {
    let tree = Tree::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).ok();
    move |path| tree.as_ref()?.locate(path)
}

/// Deserialises; takes unknown keys out and tries again, so that all of them are reported.
fn typed<T: DeserializeOwned>(
    layers: &[Places<'_>],
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
            problems.push(placed(layers, &as_strs(&path), true, wrong_value(&path, &message)));
            return None;
        };
        // Some deserialisers count the key to the path, some do not.
        if path.last() != Some(&key) || holder(layers, &as_strs(&path)).is_none() {
            path.push(key.clone());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let problem = Problem::of_file("", format!("unknown key `{}`", path.join(".")));
        let problem = match nearest(&key, known.iter().copied()) {
            Some(near) => problem.remedy(format!("did you mean `{near}`?")),
            None => problem.remedy(format!("known here: {}", crate::problem::listed(known))),
        };
        problems.push(placed(layers, &as_strs(&path), false, problem));
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

fn wrong_value(path: &[String], message: &str) -> Problem {
    let (message, remedy) = wording::of_serde(message);
    let message =
        if path.is_empty() { message } else { format!("`{}`: {message}", path.join(".")) };
    Problem { remedy, ..Problem::of_file("", message) }
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
