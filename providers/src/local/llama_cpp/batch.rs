//! Continuous batching: one decode call for everything in flight.
//!
//! A step takes one token of every answer in the making and fills the rest of the batch with tokens of
//! prompts. A slot whose answer has ended is filled again at the next step.

use llama_cpp_2::token::LlamaToken;

use super::choosing::{Choosing, Next};
use super::prefix::{InFlight, Plan};
use super::{Job, LlamaCpp, Work};
use crate::local::generation::Generation;
use crate::local::sampling::Pick;
use crate::{
    Advice, Answer, Clock, ErrorKind, Finish, Generate, ProviderError, Side, Stage, Stamp,
};

/// Most tokens of a step. More would evaluate prompts no faster, and a step on a slow machine must
/// stay far below the time after which the engine counts as hung.
pub(super) const BATCH: usize = 512;

type Finished = Vec<(u64, Result<Answer, ProviderError>)>;

/// An answer in the making.
pub(super) struct Sequence {
    /// The ask's id.
    pub(super) id: u64,
    prompt: Vec<LlamaToken>,
    /// Tokens whose keys and values are in the cache: first those of the prompt, then those behind
    /// it.
    cached: usize,
    /// Tokens that the cache must have room for.
    reserved: usize,
    /// How long a beginning sequence 0 should keep of this prompt.
    keep: Option<usize>,
    task: Task,
}

/// What happens behind the prompt.
enum Task {
    /// Text is written.
    Write {
        generation: Box<Generation>,
        /// The token that was written last, still to be evaluated.
        next: Option<LlamaToken>,
    },
    /// Choices are scored.
    Choose(Choosing),
}

impl Sequence {
    /// Whether the prompt is evaluated.
    fn beyond_prompt(&self) -> bool {
        self.cached >= self.prompt.len()
    }

    /// The tokens to evaluate next.
    fn pending(&self) -> &[LlamaToken] {
        if let Some(rest) = self.prompt.get(self.cached..).filter(|rest| !rest.is_empty()) {
            return rest;
        }
        match &self.task {
            Task::Write { next, .. } => next.as_slice(),
            Task::Choose(choosing) => choosing.pending(),
        }
    }
}

impl Task {
    fn answer(self, finish: Finish) -> Answer {
        match self {
            Task::Write { generation, .. } => generation.answer(finish),
            Task::Choose(choosing) => choosing.answer(),
        }
    }
}

/// A sequence's share of a batch.
struct Share {
    slot: usize,
    tokens: usize,
    /// The places in the batch whose logits were asked for.
    logits: std::ops::Range<i32>,
}

impl LlamaCpp {
    /// Gives waiting asks to free slots, as far as the cache has room.
    pub(super) fn admit(&mut self, finished: &mut Finished) {
        while let Some(job) = self.queue.front() {
            if let Work::Generate(ask) = &job.work
                && ask.max_tokens == 0
            {
                finished.push((job.id, Ok(answer_nothing(ask, job.prompt.len(), job.sent))));
                self.queue.pop_front();
                continue;
            }
            let Some(slot) = self.slots.iter().position(Option::is_none) else {
                return;
            };
            let needed = job.prompt.len().saturating_add(job.room);
            if !self.make_room(needed) {
                return;
            }
            let Some(Plan::Begin { from, keep }) = self.queue.front().map(|job| self.plan(job))
            else {
                return;
            };
            let Some(job) = self.queue.pop_front() else {
                return;
            };
            self.kept.admitted(&job.prompt);
            self.begin(slot, job, needed, from, keep);
        }
    }

    /// Whether the cache has room for so many tokens more; the kept beginning gives way.
    fn make_room(&mut self, needed: usize) -> bool {
        let reserved = self
            .slots
            .iter()
            .flatten()
            .fold(needed, |sum, sequence| sum.saturating_add(sequence.reserved));
        if reserved > self.cells {
            return false;
        }
        if reserved.saturating_add(self.kept.tokens.len()) > self.cells {
            self.forget_kept();
        }
        true
    }

