//! Which columns a prompt shows, which one names a row, and which ones slice the results.

use std::collections::{HashMap, HashSet};

use rightsize_providers::Fields;

use super::column::{Column, text_of};
use super::kind::{QUESTION, is_id};
use super::target::Target;
use super::{Decision, Kind, Subject, Wishes};
use crate::problem::Problem;

/// Names of columns with the text that a question is about.
const CONTEXT: [&str; 6] = ["context", "passage", "paragraph", "document", "evidence", "article"];
/// Names of columns with a long text.
const SOURCE: [&str; 9] =
    ["source", "document", "article", "text", "body", "transcript", "dialogue", "content", "paper"];
/// Names of columns with what somebody wrote.
const MESSAGE: [&str; 16] = [
    "text",
    "message",
    "body",
    "subject",
    "title",
    "description",
    "content",
    "ticket",
    "utterance",
    "review",
    "comment",
    "sentence",
    "email",
    "question",
    "query",
    "input",
];
/// Most values of a column that is no text.
const FEW: usize = 50;
/// Most values of a tag, and most tags.
const MOST_VALUES: usize = 12;
const MOST_TAGS: usize = 4;
/// Words that a template understands as something else.
const RESERVED: [&str; 30] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "elif",
    "for",
    "endfor",
    "endif",
    "set",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "self",
    "loop",
    "range",
    "dict",
    "namespace",
    "debug",
    "labels",
    "labels_help",
    "fields",
    "types",
    "super",
    "include",
];

/// A column that a prompt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// The column.
    pub column: String,
    /// What a template calls it.
    pub variable: String,
    /// Whether it holds lists of texts.
    pub list: bool,
}

/// What has a role already.
pub(super) struct Taken<'a> {
    pub target: &'a Target,
    pub input: &'a [Input],
    pub id: Option<&'a str>,
}

impl Taken<'_> {
    fn has(&self, name: &str) -> bool {
        self.target.columns().contains(&name)
            || self.input.iter().any(|input| input.column == name)
            || self.id == Some(name)
    }
}

/// Characters of a row's input.
pub(super) fn length(row: &Fields, input: &[Input]) -> usize {
    let texts = input.iter().filter_map(|i| row.get(&i.column).and_then(text_of));
    texts.map(|text| text.chars().count()).fold(0, usize::saturating_add)
}

/// The columns that a prompt shows.
///
/// # Errors
/// No column is left to show.
pub(super) fn input(
    name: &str,
    rows: &[Fields],
    columns: &[Column],
    target: &Target,
    wishes: &Wishes,
    decisions: &mut Vec<Decision>,
) -> Result<Vec<Input>, Problem> {
    let expected = target.columns();
    let tells = |c: &Column| match target {
        Target::Labels { column, .. } => {
            c.has_few_values(usize::MAX) && tells_the_label(rows, &c.name, column)
        }
        _ => false,
    };
    let free = |c: &&Column| {
        !expected.contains(&c.name.as_str()) && !c.is_metadata() && !is_id(c) && !tells(c)
    };
    let free: Vec<&Column> = columns.iter().filter(free).collect();
    let texts = || free.iter().copied().filter(|c| c.is_text());
    let named = |words: &[&str]| {
        let named = texts().filter_map(|c| Some((c.named(words)?, c)));
        named.min_by_key(|(place, _)| *place).map(|(_, c)| c)
    };
    let longest = || texts().max_by_key(|c| c.mean_chars);
    let (chosen, why): (Vec<&Column>, &str) = if !wishes.input.is_empty() {
        let find = |wish: &String| columns.iter().find(|c| c.name == *wish);
        (wishes.input.iter().filter_map(find).collect(), "as you said")
    } else {
        match target {
            Target::Spans { text, .. } | Target::Fields { text: Some(text), .. } => {
                (columns.iter().filter(|c| c.name == *text).collect(), "the values stand in it")
            }
            Target::Fields { text: None, .. } => {
                (longest().into_iter().collect(), "the longest text")
            }
            Target::Text { kind: Kind::Summarization, .. } => {
                let by_length = longest().map_or(0, |c| c.mean_chars);
                let source = named(&SOURCE).filter(|c| c.mean_chars.saturating_mul(2) >= by_length);
                (source.or_else(longest).into_iter().collect(), "the long text")
            }
            Target::Text { kind, .. } => {
                let question = named(&QUESTION).or_else(longest);
                let context = named(&CONTEXT).filter(|_| *kind == Kind::Faq);
                // The text comes before the question.
                let why = match context {
                    Some(_) => "the question, and the text it is about",
                    None => "the question",
                };
                (context.into_iter().chain(question).collect(), why)
            }
            Target::Labels { .. } => {
                let shown = |c: &&Column| {
                    let message = c.named(&MESSAGE).is_some() && c.is_scalar();
                    let text = c.is_text() && !c.has_few_values(FEW);
                    (message && !c.is_number()) || text
                };
                let mut shown: Vec<&Column> = free.iter().copied().filter(shown).collect();
                if shown.is_empty() {
                    shown.extend(free.iter().copied().max_by_key(|c| c.distinct));
                }
                (shown, "texts that do not repeat the label")
            }
            Target::Checks { .. } => {
                let own = |c: &&Column| !c.name.starts_with("__");
                (free.iter().copied().filter(own).collect(), "all that is no check")
            }
        }
    };
    if chosen.is_empty() || chosen.iter().any(|c| expected.contains(&c.name.as_str())) {
        let message = format!("no column is left for the prompt beside `{}`", target.column());
        let problem = Problem::of_file(name, message);
        return Err(problem.remedy("name the columns that a model reads: --input COLUMN,COLUMN"));
    }
    decisions.push(Decision {
        subject: Subject::Input,
        value: chosen.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
        why: why.to_owned(),
        doubtful: wishes.input.is_empty() && doubtful(&chosen, &free, target),
    });
    Ok(variables(&chosen, &expected))
}

