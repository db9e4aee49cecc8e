//! A regular expression that finds values in the text of a sample: what the baseline `pattern`
//! answers with. The crate `regex` takes time that is linear in the text.

use regex::Regex;

/// A regular expression; the value is its group where it has one, else the whole match.
#[derive(Debug, Clone)]
pub struct Finder {
    regex: Regex,
}

/// Two are the same if they are written alike.
impl PartialEq for Finder {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

/// Why a text is no such expression.
#[derive(Debug)]
pub(crate) struct BadFinder {
    pub message: String,
    pub remedy: &'static str,
}

impl Finder {
    /// Compiles an expression in the syntax of the crate `regex`.
    pub(crate) fn new(source: &str) -> Result<Finder, BadFinder> {
        let regex = Regex::new(source).map_err(|error| {
            let (what, remedy) = match &error {
                regex::Error::CompiledTooBig(limit) => (
                    format!("it needs more than {limit} bytes"),
                    "use smaller numbers of repetitions",
                ),
                // The first lines show the expression, which the suite's own line shows too.
                error => {
                    let text = error.to_string();
                    let last = text.lines().next_back().unwrap_or_default();
                    (
                        last.trim_start_matches("error: ").to_owned(),
                        "the syntax is that of https://docs.rs/regex: no look-around, no back-references",
                    )
                }
            };
            BadFinder { message: format!("the regular expression cannot be read: {what}"), remedy }
        })?;
        let groups = regex.captures_len().saturating_sub(1);
        if groups > 1 {
            return Err(BadFinder {
                message: format!("the regular expression has {groups} groups"),
                remedy: "put parentheses around the value alone; write other ones as `(?:...)`",
            });
        }
        if regex.is_match("") {
            return Err(BadFinder {
                message: "the regular expression finds the empty text".to_owned(),
                remedy: "let it match at least one character",
            });
        }
        Ok(Finder { regex })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        self.regex.as_str()
    }

    /// The byte ranges of all values, in the order of the text; never empty.
    pub(crate) fn ranges<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        let group = self.regex.captures_len().saturating_sub(1).min(1);
        let found = self.regex.captures_iter(text).filter_map(move |found| found.get(group));
        found.map(|value| value.range()).filter(|range| !range.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<'a>(source: &str, text: &'a str) -> Vec<&'a str> {
        let finder = Finder::new(source).unwrap();
        finder.ranges(text).map(|range| &text[range]).collect()
    }

    #[test]
    fn the_group_or_the_whole_match() {
        assert_eq!(all(r"No\. (\S+)", "No. 1, No. é2"), ["1,", "é2"]);
        assert_eq!(all(r"\d+", "1 and 22"), ["1", "22"]);
        assert_eq!(all(r"a(b)?", "a ab"), ["b"]);
        assert_eq!(all(r"(?P<value>\d)x", "1x 2y"), ["1"]);
    }

    #[test]
    fn other_expressions_are_refused() {
        for (source, message) in [
            (r"(\d+) (\w+)", "has 2 groups"),
            (r"(\d+", "unclosed group"),
            (r"(?=A)\d", "look-around"),
            (r"\w{1000}{1000}", "needs more than"),
            (r"\d*", "finds the empty text"),
        ] {
            let found = Finder::new(source).map_or_else(|bad| bad.message, |_| "accepted".into());
            assert!(found.contains(message), "{source}: {found}");
        }
    }
}
