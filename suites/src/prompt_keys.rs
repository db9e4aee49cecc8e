//! From the key `prompt` as it is written to compiled templates.

use rightsize_providers::Role;

use crate::check::Document;
use crate::problem::Problem;
use crate::prompt::{Templates, Written};
use crate::schema::{MessageText, PromptText, RoleWord};
use crate::tasks::Task;

/// The path of a part of the prompt in the suite's YAML.
pub(crate) fn path_of(part: &str) -> Vec<&str> {
    std::iter::once("prompt").chain(part.split('.')).collect()
}

/// Where the keys of a prompt stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The path of the prompt itself.
    pub at: &'a [&'a str],
    /// The parts that stand there; all others are those of `prompt`.
    pub own: &'a [&'a str],
}

impl Places<'_> {
    /// The suite's own prompt.
    pub(crate) const OF_SUITE: Places<'static> = Places { at: &["prompt"], own: &[] };

    /// The name of a part: its path below `prompt`.
    fn part(&self, key: &str) -> String {
        let above = self.at.get(1..).filter(|_| self.own.contains(&key)).unwrap_or_default();
        above.iter().copied().chain([key]).collect::<Vec<_>>().join(".")
    }

    /// The path of a part.
    pub(crate) fn path<'a>(&'a self, key: &'a str) -> Vec<&'a str> {
        let above = if self.own.contains(&key) { self.at } else { &["prompt"] };
        above.iter().copied().chain([key]).collect()
    }
}

/// Compiles the messages of a prompt; what is wrong with them is added to `problems`.
pub(crate) fn templates(
    prompt: &PromptText,
    places: Places<'_>,
    task: &Task,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Templates> {
    let written = written(prompt, places, document).map_err(|p| problems.push(p)).ok()?;
    Templates::compile(written, task.prompt_variables())
        .map_err(|e| {
            let message = format!("the template does not compile: {}", e.message);
            let path = path_of(&e.part);
            let text = &document.holder(&path).text;
            let mut problem = document.problem(&path, message);
            if let Some(line) = problem.line.and_then(|key| line_in_block(text, key, e.line)) {
                problem = Problem { column: None, ..problem.at_line(line) };
            }
            problems.push(problem.remedy("templates are written as in Jinja: `{{ column }}`"));
        })
        .ok()
}

/// The messages in their order: `system` and `user`, or those of `messages`.
fn written<'a>(
    prompt: &'a PromptText,
    places: Places<'_>,
    document: Document<'_>,
) -> Result<Vec<Written<'a>>, Problem> {
    let Some(messages) = &prompt.messages else {
        let user = prompt.user.as_deref().ok_or_else(|| {
            let problem = document.problem(places.at, "the prompt has no message of the user");
            problem.remedy("add `user: \"{{ column }}\"`")
        })?;
        let system = prompt.system.as_deref().map(|source| Written {
            part: places.part("system"),
            role: Role::System,
            source,
        });
        let user = Written { part: places.part("user"), role: Role::User, source: user };
        return Ok(system.into_iter().chain([user]).collect());
    };
    for (key, present) in [("system", prompt.system.is_some()), ("user", prompt.user.is_some())] {
        if present {
            let message = format!("`{key}` and `messages` are two ways to write one prompt");
            let problem = document.problem(&places.path(key), message);
            return Err(problem.remedy("make it one of the messages"));
        }
    }
    if messages.last().is_none_or(|last| last.role != RoleWord::User) {
        let message = "the last message is not of the user: it is the one that is answered";
        let problem = document.problem(&places.path("messages"), message);
        return Err(problem.remedy("end with `{role: user, content: \"{{ column }}\"}`"));
    }
    let message = |(index, message): (usize, &'a MessageText)| Written {
        part: format!("{}.{index}.content", places.part("messages")),
        role: match message.role {
            RoleWord::System => Role::System,
            RoleWord::User => Role::User,
            RoleWord::Assistant => Role::Assistant,
        },
        source: &message.content,
    };
    Ok(messages.iter().enumerate().map(message).collect())
}

/// The line of the file that holds a line of a template in block style (`user: |`), whose key stands
/// on line `key`. Templates on the key's own line have no other place than their key.
fn line_in_block(text: &str, key: usize, line: usize) -> Option<usize> {
    let key_line = text.lines().nth(key.checked_sub(1)?)?;
    let block = key_line.trim_end().trim_end_matches(['-', '+']).ends_with(['|', '>']);
    block.then(|| key.saturating_add(line))
}
