//! The matrix of work: which units a run has, under which digests, and which of them a shard does.

mod dev;
mod units;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rightsize_providers::digest::{self, OfParts};
use rightsize_providers::{Ask, AskKind, Generate};
use rightsize_reports::run::{Mode, Scenario, Split};
use rightsize_suites::baselines::Method;
use rightsize_suites::variants;
use rightsize_suites::{PromptError, Suite};
use serde_json::{Value, json};

use crate::bakeoff::{Bakeoff, ModelEntry};

pub use dev::{dev_units_of, dev_units_of_each};
pub use units::{Pass, Place, Unit, Units};

/// One part of a run: the `index`-th of `count`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub index: usize,
    /// At least 1.
    pub count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if index >= 1 && index <= count => Ok(Shard { index, count }),
            _ => Err(format!("`{text}` is no shard: write I/N with 1 <= I <= N, such as 3/8")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Whether the sample at this position of its suite belongs to this shard. All units of a
    /// sample do, so that shards are of equal weight for every entry.
    fn holds(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

/// What identifies a unit: one key, one unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey {
    /// Suite name.
    pub suite: String,
    /// The split that the sample is of.
    pub split: Split,
    /// Sample id.
    pub sample: String,
    /// Entry id.
    pub entry: String,
    /// Prompt variant.
    pub variant: String,
    /// How it is asked.
    pub mode: Mode,
    /// How load is offered.
    pub scenario: Scenario,
    /// From 0.
    pub repeat: u32,
}

impl UnitKey {
    /// Digest of this key and an ask digest.
    pub fn unit(&self, ask: &str) -> String {
        let mut all = json!({
            "suite": self.suite, "sample": self.sample, "entry": self.entry,
            "variant": self.variant, "mode": self.mode, "scenario": self.scenario,
            "repeat": self.repeat, "ask": ask,
        });
        // Ids are unique within a split.
        if !self.split.is_test() {
            all["split"] = json!(self.split);
        }
        digest::of_value(&all)
    }
}

/// What answers a set of units, and how many of them.
#[derive(Debug, Clone, Copy)]
pub struct Answerer<'a> {
    /// Entry id.
    pub id: &'a str,
    /// A seeded subset of each suite; absent takes all.
    pub samples: Option<usize>,
    /// The scenarios that it runs under.
    pub scenarios: &'a [Scenario],
    /// The mode that quality is read in.
    pub mode: Mode,
}

impl<'a> Answerer<'a> {
    /// A model entry.
    pub fn model(entry: &'a ModelEntry, bakeoff: &'a Bakeoff) -> Self {
        let scenarios = entry.scenarios(&bakeoff.scenarios);
        Answerer { id: &entry.id, samples: entry.samples, scenarios, mode: entry.mode.main() }
    }

    /// How often a dev sample is asked. Choices are not drawn: once.
    fn dev_repeats(self, bakeoff: &Bakeoff) -> u32 {
        match self.mode {
            Mode::Generate => bakeoff.repeats,
            Mode::Choose => 1,
        }
    }

    /// A baseline, whose latency nobody asks for.
    pub fn baseline(method: Method) -> Answerer<'static> {
        Answerer {
            id: method.word(),
            samples: None,
            scenarios: &[Scenario::Batch],
            mode: Mode::Generate,
        }
    }
}

