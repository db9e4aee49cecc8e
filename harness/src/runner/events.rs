//! The two vocabularies of a run: what workers tell the coordinator, and what it tells the display.

use rightsize_providers::{Description, ProviderError};
use rightsize_reports::run::{EntrySession, Record, Scenario};

/// From a worker to the coordinator.
#[derive(Debug)]
pub enum WorkerEvent {
    /// An entry is ready to answer.
    EntryStarted {
        /// Its id.
        entry: String,
        /// Units to be asked by scenario.
        units: Vec<(Scenario, u64)>,
    },
    /// A unit has its record.
    Recorded {
        /// The record.
        record: Box<Record>,
        /// The text of its prompt.
        prompt: String,
    },
    /// An attempt failed and is made again later.
    Waiting {
        /// The entry.
        entry: String,
        /// How long, in seconds.
        seconds: f64,
        /// The error.
        why: String,
    },
    /// An entry has ended, or could not start.
    EntryEnded {
        /// Its id.
        entry: String,
        /// What answered.
        description: Box<Description>,
        /// Why it ended before its units did.
        ended_by: Option<ProviderError>,
        /// Wall time of the batch pass, in nanoseconds.
        batch_wall_ns: Option<u64>,
    },
}

/// From the coordinator to the display; everything in it is on disk already.
#[derive(Debug)]
pub enum Event<'a> {
    /// An entry is ready to answer.
    EntryStarted {
        /// Its id.
        entry: &'a str,
        /// Units to be asked by scenario.
        units: &'a [(Scenario, u64)],
    },
    /// A unit has its record.
    Recorded {
        /// The record.
        record: &'a Record,
    },
    /// An attempt failed and is made again later.
    Waiting {
        /// The entry.
        entry: &'a str,
        /// How long, in seconds.
        seconds: f64,
        /// The error.
        why: &'a str,
    },
    /// An entry has ended, or could not start.
    EntryEnded {
        /// As it stands in `sessions.jsonl`.
        session: &'a EntrySession,
    },
}
