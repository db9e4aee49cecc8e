//! Which kind of task the columns are for, and what is expected in them.

use std::fmt;
use std::str::FromStr;

use rightsize_providers::Fields;

use super::column::{Column, text_of};
use super::target::{self, Target};
use super::{Decision, Subject, Wishes};
use crate::problem::{Problem, listed};
use crate::sample::scalar;
use crate::tasks::checks;

/// Names of columns with a question, the surest first; so in the lists below.
pub(super) const QUESTION: [&str; 7] =
    ["question", "query", "frage", "problem", "instruction", "prompt", "input"];
/// Names of columns with the answer to it.
const ANSWER: [&str; 10] = [
    "answer",
    "answers",
    "antwort",
    "ground_truth",
    "response",
    "reply",
    "ideal",
    "expected",
    "reference",
    "output",
];
/// Names of columns with a shorter text of a longer one.
const SUMMARY: [&str; 8] =
    ["summary", "summaries", "tldr", "abstract", "highlights", "target", "headline", "reference"];
/// Names of columns with a label.
const LABEL: [&str; 22] = [
    "label",
    "category",
    "class",
    "intent",
    "queue",
    "topic",
    "sentiment",
    "target",
    "expected",
    "gold",
    "department",
    "priority",
    "severity",
    "verdict",
    "similar",
    "outcome",
    "kategorie",
    "type",
    "status",
    "output",
    "answer",
    "tag",
];
/// Names of columns with an object of fields.
const FIELDS: [&str; 9] =
    ["expected", "output", "fields", "answer", "target", "gold", "extracted", "json", "labels"];

/// Most labels of a classification that is proposed.
const MOST_LABELS: usize = 200;

/// A kind of task that can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One label of a list.
    Classification,
    /// Values of named fields.
    Extraction,
    /// Places of personal data.
    Pii,
    /// A short answer in words.
    Faq,
    /// A shorter text.
    Summarization,
    /// A final answer after a chain of thought.
    Reasoning,
    /// What an answer must have.
    Checks,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 7] = [
        Kind::Classification,
        Kind::Extraction,
        Kind::Pii,
        Kind::Faq,
        Kind::Summarization,
        Kind::Reasoning,
        Kind::Checks,
    ];

    /// Its word in a suite.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Classification => "classification",
            Kind::Extraction => "extraction",
            Kind::Pii => "pii",
            Kind::Faq => "faq",
            Kind::Summarization => "summarization",
            Kind::Reasoning => "reasoning",
            Kind::Checks => "checks",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.word() == word.trim().to_lowercase());
        found.ok_or_else(|| format!("there are {}", listed(Kind::ALL.map(Kind::word))))
    }
}

/// What was found, and how sure that is.
struct Found {
    kind: Kind,
    target: Target,
    why: String,
    kind_doubtful: bool,
    expected_doubtful: bool,
}

impl Found {
    fn sure(kind: Kind, target: Target, why: impl Into<String>) -> Found {
        Found { kind, target, why: why.into(), kind_doubtful: false, expected_doubtful: false }
    }

    fn doubtful(self) -> Found {
        Found { kind_doubtful: true, ..self }
    }
}

/// The kind and what is expected.
///
/// # Errors
/// No kind fits.
pub(super) fn find(
    name: &str,
    rows: &[Fields],
    columns: &[Column],
    wishes: &Wishes,
    decisions: &mut Vec<Decision>,
) -> Result<(Kind, Target), Problem> {
    let found = match (wishes.kind, &wishes.expected) {
        (kind, Some(column)) => of_column(rows, columns, column, kind),
        (Some(kind), None) => {
            let order = [
                checks(rows, columns, true),
                spans(rows, columns),
                solution(columns),
                objects(columns),
                answer(columns, true),
                summary(columns, true),
                verbatim(rows, columns),
                label(columns),
            ];
            order.into_iter().flatten().find(|found| found.kind == kind)
        }
        (None, None) => checks(rows, columns, false)
            .or_else(|| spans(rows, columns))
            .or_else(|| solution(columns))
            .or_else(|| objects(columns))
            .or_else(|| answer(columns, false))
            .or_else(|| summary(columns, false))
            .or_else(|| verbatim(rows, columns))
            .or_else(|| label(columns))
            .or_else(|| two_texts(columns))
            .or_else(|| checks(rows, columns, true)),
    };
    let Some(found) = found else {
        return Err(nothing(name, columns, wishes));
    };
    let (kind, target) = (found.kind, found.target);
    decisions.push(Decision {
        subject: Subject::Kind,
        value: kind.word().to_owned(),
        why: if wishes.kind.is_some() { "as you said".to_owned() } else { found.why },
        doubtful: found.kind_doubtful && wishes.kind.is_none(),
    });
    decisions.push(Decision {
        subject: Subject::Expected,
        value: target.column(),
        why: match &wishes.expected {
            Some(_) => "as you said".to_owned(),
            None => target.why(),
        },
        doubtful: (found.expected_doubtful || found.kind_doubtful) && wishes.expected.is_none(),
    });
    Ok((kind, target))
}

