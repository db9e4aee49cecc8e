//! Metrics: pure functions of prediction and reference, and the way from additive statistics to a
//! figure.
//!
//! A metric that is no mean of samples (macro-F1, field F1) cannot be averaged. So every sample
//! carries additive statistics ([`Parts`]), they are summed over any set of samples, and
//! [`Metric::finish`] makes the figure of the sum: for a whole suite, for a slice, or for a
//! bootstrap resample.

pub mod assignment;
pub mod bleu;
pub mod chrf;
pub mod classification;
pub mod correlation_agreement;
pub mod edit_distance;
pub mod extraction;
pub mod final_answer;
pub mod gsm8k_extract;
pub mod json_schema;
pub mod measure;
pub mod multilabel;
pub mod ner_nervaluate;
pub mod ner_seqeval;
mod ngrams;
pub mod pass_at_k;
mod porter;
pub mod precision_recall;
pub mod probabilistic;
pub mod retrieval;
mod right;
pub mod rouge;
pub(crate) mod scope;
pub mod spans;
pub mod spans_pii;
pub mod squad;
pub mod squad_v2;
pub mod ter;
pub(crate) mod text;
pub mod tool_calls;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use measure::Measure;
pub use right::add_as_right;

use crate::tasks::citations::CITATIONS;
use crate::tasks::tool_use::ARGUMENTS;

/// Additive statistics by name; a name that is absent counts 0.
///
/// Classification: `n`, `correct`, `labels` (the number of labels of the suite, once per sample),
/// `tp:LABEL`, `fp:LABEL`, `fn:LABEL`; also `jaccard` and `cells` of label sets, `rank` of labels
/// with an order, `in:n`, `in:correct`, `out:tp`, `out:fp`, `out:fn` with a label out of scope.
/// Several axes: `n`, `correct` (the mean over axes), `exact`, and each axis' own statistics as
/// `AXIS/NAME`. Extraction: `n`, `document`, `tp`, `fp`, `fn` and `tp:FIELD`, `fp:FIELD`, `fn:FIELD`,
/// where FIELD is `LIST.COLUMN` in a list of objects. Pii: `n` and `tp:X`, `fp:X`, `fn:X` where X is a
/// type or one of `(characters)`, `(strict)`, `(places)`, `(partial)`, `(type)`. Faq: `n`, `exact`,
/// `f1` and `tp:(citations)` and so on. Summarization: `n` and the word of every metric. Reasoning:
/// `n`, `correct`. Tool use: `n`, `call_accuracy`, `tool_accuracy`, `schema_valid` and
/// `tp:(arguments)`, `fp:(arguments)`, `fn:(arguments)`: right ones, surplus ones, and those that are
/// wrong or missing. Checks: `n`, `pass_rate`, `check_score`, and `tp:NAME`, `fp:NAME`, `fn:NAME` of
/// each check. Of a scoring command: `score` and `command:NAME` for each of its own parts.
pub type Parts = BTreeMap<String, f64>;

/// The statistics that a right answer adds 1 to, whatever its kind, beside `n`.
pub const OF_A_RIGHT_ANSWER: [&str; 18] = [
    "correct",
    "document",
    "exact",
    "f1",
    "rouge_1",
    "rouge_2",
    "rouge_l",
    "rouge_1_stemmed",
    "rouge_2_stemmed",
    "rouge_l_stemmed",
    "call_accuracy",
    "tool_accuracy",
    "schema_valid",
    "pass_rate",
    "check_score",
    "score",
    "jaccard",
    "rank",
];

