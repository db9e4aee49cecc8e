//! What becomes of the repeats of a sample before samples are counted.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Most repeats of a sample, and the largest k of `pass@k` and `pass^k`.
pub const MOST_REPEATS: u32 = 100;

/// How a sample that was asked several times counts as one. The word is that of `scoring.reduce`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reduce {
    /// `mean`: every metric is the mean over the repeats.
    #[default]
    Mean,
    /// `majority`: the answer that most repeats gave counts (self-consistency, Wang et al. 2023).
    Majority,
    /// `pass@k`: how probable it is that at least one of k repeats is right (Chen et al. 2021).
    PassAt(u32),
    /// `pass^k`: how probable it is that all of k repeats are right (Yao et al. 2024).
    PassHat(u32),
}

impl JsonSchema for Reduce {
    fn schema_name() -> Cow<'static, str> {
        "Reduce".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(mean|majority|pass[@^][1-9][0-9]{0,2})$" })
    }
}

impl Reduce {
    /// The repeats that it needs, at least 1.
    pub fn needs(self) -> u32 {
        match self {
            Reduce::Mean | Reduce::Majority => 1,
            Reduce::PassAt(k) | Reduce::PassHat(k) => k,
        }
    }

    /// Whether it counts right repeats, so that it fits metrics of right or wrong alone.
    pub fn counts_passes(self) -> bool {
        matches!(self, Reduce::PassAt(_) | Reduce::PassHat(_))
    }

    /// For `skip_serializing_if`: whether this is the default.
    pub fn is_mean(&self) -> bool {
        *self == Reduce::Mean
    }
}

impl fmt::Display for Reduce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reduce::Mean => f.write_str("mean"),
            Reduce::Majority => f.write_str("majority"),
            Reduce::PassAt(k) => write!(f, "pass@{k}"),
            Reduce::PassHat(k) => write!(f, "pass^{k}"),
        }
    }
}

impl FromStr for Reduce {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let k = |digits: &str| {
            let k = digits.parse::<u32>().ok().filter(|k| (1..=MOST_REPEATS).contains(k));
            // `pass@03` and `pass@+3` are no second spellings of one reducer.
            k.filter(|k| k.to_string() == digits)
        };
        let parsed = match word {
            "mean" => Some(Reduce::Mean),
            "majority" => Some(Reduce::Majority),
            word => match (word.strip_prefix("pass@"), word.strip_prefix("pass^")) {
                (Some(digits), _) => k(digits).map(Reduce::PassAt),
                (_, Some(digits)) => k(digits).map(Reduce::PassHat),
                (None, None) => None,
            },
        };
        parsed.ok_or_else(|| {
            format!(
                "`{word}` is no way to reduce repeats; there are `mean`, `majority`, `pass@k` and \
                 `pass^k` with k from 1 to {MOST_REPEATS}, such as `pass@3`"
            )
        })
    }
}

impl TryFrom<String> for Reduce {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Reduce> for String {
    fn from(reduce: Reduce) -> String {
        reduce.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_strictly_and_written_back() {
        for word in ["mean", "majority", "pass@1", "pass@100", "pass^8"] {
            assert_eq!(word.parse::<Reduce>().unwrap().to_string(), word);
        }
        for wrong in ["", "max", "pass@", "pass@0", "pass@101", "pass@03", "pass^-1", "pass@k"] {
            assert!(wrong.parse::<Reduce>().is_err(), "{wrong}");
        }
    }
}
