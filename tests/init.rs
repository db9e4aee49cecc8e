//! From a user's own file to a suite and a bake-off that run as they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use support::{assert_exit, output, records, rightsize, shared, stderr, stdout, write};

/// Proposes without a question, and gives what was printed and the text of the suite.
fn init(file: &Path, out: &Path, more: &[&str]) -> (String, String) {
    let mut command = rightsize();
    command.arg("init").arg(file).args(["--yes", "--out"]).arg(out).args(more);
    let done = command.output().unwrap();
    assert_exit(&done, 0);
    let yaml = std::fs::read_to_string(out.join("suite.yaml")).unwrap();
    (stdout(&done) + &stderr(&done), yaml)
}

/// What went wrong, without the lines and marks of a message that is wrapped.
fn message(done: &std::process::Output) -> String {
    let text = stderr(done).replace(['│', '×'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks what was written and runs its baselines on twenty samples.
fn check_and_run(out: &Path) -> Vec<serde_json::Value> {
    for file in ["suite.yaml", "bakeoff.yaml"] {
        assert_exit(&output(&["check", out.join(file).to_str().unwrap()]), 0);
    }
    // The run itself needs no engine: the model of the bake-off is taken out.
    let bakeoff = std::fs::read_to_string(out.join("bakeoff.yaml")).unwrap();
    let baselines = bakeoff.replace("models:\n", "models: []\n").replace("  - specialist-5m\n", "");
    write(&out.join("baselines.yaml"), &baselines);
    let mut command = rightsize();
    command.arg("run").arg(out.join("baselines.yaml")).args(["--limit", "20", "--out"]);
    let done = command.arg(out.join("run")).output().unwrap();
    assert_exit(&done, 0);
    let records = records(&out.join("run"));
    assert!(!records.is_empty());
    assert!(records.iter().all(|r| r["outcome"] == "scored" || r["outcome"] == "unparsed"));
    records
}

/// What is proposed for public data: the task, and parts of the suite.
#[test]
fn public_data() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("banking77/test.csv", "classification", &["expected: category", "train: ", "{{ text }}"]),
        ("support_tickets_insurance/test.tsv", "classification", &["expected: label", "train.tsv"]),
        ("support_tickets_insurance/dataset.csv", "classification", &["expected: label"]),
        (
            "covid_faq/eval_question_similarity_en.csv",
            "classification",
            &["expected: similar", "- \"0\"   # 244 rows", "{{ question_1 }}", "{{ question_2 }}"],
        ),
        ("covid_faq/faq_covidbert.csv", "faq", &["expected: answer ", "{{ question }}"]),
        ("rag_anthropic_docs/end_to_end_dataset.csv", "faq", &["expected: correct_answer"]),
        ("rag_anthropic_docs/docs_evaluation_dataset.json", "faq", &["id: id", "{{ question }}"]),
        ("squad2_dev/dev-v2.0.json", "faq", &["id: id", "{{ context }}", "abstentions: "]),
        ("gsm8k/test.jsonl", "reasoning", &["expected: answer ", "#### 42"]),
        ("scitldr/test.jsonl", "summarization", &["id: paper_id", "{{ source | join(' ') }}"]),
        (
            "pii_presidio_synth/generated_small.json",
            "pii",
            &["text: full_text", "expected: spans", "cluster: template_id", "PERSON"],
        ),
        ("pii_presidio_synth/mock_input_samples.json", "pii", &["types: [city, name]"]),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (file, task, parts) in cases {
        let Some(path) = shared(&format!("datasets/{file}")) else { continue };
        let out = dir.path().join(file.replace(['/', '.'], "-"));
        let (shown, yaml) = init(&path, &out, &[]);
        assert!(yaml.contains(&format!("task: {task}\n")), "{file}: {yaml}");
        for part in parts {
            assert!(yaml.contains(part), "{file}: {part} is not in\n{yaml}");
        }
        if file.starts_with("banking77") {
            // To fit ten thousand rows takes minutes without the optimizer.
            let path = out.join("bakeoff.yaml");
            let all = std::fs::read_to_string(&path).unwrap();
            assert!(all.contains("baselines: [majority, nearest, linear]"), "{all}");
            write(&path, &all.replace("majority, nearest, linear", "majority"));
        }
        check_and_run(&out);
        println!("{file}\n{shown}");
    }
}

/// What cannot be read off the columns is refused, with a remedy.
#[test]
fn public_data_that_say_too_little() {
    for (file, says) in [
        ("humaneval/HumanEval.jsonl.gz", "programming"),
        ("json_mode/json_mode_dataset.jsonl", "--expected COLUMN"),
        ("rag_anthropic_docs/anthropic_docs.json", "--expected COLUMN"),
        ("restaurant8k/test.json", "--expected COLUMN"),
    ] {
        let Some(path) = shared(&format!("datasets/{file}")) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let mut command = rightsize();
        command.arg("init").arg(path).arg("--yes").arg("--out").arg(dir.path().join("out"));
        let done = command.output().unwrap();
        assert_exit(&done, 2);
        assert!(message(&done).contains(says), "{file}: {}", stderr(&done));
        assert!(!dir.path().join("out").exists());
    }
}

fn tickets(rows: usize) -> String {
    let row = |i: usize| match i % 3 {
        0 => format!("{i},\"My password, number {i}, is rejected\",login\n"),
        _ => format!("{i},I was charged the invoice {i} twice,billing\n"),
    };
    "Ticket ID,Message text,Queue\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

#[test]
fn tickets_are_split_and_baselines_learn_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tickets.csv");
    write(&file, &tickets(60));
    let out = dir.path().join("out");
    let (shown, yaml) = init(&file, &out, &[]);
    for part in ["42 test, 18 train, written", "billing (40), login (20)", "Ticket ID"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(yaml.contains("{{ Message_text }}") && yaml.contains("id: Ticket ID"), "{yaml}");
    let records = check_and_run(&out);
    let right = |method: &str| {
        let of: Vec<_> = records.iter().filter(|r| r["model"] == method).collect();
        (of.iter().filter(|r| r["score"] == 1.0).count(), of.len())
    };
    assert_eq!((right("linear"), right("nearest")), ((20, 20), (20, 20)));
    assert_eq!(right("oracle"), (0, 0), "methods that learn are there");
}

#[test]
fn nothing_is_overwritten_unless_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("tickets.csv"), &tickets(30));
    let run = |more: &[&str]| {
        let mut command = rightsize();
        command.current_dir(dir.path()).args(["init", "tickets.csv", "--test-share", "1"]);
        command.args(more).output().unwrap()
    };
    assert_exit(&run(&[]), 0);
    let yaml = std::fs::read_to_string(dir.path().join("tickets/suite.yaml")).unwrap();
    assert!(yaml.starts_with("# Proposed by"), "{yaml}");
    assert_exit(&run(&[]), 2);
    assert!(message(&run(&[])).contains("--force"));
    assert_exit(&run(&["--force"]), 0);
    // All rows are asked; they are written because of the name of a column.
    let rows = std::fs::read_to_string(dir.path().join("tickets/test.jsonl")).unwrap();
    assert_eq!(rows.lines().count(), 30);
    assert!(!dir.path().join("tickets/train.jsonl").exists());
}

#[test]
fn wishes_and_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tickets.csv");
    write(&file, &tickets(30));
    let file = file.to_str().unwrap();
    for (args, says) in [
        (vec!["--expected", "Queu"], "did you mean `Queue`?"),
        (vec!["--kind", "sorting"], "there are `classification`"),
        (vec!["--kind", "pii"], "no column looks like what a pii expects"),
        (vec!["--test-share", "0"], "is no share"),
    ] {
        let done = output(&[&["init", file, "--yes"], args.as_slice()].concat());
        assert_exit(&done, 2);
        assert!(message(&done).contains(says), "{args:?}: {}", stderr(&done));
    }
    let done = output(&["init", "nowhere.csv"]);
    assert_exit(&done, 2);
    assert!(message(&done).contains("there is no such file"), "{}", stderr(&done));
    let done = output(&["init", dir.path().to_str().unwrap(), "--kind", "faq"]);
    assert_exit(&done, 2);
    assert!(message(&done).contains("is no data file"), "{}", stderr(&done));
}

#[test]
fn check_says_what_a_margin_and_a_level_demand() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tickets.csv");
    write(&file, &tickets(300));
    let out = dir.path().join("out");
    init(&file, &out, &["--test-share", "1"]);
    let shown = stdout(&output(&["check", out.join("suite.yaml").to_str().unwrap()]));
    let shown = shown.replace('\u{202f}', " ");
    assert!(shown.contains("of at least 95 % with 293 correct or more"), "{shown}");
    assert!(shown.contains("300 samples support a margin of 4.6 points or more"), "{shown}");
}
