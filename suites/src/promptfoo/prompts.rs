//! Prompts: texts and conversations, in the configuration and in files.

use serde_json::Value;

use super::cases::Case;
use super::config::{Node, text_of};
use super::remarks::Remarks;
use super::template;

/// A prompt as a suite has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prompt {
    /// What it is called, where the configuration says so.
    pub label: Option<String>,
    /// Who speaks (`system`, `user` or `assistant`), and the template of what is said. The last one
    /// is the user.
    pub messages: Vec<(String, String)>,
}

/// Endings of files with prompts that code would make.
const CODE: [&str; 7] = [".py", ".js", ".ts", ".mjs", ".cjs", ".rb", ".go"];
/// Endings of files with texts.
const TEXTS: [&str; 8] = [".txt", ".md", ".json", ".yaml", ".yml", ".j2", ".jinja", ".jsonl"];
/// A line between two prompts of a file.
const BETWEEN: &str = "---";

/// All prompts that can be translated. What they need of the cases is added there: an empty text for
/// variables that a case lacks, and the columns of texts around a prompt.
pub(super) fn all(root: &Node, cases: &mut [Case], remarks: &mut Remarks) -> Vec<Prompt> {
    let mut found = Vec::new();
    match root.get("prompts") {
        Some(node) if node.value.is_object() => {
            // An old form: names of files with their labels.
            for (named, label) in node.members() {
                let label = label.text().map(str::to_owned);
                found.extend(of_text(&node, &named, label, remarks));
            }
        }
        Some(node) => {
            node.items().iter().for_each(|item| found.extend(of_item(item, remarks)));
        }
        None => {}
    }
    let around = ["__prefix", "__suffix"];
    let has = [cases.iter().any(|c| c.prefix.is_some()), cases.iter().any(|c| c.suffix.is_some())];
    let mut prompts = Vec::new();
    for (node, mut prompt) in found {
        if has.contains(&true) {
            match prompt.messages.as_mut_slice() {
                [(_, text)] => {
                    let [before, behind] = [0, 1].map(|i| match (has.get(i), around.get(i)) {
                        (Some(true), Some(name)) => format!("{{{{ {name} }}}}"),
                        _ => String::new(),
                    });
                    *text = format!("{before}{text}{behind}");
                }
                _ => {
                    let why = "texts around a conversation have no place: they are left out";
                    remarks.differs(&node, "`prefix` and `suffix` of tests", why);
                }
            }
        }
        match fits(&prompt, cases) {
            Ok(()) => prompts.push(prompt),
            Err(why) => remarks.not(&node, "prompt", why),
        }
    }
    prompts
}

/// Whether the templates can be filled with every case, after what they lack was added.
fn fits(prompt: &Prompt, cases: &mut [Case]) -> Result<(), String> {
    for (_, source) in &prompt.messages {
        let unreadable = |why| format!("its template is not one of minijinja: {why}");
        let names = template::variables(source).map_err(unreadable)?;
        if names.iter().any(|name| name == "env") {
            return Err("it shows variables of the environment: write their values".to_owned());
        }
        for case in cases.iter_mut() {
            for name in &names {
                let text = match name.as_str() {
                    "__prefix" => case.prefix.clone(),
                    "__suffix" => case.suffix.clone(),
                    _ => None,
                };
                // In nunjucks an undefined variable is an empty text.
                let text = || Value::from(text.unwrap_or_default());
                case.vars.entry(name.clone()).or_insert_with(text);
            }
            template::fill_strictly(source, &case.vars).map_err(unreadable)?;
        }
    }
    Ok(())
}

fn of_item(node: &Node, remarks: &mut Remarks) -> Vec<(Node, Prompt)> {
    let texts = |key: &str| node.get(key).and_then(|n| n.text().map(str::to_owned));
    match node.text() {
        Some(text) => of_text(node, text, None, remarks),
        None => {
            for (key, member) in node.members() {
                if !["id", "raw", "label", "display"].contains(&key.as_str()) {
                    remarks.not(
                        &member,
                        format!("`{key}` of a prompt"),
                        "a prompt has no settings",
                    );
                }
            }
            let label = texts("label").or_else(|| texts("display"));
            match texts("raw").or_else(|| texts("id")) {
                Some(text) => of_text(node, &text, label, remarks),
                None => {
                    remarks.not(node, "prompt", "it has neither `id` nor `raw`");
                    Vec::new()
                }
            }
        }
    }
}

