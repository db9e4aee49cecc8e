//! What is wrong with a file that a user wrote: where, what, and what to do.

use std::fmt;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

/// One thing that is wrong with an input file.
///
/// Displayed as `suite.yaml:7:3: unknown key ...`, with the remedy on a second line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong, with the value that is wrong.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            file: file.into(),
            line: None,
            column: None,
            message: message.into(),
            remedy: None,
        }
    }

    /// The same problem at a line, from 1.
    #[must_use]
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// The same problem at a line and a column, both from 1.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// The same problem with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The problem with an excerpt of its file around it, to be printed by miette.
    pub fn excerpt(&self, text: impl Into<String>) -> Excerpt {
        Excerpt { problem: self.clone(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  help: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {}

/// A problem with an excerpt of its file; message and remedy stand in `Display` only, so that they
/// are printed once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub struct Excerpt {
    problem: Problem,
    text: String,
}

impl Excerpt {
    /// Byte offset of the place in the text, where it is known.
    fn offset(&self) -> Option<usize> {
        let line = self.problem.line?.checked_sub(1)?;
        let start: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = self.text.get(start..)?;
        let column = self.problem.column.unwrap_or(1).saturating_sub(1);
        let within = rest.char_indices().nth(column).map_or(rest.len(), |(i, _)| i);
        Some(start.saturating_add(within))
    }
}

impl Diagnostic for Excerpt {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = LabeledSpan::new_with_span(None, (self.offset()?, 1));
        Some(Box::new(std::iter::once(span)))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.problem.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}

/// All that was found wrong with an input; never empty when it is returned as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {}

/// The candidate that a mistyped word most probably meant, if one is near.
///
/// Jaro-Winkler similarity of at least 0.75 (clap uses 0.7 for its own suggestions), or a shared
/// spelling but for case.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(&folded, &c.to_lowercase()), c))
        .filter(|(similarity, _)| *similarity >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// A value out of a row, for a message about it: its JSON, cut where it is long.
pub(crate) fn brief(value: &serde_json::Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The words in backticks, separated by commas; long lists are cut and say so.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let words: Vec<&str> = words.into_iter().collect();
    let mut text: Vec<String> = words.iter().take(SHOWN).map(|w| format!("`{w}`")).collect();
    if words.len() > SHOWN {
        text.push(format!("and {} more", words.len().saturating_sub(SHOWN)));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_to_do() {
        let problem = Problem::of_file("suite.yaml", "unknown key `lables`")
            .at(7, 3)
            .remedy("did you mean `labels`?");
        assert_eq!(
            problem.to_string(),
            "suite.yaml:7:3: unknown key `lables`\n  help: did you mean `labels`?"
        );
    }

    #[test]
    fn the_excerpt_points_at_the_column_in_characters() {
        let problem = Problem::of_file("s.yaml", "wrong").at(2, 4).excerpt("a\näöü: x\n");
        assert_eq!(problem.offset(), Some("a\näöü".len()));
        let shown = format!("{:?}", miette::Report::new(problem));
        assert!(shown.contains("äöü: x"), "{shown}");
    }

    #[test]
    fn a_place_beyond_the_text_is_no_panic() {
        let problem = Problem::of_file("s.yaml", "wrong").at(99, 99).excerpt("a\n");
        let _ = format!("{:?}", miette::Report::new(problem));
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("lables", ["labels", "name"]), Some("labels"));
        assert_eq!(nearest("zzz", ["labels", "name"]), None);
    }
}
