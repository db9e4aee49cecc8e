//! Texts to tokens and back: from a GGUF's metadata, or from a folder's `tokenizer.json`.
//!
//! A GGUF holds a vocabulary, not a tokenizer; what its two usual kinds mean is written in
//! llama.cpp's `src/llama-vocab.cpp`, and the two engines must agree on every token.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer,
};

use super::pre_tokenizers;
use crate::local::chat_template::SpecialTokens;
use crate::local::gguf::Header;

/// Texts of tokens that end an answer wherever a vocabulary has them (`special_eog_ids` of
/// llama.cpp), whatever else the file names as its end.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "[PAD]",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
];

/// Kinds of tokens in `tokenizer.ggml.token_type`.
const UNKNOWN: f64 = 2.0;
const CONTROL: f64 = 3.0;
const USER_DEFINED: f64 = 4.0;

/// How the text of a token spells the bytes that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// GPT-2: each byte is a printable character.
    ByteLevel,
    /// SentencePiece: `▁` is a space, `<0x0A>` a byte.
    SentencePiece,
}

/// A vocabulary, ready to use. Errors are sentences that say what is wrong with the model.
pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    /// What the texts of its tokens stand for.
    spelling: Spelling,
    /// Written before a prompt that does not begin with it already.
    leading: Option<u32>,
    ends: BTreeSet<u32>,
    /// What a chat template may name.
    pub(super) special: SpecialTokens,
}

impl Vocabulary {
    /// The vocabulary of a GGUF file.
    pub(super) fn of_gguf(header: &Header) -> Result<Vocabulary, String> {
        let list = header
            .texts("tokenizer.ggml.tokens")
            .ok_or("it has no `tokenizer.ggml.tokens`, so no text can be turned into tokens")?;
        let mut ids = Vocab::new();
        for (id, token) in list.iter().enumerate() {
            ids.insert(token.clone(), u32::try_from(id).map_err(|_| "it has too many tokens")?);
        }
        let ends = ends_of_gguf(header, &ids);
        let (mut tokenizer, spelling, adds_bos) = match header.text("tokenizer.ggml.model") {
            Some("gpt2") => {
                let (tokenizer, adds_bos) = byte_pairs(header, ids)?;
                (tokenizer, Spelling::ByteLevel, adds_bos)
            }
            Some("llama") => (sentence_pieces(header, list, ids)?, Spelling::SentencePiece, true),
            other => {
                return Err(format!(
                    "its tokenizer is of kind `{}`; candle reads `gpt2` and `llama`",
                    other.unwrap_or("none")
                ));
            }
        };
        for (token, kind) in
            list.iter().zip(header.numbers("tokenizer.ggml.token_type").unwrap_or(&[]))
        {
            let special = *kind == CONTROL || *kind == UNKNOWN;
            if special {
                tokenizer.add_special_tokens(&[AddedToken::from(token.clone(), true)]);
            } else if *kind == USER_DEFINED {
                let token = AddedToken::from(token.clone(), false).normalized(false);
                tokenizer.add_tokens(&[token]);
            }
        }
        let adds_bos =
            header.number("tokenizer.ggml.add_bos_token").map_or(adds_bos, |says| says != 0.0);
        let bos = id_of(header, "tokenizer.ggml.bos_token_id");
        let text = |key: &str| header.token(key).map(str::to_owned);
        Ok(Vocabulary {
            tokenizer,
            spelling,
            leading: bos.filter(|_| adds_bos),
            ends,
            special: SpecialTokens {
                bos: text("tokenizer.ggml.bos_token_id"),
                eos: text("tokenizer.ggml.eos_token_id"),
                unk: text("tokenizer.ggml.unknown_token_id"),
                pad: text("tokenizer.ggml.padding_token_id"),
            },
        })
    }

