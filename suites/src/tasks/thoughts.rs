//! What a model thinks aloud before it answers: `<think>…</think>`.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The text without its blocks of thought; `None` where it ends inside one.
pub(super) fn removed(text: &str) -> Option<String> {
    // Some chat templates open the first block at the end of the prompt.
    let mut rest = match text.split_once(CLOSE) {
        Some((thought, after)) if !thought.contains(OPEN) => after,
        _ => text,
    };
    let mut said = String::with_capacity(rest.len());
    while let Some((before, block)) = rest.split_once(OPEN) {
        said.push_str(before);
        (_, rest) = block.split_once(CLOSE)?;
    }
    said.push_str(rest);
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_removed() {
        for (text, said) in [
            ("42", Some("42")),
            ("<think>6 x 7</think>42", Some("42")),
            ("a<think>1</think>b<think>2</think>c", Some("abc")),
            ("it was opened in the prompt: 7</think>42", Some("42")),
            ("<think>7", None),
            ("41<think>7</think>42<think>", None),
            ("", Some("")),
        ] {
            assert_eq!(removed(text).as_deref(), said, "{text}");
        }
    }
}