fn nothing(name: &str, columns: &[Column], wishes: &Wishes) -> Problem {
    let message = match wishes.kind {
        Some(kind) => format!("no column looks like what a {kind} expects"),
        None => "the columns do not say what the task is".to_owned(),
    };
    let code = columns.iter().any(|c| c.name == "canonical_solution");
    let names = listed(columns.iter().map(|c| c.name.as_str()));
    Problem::of_file(name, message).remedy(if code && wishes.kind.is_none() {
        "these are tasks in programming, which `init` does not propose".to_owned()
    } else {
        format!("name the column with the right answer: --expected COLUMN; the columns are {names}")
    })
}

/// The target in a column that a person named.
fn of_column(rows: &[Fields], columns: &[Column], name: &str, kind: Option<Kind>) -> Option<Found> {
    let column = columns.iter().find(|column| column.name == name)?;
    let guess = if target::spans_in(rows, name).is_some() {
        Kind::Pii
    } else if column.solutions > 0 {
        Kind::Reasoning
    } else if column.has_few_values(MOST_LABELS) {
        Kind::Classification
    } else if column.is_number() {
        Kind::Reasoning
    } else if column.named(&SUMMARY).is_some() {
        Kind::Summarization
    } else {
        Kind::Faq
    };
    let kind = kind.unwrap_or(guess);
    let target = match kind {
        Kind::Classification => Target::labels(name),
        Kind::Pii => target::spans_in(rows, name)?,
        Kind::Extraction => Target::Fields {
            fields: vec![target::Field::of(column, &column.name)],
            text: None,
            values: Vec::new(),
        },
        Kind::Faq | Kind::Summarization | Kind::Reasoning => Target::text(name, kind, column),
        Kind::Checks => Target::checks(columns, name)?,
    };
    Some(Found::sure(kind, target, format!("what `{name}` holds")).doubtful())
}

/// Columns with checks, as promptfoo names them. Unless checks are what is `wanted`, some must say more
/// than what an answer equals, and they must not merely repeat what another column holds: then that
/// one is what is expected.
fn checks(rows: &[Fields], columns: &[Column], wanted: bool) -> Option<Found> {
    let target = Target::checks(columns, checks::EXPECTED)?;
    let why = format!("`{}` holds checks of an answer", checks::EXPECTED);
    let held = target.columns();
    let of = |row: &Fields| -> Vec<String> {
        held.iter().filter_map(|column| row.get(*column).and_then(checks::text_of)).collect()
    };
    let repeats = |column: &Column| {
        let same = |row: &&Fields| {
            let value = row.get(&column.name).and_then(scalar);
            value.is_some_and(|value| of(row).iter().any(|text| *text == value.trim()))
        };
        let filled = rows.iter().filter(|row| !of(row).is_empty());
        let repeated = filled.clone().filter(same).count();
        repeated.saturating_mul(10) >= filled.count().saturating_mul(9)
    };
    let says_more = || {
        let more = |row: &Fields| held.iter().any(|c| row.get(*c).is_some_and(checks::says_more));
        held.iter().filter(|c| c.starts_with(checks::EXPECTED)).count() > 1 || rows.iter().any(more)
    };
    let own = |column: &&Column| !column.is_metadata();
    let told = wanted || (says_more() && !columns.iter().filter(own).any(repeats));
    told.then(|| Found::sure(Kind::Checks, target, why))
}

