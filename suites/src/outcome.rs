//! What became of a unit, and the one place that decides it.

use rightsize_providers::{Finish, Response};
use serde::{Deserialize, Serialize};

use crate::tasks::Reading;

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer was read and scored.
    Scored,
    /// There was an answer, but nothing could be read in it. Scores 0.
    Unparsed,
    /// The answer reached its length limit before it could be read. Scores 0.
    Truncated,
    /// The model declined, or a filter cut it. Scores 0.
    Refused,
    /// No answer. Has no score.
    Error,
}

/// Decides what became of a unit that has an answer.
///
/// A refusal or a filter wins over whatever text came with it ([`crate::Task::read`] reads nothing
/// in such an answer). An answer that reached its length limit but could be read all the same is
/// scored.
pub fn outcome_of(response: &Response, reading: &Reading) -> Outcome {
    match (response.finish, &reading.value) {
        (Finish::Refusal | Finish::Filtered, _) => Outcome::Refused,
        (_, Some(_)) => Outcome::Scored,
        (Finish::Length, None) => Outcome::Truncated,
        (Finish::Stop | Finish::ToolCall, None) => Outcome::Unparsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(finish: Finish, read: bool) -> Outcome {
        let response = Response { finish, ..Response::default() };
        let mut reading = Reading::nothing("text", "nothing was read");
        reading.value = read.then(|| "billing".into());
        outcome_of(&response, &reading)
    }

    #[test]
    fn finish_and_reading_decide() {
        assert_eq!(outcome(Finish::Stop, true), Outcome::Scored);
        assert_eq!(outcome(Finish::Length, true), Outcome::Scored);
        assert_eq!(outcome(Finish::Length, false), Outcome::Truncated);
        assert_eq!(outcome(Finish::Stop, false), Outcome::Unparsed);
        assert_eq!(outcome(Finish::ToolCall, false), Outcome::Unparsed);
        assert_eq!(outcome(Finish::Refusal, true), Outcome::Refused);
        assert_eq!(outcome(Finish::Filtered, false), Outcome::Refused);
    }
}
