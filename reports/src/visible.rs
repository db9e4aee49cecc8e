//! Text that others wrote, made harmless to look at: what a reader cannot see is shown as a token.
//!
//! Control characters can drive a terminal, bidirectional ones can show a line in another order
//! than it was written, zero-width ones can hide in a name.

use std::borrow::Cow;

/// `text` with control, bidirectional and zero-width characters as `⟨U+202E⟩`. Line breaks and
/// tabs stay.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.chars().any(hidden) { Cow::Owned(replace(text, hidden)) } else { Cow::Borrowed(text) }
}

/// The same for one line: line breaks and tabs become tokens too.
pub fn line(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| hidden(c) || matches!(c, '\n' | '\t');
    if text.chars().any(hidden) { Cow::Owned(replace(text, hidden)) } else { Cow::Borrowed(text) }
}

/// The first `most` characters of `text`, with a word on how much was left out.
pub fn capped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((cut, _)) => {
            let (kept, left) = text.split_at(cut);
            Cow::Owned(format!("{kept} … ({} more characters)", left.chars().count()))
        }
    }
}

fn replace(text: &str, hidden: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

fn hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_hides() {
        assert_eq!(text("a\u{202e}b\u{1b}[31m\n"), "a⟨U+202E⟩b⟨U+001B⟩[31m\n");
        assert_eq!(line("a\nb"), "a⟨U+000A⟩b");
        assert!(matches!(text("plain ü 中"), Cow::Borrowed(_)));
    }

    #[test]
    fn caps_by_characters() {
        assert_eq!(capped("äöü", 3), "äöü");
        assert_eq!(capped("äöüß", 3), "äöü … (1 more characters)");
    }
}
