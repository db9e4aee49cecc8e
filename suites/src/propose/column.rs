//! What a column holds, counted over all rows.

use std::collections::HashMap;

use jiff::civil::Date;
use rightsize_providers::Fields;
use serde_json::Value;

use crate::sample::scalar;

/// A column and what was counted in it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// Rows of the file.
    pub rows: usize,
    /// Rows in which it has a value: neither null nor empty text.
    pub filled: usize,
    /// Rows in which the value is text, a number or a truth value.
    pub scalars: usize,
    /// Rows in which it is a list of texts.
    pub lists: usize,
    /// Different scalar values.
    pub distinct: usize,
    /// Mean length of a filled value, in characters.
    pub mean_chars: usize,
    /// Most words in a value.
    pub most_words: usize,
    /// Values that are numbers, also as text.
    pub numbers: usize,
    /// Values that are days, written as year, month, day.
    pub dates: usize,
    /// Values that end in `#### 42`.
    pub solutions: usize,
}

impl Column {
    /// All columns of the rows, in the order of their first occurrence.
    pub fn of(rows: &[Fields]) -> Vec<Column> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut counts: Vec<(Column, HashMap<String, ()>, usize)> = Vec::new();
        for (name, value) in rows.iter().flatten() {
            let place = *places.entry(name).or_insert_with(|| {
                counts.push((Column::empty(name, rows.len()), HashMap::new(), 0));
                counts.len().saturating_sub(1)
            });
            if let Some((column, seen, chars)) = counts.get_mut(place) {
                column.add(value, seen, chars);
            }
        }
        let finish = |(column, seen, chars): (Column, HashMap<String, ()>, usize)| Column {
            distinct: seen.len(),
            mean_chars: chars.checked_div(column.filled).unwrap_or(0),
            ..column
        };
        counts.into_iter().map(finish).collect()
    }

    fn empty(name: &str, rows: usize) -> Column {
        Column {
            name: name.to_owned(),
            rows,
            filled: 0,
            scalars: 0,
            lists: 0,
            distinct: 0,
            mean_chars: 0,
            most_words: 0,
            numbers: 0,
            dates: 0,
            solutions: 0,
        }
    }

    fn add(&mut self, value: &Value, seen: &mut HashMap<String, ()>, chars: &mut usize) {
        let count = |counter: &mut usize, holds: bool| {
            *counter = counter.saturating_add(usize::from(holds));
        };
        let text = text_of(value);
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            // An empty list is a value where other rows have lists.
            count(&mut self.lists, value.is_array());
            return;
        };
        count(&mut self.filled, true);
        count(&mut self.lists, value.is_array());
        *chars = chars.saturating_add(text.chars().count());
        self.most_words = self.most_words.max(text.split_whitespace().count());
        if let Some(text) = scalar(value) {
            count(&mut self.scalars, true);
            count(&mut self.numbers, is_number(value));
            count(&mut self.dates, text.trim().parse::<Date>().is_ok());
            count(&mut self.solutions, is_solution(&text));
            seen.insert(text, ());
        }
    }

    /// Whether nearly every row has a value.
    pub fn is_filled(&self) -> bool {
        self.filled.saturating_mul(10) >= self.rows.saturating_mul(9) && self.filled > 0
    }

    /// Whether every value is a scalar.
    pub fn is_scalar(&self) -> bool {
        self.scalars == self.filled && self.filled > 0
    }

    /// Whether it holds texts of several words, or lists of texts.
    pub fn is_text(&self) -> bool {
        let prose = self.scalars > 0 && self.most_words >= 4 && self.mean_chars >= 12;
        let of_texts = self.lists > 0 && self.scalars == 0 && self.filled > 0;
        (prose || of_texts) && !self.is_number() && !self.is_metadata()
    }

    /// Whether every value is a number.
    pub fn is_number(&self) -> bool {
        self.filled > 0 && self.numbers == self.filled
    }

    /// Whether every value is a day.
    pub fn is_date(&self) -> bool {
        self.filled > 0 && self.dates == self.filled
    }

    /// Whether it has few short values in relation to its rows.
    pub fn has_few_values(&self, most: usize) -> bool {
        let repeats = self.distinct.saturating_mul(2) <= self.filled;
        self.is_scalar() && (2..=most).contains(&self.distinct) && repeats && self.mean_chars <= 60
    }

    /// Whether no two rows share a value.
    pub fn is_unique(&self) -> bool {
        self.is_scalar() && self.filled == self.rows && self.distinct == self.rows
    }

    /// Whether its name is one of these words, or ends in one behind `.`, `_`, `-` or a space.
    /// Case makes no difference. Gives the place in the list, the first being the surest.
    pub fn named(&self, words: &[&str]) -> Option<usize> {
        let name = self.name.to_lowercase();
        let ends = |word: &str| {
            name.strip_suffix(word)
                .is_some_and(|head| head.is_empty() || head.ends_with(['.', '_', '-', ' ']))
        };
        words.iter().position(|word| ends(word))
    }

    /// Whether it says to which split a row belongs.
    pub fn names_splits(&self) -> bool {
        self.named(&["split", "subset", "fold"]) == Some(0)
            && self.has_few_values(5)
            && self.name.len() <= 12
    }

    /// Whether its name says that it tells of the row and is no part of the question: links, times,
    /// other people's scores. Names in underscores are what other tools use for themselves.
    pub fn is_metadata(&self) -> bool {
        const WORDS: [&str; 14] = [
            "url",
            "link",
            "href",
            "html",
            "timestamp",
            "created_at",
            "updated_at",
            "created",
            "last_update",
            "author",
            "score",
            "scores",
            "is_correct",
            "masked",
        ];
        self.name.starts_with("__") || self.named(&WORDS).is_some() || self.names_splits()
    }
}

/// A value as text: a scalar, or the texts of a list one after the other.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            (texts.len() == list.len() && !texts.is_empty()).then(|| texts.join(" "))
        }
        other => scalar(other),
    }
}

/// A number, or text that is nothing but one.
pub(super) fn is_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            text.trim().replace(',', "").parse::<f64>().is_ok_and(f64::is_finite)
        }
        _ => false,
    }
}

fn is_solution(text: &str) -> bool {
    let last = text.trim_end().lines().next_back().unwrap_or_default();
    last.trim_start().strip_prefix("#### ").is_some_and(|answer| !answer.trim().is_empty())
}
