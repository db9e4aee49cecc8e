//! What is expected of an answer, as it stands in the columns.

use std::collections::{BTreeMap, HashMap};

use rightsize_providers::Fields;
use serde_json::{Value, json};

use super::column::{Column, text_of};
use super::{Decision, Kind, Subject};
use crate::sample::scalar;
use crate::tasks::{checks, classification};

/// Values that a table shows before it counts the rest.
const SHOWN: usize = 5;
/// From this number of labels on it is doubtful that they are labels.
const MANY: usize = 50;
/// The share of rows without an answer from which they are meant: one in twenty.
const MEANT: usize = 20;

/// What is expected.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One label of a list.
    Labels {
        /// The column.
        column: String,
        /// The labels with their numbers of rows, most frequent first.
        values: Vec<(String, usize)>,
        /// The spelling of a label that is kept, by the spellings that cannot be told from it.
        spelling: HashMap<String, String>,
    },
    /// Values of fields.
    Fields {
        /// The fields.
        fields: Vec<Field>,
        /// The column in which their values stand, where that is known.
        text: Option<String>,
        /// Names of the fields with the numbers of rows that have a value.
        values: Vec<(String, usize)>,
    },
    /// Places in a text.
    Spans {
        /// The column with the places.
        column: String,
        /// The column with the text.
        text: String,
        /// The types with their numbers of places, most frequent first.
        types: Vec<(String, usize)>,
    },
    /// A text or a number.
    Text {
        /// The column.
        column: String,
        /// For which kind.
        kind: Kind,
        /// Whether all answers are numbers, or solutions that end in one.
        numeric: bool,
        /// Whether rows without an answer are meant.
        unanswerable: bool,
    },
    /// What an answer must have.
    Checks {
        /// The column of which the others have the name with a number behind it.
        column: String,
        /// All columns with checks, and those that say more of them.
        columns: Vec<String>,
        /// The columns that stand before and behind the prompt.
        around: [Option<String>; 2],
    },
}

/// A field of an extraction.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Its name: the key in an answer.
    pub name: String,
    /// The column with its value.
    pub column: String,
    /// The word of its comparator.
    pub compare: &'static str,
}

impl Field {
    pub fn of(column: &Column, name: &str) -> Field {
        // The number of an invoice is no quantity.
        let words = ["number", "no", "nr", "id", "code", "zip", "phone", "iban", "bic", "vat"];
        let compare = if column.named(&words).is_some() {
            "exact"
        } else if column.is_date() {
            "date"
        } else if column.is_number() {
            "number"
        } else if column.most_words > 1 {
            "casefold"
        } else {
            "exact"
        };
        Field { name: name.to_owned(), column: column.name.clone(), compare }
    }
}

impl Target {
    pub fn labels(column: &str) -> Target {
        Target::Labels { column: column.to_owned(), values: Vec::new(), spelling: HashMap::new() }
    }

    pub fn text(name: &str, kind: Kind, column: &Column) -> Target {
        Target::Text {
            column: name.to_owned(),
            kind,
            numeric: column.is_number() || column.solutions == column.filled,
            unanswerable: false,
        }
    }

    /// Checks in the columns that begin with `name`, where there are any.
    pub fn checks(columns: &[Column], name: &str) -> Option<Target> {
        let all: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut found = checks::columns_of(name, &all);
        if found.is_empty() {
            return None;
        }
        let has = |name: &str| all.contains(&name).then(|| name.to_owned());
        found.extend(checks::BESIDE.into_iter().filter_map(has));
        let around = ["__prefix", "__suffix"].map(has);
        Some(Target::Checks { column: name.to_owned(), columns: found, around })
    }

