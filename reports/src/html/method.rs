//! How it was measured: sessions, machine, engines, digests, definitions; and what to be told first.

use serde::Serialize;
use serde_json::Value;

use super::figures::Name;
use crate::analysis::{Analysis, EntryView, Rescored, SessionView};
use crate::{glossary, numbers, visible};

/// Pairs of a name and a value, drawn as a definition list.
type Pairs = Vec<(String, String)>;

#[derive(Debug, Serialize)]
pub struct Method {
    run: Pairs,
    suites: Vec<(String, Pairs)>,
    sessions: Vec<Session>,
    machines: Vec<(String, Pairs)>,
    entries: Vec<(Name, Pairs)>,
    terms: Vec<Term>,
}

#[derive(Debug, Serialize)]
struct Session {
    number: u32,
    started: String,
    ended: String,
    reason: String,
    version: String,
    args: String,
}

#[derive(Debug, Serialize)]
struct Term {
    term: &'static str,
    meaning: &'static str,
    unit: &'static str,
    source: &'static str,
}

/// The line under the title.
pub fn facts(analysis: &Analysis) -> Vec<String> {
    let results = &analysis.results;
    let mut facts = Vec::new();
    if let Some(session) = analysis.setting.sessions.first() {
        facts.push(visible::line(&session.started).replace('T', " ").replace('Z', " UTC"));
        facts.push(format!("rightsize {}", visible::line(&session.version)));
    }
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let baselines = results.models.iter().filter(|model| model.is_baseline()).count();
    let beside = if baselines == 0 {
        String::new()
    } else {
        format!(" and {}", plural(baselines, "baseline"))
    };
    facts.push(format!(
        "{}{beside} on {}",
        plural(results.models.len() - baselines, "model"),
        plural(results.suites.len(), "suite")
    ));
    facts.push(format!("{} units", numbers::count(results.units_recorded)));
    facts.push(format!("seed {}", results.seed));
    facts.push(format!("bake-off {}", short(&results.bakeoff_sha256)));
    facts
}

/// What a reader must know before any number.
pub fn flags(analysis: &Analysis) -> Vec<String> {
    let (results, setting) = (&analysis.results, &analysis.setting);
    let mut flags = Vec::new();
    if results.units_recorded < results.units_planned {
        flags.push(format!(
            "Incomplete: {} of {} planned units are recorded.",
            numbers::count(results.units_recorded),
            numbers::count(results.units_planned)
        ));
    }
    if let Some(shard) = &setting.shard {
        flags.push(format!("This is shard {} of a run: merge the shards.", visible::line(shard)));
    }
    let missing = results.cells.iter().filter(|cell| !cell.measured).count();
    if missing > 0 {
        flags.push(format!(
            "Not measured: {missing} of {} pairs of model and suite. They are not 0 %.",
            results.cells.len()
        ));
    }
    for entry in &setting.entries {
        let name = visible::line(&entry.model);
        if !entry.ended_by.is_empty() {
            flags.push(format!("{name} ended before its units did."));
        }
        if !entry.crashes.is_empty() {
            let times = entry.crashes.len();
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            flags.push(format!("The engine process of {name} died {times}."));
        }
    }
    if setting.conflicts > 0 {
        flags.push(format!(
            "{} units were asked in two different ways; the later answer is used.",
            numbers::count(setting.conflicts)
        ));
    }
    if setting.foreign > 0 {
        flags.push(format!(
            "{} records of unknown suites or models were left out.",
            numbers::count(setting.foreign)
        ));
    }
    if let Some(rescored) = setting.rescored.as_ref().filter(|r| r.units_missing > 0) {
        flags.push(format!(
            "{} units were recorded after the scores had been made again, and are scored by the \
             suites as they were run: run `rightsize rescore` once more.",
            numbers::count(rescored.units_missing)
        ));
    }
    flags
}

/// The sentence on scores that were made again.
fn rescored(rescored: &Rescored) -> String {
    let by = match rescored.suites.is_empty() {
        true => "by the suites as they were run".to_owned(),
        false => format!("after a change of {}", visible::line(&rescored.suites.join(", "))),
    };
    format!(
        "made again of the same answers, {by}, on {} by rightsize {} (scoring version {})",
        visible::line(&rescored.time).replace('T', " ").replace('Z', " UTC"),
        visible::line(&rescored.version),
        visible::line(&rescored.scoring_version)
    )
}