fn spans(rows: &[Fields], columns: &[Column]) -> Option<Found> {
    let target = columns.iter().find_map(|column| target::spans_in(rows, &column.name))?;
    let why = format!("`{}` holds places in a text with their types", target.column());
    Some(Found::sure(Kind::Pii, target, why))
}

fn solution(columns: &[Column]) -> Option<Found> {
    let most = |c: &&Column| c.filled > 0 && c.solutions.saturating_mul(10) >= c.filled * 9;
    let column = columns.iter().find(most)?;
    let why = format!("`{}` ends in `#### ANSWER`", column.name);
    Some(Found::sure(Kind::Reasoning, Target::text(&column.name, Kind::Reasoning, column), why))
}

/// An object with several fields in one column: its members are columns now.
fn objects(columns: &[Column]) -> Option<Found> {
    let parent = |name: &str| name.rsplit_once('.').map(|(parent, _)| parent.to_owned());
    let text = columns.iter().any(|c| c.is_text() && parent(&c.name).is_none());
    let parents: Vec<String> = columns.iter().filter_map(|c| parent(&c.name)).collect();
    let named = |parent: &String| {
        let last = parent.rsplit('.').next().unwrap_or(parent).to_lowercase();
        FIELDS.contains(&last.as_str())
    };
    let chosen = parents.iter().find(|parent| named(parent)).filter(|_| text)?;
    let members = columns.iter().filter(|c| parent(&c.name).as_ref() == Some(chosen));
    let fields: Vec<target::Field> = members
        .filter(|c| c.is_scalar())
        .map(|c| target::Field::of(c, c.name.rsplit('.').next().unwrap_or(&c.name)))
        .collect();
    let why = format!("`{chosen}` holds objects with {} fields", fields.len());
    (!fields.is_empty()).then(|| {
        let target = Target::Fields { fields, text: None, values: Vec::new() };
        Found::sure(Kind::Extraction, target, why)
    })
}

/// A question and its answer, by the names of their columns. Few answers that repeat are labels,
/// unless an answer is what is `wanted`.
fn answer(columns: &[Column], wanted: bool) -> Option<Found> {
    let question = best(columns, &QUESTION, |c| c.is_text())?;
    let fits = |c: &Column| {
        c.name != question.name
            && !c.is_metadata()
            && (c.is_scalar() || c.lists > 0)
            && (wanted || !c.has_few_values(MOST_LABELS))
    };
    let column = best(columns, &ANSWER, fits)?;
    let kind = if column.is_number() { Kind::Reasoning } else { Kind::Faq };
    let why = match kind {
        Kind::Reasoning => format!("`{}` is a question, `{}` a number", question.name, column.name),
        _ => format!("`{}` is a question, `{}` its answer", question.name, column.name),
    };
    let found = Found::sure(kind, Target::text(&column.name, kind, column), why);
    // Inputs and outputs can be anything.
    let vague = ["prompt", "input", "instruction"].iter().any(|w| question.name.ends_with(w));
    Some(if vague { found.doubtful() } else { found })
}

/// A long text and a shorter one whose name says so.
fn summary(columns: &[Column], wanted: bool) -> Option<Found> {
    let column = best(columns, &SUMMARY, |c| c.is_text() && !c.has_few_values(MOST_LABELS))?;
    let longer = |c: &Column| {
        c.name != column.name && c.is_text() && c.mean_chars > column.mean_chars.saturating_mul(2)
    };
    let source = columns.iter().filter(|c| longer(c)).max_by_key(|c| c.mean_chars)?;
    let long = wanted || source.mean_chars >= 300;
    let why = format!("`{}` is long, `{}` a shorter text of it", source.name, column.name);
    let target = Target::text(&column.name, Kind::Summarization, column);
    long.then(|| Found::sure(Kind::Summarization, target, why))
}

