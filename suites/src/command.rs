//! Scoring by a command of the user's own: what the suite says of it, what it is asked, and what it
//! answers. Nothing here starts a process; the crate `rightsize` does.
//!
//! The command gets a JSON object a line, [`question`], and writes one a line, a [`Judgement`]:
//! `{"score": 0.5, "parts": {"tone": 1}, "why": "too long"}`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rightsize_providers::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::check::Document;
use crate::outcome::Outcome;
use crate::problem::Problems;
use crate::sample::Sample;
use crate::schema::Scoring;
use crate::tasks::{Reading, Score};

/// What stands before the name of a part of the command's own in [`crate::Parts`].
pub const PART: &str = "command:";

/// The part with the command's score.
pub(crate) const SCORE: &str = "score";

/// Most parts of one judgement, and the longest name of one.
const MOST_PARTS: usize = 32;
const LONGEST_NAME: usize = 64;

/// Most characters of `why` that are kept.
const LONGEST_WHY: usize = 2000;

/// A command that scores answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments. It runs in the folder of the suite's file, and a program with
    /// a `/` in its name is looked for there.
    pub argv: Vec<String>,
    /// Longest time for one sample.
    pub timeout: Duration,
    /// How many processes work side by side, from 1.
    pub workers: usize,
    /// Digest of `argv` and of the files that it names; `None` for a suite out of a run folder,
    /// until it has been looked up again.
    pub sha256: Option<String>,
}

impl Command {
    /// Digest of the arguments and of the files among them, relative to the suite's folder.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self, folder: &Path) -> std::io::Result<String> {
        let mut files = BTreeMap::new();
        for (name, path) in self.files(folder) {
            files.insert(name, digest::of_file(&path)?);
        }
        Ok(digest::of_value(&json!({"argv": self.argv, "files": files})))
    }

    /// A version of the scoring rules: of ours, and of the command.
    pub(crate) fn scoring_version(&self, ours: u32) -> u32 {
        let all = digest::of_value(&json!({"rules": ours, "command": self.sha256}));
        all.get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(ours)
    }

    /// The files that the command names: their word and their place.
    pub(crate) fn files<'a>(
        &'a self,
        folder: &'a Path,
    ) -> impl Iterator<Item = (&'a str, std::path::PathBuf)> {
        let all = self.argv.iter().map(|word| (word.as_str(), folder.join(word)));
        all.filter(|(word, path)| !word.is_empty() && path.is_file())
    }

    /// The command as a person would write it.
    pub fn shown(&self) -> String {
        self.argv.join(" ")
    }
}

/// What a command is asked of one sample: a line without its end.
pub fn question(sample: &Sample, text: &str, reading: &Reading, outcome: Outcome) -> String {
    json!({
        "sample": sample.id,
        "fields": sample.row,
        "expected": sample.expected,
        "text": text,
        "reading": reading.value,
        "outcome": outcome,
    })
    .to_string()
}

/// What a command says of one sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// In [0, 1].
    pub score: f64,
    /// Figures of the command's own in [0, 1], by name; their means are metrics.
    #[serde(default)]
    pub parts: BTreeMap<String, f64>,
    /// The reason, for people.
    #[serde(default)]
    pub why: Option<String>,
    /// The sample's id, if the command repeats it: a check that lines are in step.
    #[serde(default)]
    sample: Option<String>,
}