    /// The columns with what is expected.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Target::Checks { columns, .. } => columns.iter().map(String::as_str).collect(),
            Target::Labels { column, .. }
            | Target::Spans { column, .. }
            | Target::Text { column, .. } => vec![column],
            Target::Fields { fields, .. } => fields.iter().map(|f| f.column.as_str()).collect(),
        }
    }

    /// The same in words.
    pub fn column(&self) -> String {
        self.columns().join(", ")
    }

    /// Why these columns.
    pub fn why(&self) -> String {
        match self {
            Target::Labels { .. } => "few short values that repeat",
            Target::Fields { .. } => "a field each",
            Target::Spans { .. } => "the only places of a text",
            Target::Text { .. } => "its name, and what it holds",
            Target::Checks { .. } => "its name, as promptfoo has it",
        }
        .to_owned()
    }

    /// Labels, fields or types with their counts.
    pub fn values(&self) -> &[(String, usize)] {
        match self {
            Target::Labels { values, .. } | Target::Fields { values, .. } => values,
            Target::Spans { types, .. } => types,
            Target::Text { .. } | Target::Checks { .. } => &[],
        }
    }

    /// Counts what is expected in all rows.
    pub fn look_at(
        &mut self,
        rows: &[Fields],
        train: Option<&[Fields]>,
        decisions: &mut Vec<Decision>,
    ) {
        let all = || rows.iter().chain(train.unwrap_or_default());
        let mut why = String::new();
        let mut doubtful = false;
        match self {
            Target::Labels { column, values, spelling } => {
                let labels = all().filter_map(|row| row.get(column).and_then(scalar));
                (*values, *spelling) = spellings(labels);
                let merged = spelling.iter().filter(|(from, to)| from != to).count();
                let rare = values.iter().filter(|(_, n)| *n < 5).count();
                if merged > 0 {
                    why =
                        format!("{merged} spellings that differ in case or white space are one; ");
                }
                if rare > 0 {
                    why.push_str(&format!("{rare} of them in fewer than 5 rows; "));
                }
                if values.len() > MANY {
                    why.push_str("so many that they may be no labels; ");
                }
                doubtful = values.len() > MANY || merged > 0;
            }
            Target::Fields { fields, values, .. } => {
                let has = |f: &Field| {
                    all().filter(|row| row.get(&f.column).and_then(scalar).is_some()).count()
                };
                *values = fields.iter().map(|f| (f.name.clone(), has(f))).collect();
            }
            Target::Spans { column, types, .. } => {
                let mut counts: HashMap<String, usize> = HashMap::new();
                for (_, _, label, _) in all().flat_map(|row| spans_of(row.get(&*column))) {
                    let count = counts.entry(label).or_default();
                    *count = count.saturating_add(1);
                }
                *types = most_frequent_first(counts);
            }
            Target::Text { column, kind, unanswerable, .. } => {
                let empty = rows.iter().filter(|row| is_empty(row.get(column))).count();
                *unanswerable = *kind == Kind::Faq
                    && empty.saturating_mul(MEANT) >= rows.len()
                    && rows.iter().all(|row| row.contains_key(column));
                if *unanswerable {
                    decisions.push(Decision {
                        subject: Subject::Values,
                        value: format!("{empty} of {} rows have no answer", rows.len()),
                        why: "so many that they seem meant: it is right to abstain there".into(),
                        doubtful: true,
                    });
                }
                return;
            }
            Target::Checks { .. } => return,
        }
        let values = self.values();
        let shown: Vec<String> =
            values.iter().take(SHOWN).map(|(value, n)| format!("{value} ({n})")).collect();
        let more = values.len().saturating_sub(SHOWN);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        decisions.push(Decision {
            subject: Subject::Values,
            value: shown.join(", ") + &rest,
            why: why + "counted in all rows",
            doubtful,
        });
    }

    /// Whether a row has what the task can compare with.
    pub fn fits(&self, row: &Fields) -> bool {
        match self {
            Target::Labels { column, .. } => {
                row.get(column).and_then(scalar).is_some_and(|label| !label.trim().is_empty())
            }
            Target::Fields { fields, .. } => {
                fields.iter().any(|f| row.get(&f.column).and_then(scalar).is_some())
            }
            Target::Spans { column, text, .. } => {
                let length = row.get(text).and_then(Value::as_str).map(|t| t.chars().count());
                let list = row.get(column).is_some_and(Value::is_array);
                let inside = |length| {
                    spans_of(row.get(column))
                        .iter()
                        .all(|(start, end, ..)| start < end && *end <= length)
                };
                list && length.is_some_and(inside)
            }
            Target::Text { column, unanswerable, kind, .. } => match kind {
                // ROUGE sees nothing else.
                Kind::Summarization => row
                    .get(column)
                    .and_then(text_of)
                    .is_some_and(|text| text.chars().any(|c| c.is_ascii_alphanumeric())),
                _ => *unanswerable || !is_empty(row.get(column)),
            },
            Target::Checks { column, columns, .. } => {
                columns.iter().any(|c| c.starts_with(column.as_str()) && !is_empty(row.get(c)))
            }
        }
    }

    /// What is expected in a row, by column, as the suite's task reads it.
    pub fn written(&self, row: &Fields) -> Fields {
        let value = |column: &String| row.get(column).cloned().unwrap_or(Value::Null);
        let mut written = Fields::new();
        match self {
            Target::Labels { column, spelling, .. } => {
                let label = row.get(column).and_then(scalar).unwrap_or_default();
                let kept = spelling.get(&label).cloned().unwrap_or(label);
                // A number stays one where its text is the label.
                let same = row.get(column).filter(|v| scalar(v).as_ref() == Some(&kept)).cloned();
                written.insert(column.clone(), same.unwrap_or(Value::String(kept)));
            }
            Target::Fields { fields, .. } => {
                for field in fields {
                    written.insert(field.column.clone(), value(&field.column));
                }
            }
            Target::Spans { column, .. } => {
                let spans = spans_of(row.get(column)).into_iter();
                let list = spans.map(|(start, end, label, _)| json!([start, end, label]));
                written.insert(column.clone(), list.collect());
            }
            Target::Text { column, .. } => {
                written.insert(column.clone(), value(column));
            }
            Target::Checks { columns, around, .. } => {
                let all = columns.iter().chain(around.iter().flatten());
                written.extend(all.map(|column| (column.clone(), value(column))));
            }
        }
        written
    }

    /// Characters of the expected answer of a row; of the longest one of several.
    pub fn length(&self, row: &Fields) -> usize {
        let longest = |value: &Value| match value {
            Value::Array(list) => {
                list.iter().filter_map(scalar).map(|text| text.chars().count()).max()
            }
            value => scalar(value).map(|text| text.chars().count()),
        };
        match self {
            Target::Fields { .. } | Target::Spans { .. } | Target::Checks { .. } => {
                Value::Object(self.written(row)).to_string().chars().count()
            }
            Target::Labels { column, .. } | Target::Text { column, .. } => {
                row.get(column).and_then(longest).unwrap_or(0)
            }
        }
    }

    /// What rows are kept apart by when they are split: the label, where there is one.
    pub fn stratum(&self, row: &Fields) -> String {
        match self {
            Target::Labels { .. } => {
                self.written(row).values().next().and_then(scalar).unwrap_or_default()
            }
            Target::Fields { .. }
            | Target::Spans { .. }
            | Target::Text { .. }
            | Target::Checks { .. } => String::new(),
        }
    }

    /// Whether a baseline could learn answers from other rows: some of them repeat.
    pub fn repeats(&self, rows: &[Fields]) -> bool {
        match self {
            Target::Labels { .. } => true,
            Target::Spans { .. } | Target::Checks { .. } => false,
            Target::Text { kind: Kind::Summarization | Kind::Reasoning, .. } => false,
            Target::Text { .. } | Target::Fields { .. } => {
                let answers: BTreeMap<String, ()> = rows
                    .iter()
                    .map(|row| (Value::Object(self.written(row)).to_string(), ()))
                    .collect();
                answers.len().saturating_mul(2) <= rows.len()
            }
        }
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(list)) => list.is_empty(),
        Some(value) => scalar(value).is_none_or(|text| text.trim().is_empty()),
        None => true,
    }
}

