//! Tagged tokens, as the shared tasks of CoNLL write them: a line for each token, an empty line after
//! each sentence.
//!
//! The first column is the token, the last one its tag; a line with a tab is split at tabs, others at
//! white space. Tags are `O` and `B-`, `I-`, `E-`, `S-` with a type (IOB1, IOB2, IOBES). Lines of
//! `-DOCSTART-` are left out. A row is a sentence:
//! - `tokens` and `tags`, lists of the same length;
//! - `text`, the tokens with a space between each two;
//! - `spans`, the entities as `[start, end, type]` in code points of `text`, the end after the last
//!   one. They are read as `conlleval` reads them: an `I-` after another type or `O` opens one.

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::{LONGEST_ROW, too_long};
use crate::metrics::ner_seqeval::{self, Mode};
use crate::problem::Problem;
use crate::store::RowsWriter;

pub(super) fn read(text: &str, name: &str, rows: &mut RowsWriter) -> Result<(), Problem> {
    let mut sentence = Sentence::default();
    for (i, line) in text.split('\n').enumerate() {
        let number = i.saturating_add(1);
        let line = line.trim_end_matches('\r');
        if line.trim_matches(['\t', ' ']).is_empty() {
            std::mem::take(&mut sentence).push_to(rows)?;
            continue;
        }
        let (token, tag) = columns(line);
        if token == "-DOCSTART-" {
            continue;
        }
        let problem = |message: String, remedy: &str| {
            Err(Problem::of_file(name, message).at_line(number).remedy(remedy))
        };
        let Some(tag) = tag else {
            let message = "the line has one column, a token and its tag are expected".to_owned();
            return problem(message, "write `O` for a token outside of entities");
        };
        if token.is_empty() {
            return problem("the token is empty".to_owned(), "remove the line");
        }
        if !is_tag(tag) {
            let message = format!("`{tag}` is no tag");
            return problem(message, "tags are `O`, `B-TYPE`, `I-TYPE`, `E-TYPE` and `S-TYPE`");
        }
        if sentence.tokens.is_empty() {
            sentence.line = number;
        }
        sentence.bytes = sentence.bytes.saturating_add(line.len());
        if sentence.bytes > LONGEST_ROW {
            return Err(too_long(name, sentence.line));
        }
        sentence.tokens.push(token);
        sentence.tags.push(tag);
    }
    sentence.push_to(rows)
}

/// The first and the last column of a line that is not empty.
fn columns(line: &str) -> (&str, Option<&str>) {
    if line.contains('\t') {
        let mut cells = line.split('\t');
        let token = cells.next().unwrap_or_default();
        (token.trim_matches(' '), cells.next_back().map(|tag| tag.trim_matches(' ')))
    } else {
        let mut cells = line.split(' ').filter(|cell| !cell.is_empty());
        (cells.next().unwrap_or_default(), cells.next_back())
    }
}

fn is_tag(tag: &str) -> bool {
    let typed = |(prefix, kind): (&str, &str)| {
        matches!(prefix, "B" | "I" | "E" | "S") && !kind.trim_matches('-').is_empty()
    };
    tag == "O" || tag.split_once('-').is_some_and(typed)
}

#[derive(Default)]
struct Sentence<'a> {
    line: usize,
    bytes: usize,
    tokens: Vec<&'a str>,
    tags: Vec<&'a str>,
}

impl Sentence<'_> {
    fn push_to(self, rows: &mut RowsWriter) -> Result<(), Problem> {
        if self.tokens.is_empty() {
            return Ok(());
        }
        let mut places = Vec::with_capacity(self.tokens.len());
        let mut start = 0usize;
        for token in &self.tokens {
            let end = start.saturating_add(token.chars().count());
            places.push((start, end));
            start = end.saturating_add(1);
        }
        let entities = ner_seqeval::entities(&self.tags, Mode::Conlleval).unwrap_or_default();
        let spans = entities.iter().filter_map(|entity| {
            let (start, _) = places.get(entity.start)?;
            let (_, end) = places.get(entity.end.checked_sub(1)?)?;
            Some(json!([start, end, entity.label]))
        });
        let mut fields = Fields::new();
        fields.insert("text".to_owned(), self.tokens.join(" ").into());
        fields.insert("spans".to_owned(), spans.collect::<Value>());
        fields.insert("tokens".to_owned(), self.tokens.into());
        fields.insert("tags".to_owned(), self.tags.into());
        rows.push(self.line, &fields)
    }
}