/// Columns whose values stand in a long text: they were read out of it.
fn verbatim(rows: &[Fields], columns: &[Column]) -> Option<Found> {
    const LOOKED_AT: usize = 200;
    let text = columns.iter().filter(|c| c.is_text()).max_by_key(|c| c.mean_chars)?;
    let stands = |c: &Column| {
        let (mut filled, mut found) = (0usize, 0usize);
        for row in rows.iter().take(LOOKED_AT) {
            let (Some(value), Some(text)) =
                (row.get(&c.name).and_then(text_of), row.get(&text.name).and_then(text_of))
            else {
                continue;
            };
            filled = filled.saturating_add(1);
            let stands = text.to_lowercase().contains(&value.trim().to_lowercase());
            found = found.saturating_add(usize::from(stands));
        }
        filled > 0 && found.saturating_mul(2) >= filled
    };
    let possible = |c: &&Column| {
        c.name != text.name
            && c.is_scalar()
            && c.distinct > 1
            && c.mean_chars.saturating_mul(2) < text.mean_chars
            && !c.is_metadata()
            && !is_id(c)
    };
    let read: Vec<&Column> = columns.iter().filter(possible).filter(|c| stands(c)).collect();
    if read.len() < 2 {
        return None;
    }
    // Numbers and days are written in another way in the text.
    let typed = |c: &Column| c.is_number() || c.is_date();
    // A code in capital letters, such as a currency, stands there as a sign or in words.
    let code = |c: &Column| c.has_few_values(40) && (2..=3).contains(&c.mean_chars);
    let is_read = |c: &Column| read.iter().any(|other| other.name == c.name);
    let fields = columns.iter().filter(possible).filter(|c| is_read(c) || typed(c) || code(c));
    let fields = fields.map(|c| target::Field::of(c, &c.name)).collect();
    let why = format!("{} columns hold what stands in `{}`", read.len(), text.name);
    let target = Target::Fields { fields, text: Some(text.name.clone()), values: Vec::new() };
    let found = Found::sure(Kind::Extraction, target, why);
    Some(Found { expected_doubtful: true, ..found })
}

/// A column with few short values.
fn label(columns: &[Column]) -> Option<Found> {
    let fits = |c: &Column| {
        c.is_filled() && c.has_few_values(MOST_LABELS) && !c.is_metadata() && !is_id(c)
    };
    let candidates: Vec<&Column> = columns.iter().filter(|c| fits(c)).collect();
    let hinted: Vec<&&Column> = candidates.iter().filter(|c| c.named(&LABEL).is_some()).collect();
    let by_name = hinted.iter().min_by_key(|c| c.named(&LABEL));
    let column = by_name.map(|c| **c).or_else(|| candidates.last().copied())?;
    columns
        .iter()
        .find(|c| c.name != column.name && (c.is_text() || c.distinct > column.distinct))?;
    let why = format!("`{}` has {} values in {} rows", column.name, column.distinct, column.filled);
    let found = Found::sure(Kind::Classification, Target::labels(&column.name), why);
    Some(Found { kind_doubtful: hinted.is_empty(), expected_doubtful: hinted.len() > 1, ..found })
}

/// Two texts and nothing else to go by. A second one that is much longer than the first is no answer
/// but a text of its own.
fn two_texts(columns: &[Column]) -> Option<Found> {
    let texts: Vec<&Column> = columns.iter().filter(|c| c.is_text()).collect();
    let [first, second] = texts.as_slice() else { return None };
    let long = second.mean_chars > first.mean_chars.saturating_mul(4);
    if long || !first.is_filled() || !second.is_filled() {
        return None;
    }
    let short = second.mean_chars.saturating_mul(3) < first.mean_chars;
    let kind = match short && first.mean_chars >= 300 {
        true => Kind::Summarization,
        false => Kind::Faq,
    };
    let why = format!("`{}` and `{}` are the only texts", first.name, second.name);
    Some(Found::sure(kind, Target::text(&second.name, kind, second), why).doubtful())
}

/// The column with the surest name among those that fit.
fn best<'a>(
    columns: &'a [Column],
    words: &[&str],
    fits: impl Fn(&Column) -> bool,
) -> Option<&'a Column> {
    let named = columns.iter().filter(|c| fits(c)).filter_map(|c| Some((c.named(words)?, c)));
    named.min_by_key(|(place, _)| *place).map(|(_, column)| column)
}

/// Whether the name says that a column names rows or people.
pub(super) fn is_id(column: &Column) -> bool {
    column.named(&["id", "uuid", "guid", "key", "index"]).is_some()
        || column.name.ends_with("Id")
        || column.name.ends_with("ID")
}
