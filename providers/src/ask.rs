//! What a provider is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Columns of a row by name, without those that hold expected answers.
pub type Fields = serde_json::Map<String, Value>;

/// One question to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Which sample is asked: for replay and logs only, never part of a prompt.
    pub sample: SampleRef,
    /// The row's columns without the expected ones, for applications that take fields.
    #[serde(default)]
    pub fields: Fields,
    /// What is asked.
    pub kind: AskKind,
}

/// Names a sample and its repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRef {
    /// The suite's name: ids are unique within a suite only.
    pub suite: String,
    /// The sample's id within its suite.
    pub id: String,
    /// The repeat, from 0.
    pub repeat: u32,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every ask is a generation")]
pub enum AskKind {
    /// Write an answer.
    Generate(Generate),
    /// Score each choice by its log-probability after the prompt.
    Choose(Choose),
    /// Turn a text into a vector.
    Embed(Embed),
}

/// A generation: prompt, sampling and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// Messages, or raw text.
    pub prompt: Prompt,
    /// JSON Schema that the answer must satisfy, where the provider can constrain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Strings that end the answer; they are not part of it.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Most tokens to write, reasoning included.
    pub max_tokens: u32,
    /// How many alternatives per token are wanted in the log-probability summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u8>,
    /// Tools in the OpenAI function form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// Tool choice in the OpenAI form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// Reasoning effort, in the vendor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Whether the answer is to be streamed. Changes no answer, so it is no part of the ask digest.
    #[serde(default)]
    pub stream: bool,
    /// Further fields of the request body, as the vendor names them.
    #[serde(default)]
    pub extras: serde_json::Map<String, Value>,
}

impl Generate {
    /// A greedy generation without stop strings, constraints or further fields, not streamed.
    pub fn new(prompt: Prompt, max_tokens: u32) -> Self {
        Generate {
            prompt,
            schema: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            max_tokens,
            logprobs: None,
            tools: Vec::new(),
            tool_choice: None,
            effort: None,
            stream: false,
            extras: serde_json::Map::new(),
        }
    }
}

/// The text that a model is asked to go on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Chat messages; the provider applies the model's chat template.
    Messages(Vec<Message>),
    /// Text as it is; no chat template is applied.
    Raw(String),
}

/// One chat message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Who speaks in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The word that wire formats and chat templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// How tokens are drawn. The default is greedy with a fixed seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Nucleus mass in (0, 1]; absent leaves the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Seed of the draw; it only matters above temperature 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.0, top_p: None, seed: 7 }
    }
}

/// Choices to score by log-probability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choose {
    /// What the choices follow.
    pub prompt: Prompt,
    /// The choices, at least two.
    pub choices: Vec<String>,
}

/// A text to embed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The text.
    pub text: String,
}