    /// The vocabulary of a folder: `tokenizer.json`, with the names of its special tokens in
    /// `tokenizer_config.json` and the ids that end an answer in `config`.
    pub(super) fn of_folder(
        folder: &Path,
        config: &Value,
        names: &Value,
    ) -> Result<Vocabulary, String> {
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))
            .map_err(|error| format!("its `tokenizer.json` cannot be read: {error}"))?;
        let name = |key: &str| match names.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => other.get("content")?.as_str().map(str::to_owned),
        };
        let special = SpecialTokens {
            bos: name("bos_token"),
            eos: name("eos_token"),
            unk: name("unk_token"),
            pad: name("pad_token"),
        };
        let mut ends: BTreeSet<u32> = match config.get("eos_token_id") {
            Some(Value::Array(ids)) => ids.iter().filter_map(as_id).collect(),
            Some(id) => as_id(id).into_iter().collect(),
            None => BTreeSet::new(),
        };
        ends.extend(special.eos.as_deref().and_then(|eos| tokenizer.token_to_id(eos)));
        ends.extend(ENDS.iter().filter_map(|text| tokenizer.token_to_id(text)));
        let bos = special.bos.as_deref().and_then(|bos| tokenizer.token_to_id(bos));
        let empty = tokenizer.encode_fast("", true).map_err(|error| error.to_string())?;
        let leading = bos.filter(|bos| empty.get_ids().first() == Some(bos));
        let decoder = serde_json::to_string(&tokenizer.get_decoder()).unwrap_or_default();
        let spelling = if decoder.contains("ByteFallback") {
            Spelling::SentencePiece
        } else if decoder.contains("ByteLevel") {
            Spelling::ByteLevel
        } else {
            return Err(
                "the decoder of its `tokenizer.json` is neither byte-level nor SentencePiece's"
                    .to_owned(),
            );
        };
        Ok(Vocabulary { tokenizer, spelling, leading, ends, special })
    }

    /// The tokens of a rendered prompt: special tokens in it are read as such, and the token that
    /// begins a text stands once before it, where the model wants one.
    pub(super) fn prompt(&mut self, text: &str) -> Result<Vec<u32>, String> {
        let mut tokens = self.tokens(text, true)?;
        if let Some(bos) = self.leading
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        Ok(tokens)
    }

    /// The tokens of a text; whether special tokens in it are read as such.
    pub(super) fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<u32>, String> {
        self.tokenizer.set_encode_special_tokens(!special);
        let encoded = self.tokenizer.encode_fast(text, false).map_err(|error| error.to_string())?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The bytes of a token; none for a special one.
    pub(super) fn piece(&self, token: u32) -> Vec<u8> {
        let added = self.tokenizer.get_added_vocabulary().get_added_tokens_decoder().get(&token);
        if let Some(added) = added {
            return if added.special { Vec::new() } else { added.content.clone().into_bytes() };
        }
        let text = self.tokenizer.id_to_token(token).unwrap_or_default();
        match self.spelling {
            Spelling::ByteLevel => text.chars().flat_map(bytes_of_character).collect(),
            Spelling::SentencePiece => match byte_of_name(&text) {
                Some(byte) => vec![byte],
                None => text.replace('▁', " ").into_bytes(),
            },
        }
    }

    /// The `tokenizer.json` of a byte-level vocabulary.
    #[cfg(test)]
    pub(super) fn tokenizer_json(mut self) -> String {
        self.tokenizer.with_decoder(Some(ByteLevel::default()));
        self.tokenizer.to_string(false).unwrap_or_default()
    }

    /// Whether a token ends an answer.
    pub(super) fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }
}

/// The byte that a character of GPT-2's alphabet stands for (`bytes_to_unicode` in its
/// `encoder.py`): a printable one stands for itself, and the 68 others, in order, are the characters
/// from U+0100 on. A character outside the alphabet is its own UTF-8.
fn bytes_of_character(c: char) -> Vec<u8> {
    let byte = match u32::from(c) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => code,
        code @ 0x100..=0x120 => code - 0x100,
        code @ 0x121..=0x142 => code - 0x121 + 0x7f,
        0x143 => 0xad,
        _ => return c.to_string().into_bytes(),
    };
    vec![byte as u8]
}

