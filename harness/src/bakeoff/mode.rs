//! The key `mode` of a model entry: whether answers are written, chosen, or both.

use rightsize_reports::run::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProviderKind;

/// How an entry is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntryMode {
    /// It writes its answers.
    #[default]
    Generate,
    /// All answers that there are are scored by their log-probability; the most probable counts.
    Choose,
    /// Both, of the same samples; the report shows the gap.
    Both,
}

impl EntryMode {
    /// Whether answers are only written, which is the rule.
    pub fn is_generate(&self) -> bool {
        *self == EntryMode::Generate
    }

    /// The word of the bake-off file.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryMode::Generate => "generate",
            EntryMode::Choose => "choose",
            EntryMode::Both => "both",
        }
    }

    /// The mode that quality is read in, and a prompt variant chosen by.
    pub fn main(self) -> Mode {
        match self {
            EntryMode::Generate | EntryMode::Both => Mode::Generate,
            EntryMode::Choose => Mode::Choose,
        }
    }
}

impl ProviderKind {
    /// Whether it can score given answers by their log-probability.
    pub fn scores_choices(self) -> bool {
        match self {
            ProviderKind::LlamaCpp | ProviderKind::Candle => true,
            ProviderKind::Openai | ProviderKind::Replay => false,
        }
    }
}
