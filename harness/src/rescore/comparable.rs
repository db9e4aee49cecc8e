//! Whether recorded answers may be scored by a suite: only if it would have asked the same.

use rightsize_providers::AskKind;
use rightsize_suites::{Sample, Suite};

use super::{key_of, positions};
use crate::exit::Failure;

/// Checks that `new` has the samples of `asked` and asks for them the same; what ask digests cover.
/// Expected answers may differ. Returns what the user should know.
///
/// # Errors
/// Where the two differ, and what to do.
pub fn check(asked: &Suite, new: &Suite) -> Result<Vec<String>, Failure> {
    if asked.task.kind() != new.task.kind() {
        return Err(differs(
            new,
            format!("its task is {}, and {} was run", new.task.kind(), asked.task.kind()),
        ));
    }
    let positions = positions(new);
    let (mut regrouped, mut expected) = (false, 0_u64);
    for sample in asked.samples.iter() {
        let now = positions.get(&key_of(&sample.id)).and_then(|at| new.samples.get(*at));
        let Some(now) = now else {
            return Err(Failure::wrong(
                format!("{}: the sample `{}` that was run is not in it", new.source, sample.id),
                "keep every row; without `data.id` an id is the digest of the whole row, so that \
                 nothing in it may change",
            ));
        };
        if let Some(part) = asks_otherwise(asked, &sample, new, &now) {
            let of = format!("its {part} for sample `{}` is not what was asked", sample.id);
            return Err(differs(new, of));
        }
        regrouped |= sample.tags != now.tags || sample.cluster != now.cluster;
        expected = expected.saturating_add(u64::from(sample.expected != now.expected));
    }
    if new.samples.len() != asked.samples.len() {
        let known = super::positions(asked);
        let extra = new.samples.iter().find(|s| !known.contains_key(&key_of(&s.id)));
        let extra = extra.map_or(String::new(), |sample| sample.id);
        return Err(differs(new, format!("its sample `{extra}` was not run")));
    }
    let mut notes = Vec::new();
    if expected > 0 {
        notes.push(format!("{}: {expected} samples have another expected answer", new.name));
    }
    if regrouped {
        notes.push(format!("{}: tags and clusters stay as they were recorded", new.name));
    }
    Ok(notes)
}

/// Checks that the answers to choose from are the same.
///
/// # Errors
/// They are not.
pub fn check_choices(asked: &Suite, new: &Suite) -> Result<(), Failure> {
    match asked.task.choices() == new.task.choices() {
        true => Ok(()),
        false => Err(differs(new, "its answers to choose from are not those asked".to_owned())),
    }
}

fn differs(new: &Suite, how: String) -> Failure {
    Failure::wrong(
        format!("{}: {how}", new.source),
        "rescoring changes how answers are read and scored, never what is asked: undo this change, \
         or ask again in a new run",
    )
}

/// The first part of the ask that differs.
fn asks_otherwise(
    asked: &Suite,
    sample: &Sample,
    new: &Suite,
    now: &Sample,
) -> Option<&'static str> {
    let mut variants = asked.variants();
    variants.find_map(|variant| differs_in(variant, (asked, sample), (new, now)))
}

fn differs_in(
    variant: &str,
    (asked, sample): (&Suite, &Sample),
    (new, now): (&Suite, &Sample),
) -> Option<&'static str> {
    let kind = |suite: &Suite, sample| suite.ask_in(variant, sample, 0).ok().map(|ask| ask.kind);
    match (kind(asked, sample), kind(new, now)) {
        (Some(AskKind::Generate(then)), Some(AskKind::Generate(now))) => {
            if then.prompt != now.prompt {
                Some("prompt")
            } else if then.max_tokens != now.max_tokens {
                Some("`max_tokens`")
            } else if then.schema != now.schema {
                Some("JSON Schema of the answer")
            } else {
                (then != now).then_some("ask")
            }
        }
        (then, now) => (then != now).then_some("ask"),
    }
}
