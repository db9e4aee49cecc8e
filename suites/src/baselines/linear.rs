//! `linear`: the label that a logistic regression on TF-IDF rows finds most probable (see
//! [`super::regression`] and [`super::tfidf`]). Several axes have a regression each.

use serde_json::{Map, Value};

use super::input::Input;
use super::regression::Regression;
use super::tfidf::{Row, TfIdf};
use crate::sample::Samples;
use crate::tasks::{Axis, Classification};

/// A fitted model with the labels that it chooses from.
#[derive(Debug, Clone)]
pub(super) struct Classifier {
    tfidf: TfIdf,
    heads: Vec<Head>,
    task: Classification,
}

/// The model of one axis.
#[derive(Debug, Clone)]
struct Head {
    axis: String,
    regression: Regression,
    labels: Vec<String>,
}

impl Classifier {
    /// Learns from the train split, which is not empty. A label without a train row is never
    /// answered: its best intercept would be minus infinity.
    pub(super) fn fit(task: &Classification, train: &Samples, input: &Input) -> Classifier {
        let texts: Vec<String> = train.iter().map(|s| input.text(&s)).collect();
        let tfidf = TfIdf::fit(&texts);
        let rows: Vec<Row> = texts.iter().map(|text| tfidf.row(text)).collect();
        let head = |axis: &Axis| {
            let expected: Vec<Value> =
                train.iter().filter_map(|s| task.on_axis(axis, &s.expected).cloned()).collect();
            let mut labels = axis.label_names();
            labels.retain(|label| expected.iter().any(|e| *e == *label));
            let target = |e: &Value| labels.iter().position(|label| *e == *label);
            let targets: Vec<usize> = expected.iter().filter_map(target).collect();
            let regression = Regression::fit(rows.clone(), tfidf.width(), &targets, labels.len());
            Head { axis: axis.name.clone(), regression, labels }
        };
        let heads = task.axes.iter().map(head).collect();
        Classifier { heads, task: task.clone(), tfidf }
    }

    /// The answer to a text.
    pub(super) fn answer(&self, text: &str) -> String {
        let row = self.tfidf.row(text);
        let label = |head: &Head| (head.axis.clone(), head.label(&row).into());
        let labels = self.heads.iter().map(label).collect::<Map<_, _>>();
        self.task.write(&self.task.join(labels))
    }
}

impl Head {
    fn label(&self, row: &Row) -> &str {
        let mut best = (f64::NEG_INFINITY, "");
        for (logit, label) in self.regression.logits(row.clone()).iter().zip(&self.labels) {
            if *logit > best.0 {
                best = (*logit, label);
            }
        }
        best.1
    }
}
