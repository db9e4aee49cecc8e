//! The key `prompt` of a suite.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::Ordered;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptText {
    /// template of the system message. Default: none
    #[serde(default)]
    pub system: Option<String>,
    /// template of the user's message. Default: required, unless there are `messages`
    #[serde(default)]
    pub user: Option<String>,
    /// in their place: turns of a conversation, the last one of the user. Default: none
    #[serde(default)]
    pub messages: Option<Vec<MessageText>>,
    /// rows of train that are shown with their answers, see below. Default: none
    #[serde(default)]
    pub few_shot: Option<FewShot>,
    /// further prompts, by name: a bake-off chooses among them, see below. Default: none
    #[serde(default)]
    pub variants: Option<Ordered<VariantText>>,
}

/// A named prompt: what it does not set is that of `prompt`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantText {
    /// template of its system message; empty for none. Default: that of `prompt`
    #[serde(default)]
    pub system: Option<String>,
    /// template of its user's message. Default: that of `prompt`
    #[serde(default)]
    pub user: Option<String>,
    /// in their place: its turns of a conversation. Default: those of `prompt`, unless it sets `system`
    /// or `user`
    #[serde(default)]
    pub messages: Option<Vec<MessageText>>,
    /// its examples; `[]` for none. Default: those of `prompt`
    #[serde(default)]
    pub few_shot: Option<FewShot>,
}

/// One of `messages`: who speaks, and a template.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageText {
    /// `system`, `user` or `assistant`
    pub role: RoleWord,
    /// template of what is said
    pub content: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleWord {
    System,
    User,
    Assistant,
}

/// Which rows of train are shown with their answers.
#[derive(Debug, Clone)]
pub(crate) enum FewShot {
    /// So many of them, drawn.
    Drawn {
        count: usize,
        /// The axis or column whose values come in turn.
        stratify: Option<String>,
        seed: u64,
    },
    /// Those with these ids, in this order.
    ByHand(Vec<String>),
}

fn default_seed() -> u64 {
    7
}

/// The mapping form of `few_shot`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Drawn {
    /// how many rows are shown
    count: usize,
    /// the axis or column whose values come in turn. Default: none
    #[serde(default)]
    stratify: Option<String>,
    /// of the draw. Default: 7
    #[serde(default = "default_seed")]
    seed: u64,
}

impl JsonSchema for FewShot {
    fn schema_name() -> Cow<'static, str> {
        "FewShot".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ids = Vec::<String>::json_schema(generator);
        let drawn = Drawn::json_schema(generator);
        json_schema!({ "anyOf": [drawn, ids] })
    }
}

impl<'de> Deserialize<'de> for FewShot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = FewShot;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with the key `count`, or a list of ids of train rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, ids: A) -> Result<FewShot, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(ids)).map(FewShot::ByHand)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FewShot, A::Error> {
                let drawn = Drawn::deserialize(MapAccessDeserializer::new(map))?;
                let Drawn { count, stratify, seed } = drawn;
                Ok(FewShot::Drawn { count, stratify, seed })
            }
        }
        deserializer.deserialize_any(Words)
    }
}
