//! Templates of the synthetic text: `{slot}` is filled with a value, `[a|b|c]` is one of the
//! alternatives (which may be empty and may hold slots). Files of templates have sections that
//! start with `== name`; lines that start with `#` are comments.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::IndexedRandom;

/// The lines of a file of templates by section.
pub struct Sections(BTreeMap<&'static str, Vec<&'static str>>);

/// A template and the family that it stands for: its section and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// For example `billing.train#3`.
    pub family: String,
    /// The template itself.
    pub template: &'static str,
}

impl Sections {
    /// Splits a file into its sections.
    pub fn read(text: &'static str) -> Self {
        let mut sections: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut name = "";
        for line in text.lines().map(str::trim_end) {
            if let Some(heading) = line.strip_prefix("== ") {
                name = heading;
            } else if !line.is_empty() && !line.starts_with('#') {
                sections.entry(name).or_default().push(line);
            }
        }
        Self(sections)
    }

    /// The lines of a section, none if there is no such section.
    pub fn lines(&self, name: &str) -> &[&'static str] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of all sections, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// One line of a section; an empty one if the section is missing.
    pub fn choose(&self, name: &str, rng: &mut impl Rng) -> Chosen {
        let lines = self.lines(name);
        let at = if lines.is_empty() { 0 } else { rng.random_range(0..lines.len()) };
        let template = lines.get(at).copied().unwrap_or_default();
        Chosen { family: format!("{name}#{at}"), template }
    }
}

/// Fills a template: picks alternatives with `rng`, asks `value` for each slot.
pub fn fill<R: Rng>(
    template: &str,
    rng: &mut R,
    value: &mut impl FnMut(&str, &mut R) -> String,
) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '[']) {
        out.push_str(&rest[..at]);
        let (close, square) = if rest[at..].starts_with('[') { (']', true) } else { ('}', false) };
        let Some(end) = rest[at..].find(close).map(|end| at + end) else {
            break;
        };
        let inner = &rest[at + 1..end];
        if square {
            let options: Vec<&str> = inner.split('|').collect();
            let option = options.choose(rng).copied().unwrap_or_default();
            out.push_str(&fill(option, rng, value));
        } else {
            out.push_str(&value(inner, rng));
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}
