//! One session of a run: the lines of `sessions.jsonl`.

use rightsize_providers::Description;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RecordError;

/// A line of `sessions.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SessionLine {
    /// A session began.
    Started(Box<SessionStart>),
    /// A model entry ended in this session.
    Entry(Box<EntrySession>),
    /// The session ended. A session without this line was killed.
    Ended(SessionEnd),
}

/// The beginning of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStart {
    /// Number of the session in this folder, from 1.
    pub session: u32,
    /// Wall clock, RFC 3339 with seconds, UTC.
    pub time: String,
    /// The same moment on the run's clock, in nanoseconds: anchors the stamps.
    pub clock_ns: u64,
    /// Boot id of the machine, where it has one: stamps of two boots are not comparable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// The command line, without values that could be secret.
    pub args: Vec<String>,
    /// The folder that paths in the bake-off are relative to, so that a run can be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Version of rightsize.
    pub version: String,
    /// The machine, as `rightsize hardware --json` prints it.
    pub machine: Value,
    /// Confinement layers of engine processes that held; none are built yet.
    #[serde(default)]
    pub confinement: Vec<String>,
}

/// How a model entry fared in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntrySession {
    /// The session.
    pub session: u32,
    /// The entry's id.
    pub entry: String,
    /// What answered.
    pub description: Description,
    /// Why the entry ended before its units did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<RecordError>,
    /// Wall time of its batch pass in this session, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_wall_ns: Option<u64>,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// The session.
    pub session: u32,
    /// Wall clock, RFC 3339, UTC.
    pub time: String,
    /// Units recorded in this session.
    pub recorded: u64,
    /// `complete`, `interrupted`, `too many errors`, `disk full`.
    pub reason: String,
}
