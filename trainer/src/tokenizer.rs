//! The byte-level BPE tokenizer of the models: learned from training text, written to GGUF in the
//! form llama.cpp calls `tiny_aya` (digits by three from the right, then an expression for words).
//!
//! What is to be copied has the same tokens wherever it stands. A blank is joined with a word in
//! small letters only, so a name is the same after a blank and after a quotation mark. One to three
//! digits are one token, so `1,822.65` and `1822.65` differ by the comma alone, and a number of
//! seven digits is three tokens that hardly occur twice in a text instead of seven that do.

use std::collections::HashMap;

use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer as Inner};

/// Padding, never predicted.
pub const PAD: &str = "<|endoftext|>";
/// Opens a message.
pub const OPEN: &str = "<|im_start|>";
/// Closes a message; ends an answer.
pub const CLOSE: &str = "<|im_end|>";
/// Entries of the vocabulary, special tokens included.
pub const VOCABULARY: usize = 10_240;
/// Tokens of two and of three digits.
const NUMBERS: usize = 100 + 1000;
/// Digits by three from the right.
const DIGITS: &str = r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))";
/// Words, punctuation and blanks (`LLAMA_VOCAB_PRE_TYPE_TINY_AYA` in llama.cpp).
const WORDS: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// A blank that no merge may join with what follows.
const BLANK: &str = " (?![a-z\"])";
/// Punctuation that `WORDS` leaves with the word behind it, and that no merge may join with it.
const PREFIX: &str = r"(?<![^\p{L}\p{N}\r\n])[^\p{L}\p{N}\s](?=\p{L})";

/// Why a tokenizer could not be made or used.
pub type Error = tokenizers::Error;

/// A trained tokenizer with its merges in order.
pub struct Tokenizer {
    inner: Inner,
    /// Texts of the tokens by id, in the byte alphabet of GPT-2.
    pub tokens: Vec<String>,
    /// Merges, first learned first, as `left right`.
    pub merges: Vec<String>,
}

impl Tokenizer {
    /// Learns merges from texts (which hold no special tokens).
    pub fn train<'a>(texts: impl Iterator<Item = &'a str> + Send) -> Result<Self, Error> {
        let mut inner = skeleton(BPE::default())?;
        let mut splits: Vec<PreTokenizerWrapper> = vec![Digits::new(true).into()];
        for expression in [BLANK, PREFIX, WORDS] {
            splits.push(split(expression)?.into());
        }
        splits.push(byte_level().into());
        inner.with_pre_tokenizer(Some(Sequence::new(splits)));
        let specials = [PAD, OPEN, CLOSE].map(|text| AddedToken::from(text, true));
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let trainer = BpeTrainer::builder()
            .vocab_size(VOCABULARY - NUMBERS)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(alphabet.into_iter().collect())
            .special_tokens(specials.to_vec())
            .build();
        let mut trainer = TrainerWrapper::BpeTrainer(trainer);
        inner.train(&mut trainer, texts)?;
        let json: serde_json::Value = serde_json::from_str(&inner.to_string(false)?)?;
        let merges = json["model"]["merges"].as_array().into_iter().flatten();
        let merges = merges.filter_map(|pair| match pair {
            serde_json::Value::String(both) => Some(both.clone()),
            serde_json::Value::Array(two) => {
                Some(format!("{} {}", two[0].as_str()?, two[1].as_str()?))
            }
            _ => None,
        });
        let (numbers, mut all) = numbers();
        all.extend(merges);
        let size = u32::try_from(inner.get_vocab_size(true))?;
        let mut tokens: Vec<String> = (0..size).filter_map(|id| inner.id_to_token(id)).collect();
        tokens.extend(numbers);
        Self::from_parts(tokens, all)
    }

    /// The tokenizer with these tokens and merges, as they stand in a GGUF file.
    pub fn from_parts(tokens: Vec<String>, merges: Vec<String>) -> Result<Self, Error> {
        let ids = tokens.iter().cloned().zip(0u32..).collect::<HashMap<_, _>>();
        let pairs = merges.iter().filter_map(|m| m.split_once(' '));
        let pairs = pairs.map(|(left, right)| (left.to_owned(), right.to_owned())).collect();
        let model = BPE::builder()
            .vocab_and_merges(ids.into_iter().collect::<tokenizers::models::bpe::Vocab>(), pairs)
            .build()?;
        let mut inner = skeleton(model)?;
        inner.add_special_tokens(&[PAD, OPEN, CLOSE].map(|text| AddedToken::from(text, true)));
        Ok(Self { inner, tokens, merges })
    }

    /// The tokens of a text, in which special tokens are recognised.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        Ok(self.inner.encode(text, false)?.get_ids().to_vec())
    }

    /// The text of tokens, special ones left out.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        self.inner.decode(tokens, true)
    }

    /// The id of a token that must exist.
    pub fn id(&self, token: &str) -> Result<u32, Error> {
        self.inner.token_to_id(token).ok_or_else(|| format!("no token {token}").into())
    }
}

/// The tokens of two and three digits, and their merges, whichever pair of digits is joined first.
fn numbers() -> (Vec<String>, Vec<String>) {
    let pairs = (0..100).map(|n| format!("{n:02}"));
    let (mut tokens, mut merges) = (Vec::with_capacity(NUMBERS), Vec::new());
    for pair in pairs {
        merges.push(format!("{} {}", &pair[..1], &pair[1..]));
        tokens.push(pair);
    }
    for n in 0..1000 {
        let three = format!("{n:03}");
        merges.push(format!("{} {}", &three[..2], &three[2..]));
        merges.push(format!("{} {}", &three[..1], &three[1..]));
        tokens.push(three);
    }
    (tokens, merges)
}

fn skeleton(model: BPE) -> Result<Inner, Error> {
    let mut inner = Inner::new(model);
    let splits = vec![split(DIGITS)?.into(), split(WORDS)?.into(), byte_level().into()];
    inner.with_pre_tokenizer(Some(Sequence::new(splits)));
    inner.with_decoder(Some(ByteLevel::default()));
    Ok(inner)
}

fn split(expression: &str) -> Result<Split, Error> {
    let pattern = SplitPattern::Regex(expression.to_owned());
    Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
}

fn byte_level() -> ByteLevel {
    ByteLevel::new(false, true, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_same_tokens_after_a_blank() {
        let texts = ["Seller Velorin Tools, total $ 12.50", "the seller sells Velorin tools"];
        let tokenizer = Tokenizer::train(texts.into_iter().cycle().take(40)).unwrap();
        let after_blank = tokenizer.encode("seller Velorin").unwrap();
        let alone = tokenizer.encode("Velorin").unwrap();
        assert!(alone.len() < 7 && after_blank.ends_with(&alone), "{alone:?} {after_blank:?}");
        // A word in small letters is one token with its blank.
        assert_eq!(tokenizer.encode(" seller").unwrap().len(), 1);
    }

    #[test]
    fn digits_are_tokens_by_three_from_the_right() {
        let tokenizer = Tokenizer::train(["Total 5"; 40].into_iter()).unwrap();
        let pieces = |text: &str| -> Vec<&str> {
            let ids = tokenizer.encode(text).unwrap();
            ids.into_iter().map(|id| tokenizer.tokens[id as usize].as_str()).collect()
        };
        assert_eq!(pieces("1,822.65"), ["1", ",", "822", ".", "65"]);
        assert_eq!(pieces("1822.65"), ["1", "822", ".", "65"]);
        assert_eq!(pieces("K8643775"), ["K", "8", "643", "775"]);
    }
}
