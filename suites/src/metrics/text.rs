//! Text as the reference implementations see it, which are written in Python, and the rules for
//! Western text that the tokenizers of BLEU and TER share.

use std::collections::HashMap;
use std::hash::Hash;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// White space of Python's `str.split`: Unicode's, and the four information separators.
pub(super) fn is_white(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Word characters of Python's `re`: letters, numbers and `_`. Neither combining marks nor circled
/// letters, which Rust's `char::is_alphanumeric` and regular expressions take for words (UTS #18).
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
    )
}

/// The words of Python's `str.split()`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white).filter(|word| !word.is_empty())
}

/// The items of both sequences as numbers, equal where the items are.
pub(super) fn numbered<T: Hash + Eq>(a: &[T], b: &[T]) -> (Vec<u64>, Vec<u64>) {
    let mut known: HashMap<&T, u64> = HashMap::new();
    for item in a.iter().chain(b) {
        let next = known.len() as u64;
        known.entry(item).or_insert(next);
    }
    let numbers = |items: &[T]| items.iter().filter_map(|item| known.get(item).copied()).collect();
    (numbers(a), numbers(b))
}

/// A space before and after every character that passes.
pub(super) fn surround(text: &str, passes: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if passes(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Replaces pairs of adjacent characters, from the left and without overlap, as `re.sub` does.
pub(super) fn replace_pairs(
    text: &str,
    replacement: impl Fn(char, char) -> Option<[char; 4]>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(first) = rest.next() {
        match rest.clone().next().and_then(|second| replacement(first, second)) {
            Some(replaced) => {
                out.extend(replaced);
                rest.next();
            }
            None => out.push(first),
        }
    }
    out
}

/// Undoes the four XML escapes, in the order of the references: `&amp;lt;` becomes `<`.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

/// Separates ASCII punctuation other than `'`, `,`, `-` and `.` (mteval-v13a).
pub(super) fn separate_punctuation(text: &str) -> String {
    surround(text, |c| matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/'))
}

/// Separates periods and commas that are not within a number, and the dash after a digit
/// (mteval-v13a).
pub(super) fn separate_points(text: &str) -> String {
    let point = |c: char| matches!(c, '.' | ',');
    let digit = |c: char| c.is_ascii_digit();
    let text = replace_pairs(text, |a, b| (!digit(a) && point(b)).then_some([a, ' ', b, ' ']));
    let text = replace_pairs(&text, |a, b| (point(a) && !digit(b)).then_some([' ', a, ' ', b]));
    replace_pairs(&text, |a, b| (digit(a) && b == '-').then_some([a, ' ', b, ' ']))
}
