//! Scoring by commands of the user's own: a process a worker, kept alive from sample to sample.
//!
//! ```text
//! question, a line of JSON ──▶ standard input │ command │ standard output ──▶ judgement, a line
//! ```
//!
//! A command that crashes, takes too long or writes something else is started anew, once for each
//! sample. If it fails again, the sample has no score: an error on our side. Calls block: they
//! belong on a thread that may wait.

mod process;

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rightsize_reports::run::Outcome;
use rightsize_suites::command::{self, Command, Judgement};
use rightsize_suites::{Reading, Sample, Score, ScoringError, Suite};

use process::Process;

/// A command that scores the answers of one suite.
#[derive(Debug)]
pub struct Scorer {
    suite: String,
    command: Command,
    folder: PathBuf,
    /// A place for each worker that is free, with its process if it has one.
    free: Mutex<Vec<Option<Process>>>,
    freed: Condvar,
}

/// The folder of a suite's file.
pub fn folder_of(suite: &Suite, base: &Path) -> PathBuf {
    base.join(&suite.source).parent().unwrap_or(base).to_owned()
}

impl Scorer {
    /// The scorer of a suite that has a command. Starts nothing yet.
    pub fn of(suite: &Suite, base: &Path) -> Option<Scorer> {
        let command = suite.command.clone()?;
        let free = (0..command.workers.max(1)).map(|_| None).collect();
        Some(Scorer {
            suite: suite.name.clone(),
            folder: folder_of(suite, base),
            command,
            free: Mutex::new(free),
            freed: Condvar::new(),
        })
    }

    /// The command and where it runs, for people.
    pub fn shown(&self) -> String {
        format!("{} (in {})", self.command.shown(), self.folder.display())
    }

    /// Scores the expected answer of a sample: whether the command works at all.
    ///
    /// # Errors
    /// It does not.
    pub fn try_out(&self, suite: &Suite) -> Result<(), ScoringError> {
        let Some(sample) = suite.samples.first() else { return Ok(()) };
        let response = suite.task.write_expected(&sample);
        let reading = suite.task.read(&response);
        self.judge(&sample, &response.text, &reading).map(|_| ())
    }

    /// Puts the command's judgement over the task's own score. What is unparsed, truncated or
    /// refused is not shown to the command: it scores 0.
    ///
    /// # Errors
    /// The command failed twice.
    pub fn score(
        &self,
        own: Score,
        sample: &Sample,
        text: &str,
        reading: &Reading,
        outcome: Outcome,
    ) -> Result<Score, ScoringError> {
        match outcome {
            Outcome::Scored => Ok(self.judge(sample, text, reading)?.over(own)),
            _ => Ok(command::unjudged(own)),
        }
    }

    fn judge(
        &self,
        sample: &Sample,
        text: &str,
        reading: &Reading,
    ) -> Result<Judgement, ScoringError> {
        let question = command::question(sample, text, reading, Outcome::Scored);
        let mut place = self.take();
        let mut judged = self.ask(&mut place, &question, &sample.id);
        if let Err(why) = &judged {
            tracing::warn!(suite = self.suite, sample = sample.id, "the scorer starts anew: {why}");
            judged = self.ask(&mut place, &question, &sample.id);
        }
        self.give_back(place);
        judged.map_err(|why| ScoringError {
            sample: sample.id.clone(),
            message: format!("the command `{}` failed twice: {why}", self.command.shown()),
        })
    }

    /// Asks the process of a place; one that fails is ended.
    fn ask(
        &self,
        place: &mut Option<Process>,
        question: &str,
        sample: &str,
    ) -> Result<Judgement, String> {
        let process = match place.take() {
            Some(process) => process,
            None => Process::start(&self.command, &self.folder, &self.suite)?,
        };
        let line = process.ask(question, self.command.timeout)?;
        let judgement = Judgement::read(&line, sample)?;
        *place = Some(process);
        Ok(judgement)
    }

    fn take(&self) -> Option<Process> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(place) = free.pop() {
                return place;
            }
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, place: Option<Process>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        self.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