impl Judgement {
    /// Reads a line that a command wrote about a sample.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(line: &str, sample: &str) -> Result<Judgement, String> {
        let start: String = line.chars().take(200).collect();
        let mut judgement: Judgement = serde_json::from_str(line)
            .map_err(|e| format!("its line is no judgement ({e}): {start}"))?;
        let inside = |value: f64| (0.0..=1.0).contains(&value);
        if !inside(judgement.score) {
            return Err(format!("its score {} is not between 0 and 1", judgement.score));
        }
        if let Some((name, value)) = judgement.parts.iter().find(|(_, value)| !inside(**value)) {
            return Err(format!("its part `{name}`, {value}, is not between 0 and 1"));
        }
        if judgement.parts.len() > MOST_PARTS {
            return Err(format!("it has more than {MOST_PARTS} parts"));
        }
        let unfit = |name: &&String| name.is_empty() || name.chars().count() > LONGEST_NAME;
        if let Some(name) = judgement.parts.keys().find(unfit) {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            return Err(format!("`{name}` cannot name a part: use 1 to {LONGEST_NAME} characters"));
        }
        if let Some(other) = judgement.sample.as_deref().filter(|other| *other != sample) {
            return Err(format!("its line is about the sample `{other}`"));
        }
        judgement.why = judgement.why.map(|why| why.chars().take(LONGEST_WHY).collect());
        Ok(judgement)
    }

    /// Puts the judgement over the task's own score, whose statistics stay beside it.
    pub fn over(self, mut score: Score) -> Score {
        score.primary = self.score;
        score.parts.insert(SCORE.to_owned(), self.score);
        for (name, value) in &self.parts {
            score.parts.insert(format!("{PART}{name}"), *value);
        }
        let said = json!({"score": self.score, "parts": self.parts, "why": self.why});
        match &mut score.detail {
            Value::Object(detail) => {
                detail.insert("command".to_owned(), said);
            }
            detail => *detail = json!({"command": said}),
        }
        score
    }
}

/// The task's own score of an answer that is not judged: it was unparsed, truncated or refused.
pub fn unjudged(mut score: Score) -> Score {
    score.primary = 0.0;
    score.parts.insert(SCORE.to_owned(), 0.0);
    score
}

/// Shortest and longest time that a command may be given for a sample, and the default.
const TIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);
const DEFAULT_TIME: Duration = Duration::from_secs(10);

/// Most processes of one command.
const MOST_WORKERS: usize = 64;

/// Checks the keys of `scoring` that belong to a command. `folder` is that of the suite's file, and
/// absent where the suite comes out of a run folder.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn check(
    scoring: &Scoring,
    folder: Option<&Path>,
    document: Document<'_>,
) -> Result<Option<(Command, Option<String>)>, Problems> {
    let problem = |key: &str, message: String, remedy: &str| {
        document.problem(&["scoring", key], message).remedy(remedy)
    };
    let mut problems = Vec::new();
    let Some(argv) = &scoring.command else {
        let others =
            [("timeout", scoring.timeout.is_some()), ("workers", scoring.workers.is_some())];
        for (key, _) in others.into_iter().filter(|(_, present)| *present) {
            let message = format!("`{key}` belongs to a command, and there is none");
            problems.push(problem(key, message, "remove it, or add `command`"));
        }
        return if problems.is_empty() { Ok(None) } else { Err(Problems(problems)) };
    };
    if scoring.primary.is_some() {
        let message = "with a command the primary metric is `score`".to_owned();
        problems.push(problem("primary", message, "remove one of the two"));
    }
    let timeout = match scoring.timeout.as_deref().map(str::parse::<jiff::SignedDuration>) {
        None => Some(DEFAULT_TIME),
        Some(read) => read.ok().and_then(|time| Duration::try_from(time).ok()),
    };
    let timeout = timeout.filter(|time| TIMES.contains(time)).unwrap_or_else(|| {
        let word = scoring.timeout.as_deref().unwrap_or_default();
        let message = format!("`{word}` is no time from 100 ms to an hour");
        problems.push(problem("timeout", message, "write it with its unit: `10s`"));
        DEFAULT_TIME
    });
    let workers = scoring.workers.unwrap_or(1);
    if !(1..=MOST_WORKERS).contains(&workers) {
        let message = format!("{workers} workers are not between 1 and {MOST_WORKERS}");
        problems.push(problem("workers", message, "leave the key out for one"));
    }
    let mut command = Command { argv: argv.clone(), timeout, workers, sha256: None };
    let mut warning = None;
    const FORM: &str = "write the program and its arguments: `[python3, score.py]`";
    match (argv.first().filter(|program| !program.is_empty()), folder) {
        (None, _) => {
            problems.push(problem("command", "the command is empty".to_owned(), FORM));
        }
        (Some(program), Some(folder)) if !is_there(program, folder) => {
            let message = format!("there is no program `{program}`");
            problems.push(problem(
                "command",
                message,
                "programs with a `/` are relative to the suite's folder, others are searched in PATH",
            ));
        }
        (Some(_), Some(folder)) => match command.digest(folder) {
            Ok(digest) => {
                command.sha256 = Some(digest);
                warning = command.files(folder).next().is_none().then(|| {
                    "the scoring command names no file beside the suite, so that a change of it \
                     is not noticed"
                        .to_owned()
                });
            }
            Err(error) => {
                let message = format!("a file of the command cannot be read: {error}");
                problems.push(problem("command", message, "make it readable"));
            }
        },
        (Some(_), None) => {}
    }
    if problems.is_empty() { Ok(Some((command, warning))) } else { Err(Problems(problems)) }
}

