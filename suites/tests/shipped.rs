//! The shipped suites load as they are, and a perfect answer to any of their samples scores 1.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::Path;

use rightsize_providers::{AskKind, Fields, Finish, Prompt, Response, Role};
use rightsize_suites::metrics::{self, Parts};
use rightsize_suites::outcome::{Outcome, outcome_of};
use rightsize_suites::{Kept, Suite, catalog};

fn all() -> Vec<Suite> {
    let load = |name| Suite::load(&format!("catalog:{name}"), Path::new("/nowhere"));
    catalog::names().map(|name| load(name).unwrap()).collect()
}

#[test]
fn they_load_without_warnings() {
    let suites = all();
    let names: Vec<&str> = suites.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["support-triage", "invoice-extraction", "kb-faq"]);
    for suite in &suites {
        assert!(suite.samples.len() >= 100, "{}", suite.name);
        assert_eq!(suite.warnings, Vec::<String>::new(), "{}", suite.name);
        assert!(suite.margin.is_some() && !suite.description.is_empty(), "{}", suite.name);
        assert!(suite.samples.iter().all(|s| s.tags.contains_key("origin")), "{}", suite.name);
    }
}

#[test]
fn a_perfect_answer_scores_one() {
    for suite in all() {
        let mut sum = Parts::new();
        for sample in &suite.samples.iter().collect::<Vec<_>>() {
            let response = suite.task.write_expected(sample);
            let reading = suite.task.read(&response);
            assert_eq!(outcome_of(&response, &reading), Outcome::Scored);
            assert!(!reading.repaired, "{} {}", suite.name, sample.id);
            let score = suite.task.score(&reading, sample).unwrap();
            assert_eq!(score.primary, 1.0, "{} {}", suite.name, sample.id);
            metrics::add(&mut sum, &score.parts);
        }
        for metric in suite.metrics() {
            assert_eq!(metric.finish(&sum), Some(1.0), "{} {}", suite.name, metric.title());
        }
    }
}

#[test]
fn a_refusal_scores_zero_whatever_it_says() {
    for suite in all() {
        let sample = &suite.samples.get(0).unwrap();
        let perfect = suite.task.write_expected(sample);
        let refused = Response { finish: Finish::Refusal, ..perfect };
        let reading = suite.task.read(&refused);
        assert_eq!(outcome_of(&refused, &reading), Outcome::Refused);
        let score = suite.task.score(&reading, sample).unwrap();
        assert_eq!((score.primary, score.parts["n"]), (0.0, 1.0));
    }
}

#[test]
fn the_prompt_is_the_one_that_the_bundled_models_know() {
    let suites = all();
    let texts = |suite: &Suite| {
        let ask = suite.ask(&suite.samples.get(0).unwrap(), 3).unwrap();
        assert_eq!((ask.sample.suite.as_str(), ask.sample.repeat), (suite.name.as_str(), 3));
        let AskKind::Generate(generate) = ask.kind else { panic!("a generation is asked for") };
        let Prompt::Messages(messages) = generate.prompt else { panic!("messages are sent") };
        let roles: Vec<Role> = messages.iter().map(|m| m.role).collect();
        assert_eq!(roles, [Role::System, Role::User]);
        (messages[0].content.clone(), messages[1].content.clone(), generate.max_tokens)
    };
    let (system, user, max_tokens) = texts(&suites[0]);
    let row = &suites[0].samples.get(0).unwrap().row;
    assert_eq!(
        system,
        "Sort the support ticket into one category: billing, login, shipping, returns, bug, setup, \
         feature. Answer with the category only."
    );
    let subject = row["subject"].as_str().unwrap();
    assert_eq!(user, format!("{subject}\n\n{}", row["body"].as_str().unwrap()));
    assert_eq!(max_tokens, 12);
    let (system, _, _) = texts(&suites[1]);
    assert_eq!(
        system,
        "Read the invoice. Answer with one JSON object with the keys invoice_number, vendor, date, \
         total, currency. The date is yyyy-mm-dd, the total is a number, the currency is a \
         three-letter code."
    );
}

#[test]
fn an_ask_never_carries_the_expected_answer() {
    for suite in all() {
        let columns = suite.task.expected_columns();
        for sample in &suite.samples.iter().collect::<Vec<_>>() {
            let ask = suite.ask(sample, 0).unwrap();
            assert!(columns.iter().all(|c| !ask.fields.contains_key(*c)), "{}", suite.name);
            assert!(columns.iter().all(|c| sample.row.contains_key(*c)), "{}", suite.name);
        }
    }
}

fn from_rows(yaml: &str, suite: &Suite, rows: Vec<Fields>) -> Suite {
    Suite::from_run_folder(yaml, &suite.source, Kept::new(rows).unwrap()).unwrap()
}

#[test]
fn a_run_folder_gives_the_same_suite() {
    for suite in &all() {
        let rows: Vec<_> = suite.samples.iter().map(|s| s.row.clone()).collect();
        let again = from_rows(&suite.yaml, suite, rows);
        assert_eq!(again.sha256, suite.sha256);
        let ids = |s: &Suite| s.samples.iter().map(|s| s.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(suite));
        let sample = &suite.samples.get(0).unwrap();
        assert_eq!(
            again.ask(&again.samples.get(0).unwrap(), 0).unwrap(),
            suite.ask(sample, 0).unwrap()
        );
    }
}

#[test]
fn the_digest_covers_yaml_and_rows() {
    let suite = &all()[0];
    let mut rows: Vec<_> = suite.samples.iter().map(|s| s.row.clone()).collect();
    let yaml = format!("{}# a comment\n", suite.yaml);
    let other_yaml = from_rows(&yaml, suite, rows.clone());
    assert_ne!(other_yaml.sha256, suite.sha256);
    rows.pop();
    let fewer = from_rows(&suite.yaml, suite, rows);
    assert_ne!(fewer.sha256, suite.sha256);
}
