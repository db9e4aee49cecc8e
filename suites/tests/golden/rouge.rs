//! Google's `rouge_score`.

use rightsize_suites::metrics::rouge::{Score, Tokens, rouge_l, rouge_l_sum, rouge_n};
use serde_json::Value;

use crate::support::{assert_close, cases, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn rouge_as_google() {
    for case in cases("rouge.json") {
        for (tokens, expected) in case["expected"].as_object().unwrap() {
            let kind = match tokens.as_str() {
                "plain" => Tokens::Plain,
                "stem" => Tokens::Stemmed,
                other => panic!("unknown tokens {other}"),
            };
            for (name, expected) in expected.as_object().unwrap() {
                let score = score(name, &case, kind);
                let figures = [score.precision, score.recall, score.f1];
                for (figure, expected) in figures.into_iter().zip(expected.as_array().unwrap()) {
                    let what = format!("{} {tokens} {name}", case["id"]);
                    assert_close(Some(figure), expected, TOLERANCE, &what);
                }
            }
        }
    }
}

fn score(name: &str, case: &Value, tokens: Tokens) -> Score {
    let prediction = case["prediction"].as_str().unwrap();
    let targets = match case.get("targets") {
        Some(targets) => texts(targets),
        None => vec![case["target"].as_str().unwrap()],
    };
    let scores = targets.into_iter().map(|target| match name {
        "rouge1" => rouge_n(prediction, target, 1, tokens),
        "rouge2" => rouge_n(prediction, target, 2, tokens),
        "rouge3" => rouge_n(prediction, target, 3, tokens),
        "rougeL" => rouge_l(prediction, target, tokens),
        "rougeLsum" => rouge_l_sum(prediction, target, tokens),
        other => panic!("unknown metric {other}"),
    });
    Score::best(scores).unwrap()
}
