//! A user's regular expression with one group: it reads a final answer, and says in which words one
//! has to be written so that it is read.

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Longest text that is written around an answer, in bytes.
const LONGEST_FRAME: usize = 1000;

/// A regular expression with one group, which holds the answer.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// What a text that matches has before and after its group.
    frame: (String, String),
}

/// Two patterns are the same if they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

/// Why a text is no such pattern.
#[derive(Debug)]
pub(crate) struct BadPattern {
    pub message: String,
    pub remedy: &'static str,
}

impl Pattern {
    /// Compiles a pattern in the syntax of the crate `regex`.
    pub(crate) fn new(source: &str) -> Result<Pattern, BadPattern> {
        let hir = parse(source)?;
        let groups = hir.properties().explicit_captures_len();
        if groups != 1 {
            return Err(BadPattern {
                message: format!("the regular expression has {groups} groups"),
                remedy: "put parentheses around the answer alone; write other ones as `(?:...)`",
            });
        }
        let too_large = |what: String| BadPattern {
            message: format!("the regular expression is too large: {what}"),
            remedy: "use smaller numbers of repetitions",
        };
        let regex = Regex::new(source).map_err(|e| too_large(e.to_string()))?;
        let mut example = Example::default();
        if !example.add(&hir) {
            return Err(too_large(format!("a match has more than {LONGEST_FRAME} characters")));
        }
        Ok(Pattern { regex, frame: (example.before.unwrap_or_default(), example.text) })
    }

    /// What the group holds in the last match, without white space around it.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let group = self.regex.captures_iter(text).last()?.get(1)?;
        Some(group.as_str().trim()).filter(|answer| !answer.is_empty())
    }

    /// A text in which the group holds `answer`, where the group takes such a text at all.
    pub(super) fn write(&self, answer: &str) -> String {
        let (before, after) = &self.frame;
        format!("{before}{answer}{after}")
    }
}

/// Reads an expression in the syntax of the crate `regex`.
pub(super) fn parse(source: &str) -> Result<Hir, BadPattern> {
    let syntax = |what: String| BadPattern {
        message: format!("the regular expression cannot be read: {what}"),
        remedy: "the syntax is that of https://docs.rs/regex: no look-around, no back-references",
    };
    regex_syntax::parse(source).map_err(|e| match e {
        regex_syntax::Error::Parse(e) => syntax(e.kind().to_string()),
        regex_syntax::Error::Translate(e) => syntax(e.kind().to_string()),
        other => syntax(other.to_string()),
    })
}

/// The shortest text that matches, but for its group.
#[derive(Default)]
struct Example {
    /// What stands before the group, once it was met.
    before: Option<String>,
    text: String,
}

impl Example {
    /// Adds what an expression matches; whether there was room for it.
    fn add(&mut self, hir: &Hir) -> bool {
        let has_group = |hir: &Hir| hir.properties().explicit_captures_len() > 0;
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text += &String::from_utf8_lossy(&literal.0),
            HirKind::Class(class) => self.text.extend(member(class)),
            HirKind::Capture(_) => self.before = Some(std::mem::take(&mut self.text)),
            HirKind::Concat(parts) => return parts.iter().all(|part| self.add(part)),
            HirKind::Alternation(ways) => {
                let way = ways.iter().find(|way| has_group(way)).or(ways.first());
                return way.is_none_or(|way| self.add(way));
            }
            HirKind::Repetition(repetition) if has_group(&repetition.sub) => {
                return self.add(&repetition.sub);
            }
            HirKind::Repetition(repetition) => {
                let mut once = Example::default();
                if !once.add(&repetition.sub) {
                    return false;
                }
                let times = usize::try_from(repetition.min).unwrap_or(usize::MAX);
                if once.text.len().saturating_mul(times) > LONGEST_FRAME {
                    return false;
                }
                self.text += &once.text.repeat(if once.text.is_empty() { 0 } else { times });
            }
        }
        self.text.len() <= LONGEST_FRAME
    }
}

/// A character of a class: a space, a digit or a small letter where it has one.
pub(super) fn member(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|r| (r.start(), r.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|r| (char::from(r.start()), char::from(r.end()))).collect()
        }
    };
    let has = |c: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&c));
    let first = ranges.first().map(|(start, _)| *start);
    [' ', '0', 'a'].into_iter().find(has).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_is_read() {
        let pattern = Pattern::new(r"A: (.*)").unwrap();
        assert_eq!(pattern.find("A: 1\nA:  2 \nB: 3"), Some("2"));
        assert_eq!(pattern.find("A: "), None);
        assert_eq!(pattern.find("B: 1"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        for source in [
            r"A: (\S+)",
            r"(?m)^answer\s*(?:is|:)\s+(\w+)\.$",
            r"(?i)final answer: \**(\d+)",
            r"\\boxed\{([^}]*)\}",
            r"(?:#### |=> ){2}(\d+)",
            r"(?:No|Option (\d+)) is right",
            r"[^a-z]{3}(\d+)[[:alpha:]]+",
            r"(?:Answer: (\d+)\n)+",
            r"(\d+)",
        ] {
            let pattern = Pattern::new(source).unwrap();
            let text = pattern.write("42");
            assert_eq!(pattern.find(&text), Some("42"), "{source}: {text}");
        }
    }

    #[test]
    fn other_patterns_are_refused() {
        for (source, message) in [
            (r"A: \d+", "has 0 groups"),
            (r"(\d+) (\w+)", "has 2 groups"),
            (r"A: (\d+", "unclosed group"),
            (r"(?=A)(\d+)", "look-around"),
            (r"(\d+)a{2000}", "too large"),
            (r"((?:\w{1000}){1000})", "too large"),
            (r"(a)(?:(?:b{0}){900}){900}", "accepted"),
        ] {
            let found = Pattern::new(source).map_or_else(|bad| bad.message, |_| "accepted".into());
            assert!(found.contains(message), "{source}: {found}");
        }
    }
}
