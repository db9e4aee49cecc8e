//! The test data of the shipped suites: generated rows, then the hand-written ones.

use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::prompt::{Error, Task};
use crate::text::Writer;
use crate::text::values::Split;

/// Generated rows of each suite.
pub const GENERATED: usize = 120;
/// Of the generated test rows.
pub const SEED: u64 = 7;
/// Rows of the train split of the classification suite, for baselines to learn from.
const LABELLED: usize = 350;
/// Of the train rows.
const TRAIN_SEED: u64 = 11;

/// The hand-written rows of a suite, without id, origin and family.
pub fn hand_written(task: Task) -> &'static str {
    match task {
        Task::Triage => include_str!("../data/hand_written/support-triage.jsonl"),
        Task::Invoice => include_str!("../data/hand_written/invoice-extraction.jsonl"),
        Task::Faq => include_str!("../data/hand_written/kb-faq.jsonl"),
    }
}

/// All test rows of a suite.
pub fn rows(task: Task) -> Result<Vec<Map<String, Value>>, Error> {
    let writer = Writer::new();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let prefix = match task {
        Task::Triage => "ticket",
        Task::Invoice => "invoice",
        Task::Faq => "faq",
    };
    let mut rows = Vec::new();
    for i in 1..=GENERATED {
        let sample = writer.sample(task, Split::Test, &mut rng);
        rows.push(labelled(format!("{prefix}-g{i:03}"), "generated", &sample.family, sample.row));
    }
    for (i, line) in hand_written(task).lines().enumerate() {
        let row: Map<String, Value> = serde_json::from_str(line)?;
        rows.push(labelled(format!("{prefix}-h{:03}", i + 1), "hand_written", "hand", row));
    }
    Ok(rows)
}

fn labelled(id: String, origin: &str, family: &str, row: Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(id));
    all.extend(row);
    all.insert("origin".to_owned(), json!(origin));
    all.insert("family".to_owned(), json!(family));
    all
}

/// The train split of a suite, where it has one: what somebody has who labelled a few hundred rows.
fn train_rows(task: Task) -> Option<Vec<Map<String, Value>>> {
    if task != Task::Triage {
        return None;
    }
    let writer = Writer::new();
    let mut rng = ChaCha8Rng::seed_from_u64(TRAIN_SEED);
    let row = |_| writer.sample(task, Split::Train, &mut rng).row;
    Some((0..LABELLED).map(row).collect())
}

/// Writes `test.jsonl` of all suites, and `train.jsonl` of those that have one, below the catalog's folder.
pub fn write(catalog: &Path) -> Result<(), Error> {
    for task in Task::ALL {
        let folder = catalog.join(task.name());
        write_rows(&folder.join(TEST), &rows(task)?)?;
        if let Some(rows) = train_rows(task) {
            write_rows(&folder.join(TRAIN), &rows)?;
        }
    }
    Ok(())
}

/// Files of a suite.
const TEST: &str = "test.jsonl";
const TRAIN: &str = "train.jsonl";

fn write_rows(path: &Path, rows: &[Map<String, Value>]) -> Result<(), Error> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row)?);
        text.push('\n');
    }
    Ok(fs::write(path, text)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_files_in_the_catalog_are_what_the_generator_writes() {
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../suites/catalog");
        let out = tempfile::tempdir().unwrap();
        for task in Task::ALL {
            fs::create_dir(out.path().join(task.name())).unwrap();
        }
        write(out.path()).unwrap();
        for task in Task::ALL {
            for file in [TEST, TRAIN] {
                let read = |folder: &Path| fs::read_to_string(folder.join(task.name()).join(file));
                let (new, old) = (read(out.path()).ok(), read(&catalog).ok());
                assert!(new == old, "{}: run `data` again", task.name());
            }
        }
    }

    #[test]
    fn suites_have_enough_rows_of_both_origins_and_no_row_twice() {
        for task in Task::ALL {
            let rows = rows(task).unwrap();
            let of = |origin| rows.iter().filter(|r| r["origin"] == origin).count();
            assert!(of("generated") >= 100 && of("hand_written") >= 30, "{}", task.name());
            let content = |row: &Map<String, Value>| {
                let mut row = row.clone();
                ["id", "family", "origin"].iter().for_each(|k| drop(row.remove(*k)));
                Value::Object(row).to_string()
            };
            let different: BTreeSet<String> = rows.iter().map(content).collect();
            assert_eq!(different.len(), rows.len(), "{}", task.name());
        }
    }

    #[test]
    fn hand_written_answers_stand_in_their_text() {
        for row in rows(Task::Faq).unwrap().iter().filter(|r| r["origin"] == "hand_written") {
            let context = row["context"].as_str().unwrap();
            let first = row["answer"].as_str().or_else(|| row["answer"][0].as_str()).unwrap();
            assert!(context.contains(first), "{row:?}");
        }
        for row in rows(Task::Invoice).unwrap().iter().filter(|r| r["origin"] == "hand_written") {
            for field in ["invoice_number", "vendor"] {
                let text = row["text"].as_str().unwrap();
                assert!(text.contains(row[field].as_str().unwrap()), "{row:?}");
            }
        }
        let labels = |row: &Map<String, Value>| row["category"].as_str().unwrap().to_owned();
        let seen: BTreeSet<String> = rows(Task::Triage).unwrap().iter().map(labels).collect();
        assert_eq!(seen, crate::text::triage::LABELS.map(str::to_owned).into_iter().collect());
    }
}
