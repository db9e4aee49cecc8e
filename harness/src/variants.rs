//! Which prompt variant each entry is asked in: named by the bake-off, or chosen on the dev split.
//!
//! ```text
//! dev split × every candidate ──▶ records (split dev) ──▶ best by the primary metric ──▶ test split
//! ```
//!
//! Every entry that chooses gets the same candidates. What is chosen follows from the records alone,
//! so that a run that was killed chooses the same when it goes on; once a test unit has a record, the
//! choice stands. The dev split is not sharded: each shard asks all of it, and chooses the same.

use std::path::Path;

use rightsize_reports::analysis::{self, MEASURED_FROM, VariantView};
use rightsize_reports::folder::RunFolder;
use rightsize_suites::variants::DEFAULT;
use rightsize_suites::{Problem, Problems, Suite, nearest, yaml};

use crate::bakeoff::{Bakeoff, BakeoffFile, Candidates, ModelEntry, ProviderKind};
use crate::exit::Failure;

/// The prompts that an entry may be asked a suite in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompts {
    /// This one.
    Fixed(String),
    /// The best of these on the dev split; at least two, in the suite's order.
    Chosen(Vec<String>),
}

/// The prompts of an entry for a suite. Names that do not exist are for [`check`] to find.
pub fn prompts(bakeoff: &Bakeoff, entry: &ModelEntry, suite: &Suite) -> Prompts {
    let has_variants = suite.variants().nth(1).is_some();
    if let Some(named) = entry.variant.as_ref().filter(|_| has_variants) {
        return Prompts::Fixed(named.clone());
    }
    // A replay has one answer to a sample, in whatever prompt it was given.
    let chooses = entry.variant.is_none() && entry.provider != ProviderKind::Replay;
    let candidates: Vec<String> = match bakeoff.variants.as_ref().filter(|_| chooses) {
        None => Vec::new(),
        Some(Candidates::Cross) => suite.variants().map(str::to_owned).collect(),
        Some(Candidates::Named(names)) => {
            let named = suite.variants().filter(|name| names.iter().any(|n| n == name));
            named.map(str::to_owned).collect()
        }
    };
    match candidates.as_slice() {
        [] => Prompts::Fixed(DEFAULT.to_owned()),
        [one] => Prompts::Fixed(one.clone()),
        _ => Prompts::Chosen(candidates),
    }
}

/// Whether any entry chooses among variants of any suite.
pub fn any_choice(bakeoff: &Bakeoff, suites: &[Suite]) -> bool {
    bakeoff.models.iter().any(|entry| {
        suites.iter().any(|suite| matches!(prompts(bakeoff, entry, suite), Prompts::Chosen(_)))
    })
}

/// Checks the names of variants in a bake-off against its suites, and that there is something to
/// choose on.
///
/// # Errors
/// A name that a suite with variants does not have, or that no suite has; a suite that has variants
/// to choose from, and no dev split.
pub fn check(file: &BakeoffFile, suites: &[Suite]) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let with_variants = || suites.iter().filter(|suite| suite.variants().nth(1).is_some());
    let mut named: Vec<(Vec<String>, &str)> = Vec::new();
    for (index, entry) in file.bakeoff.models.iter().enumerate() {
        if let Some(name) = &entry.variant {
            named.push((vec!["models".into(), index.to_string(), "variant".into()], name));
        }
    }
    if let Some(Candidates::Named(names)) = &file.bakeoff.variants {
        let path = |index: usize| vec!["variants".to_owned(), index.to_string()];
        named.extend(names.iter().enumerate().map(|(index, name)| (path(index), name.as_str())));
    }
    for (path, name) in named {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if with_variants().next().is_none() && name != DEFAULT {
            let message = format!("no suite has prompt variants, so none is called `{name}`");
            let remedy = "write them under `prompt.variants` of a suite, or remove the key";
            problems.push(problem(file, &path, message, remedy.to_owned()));
        }
        for suite in with_variants().filter(|suite| !suite.variants().any(|v| v == name)) {
            let message = format!("the suite `{}` has no prompt variant `{name}`", suite.name);
            let has: Vec<String> = suite.variants().map(|v| format!("`{v}`")).collect();
            let remedy = match nearest(name, suite.variants()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", has.join(", ")),
            };
            problems.push(problem(file, &path, message, remedy));
        }
    }
    for suite in suites.iter().filter(|suite| suite.dev.is_empty()) {
        let chooses = |entry| matches!(prompts(&file.bakeoff, entry, suite), Prompts::Chosen(_));
        if file.bakeoff.models.iter().any(chooses) {
            let message = format!(
                "the suite `{}` has prompt variants, and no rows to choose one on",
                suite.name
            );
            let remedy = "name rows under its `data.dev`, or under `data.train`, of which a part is \
                          then set aside; or fix a `variant` in each entry";
            problems.push(problem(file, &["variants"], message, remedy.to_owned()));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems).into()) }
}

