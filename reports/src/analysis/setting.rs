//! What belongs to sessions: machines, versions, memory, load time, throughput, crashes.

use std::collections::BTreeMap;

use rightsize_providers::{Description, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::estimate::word;
use super::model::Figure;
use crate::folder::RunFolder;
use crate::run::{BASELINE, EntryRef, EntrySession, Outcome, Scenario, SessionLine};

/// What belongs to the sessions in which the records were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Sessions by number.
    pub sessions: Vec<SessionView>,
    /// Entries in the order of the bake-off.
    pub entries: Vec<EntryView>,
    /// `i/n` when the folder is one shard.
    pub shard: Option<String>,
    /// Last lines that a kill cut, dropped.
    pub torn_lines: u64,
    /// Lines that a later line of the same unit superseded.
    pub superseded_lines: u64,
    /// Units of one key that were asked in two ways; the later one is used.
    pub conflicts: u64,
    /// Records of suites or models that the manifest does not name; left out.
    pub foreign: u64,
    /// That scores were made again; absent where they are those of the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescored: Option<Rescored>,
}

/// That the scores were made again of the same answers, after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rescored {
    /// Names what decides the scores.
    pub scoring_version: String,
    /// When, RFC 3339, UTC.
    pub time: String,
    /// Version of rightsize.
    pub version: String,
    /// Suites that score otherwise than as they were asked.
    pub suites: Vec<String>,
    /// Units that were recorded since, and are scored as they were asked.
    pub units_missing: u64,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// Its number.
    pub session: u32,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// When it ended; absent when it was killed.
    pub ended: Option<String>,
    /// Why it ended; absent when it was killed.
    pub reason: Option<String>,
    /// Version of rightsize.
    pub version: String,
    /// The command line.
    pub args: Vec<String>,
    /// The machine, as `rightsize hardware --json` prints it.
    pub machine: Value,
    /// Confinement layers of engine processes that held.
    pub confinement: Vec<String>,
}

/// A model entry over all sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryView {
    /// Its id.
    pub model: String,
    /// What answered, in the last session that said so.
    #[schemars(with = "Option<Value>")]
    pub description: Option<Description>,
    /// Peak resident memory of its process, in bytes, over all sessions.
    pub peak_memory_bytes: Figure,
    /// Time to start and load, in milliseconds; the longest of all sessions.
    pub load_ms: Figure,
    /// Answered units per second of the batch pass.
    pub samples_per_s: Figure,
    /// Written tokens per second of the batch pass, all streams together.
    pub output_tok_s: Figure,
    /// Why it ended before its units did, a line a session.
    pub ended_by: Vec<EndedBy>,
    /// Deaths of its process.
    pub crashes: Vec<CrashView>,
}

/// Why an entry ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedBy {
    /// The session.
    pub session: u32,
    /// What happened.
    pub kind: String,
    /// Whose fault: `ours` or `theirs`.
    pub side: String,
    /// The sentence.
    pub message: String,
}

/// One death of an engine process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrashView {
    /// The session.
    pub session: u32,
    /// How it ended.
    pub ended_by: String,
    /// Samples that were in flight.
    pub in_flight: Vec<String>,
    /// The last lines of its standard error.
    pub last_log: Vec<String>,
}

