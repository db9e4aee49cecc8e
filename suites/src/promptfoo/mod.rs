//! From a promptfoo configuration to suites and model entries.
//!
//! ```text
//! config ─▶ prompts ─┐
//!        ─▶ tests ───┼─▶ goal (which task says it) ─▶ rows, a suite for each prompt
//!        ─▶ providers ─▶ entries of a bake-off
//! ```
//!
//! What cannot be translated becomes a [`Remark`] with its place and the reason; nothing is dropped
//! without one. Files that the configuration names are read, and none is run.

mod assertions;
mod cases;
mod config;
mod goal;
mod prompts;
mod providers;
mod remarks;
mod template;
#[cfg(test)]
mod tests;
mod yaml_text;

use std::path::Path;

use rightsize_providers::Fields;

use crate::problem::{Problem, Problems};
use config::Node;
pub use providers::Entry;
use remarks::Remarks;
pub use remarks::{Group, Kind, Remark};
pub use yaml_text::Facts;

/// What a configuration says, as rightsize says it.
#[derive(Debug)]
pub struct Translation {
    /// Its description; may be empty.
    pub description: String,
    /// The word of the suites' task.
    pub task: &'static str,
    /// The rows of all suites: variables, and what is expected in columns that begin with
    /// `__expected`.
    pub rows: Vec<Fields>,
    /// Entries of a bake-off.
    pub entries: Vec<Entry>,
    /// How often each test is asked.
    pub repeats: u32,
    /// What was not translated, or not just as it was.
    pub remarks: Vec<Group>,
    goal: goal::Goal,
    prompts: Vec<prompts::Prompt>,
}

/// Whether a text is a promptfoo configuration: a mapping with prompts, and with providers or tests.
pub fn is_config(text: &str) -> bool {
    config::is_config(text)
}

/// Translates a configuration file.
///
/// # Errors
/// It cannot be read, or nothing of it can be translated: then the problems say why.
pub fn translate(path: &Path) -> Result<Translation, Problems> {
    let mut remarks = Remarks::default();
    let root = config::read(path, &path.display().to_string())?;
    config::remark_keys(&root, &mut remarks);
    let (concurrency, repeats) = options(&root, &mut remarks);
    let mut entries = providers::all(&root, &mut remarks);
    if let Some(concurrency) = concurrency {
        entries.iter_mut().for_each(|entry| entry.concurrency = Some(concurrency));
    }
    let mut cases = cases::all(&root, &mut remarks)?;
    let prompts = prompts::all(&root, &mut cases, &mut remarks);
    let before = cases.len();
    cases.retain(|case| !case.checks.is_empty());
    if cases.is_empty() || prompts.is_empty() {
        let message = match (before, prompts.is_empty()) {
            (_, true) => "none of its prompts can be translated",
            (0, _) => "it has no test",
            _ => "no test has an assertion that can be judged without code or a model",
        };
        let problem = Problem::of_file(&root.file.name, message);
        let mut problems = vec![problem.remedy(
            "give tests an assertion such as `{type: contains, value: Paris}`, and prompts as text",
        )];
        problems.extend(remarks.groups().iter().map(Group::as_problem));
        return Err(Problems(problems));
    }
    let goal = goal::of(&cases, &prompts, &root, &mut remarks);
    let rows = goal.rows(&cases);
    let description = root.get("description").and_then(|node| node.text().map(str::to_owned));
    Ok(Translation {
        description: description.unwrap_or_default(),
        task: goal.task(),
        rows,
        entries,
        repeats,
        remarks: remarks.groups(),
        goal,
        prompts,
    })
}

/// `evaluateOptions`: asks in flight, and repeats.
fn options(root: &Node, remarks: &mut Remarks) -> (Option<u64>, u32) {
    let (mut concurrency, mut repeats) = (None, 1);
    let Some(options) = root.get("evaluateOptions") else { return (concurrency, repeats) };
    for (key, node) in options.members() {
        match (key.as_str(), node.value.as_u64()) {
            ("maxConcurrency", Some(n)) => concurrency = Some(n.clamp(1, 255)),
            ("repeat", Some(n)) if (1..=100).contains(&n) => {
                repeats = u32::try_from(n).unwrap_or(1);
            }
            ("cache" | "showProgressBar", _) => {}
            _ => remarks.not(
                &node,
                format!("`evaluateOptions.{key}`"),
                "a bake-off has no such key: see `rightsize schema bakeoff`",
            ),
        }
    }
    (concurrency, repeats)
}
