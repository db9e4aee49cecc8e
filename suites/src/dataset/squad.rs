//! The JSON of SQuAD 1.1 and 2.0: articles with paragraphs with questions. A row is one question.

use rightsize_providers::Fields;
use serde::Deserialize;
use serde_json::Value;

use super::{LONGEST_ROW, json, too_long};
use crate::problem::Problem;
use crate::store::RowsWriter;

#[derive(Deserialize)]
struct File {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    id: Value,
    question: String,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

/// Reads the questions in their order, with the columns `id`, `title`, `context`, `question` and
/// `answers`, a list of texts that is empty where the paragraph has no answer. All of them have the
/// first line: the file is one object, mostly on one line.
pub(super) fn read(text: &str, name: &str, rows: &mut RowsWriter) -> Result<(), Problem> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        json::broken(name, &error)
            .remedy("the file has the key `paragraphs`, but is not as SQuAD's")
    })?;
    for Article { title, paragraphs } in file.data {
        for Paragraph { context, qas } in paragraphs {
            if context.len() > LONGEST_ROW {
                return Err(too_long(name, 1));
            }
            for Question { id, question, answers } in qas {
                let answers: Vec<Value> = answers.into_iter().map(|a| a.text.into()).collect();
                let fields = Fields::from_iter([
                    ("id".to_owned(), id),
                    ("title".to_owned(), title.clone().into()),
                    ("context".to_owned(), context.clone().into()),
                    ("question".to_owned(), question.into()),
                    ("answers".to_owned(), answers.into()),
                ]);
                rows.push(1, &fields)?;
            }
        }
    }
    Ok(())
}
