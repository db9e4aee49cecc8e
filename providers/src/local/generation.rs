//! One answer as it grows: bytes of tokens, stop strings, limits, stamps. The same for every engine.

use super::sampling::{Pick, Sampler};
use crate::{
    Answer, Finish, Generate, LogprobSummary, Response, ServerWords, Stamp, Timing, Usage,
    UsageSource,
};

/// An answer in the making.
#[derive(Debug)]
pub struct Generation {
    /// Picks its tokens.
    pub sampler: Sampler,
    stop: Vec<Vec<u8>>,
    max_tokens: u32,
    prompt_tokens: u64,
    cached_tokens: u64,
    bytes: Vec<u8>,
    tokens: u32,
    logprob: f64,
    min_margin: Option<f64>,
    timing: Timing,
}

impl Generation {
    /// Begins an answer to a prompt of `prompt_tokens` tokens, of which `cached_tokens` need no
    /// evaluation.
    pub fn new(ask: &Generate, prompt_tokens: u64, cached_tokens: u64, sent: Stamp) -> Generation {
        Generation {
            sampler: Sampler::new(&ask.sampling),
            stop: ask
                .stop
                .iter()
                .filter(|s| !s.is_empty())
                .map(|s| s.clone().into_bytes())
                .collect(),
            max_tokens: ask.max_tokens,
            prompt_tokens,
            cached_tokens,
            bytes: Vec::new(),
            tokens: 0,
            logprob: 0.0,
            min_margin: None,
            timing: Timing { sent: Some(sent), ..Timing::default() },
        }
    }

    /// Takes in a token that the model wrote at `now`; `piece` is its text. Returns why the answer
    /// ends here, if it does.
    pub fn push(&mut self, pick: &Pick, piece: &[u8], now: Stamp) -> Option<Finish> {
        self.note(pick, now);
        self.timing.first_content.get_or_insert(now);
        self.timing.last_token = Some(now);
        self.tokens = self.tokens.saturating_add(1);
        self.logprob += pick.logprob;
        let from = self.bytes.len();
        self.bytes.extend_from_slice(piece);
        if let Some(at) = self.stop_in(from) {
            self.bytes.truncate(at);
            return Some(Finish::Stop);
        }
        (self.tokens >= self.max_tokens).then_some(Finish::Length)
    }

    /// Takes in the end-of-generation token: it ends the answer and is no part of it, neither of its
    /// text nor of its token count. Where something was written before, that token's stamp stays the
    /// last one, so that the time per token is the time between counted tokens.
    pub fn push_end(&mut self, pick: &Pick, now: Stamp) -> Finish {
        self.note(pick, now);
        self.timing.last_token.get_or_insert(now);
        Finish::Stop
    }