/// The byte of a token such as `<0x0A>`.
fn byte_of_name(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

fn as_id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

fn id_of(header: &Header, key: &str) -> Option<u32> {
    header.count(key).and_then(|id| u32::try_from(id).ok())
}

fn ends_of_gguf(header: &Header, ids: &Vocab) -> BTreeSet<u32> {
    let named = ["eos", "eot", "eom"]
        .iter()
        .filter_map(|name| id_of(header, &format!("tokenizer.ggml.{name}_token_id")));
    named.chain(ENDS.iter().filter_map(|text| ids.get(*text).copied())).collect()
}

/// `tokenizer.ggml.model = gpt2`: byte-level byte-pair encoding. Also whether BOS is added unless the
/// file says otherwise.
fn byte_pairs(header: &Header, ids: Vocab) -> Result<(Tokenizer, bool), String> {
    let name = header.text("tokenizer.ggml.pre").unwrap_or("none");
    let cutting = pre_tokenizers::cutting(name).ok_or_else(|| {
        let known = pre_tokenizers::names().join(", ");
        format!("its pre-tokenizer is `{name}` (`tokenizer.ggml.pre`); candle knows {known}")
    })?;
    let mut merges = Vec::new();
    for merge in header.texts("tokenizer.ggml.merges").ok_or("it has no `tokenizer.ggml.merges`")? {
        let (left, right) = merge
            .split_once(' ')
            .ok_or_else(|| format!("`{merge}` in `tokenizer.ggml.merges` is no pair"))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let model = BPE::builder()
        .vocab_and_merges(ids, merges)
        .ignore_merges(cutting.ignore_merges)
        .build()
        .map_err(|error| format!("its merges do not fit its tokens: {error}"))?;
    let mut cuts = Vec::new();
    for expression in cutting.expressions {
        let pattern = SplitPattern::Regex((*expression).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
            .map_err(|error| format!("the expression of pre-tokenizer `{name}`: {error}"))?;
        cuts.push(PreTokenizerWrapper::Split(split));
    }
    cuts.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, false)));
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(PreTokenizers::new(cuts)));
    Ok((tokenizer, cutting.add_bos))
}

/// `tokenizer.ggml.model = llama`: SentencePiece's byte-pair encoding, which joins the neighbours
/// that make the best-scored piece. Here its scores become an order of merges, as in transformers'
/// `generate_merges` (`tokenization_utils_sentencepiece.py`).
fn sentence_pieces(header: &Header, list: &[String], ids: Vocab) -> Result<Tokenizer, String> {
    let scores = header
        .numbers("tokenizer.ggml.scores")
        .filter(|scores| scores.len() == list.len())
        .ok_or("it has no score for each token (`tokenizer.ggml.scores`)")?;
    let mut merges: Vec<(f64, u32, u32)> = Vec::new();
    for (piece, score) in list.iter().zip(scores) {
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            if let (Some(left), Some(right)) = (ids.get(left), ids.get(right)) {
                merges.push((*score, *left, *right));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let token = |id: u32| list.get(id as usize).cloned().unwrap_or_default();
    let merges = merges.into_iter().map(|(_, left, right)| (token(left), token(right))).collect();
    let mut model = BPE::builder().vocab_and_merges(ids, merges).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = header.token("tokenizer.ggml.unknown_token_id") {
        model = model.unk_token(unknown.to_owned());
    }
    let model = model.build().map_err(|error| format!("its pieces do not join: {error}"))?;
    let space = |from: &str, to: &str| {
        Replace::new(from, to).map_err(|error| format!("its spaces cannot be replaced: {error}"))
    };
    let mut steps = Vec::new();
    if header.number("tokenizer.ggml.add_space_prefix").is_none_or(|says| says != 0.0) {
        steps.push(NormalizerWrapper::Prepend(Prepend::new("▁".to_owned())));
    }
    steps.push(NormalizerWrapper::Replace(space(" ", "▁")?));
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(Normalizers::new(steps)));
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_of_gpt2_names_every_byte_once() {
        let characters = (0x21..=0x7e).chain(0xa1..=0xac).chain(0xae..=0xff).chain(0x100..=0x143);
        let mut bytes: Vec<u8> =
            characters.flat_map(|code| bytes_of_character(char::from_u32(code).unwrap())).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        // From GPT-2's vocab.json: the space, the line feed, the soft hyphen.
        assert_eq!(bytes_of_character('Ġ'), b" ");
        assert_eq!(bytes_of_character('Ċ'), b"\n");
        assert_eq!(bytes_of_character('Ń'), [0xad]);
        assert_eq!(byte_of_name("<0x0A>"), Some(10));
        assert_eq!(byte_of_name("<0xA>"), None);
    }
}
