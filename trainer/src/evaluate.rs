//! Greedy answers of a model to the suites' test rows, and how many of them are right.
//!
//! The scores here are a check for the trainer; the product's own scoring is what counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Tensor;
use serde_json::{Map, Value};

use crate::batch::Prompts;
use crate::model::{CONTEXT, Cache, Model};
use crate::prompt::{Error, Task};
use crate::tokenizer::{CLOSE, Tokenizer};
use crate::tree::Tree;

/// The answer with the highest probability at each step.
pub fn answer(
    model: &Model,
    tokenizer: &Tokenizer,
    prompt: &str,
    longest: usize,
) -> Result<String, Error> {
    let close = tokenizer.id(CLOSE)?;
    let mut cache: Cache = (0..model.shape.blocks).map(|_| None).collect();
    let mut next = tokenizer.encode(prompt)?;
    let mut answer = Vec::new();
    let mut place = 0;
    while answer.len() < longest && place + next.len() <= CONTEXT {
        let tree = Arc::new(Tree::sequence(place, next.len()));
        place += next.len();
        let states = model.states(&next, &tree, Some(&mut cache))?.detach();
        let logits = model.logits(&states, &[next.len() as u32 - 1])?;
        cache.iter_mut().flatten().for_each(|(k, v)| (*k, *v) = (k.detach(), v.detach()));
        let token = best(&logits)?;
        if token == close {
            break;
        }
        answer.push(token);
        next = vec![token];
    }
    tokenizer.decode(&answer)
}

fn best(logits: &Tensor) -> Result<u32, Error> {
    Ok(logits.flatten_all()?.argmax(0)?.to_scalar()?)
}

/// Points by what they are points of, such as `generated` or `generated total`.
pub type Scores = BTreeMap<String, (f64, usize)>;

/// Answers all rows on two threads; `shown` gets each prompt's answer beside the expected one.
pub fn evaluate(
    model: &Model,
    tokenizer: &Tokenizer,
    task: Task,
    rows: &[Map<String, Value>],
) -> Result<(Scores, Vec<(String, String)>), Error> {
    let prompts = Prompts::read()?;
    let prompts = &prompts;
    let work = move |rows: &[Map<String, Value>]| -> Result<Vec<String>, Error> {
        let answers = rows.iter().map(|row| {
            let (system, user) = prompts.of(task).chat(row)?;
            let longest = if task == Task::Invoice { 120 } else { 32 };
            answer(model, tokenizer, &(system + &user), longest)
        });
        answers.collect()
    };
    let (first, second) = rows.split_at(rows.len() / 2);
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(move || work(second));
        (work(first), other.join())
    });
    let mut answers = a?;
    answers.extend(b.map_err(|_| "a thread died")??);
    let mut scores = Scores::new();
    let mut shown = Vec::new();
    for (row, answer) in rows.iter().zip(answers) {
        let origin = row.get("origin").and_then(Value::as_str).unwrap_or_default();
        for (part, point) in points(task, row, &answer) {
            let name = if part.is_empty() { origin.to_owned() } else { format!("{origin} {part}") };
            let (sum, count) = scores.entry(name).or_default();
            *sum += point;
            *count += 1;
        }
        shown.push((answer, expected(task, row)));
    }
    Ok((scores, shown))
}

fn expected(task: Task, row: &Map<String, Value>) -> String {
    let keys: &[&str] = match task {
        Task::Triage => &["category"],
        Task::Invoice => &FIELDS,
        Task::Faq => &["answer"],
    };
    let values = keys.iter().map(|key| row.get(*key).map_or(String::new(), Value::to_string));
    values.collect::<Vec<_>>().join(" ")
}

const FIELDS: [&str; 5] = ["invoice_number", "vendor", "date", "total", "currency"];

fn points(task: Task, row: &Map<String, Value>, answer: &str) -> Vec<(&'static str, f64)> {
    let point = |right: bool| if right { 1.0 } else { 0.0 };
    match task {
        Task::Triage => {
            let label = row.get("category").and_then(Value::as_str);
            vec![("", point(label == Some(answer.trim())))]
        }
        Task::Faq => {
            let accepted: Vec<&str> = match row.get("answer") {
                Some(Value::String(one)) => vec![one],
                Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
                _ => vec![],
            };
            let given = normalised(answer);
            vec![("", point(accepted.iter().any(|a| normalised(a) == given)))]
        }
        Task::Invoice => {
            let object: Map<String, Value> = serde_json::from_str(answer).unwrap_or_default();
            let right = |field| object.get(field).is_some_and(|v| same_field(row, field, v));
            let fields = FIELDS.map(|field| (field, point(right(field))));
            let mean = fields.iter().map(|(_, p)| p).sum::<f64>() / fields.len() as f64;
            fields.into_iter().chain([("", mean)]).collect()
        }
    }
}

fn same_field(row: &Map<String, Value>, field: &str, given: &Value) -> bool {
    match (row.get(field), given) {
        (Some(Value::Number(a)), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= 0.005
        }
        (Some(Value::String(a)), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => false,
    }
}

/// The normal form of SQuAD 1.1: lower case, without punctuation, articles and extra blanks.
fn normalised(text: &str) -> String {
    let lower = text.to_lowercase();
    let kept: String = lower.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let words = kept.split_whitespace().filter(|w| !["a", "an", "the"].contains(w));
    words.collect::<Vec<_>>().join(" ")
}
