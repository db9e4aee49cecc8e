//! Finding a label in a text: as a whole, or as a word of it.

use std::ops::Range;

use super::{Axis, Label};

/// Two words of a label list that a reader cannot tell apart, if there are any.
pub(crate) fn indistinct(labels: &[Label]) -> Option<(String, String)> {
    let mut seen: Vec<(String, usize, &str)> = Vec::new();
    for (i, label) in labels.iter().enumerate() {
        for word in label.words() {
            let key = key(word);
            if let Some((_, _, other)) = seen.iter().find(|(k, j, _)| *k == key && *j != i) {
                return Some(((*other).to_owned(), word.to_owned()));
            }
            seen.push((key, i, word));
        }
    }
    None
}

impl Axis {
    /// The label that a text answer names, and whether that took a repair.
    pub(super) fn one_in(&self, text: &str) -> Result<(&Label, bool), String> {
        if let Some(found) = self.whole(text) {
            return Ok(found);
        }
        match self.named_in(text).as_slice() {
            [] if text.trim().is_empty() => Err("the answer is empty".to_owned()),
            [] => Err("no label of the suite occurs in the answer".to_owned()),
            [one] => Ok((one, true)),
            [one, other, ..] => {
                Err(format!("two labels are named: `{}` and `{}`", one.name, other.name))
            }
        }
    }

    /// The label that the whole text is (rules 1 and 2), and whether that took a repair.
    pub(super) fn whole(&self, text: &str) -> Option<(&Label, bool)> {
        let text = text.trim();
        if let Some(label) = self.labels.iter().find(|l| l.words().any(|w| w == text)) {
            return Some((label, false));
        }
        let lower = text.to_lowercase();
        if let Some(label) =
            self.labels.iter().find(|l| l.words().any(|w| w.to_lowercase() == lower))
        {
            return Some((label, false));
        }
        let key = key(text);
        let same = |l: &&Label| !key.is_empty() && l.words().any(|w| self::key(w) == key);
        self.labels.iter().find(same).map(|label| (label, true))
    }

    /// The labels that occur in a text as whole words (rule 3), from left to right; one that
    /// follows itself stands once.
    pub(super) fn named_in(&self, text: &str) -> Vec<&Label> {
        let folded = fold(text);
        let mut hits: Vec<(Range<usize>, &Label)> = Vec::new();
        for label in &self.labels {
            for word in label.words() {
                let key = key(word);
                hits.extend(occurrences(&folded, &key).map(|at| (at, label)));
            }
        }
        // From left to right, the longer one first: a hit that ends before an earlier one does lies
        // within it.
        hits.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
        let mut named: Vec<&Label> = Vec::new();
        let mut covered = 0;
        for (at, label) in hits {
            if at.end > covered {
                covered = at.end;
                named.push(label);
            }
        }
        named.dedup_by(|a, b| a.name == b.name);
        named
    }
}

/// Lower case, with runs of white space, `_` and `-` as one space.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars() {
        if c.is_whitespace() || c == '_' || c == '-' {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A folded text without what is no letter or digit at its ends; the folded text itself where
/// nothing would be left (a label `+`).
pub(crate) fn key(text: &str) -> String {
    let folded = fold(text);
    match folded.trim_matches(|c: char| !c.is_alphanumeric()) {
        "" => folded.trim().to_owned(),
        inner => inner.to_owned(),
    }
}

/// Where `word` occurs in `text` with no letter or digit beside it.
fn occurrences<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let at = (!word.is_empty()).then(|| text.match_indices(word)).into_iter().flatten();
    at.map(|(start, hit)| start..start.saturating_add(hit.len())).filter(move |at| {
        let before = text.get(..at.start).and_then(|s| s.chars().next_back());
        let after = text.get(at.end..).and_then(|s| s.chars().next());
        !touches(before) && !touches(after)
    })
}
