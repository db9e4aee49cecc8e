//! Generation and log-probability side by side: which units an entry has in which mode.

use rightsize_suites::{Problem, Problems, Suite, yaml};

use crate::bakeoff::{BakeoffFile, EntryMode};
use crate::exit::Failure;
use crate::plan::Units;

/// The units of an entry in its modes, made of those in which it would write its answers.
///
/// Choices are scored in the pass that quality is read in, once a sample: nothing in them is drawn,
/// and they have no latency to speak of.
pub fn in_mode(mode: EntryMode, mut units: Units) -> Units {
    match mode {
        EntryMode::Generate => units,
        EntryMode::Choose => units.chosen(),
        EntryMode::Both => {
            units.append(units.chosen());
            units
        }
    }
}

/// Checks that entries which choose have suites with a closed set of answers.
///
/// # Errors
/// A suite whose answers are none, with the entry's place.
pub fn check(file: &BakeoffFile, suites: &[Suite]) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (index, entry) in file.bakeoff.models.iter().enumerate() {
        if entry.mode.is_generate() {
            continue;
        }
        for suite in suites {
            let Err(why) = suite.task.choices() else { continue };
            let path = ["models", &index.to_string(), "mode"];
            let (line, column) = yaml::locate(&file.text, &path).unzip();
            problems.push(Problem {
                file: file.name.clone(),
                line,
                column,
                message: format!(
                    "`mode: {}` needs a closed set of answers, and the suite `{}` has none: {why}",
                    entry.mode.as_str(),
                    suite.name
                ),
                remedy: Some(
                    "remove the key, or put the entry into a bake-off without this suite".into(),
                ),
            });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems).into()) }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rightsize_reports::run::{Mode, Scenario};

    use super::*;
    use crate::bakeoff::Bakeoff;
    use crate::plan::{self, Answerer, Unit};

    fn bakeoff(text: &str) -> BakeoffFile {
        BakeoffFile::parse("b.yaml", text.to_owned(), PathBuf::new()).unwrap()
    }

    fn units(mode: &str) -> Vec<Unit> {
        let text = format!(
            "name: t\nsuites: [catalog:support-triage]\nrepeats: 2\nmodels:\n\
             - {{id: s, provider: llama-cpp, model: specialist-1m, mode: {mode}}}\n"
        );
        let bakeoff: Bakeoff = bakeoff(&text).bakeoff;
        let suites = [Suite::load("catalog:support-triage", Path::new("")).unwrap()];
        let entry = &bakeoff.models[0];
        let answerer = Answerer::model(entry, &bakeoff);
        let units = plan::units_of(answerer, &bakeoff, &suites, Some(20), None);
        in_mode(entry.mode, units).iter(&suites).collect()
    }

    #[test]
    fn choices_are_scored_once_a_sample_in_the_first_pass() {
        let count = |units: &[Unit], mode, scenario| {
            units.iter().filter(|u| (u.key.mode, u.key.scenario) == (mode, scenario)).count()
        };
        let of = |mode| {
            let units = units(mode);
            [
                count(&units, Mode::Generate, Scenario::Batch),
                count(&units, Mode::Generate, Scenario::SingleStream),
                count(&units, Mode::Choose, Scenario::Batch),
                count(&units, Mode::Choose, Scenario::SingleStream),
            ]
        };
        assert_eq!(of("generate"), [40, 20, 0, 0]);
        assert_eq!(of("choose"), [0, 0, 20, 0]);
        assert_eq!(of("both"), [40, 20, 20, 0]);
    }

    #[test]
    fn a_suite_without_a_closed_set_is_refused_at_the_entry() {
        let file = bakeoff(
            "name: t\nsuites: [catalog:kb-faq]\nmodels:\n\
             - {id: s, provider: llama-cpp, model: specialist-1m, mode: both}\n",
        );
        let suites = [Suite::load("catalog:kb-faq", Path::new("")).unwrap()];
        let failure = check(&file, &suites).unwrap_err();
        let said = format!("{:?}", failure.reports);
        assert!(said.contains("closed set of answers"), "{said}");
    }
}
