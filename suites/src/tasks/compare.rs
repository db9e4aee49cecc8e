//! Comparators: when a value that was read equals the expected one.

use jiff::civil::Date;
use serde_json::Value;

use super::money::Money;
use crate::metrics::edit_distance::levenshtein_similarity_is_at_least;

/// How two values of a field are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Compare {
    /// The same text, but for white space around it.
    Exact,
    /// The same text, but for case and for white space.
    Casefold,
    /// Nearly the same text: the normalised Levenshtein similarity, after case and white space as in
    /// [`Compare::Casefold`], is at least a threshold.
    Fuzzy {
        /// Smallest similarity, in (0, 1].
        threshold: f64,
    },
    /// The same number, within an absolute tolerance. In text, numbers
    /// may be written as people do: `1,234.50`, `1.234,50 EUR`.
    Number {
        /// Largest difference, ≥ 0.
        tolerance: f64,
    },
    /// The same sum of money: the amount within an absolute tolerance, and the currency where both
    /// name one. See `money.rs`.
    Money {
        /// Largest difference of the amounts, ≥ 0.
        tolerance: f64,
    },
    /// The same day. `2026-01-31`, `2026/01/31`, `31.01.2026`, `31 January 2026` and `January 31, 2026`
    /// are read; `01/02/2026` is not, because half of the world reads it differently.
    Date,
    /// One of a list of values, compared like [`Compare::Casefold`].
    Enum {
        /// The list.
        values: Vec<String>,
    },
}

/// A value as its comparator sees it: made once, so that it can be compared with many.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparable {
    Text(String),
    Number(f64),
    Money(Money),
    Day(Date),
}

impl Compare {
    /// Whether an answer's value is the expected one. Neither is null.
    pub fn equal(&self, read: &Value, expected: &Value) -> bool {
        let both = self.comparable(read).zip(self.comparable(expected));
        both.is_some_and(|(read, expected)| self.same(&read, &expected))
    }

    /// The value for this comparator; `None` where it is none of its kind, and equal to nothing.
    pub(super) fn comparable(&self, value: &Value) -> Option<Comparable> {
        match self {
            Compare::Exact => text(value).map(Comparable::Text),
            Compare::Casefold | Compare::Fuzzy { .. } | Compare::Enum { .. } => {
                let folded = text(value)?.to_lowercase();
                let words: Vec<&str> = folded.split_whitespace().collect();
                Some(Comparable::Text(words.join(" ")))
            }
            Compare::Number { .. } => number(value).map(Comparable::Number),
            Compare::Money { .. } => Money::of(value).map(Comparable::Money),
            Compare::Date => date(value).map(Comparable::Day),
        }
    }

    /// [`Compare::equal`] of values that were made for this comparator.
    pub(super) fn same(&self, read: &Comparable, expected: &Comparable) -> bool {
        match (self, read, expected) {
            (Compare::Fuzzy { threshold }, Comparable::Text(r), Comparable::Text(e)) => {
                levenshtein_similarity_is_at_least(r, e, *threshold)
            }
            (Compare::Number { tolerance }, Comparable::Number(r), Comparable::Number(e)) => {
                within(*r, *e, *tolerance)
            }
            (Compare::Money { tolerance }, Comparable::Money(r), Comparable::Money(e)) => {
                r.same(e, *tolerance)
            }
            (_, read, expected) => read == expected,
        }
    }

    /// Why a value cannot be an expected one, if it cannot.
    pub(crate) fn objects_to(&self, expected: &Value) -> Option<String> {
        if !matches!(expected, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
            let kind = if expected.is_array() { "a list" } else { "an object" };
            return Some(format!(
                "{kind} is no single value; lists are declared by the key `list`"
            ));
        }
        match self {
            Compare::Number { .. } if number(expected).is_none() => {
                Some(format!("{expected} is no number"))
            }
            Compare::Money { .. } if Money::of(expected).is_none() => {
                Some(format!("{expected} is no sum of money such as 1,234.50 EUR"))
            }
            Compare::Date if date(expected).is_none() => {
                Some(format!("{expected} is no date such as 2026-01-31"))
            }
            Compare::Enum { values }
                if !values.iter().any(|v| self.equal(&v.as_str().into(), expected)) =>
            {
                Some(format!(
                    "{expected} is none of the values {}",
                    crate::problem::listed(values.iter().map(String::as_str))
                ))
            }
            _ => None,
        }
    }

