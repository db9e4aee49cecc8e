//! What the analysis computes, against values counted by hand from the same records.

use std::path::Path;

use rightsize_reports::analysis::{Analysis, analyse};
use rightsize_reports::folder::RunFolder;
use rightsize_reports::run::{Outcome, Scenario, files};
use rightsize_suites::Task;
use rightsize_suites::tasks::extraction::{Column, Compare, Field, Items, Shape};
use serde_json::json;

use crate::fixture::{Run, write_lines};

pub fn analysed(dir: &Path) -> (RunFolder, Analysis) {
    let folder = RunFolder::open(dir).unwrap();
    let analysis = analyse(&folder).unwrap();
    (folder, analysis)
}

fn demo() -> (tempfile::TempDir, Run, Analysis) {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let (_, analysis) = analysed(dir.path());
    (dir, run, analysis)
}

#[test]
fn counts_and_accuracy_are_those_of_the_records() {
    let (_dir, run, analysis) = demo();
    for cell in &analysis.results.cells {
        let records: Vec<_> = run
            .records
            .iter()
            .filter(|r| {
                r.suite == cell.suite && r.model == cell.model && r.scenario == Scenario::Batch
            })
            .collect();
        let pass = cell.quality().unwrap();
        assert_eq!(pass.scenario, Scenario::Batch);
        assert_eq!(pass.counts.units, records.len() as u64);
        let errors = records.iter().filter(|r| r.outcome == Outcome::Error).count() as u64;
        assert_eq!(pass.counts.errors, errors);
        if pass.primary.metric == "accuracy" {
            let right: f64 = records.iter().filter_map(|r| r.score).sum();
            let accuracy = right / records.len() as f64;
            assert!((pass.primary.value.unwrap() - accuracy).abs() < 1e-12);
            let interval = pass.primary.interval.as_ref().unwrap();
            assert_eq!(interval.method, "Wilson");
            assert!(interval.lower <= accuracy && accuracy <= interval.upper);
            let matrix = pass.confusion.as_ref().unwrap();
            let all: u64 = matrix.counts.iter().flatten().sum();
            let diagonal: u64 = (0..matrix.labels.len()).map(|i| matrix.counts[i][i]).sum();
            assert_eq!(diagonal, right as u64);
            assert!(all <= records.len() as u64);
        }
    }
}

#[test]
fn errors_have_bounds_and_few_answers_are_not_measured() {
    let (_dir, _run, analysis) = demo();
    for cell in &analysis.results.cells {
        let pass = cell.quality().unwrap();
        assert_eq!(
            cell.measured,
            pass.counts.answered() as f64 >= 0.95 * pass.counts.units as f64,
            "{}",
            cell.model
        );
        assert_eq!(pass.primary.bounds.is_some(), pass.counts.errors > 0);
        if let (Some(bounds), "accuracy") = (pass.primary.bounds, pass.primary.metric.as_str()) {
            let share = pass.counts.errors as f64 / pass.counts.units as f64;
            assert!((bounds.best - bounds.worst - share).abs() < 1e-9);
        }
    }
    let broken = analysis.results.cell("kb-faq", "vendor-preview").unwrap();
    assert!(!broken.measured);
    assert!(broken.why_not.as_ref().unwrap().contains("fewer than 95 %"));
}

#[test]
fn latency_is_single_stream_for_local_entries_and_labelled_for_remote_ones() {
    let (_dir, _run, analysis) = demo();
    let local = analysis.results.cell("kb-faq", "specialist-5m").unwrap().timed().unwrap();
    assert_eq!(local.latency.label, "single-stream");
    assert_eq!(local.latency.end_to_end.n, 30);
    assert!(local.latency.end_to_end.p95.value.is_some());
    assert_eq!(local.latency.end_to_end.p99.value, None);
    let why = local.latency.end_to_end.p99.why.as_deref().unwrap();
    assert_eq!(why, "p99 needs 100 answers, there are 30");
    let remote = analysis.results.cell("kb-faq", "gateway-large").unwrap().timed().unwrap();
    assert_eq!(remote.latency.label, "batch, 8 in flight");
    let whole = analysis.results.cell("kb-faq", "vendor-preview").unwrap().timed().unwrap();
    assert!(whole.latency.ttft.p50.why.as_ref().unwrap().contains("not streamed"));
}