/// Whether a file's name is that of a program, perhaps with a function in it (`file.py:name`).
pub(super) fn is_code(named: &str) -> bool {
    CODE.iter().any(|end| named.ends_with(end) || named.contains(&format!("{end}:")))
}

/// Whether a text names a file: by `file://`, or by its ending.
fn names_file(text: &str) -> bool {
    let one_word = !text.contains(char::is_whitespace) && !text.contains("{{");
    let ends = |ends: &[&str]| ends.iter().any(|end| text.ends_with(end));
    text.starts_with("file://")
        || (one_word && (ends(&TEXTS) || ends(&CODE) || ends(&[".csv"])))
        || (one_word && text.contains('*') && text.contains('/'))
}

fn of_text(
    node: &Node,
    text: &str,
    label: Option<String>,
    remarks: &mut Remarks,
) -> Vec<(Node, Prompt)> {
    let mut refuse = |why: &str| {
        remarks.not(node, format!("prompt `{}`", first_line(text)), why);
        Vec::new()
    };
    if ["exec:", "langfuse://", "portkey://", "helicone://", "python:"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return refuse("it is made by a program or a service: write it as a text");
    }
    if !names_file(text) {
        return match messages(text) {
            Ok(messages) => vec![(node.clone(), Prompt { label, messages })],
            Err(why) => refuse(&why),
        };
    }
    if text.contains('*') {
        return refuse("names with `*` are not resolved: name each file");
    }
    let plain = text.strip_prefix("file://").unwrap_or(text);
    if is_code(plain) {
        return refuse("it is made by code: write it as a text");
    }
    if plain.ends_with(".csv") {
        return refuse("prompts are read from files of text: save each as one");
    }
    let (path, shown) = node.opened(plain);
    let content = match text_of(&path, &shown) {
        Ok(content) => content,
        Err(problem) => return refuse(&problem.message),
    };
    let parts: Vec<String> = if plain.ends_with(".jsonl") {
        content.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    } else if plain.ends_with(".txt") || plain.ends_with(".md") {
        let lines: Vec<&str> = content.lines().collect();
        let parts = lines.split(|line| line.trim() == BETWEEN);
        parts.map(|p| p.join("\n").trim().to_owned()).filter(|p| !p.is_empty()).collect()
    } else {
        vec![content.trim().to_owned()]
    };
    let mut found = Vec::new();
    for part in parts {
        match messages(&part) {
            Ok(messages) => {
                found.push((node.clone(), Prompt { label: label.clone(), messages }));
            }
            Err(why) => remarks.not(node, format!("prompt of `{plain}`"), why),
        }
    }
    found
}

/// A conversation, where the text is a list of messages in JSON or YAML; else one message of the user.
fn messages(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = template::translated(text);
    let start = text.trim_start();
    let written = if start.starts_with('[') {
        // `{{ x | tojson }}` stands for a text with its quotes.
        let bare = regex::Regex::new(r"\{\{-?\s*([\w.]+)\s*\|\s*tojson\s*-?\}\}");
        let quoted = bare.map(|bare| bare.replace_all(&text, "\"{{ $1 }}\"").into_owned());
        serde_json::from_str::<Value>(&quoted.unwrap_or_else(|_| text.clone())).ok()
    } else if start.starts_with("- role:") {
        serde_yaml::from_str::<Value>(&text).ok()
    } else {
        None
    };
    let is_message = |value: &Value| value.get("role").is_some();
    let Some(turns) =
        written.as_ref().and_then(Value::as_array).filter(|t| t.iter().all(is_message))
    else {
        return match start.starts_with("- role:") || start.starts_with("[{\"role\"") {
            true => Err("it is no list of messages before it is filled in".to_owned()),
            false => Ok(vec![("user".to_owned(), text)]),
        };
    };
    let mut messages = Vec::new();
    for turn in turns {
        let role = match turn.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => "system",
            Some("user") => "user",
            Some("assistant") => "assistant",
            _ => return Err("a message is neither the system's, the user's nor the model's".into()),
        };
        messages.push((role.to_owned(), said(turn.get("content"))?));
    }
    match messages.last() {
        Some((role, _)) if role == "user" => Ok(messages),
        _ => Err("its last message is not the user's".to_owned()),
    }
}

/// What a message says: a text, or parts of text.
fn said(content: Option<&Value>) -> Result<String, String> {
    let part = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    let said = match content {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => {
            parts.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join("\n"))
        }
        _ => None,
    };
    said.ok_or_else(|| "a message holds something else than text".to_owned())
}

/// The beginning of a text, for a remark.
fn first_line(text: &str) -> String {
    const SHOWN: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
