//! The byte-level BPE tokenizer of the models: learned from training text, written to GGUF in the
//! form llama.cpp calls `smollm` (digits one by one, then the regular expression of GPT-2).
//!
//! A blank is joined with a word in small letters only. Names, codes and amounts so have the same
//! tokens wherever they stand, after a blank or after a quotation mark, and can be copied.

use std::collections::HashMap;

use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
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
pub const VOCABULARY: usize = 2048;

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
        let mut inner = skeleton(BPE::default());
        let blank = SplitPattern::Regex(" (?![a-z])".to_owned());
        let alone = Split::new(blank, SplitDelimiterBehavior::Isolated, false)?;
        let splits = vec![Digits::new(true).into(), alone.into(), byte_level().into()];
        inner.with_pre_tokenizer(Some(Sequence::new(splits)));
        let specials = [PAD, OPEN, CLOSE].map(|text| AddedToken::from(text, true));
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let trainer = BpeTrainer::builder()
            .vocab_size(VOCABULARY)
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
        let merges: Vec<String> = merges.collect();
        let size = u32::try_from(inner.get_vocab_size(true))?;
        let tokens = (0..size).filter_map(|id| inner.id_to_token(id)).collect();
        Self::from_parts(tokens, merges)
    }

    /// The tokenizer with these tokens and merges, as they stand in a GGUF file.
    pub fn from_parts(tokens: Vec<String>, merges: Vec<String>) -> Result<Self, Error> {
        let ids = tokens.iter().cloned().zip(0u32..).collect::<HashMap<_, _>>();
        let pairs = merges.iter().filter_map(|m| m.split_once(' '));
        let pairs = pairs.map(|(left, right)| (left.to_owned(), right.to_owned())).collect();
        let model = BPE::builder()
            .vocab_and_merges(ids.into_iter().collect::<tokenizers::models::bpe::Vocab>(), pairs)
            .build()?;
        let mut inner = skeleton(model);
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

fn skeleton(model: BPE) -> Inner {
    let mut inner = Inner::new(model);
    let splits = vec![Digits::new(true).into(), byte_level().into()];
    inner.with_pre_tokenizer(Some(Sequence::new(splits)));
    inner.with_decoder(Some(ByteLevel::default()));
    inner
}

fn byte_level() -> ByteLevel {
    ByteLevel::new(false, true, true)
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
}