#[test]
fn slices_add_up_and_identifiers_are_no_slices() {
    let (_dir, _run, analysis) = demo();
    let cell = analysis.results.cell("support-triage", "specialist-5m").unwrap();
    let pass = cell.quality().unwrap();
    let origin = pass.slices.iter().find(|s| s.tag == "origin").unwrap();
    let sum: u64 = origin.values.iter().map(|v| v.counts.units).sum();
    assert_eq!(sum, pass.counts.units);
    let family = pass.slices.iter().find(|s| s.tag == "family").unwrap();
    assert!(family.values.is_empty() && family.distinct > 12);
}

/// The property that makes shards possible: results depend on the set of records alone.
#[test]
fn results_do_not_depend_on_order_sessions_or_shards() {
    let (dir, run, analysis) = demo();
    let one = serde_json::to_string(&analysis.results).unwrap();
    let mut records = run.records.clone();
    records.reverse();
    let half = records.len() / 2;
    records.rotate_left(half / 3);
    for (number, record) in records.iter_mut().enumerate() {
        record.session = 1 + (number % 4) as u32;
    }
    write_lines(&dir.path().join(files::RECORDS), &records);
    std::fs::remove_file(dir.path().join(files::SESSIONS)).unwrap();
    let (_, merged) = analysed(dir.path());
    assert_eq!(serde_json::to_string(&merged.results).unwrap(), one);
}

#[test]
fn an_empty_run_has_an_analysis() {
    let (dir, _run, _) = demo();
    std::fs::remove_file(dir.path().join(files::RECORDS)).unwrap();
    let (_, empty) = analysed(dir.path());
    assert!(empty.results.cells.iter().all(|cell| !cell.measured && cell.passes.is_empty()));
    assert_eq!(empty.results.units_recorded, 0);
}

#[test]
fn repeats_of_a_sample_are_resampled_together() {
    let (dir, run, _) = demo();
    let mut records = run.records.clone();
    let again: Vec<_> = records
        .iter()
        .filter(|r| r.suite == "support-triage" && r.scenario == Scenario::Batch)
        .map(|r| {
            let mut again = r.clone();
            again.repeat = 1;
            again.unit = crate::fixture::hex(&format!("{}/1", r.unit));
            again
        })
        .collect();
    records.extend(again);
    write_lines(&dir.path().join(files::RECORDS), &records);
    let (_, twice) = analysed(dir.path());
    let cell = twice.results.cell("support-triage", "specialist-1m").unwrap();
    let pass = cell.quality().unwrap();
    assert_eq!((pass.counts.units, pass.counts.samples), (240, 120));
    assert_eq!(pass.counts.n(), "120 × 2");
    assert_eq!(pass.primary.interval.as_ref().unwrap().method, "bootstrap");
}

