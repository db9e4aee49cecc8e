//! Prompt variants: named prompts beside the suite's own one, which is called `default`.
//!
//! ```text
//! prompt ─┬─ its own parts ──────────▶ default
//!         └─ variants.terse: {system} ─▶ terse: its system, the user and the examples of prompt
//! ```
//!
//! A variant takes what it does not set from `prompt`. `messages` stand in the place of `system` and
//! `user`: a variant that sets the one takes nothing of the other.

use rightsize_providers::Message;

use crate::check::Document;
use crate::columns;
use crate::dataset::Table;
use crate::few_shot;
use crate::problem::{Problem, Problems};
use crate::prompt::Templates;
use crate::prompt_keys::{self, Places};
use crate::schema::{FewShot, Ordered, PromptText, SuiteFile, VariantText};
use crate::tasks::Task;

/// The name of the suite's own prompt.
pub const DEFAULT: &str = "default";

/// A named prompt.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    /// Its name.
    pub name: String,
    /// Its templates and examples.
    pub templates: Templates,
}

/// Compiles the variants of a suite, in the order of the file, without their examples. What is wrong
/// is added to `problems`.
pub(crate) fn compile(
    file: &SuiteFile,
    task: &Task,
    table: &Table,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Variant>, Problem> {
    let mut variants = Vec::new();
    for (name, own) in written(file) {
        let at = ["prompt", "variants", name.as_str()];
        if let Some((message, remedy)) = wrong_name(name) {
            problems.push(document.problem(&at, message).remedy(remedy));
            continue;
        }
        let prompt = over(own, &file.prompt);
        let keys = set_keys(own);
        let places = Places { at: &at, own: &keys };
        let templates = prompt_keys::templates(&prompt, places, task, document, problems);
        let Some(templates) = templates else { continue };
        columns::check_prompt(file, task, &templates, table, document, problems)?;
        variants.push(Variant { name: name.clone(), templates });
    }
    Ok(variants)
}

/// Chooses the examples of each variant.
pub(crate) fn add_examples(
    variants: &mut [Variant],
    file: &SuiteFile,
    of_prompt: &[Message],
    rows: few_shot::Rows<'_>,
) -> Result<(), Problems> {
    for ((name, own), variant) in written(file).zip(variants) {
        variant.templates.examples = match (&own.few_shot, &file.prompt.few_shot) {
            (Some(FewShot::ByHand(ids)), _) if ids.is_empty() => Vec::new(),
            // Its questions are asked by its own template.
            (Some(spec), _) => {
                let at = ["prompt", "variants", name.as_str(), "few_shot"];
                let rows = few_shot::Rows { templates: &variant.templates, at: &at, ..rows };
                few_shot::messages(spec, rows)?
            }
            (None, Some(spec)) if asks_otherwise(own) => {
                let rows = few_shot::Rows { templates: &variant.templates, ..rows };
                few_shot::messages(spec, rows)?
            }
            (None, _) => of_prompt.to_vec(),
        };
    }
    Ok(())
}

/// The ids of the train rows that are shown as examples by hand, in any prompt.
pub(crate) fn shown_by_hand(file: &SuiteFile) -> Vec<&str> {
    let own = written(file).filter_map(|(_, variant)| variant.few_shot.as_ref());
    let all = own.chain(&file.prompt.few_shot);
    all.flat_map(|spec| match spec {
        FewShot::ByHand(ids) => ids.as_slice(),
        FewShot::Drawn { .. } => &[],
    })
    .map(String::as_str)
    .collect()
}

fn written(file: &SuiteFile) -> impl Iterator<Item = (&String, &VariantText)> {
    let variants = file.prompt.variants.iter().flat_map(|Ordered(variants)| variants);
    variants.map(|(name, variant)| (name, variant))
}

/// Whether the question is put in other words than those of `prompt`.
fn asks_otherwise(own: &VariantText) -> bool {
    own.user.is_some() || own.messages.is_some()
}

/// The prompt of a variant.
fn over(own: &VariantText, prompt: &PromptText) -> PromptText {
    let turns = own.system.is_some() || own.user.is_some();
    let (system, user, messages) = match (&own.messages, turns) {
        (None, false) => (prompt.system.clone(), prompt.user.clone(), prompt.messages.clone()),
        (None, true) => (
            own.system.clone().or_else(|| prompt.system.clone()).filter(|text| !text.is_empty()),
            own.user.clone().or_else(|| prompt.user.clone()),
            None,
        ),
        // Beside `messages` a `system` or `user` of its own is an error, which the check tells.
        (Some(messages), _) => (own.system.clone(), own.user.clone(), Some(messages.clone())),
    };
    PromptText { system, user, messages, few_shot: None, variants: None }
}

fn set_keys(own: &VariantText) -> Vec<&'static str> {
    let keys = [
        ("system", own.system.is_some()),
        ("user", own.user.is_some()),
        ("messages", own.messages.is_some()),
    ];
    keys.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
}

/// What is wrong with a name, and the remedy.
fn wrong_name(name: &str) -> Option<(String, &'static str)> {
    if name == DEFAULT {
        let message = format!("`{DEFAULT}` is the name of the suite's own prompt");
        return Some((message, "give the variant another name"));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let fits = !name.is_empty() && name.len() <= 64 && name.chars().all(fine);
    let remedy = "use at most 64 letters, digits, `-` and `_`";
    (!fits).then(|| (format!("`{name}` cannot name a prompt variant"), remedy))
}

#[cfg(test)]
#[path = "variants/tests.rs"]
mod tests;
