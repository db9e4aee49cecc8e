//! Memory of the writer: texts pass through, they are not held.

use std::fs;
use std::io::{BufWriter, Write};

use rightsize_reports::html::{Embed, Options, write};
use rightsize_reports::run::files;

use crate::analysis::analysed;
use crate::fixture::{Run, hex};

fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// 64 MB of answers, all embedded: the peak stays far below them.
#[test]
fn all_texts_pass_through_a_small_memory() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let file = fs::File::create(dir.path().join(files::RECORDS)).unwrap();
    let mut file = BufWriter::new(file);
    let mut written = 0usize;
    for mut record in run.records {
        if let Some(response) = &mut record.response {
            response.text = format!("{:x} ", written).repeat(8_000);
        }
        let line = serde_json::to_string(&record).unwrap();
        written += line.len();
        writeln!(file, "{line}").unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    assert!(written > 60_000_000, "{written}");

    // Starts the high-water mark again; where that is not allowed there is nothing to compare.
    if fs::write("/proc/self/clear_refs", "5").is_err() {
        eprintln!("skipped: the high-water mark of memory cannot be reset here");
        return;
    }
    let Some(before) = status("VmRSS:") else {
        eprintln!("skipped: this system does not say how much memory is used");
        return;
    };
    let (folder, analysis) = analysed(dir.path());
    let options = Options { share: false, embed: Embed::All };
    write(&folder, &analysis, &options, &mut std::io::sink()).unwrap();
    let grown = status("VmHWM:").unwrap().saturating_sub(before);
    assert!(grown < 24_000, "{grown} KiB for {written} bytes of records");
}

/// Many units with short answers: what is kept of each is small, and so is what the analysis adds.
#[test]
fn a_unit_takes_a_few_hundred_bytes() {
    const UNITS: usize = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let mut run = Run::demo();
    let first = run.records.iter().find(|r| r.suite == "support-triage").unwrap().clone();
    run.records = Vec::new();
    run.write(dir.path());
    let file = fs::File::create(dir.path().join(files::RECORDS)).unwrap();
    let mut file = BufWriter::new(file);
    for i in 0..UNITS {
        let mut record = first.clone();
        (record.sample, record.unit) = (format!("s{i:07}"), hex(&i.to_string()));
        record.prompt_sha256 = hex(&format!("prompt {i}"));
        writeln!(file, "{}", serde_json::to_string(&record).unwrap()).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();

    if fs::write("/proc/self/clear_refs", "5").is_err() {
        eprintln!("skipped: the high-water mark of memory cannot be reset here");
        return;
    }
    let Some(before) = status("VmRSS:") else {
        eprintln!("skipped: this system does not say how much memory is used");
        return;
    };
    let (folder, analysis) = analysed(dir.path());
    assert_eq!(folder.rows().len(), UNITS);
    assert_eq!(analysis.results.units_recorded, UNITS as u64);
    let grown = status("VmHWM:").unwrap().saturating_sub(before);
    let most = UNITS as u64 * 300 / 1024 + 2_000;
    assert!(grown < most, "{grown} KiB for {UNITS} units");
}
