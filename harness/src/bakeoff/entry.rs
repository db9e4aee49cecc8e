//! A model entry: a provider, a model, its sampling.

use std::borrow::Cow;
use std::fmt;

use rightsize_providers::Sampling;
use rightsize_reports::run::Scenario;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::EntryMode;

/// `timeout_s` where an entry does not say.
pub(super) const DEFAULT_TIMEOUT_S: u64 = 120;

/// What answers an entry's asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// A GGUF file through llama.cpp.
    LlamaCpp,
    /// A GGUF file or a folder of safetensors through candle.
    Candle,
    /// An OpenAI-compatible server.
    Openai,
    /// Answers read from a file.
    Replay,
}

impl ProviderKind {
    /// The word of the bake-off file.
    pub fn as_str(self) -> &'static str {
        match self {
            ProviderKind::LlamaCpp => "llama-cpp",
            ProviderKind::Candle => "candle",
            ProviderKind::Openai => "openai",
            ProviderKind::Replay => "replay",
        }
    }

    /// Whether it runs a model on this machine.
    pub fn is_local(self) -> bool {
        matches!(self, ProviderKind::LlamaCpp | ProviderKind::Candle)
    }

    /// Asks in flight at once when the entry does not say.
    fn default_concurrency(self) -> usize {
        match self {
            ProviderKind::Candle => 1,
            ProviderKind::LlamaCpp | ProviderKind::Openai => 8,
            ProviderKind::Replay => 16,
        }
    }
}

/// One line of a bake-off: a provider, a model, its sampling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelEntry {
    /// Unique name; how the entry stands in the report.
    pub id: String,
    /// What answers.
    pub provider: ProviderKind,
    /// A known name, a path, or the server's name of the model.
    pub model: String,
    /// Base URL of a server, up to and without `/chat/completions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Name of the environment variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Asks in flight at once.
    pub concurrency: usize,
    /// Whether answers are streamed; without, there is no TTFT.
    pub stream: bool,
    /// How tokens are drawn.
    pub sampling: EntrySampling,
    /// A seeded subset of each suite for this entry; absent runs all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Whether answers are written, chosen by log-probability, or both.
    #[serde(skip_serializing_if = "EntryMode::is_generate")]
    pub mode: EntryMode,
    /// The prompt variant that it is asked in; absent takes the suites' own prompts, or chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Scenarios of this entry, if not those of the bake-off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<Vec<Scenario>>,
    /// Seconds that one answer of a server may take.
    pub timeout_s: u64,
    /// Threads of a local engine; absent takes the cores that this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Context of a local engine in tokens; absent takes what the concurrency needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Further fields of the request body, as the vendor names them.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub extras: serde_json::Map<String, serde_json::Value>,
}

/// Sampling as an entry sets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EntrySampling {
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Nucleus mass in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Seed of the draw; absent takes the bake-off's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Most tokens to write; absent takes the suite's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl EntrySampling {
    /// The sampling of an ask.
    pub fn resolve(&self, seed: u64) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            seed: self.seed.unwrap_or(seed),
        }
    }
}

/// An entry as a mapping; defaults depend on the provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelEntryMapping")]
struct Written {
    /// Unique name; how the entry stands in the report.
    id: String,
    /// What answers.
    provider: ProviderKind,
    /// A known name, a path, or the server's name of the model.
    model: String,
    /// Base URL of a server, up to and without `/chat/completions`.
    base_url: Option<String>,
    /// Name of the environment variable that holds the key.
    key_env: Option<String>,
    /// Asks in flight at once, from 1 to 255. Default: candle 1, llama-cpp and openai 8, replay 16.
    concurrency: Option<usize>,
    /// Whether answers are streamed; without, there is no TTFT. Default: true.
    stream: Option<bool>,
    /// How tokens are drawn.
    #[serde(default)]
    sampling: EntrySampling,
    /// A seeded subset of each suite for this entry. Default: all samples.
    samples: Option<usize>,
    /// `generate`, `choose` (all possible answers are scored by their log-probability, and the most
    /// probable counts) or `both`. Default: generate.
    #[serde(default)]
    mode: EntryMode,
    /// The prompt variant that it is asked in, of suites that have variants. Default: the suite's own
    /// prompt, or what the bake-off's `variants` lets it choose.
    variant: Option<String>,
    /// Scenarios of this entry. Default: those of the bake-off for local models, else batch.
    scenarios: Option<Vec<Scenario>>,
    /// Seconds that one answer of a server may take. Default: 120.
    timeout_s: Option<u64>,
    /// Threads of a local engine. Default: the cores that the process may use.
    threads: Option<u32>,
    /// Context of a local engine in tokens. Default: what the concurrency needs.
    context: Option<u32>,
    /// Further fields of the request body, as the vendor names them.
    #[serde(default)]
    extras: serde_json::Map<String, serde_json::Value>,
}

impl From<Written> for ModelEntry {
    fn from(w: Written) -> Self {
        ModelEntry {
            id: w.id,
            concurrency: w.concurrency.unwrap_or(w.provider.default_concurrency()),
            provider: w.provider,
            model: w.model,
            base_url: w.base_url,
            key_env: w.key_env,
            stream: w.stream.unwrap_or(true),
            sampling: w.sampling,
            samples: w.samples,
            mode: w.mode,
            variant: w.variant,
            scenarios: w.scenarios,
            timeout_s: w.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S),
            threads: w.threads,
            context: w.context,
            extras: w.extras,
        }
    }
}

impl ModelEntry {
    /// The entry that one word in the file means: a known local model through llama.cpp.
    pub fn named(model: &str) -> ModelEntry {
        ModelEntry::from(Written {
            id: model.to_owned(),
            provider: ProviderKind::LlamaCpp,
            model: model.to_owned(),
            base_url: None,
            key_env: None,
            concurrency: None,
            stream: None,
            sampling: EntrySampling::default(),
            samples: None,
            mode: EntryMode::default(),
            variant: None,
            scenarios: None,
            timeout_s: None,
            threads: None,
            context: None,
            extras: serde_json::Map::new(),
        })
    }

    /// The scenarios that this entry runs under.
    pub fn scenarios<'a>(&'a self, of_bakeoff: &'a [Scenario]) -> &'a [Scenario] {
        match &self.scenarios {
            Some(own) => own,
            None if self.provider.is_local() => of_bakeoff,
            None => &[Scenario::Batch],
        }
    }
}

impl<'de> Deserialize<'de> for ModelEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneWordOrMapping;

        impl<'de> Visitor<'de> for OneWordOrMapping {
            type Value = ModelEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a model entry: a mapping with id, provider and model, or one known name",
                )
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<ModelEntry, E> {
                Ok(ModelEntry::named(word))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelEntry, A::Error> {
                Written::deserialize(MapAccessDeserializer::new(map)).map(ModelEntry::from)
            }
        }

        deserializer.deserialize_any(OneWordOrMapping)
    }
}

impl JsonSchema for ModelEntry {
    fn schema_name() -> Cow<'static, str> {
        "ModelEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "description": "A known local model, through llama.cpp." },
            generator.subschema_for::<Written>(),
        ] })
    }
}