/// The units of one entry: batch first, then single-stream; suites in order, samples in order.
///
/// Repeats are asked in the first pass, in which quality is read: all samples once, then all again.
/// A single-stream pass behind a batch asks each sample once.
///
/// Subsets (`limit`, the entry's `samples`, the single-stream pass) are drawn by the run's seed from
/// the whole suite, before the shard takes its part: they are the same however a run is cut.
pub fn units_of(
    answerer: Answerer<'_>,
    bakeoff: &Bakeoff,
    suites: &[Suite],
    limit: Option<usize>,
    shard: Option<Shard>,
) -> Units {
    let mut units = Units::default();
    let passes = [Scenario::Batch, Scenario::SingleStream].into_iter();
    let passes = passes.filter(|scenario| answerer.scenarios.contains(scenario));
    for (pass, scenario) in passes.enumerate() {
        let repeats = if pass == 0 { bakeoff.repeats } else { 1 };
        for (suite_index, suite) in suites.iter().enumerate() {
            let pass =
                (scenario == Scenario::SingleStream).then_some(bakeoff.single_stream.samples);
            let most = [limit, answerer.samples, pass].into_iter().flatten().min();
            let mut positions = subset(suite, bakeoff.seed, most);
            positions.retain(|position| shard.is_none_or(|shard| shard.holds(*position as usize)));
            let key = UnitKey {
                suite: suite.name.clone(),
                split: Split::Test,
                sample: String::new(),
                entry: answerer.id.to_owned(),
                variant: variants::DEFAULT.to_owned(),
                mode: Mode::Generate,
                scenario,
                repeat: 0,
            };
            units.extend(key, suite_index, &positions, repeats);
        }
    }
    units
}

/// Positions of a seeded subset in rising order. A smaller subset of one suite and seed is part of
/// every larger one, so that passes and entries of different size see common samples.
fn subset(suite: &Suite, seed: u64, most: Option<usize>) -> Vec<u32> {
    drawn(&suite.name, suite.samples.len(), seed, most)
}

/// The same of `count` rows, by the name of what they are rows of.
fn drawn(name: &str, count: usize, seed: u64, most: Option<usize>) -> Vec<u32> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let mut positions: Vec<u32> = (0..count).collect();
    if let Some(most) = most.filter(|most| *most < positions.len()) {
        let name = digest::of_bytes(name.as_bytes());
        let of_name = u64::from_str_radix(name.get(..16).unwrap_or("0"), 16).unwrap_or(0);
        positions.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ of_name));
        positions.truncate(most);
        positions.sort_unstable();
    }
    positions
}

/// The sampling seed of a repeat: the first is asked with the entry's own, so that it is the unit of a
/// run without repeats; every further one with a seed of its own, of 31 bits, which all servers take.
fn seed_of_repeat(seed: u64, key: &UnitKey) -> u64 {
    if key.repeat == 0 {
        return seed;
    }
    let digest = digest::of_value(&json!({
        "seed": seed, "suite": key.suite, "sample": key.sample, "repeat": key.repeat,
    }));
    let bits = digest.get(..8).and_then(|hex| u64::from_str_radix(hex, 16).ok());
    bits.unwrap_or_default() >> 1
}

/// The ask of a unit: the suite's prompt with the entry's sampling and extras.
///
/// # Errors
/// The prompt cannot be rendered for this row.
pub fn ask_of(
    unit: &Unit,
    suite: &Suite,
    entry: &ModelEntry,
    seed: u64,
) -> Result<Ask, PromptError> {
    let (variant, repeat) = (&unit.key.variant, unit.key.repeat);
    let mut ask = match unit.key.mode {
        Mode::Generate => suite.ask_in(variant, &unit.sample, repeat)?,
        Mode::Choose => suite.choose_in(variant, &unit.sample, repeat)?,
    };
    if let AskKind::Generate(generate) = &mut ask.kind {
        generate.sampling = entry.sampling.resolve(seed);
        generate.sampling.seed = seed_of_repeat(generate.sampling.seed, &unit.key);
        generate.stream = entry.stream;
        generate.extras = entry.extras.clone();
        if let Some(max_tokens) = entry.sampling.max_tokens {
            generate.max_tokens = max_tokens;
        }
    }
    Ok(ask)
}

