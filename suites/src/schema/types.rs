//! The key `types` of a suite.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::Ordered;

/// Types of personal data, with or without a pattern that finds them.
#[derive(Debug)]
pub(crate) struct Types(pub Vec<(String, TypeSpec)>);

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeSpec {
    /// a regular expression that finds it, for the baseline `pattern`. Default: none
    #[serde(default)]
    pub pattern: Option<String>,
}

impl JsonSchema for Types {
    fn schema_name() -> Cow<'static, str> {
        "Types".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = Vec::<String>::json_schema(generator);
        let patterns = BTreeMap::<String, TypeSpec>::json_schema(generator);
        json_schema!({ "anyOf": [names, patterns] })
    }
}

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Types;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of types or a mapping from type to `{pattern: '...'}`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Types, A::Error> {
                let mut types = Vec::new();
                while let Some(name) = seq.next_element()? {
                    types.push((name, TypeSpec::default()));
                }
                Ok(Types(types))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Types, A::Error> {
                let Ordered(types) = Ordered::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Types(types))
            }
        }
        deserializer.deserialize_any(Words)
    }
}