/// Labels with their counts, and the commonest spelling of each.
fn spellings(
    labels: impl Iterator<Item = String>,
) -> (Vec<(String, usize)>, HashMap<String, String>) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for label in labels {
        let count = counts.entry(label).or_default();
        *count = count.saturating_add(1);
    }
    let mut kept: HashMap<String, String> = HashMap::new();
    let mut spelling = HashMap::new();
    let mut totals: HashMap<String, usize> = HashMap::new();
    for (label, n) in most_frequent_first(counts) {
        let trimmed = label.trim();
        if trimmed.is_empty() {
            continue;
        }
        let key = classification::key(trimmed);
        let kept = kept.entry(key).or_insert_with(|| trimmed.to_owned());
        let total = totals.entry(kept.clone()).or_default();
        *total = total.saturating_add(n);
        spelling.insert(label, kept.clone());
    }
    (most_frequent_first(totals), spelling)
}

fn most_frequent_first(counts: HashMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    counts
}

/// A place: its start, its end, its type and, where it says so, the text there.
type Place = (usize, usize, String, Option<String>);

/// The places in a list of them; others are left out.
fn spans_of(value: Option<&Value>) -> Vec<Place> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(place).collect()
}

fn place(value: &Value) -> Option<Place> {
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    if let Some([start, end, label]) = value.as_array().map(Vec::as_slice) {
        return Some((number(start)?, number(end)?, label.as_str()?.to_owned(), None));
    }
    let get = |keys: &[&str]| keys.iter().find_map(|key| value.get(key));
    let label = get(&["entity_type", "type", "label", "entity", "tag"])?.as_str()?.to_owned();
    Some((
        number(get(&["start_position", "start", "begin", "start_offset"])?)?,
        number(get(&["end_position", "end", "stop", "end_offset"])?)?,
        label,
        get(&["entity_value", "text", "value"]).and_then(Value::as_str).map(str::to_owned),
    ))
}

