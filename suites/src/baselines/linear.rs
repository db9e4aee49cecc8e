//! `linear`: the label that a logistic regression on TF-IDF rows finds most probable (see
//! [`super::regression`] and [`super::tfidf`]).

use super::input::Input;
use super::regression::Regression;
use super::tfidf::TfIdf;
use crate::sample::Sample;
use crate::tasks::Task;

/// A fitted model with the answers that it chooses from.
#[derive(Debug, Clone)]
pub(super) struct Classifier {
    tfidf: TfIdf,
    regression: Regression,
    answers: Vec<String>,
}

impl Classifier {
    /// Learns from the train split, which is not empty. A label without a train row is never
    /// answered: its best intercept would be minus infinity.
    pub(super) fn fit(task: &Task, train: &[Sample], input: &Input) -> Classifier {
        let texts: Vec<String> = train.iter().map(|s| input.text(s)).collect();
        let tfidf = TfIdf::fit(&texts);
        let rows = texts.iter().map(|text| tfidf.row(text)).collect();
        let mut labels = task.labels();
        labels.retain(|label| train.iter().any(|s| s.expected == *label));
        let target = |s: &Sample| labels.iter().position(|label| s.expected == *label);
        let targets: Vec<usize> = train.iter().filter_map(target).collect();
        let regression = Regression::fit(rows, tfidf.width(), &targets, labels.len());
        let answers = labels.into_iter().map(|label| task.write(&label.into())).collect();
        Classifier { tfidf, regression, answers }
    }

    /// The answer to a text.
    pub(super) fn answer(&self, text: &str) -> &str {
        let mut best = (f64::NEG_INFINITY, "");
        for (logit, answer) in
            self.regression.logits(self.tfidf.row(text)).iter().zip(&self.answers)
        {
            if *logit > best.0 {
                best = (*logit, answer);
            }
        }
        best.1
    }
}
