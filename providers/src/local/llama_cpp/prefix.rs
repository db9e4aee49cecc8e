//! Which tokens of a prompt need no evaluation, because another prompt begins with the same ones.
//!
//! The prompts of a suite begin with the same instructions. Their common beginning is evaluated once:
//! a new prompt takes it from a sequence in flight, or from sequence 0, which keeps it. With a unified
//! cache this marks cells as shared and copies nothing.
//!
//! Only beginnings that *different* prompts have in common are shared. A prompt that is asked again,
//! as for a second measurement, is evaluated again: else it would seem to be answered in no time.

use llama_cpp_2::token::LlamaToken;

/// Fewer tokens are not worth a wait.
const MIN_SHARED: usize = 16;

/// The beginning that sequence 0 keeps.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Its tokens.
    pub(super) tokens: Vec<LlamaToken>,
    /// The prompt that was admitted last.
    last: Vec<LlamaToken>,
}

/// A sequence in flight, as far as sharing is concerned.
pub(super) struct InFlight<'a> {
    pub(super) sequence: i32,
    pub(super) prompt: &'a [LlamaToken],
    /// How many tokens of the prompt are evaluated.
    pub(super) evaluated: usize,
}

/// What to do with a new prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Wait: a sequence in flight is evaluating a long common beginning.
    Wait,
    /// Begin now.
    Begin {
        /// The sequence to take a beginning from, and its length in tokens.
        from: Option<(i32, usize)>,
        /// How long a beginning sequence 0 should keep once it is evaluated here.
        keep: Option<usize>,
    },
}

impl Kept {
    /// Decides about a prompt.
    pub(super) fn plan(&self, prompt: &[LlamaToken], in_flight: &[InFlight<'_>]) -> Plan {
        // The last token is always evaluated: its logits give the first token of the answer.
        let most = prompt.len().saturating_sub(1);
        let common = |other: &[LlamaToken]| common_prefix(other, prompt).min(most);
        let kept = common(&self.tokens);
        let others = || in_flight.iter().filter(|other| other.prompt != prompt);
        let ready = others()
            .filter(|other| other.evaluated >= common(other.prompt))
            .map(|other| (other.sequence, common(other.prompt)))
            .chain([(0, kept)])
            .max_by_key(|(sequence, length)| (*length, std::cmp::Reverse(*sequence)))
            .filter(|(_, length)| *length >= MIN_SHARED);
        let soon = others().map(|other| common(other.prompt)).max().unwrap_or(0);
        if soon >= ready.map_or(0, |(_, length)| length).saturating_add(MIN_SHARED) {
            return Plan::Wait;
        }
        let last = if self.last == prompt { 0 } else { common(&self.last) };
        let longest = soon.max(last);
        Plan::Begin {
            from: ready,
            keep: (longest >= MIN_SHARED && longest > kept).then_some(longest),
        }
    }

    /// Takes note of a prompt that begins.
    pub(super) fn admitted(&mut self, prompt: &[LlamaToken]) {
        self.last.clear();
        self.last.extend_from_slice(prompt);
    }
}

fn common_prefix(a: &[LlamaToken], b: &[LlamaToken]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(own: i32) -> Vec<LlamaToken> {
        let shared = (0..100).map(LlamaToken::new);
        shared.chain((0..5).map(|i| LlamaToken::new(own * 1000 + i))).collect()
    }

    fn after(prompts: &[Vec<LlamaToken>]) -> Kept {
        let mut kept = Kept::default();
        prompts.iter().for_each(|p| kept.admitted(p));
        kept
    }

    #[test]
    fn the_first_prompt_shares_nothing() {
        let plan = Kept::default().plan(&prompt(1), &[]);
        assert_eq!(plan, Plan::Begin { from: None, keep: None });
    }

    #[test]
    fn the_second_is_told_to_keep_and_the_third_takes() {
        let mut kept = after(&[prompt(1)]);
        assert_eq!(kept.plan(&prompt(2), &[]), Plan::Begin { from: None, keep: Some(100) });
        kept.admitted(&prompt(2));
        kept.tokens = prompt(2)[..100].to_vec();
        assert_eq!(kept.plan(&prompt(3), &[]), Plan::Begin { from: Some((0, 100)), keep: None });
    }

    #[test]
    fn a_prompt_asked_again_is_evaluated_again() {
        let mut kept = after(&[prompt(1)]);
        assert_eq!(kept.plan(&prompt(1), &[]), Plan::Begin { from: None, keep: None });
        kept.tokens = prompt(2)[..100].to_vec();
        assert_eq!(kept.plan(&prompt(1), &[]), Plan::Begin { from: Some((0, 100)), keep: None });
        let same = prompt(1);
        let running = [InFlight { sequence: 1, prompt: &same, evaluated: 105 }];
        assert_eq!(
            Kept::default().plan(&prompt(1), &running),
            Plan::Begin { from: None, keep: None }
        );
    }

    #[test]
    fn waits_for_a_beginning_that_is_being_evaluated() {
        let first = prompt(1);
        let at = |evaluated| [InFlight { sequence: 3, prompt: &first, evaluated }];
        assert_eq!(Kept::default().plan(&prompt(2), &at(50)), Plan::Wait);
        assert_eq!(
            Kept::default().plan(&prompt(2), &at(100)),
            Plan::Begin { from: Some((3, 100)), keep: Some(100) }
        );
    }

    #[test]
    fn a_prompt_that_is_a_beginning_itself_keeps_its_last_token() {
        let kept = Kept { tokens: prompt(1)[..100].to_vec(), ..Kept::default() };
        let short = prompt(1)[..40].to_vec();
        assert_eq!(kept.plan(&short, &[]), Plan::Begin { from: Some((0, 39)), keep: None });
    }
}
