//! `nearest`: the answer of the train row whose text is nearest, by the cosine of TF-IDF vectors
//! (see [`super::tfidf`]). The first one counts among rows that are equally near. A text that
//! shares no term with train has no neighbour and gets the answer of `majority`.

use super::input::Input;
use super::majority;
use super::tfidf::{Row, TfIdf, transposed};
use crate::sample::Samples;
use crate::tasks::Task;

/// An index of the train split.
#[derive(Debug, Clone)]
pub(super) struct Nearest {
    tfidf: TfIdf,
    /// For each term the train rows that have it, with its weight there.
    postings: Vec<Row>,
    /// The expected answer of each train row.
    answers: Vec<String>,
    fallback: String,
}

impl Nearest {
    pub(super) fn fit(task: &Task, train: &Samples, input: &Input) -> Nearest {
        let texts: Vec<String> = train.iter().map(|s| input.text(&s)).collect();
        let tfidf = TfIdf::fit(&texts);
        let rows: Vec<Row> = texts.iter().map(|text| tfidf.row(text)).collect();
        Nearest {
            postings: transposed(&rows, tfidf.width()),
            answers: train.iter().map(|s| task.write(&s.expected)).collect(),
            fallback: majority::answer(task, train),
            tfidf,
        }
    }

    /// The answer to a text.
    pub(super) fn answer(&self, text: &str) -> &str {
        let mut cosines = vec![0.0; self.answers.len()];
        for (term, weight) in self.tfidf.row(text) {
            for (row, other) in self.postings.get(term).into_iter().flatten() {
                if let Some(cosine) = cosines.get_mut(*row) {
                    *cosine += weight * other;
                }
            }
        }
        let mut best = (0.0, self.fallback.as_str());
        for (cosine, answer) in cosines.into_iter().zip(&self.answers) {
            if cosine > best.0 {
                best = (cosine, answer);
            }
        }
        best.1
    }
}
