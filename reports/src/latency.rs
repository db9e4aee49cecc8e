//! Latencies of one answer, derived from its raw stamps: every definition stands here, once.
//!
//! | figure | definition |
//! |---|---|
//! | TTFT | sent to the first token of any kind, reasoning included |
//! | TTFO | sent to the first token of the answer proper |
//! | TPOT | (last token − first content token) / (output − reasoning − 1) |
//! | decode tok/s | 1 / TPOT |
//! | end to end | sent to the last token |
//!
//! All are `None` where a stamp or a count is missing. Chunks of a stream are never counted as
//! tokens: a server may send several tokens in one chunk.

use rightsize_providers::{Timing, Usage};

/// Time to first token, in nanoseconds.
pub fn ttft(timing: &Timing) -> Option<u64> {
    Some(timing.first_token?.since(timing.sent?))
}

/// Time to first output token (of the answer proper, without reasoning), in nanoseconds.
pub fn ttfo(timing: &Timing) -> Option<u64> {
    Some(timing.first_content?.since(timing.sent?))
}

/// Time per output token after the first, in nanoseconds.
///
/// Undefined for an answer of one token, and where the number of reasoning tokens is unknown:
/// they are part of `output_total` but were written before the first content token.
pub fn tpot(timing: &Timing, usage: &Usage) -> Option<f64> {
    let content = usage.output_total?.checked_sub(usage.reasoning?)?;
    let steps = content.checked_sub(1).filter(|steps| *steps > 0)?;
    let span = timing.last_token?.since(timing.first_content?);
    Some(span as f64 / steps as f64)
}

/// End to end, in nanoseconds.
pub fn end_to_end(timing: &Timing) -> Option<u64> {
    Some(timing.last_token?.since(timing.sent?))
}

/// Tokens per second of one stream, from a time per output token in nanoseconds.
pub fn decode_rate(tpot_ns: f64) -> Option<f64> {
    (tpot_ns > 0.0).then(|| 1e9 / tpot_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rightsize_providers::Stamp;

    fn timing() -> Timing {
        Timing {
            sent: Some(Stamp(1_000)),
            first_token: Some(Stamp(1_300)),
            first_content: Some(Stamp(1_500)),
            last_token: Some(Stamp(2_500)),
            ..Timing::default()
        }
    }

    fn usage(output: u64, reasoning: Option<u64>) -> Usage {
        Usage { output_total: Some(output), reasoning, ..Usage::default() }
    }

    #[test]
    fn definitions() {
        assert_eq!(ttft(&timing()), Some(300));
        assert_eq!(ttfo(&timing()), Some(500));
        assert_eq!(end_to_end(&timing()), Some(1_500));
        // 15 tokens, 4 of them reasoning: 11 of the answer, 10 steps in 1,000 ns.
        assert_eq!(tpot(&timing(), &usage(15, Some(4))), Some(100.0));
        assert_eq!(decode_rate(100.0), Some(1e7));
    }

    #[test]
    fn undefined_is_none_and_never_zero() {
        assert_eq!(tpot(&timing(), &usage(1, Some(0))), None);
        assert_eq!(tpot(&timing(), &usage(15, None)), None);
        assert_eq!(tpot(&timing(), &usage(3, Some(9))), None);
        assert_eq!(ttft(&Timing::default()), None);
        assert_eq!(decode_rate(0.0), None);
    }
}
