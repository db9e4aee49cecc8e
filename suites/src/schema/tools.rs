//! The key `tools` of a suite.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// The tools of a suite, as they are written.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Tools {
    /// A JSON file with a list of them, relative to the suite's.
    File(String),
    /// The definitions themselves.
    Inline(Vec<serde_json::Value>),
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Tools;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a JSON file or a list of tools")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Tools, E> {
                Ok(Tools::File(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tools: A) -> Result<Tools, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(tools)).map(Tools::Inline)
            }
        }
        deserializer.deserialize_any(Words)
    }
}