    /// The JSON Schema of a value, null included.
    pub(super) fn schema(&self) -> Value {
        match self {
            Compare::Exact | Compare::Casefold | Compare::Fuzzy { .. } => {
                serde_json::json!({"type": ["string", "null"]})
            }
            Compare::Number { .. } => serde_json::json!({"type": ["number", "null"]}),
            Compare::Money { .. } => serde_json::json!({"type": ["string", "number", "null"]}),
            Compare::Date => serde_json::json!({
                "type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
            }),
            Compare::Enum { values } => {
                let all: Vec<Value> =
                    values.iter().map(|v| v.as_str().into()).chain([Value::Null]).collect();
                serde_json::json!({"enum": all})
            }
        }
    }

    /// Whether a value is of the schema's type.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Compare::Number { .. } | Compare::Money { .. }, Value::Number(_)) => true,
            (
                Compare::Exact | Compare::Casefold | Compare::Fuzzy { .. } | Compare::Money { .. },
                Value::String(_),
            ) => true,
            (Compare::Date, Value::String(text)) => {
                text.len() == 10 && text.parse::<Date>().is_ok()
            }
            (Compare::Enum { values }, Value::String(text)) => values.contains(text),
            _ => false,
        }
    }
}

/// Whether two numbers differ by at most `tolerance`.
pub(super) fn within(read: f64, expected: f64, tolerance: f64) -> bool {
    // The slack lets 778.005 be within 0.005 of 778, as it is in decimal arithmetic.
    (read - expected).abs() <= tolerance + 1e-12 * expected.abs().max(1.0)
}

/// A scalar as text, without white space around it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, also one in text as people write it: `1,234.50`, `1.234,50 EUR`, `€ 12`, `1'234.5`.
///
/// Letters, currency signs and spaces around it are dropped. Of `.` and `,` the later one is the
/// decimal mark if both occur. Alone, a mark that occurs twice, or a comma before exactly three last
/// digits, groups thousands; else it is the decimal mark (`1.234` is one and a bit, `1,234` is not).
fn number(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text,
        _ => return None,
    };
    let outside = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '\''));
    let body = text.trim_matches(outside).trim_end_matches(['.', ',', '-']);
    let (sign, body) = match body.strip_prefix('-') {
        Some(rest) => (-1.0, rest.trim_start_matches(outside)),
        None => (1.0, body.strip_prefix('+').unwrap_or(body)),
    };
    let (decimal, thousands): (Option<char>, Option<char>) =
        match (body.rfind('.'), body.rfind(',')) {
            (Some(dot), Some(comma)) if dot > comma => (Some('.'), Some(',')),
            (Some(_), Some(_)) => (Some(','), Some('.')),
            (Some(_), None) if body.matches('.').count() > 1 => (None, Some('.')),
            (Some(_), None) => (Some('.'), None),
            (None, Some(comma)) => {
                let three_last = body.len().saturating_sub(comma) == 4;
                if body.matches(',').count() > 1 || three_last {
                    (None, Some(','))
                } else {
                    (Some(','), None)
                }
            }
            (None, None) => (None, None),
        };
    let mut plain = String::with_capacity(body.len());
    for c in body.chars() {
        match c {
            _ if c.is_ascii_digit() => plain.push(c),
            _ if Some(c) == decimal => plain.push('.'),
            _ if Some(c) == thousands => {}
            '\'' | ' ' | '\u{a0}' | '\u{202f}' => {}
            _ => return None,
        }
    }
    let digits = plain.chars().any(|c| c.is_ascii_digit());
    digits.then(|| plain.parse::<f64>().ok()).flatten().map(|n| sign * n).filter(|n| n.is_finite())
}

