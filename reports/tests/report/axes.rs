//! A suite with several label axes, of which one has label sets.

use rightsize_reports::analysis::{Analysis, Pass};
use rightsize_reports::glossary;
use rightsize_reports::html::Options;
use rightsize_reports::run::Outcome;
use rightsize_suites::Suite;
use serde_json::json;

use crate::analysis::analysed;
use crate::fixture::Run;
use crate::html::{inflated, rendered};

fn run() -> Run {
    let row = |number: usize| {
        let topics = ["", "refund", "invoice|refund", "crash"][number % 4];
        let queue = ["billing-q", "login-q", "other-q"][number % 3];
        let urgency = ["low-u", "normal-u", "high-u"][number / 3 % 3];
        json!({
            "text": format!("ticket {number}"),
            "queue": queue,
            "urgency": urgency,
            "topics": topics,
        })
    };
    let rows: String = (0..120).map(|number| format!("{}\n", row(number))).collect();
    let yaml = json!({
        "name": "tickets",
        "task": "classification",
        "data": {"test": "test.jsonl"},
        "labels": {
            "queue": {"values": ["billing-q", "login-q", "other-q"], "out_of_scope": "other-q"},
            "urgency": {"values": ["low-u", "normal-u", "high-u"], "ordinal": true},
            "topics": {"values": ["crash", "invoice", "refund"], "multiple": true},
        },
        "prompt": {"user": "{{ text }}"},
        "scoring": {"primary": "accuracy.queue"},
    });
    let yaml = yaml.to_string();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("suite.yaml"), yaml).unwrap();
    std::fs::write(folder.path().join("test.jsonl"), rows).unwrap();
    Run::of(vec![Suite::load("suite.yaml", folder.path()).unwrap()])
}

fn analysis() -> (Run, Analysis) {
    let dir = tempfile::tempdir().unwrap();
    let run = run();
    run.write(dir.path());
    let (_, analysis) = analysed(dir.path());
    (run, analysis)
}

fn estimate<'a>(pass: &'a Pass, metric: &str) -> &'a rightsize_reports::analysis::Estimate {
    let mut all = pass.others.iter().chain([&pass.primary]);
    all.find(|estimate| estimate.metric == metric).unwrap()
}

#[test]
fn every_axis_has_its_table() {
    let (run, analysis) = analysis();
    assert_eq!(analysis.results.suites[0].axes, ["queue", "urgency", "topics"]);
    assert_eq!(analysis.results.suites[0].primary, "accuracy (queue)");
    for cell in &analysis.results.cells {
        let pass = cell.quality().unwrap();
        assert_eq!(pass.confusion, None);
        let n = pass.counts.units as f64;
        for tables in &pass.axes[..2] {
            let matrix = tables.confusion.as_ref().unwrap();
            let all: u64 = matrix.counts.iter().flatten().sum();
            assert_eq!(all, pass.counts.units);
            let right: u64 = (0..3).map(|i| matrix.counts[i][i]).sum();
            let accuracy = estimate(pass, &format!("accuracy.{}", tables.axis)).value.unwrap();
            assert!((right as f64 / n - accuracy).abs() < 1e-12);
        }
        let topics = &pass.axes[2];
        assert_eq!((topics.axis.as_str(), &topics.confusion), ("topics", &None));
        let [right, expected, predicted] = [
            topics.labels.iter().map(|row| row.right).sum::<u64>() as f64,
            topics.labels.iter().map(|row| row.expected).sum::<u64>() as f64,
            topics.labels.iter().map(|row| row.predicted).sum::<u64>() as f64,
        ];
        let wanted =
            run.records.iter().filter(|r| r.model == cell.model && r.scenario == pass.scenario);
        let wanted = wanted.map(|r| r.expected["topics"].as_array().unwrap().len()).sum::<usize>();
        assert_eq!(expected, wanted as f64);
        let micro = estimate(pass, "micro_f1.topics").value.unwrap();
        assert!((2.0 * right / (expected + predicted) - micro).abs() < 1e-12);
    }
}

#[test]
fn a_mean_over_axes_is_no_proportion_and_errors_have_bounds_on_each_axis() {
    let (run, analysis) = analysis();
    for cell in &analysis.results.cells {
        let pass = cell.quality().unwrap();
        let method = |metric| estimate(pass, metric).interval.as_ref().map(|i| i.method.clone());
        assert_eq!(method("exact_match").unwrap(), "Wilson", "{}", cell.model);
        assert_eq!(method("accuracy.urgency").unwrap(), "Wilson", "{}", cell.model);
        assert_eq!(method("accuracy").unwrap(), "bootstrap", "{}", cell.model);
        let errors = run.records.iter().filter(|r| {
            r.model == cell.model && r.scenario == pass.scenario && r.outcome == Outcome::Error
        });
        let share = errors.count() as f64 / pass.counts.units as f64;
        for metric in ["accuracy", "exact_match", "accuracy.queue", "subset_accuracy.topics"] {
            let Some(bounds) = estimate(pass, metric).bounds else {
                assert_eq!(share, 0.0);
                continue;
            };
            assert!((bounds.best - bounds.worst - share).abs() < 1e-9, "{metric}");
        }
        for estimate in pass.others.iter().chain([&pass.primary]) {
            let bounds = estimate.bounds.map_or(0.0, |bounds| bounds.best);
            assert!((0.0..=1.0).contains(&bounds), "{}", estimate.metric);
        }
    }
}

#[test]
fn a_shared_report_names_no_axis_and_no_label() {
    let dir = tempfile::tempdir().unwrap();
    run().write(dir.path());
    let (html, _) = rendered(dir.path(), Options::default());
    let secret =
        ["queue", "urgency", "topics", "billing-q", "high-u", "refund", "invoice", "ticket 1"];
    for word in &secret[..7] {
        assert!(html.contains(word), "{word}");
    }
    let terms = html.split("data-term=\"").skip(1).map(|part| part.split_once('"').unwrap().0);
    terms.for_each(|term| assert!(glossary::explain(term).is_some(), "{term}"));

    let (shared, _) = rendered(dir.path(), Options { share: true, ..Options::default() });
    for word in secret {
        assert!(!inflated(&shared).contains(word), "{word}");
    }
    // The words of the page itself may say `queue`; names of labels stand nowhere.
    for word in ["accuracy (queue)", "billing-q", "high-u", "refund", "ticket 1"] {
        assert!(!shared.contains(word), "{word}");
    }
    for kept in ["accuracy (axis 1)", "axis 2", "axis 3", "label 3"] {
        assert!(shared.contains(kept), "{kept}");
    }
}