fn problem(file: &BakeoffFile, path: &[&str], message: String, remedy: String) -> Problem {
    let (line, column) = yaml::locate(&file.text, path).unzip();
    Problem { file: file.name.clone(), line, column, message, remedy: Some(remedy) }
}

/// The variants that were chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    chosen: Vec<Choice>,
    /// Pairs whose dev split was not answered, a sentence each: they are not asked on test.
    pub open: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    suite: String,
    entry: String,
    variant: String,
}

impl Choices {
    /// What was chosen, a sentence each.
    pub fn chosen(&self) -> impl Iterator<Item = String> {
        self.chosen.iter().map(|Choice { suite, entry, variant }| {
            format!("{entry}: prompt variant `{variant}` is chosen on the dev split of {suite}")
        })
    }

    /// The variant that an entry is asked a suite in; `None` where it could not be chosen.
    pub fn variant(&self, bakeoff: &Bakeoff, entry: &ModelEntry, suite: &Suite) -> Option<String> {
        match prompts(bakeoff, entry, suite) {
            Prompts::Fixed(name) => Some(name),
            Prompts::Chosen(_) => {
                let mut chosen = self.chosen.iter();
                let of_pair = chosen.find(|c| c.suite == suite.name && c.entry == entry.id);
                of_pair.map(|choice| choice.variant.clone())
            }
        }
    }

    /// Chooses by the records of a run folder. `dev_units` says how many dev units each candidate of
    /// an entry has on a suite.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn of_folder(
        folder: &Path,
        bakeoff: &Bakeoff,
        suites: &[Suite],
        dev_units: impl Fn(&ModelEntry, &Suite) -> u64,
    ) -> Result<Choices, Failure> {
        let run = RunFolder::open_as_recorded(folder)
            .map_err(|error| Failure::wrong(error, "restore the folder from a copy"))?;
        let views = analysis::variants(&run);
        let mut choices = Choices::default();
        for suite in suites {
            for entry in &bakeoff.models {
                let Prompts::Chosen(candidates) = prompts(bakeoff, entry, suite) else { continue };
                let view = views.iter().find(|v| v.suite == suite.name && v.model == entry.id);
                let planned = dev_units(entry, suite);
                let chosen = match view {
                    None => Err("no dev unit was answered".to_owned()),
                    Some(view) => choose(view, &candidates, planned),
                };
                let (suite, entry) = (suite.name.clone(), entry.id.clone());
                match chosen {
                    Ok(variant) => choices.chosen.push(Choice { suite, entry, variant }),
                    Err(why) => choices.open.push(format!(
                        "`{entry}` is not asked the test split of {suite}: no prompt variant can be \
                         chosen, {why}"
                    )),
                }
            }
        }
        Ok(choices)
    }
}

/// The variant that test units were asked in; else the best on dev, if each candidate is measured.
fn choose(view: &VariantView, candidates: &[String], planned: u64) -> Result<String, String> {
    if let Some(asked) = &view.asked {
        return Ok(asked.clone());
    }
    for candidate in candidates {
        let scored = view.candidates.iter().find(|score| score.variant == *candidate);
        let answered = scored.map_or(0, |score| score.units.saturating_sub(score.errors));
        if (answered as f64) < MEASURED_FROM * planned as f64 {
            return Err(format!(
                "{answered} of {planned} dev units of `{candidate}` were answered, fewer than 95 %"
            ));
        }
    }
    view.best().map(|best| best.variant.clone()).ok_or_else(|| "there is no score".to_owned())
}