/// Whether a program can be found, as the system will look for it.
fn is_there(program: &str, folder: &Path) -> bool {
    if program.contains('/') {
        return folder.join(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metric, Parts};

    fn read(line: &str) -> Result<Judgement, String> {
        Judgement::read(line, "s1")
    }

    #[test]
    fn lines_are_read_strictly() {
        let judgement =
            read(r#"{"score": 0.5, "parts": {"tone": 1}, "why": "long", "sample": "s1"}"#).unwrap();
        assert_eq!((judgement.score, judgement.parts["tone"]), (0.5, 1.0));
        assert_eq!(read(r#"{"score": 1}"#).unwrap().why, None);
        for (line, message) in [
            ("", "no judgement"),
            ("score: 1", "no judgement"),
            (r#"{"score": "1"}"#, "no judgement"),
            (r#"{"parts": {}}"#, "missing field `score`"),
            (r#"{"score": 1, "reason": "x"}"#, "unknown field `reason`"),
            (r#"{"score": 1.5}"#, "1.5 is not between 0 and 1"),
            (r#"{"score": -0.1}"#, "not between 0 and 1"),
            (r#"{"score": 1, "parts": {"tone": 3}}"#, "`tone`, 3, is not"),
            (r#"{"score": 1, "parts": {"": 1}}"#, "cannot name a part"),
            (r#"{"score": 1, "sample": "s2"}"#, "about the sample `s2`"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
        let many: Vec<String> = (0..33).map(|i| format!("\"p{i}\": 0")).collect();
        assert!(read(&format!(r#"{{"score": 1, "parts": {{{}}}}}"#, many.join(","))).is_err());
    }

    #[test]
    fn a_judgement_stands_over_the_score_of_the_task() {
        let own = Score {
            primary: 1.0,
            parts: Parts::from([("n".to_owned(), 1.0), ("correct".to_owned(), 1.0)]),
            detail: json!({"expected": "a"}),
        };
        let judged = read(r#"{"score": 0.25, "parts": {"tone": 0.5}}"#).unwrap().over(own.clone());
        assert_eq!(judged.primary, 0.25);
        assert_eq!(Metric::Score.finish(&judged.parts), Some(0.25));
        assert_eq!(Metric::Accuracy.finish(&judged.parts), Some(1.0));
        assert_eq!(judged.parts["command:tone"], 0.5);
        assert_eq!(judged.detail["command"]["score"], 0.25);
        assert_eq!(judged.detail["expected"], "a");
        assert_eq!(unjudged(own).primary, 0.0);
    }

    #[test]
    fn the_digest_covers_words_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("score.py");
        std::fs::write(&script, "one").unwrap();
        let command = |argv: &[&str]| Command {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout: Duration::from_secs(10),
            workers: 1,
            sha256: None,
        };
        let digest = |argv: &[&str]| command(argv).digest(folder.path()).unwrap();
        let first = digest(&["python3", "score.py"]);
        assert_eq!(digest(&["python3", "score.py"]), first);
        assert_ne!(digest(&["python3", "score.py", "-v"]), first);
        std::fs::write(&script, "two").unwrap();
        assert_ne!(digest(&["python3", "score.py"]), first);
    }
}