/// The setting of an opened run folder.
pub fn of(folder: &RunFolder) -> Setting {
    let mut sessions: BTreeMap<u32, SessionView> = BTreeMap::new();
    // An entry that chooses a variant runs twice in a session: on dev, then on test.
    let mut entries: BTreeMap<&str, Vec<&EntrySession>> = BTreeMap::new();
    for line in &folder.sessions {
        match line {
            SessionLine::Started(start) => {
                sessions.insert(
                    start.session,
                    SessionView {
                        session: start.session,
                        started: start.time.clone(),
                        ended: None,
                        reason: None,
                        version: start.version.clone(),
                        args: start.args.clone(),
                        machine: start.machine.clone(),
                        confinement: start.confinement.clone(),
                    },
                );
            }
            SessionLine::Entry(entry) => {
                entries.entry(&entry.entry).or_default().push(entry);
            }
            SessionLine::Ended(end) => {
                if let Some(session) = sessions.get_mut(&end.session) {
                    session.ended = Some(end.time.clone());
                    session.reason = Some(end.reason.clone());
                }
            }
        }
    }
    let entry = |(index, reference): (usize, &EntryRef)| {
        let id = reference.id.as_str();
        let mine = entries.get(id).map(Vec::as_slice).unwrap_or_default();
        entry_view(folder, index, reference, mine)
    };
    Setting {
        sessions: sessions.into_values().collect(),
        entries: folder.manifest.models.iter().enumerate().map(entry).collect(),
        shard: folder.manifest.shard.clone(),
        torn_lines: folder.noticed.torn,
        superseded_lines: folder.noticed.superseded,
        conflicts: folder.noticed.conflicts,
        foreign: folder.noticed.foreign,
        rescored: folder.rescored().map(|head| Rescored {
            scoring_version: head.scoring_version.clone(),
            time: head.time.clone(),
            version: head.version.clone(),
            suites: head
                .suites
                .iter()
                .filter(|scored| {
                    let mut asked = folder.manifest.suites.iter();
                    let facts = &scored.facts;
                    asked.any(|s| s.name == facts.name && s.sha256 != facts.sha256)
                })
                .map(|scored| scored.facts.name.clone())
                .collect(),
            units_missing: folder.noticed.unscored,
        }),
    }
}

fn entry_view(
    folder: &RunFolder,
    index: usize,
    reference: &EntryRef,
    sessions: &[&EntrySession],
) -> EntryView {
    let largest = |of: fn(&EntrySession) -> Option<u64>, why: &str| {
        sessions
            .iter()
            .filter_map(|session| of(session))
            .max()
            .map_or_else(|| Figure::unknown(why), |value| Figure::known(value as f64))
    };
    let elsewhere = match (reference.local, reference.provider.as_str()) {
        (true, _) => "no session recorded it",
        (false, "replay") => "its answers were read from a file",
        (false, BASELINE) => "a baseline has no process of its own",
        (false, _) => "it ran on another machine",
    };
    let (samples_per_s, output_tok_s) = throughput(folder, index, sessions);
    EntryView {
        model: reference.id.clone(),
        description: sessions.last().map(|session| session.description.clone()),
        peak_memory_bytes: largest(|s| s.description.peak_memory_bytes, elsewhere),
        load_ms: largest(|s| s.description.load_ms, elsewhere),
        samples_per_s,
        output_tok_s,
        ended_by: sessions
            .iter()
            .filter_map(|session| Some((session.session, session.ended_by.as_ref()?)))
            .map(|(session, error)| EndedBy {
                session,
                kind: word(&error.kind),
                side: if error.side == Side::Ours { "ours" } else { "theirs" }.to_owned(),
                message: error.message.clone(),
            })
            .collect(),
        crashes: sessions
            .iter()
            .flat_map(|session| {
                session.description.crashes.iter().map(|crash| CrashView {
                    session: session.session,
                    ended_by: crash.ended_by.clone(),
                    in_flight: crash.in_flight.clone(),
                    last_log: crash.last_log.clone(),
                })
            })
            .collect(),
    }
}

/// Answered units and written tokens per second of the batch pass, over the sessions whose wall
/// time is known (that of a killed session is not).
fn throughput(folder: &RunFolder, index: usize, sessions: &[&EntrySession]) -> (Figure, Figure) {
    let walls: BTreeMap<u32, u64> = sessions
        .iter()
        .filter_map(|session| Some((session.session, session.batch_wall_ns?)))
        .collect();
    let seconds = walls.values().fold(0u64, |sum, ns| sum.saturating_add(*ns)) as f64 / 1e9;
    let (mut units, mut tokens, mut counted) = (0u64, 0u64, true);
    for row in folder.rows() {
        if row.model == index
            && row.scenario == Scenario::Batch
            && row.outcome != Outcome::Error
            && !row.cached
            && walls.contains_key(&row.session)
        {
            units = units.saturating_add(1);
            match row.figure(|figures| figures.output_tokens) {
                Some(more) => tokens = tokens.saturating_add(more),
                None => counted = false,
            }
        }
    }
    if seconds <= 0.0 || units == 0 {
        let why = "no batch pass with a known duration";
        return (Figure::unknown(why), Figure::unknown(why));
    }
    let rate = if counted {
        Figure::known(tokens as f64 / seconds)
    } else {
        Figure::unknown("some answers carry no token count")
    };
    (Figure::known(units as f64 / seconds), rate)
}