/// Whether another text could be shown as well.
fn doubtful(chosen: &[&Column], free: &[&Column], target: &Target) -> bool {
    match target {
        Target::Spans { .. } | Target::Checks { .. } => false,
        _ => {
            free.iter().filter(|c| c.is_text() && !chosen.iter().any(|o| o.name == c.name)).count()
                > 0
        }
    }
}

/// Names for templates: letters, digits and `_`, each once.
fn variables(chosen: &[&Column], expected: &[&str]) -> Vec<Input> {
    let mut taken: HashSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    let mut inputs = Vec::new();
    for column in chosen {
        let mut variable = identifier(&column.name);
        while taken.contains(&variable) || RESERVED.contains(&variable.as_str()) {
            variable.push('_');
        }
        taken.insert(variable.clone());
        let list = column.lists > 0;
        inputs.push(Input { column: column.name.clone(), variable, list });
    }
    inputs
}

/// A name that a template can use: the same where it can be.
pub(super) fn identifier(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() || c == '_' {
            true => text.push(c),
            false if text.ends_with('_') => {}
            false => text.push('_'),
        }
    }
    let trimmed = if name == text { text.as_str() } else { text.trim_matches('_') };
    match trimmed.chars().next() {
        None => "column".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("column_{trimmed}"),
        Some(_) => trimmed.to_owned(),
    }
}

/// Whether a column says the same as the label: each of its values goes with one label, and each
/// label with one value.
fn tells_the_label(rows: &[Fields], column: &str, label: &str) -> bool {
    let mut to: HashMap<String, String> = HashMap::new();
    let mut from: HashMap<String, String> = HashMap::new();
    rows.iter().all(|row| {
        let text = |name: &str| row.get(name).and_then(text_of).unwrap_or_default();
        let (a, b) = (text(column), text(label));
        *to.entry(a.clone()).or_insert_with(|| b.clone()) == b
            && *from.entry(b).or_insert_with(|| a.clone()) == a
    })
}

/// The column that names a row.
pub(super) fn id(
    columns: &[Column],
    target: &Target,
    input: &[Input],
    wishes: &Wishes,
    decisions: &mut Vec<Decision>,
) -> Option<String> {
    let free = |c: &&Column| {
        !target.columns().contains(&c.name.as_str()) && !input.iter().any(|i| i.column == c.name)
    };
    let unique = |c: &&Column| c.is_unique() && !c.name.contains('.');
    let (id, why) = match &wishes.id {
        Some(wish) => (Some(wish.clone()), "as you said".to_owned()),
        None => match columns.iter().filter(free).filter(unique).find(|c| is_id(c)) {
            Some(column) => {
                (Some(column.name.clone()), "its name, and no value repeats".to_owned())
            }
            None => {
                (None, "no column with `id` in its name has a value of its own in every row".into())
            }
        },
    };
    let value = id.clone().unwrap_or_else(|| "a digest of the row".to_owned());
    decisions.push(Decision { subject: Subject::Id, value, why, doubtful: false });
    id
}

/// The column whose rows belong together: a customer, a template, a conversation.
pub(super) fn cluster(
    columns: &[Column],
    taken: &Taken<'_>,
    decisions: &mut Vec<Decision>,
) -> Option<String> {
    let repeats = |c: &&Column| {
        is_id(c)
            && c.is_scalar()
            && c.filled == c.rows
            && c.distinct > 1
            && c.distinct < c.rows
            && !taken.has(&c.name)
            && !c.name.contains('.')
    };
    let column = columns.iter().find(repeats)?;
    decisions.push(Decision {
        subject: Subject::Cluster,
        value: column.name.clone(),
        why: format!(
            "{} values in {} rows: rows of one belong together",
            column.distinct, column.rows
        ),
        doubtful: false,
    });
    Some(column.name.clone())
}

/// Columns by which results can be told apart.
pub(super) fn tags(
    rows: &[Fields],
    columns: &[Column],
    taken: &Taken<'_>,
    cluster: Option<&str>,
    decisions: &mut Vec<Decision>,
) -> Vec<String> {
    let slices = |c: &&Column| {
        let label = match taken.target {
            Target::Labels { column, .. } => tells_the_label(rows, &c.name, column),
            _ => false,
        };
        c.has_few_values(MOST_VALUES)
            && c.mean_chars <= 30
            && !c.is_metadata()
            && !taken.has(&c.name)
            && cluster != Some(c.name.as_str())
            && !c.name.contains('.')
            && !label
    };
    let tags: Vec<String> =
        columns.iter().filter(slices).take(MOST_TAGS).map(|c| c.name.clone()).collect();
    if !tags.is_empty() {
        decisions.push(Decision {
            subject: Subject::Tags,
            value: tags.join(", "),
            why: "few values: the report shows the results for each".to_owned(),
            doubtful: false,
        });
    }
    tags
}
