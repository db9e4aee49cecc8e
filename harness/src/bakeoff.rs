//! The bake-off file: which suites, which model entries, under which scenarios.

mod entry;
mod mode;
mod variants;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rightsize_reports::run::Scenario;
use rightsize_suites::baselines::Method;
use rightsize_suites::reduce::MOST_REPEATS;
use rightsize_suites::yaml;
use rightsize_suites::{Problem, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use entry::DEFAULT_TIMEOUT_S;
pub use entry::{EntrySampling, ModelEntry, ProviderKind};
pub use mode::EntryMode;
pub use variants::Candidates;

/// Keys of the format whose behaviour is not built: an error each, never ignored.
const NOT_BUILT: &[(&str, &str)] = &[
    ("compare_to", "compare the intervals in the report by eye"),
    ("residency", "leave out the entries whose data may not go there"),
    ("machines", "the report shows the machine that the run was made on"),
    ("workload", "read the throughput in the report"),
    ("claims", "read the figures in the report"),
    ("budget", "set a spending limit at the vendor"),
    ("prices", "reckon the cost from the tokens in the report"),
    ("models.*.deployment", "put it into the entry's id"),
    ("models.*.lora", "merge the adapter into the weights"),
    ("models.*.priced_as", "reckon the cost from the tokens in the report"),
    ("models.*.effort", "set it under `extras`, as the vendor names it"),
];

/// A bake-off as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bake-off of rightsize")]
pub struct Bakeoff {
    /// Its name: part of the run folder's name.
    pub name: String,
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Suites: `catalog:NAME`, or paths relative to this file.
    pub suites: Vec<String>,
    /// Model entries.
    pub models: Vec<ModelEntry>,
    /// Classical methods beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Method>,
    /// Scenarios of local entries; remote ones and replays run as a batch unless they say otherwise.
    #[serde(default = "both_scenarios")]
    pub scenarios: Vec<Scenario>,
    /// The single-stream pass.
    #[serde(default)]
    pub single_stream: SingleStream,
    /// Seed of everything that is drawn: subsets, order, backoff.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// How often each sample is asked in the pass that quality is read in, from 1.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub repeats: u32,
    /// Among which prompt variants each entry chooses on the dev split: `cross`, which is all of each
    /// suite, or a list of names. Default: none, the suites' own prompts are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<Candidates>,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_once(repeats: &u32) -> bool {
    *repeats == 1
}

fn both_scenarios() -> Vec<Scenario> {
    vec![Scenario::Batch, Scenario::SingleStream]
}

fn default_seed() -> u64 {
    7
}

/// The pass that measures latency: one ask at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SingleStream {
    /// Samples of each suite, drawn by the seed from the whole suite.
    pub samples: usize,
    /// Asks before the first measured one of each suite; not recorded.
    pub warmup: usize,
}

impl Default for SingleStream {
    fn default() -> Self {
        SingleStream { samples: 50, warmup: 1 }
    }
}

impl Bakeoff {
    /// The JSON Schema (draft 2020-12) of a bake-off's YAML, for editors: the keys that are built,
    /// their types and what they mean. What fits together is for [`BakeoffFile::load`] to check.
    pub fn yaml_schema() -> serde_json::Value {
        schemars::schema_for!(Bakeoff).to_value()
    }

    /// The ids of all that answers: model entries, then baselines.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let models = self.models.iter().map(|entry| entry.id.as_str());
        models.chain(self.baselines.iter().map(|method| method.word()))
    }

    /// What is probably not meant, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let equal = |entry: &&ModelEntry| {
            self.repeats > 1
                && entry.sampling.temperature == 0.0
                && entry.provider != ProviderKind::Replay
        };
        let warning = |entry: &ModelEntry| {
            format!(
                "`{}` is asked {} times at temperature 0, where repeats are equal but for the \
                 engine's rounding: set `sampling: {{temperature: 0.7}}`, or leave out `repeats`",
                entry.id, self.repeats
            )
        };
        self.models.iter().filter(equal).map(warning).collect()
    }
}

/// A bake-off with the text that it was read from and the folder that its paths are relative to.
#[derive(Debug, Clone, PartialEq)]
pub struct BakeoffFile {
    /// How messages name it.
    pub name: String,
    /// What it says.
    pub bakeoff: Bakeoff,
    /// As written.
    pub text: String,
    /// Paths in it are relative to this folder.
    pub base: PathBuf,
}