/// A figure that is made of summed [`Parts`]. All are in [0, 1], and more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose label or final answer is right; of several axes the mean over them.
    Accuracy,
    /// Mean of the F1 of every label of the suite.
    MacroF1,
    /// Share of samples whose set of labels is right.
    SubsetAccuracy,
    /// F1 of the counts of all labels together.
    MicroF1,
    /// Mean Jaccard index of expected and given labels.
    Jaccard,
    /// 1 less the Hamming loss: share of right decisions, for each label of each sample.
    HammingAccuracy,
    /// Mean of 1 less the distance of given and expected label in an ordered list, as a share of
    /// the largest distance.
    RankScore,
    /// Share of right labels among the samples whose label is in scope.
    InScopeAccuracy,
    /// Share of the samples out of scope that are held to be so.
    OutOfScopeRecall,
    /// Share of the samples held to be out of scope that are.
    OutOfScopePrecision,
    /// Micro F1 over the fields of all documents.
    FieldF1,
    /// Share of documents whose fields are all right.
    DocumentAccuracy,
    /// Share of the code points of personal data that are marked; 1 less the leak rate.
    CharacterRecall,
    /// Share of the marked code points that are personal data.
    CharacterPrecision,
    /// Micro F1 over spans that agree in place and type.
    StrictF1,
    /// The same with recall counted twice as much as precision.
    StrictF2,
    /// Micro F1 over spans that agree in place, whatever their type.
    SpanF1,
    /// F1 over spans that share a code point; one that does not agree in place counts one half.
    PartialF1,
    /// F1 over spans that share a code point and agree in type.
    TypeF1,
    /// Share of answers that equal an accepted one after SQuAD's normalisation, or abstain where
    /// there is no answer; share of samples that are right on all label axes.
    ExactMatch,
    /// Mean of SQuAD's token F1.
    TokenF1,
    /// Share of the cited sources that should be cited.
    CitationPrecision,
    /// Share of the sources to be cited that are.
    CitationRecall,
    /// Mean of ROUGE-1, the F1 of shared words.
    #[serde(rename = "rouge_1")]
    Rouge1,
    /// Mean of ROUGE-2, the F1 of shared pairs of words.
    #[serde(rename = "rouge_2")]
    Rouge2,
    /// Mean of ROUGE-L, the F1 of the longest common subsequence of words.
    RougeL,
    /// [`Metric::Rouge1`] of word stems.
    #[serde(rename = "rouge_1_stemmed")]
    Rouge1Stemmed,
    /// [`Metric::Rouge2`] of word stems.
    #[serde(rename = "rouge_2_stemmed")]
    Rouge2Stemmed,
    /// [`Metric::RougeL`] of word stems.
    RougeLStemmed,
    /// Share of samples with the right calls: tools and all arguments, and no other call.
    CallAccuracy,
    /// Share of samples in which the right tools are called, whatever the arguments.
    ToolAccuracy,
    /// Share of samples all of whose calls name a tool and satisfy its parameters.
    SchemaValid,
    /// Right arguments among those that are expected or surplus, over all calls.
    ArgumentAccuracy,
    /// Share of samples whose checks hold.
    PassRate,
    /// Mean of the weighted means of the samples' check scores.
    CheckScore,
    /// Mean of the scores that the suite's own command gives.
    Score,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Metric; 36] = [
        Metric::Accuracy,
        Metric::MacroF1,
        Metric::SubsetAccuracy,
        Metric::MicroF1,
        Metric::Jaccard,
        Metric::HammingAccuracy,
        Metric::RankScore,
        Metric::InScopeAccuracy,
        Metric::OutOfScopeRecall,
        Metric::OutOfScopePrecision,
        Metric::FieldF1,
        Metric::DocumentAccuracy,
        Metric::CharacterRecall,
        Metric::CharacterPrecision,
        Metric::StrictF1,
        Metric::StrictF2,
        Metric::SpanF1,
        Metric::PartialF1,
        Metric::TypeF1,
        Metric::ExactMatch,
        Metric::TokenF1,
        Metric::CitationPrecision,
        Metric::CitationRecall,
        Metric::Rouge1,
        Metric::Rouge2,
        Metric::RougeL,
        Metric::Rouge1Stemmed,
        Metric::Rouge2Stemmed,
        Metric::RougeLStemmed,
        Metric::CallAccuracy,
        Metric::ToolAccuracy,
        Metric::SchemaValid,
        Metric::ArgumentAccuracy,
        Metric::PassRate,
        Metric::CheckScore,
        Metric::Score,
    ];

    /// The word of `scoring.primary` and of JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::MacroF1 => "macro_f1",
            Metric::SubsetAccuracy => "subset_accuracy",
            Metric::MicroF1 => "micro_f1",
            Metric::Jaccard => "jaccard",
            Metric::HammingAccuracy => "hamming_accuracy",
            Metric::RankScore => "rank_score",
            Metric::InScopeAccuracy => "in_scope_accuracy",
            Metric::OutOfScopeRecall => "out_of_scope_recall",
            Metric::OutOfScopePrecision => "out_of_scope_precision",
            Metric::FieldF1 => "field_f1",
            Metric::DocumentAccuracy => "document_accuracy",
            Metric::CharacterRecall => "character_recall",
            Metric::CharacterPrecision => "character_precision",
            Metric::StrictF1 => "strict_f1",
            Metric::StrictF2 => "strict_f2",
            Metric::SpanF1 => "span_f1",
            Metric::PartialF1 => "partial_f1",
            Metric::TypeF1 => "type_f1",
            Metric::ExactMatch => "exact_match",
            Metric::TokenF1 => "token_f1",
            Metric::CitationPrecision => "citation_precision",
            Metric::CitationRecall => "citation_recall",
            Metric::Rouge1 => "rouge_1",
            Metric::Rouge2 => "rouge_2",
            Metric::RougeL => "rouge_l",
            Metric::Rouge1Stemmed => "rouge_1_stemmed",
            Metric::Rouge2Stemmed => "rouge_2_stemmed",
            Metric::RougeLStemmed => "rouge_l_stemmed",
            Metric::CallAccuracy => "call_accuracy",
            Metric::ToolAccuracy => "tool_accuracy",
            Metric::SchemaValid => "schema_valid",
            Metric::ArgumentAccuracy => "argument_accuracy",
            Metric::PassRate => "pass_rate",
            Metric::CheckScore => "check_score",
            Metric::Score => "score",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::MacroF1 => "macro F1",
            Metric::SubsetAccuracy => "subset accuracy",
            Metric::MicroF1 => "micro F1",
            Metric::Jaccard => "Jaccard index",
            Metric::HammingAccuracy => "Hamming accuracy",
            Metric::RankScore => "rank score",
            Metric::InScopeAccuracy => "in-scope accuracy",
            Metric::OutOfScopeRecall => "out-of-scope recall",
            Metric::OutOfScopePrecision => "out-of-scope precision",
            Metric::FieldF1 => "field F1",
            Metric::DocumentAccuracy => "document accuracy",
            Metric::CharacterRecall => "character recall",
            Metric::CharacterPrecision => "character precision",
            Metric::StrictF1 => "strict F1",
            Metric::StrictF2 => "strict F2",
            Metric::SpanF1 => "span F1",
            Metric::PartialF1 => "partial F1",
            Metric::TypeF1 => "type F1",
            Metric::ExactMatch => "exact match",
            Metric::TokenF1 => "token F1",
            Metric::CitationPrecision => "citation precision",
            Metric::CitationRecall => "citation recall",
            Metric::Rouge1 => "ROUGE-1",
            Metric::Rouge2 => "ROUGE-2",
            Metric::RougeL => "ROUGE-L",
            Metric::Rouge1Stemmed => "ROUGE-1 (stemmed)",
            Metric::Rouge2Stemmed => "ROUGE-2 (stemmed)",
            Metric::RougeLStemmed => "ROUGE-L (stemmed)",
            Metric::CallAccuracy => "call accuracy",
            Metric::ToolAccuracy => "tool accuracy",
            Metric::SchemaValid => "schema valid",
            Metric::ArgumentAccuracy => "argument accuracy",
            Metric::PassRate => "pass rate",
            Metric::CheckScore => "check score",
            Metric::Score => "score",
        }
    }

    /// Whether it is a mean of zeros and ones, so that an interval for proportions applies.
    pub fn is_proportion(self) -> bool {
        match self {
            Metric::Accuracy
            | Metric::SubsetAccuracy
            | Metric::DocumentAccuracy
            | Metric::ExactMatch
            | Metric::CallAccuracy
            | Metric::ToolAccuracy
            | Metric::SchemaValid
            | Metric::PassRate => true,
            Metric::MacroF1
            | Metric::MicroF1
            | Metric::Jaccard
            | Metric::HammingAccuracy
            | Metric::RankScore
            | Metric::InScopeAccuracy
            | Metric::OutOfScopeRecall
            | Metric::OutOfScopePrecision
            | Metric::FieldF1
            | Metric::CharacterRecall
            | Metric::CharacterPrecision
            | Metric::StrictF1
            | Metric::StrictF2
            | Metric::SpanF1
            | Metric::PartialF1
            | Metric::TypeF1
            | Metric::TokenF1
            | Metric::CitationPrecision
            | Metric::CitationRecall
            | Metric::Rouge1
            | Metric::Rouge2
            | Metric::RougeL
            | Metric::Rouge1Stemmed
            | Metric::Rouge2Stemmed
            | Metric::RougeLStemmed
            | Metric::ArgumentAccuracy
            | Metric::CheckScore
            | Metric::Score => false,
        }
    }

    /// The figure of summed statistics; `None` where it is undefined: without any sample, or as the
    /// recall of nothing.
    pub fn finish(self, sum: &Parts) -> Option<f64> {
        let part = |name: &str| sum.get(name).copied().unwrap_or(0.0);
        let n = part("n");
        if n <= 0.0 {
            return None;
        }
        let counts = |name| spans_pii::counts_of_parts(sum, name);
        match self {
            Metric::Accuracy | Metric::SubsetAccuracy => Some(part("correct") / n),
            Metric::MacroF1 => Some(classification::macro_f1_of_parts(sum, part("labels") / n)),
            Metric::MicroF1 => multilabel::micro_f1_of_parts(sum),
            Metric::Jaccard => Some(part("jaccard") / n),
            Metric::HammingAccuracy => {
                (part("labels") > 0.0).then(|| part("cells") / part("labels"))
            }
            Metric::RankScore => Some(part("rank") / n),
            Metric::InScopeAccuracy => scope::accuracy_of_parts(sum),
            Metric::OutOfScopeRecall => scope::counts_of_parts(sum).defined_recall(),
            Metric::OutOfScopePrecision => scope::counts_of_parts(sum).defined_precision(),
            Metric::FieldF1 => Some(extraction::field_f1_of_parts(sum)),
            Metric::DocumentAccuracy => Some(part("document") / n),
            Metric::CharacterRecall => counts(spans_pii::CHARACTERS).defined_recall(),
            Metric::CharacterPrecision => counts(spans_pii::CHARACTERS).defined_precision(),
            Metric::StrictF1 => counts(spans_pii::STRICT).defined_f(1.0),
            Metric::StrictF2 => counts(spans_pii::STRICT).defined_f(2.0),
            Metric::SpanF1 => counts(spans_pii::PLACES).defined_f(1.0),
            Metric::PartialF1 => counts(ner_nervaluate::PARTIAL).defined_f(1.0),
            Metric::TypeF1 => counts(ner_nervaluate::TYPE).defined_f(1.0),
            Metric::ExactMatch => Some(part("exact") / n),
            Metric::TokenF1 => Some(part("f1") / n),
            Metric::CitationPrecision => counts(CITATIONS).defined_precision(),
            Metric::CitationRecall => counts(CITATIONS).defined_recall(),
            Metric::Rouge1
            | Metric::Rouge2
            | Metric::RougeL
            | Metric::Rouge1Stemmed
            | Metric::Rouge2Stemmed
            | Metric::RougeLStemmed
            | Metric::CallAccuracy
            | Metric::ToolAccuracy
            | Metric::SchemaValid
            | Metric::PassRate
            | Metric::CheckScore
            | Metric::Score => Some(part(self.as_str()) / n),
            Metric::ArgumentAccuracy => {
                let counts = counts(ARGUMENTS);
                (counts.predicted + counts.gold > 0.0).then(|| counts.jaccard())
            }
        }
    }
}

/// Adds one sample's statistics to a sum.
pub fn add(sum: &mut Parts, parts: &Parts) {
    for (name, value) in parts {
        *sum.entry(name.clone()).or_insert(0.0) += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_figure() {
        for metric in Metric::ALL {
            assert_eq!(metric.finish(&Parts::new()), None);
        }
    }

    #[test]
    fn the_word_is_the_serialised_form() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.as_str());
        }
    }
}
