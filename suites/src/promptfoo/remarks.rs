//! What was not translated, or not just as it was: each with its place and the reason.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::config::Node;
use crate::problem::Problem;

/// Places of a group that are named.
const SHOWN: usize = 3;

/// How far a part was translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Not at all.
    Not,
    /// With a difference that can change a score.
    Differs,
}

/// One part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How far it was translated.
    pub kind: Kind,
    /// Where it stands: the file, and the line where that is known.
    pub place: String,
    /// What it is.
    pub what: String,
    /// Why, or in what it differs.
    pub why: String,
}

/// Remarks that say the same of several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The first of them.
    pub first: Remark,
    /// All places, each once.
    pub places: Vec<String>,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<&str> = self.places.iter().take(SHOWN).map(String::as_str).collect();
        write!(f, "{}", shown.join(", "))?;
        if let Some(more) = self.places.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            write!(f, " and {more} more")?;
        }
        write!(f, ": {}: {}", self.first.what, self.first.why)
    }
}

impl Group {
    /// The group as something that is wrong with the configuration.
    pub(super) fn as_problem(&self) -> Problem {
        let (file, line) = parted(&self.first.place);
        let message = format!("{} cannot be translated", self.first.what);
        let problem = Problem { line, ..Problem::of_file(file, message) };
        problem.remedy(self.first.why.clone())
    }
}

/// A place as its file and its line.
fn parted(place: &str) -> (&str, Option<usize>) {
    let parted = place.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
    parted.map_or((place, None), |(file, line)| (file, Some(line)))
}

/// The remarks that were made so far.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    groups: Vec<Group>,
    /// The group of what was said, and the places that it has already.
    known: HashMap<(Kind, String, String), (usize, HashSet<String>)>,
    not_translated: usize,
}

impl Remarks {
    /// Something that is not translated.
    pub fn not(&mut self, node: &Node, what: impl Into<String>, why: impl Into<String>) {
        self.add(Kind::Not, node.place(), what.into(), why.into());
    }

    /// Something that is translated with a difference.
    pub fn differs(&mut self, node: &Node, what: impl Into<String>, why: impl Into<String>) {
        self.add(Kind::Differs, node.place(), what.into(), why.into());
    }

    pub fn add(&mut self, kind: Kind, place: String, what: String, why: String) {
        if kind == Kind::Not {
            self.not_translated = self.not_translated.saturating_add(1);
        }
        let next = self.groups.len();
        let said = (kind, what.clone(), why.clone());
        let (at, places) = self.known.entry(said).or_insert_with(|| (next, HashSet::new()));
        let is_new = places.insert(place.clone());
        match self.groups.get_mut(*at) {
            Some(group) if is_new => group.places.push(place),
            Some(_) => {}
            None => {
                let first = Remark { kind, place: place.clone(), what, why };
                self.groups.push(Group { first, places: vec![place] });
            }
        }
    }

    /// How many remarks there are of what is not translated.
    pub fn not_translated(&self) -> usize {
        self.not_translated
    }

    /// The remarks in groups of those that say the same, in the order of their places; what is not
    /// translated stands first.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = self.groups.clone();
        let place = |group: &Group| {
            let (file, line) = parted(&group.first.place);
            (file.to_owned(), line)
        };
        groups.sort_by_cached_key(|group| (group.first.kind, place(group)));
        groups
    }
}