    fn plan(&self, job: &Job) -> Plan {
        if !self.can_share {
            return Plan::Begin { from: None, keep: None };
        }
        let in_flight: Vec<InFlight<'_>> = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, sequence)| {
                let sequence = sequence.as_ref()?;
                let evaluated = sequence.cached.min(sequence.prompt.len());
                Some(InFlight { sequence: sequence_id(slot), prompt: &sequence.prompt, evaluated })
            })
            .collect();
        self.kept.plan(&job.prompt, &in_flight)
    }

    fn begin(
        &mut self,
        slot: usize,
        job: Job,
        reserved: usize,
        from: Option<(i32, usize)>,
        keep: Option<usize>,
    ) {
        let shared = from.filter(|(source, length)| {
            let end = u32::try_from(*length).ok();
            self.context.copy_kv_cache_seq(*source, sequence_id(slot), Some(0), end).is_ok()
        });
        let cached = shared.map_or(0, |(_, length)| length);
        let Job { id, work, prompt, sent, .. } = job;
        let (all, ready) = (prompt.len() as u64, cached as u64);
        let task = match work {
            Work::Generate(ask) => {
                let generation = Box::new(Generation::new(&ask, all, ready, sent));
                Task::Write { generation, next: None }
            }
            Work::Choose(choices) => Task::Choose(Choosing::new(choices, all, ready, sent)),
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(Sequence { id, prompt, cached, reserved, keep, task });
        }
        self.keep_beginning(slot);
    }

    /// One decode call, and what follows from it.
    pub(super) fn decode(&mut self, finished: &mut Finished) {
        self.batch.clear();
        let shares = self.fill();
        if shares.is_empty() {
            return;
        }
        if let Err(error) = self.context.decode(&mut self.batch) {
            self.fail(&shares, &error.to_string(), finished);
            return;
        }
        for share in shares {
            self.advance(&share, finished);
        }
    }

    /// Puts tokens into the batch: of answers first, so that none waits for a prompt.
    fn fill(&mut self) -> Vec<Share> {
        let mut shares = Vec::new();
        for beyond in [true, false] {
            for (slot, sequence) in self.slots.iter().enumerate() {
                let Some(sequence) = sequence.as_ref().filter(|s| s.beyond_prompt() == beyond)
                else {
                    continue;
                };
                let pending = sequence.pending();
                let begin = self.batch.n_tokens();
                let mut share = Share { slot, tokens: 0, logits: begin..begin };
                for (offset, token) in pending.iter().enumerate() {
                    let position = sequence.cached.saturating_add(offset);
                    let Ok(position) = i32::try_from(position) else {
                        break;
                    };
                    let last = offset.saturating_add(1) == pending.len();
                    // Of a prompt only the end is followed by something.
                    let wanted = beyond || last;
                    let place = self.batch.n_tokens();
                    if self.batch.add(*token, position, &[sequence_id(slot)], wanted).is_err() {
                        break; // The batch is full.
                    }
                    share.tokens = share.tokens.saturating_add(1);
                    if !wanted {
                        share.logits.start = place.saturating_add(1);
                    }
                    share.logits.end = place.saturating_add(1);
                }
                if share.tokens > 0 {
                    shares.push(share);
                }
            }
        }
        shares
    }

    /// Takes the outcome of a step to one sequence.
    fn advance(&mut self, share: &Share, finished: &mut Finished) {
        let end = match self.slots.get_mut(share.slot) {
            Some(Some(sequence)) => {
                let within_prompt = !sequence.beyond_prompt();
                sequence.cached = sequence.cached.saturating_add(share.tokens);
                match sequence.task {
                    Task::Write { .. } => self.write(share),
                    Task::Choose(_) => self.choose(share, within_prompt),
                }
            }
            _ => return,
        };
        self.keep_beginning(share.slot);
        if let Some(end) = end
            && let Some(sequence) = self.release(share.slot)
        {
            finished.push((sequence.id, end.map(|finish| sequence.task.answer(finish))));
        }
    }

    /// Picks the next token of an answer; how the answer ends, if it does.
    fn write(&mut self, share: &Share) -> Option<Result<Finish, ProviderError>> {
        let Some(Some(Sequence { task: Task::Write { generation, next }, .. })) =
            self.slots.get_mut(share.slot)
        else {
            return None;
        };
        let logits = self.context.get_logits_ith(share.logits.clone().last()?);
        let now = Clock::Monotonic.now();
        let vocab = self.model.vocab();
        match generation.sampler.pick(logits).and_then(token_of) {
            None => Some(Err(nonsense())),
            Some((pick, token)) if vocab.is_eog(token) => Some(Ok(generation.push_end(&pick, now))),
            Some((pick, token)) => {
                let piece = vocab.token_to_piece(token, false, None);
                *next = Some(token);
                generation.push(&pick, &piece, now).map(Ok)
            }
        }
    }

    /// Takes probabilities of a choice's tokens; how the ask ends, if it does.
    fn choose(
        &mut self,
        share: &Share,
        within_prompt: bool,
    ) -> Option<Result<Finish, ProviderError>> {
        let Some(Some(sequence)) = self.slots.get_mut(share.slot) else { return None };
        let Task::Choose(choosing) = &mut sequence.task else { return None };
        for place in share.logits.clone() {
            let logits = self.context.get_logits_ith(place);
            let next =
                if within_prompt { choosing.after_prompt(logits) } else { choosing.take(logits) };
            match next {
                Next::GoesOn => {}
                Next::Done => return Some(Ok(Finish::Stop)),
                Next::Nonsense => return Some(Err(nonsense())),
                Next::Another if within_prompt => {}
                Next::Another => {
                    // Recurrent models keep one state, of which no part can be taken away.
                    let keep = if self.can_share { sequence.prompt.len() } else { 0 };
                    sequence.cached = keep;
                    let sequence = u32::try_from(sequence_id(share.slot)).ok();
                    let from = u32::try_from(keep).ok();
                    let _ = self.context.clear_kv_cache_seq(sequence, from, None);
                }
            }
        }
        None
    }

    /// Lets sequence 0 keep the beginning of a prompt as soon as it is evaluated.
    fn keep_beginning(&mut self, slot: usize) {
        let Some(Some(sequence)) = self.slots.get_mut(slot) else {
            return;
        };
        let Some(length) = sequence.keep.filter(|length| *length <= sequence.cached) else {
            return;
        };
        sequence.keep = None;
        let Some(tokens) = sequence.prompt.get(..length).map(<[LlamaToken]>::to_vec) else {
            return;
        };
        let room =
            self.slots.iter().flatten().fold(length, |sum, s| sum.saturating_add(s.reserved));
        if room > self.cells {
            return;
        }
        self.forget_kept();
        let end = u32::try_from(length).ok();
        if self.context.copy_kv_cache_seq(sequence_id(slot), 0, Some(0), end).is_ok() {
            self.kept.tokens = tokens;
        }
    }

    fn forget_kept(&mut self) {
        self.kept.tokens.clear();
        let _ = self.context.clear_kv_cache_seq(Some(0), None, None);
    }

    /// Empties a slot and frees its cells.
    pub(super) fn release(&mut self, slot: usize) -> Option<Sequence> {
        let sequence = self.slots.get_mut(slot)?.take();
        let id = u32::try_from(sequence_id(slot)).ok()?;
        let _ = self.context.clear_kv_cache_seq(Some(id), None, None);
        sequence
    }

    /// A step has failed: its asks are to be asked again, each alone, and everything starts afresh.
    fn fail(&mut self, shares: &[Share], error: &str, finished: &mut Finished) {
        let alone = shares.len() == 1;
        let advice = if alone { Advice::Never } else { Advice::Alone };
        for share in shares {
            if let Some(sequence) = self.release(share.slot) {
                let message = format!("llama.cpp failed on this step: {error}");
                let kind = ErrorKind::Server;
                let failure =
                    ProviderError::new(Side::Theirs, kind, Stage::Stream, advice, message);
                finished.push((sequence.id, Err(failure)));
            }
        }
        self.forget_kept();
    }
}

/// The sequence id of a slot: 0 is that of the kept beginning.
fn sequence_id(slot: usize) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX).saturating_add(1)
}

/// The answer of an ask that allows no token.
fn answer_nothing(ask: &Generate, prompt: usize, sent: Stamp) -> Answer {
    Generation::new(ask, prompt as u64, 0, sent).answer(Finish::Length)
}

fn token_of(pick: Pick) -> Option<(Pick, LlamaToken)> {
    Some((pick, LlamaToken::new(i32::try_from(pick.token).ok()?)))
}

fn nonsense() -> ProviderError {
    ProviderError::new(
        Side::Theirs,
        ErrorKind::ModelFile,
        Stage::Stream,
        Advice::Never,
        "the model's output is not a number: its weights are damaged, or this quantisation does not \
         work here; use another file of this model",
    )
}
