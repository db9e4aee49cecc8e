//! Exit codes: chosen here, in one place.

use std::process::ExitCode;

/// How a command ended. The order is the rank: where several hold, the highest is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done. A model that scores badly is a result, not a failure.
    Done,
    /// 1: a gate or a regression check failed.
    GateFailed,
    /// 3: the run is incomplete: interrupted, a full disk, or more errors than `--max-errors`.
    Incomplete,
    /// 2: the input is wrong.
    BadInput,
    /// 130: a second Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::GateFailed => 1,
            Exit::BadInput => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that ends a command, with the exit code that it means.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is printed, with its remedy.
    pub report: miette::Report,
}

impl Failure {
    /// The input is wrong.
    pub fn input(report: impl Into<miette::Report>) -> Failure {
        Failure { exit: Exit::BadInput, report: report.into() }
    }

    /// The input is wrong: what, and what to do.
    pub fn wrong(message: impl std::fmt::Display, remedy: impl std::fmt::Display) -> Failure {
        Failure::input(miette::miette!(help = remedy.to_string(), "{message}"))
    }

    /// The run could not be completed: what, and what to do.
    pub fn incomplete(message: impl std::fmt::Display, remedy: impl std::fmt::Display) -> Failure {
        let report = miette::miette!(help = remedy.to_string(), "{message}");
        Failure { exit: Exit::Incomplete, report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The design's rank: 2, then 3, then 1, then 0.
    #[test]
    fn the_worst_reason_is_the_exit_code() {
        let all = [Exit::Done, Exit::Incomplete, Exit::GateFailed, Exit::BadInput];
        assert_eq!(all.iter().max().map(|e| e.code()), Some(2));
        assert_eq!(all[..3].iter().max().map(|e| e.code()), Some(3));
        assert_eq!([Exit::Done, Exit::GateFailed].iter().max().map(|e| e.code()), Some(1));
    }
}