/// The third repeat of every sample is wrong: with pass^2 of three, two right ones pass in one of
/// three draws.
#[test]
fn reduced_repeats_keep_the_number_of_samples() {
    let (dir, run, once) = demo();
    let chosen: Vec<_> = run
        .records
        .iter()
        .filter(|r| r.suite == "support-triage" && r.scenario == Scenario::Batch)
        .collect();
    let mut records = Vec::new();
    for record in &chosen {
        for repeat in 0..3 {
            let mut again = (*record).clone();
            again.repeat = repeat;
            again.unit = crate::fixture::hex(&format!("{}/{repeat}", record.unit));
            if repeat == 2 {
                again.outcome = Outcome::Unparsed;
                again.readings.clear();
                again.score = Some(0.0);
                again.parts.insert("correct".into(), 0.0);
            }
            records.push(again);
        }
    }
    write_lines(&dir.path().join(files::RECORDS), &records);
    let path = dir.path().join("suites/support-triage").join(files::SUITE_FACTS);
    let facts = std::fs::read_to_string(&path).unwrap();
    let value = |reduce: &str| {
        let mut facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
        facts["reduce"] = reduce.into();
        std::fs::write(&path, facts.to_string()).unwrap();
        let (_, analysis) = analysed(dir.path());
        let pass =
            analysis.results.cell("support-triage", "specialist-5m").unwrap().passes[0].clone();
        assert_eq!((pass.counts.units, pass.counts.samples), (360, 120));
        assert_eq!(analysis.results.suites[0].primary, pass.primary.title);
        pass.primary
    };
    let of_once = once.results.cell("support-triage", "specialist-5m").unwrap().quality().unwrap();
    let accuracy = of_once.primary.value.unwrap();
    let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-12, "{got} {wanted}");
    near(value("mean").value.unwrap(), accuracy * 2.0 / 3.0);
    near(value("pass@2").value.unwrap(), accuracy);
    near(value("pass^2").value.unwrap(), accuracy / 3.0);
    let majority = value("majority");
    near(majority.value.unwrap(), accuracy);
    assert_eq!(majority.title, "accuracy (majority)");
    // One verdict a sample: the interval is that of so many samples, whatever the repeats.
    assert_eq!(majority.interval, of_once.primary.interval);
    assert_eq!(value("pass^2").interval.unwrap().method, "bootstrap");
}

#[test]
fn the_json_schema_is_the_published_one() {
    let schema = schemars::schema_for!(Analysis);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis.schema.json");
    if std::env::var_os("RIGHTSIZE_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == text,
        "reports/analysis.schema.json is not that of Analysis: run this test with \
         RIGHTSIZE_WRITE_SCHEMA=1 and look at the difference"
    );
}

#[test]
fn json_can_be_read_again() {
    let (_dir, _run, analysis) = demo();
    let text = serde_json::to_string(&analysis).unwrap();
    let read: Analysis = serde_json::from_str(&text).unwrap();
    assert_eq!(read.results.cells.len(), 15);
    assert_eq!(read.setting.sessions, analysis.setting.sessions);
}

/// Two of three prices in every list are right, and one is wrong.
#[test]
fn cells_of_lists_are_counted_by_column() {
    let mut run = Run::demo();
    let invoices = run.suites.iter_mut().find(|s| s.name == "invoice-extraction").unwrap();
    let Task::Extraction(task) = &mut invoices.task else { panic!("an extraction") };
    let column = |name: &str| Column { name: name.to_owned(), compare: Compare::Exact };
    task.fields.push(Field {
        name: "items".to_owned(),
        expected: "items".to_owned(),
        shape: Shape::List(Items::Rows(vec![column("name"), column("price")])),
        pattern: None,
    });
    let records = run.records.iter_mut().filter(|r| r.suite == "invoice-extraction");
    for record in records {
        let detail = json!({"invoice_number": "exact", "items.name": {"exact": 3}, "items.price": {"exact": 2, "wrong": 1}});
        record.detail = detail;
        let counts = [
            ("tp:items.name", 3.0),
            ("tp:items.price", 2.0),
            ("fp:items.price", 1.0),
            ("fn:items.price", 1.0),
        ];
        record.parts.extend(counts.map(|(name, count)| (name.to_owned(), count)));
    }
    let dir = tempfile::tempdir().unwrap();
    run.write(dir.path());
    let (_, analysis) = analysed(dir.path());
    let pass =
        analysis.results.cell("invoice-extraction", "specialist-5m").unwrap().quality().unwrap();
    let row = |name: &str| pass.fields.iter().find(|row| row.field == name).unwrap();
    let price = row("items.price");
    assert_eq!((price.exact, price.wrong), (2 * pass.counts.units, pass.counts.units));
    assert_eq!((price.precision, price.recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    assert_eq!((row("items.name").exact, row("items.name").f1), (3 * pass.counts.units, Some(1.0)));
    assert_eq!(row("invoice_number").exact, pass.counts.units);
    assert!(pass.fields.iter().all(|row| row.field != "items"));
}
