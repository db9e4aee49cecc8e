//! The files of a configuration as values that know where they stand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::remarks::Remarks;
use crate::layers;
use crate::problem::{Problem, Problems};
use crate::yaml;

/// Where a path of keys stands in a text: line and column, from 1.
type Locate = Box<dyn Fn(&[&str]) -> Option<(usize, usize)> + Send + Sync>;

/// A file that was read.
pub(super) struct File {
    /// How messages name it.
    pub name: String,
    /// The folder of the configuration, which all names of files are relative to.
    pub folder: PathBuf,
    root: Value,
    locate: Locate,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub value: Value,
    pub file: Arc<File>,
    path: Vec<String>,
    /// The line of a table that it was read of, where it is no part of the file.
    row: Option<String>,
}

/// Keys of a configuration that say nothing of what is asked or scored, or are read elsewhere.
const FINE: [&str; 13] = [
    "$schema",
    "description",
    "prompts",
    "providers",
    "targets",
    "tests",
    "defaultTest",
    "scenarios",
    "evaluateOptions",
    "assertionTemplates",
    "outputPath",
    "sharing",
    "writeLatestResults",
];

/// Whether a text is a mapping with prompts, and with providers or tests.
pub(super) fn is_config(text: &str) -> bool {
    let Ok(Value::Object(keys)) = serde_yaml::from_str::<Value>(text) else { return false };
    let has = |key: &str| keys.contains_key(key);
    has("prompts") && ["providers", "targets", "tests", "scenarios"].into_iter().any(has)
}

/// Reads a configuration, or a file of YAML or JSON that it names.
pub(super) fn read(path: &Path, name: &str) -> Result<Node, Problems> {
    let text = text_of(path, name)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    node(name, &text, folder)
}

/// The text of a file.
pub(super) fn text_of(path: &Path, name: &str) -> Result<String, Problem> {
    let problem = |message: String| {
        let remedy = "files are looked for beside the configuration";
        Problem::of_file(name, message).remedy(remedy)
    };
    let bytes = layers::bytes_of(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => problem("there is no such file".to_owned()),
        _ => problem(format!("cannot read the file: {e}")),
    })?;
    let bytes = bytes.ok_or_else(|| problem("the file has more than 16 MiB".to_owned()))?;
    String::from_utf8(bytes).map_err(|_| problem("this is not UTF-8".to_owned()))
}

fn node(name: &str, text: &str, folder: PathBuf) -> Result<Node, Problems> {
    let mut read: serde_yaml::Value = yaml::read(name, text, &[])?;
    let unread = |what: String| {
        let problem = Problem::of_file(name, format!("this cannot be read: {what}"));
        Problems::from(problem.remedy("write it as plain YAML, with texts as keys"))
    };
    read.apply_merge().map_err(|e| unread(e.to_string()))?;
    let root = serde_json::to_value(read).map_err(|e| unread(e.to_string()))?;
    let locate = Box::new(yaml::locator(text));
    let file = File { name: name.to_owned(), folder, root: root.clone(), locate };
    Ok(Node { value: root, file: Arc::new(file), path: Vec::new(), row: None })
}

impl Node {
    /// The member of a mapping; nothing where it is absent or null.
    pub fn get(&self, key: &str) -> Option<Node> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.child(key, value))
    }

    /// The items of a list; a value that is no list is its only item.
    pub fn items(&self) -> Vec<Node> {
        match &self.value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, v)| self.child(&i.to_string(), v)).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The members of a mapping; none of anything else.
    pub fn members(&self) -> Vec<(String, Node)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(key, value)| (key.clone(), self.child(key, value))).collect()
    }

    pub fn text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// The file, and the line where that is known.
    pub fn place(&self) -> String {
        match (&self.row, self.line()) {
            (Some(row), _) => row.clone(),
            (None, Some(line)) => format!("{}:{line}", self.file.name),
            (None, None) => self.file.name.clone(),
        }
    }

    /// A value that a table holds in the row at `place`.
    pub fn of_row(&self, value: Value, place: &str) -> Node {
        Node { value, row: Some(place.to_owned()), ..self.clone() }
    }

    /// The line of the value, or of the nearest one around it that the text has.
    fn line(&self) -> Option<usize> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let known = (0..=path.len()).rev().find_map(|n| (self.file.locate)(path.get(..n)?));
        known.map(|(line, _)| line)
    }

    /// The file that a text names by `file://`, as it is opened and as messages name it.
    pub fn opened(&self, named: &str) -> (PathBuf, String) {
        let named = named.strip_prefix("file://").unwrap_or(named);
        let shown = match Path::new(&self.file.name).parent() {
            Some(folder) => folder.join(named).display().to_string(),
            None => named.to_owned(),
        };
        (self.file.folder.join(named), shown)
    }

    /// Reads a file of YAML or JSON that this value names. Files that it names in turn are looked for
    /// beside the configuration too.
    pub fn follow(&self, named: &str) -> Result<Node, Problems> {
        let (path, shown) = self.opened(named);
        let text = text_of(&path, &shown)?;
        node(&shown, &text, self.file.folder.clone())
    }

    fn child(&self, key: &str, value: &Value) -> Node {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        let row = self.row.clone();
        let child = Node { value: value.clone(), file: Arc::clone(&self.file), path, row };
        child.referenced().unwrap_or(child)
    }

    /// What `{$ref: '#/a/b'}` points at.
    fn referenced(&self) -> Option<Node> {
        let pointer = self.value.get("$ref")?.as_str()?.strip_prefix('#')?;
        let value = self.file.root.pointer(pointer)?.clone();
        let path = pointer.split('/').skip(1).map(|key| key.replace("~1", "/")).collect();
        Some(Node { value, file: Arc::clone(&self.file), path, row: None })
    }
}

/// Keys of the configuration that mean nothing here.
pub(super) fn remark_keys(root: &Node, remarks: &mut Remarks) {
    for (key, node) in root.members() {
        if FINE.contains(&key.as_str()) || key.starts_with("x-") {
            continue;
        }
        let why = match key.as_str() {
            "env" => "set the variables in the environment, and name those of keys by `key_env`",
            "redteam" => "attacks are not generated: write the rows yourself",
            "nunjucksFilters" | "extensions" => "it runs code",
            "derivedMetrics" => "metrics are those of the task, see suites/README.md",
            _ => "a suite has no such key",
        };
        remarks.not(&node, format!("`{key}`"), why);
    }
}
