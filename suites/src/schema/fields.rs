//! The key `fields` of a suite.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Ordered;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldSpec {
    /// the column with the right value. Default: the field's name
    #[serde(default)]
    pub expected: Option<String>,
    /// when two values are the same: `exact`, `casefold`, `fuzzy`, `number`, `money`, `date` or
    /// `enum`. Default: `exact`
    #[serde(default)]
    pub compare: Option<CompareWord>,
    /// of `number` and `money`: the largest absolute difference that is right. Default: 0; money 0.005
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// of `fuzzy`: the least similarity that is right. Default: 0.9
    #[serde(default)]
    pub threshold: Option<f64>,
    /// of `enum`: the values that there are. Default: required by `enum`
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// the value is a list: `true` for one of values, a mapping of columns for one of objects.
    /// Default: a single value
    #[serde(default)]
    pub list: Option<ListSpec>,
    /// a regular expression that finds it, for the baseline `pattern`. Default: none
    #[serde(default)]
    pub pattern: Option<String>,
}

/// The items of a list: `true` for single values, or the columns of objects.
#[derive(Debug)]
pub(crate) enum ListSpec {
    Values(bool),
    Rows(Vec<(String, ColumnSpec)>),
}

/// What decides how two values are compared.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnSpec {
    /// as for a field. Default: `exact`
    #[serde(default)]
    pub compare: Option<CompareWord>,
    /// as for a field. Default: 0; money 0.005
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// as for a field. Default: 0.9
    #[serde(default)]
    pub threshold: Option<f64>,
    /// as for a field. Default: required by `enum`
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

impl JsonSchema for ListSpec {
    fn schema_name() -> Cow<'static, str> {
        "ListSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let columns = BTreeMap::<String, ColumnSpec>::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "boolean" }, columns] })
    }
}

impl<'de> Deserialize<'de> for ListSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = ListSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true` for a list of values, or a mapping of columns")
            }

            fn visit_bool<E: Error>(self, values: bool) -> Result<ListSpec, E> {
                Ok(ListSpec::Values(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ListSpec, A::Error> {
                let Ordered(columns) = Ordered::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ListSpec::Rows(columns))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CompareWord {
    #[default]
    Exact,
    Casefold,
    Fuzzy,
    Number,
    Money,
    Date,
    Enum,
}
