//! The key `variants` of a bake-off: among which prompt variants every entry chooses.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The one word of the key.
const CROSS: &str = "cross";

/// The candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidates {
    /// All prompts of each suite, its own one first.
    Cross,
    /// Those of these names that a suite has, in the suite's order.
    Named(Vec<String>),
}

impl Serialize for Candidates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Candidates::Cross => serializer.serialize_str(CROSS),
            Candidates::Named(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Candidates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`cross`, or a list of names of prompt variants")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Candidates, E> {
                match word {
                    CROSS => Ok(Candidates::Cross),
                    word => Err(E::unknown_variant(word, &[CROSS])),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Candidates, A::Error> {
                let names = Deserialize::deserialize(SeqAccessDeserializer::new(names))?;
                Ok(Candidates::Named(names))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Candidates {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Candidates".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "const": CROSS, "description": "All prompts of each suite." },
            { "type": "array", "items": { "type": "string" }, "minItems": 2,
              "description": "Prompts by name; `default` is the suite's own." },
        ] })
    }
}
