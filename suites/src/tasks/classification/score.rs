//! The score of one sample on one axis.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Axis;
use crate::metrics::{Metric, Parts, multilabel, scope};

/// What an answer is worth on one axis.
pub(super) struct AxisScore {
    /// Additive statistics, under the names that they have where there is no other axis.
    pub parts: Parts,
    /// Expected and predicted.
    pub detail: Value,
}

impl AxisScore {
    /// 1 where the label, or the whole set of labels, is right, else 0.
    pub(super) fn correct(&self) -> f64 {
        self.parts.get("correct").copied().unwrap_or(0.0)
    }

    /// The sample's share of a metric: the sample's own F1 for an F1 over labels, else the figure
    /// of this sample alone; right or wrong where that has none.
    pub(super) fn share(&self, metric: Metric) -> f64 {
        let own = match metric {
            Metric::MacroF1 | Metric::MicroF1 => Metric::MicroF1.finish(&self.parts),
            Metric::RankScore | Metric::Jaccard | Metric::HammingAccuracy => {
                metric.finish(&self.parts)
            }
            _ => None,
        };
        own.unwrap_or(self.correct())
    }
}

impl Axis {
    /// `None` where `expected` is no answer of this axis.
    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<AxisScore> {
        if self.multiple {
            self.score_set(read, expected)
        } else {
            self.score_label(read, expected)
        }
    }

    fn score_label(&self, read: Option<&Value>, expected: &Value) -> Option<AxisScore> {
        let truth = expected.as_str()?;
        let predicted = read.and_then(Value::as_str);
        let right = predicted == Some(truth);
        let correct = if right { 1.0 } else { 0.0 };
        let mut parts = Parts::from([
            ("n".to_owned(), 1.0),
            ("correct".to_owned(), correct),
            ("labels".to_owned(), self.labels.len() as f64),
        ]);
        if right {
            parts.insert(format!("tp:{truth}"), 1.0);
        } else {
            parts.insert(format!("fn:{truth}"), 1.0);
            if let Some(wrong) = predicted {
                parts.insert(format!("fp:{wrong}"), 1.0);
            }
        }
        if let Some(outside) = &self.out_of_scope {
            parts.extend(scope::parts(truth, predicted, outside));
        }
        if self.ordinal {
            parts.insert("rank".to_owned(), self.nearness(truth, predicted));
        }
        Some(AxisScore { parts, detail: json!({"expected": truth, "predicted": predicted}) })
    }

    /// 1 for the right label, 0 for one at the other end of the list and for none.
    fn nearness(&self, truth: &str, predicted: Option<&str>) -> f64 {
        let last = self.labels.len().saturating_sub(1);
        let distance = || Some(self.rank(truth)?.abs_diff(self.rank(predicted?)?));
        distance().filter(|_| last > 0).map_or(0.0, |ranks| 1.0 - ranks as f64 / last as f64)
    }

    fn score_set(&self, read: Option<&Value>, expected: &Value) -> Option<AxisScore> {
        let truth = set(expected)?;
        let predicted = read.and_then(set);
        let parts = multilabel::parts(&truth, predicted.as_ref(), self.labels.len());
        Some(AxisScore { parts, detail: json!({"expected": expected, "predicted": read}) })
    }
}

fn set(labels: &Value) -> Option<BTreeSet<&str>> {
    labels.as_array()?.iter().map(Value::as_str).collect()
}