/// Digest of all that can change the answer to an ask: every field of the ask but the sample it is
/// for and whether it is streamed, and what answers. Never price, concurrency, threads or version.
pub fn ask_digest(ask: &Ask, entry: &ModelEntry, weights: Option<&str>, key: &UnitKey) -> String {
    let kind = match &ask.kind {
        AskKind::Generate(generate) => {
            let unstreamed = Generate { stream: false, ..generate.clone() };
            json!({ "generate": unstreamed })
        }
        other => json!(other),
    };
    // A file's digest says more than its path; a server's model has only its name.
    let model = match weights {
        Some(sha256) => json!({ "sha256": sha256 }),
        None => json!({ "name": entry.model }),
    };
    digest::of_value(&json!({
        "kind": kind,
        "provider": entry.provider,
        "base_url": entry.base_url,
        "model": model,
        "scenario": key.scenario,
        "repeat": key.repeat,
    }))
}

/// The same for a baseline: method, seed and the rows that it learns from.
pub fn baseline_digest(
    method: Method,
    seed: u64,
    parameters: &Value,
    train_sha256: &str,
    key: &UnitKey,
) -> String {
    let mut all = json!({
        "baseline": method,
        "seed": seed,
        "train": train_sha256,
        "scenario": key.scenario,
        "repeat": key.repeat,
    });
    if !parameters.is_null() {
        all["parameters"] = parameters.clone();
    }
    digest::of_value(&all)
}

/// Digest of the rows of a suite's train split.
pub fn train_digest(suite: &Suite) -> String {
    let mut rows = OfParts::default();
    let Ok(()) = rows.list::<Infallible>(suite.train.iter().map(|s| Ok(Value::Object(s.row))));
    rows.finish()
}

/// The text of a prompt as it is kept in `prompts.jsonl`.
pub fn prompt_text(ask: &Ask) -> String {
    use rightsize_providers::Prompt;
    let of_prompt = |prompt: &Prompt| match prompt {
        Prompt::Raw(text) => text.clone(),
        Prompt::Messages(messages) => json!(messages).to_string(),
    };
    match &ask.kind {
        AskKind::Generate(generate) => of_prompt(&generate.prompt),
        AskKind::Choose(choose) => of_prompt(&choose.prompt),
        AskKind::Embed(embed) => embed.text.clone(),
    }
}

/// Who says what in a prompt, for people.
pub fn messages(ask: &Ask) -> Vec<(&'static str, &str)> {
    use rightsize_providers::Prompt;
    let prompt = match &ask.kind {
        AskKind::Generate(generate) => &generate.prompt,
        AskKind::Choose(choose) => &choose.prompt,
        AskKind::Embed(embed) => return vec![("text", &embed.text)],
    };
    match prompt {
        Prompt::Raw(text) => vec![("text", text)],
        Prompt::Messages(messages) => {
            messages.iter().map(|m| (m.role.as_str(), m.content.as_str())).collect()
        }
    }
}