/// A day: `2026-01-31` (also with a time after it), `2026/01/31`, `31.01.2026`, `31 January 2026`,
/// `31 Jan 2026`, `January 31, 2026`. `01/02/2026` is none: half of the world reads it differently.
fn date(value: &Value) -> Option<Date> {
    const FORMATS: [&str; 7] =
        ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y"];
    let text = value.as_str()?.trim();
    let day = match text.get(..10) {
        Some(day) if text.get(10..11).is_some_and(|c| c == "T" || c == " ") => day,
        _ => text,
    };
    let parse = |text: &str| FORMATS.iter().find_map(|format| Date::strptime(format, text).ok());
    parse(day).or_else(|| parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, expected) in [
            ("778", 778.0),
            ("1,234.50", 1234.5),
            ("1.234,50", 1234.5),
            ("1.234.567", 1_234_567.0),
            ("1,234", 1234.0),
            ("1,23", 1.23),
            ("1.234", 1.234),
            ("€ 12.10", 12.1),
            ("12,106.20 EUR", 12106.2),
            ("USD 30.90", 30.9),
            ("1'234.5", 1234.5),
            ("1 234,5", 1234.5),
            ("-5", -5.0),
            ("-€5", -5.0),
            ("50.-", 50.0),
            ("+3", 3.0),
        ] {
            assert_eq!(number(&json!(text)), Some(expected), "{text}");
        }
        for text in ["", "EUR", "-", ".", "twelve", "3 of 4 x 5", "1e5", "1-2"] {
            assert_eq!(number(&json!(text)), None, "{text}");
        }
        assert_eq!(number(&json!(null)), None);
        assert_eq!(number(&json!(1e3)), Some(1000.0));
    }

    #[test]
    fn a_tolerance_is_inclusive() {
        let compare = Compare::Number { tolerance: 0.005 };
        assert!(compare.equal(&json!(778.005), &json!(778.0)));
        assert!(!compare.equal(&json!(778.006), &json!(778.0)));
        assert!(compare.equal(&json!("778,00 €"), &json!(778.0)));
        assert!(!compare.equal(&json!(null), &json!(0)));
    }

    #[test]
    fn dates_in_many_ways() {
        let day = json!("2022-01-24");
        for text in [
            "2022-01-24",
            "2022-01-24T10:00:00Z",
            "2022-01-24 10:00",
            "2022/01/24",
            "24.01.2022",
            "24 January 2022",
            "24 Jan 2022",
            "January 24, 2022",
            " 2022-01-24 ",
        ] {
            assert!(Compare::Date.equal(&json!(text), &day), "{text}");
        }
        for text in ["24/01/2022", "2022-02-30", "2022", "", "today", "2022-01-25"] {
            assert!(!Compare::Date.equal(&json!(text), &day), "{text}");
        }
    }

    #[test]
    fn nearly_the_same_text() {
        let compare = Compare::Fuzzy { threshold: 0.9 };
        // One edit of ten characters is inside, of nine outside.
        assert!(compare.equal(&json!("Widgets XL"), &json!("widgets  xm")));
        assert!(!compare.equal(&json!("Widgets X"), &json!("Widgets Y")));
        let same = Compare::Fuzzy { threshold: 1.0 };
        assert!(same.equal(&json!(" A b"), &json!("a B")) && !same.equal(&json!("a"), &json!("b")));
        let loose = Compare::Fuzzy { threshold: 0.01 };
        let (long, short) = ("x".repeat(1_000_000), "abc");
        assert!(!loose.equal(&json!(long), &json!(short)), "lengths alone decide");
    }

    #[test]
    fn text_exactly_and_in_any_case() {
        assert!(Compare::Exact.equal(&json!(" A-1 "), &json!("A-1")));
        assert!(Compare::Exact.equal(&json!(17), &json!("17")));
        assert!(!Compare::Exact.equal(&json!("a-1"), &json!("A-1")));
        assert!(Compare::Casefold.equal(&json!("fitath  INC."), &json!("Fitath Inc.")));
        assert!(!Compare::Casefold.equal(&json!("Fitath"), &json!("Fitath Inc.")));
        assert!(!Compare::Exact.equal(&json!(["A-1"]), &json!("A-1")));
    }
}