impl BakeoffFile {
    /// Reads and checks a bake-off file.
    ///
    /// # Errors
    /// All problems found, each with line, column and remedy.
    pub fn load(path: &Path) -> Result<BakeoffFile, Problems> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problems(vec![Problem {
                file: name.clone(),
                line: None,
                column: None,
                message: format!("cannot read the bake-off: {error}"),
                remedy: Some("`rightsize init` writes one that runs as it is".to_owned()),
            }])
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let base = folder.unwrap_or(Path::new(".")).to_path_buf();
        BakeoffFile::parse(&name, text, base)
    }

    /// Reads and checks the text of a bake-off; `name` stands in messages.
    ///
    /// # Errors
    /// As [`BakeoffFile::load`].
    pub fn parse(name: &str, text: String, base: PathBuf) -> Result<BakeoffFile, Problems> {
        let bakeoff: Bakeoff = yaml::read(name, &text, NOT_BUILT)?;
        let mut problems = Vec::new();
        let mut problem = |path: &[&str], message: String, remedy: &str| {
            // An entry that is one word has no keys: then its own place is the nearest.
            let nearest = (0..=path.len()).rev().find_map(|n| yaml::locate(&text, path.get(..n)?));
            let (line, column) = nearest.unzip();
            problems.push(Problem {
                file: name.to_owned(),
                line,
                column,
                message,
                remedy: Some(remedy.to_owned()),
            });
        };
        if bakeoff.suites.is_empty() {
            problem(
                &["suites"],
                "no suites".into(),
                "name at least one, such as catalog:support-triage",
            );
        }
        if bakeoff.models.is_empty() && bakeoff.baselines.is_empty() {
            problem(&["models"], "no models".into(), "name at least one, such as specialist-5m");
        }
        for (index, method) in bakeoff.baselines.iter().enumerate() {
            let at = ["baselines", &index.to_string()];
            if bakeoff.baselines[..index].contains(method) {
                problem(&at, format!("`{method}` stands twice"), "name each baseline once");
            }
            if bakeoff.models.iter().any(|entry| entry.id == method.word()) {
                let message = format!("`{method}` is a baseline and the id of a model entry");
                problem(&at, message, "give the entry another id");
            }
        }
        if bakeoff.single_stream.samples == 0 {
            problem(
                &["single_stream", "samples"],
                "`single_stream.samples` is 0".into(),
                "leave `single-stream` out of `scenarios` instead",
            );
        }
        if !(1..=MOST_REPEATS).contains(&bakeoff.repeats) {
            let message = format!("`repeats` is {}", bakeoff.repeats);
            problem(&["repeats"], message, &format!("from 1 to {MOST_REPEATS}"));
        }
        if let Some(Candidates::Named(names)) = &bakeoff.variants {
            for (index, name) in names.iter().enumerate() {
                if names[..index].contains(name) {
                    let message = format!("`{name}` stands twice");
                    problem(&["variants", &index.to_string()], message, "name each once");
                }
            }
            if names.len() < 2 {
                let message = "there is nothing to choose among".to_owned();
                let remedy = "name two or more, write `variants: cross` for all, or fix one by \
                              `variant: NAME` in each entry";
                problem(&["variants"], message, remedy);
            }
        }
        let mut ids = BTreeSet::new();
        for (index, entry) in bakeoff.models.iter().enumerate() {
            let index = index.to_string();
            let at = |key| ["models", index.as_str(), key];
            if !ids.insert(entry.id.as_str()) {
                let message = format!("a second entry with the id `{}`", entry.id);
                problem(&at("id"), message, "give each entry an id of its own");
            }
            if entry.id.is_empty() || entry.id.contains(['/', '\\', ',']) {
                let message = format!("`{}` is no id of an entry", entry.id);
                problem(&at("id"), message, "use letters, digits, dots and dashes");
            }
            if entry.concurrency == 0 || entry.concurrency > 255 {
                let message = format!("`concurrency` is {}", entry.concurrency);
                problem(&at("concurrency"), message, "from 1 to 255");
            }
            if entry.samples == Some(0) {
                problem(&at("samples"), "`samples` is 0".into(), "leave the entry out instead");
            }
            if entry.timeout_s == 0 {
                problem(&at("timeout_s"), "`timeout_s` is 0".into(), "at least 1 second");
            }
            if entry.scenarios.as_ref().is_some_and(Vec::is_empty) {
                problem(&at("scenarios"), "no scenarios".into(), "batch, single-stream or both");
            }
            if !(0.0..=2.0).contains(&entry.sampling.temperature) {
                let message = format!("`temperature` is {}", entry.sampling.temperature);
                problem(&at("sampling"), message, "from 0 to 2");
            }
            if entry.sampling.top_p.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
                problem(&at("sampling"), "`top_p` is out of range".into(), "above 0, at most 1");
            }
            for (set, key, means) in [
                (entry.base_url.is_some(), "base_url", "a server's address"),
                (entry.key_env.is_some(), "key_env", "a server's key"),
                (entry.timeout_s != DEFAULT_TIMEOUT_S, "timeout_s", "a server's time limit"),
                (!entry.extras.is_empty(), "extras", "part of a server's request"),
            ] {
                if set && entry.provider != ProviderKind::Openai {
                    let message =
                        format!("`{key}` is {means}, and `{}` asks none", entry.provider.as_str());
                    problem(&at(key), message, "remove it, or set `provider: openai`");
                }
            }
            if !(entry.mode.is_generate() || entry.provider.scores_choices()) {
                let (mode, provider) = (entry.mode.as_str(), entry.provider.as_str());
                let message = format!(
                    "`mode: {mode}` scores given answers by log-probability, and `{provider}` \
                     cannot"
                );
                problem(&at("mode"), message, "remove it, or use `llama-cpp` or `candle`");
            }
            for (set, key) in
                [(entry.threads.is_some(), "threads"), (entry.context.is_some(), "context")]
            {
                if set && !entry.provider.is_local() {
                    let message = format!("`{key}` is a setting of a local engine");
                    problem(&at(key), message, "remove it");
                }
            }
        }
        if problems.is_empty() {
            Ok(BakeoffFile { name: name.to_owned(), bakeoff, text, base })
        } else {
            Err(Problems(problems))
        }
    }
}
