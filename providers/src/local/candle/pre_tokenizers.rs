//! How a text is cut before its bytes are merged: one entry for each name in `tokenizer.ggml.pre`.
//!
//! The expressions are those of `llm_tokenizer_bpe` in llama.cpp's `src/llama-vocab.cpp`, applied in
//! turn: each cuts what the ones before it have left. A name that is not here is an error, because
//! the wrong expression gives a model other tokens than those it was trained on, silently.

/// How one family of vocabularies cuts a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cutting {
    /// The expressions, in the order of their use.
    pub(super) expressions: &'static [&'static str],
    /// A piece that is a token as it stands is not merged from its bytes.
    pub(super) ignore_merges: bool,
    /// Whether a prompt begins with the BOS token where the file does not say.
    pub(super) add_bos: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TINY_AYA: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Digits by three from the right; llama.cpp does this by hand for `\d{1,3}(?=(?:\d{3})*\b)`.
const DIGITS_BY_THREE: &str = r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))";

/// The names that are known, each with its cutting.
const KNOWN: &[(&[&str], Cutting)] = &[
    (
        &["gpt-2", "phi-2", "mpt", "olmo", "exaone4", "a.x-4.0", "mellum", "gigachat"],
        Cutting { expressions: &[GPT2], ignore_merges: false, add_bos: false },
    ),
    (
        &[
            "smollm",
            "starcoder",
            "refact",
            "command-r",
            "codeshell",
            "exaone",
            "minerva-7b",
            "mellum2",
        ],
        Cutting { expressions: &[r"\p{N}", GPT2], ignore_merges: false, add_bos: false },
    ),
    (
        &["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
        Cutting { expressions: &[LLAMA3], ignore_merges: true, add_bos: true },
    ),
    (
        &["dbrx", "smaug-bpe"],
        Cutting { expressions: &[LLAMA3], ignore_merges: false, add_bos: false },
    ),
    (
        &["qwen2", "deepseek-r1-qwen", "kormo", "stablelm2", "megrez", "hunyuan", "solar-open"],
        Cutting { expressions: &[QWEN2], ignore_merges: false, add_bos: false },
    ),
    (&["tekken"], Cutting { expressions: &[TEKKEN], ignore_merges: true, add_bos: true }),
    (
        &["gpt-4o", "llama4", "kanana2"],
        Cutting { expressions: &[GPT4O], ignore_merges: false, add_bos: false },
    ),
    (
        &["tiny_aya", "cohere2moe"],
        Cutting { expressions: &[DIGITS_BY_THREE, TINY_AYA], ignore_merges: false, add_bos: false },
    ),
];

/// The cutting of a name, if it is known.
pub(super) fn cutting(name: &str) -> Option<&'static Cutting> {
    KNOWN.iter().find(|(names, _)| names.contains(&name)).map(|(_, cutting)| cutting)
}

/// All known names, in order.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = KNOWN.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let mut once = names();
        once.dedup();
        assert_eq!(once, names());
        assert_eq!(cutting("smollm").unwrap().expressions.len(), 2);
        assert_eq!(cutting("something-new"), None);
    }
}