    fn note(&mut self, pick: &Pick, now: Stamp) {
        self.timing.first_token.get_or_insert(now);
        self.min_margin = match (self.min_margin, pick.margin) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Where the earliest stop string begins, looking only where the bytes from `from` on can have
    /// completed one.
    fn stop_in(&self, from: usize) -> Option<usize> {
        self.stop
            .iter()
            .filter_map(|stop| {
                let start = from.saturating_sub(stop.len().saturating_sub(1));
                let recent = self.bytes.get(start..)?;
                let at = recent.windows(stop.len()).position(|window| window == stop.as_slice())?;
                Some(start.saturating_add(at))
            })
            .min()
    }

    /// How many tokens the answer has so far.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// The finished answer.
    pub fn answer(self, finish: Finish) -> Answer {
        Answer {
            response: Response { text: text_of(self.bytes), finish, ..Response::default() },
            vector: None,
            usage: Usage {
                input_total: Some(self.prompt_tokens),
                cache_read: Some(self.cached_tokens),
                output_total: Some(u64::from(self.tokens)),
                reasoning: Some(0),
                source: UsageSource::Tokenizer,
                ..Usage::default()
            },
            timing: self.timing,
            logprob: Some(LogprobSummary {
                sum: self.logprob,
                tokens: self.tokens,
                min_margin: self.min_margin,
            }),
            server: ServerWords::default(),
        }
    }
}

/// Bytes as text. A character that the limit cut in two is left out; other bytes that are no UTF-8
/// become U+FFFD.
fn text_of(mut bytes: Vec<u8>) -> String {
    if let Some(last) = bytes.utf8_chunks().last() {
        let invalid = last.invalid();
        let cut = std::str::from_utf8(invalid).err().is_some_and(|e| e.error_len().is_none());
        if cut {
            let keep = bytes.len().saturating_sub(invalid.len());
            bytes.truncate(keep);
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prompt;
    use proptest::prelude::*;

    const PICK: Pick = Pick { token: 1, logprob: -0.5, margin: Some(1.0) };

    fn ask(stop: &[&str], max_tokens: u32) -> Generate {
        Generate {
            stop: stop.iter().map(ToString::to_string).collect(),
            ..Generate::new(Prompt::Raw(String::new()), max_tokens)
        }
    }

    fn run(stop: &[&str], max_tokens: u32, pieces: &[&[u8]]) -> (Answer, usize) {
        let mut generation = Generation::new(&ask(stop, max_tokens), 5, 2, Stamp(10));
        for (i, piece) in pieces.iter().enumerate() {
            if let Some(finish) = generation.push(&PICK, piece, Stamp(20 + i as u64)) {
                return (generation.answer(finish), i + 1);
            }
        }
        let finish = generation.push_end(&PICK, Stamp(20 + pieces.len() as u64));
        (generation.answer(finish), pieces.len() + 1)
    }

    #[test]
    fn a_stop_string_over_several_tokens_is_cut_off() {
        let (answer, used) = run(&["\n\n", "END"], 99, &[b"one E", b"N", b"D two", b"never"]);
        assert_eq!(answer.response.text, "one ");
        assert_eq!(answer.response.finish, Finish::Stop);
        assert_eq!(used, 3);
        assert_eq!(answer.usage.output_total, Some(3));
    }

    #[test]
    fn the_earliest_of_two_stop_strings_counts() {
        let (answer, _) = run(&["cd", "b"], 99, &[b"abcd"]);
        assert_eq!(answer.response.text, "a");
    }

    #[test]
    fn the_limit_truncates_and_says_so() {
        let (answer, used) = run(&[], 2, &[b"a", b"b", b"c"]);
        assert_eq!(answer.response.text, "ab");
        assert_eq!(answer.response.finish, Finish::Length);
        assert_eq!(used, 2);
    }

    #[test]
    fn characters_over_several_tokens_are_joined() {
        let (answer, _) = run(&[], 99, &[b"gr\xc3", b"\xbc\xc3", b"\x9f", b"e"]);
        assert_eq!(answer.response.text, "grüße");
    }

    #[test]
    fn a_cut_character_is_left_out_and_a_broken_one_shown() {
        assert_eq!(run(&[], 1, &[b"ab\xe2\x82"]).0.response.text, "ab");
        assert_eq!(run(&[], 1, &[b"a\xffb"]).0.response.text, "a\u{fffd}b");
        assert_eq!(run(&[], 1, &[b"\xff\xe2\x82\xac"]).0.response.text, "\u{fffd}€");
    }

    #[test]
    fn stamps_and_counts() {
        let (answer, _) = run(&[], 99, &[b"a", b"b"]);
        let timing = &answer.timing;
        assert_eq!(timing.sent, Some(Stamp(10)));
        assert_eq!(timing.first_token, Some(Stamp(20)));
        assert_eq!(timing.first_content, Some(Stamp(20)));
        assert_eq!(timing.last_token, Some(Stamp(21)));
        assert_eq!(answer.usage.output_total, Some(2));
        assert_eq!(answer.usage.input_total, Some(5));
        assert_eq!(answer.usage.cache_read, Some(2));
        let logprob = answer.logprob.unwrap();
        assert_eq!((logprob.tokens, logprob.sum, logprob.min_margin), (2, -1.0, Some(1.0)));
        let (empty, _) = run(&[], 99, &[]);
        assert_eq!(empty.response.text, "");
        assert_eq!(empty.timing.first_content, None);
        assert_eq!(empty.timing.first_token, Some(Stamp(20)));
    }

    proptest! {
        /// However a text is cut into tokens, the same answer comes out.
        #[test]
        fn cuts_do_not_matter(text in "\\PC{0,40}", cuts in prop::collection::vec(any::<bool>(), 200)) {
            let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
            for (byte, cut) in text.bytes().zip(cuts) {
                if cut { pieces.push(Vec::new()); }
                if let Some(last) = pieces.last_mut() { last.push(byte); }
            }
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let expected = text.split("ab").next().unwrap();
            prop_assert_eq!(run(&["ab"], 999, &pieces).0.response.text, expected);
        }
    }
}
