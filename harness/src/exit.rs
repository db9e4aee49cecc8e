//! Exit codes: chosen here, in one place.

use std::fmt::Display;
use std::process::ExitCode;

use rightsize_suites::{Problem, Problems};

use crate::journal::JournalError;

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

/// What ends a command before it is done, with the exit code that it means.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is printed: each with its place and its remedy.
    pub reports: Vec<miette::Report>,
}

impl Failure {
    /// The input is wrong: what, and what to do.
    pub fn wrong(message: impl Display, remedy: impl Display) -> Failure {
        Failure::new(Exit::BadInput, message, remedy)
    }

    /// The run could not be completed: what, and what to do.
    pub fn incomplete(message: impl Display, remedy: impl Display) -> Failure {
        Failure::new(Exit::Incomplete, message, remedy)
    }

    fn new(exit: Exit, message: impl Display, remedy: impl Display) -> Failure {
        let report = miette::miette!(help = remedy.to_string(), "{message}");
        Failure { exit, reports: vec![report] }
    }
}

impl From<Problems> for Failure {
    fn from(Problems(problems): Problems) -> Failure {
        Failure { exit: Exit::BadInput, reports: problems.into_iter().map(report).collect() }
    }
}

/// A problem with the lines around it, where they are lines for people: those of a YAML file.
fn report(problem: Problem) -> miette::Report {
    let yaml = [".yaml", ".yml"].iter().any(|end| problem.file.ends_with(end));
    match std::fs::read_to_string(&problem.file) {
        Ok(text) if yaml && problem.line.is_some() => problem.excerpt(text).into(),
        _ => problem.into(),
    }
}

impl From<JournalError> for Failure {
    /// The operating system refused, or what the user named does not fit.
    fn from(error: JournalError) -> Failure {
        let exit = match &error {
            JournalError::Io { .. } => Exit::Incomplete,
            _ => Exit::BadInput,
        };
        Failure { exit, reports: vec![error.into()] }
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