/// The bake-off as it stands in the manifest: after defaults and the command line's filters.
pub fn resolved(bakeoff: &Bakeoff, limit: Option<usize>) -> Value {
    json!({ "bakeoff": bakeoff, "limit": limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn plan(text: &str) -> (Bakeoff, Vec<Suite>) {
        let file = crate::bakeoff::BakeoffFile::parse("b.yaml", text.to_owned(), PathBuf::new());
        let bakeoff = file.unwrap().bakeoff;
        let load = |s: &String| Suite::load(s, Path::new("")).unwrap();
        let suites = bakeoff.suites.iter().map(load).collect();
        (bakeoff, suites)
    }

    const BAKEOFF: &str =
        "name: t\nsuites: [catalog:support-triage, catalog:kb-faq]\nmodels: [specialist-1m]\n";

    #[test]
    fn shards_are_a_partition() {
        let (bakeoff, suites) = plan(BAKEOFF);
        let entry = &bakeoff.models[0];
        let keys = |shard| -> Vec<UnitKey> {
            units_of(Answerer::model(entry, &bakeoff), &bakeoff, &suites, Some(41), shard)
                .iter(&suites)
                .map(|u| u.key)
                .collect()
        };
        let whole: BTreeSet<UnitKey> = keys(None).into_iter().collect();
        let mut parts = Vec::new();
        for index in 1..=4 {
            parts.extend(keys(Some(Shard { index, count: 4 })));
        }
        assert_eq!(parts.len(), whole.len(), "no unit is in two shards");
        assert_eq!(parts.into_iter().collect::<BTreeSet<_>>(), whole);
    }

    #[test]
    fn smaller_subsets_are_parts_of_larger_ones() {
        let (_, suites) = plan(BAKEOFF);
        let small: BTreeSet<u32> = subset(&suites[0], 7, Some(20)).into_iter().collect();
        let large: BTreeSet<u32> = subset(&suites[0], 7, Some(50)).into_iter().collect();
        assert!(small.is_subset(&large));
        assert_ne!(subset(&suites[0], 8, Some(20)), subset(&suites[0], 7, Some(20)));
    }

    #[test]
    fn repeats_are_units_of_their_own_with_seeds_of_their_own() {
        let (bakeoff, suites) = plan(&format!("{BAKEOFF}repeats: 3\n"));
        let entry = &bakeoff.models[0];
        let all = |bakeoff: &Bakeoff, shard| {
            let units =
                units_of(Answerer::model(entry, bakeoff), bakeoff, &suites, Some(20), shard);
            units.iter(&suites).collect::<Vec<Unit>>()
        };
        let units = all(&bakeoff, None);
        let of = |scenario| units.iter().filter(move |u| u.key.scenario == scenario);
        assert_eq!(of(Scenario::Batch).count(), 2 * 20 * 3);
        assert_eq!(of(Scenario::SingleStream).count(), 2 * 20, "latency is measured once");
        let parts = (1..=4).flat_map(|index| all(&bakeoff, Some(Shard { index, count: 4 })));
        let keys: BTreeSet<UnitKey> = parts.map(|u| u.key).collect();
        assert_eq!(keys, units.iter().map(|u| u.key.clone()).collect());
        let seed = |unit: &Unit| {
            let ask = ask_of(unit, &suites[unit.suite], entry, 7).unwrap();
            let AskKind::Generate(generate) = ask.kind else { unreachable!("suites generate") };
            generate.sampling.seed
        };
        let seeds: Vec<u64> = of(Scenario::Batch).map(seed).collect();
        let further: BTreeSet<u64> = seeds.iter().copied().filter(|seed| *seed != 7).collect();
        assert_eq!(further.len(), 2 * 20 * 2, "repeats after the first differ, samples too");
        assert!(further.iter().all(|seed| *seed < 1 << 31));
        // The first repeat is the unit of a run without repeats.
        let (once, _) = plan(BAKEOFF);
        let first: BTreeSet<UnitKey> = all(&once, None).into_iter().map(|u| u.key).collect();
        assert!(first.is_subset(&keys));
    }

    #[test]
    fn the_ask_digest_sees_what_changes_an_answer_and_nothing_else() {
        let (bakeoff, suites) = plan(BAKEOFF);
        let mut entry = bakeoff.models[0].clone();
        let units = units_of(Answerer::model(&entry, &bakeoff), &bakeoff, &suites, None, None);
        let unit = &units.iter(&suites).next().unwrap();
        let digest_of = |entry: &ModelEntry, seed, weights| {
            let ask = ask_of(unit, &suites[0], entry, seed).unwrap();
            ask_digest(&ask, entry, weights, &unit.key)
        };
        let first = digest_of(&entry, 7, Some("aa"));
        assert_ne!(first, digest_of(&entry, 8, Some("aa")), "seed");
        assert_ne!(first, digest_of(&entry, 7, Some("bb")), "weights");
        entry.concurrency = 3;
        entry.stream = !entry.stream;
        entry.threads = Some(1);
        assert_eq!(first, digest_of(&entry, 7, Some("aa")));
        entry.extras.insert("top_k".into(), 3.into());
        assert_ne!(first, digest_of(&entry, 7, Some("aa")), "extras");
    }

    #[test]
    fn shards_are_read_strictly() {
        assert_eq!("3/8".parse(), Ok(Shard { index: 3, count: 8 }));
        for wrong in ["0/8", "9/8", "3", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
