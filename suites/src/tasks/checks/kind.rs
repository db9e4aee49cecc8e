//! The kinds of checks: those that can be judged on an answer alone, and those that cannot.

use std::fmt;

/// A kind of check that a program can judge on the text of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Equals,
    Contains,
    IcContains,
    ContainsAny,
    ContainsAll,
    IcContainsAny,
    IcContainsAll,
    StartsWith,
    EndsWith,
    Regex,
    IsJson,
    ContainsJson,
    Levenshtein,
    RougeN,
    Bleu,
    WordCount,
}

impl Kind {
    pub const ALL: [Kind; 16] = [
        Kind::Equals,
        Kind::Contains,
        Kind::IcContains,
        Kind::ContainsAny,
        Kind::ContainsAll,
        Kind::IcContainsAny,
        Kind::IcContainsAll,
        Kind::StartsWith,
        Kind::EndsWith,
        Kind::Regex,
        Kind::IsJson,
        Kind::ContainsJson,
        Kind::Levenshtein,
        Kind::RougeN,
        Kind::Bleu,
        Kind::WordCount,
    ];

    /// Its word, as promptfoo has it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Equals => "equals",
            Kind::Contains => "contains",
            Kind::IcContains => "icontains",
            Kind::ContainsAny => "contains-any",
            Kind::ContainsAll => "contains-all",
            Kind::IcContainsAny => "icontains-any",
            Kind::IcContainsAll => "icontains-all",
            Kind::StartsWith => "starts-with",
            Kind::EndsWith => "ends-with",
            Kind::Regex => "regex",
            Kind::IsJson => "is-json",
            Kind::ContainsJson => "contains-json",
            Kind::Levenshtein => "levenshtein",
            Kind::RougeN => "rouge-n",
            Kind::Bleu => "bleu",
            Kind::WordCount => "word-count",
        }
    }

    pub fn named(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether a check of this kind says something without a value.
    pub fn needs_no_value(self) -> bool {
        matches!(self, Kind::IsJson | Kind::ContainsJson)
    }

    /// Whether a threshold belongs to it.
    pub fn has_threshold(self) -> bool {
        matches!(self, Kind::Levenshtein | Kind::RougeN | Kind::Bleu)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why kinds of promptfoo's are not judged, with the remedy and the words of the kinds.
const NOT_JUDGED: [(&str, &str, &[&str]); 6] = [
    (
        "it runs code of the configuration",
        "put the code into a program and name it by `scoring: {command: [python3, score.py]}`",
        &["javascript", "fn", "eval", "python", "ruby", "webhook"],
    ),
    (
        "a model would have to judge the answer",
        "write what an answer must contain (`contains: ...`), or let a program of yours ask the model \
         (`scoring.command`)",
        &[
            "llm-rubric",
            "grade",
            "agent-rubric",
            "search-rubric",
            "model-graded-closedqa",
            "model-graded-factuality",
            "factuality",
            "g-eval",
            "answer-relevance",
            "context-faithfulness",
            "context-recall",
            "context-relevance",
            "conversation-relevance",
            "conversational-relevance",
            "select-best",
            "max-score",
            "pi",
            "similar",
            "similar-dot",
            "similar-cosine",
            "similar-euclidean",
            "classifier",
            "moderation",
            "guardrails",
            "human",
        ],
    ),
    (
        "it measures the call and not the answer",
        "the report shows latency and tokens of every model: leave it out",
        &["latency", "cost", "perplexity", "perplexity-score", "tokens-used", "finish-reason"],
    ),
    (
        "it judges calls of tools",
        "make a suite of the task `tool_use` of these rows",
        &[
            "is-valid-function-call",
            "is-valid-openai-function-call",
            "is-valid-openai-tools-call",
            "tool-call-f1",
            "skill-used",
        ],
    ),
    (
        "no reader of this language is built in",
        "write a `regex` of what matters, or name a program by `scoring.command`",
        &["is-html", "contains-html", "is-xml", "contains-xml", "is-sql", "contains-sql"],
    ),
    (
        "it is not built",
        "write a check of another kind, or name a program by `scoring.command`",
        &["is-refusal", "meteor", "gleu", "rouge-l", "rouge-s", "f-score", "assert-set"],
    ),
];

/// Why a word names a kind of promptfoo's that is not judged, and the remedy; `None` for a word that
/// names none.
pub(crate) fn not_judged(word: &str) -> Option<(&'static str, &'static str)> {
    let known = NOT_JUDGED.iter().find(|(_, _, words)| words.contains(&word));
    let traced = || NOT_JUDGED.get(3).filter(|_| word.starts_with("trajectory:"));
    known.or_else(traced).map(|(why, remedy, _)| (*why, *remedy))
}
