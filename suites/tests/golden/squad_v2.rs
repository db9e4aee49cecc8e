//! The official script of SQuAD 2.0.

use rightsize_suites::metrics::squad_v2::{self, Means, Question};
use serde_json::Value;

use crate::support::{assert_close, cases, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn squad_v2_as_the_official_script() {
    for case in cases("squad_v2.json") {
        let id = case["id"].as_str().unwrap();
        if case.get("items").is_some() {
            corpus(&case, id);
            continue;
        }
        let answer = case["prediction"].as_str().unwrap();
        let golds = texts(&case["golds"]);
        let exact = squad_v2::exact_match(answer, &golds);
        assert_eq!(u64::from(exact), case["expected"]["exact"], "{id}");
        let f1 = squad_v2::f1(answer, &golds);
        assert_close(Some(f1), &case["expected"]["f1"], TOLERANCE, id);
    }
}

fn corpus(case: &Value, id: &str) {
    let items = case["items"].as_array().unwrap().iter();
    let questions: Vec<Question> = items
        .map(|item| Question {
            golds: texts(&item["golds"]),
            answer: item["prediction"].as_str().unwrap(),
            no_answer: item["na_prob"].as_f64().unwrap(),
        })
        .collect();
    let threshold = case["na_prob_thresh"].as_f64().unwrap();
    let report = squad_v2::report(&questions, threshold).unwrap();
    let expected = &case["expected"];
    let close = |name: &str, value: f64| {
        assert_close(Some(value), &expected[name], TOLERANCE * 100.0, &format!("{id} {name}"));
    };
    let part = |prefix: &str, means: Option<Means>| {
        let Some(means) = means else {
            assert!(expected.get(format!("{prefix}total")).is_none(), "{id} {prefix}");
            return;
        };
        close(&format!("{prefix}exact"), means.exact);
        close(&format!("{prefix}f1"), means.f1);
        close(&format!("{prefix}total"), means.total as f64);
    };
    part("", Some(report.all));
    part("HasAns_", report.has_answer);
    part("NoAns_", report.no_answer);
    close("best_exact", report.best_exact.figure);
    close("best_exact_thresh", report.best_exact.threshold);
    close("best_f1", report.best_f1.figure);
    close("best_f1_thresh", report.best_f1.threshold);
}

#[test]
fn a_corpus_without_questions_has_no_figures() {
    assert_eq!(squad_v2::report(&[], 1.0), None);
}
