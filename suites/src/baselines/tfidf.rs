//! TF-IDF vectors of words and pairs of neighbouring words, as scikit-learn's
//! `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` makes them:
//!
//! - words are the runs of two or more word characters of the text in lower case;
//! - a term that stands `c` times in a text weighs `(1 + ln c) · (1 + ln((1 + n) / (1 + d)))`, where
//!   `d` of the `n` texts that were fitted have it;
//! - each vector has the Euclidean length 1, or 0 where the text has no known term.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::metrics::text::is_word;

/// A sparse vector: columns with their values, in the order of columns.
pub(super) type Row = Vec<(usize, f64)>;

/// The terms of some texts, with what each weighs.
#[derive(Debug, Clone)]
pub(super) struct TfIdf {
    /// The column of each term: its place in the order of first occurrence.
    columns: HashMap<String, usize>,
    /// The inverse document frequency by column.
    idf: Vec<f64>,
}

fn words(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(|c| !is_word(c)).filter(|word| word.chars().nth(1).is_some())
}

/// The words of a text, then its pairs.
fn terms(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    words.iter().map(|word| (*word).to_owned()).chain(pairs).collect()
}

/// Whether a text has any term at all.
pub(super) fn has_terms(text: &str) -> bool {
    words(&text.to_lowercase()).next().is_some()
}

impl TfIdf {
    pub(super) fn fit(texts: &[String]) -> TfIdf {
        let mut columns: HashMap<String, usize> = HashMap::new();
        let mut texts_with: Vec<f64> = Vec::new();
        for text in texts {
            let mut seen = HashSet::new();
            for term in terms(text) {
                let next = columns.len();
                let column = *columns.entry(term).or_insert(next);
                if !seen.insert(column) {
                    continue;
                }
                match texts_with.get_mut(column) {
                    Some(count) => *count += 1.0,
                    None => texts_with.push(1.0),
                }
            }
        }
        let n = texts.len() as f64;
        let idf = texts_with.into_iter().map(|d| ((1.0 + n) / (1.0 + d)).ln() + 1.0).collect();
        TfIdf { columns, idf }
    }

    /// The number of columns.
    pub(super) fn width(&self) -> usize {
        self.idf.len()
    }

    /// The vector of a text; terms that were not fitted are left out.
    pub(super) fn row(&self, text: &str) -> Row {
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        for term in terms(text) {
            if let Some(column) = self.columns.get(&term) {
                *counts.entry(*column).or_default() += 1.0;
            }
        }
        let weight = |(column, count): (usize, f64)| {
            Some((column, (1.0 + count.ln()) * self.idf.get(column)?))
        };
        let mut row: Row = counts.into_iter().filter_map(weight).collect();
        let length = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        for (_, value) in &mut row {
            *value /= length;
        }
        row
    }
}

/// The same matrix by columns: for each column its rows with their values, in the order of rows.
pub(super) fn transposed(rows: &[Row], width: usize) -> Vec<Row> {
    let mut columns = vec![Row::new(); width];
    for (at, row) in rows.iter().enumerate() {
        for (column, value) in row {
            if let Some(column) = columns.get_mut(*column) {
                column.push((at, *value));
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] =
        ["The card is lost, the card!", "Is the café's card_1 a loss?", "Lost & found"];

    fn assert_row(tfidf: &TfIdf, text: &str, expected: &[(&str, f64)]) {
        let row = tfidf.row(text);
        assert_eq!(row.len(), expected.len(), "{text}");
        for (term, value) in expected {
            let column = tfidf.columns[*term];
            let found = row.iter().find(|(c, _)| *c == column).unwrap().1;
            assert!((found - value).abs() < 1e-12, "{term}: {found}");
        }
    }

    /// scikit-learn 1.9.1: `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)`, fitted on the
    /// three texts.
    #[test]
    fn the_values_are_those_of_scikit_learn() {
        let tfidf = TfIdf::fit(&TEXTS.map(str::to_owned));
        let first = [
            ("card", 0.49823410174913224),
            ("card is", 0.2942650866207389),
            ("is", 0.2237961831910456),
            ("is lost", 0.2942650866207389),
            ("lost", 0.2237961831910456),
            ("lost the", 0.2942650866207389),
            ("the", 0.37891987658999593),
            ("the card", 0.49823410174913224),
        ];
        assert_row(&tfidf, TEXTS[0], &first);
        let second = [
            ("café", 0.3501387057719138),
            ("café card_1", 0.3501387057719138),
            ("card_1", 0.3501387057719138),
            ("card_1 loss", 0.3501387057719138),
            ("is", 0.2662895107233706),
            ("is the", 0.3501387057719138),
            ("loss", 0.3501387057719138),
            ("the", 0.2662895107233706),
            ("the café", 0.3501387057719138),
        ];
        assert_row(&tfidf, TEXTS[1], &second);
        let other = [("card", 0.6133555370249717), ("lost", 0.7898069290660905)];
        assert_row(&tfidf, "lost lost card unknown", &other);
        assert_row(&tfidf, "a b c", &[]);
    }

    #[test]
    fn a_matrix_by_columns_is_the_same_matrix() {
        let rows = vec![vec![(0, 1.0), (2, 2.0)], vec![], vec![(2, 3.0)]];
        let columns = transposed(&rows, 3);
        assert_eq!(columns, [vec![(0, 1.0)], vec![], vec![(0, 2.0), (2, 3.0)]]);
        assert_eq!(transposed(&columns, 3), rows);
    }
}