/// The method section.
pub fn of(analysis: &Analysis) -> Method {
    let (results, setting) = (&analysis.results, &analysis.setting);
    let mut machines: Vec<(String, Pairs)> = Vec::new();
    let mut seen: Vec<(&Value, Vec<u32>)> = Vec::new();
    for session in &setting.sessions {
        match seen.iter_mut().find(|(machine, _)| *machine == &session.machine) {
            Some((_, sessions)) => sessions.push(session.session),
            None => seen.push((&session.machine, vec![session.session])),
        }
    }
    for (machine, sessions) in seen {
        let mut pairs = Pairs::new();
        flatten(machine, "", &mut pairs);
        let numbers: Vec<String> = sessions.iter().map(u32::to_string).collect();
        let word = if sessions.len() == 1 { "session" } else { "sessions" };
        machines.push((format!("{word} {}", numbers.join(", ")), pairs));
    }
    Method {
        run: setting
            .rescored
            .iter()
            .map(|again| ("scores".into(), rescored(again)))
            .chain([
                ("units recorded".into(), numbers::count(results.units_recorded)),
                ("units planned".into(), numbers::count(results.units_planned)),
                ("seed".into(), results.seed.to_string()),
                ("bake-off digest".into(), results.bakeoff_sha256.clone()),
                ("torn last lines dropped".into(), numbers::count(setting.torn_lines)),
                ("superseded records".into(), numbers::count(setting.superseded_lines)),
            ])
            .collect(),
        suites: results
            .suites
            .iter()
            .map(|suite| {
                let mut pairs = vec![
                    ("task".into(), suite.task.clone()),
                    ("samples asked".into(), numbers::count(suite.asked)),
                    ("samples in the suite".into(), numbers::count(suite.samples)),
                    ("scoring version".into(), suite.scoring_version.to_string()),
                    ("digest".into(), suite.sha256.clone()),
                ];
                if let Some(margin) = &suite.margin {
                    let mut text = format!("{:.1} percentage points", margin.abs * 100.0);
                    if !margin.why.is_empty() {
                        text.push_str(&format!(": {}", visible::line(&margin.why)));
                    }
                    pairs.push(("margin".into(), text));
                }
                if !suite.source.is_empty() {
                    pairs.push(("source".into(), visible::line(&suite.source).into_owned()));
                }
                (visible::line(&suite.name).into_owned(), pairs)
            })
            .collect(),
        sessions: setting.sessions.iter().map(session).collect(),
        machines,
        entries: setting
            .entries
            .iter()
            .map(|view| (Name::of(results, &view.model), entry(view)))
            .collect(),
        terms: glossary::terms()
            .iter()
            .map(|entry| Term {
                term: entry.term,
                meaning: entry.meaning,
                unit: entry.unit.unwrap_or(""),
                source: entry.source.unwrap_or(""),
            })
            .collect(),
    }
}

fn session(view: &SessionView) -> Session {
    let known = |text: &Option<String>, otherwise: &str| {
        text.as_ref().map_or(otherwise.to_owned(), |text| visible::line(text).into_owned())
    };
    Session {
        number: view.session,
        started: visible::line(&view.started).into_owned(),
        ended: known(&view.ended, numbers::DASH),
        reason: known(&view.reason, "killed, or still running"),
        version: visible::line(&view.version).into_owned(),
        args: visible::line(&view.args.join(" ")).into_owned(),
    }
}

fn entry(view: &EntryView) -> Pairs {
    let mut pairs = Pairs::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            pairs.push((name.to_owned(), visible::line(&value).into_owned()));
        }
    };
    if let Some(d) = &view.description {
        add("provider", Some(d.provider.clone()));
        add("model", Some(d.model.clone()));
        add("endpoint", d.endpoint.clone());
        add("engine", d.engine.clone());
        add("compiled instruction sets", Some(d.isa_compiled.join(" ")));
        add("threads", d.threads.map(|threads| threads.to_string()));
        add("chat template", d.chat_template.clone());
        add("weights", d.weights_bytes.map(|bytes| numbers::bytes(bytes as f64)));
        add("weights digest", d.weights_sha256.clone());
        for (name, fact) in &d.facts {
            add(&visible::line(name), Some(fact.clone()));
        }
    }
    let mut figure = |name: &str, figure: &crate::analysis::Figure, write: fn(f64) -> String| {
        if let Some(value) = figure.value {
            pairs.push((name.to_owned(), write(value)));
        }
    };
    figure("load time", &view.load_ms, numbers::ms);
    figure("peak memory", &view.peak_memory_bytes, numbers::bytes);
    figure("samples/s in batch", &view.samples_per_s, numbers::rate);
    figure("output tok/s in batch", &view.output_tok_s, numbers::rate);
    pairs
}

/// A JSON value as pairs: paths as names, lists in one line, byte counts readable.
fn flatten(value: &Value, path: &str, pairs: &mut Pairs) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = visible::line(key);
                let path = if path.is_empty() { key.into_owned() } else { format!("{path} {key}") };
                flatten(value, &path, pairs);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let words: Vec<String> = items.iter().map(|item| scalar(item, "")).collect();
            let text = if words.is_empty() { "none".to_owned() } else { words.join(" ") };
            pairs.push((label(path), text));
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                flatten(item, &format!("{path} {}", number + 1), pairs);
            }
        }
        scalar_value => pairs.push((label(path), scalar(scalar_value, path))),
    }
}

fn label(path: &str) -> String {
    path.trim_end_matches("_bytes").replace('_', " ")
}

fn scalar(value: &Value, path: &str) -> String {
    match value {
        Value::Null => numbers::DASH.to_owned(),
        Value::String(text) => visible::line(text).into_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(bytes) if path.ends_with("_bytes") => numbers::bytes(bytes),
            _ => number.to_string(),
        },
        other => visible::line(&other.to_string()).into_owned(),
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
