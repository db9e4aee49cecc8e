//! Final answers: the last number of a text, and when two answers are the same.

/// The last number of a text, without `$` and without marks after it; `None` where there is none.
///
/// It is the last match of `-?[$0-9.,]{2,}|-?[0-9]+`, the *flexible-extract* of lm-evaluation-harness
/// for GSM8K, with two differences: a match without a digit is passed over, because texts end with
/// `...`; and the dash of `10-15` or `gpt-4` is no minus.
pub fn last_number(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '$' | '.' | ',');
    let last = text.rfind(|c: char| c.is_ascii_digit())?;
    let (head, tail) = text.split_at(last);
    let before = head.trim_end_matches(is_part);
    let digits = head.strip_prefix(before)?;
    let after = tail.split(|c| !is_part(c)).next()?;
    let number = format!("{digits}{after}").replace('$', "");
    let number = number.trim_start_matches(',').trim_end_matches(['.', ',']);
    let minus = before
        .strip_suffix('-')
        .is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()));
    Some(if minus { format!("-{number}") } else { number.to_owned() })
}

/// Whether two answers are the same: as numbers where both are numbers (`1,000` and `$1000.00`), else
/// as texts without white space around them.
pub fn same(a: &str, b: &str) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.trim() == b.trim(),
    }
}

/// The normal form of a number: no `$`, no commas between thousands, no zeros that say nothing, no
/// period at its end. Digits are compared, so that no number is too long. `None` for other texts.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    let text = text.strip_prefix('$').unwrap_or(text);
    let (minus, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix('$').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = without_commas(whole)?;
    let is_digit = |c: char| c.is_ascii_digit();
    if !(whole.chars().chain(fraction.chars()).all(is_digit) && text.contains(is_digit)) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let zero = whole.is_empty() && fraction.is_empty();
    Some(format!("{}{whole}.{fraction}", if minus && !zero { "-" } else { "" }))
}

/// Digits without the commas between thousands; `None` where a comma stands elsewhere, as in `1,2`.
fn without_commas(digits: &str) -> Option<String> {
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or_default();
    let mut whole = first.to_owned();
    for group in groups {
        if group.len() != 3 || !(1..=3).contains(&first.len()) {
            return None;
        }
        whole.push_str(group);
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_number_of_a_text() {
        for (text, number) in [
            ("She has 3 and 4, so 7.", "7"),
            ("It costs $1,234.50.", "1234.50"),
            ("= -5", "-5"),
            ("-$5", "-5"),
            ("$-5", "-5"),
            ("10-5=5", "5"),
            ("between 10-15", "15"),
            ("I think 12 ...", "12"),
            (".5", "0.5"),
            ("1, 2, 3", "3"),
            ("7\u{661}", "7"),
        ] {
            let found = last_number(text).unwrap();
            assert!(same(&found, number), "{text}: {found}");
        }
        for text in ["", "none", "...", "$", "-"] {
            assert_eq!(last_number(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        for (a, b) in [
            ("1,000", "1000"),
            ("42.0", "42"),
            ("$5", "5.00"),
            ("007", "7"),
            ("-0", "0.0"),
            ("+3", "3"),
            ("18.", "18"),
            (".5", "0.50"),
            ("-$1,234,567.10", "-1234567.1"),
            ("123456789012345678901", "123,456,789,012,345,678,901.0"),
            (" Paris ", "Paris"),
            ("1e3", "1e3"),
        ] {
            assert!(same(a, b), "{a} = {b}");
        }
        for (a, b) in [
            ("1,2", "12"),
            ("1000,000", "1000000"),
            ("-1", "1"),
            ("123456789012345678901", "123456789012345678902"),
            ("paris", "Paris"),
            ("5 km", "5"),
            ("1.2.3", "1.23"),
            ("", "0"),
            (".", "0"),
            ("5%", "5"),
        ] {
            assert!(!same(a, b), "{a} is not {b}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_found_behind_any_words(words in "[ a-z.,]{0,20}", n in -1_000_000i64..1_000_000) {
            let found = last_number(&format!("{words} {n}"));
            prop_assert!(same(&found.unwrap(), &n.to_string()));
        }
    }
}