/// The places that a column holds, with the column of the text in which they lie.
pub(super) fn spans_in(rows: &[Fields], column: &str) -> Option<Target> {
    const LOOKED_AT: usize = 200;
    let with: Vec<(&Fields, Vec<Place>)> = rows
        .iter()
        .take(LOOKED_AT)
        .map(|row| (row, spans_of(row.get(column))))
        .filter(|(_, spans)| !spans.is_empty())
        .collect();
    let all = |row: &Fields| row.get(column).and_then(Value::as_array).map_or(0, Vec::len);
    let (first, _) = with.first()?;
    if with.iter().any(|(row, spans)| all(row) != spans.len()) {
        return None;
    }
    // The text is the column in which most places lie and hold what they say they hold.
    let lies = |row: &Fields, name: &str, (start, end, _, says): &Place| {
        let text = row.get(name).and_then(Value::as_str).unwrap_or_default();
        let there: String = text.chars().skip(*start).take(end.saturating_sub(*start)).collect();
        there.chars().count() == end.saturating_sub(*start)
            && says.as_ref().is_none_or(|says| *says == there)
    };
    let score = |name: &str| {
        let places = with.iter().flat_map(|(row, spans)| spans.iter().map(move |s| (row, s)));
        places.filter(|(row, span)| lies(row, name, span)).count()
    };
    let texts = first.iter().filter(|(_, value)| value.is_string());
    let scored = texts.map(|(name, _)| (score(name), name)).filter(|(score, _)| *score > 0);
    // The first of equally good ones.
    let (_, text) = scored.rev().max_by_key(|(score, _)| *score)?;
    Some(Target::Spans { column: column.to_owned(), text: text.clone(), types: Vec::new() })
}
