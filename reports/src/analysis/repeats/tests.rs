use rightsize_providers::UsageSource;
use rightsize_suites::{Metric, Parts};

use super::*;
use crate::folder::{Shared, Span, Verdict};
use crate::run::{Mode, Scenario, Split};

/// A repeat of a sample: what was read (`?` for nothing, `!` for an error), and whether it is right.
fn row(sample: u32, repeat: u32, said: &str, right: bool) -> Row {
    let outcome = match said {
        "!" => Outcome::Error,
        "?" => Outcome::Unparsed,
        _ => Outcome::Scored,
    };
    let scored = outcome == Outcome::Scored;
    let shared = Shared {
        suite: 0,
        model: 0,
        variant: "default".into(),
        split: Split::Test,
        mode: Mode::Generate,
        scenario: Scenario::Batch,
        repeat,
        session: 1,
        tags: Default::default(),
        cluster: None,
        outcome,
        score: (outcome != Outcome::Error).then_some(f64::from(u8::from(right))),
        parts: vec![("n".into(), 1.0), ("correct".into(), f64::from(u8::from(right)))],
        reading: scored.then(|| said.bytes().fold(0, |sum, byte| sum * 256 + u64::from(byte))),
        verdict: Verdict::None,
        error: None,
        cached: false,
        usage_source: UsageSource::Missing,
        newest_score: true,
    };
    let span = Span { offset: 0, len: 0 };
    Row { shared: Arc::new(shared), sample, figures: None, unit: 0, prompt: 0, span }
}

/// The accuracy of samples, each of which is a list of what was said; `a` is right.
fn accuracy(samples_said: &[&[&str]], reduce: Reduce, errors: Errors) -> f64 {
    let mut rows = Vec::new();
    for (i, said) in samples_said.iter().enumerate() {
        for (repeat, said) in said.iter().enumerate() {
            rows.push(row(i as u32, repeat as u32, said, *said == "a"));
        }
    }
    let rows: Vec<&Row> = rows.iter().collect();
    let reduced: Vec<Sample<'_>> = samples(&rows, reduce, errors).collect();
    assert_eq!(reduced.len(), samples_said.len());
    assert_eq!(count(&rows), samples_said.len() as u64);
    let mut sum = Parts::new();
    for (name, value) in reduced.iter().flat_map(|s| s.parts.iter()) {
        *sum.entry(name.to_string()).or_default() += value;
    }
    assert_eq!(sum["n"], samples_said.len() as f64, "n is the number of samples");
    Metric::Accuracy.finish(&sum).unwrap()
}

fn near(value: f64, wanted: f64) {
    assert!((value - wanted).abs() < 1e-12, "{value}, not {wanted}");
}

#[test]
fn every_sample_counts_once_however_often_it_was_asked() {
    // One of three right, and one of one: (1/3 + 1) / 2, where the mean of units would be 1/2.
    near(accuracy(&[&["a", "b", "b"], &["a"]], Reduce::Mean, Errors::Wrong), 2.0 / 3.0);
}

#[test]
fn pass_at_k_and_pass_hat_k_are_those_of_their_papers() {
    let said: &[&[&str]] = &[&["a", "b", "b", "b"], &["a", "a", "b", "?"]];
    // 1 - C(3,2)/C(4,2) = 1/2 and 1 - C(2,2)/C(4,2) = 5/6.
    near(accuracy(said, Reduce::PassAt(2), Errors::Wrong), (0.5 + 5.0 / 6.0) / 2.0);
    // C(1,2)/C(4,2) = 0 and C(2,2)/C(4,2) = 1/6.
    near(accuracy(said, Reduce::PassHat(2), Errors::Wrong), 1.0 / 12.0);
    near(accuracy(said, Reduce::PassAt(1), Errors::Wrong), 0.375);
    near(accuracy(said, Reduce::PassHat(1), Errors::Wrong), 0.375);
}

#[test]
fn repeats_that_are_missing_up_to_k_did_not_pass() {
    // One right of two: 1 - C(1,2)/C(2,2) = 1, and C(1,2)/C(2,2) = 0.
    near(accuracy(&[&["a"]], Reduce::PassAt(2), Errors::Wrong), 1.0);
    near(accuracy(&[&["a"]], Reduce::PassHat(2), Errors::Wrong), 0.0);
}

#[test]
fn the_answer_that_most_repeats_gave_counts() {
    let one = |said| accuracy(&[said], Reduce::Majority, Errors::Wrong);
    near(one(&["b", "a", "a"]), 1.0);
    near(one(&["a", "b", "c", "b"]), 0.0);
    near(one(&["b", "a"]), 0.0);
    near(one(&["a", "b"]), 1.0);
    near(one(&["?", "!", "a"]), 0.0);
    near(one(&["?", "a"]), 1.0);
    near(one(&["?", "?"]), 0.0);
}

#[test]
fn in_the_best_case_errors_are_right_answers() {
    let best = |said, reduce| accuracy(&[said], reduce, Errors::Right);
    near(best(&["a", "!", "b", "b"], Reduce::Mean), 0.5);
    near(best(&["a", "!", "b", "b"], Reduce::Majority), 1.0);
    near(best(&["!", "b", "b"], Reduce::Majority), 0.0);
    // Two of four right: 1 - C(2,2)/C(4,2).
    near(best(&["a", "!", "b", "b"], Reduce::PassAt(2)), 5.0 / 6.0);
    near(best(&["!"], Reduce::Mean), 1.0);
}

/// `pass@k` counts the statistics of every metric that is right or wrong.
#[test]
fn every_proportion_is_counted() {
    for metric in Metric::ALL.into_iter().filter(|m| m.is_proportion()) {
        let mut parts: Parts = PASSES.iter().map(|name| ((*name).to_owned(), 1.0)).collect();
        parts.insert("n".to_owned(), 1.0);
        assert_eq!(metric.finish(&parts), Some(1.0), "{}", metric.as_str());
    }
}
