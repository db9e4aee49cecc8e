//! The key `prompt` of a suite.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptText {
    #[serde(default)]
    pub system: Option<String>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub messages: Option<Vec<MessageText>>,
    #[serde(default)]
    pub few_shot: Option<FewShot>,
}

/// One of `messages`: who speaks, and a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageText {
    pub role: RoleWord,
    pub content: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

impl<'de> Deserialize<'de> for FewShot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Drawn {
            count: usize,
            #[serde(default)]
            stratify: Option<String>,
            #[serde(default = "default_seed")]
            seed: u64,
        }
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
