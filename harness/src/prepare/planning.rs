//! What is asked in a session: all of it at once, or the dev split first, where prompt variants are to
//! be chosen.

use std::path::Path;

use rightsize_providers::ProviderError;
use rightsize_reports::run::PlannedPass;
use rightsize_suites::Suite;

use crate::bakeoff::{Bakeoff, ModelEntry};
use crate::exit::Failure;
use crate::journal::Done;
use crate::modes;
use crate::plan::{self, Answerer, Shard, Units};
use crate::runner::{self, Identity, PlanError, Work};
use crate::variants::{self, Choices, Prompts};

/// What is needed to plan the test split when prompt variants have been chosen.
pub struct Choosing {
    identities: Identities,
    part: Part,
    done: Done,
}

/// What each model entry is, in the order of the bake-off.
pub(super) type Identities = Vec<Result<Identity, ProviderError>>;

/// `--limit` and `--shard`.
pub(super) type Part = (Option<usize>, Option<Shard>);

impl Choosing {
    /// How many dev units each candidate of an entry has on a suite.
    pub fn dev_units(&self, bakeoff: &Bakeoff, entry: &ModelEntry, suite: &Suite) -> u64 {
        let answerer = Answerer::model(entry, bakeoff);
        plan::dev_units_of_each(answerer, bakeoff, suite, self.part.0)
    }

    /// The work of the test split.
    ///
    /// # Errors
    /// As [`super::begin`].
    pub fn test(
        &self,
        bakeoff: &Bakeoff,
        suites: &[Suite],
        choices: &Choices,
    ) -> Result<Work, Failure> {
        plan_test(bakeoff, suites, &self.identities, choices, self.part, &self.done)
    }
}

/// The work that can be done at once, and what comes after.
pub(super) struct Planned {
    pub work: Work,
    pub choosing: Option<Choosing>,
    /// All passes of the folder, those that are done included.
    pub passes: Vec<PlannedPass>,
}

/// Plans what can be asked at once.
///
/// # Errors
/// A prompt that cannot be rendered, or a unit that was asked something else before.
pub(super) fn plan(
    bakeoff: &Bakeoff,
    suites: &[Suite],
    base: &Path,
    part: Part,
    done: Done,
) -> Result<Planned, Failure> {
    let identities: Identities =
        bakeoff.models.iter().map(|entry| runner::identify(entry, base)).collect();
    if !variants::any_choice(bakeoff, suites) {
        let nothing = Choices::default();
        let work = plan_test(bakeoff, suites, &identities, &nothing, part, &done)?;
        let passes = work.planned();
        return Ok(Planned { work, choosing: None, passes });
    }
    let mut dev = Work::default();
    let mut passes = Vec::new();
    for (entry, identity) in bakeoff.models.iter().zip(&identities) {
        let answerer = Answerer::model(entry, bakeoff);
        let test = plan::units_of(answerer, bakeoff, suites, part.0, part.1);
        passes.extend(modes::in_mode(entry.mode, test).planned());
        let mut units = Units::default();
        for (index, suite) in suites.iter().enumerate() {
            if let Prompts::Chosen(names) = variants::prompts(bakeoff, entry, suite) {
                let of_suite = (index, suite);
                units.append(plan::dev_units_of(answerer, bakeoff, of_suite, &names, part.0));
            }
        }
        passes.extend(units.planned());
        // An entry that cannot start says so when the test split is planned.
        if identity.is_ok() {
            let work = runner::plan_units(entry, identity.clone(), bakeoff, suites, units, &done);
            dev.entries.push(work.map_err(unplanned)?);
        }
    }
    let baselines = runner::plan_baselines(bakeoff, suites, part, &done).map_err(unplanned)?;
    passes.extend(baselines.into_iter().flat_map(|work| work.planned));
    Ok(Planned { work: dev, choosing: Some(Choosing { identities, part, done }), passes })
}

fn plan_test(
    bakeoff: &Bakeoff,
    suites: &[Suite],
    identities: &Identities,
    choices: &Choices,
    part: Part,
    done: &Done,
) -> Result<Work, Failure> {
    let mut entries = Vec::new();
    for (entry, identity) in bakeoff.models.iter().zip(identities) {
        let answerer = Answerer::model(entry, bakeoff);
        let units = plan::units_of(answerer, bakeoff, suites, part.0, part.1);
        let variants: Vec<Option<String>> =
            suites.iter().map(|suite| choices.variant(bakeoff, entry, suite)).collect();
        let units = modes::in_mode(entry.mode, units.in_variants(&variants));
        let identity = identity.clone();
        let work = runner::plan_units(entry, identity, bakeoff, suites, units, done);
        entries.push(work.map_err(unplanned)?);
    }
    let baselines = runner::plan_baselines(bakeoff, suites, part, done).map_err(unplanned)?;
    Ok(Work { baselines, entries })
}

fn unplanned(error: PlanError) -> Failure {
    match error {
        PlanError::Prompt(_) => Failure::wrong(error, "check the suite with `rightsize check`"),
        PlanError::Conflict { .. } => Failure::wrong(
            error,
            "prompts, sampling or weights changed since: start a new run with --out",
        ),
    }
}
