use std::collections::BTreeSet;

use rightsize_providers::{AskKind, Message, Prompt};

use crate::{Kept, Samples, Suite};

fn load(data: &str, prompt: &str) -> Suite {
    let dir = tempfile::tempdir().unwrap();
    let rows = |from: usize, n: usize| {
        let row = |i| format!("r{i},text {i},{}\n", if i % 2 == 0 { "red" } else { "green" });
        "id,text,colour\n".to_owned() + &(from..from + n).map(row).collect::<String>()
    };
    for (name, from, n) in [("test.csv", 0, 4), ("dev.csv", 10, 4), ("train.csv", 0, 700)] {
        std::fs::write(dir.path().join(name), rows(from, n)).unwrap();
    }
    let yaml = format!(
        "name: s\ntask: classification\ndata: {data}\n\
         labels: {{colour: {{values: [red, green]}}}}\nprompt: {prompt}\n"
    );
    std::fs::write(dir.path().join("s.yaml"), yaml).unwrap();
    Suite::load("s.yaml", dir.path()).unwrap()
}

/// The messages of the first sample: who speaks, and what.
fn said(suite: &Suite, variant: &str) -> Vec<String> {
    let ask = suite.ask_in(variant, &suite.samples.get(0).unwrap(), 0).unwrap();
    let AskKind::Generate(generate) = ask.kind else { panic!("suites generate") };
    let Prompt::Messages(messages) = generate.prompt else { panic!("suites speak") };
    let line = |Message { role, content }: Message| format!("{}: {content}", role.as_str());
    messages.into_iter().map(line).collect()
}

const TEST: &str = "{test: test.csv, id: id}";

#[test]
fn a_variant_takes_from_the_prompt_what_it_does_not_set() {
    let suite = load(
        TEST,
        "{system: S, user: 'U {{ text }}', variants: {terse: {system: T}, bare: {system: ''}, \
         asked: {user: 'A {{ text }}'}, turns: {messages: [{role: user, content: 'M {{ text }}'}]}}}",
    );
    assert_eq!(
        suite.variants().collect::<Vec<_>>(),
        ["default", "terse", "bare", "asked", "turns"],
        "the suite's own prompt, then the order of the file"
    );
    assert_eq!(said(&suite, "default"), ["system: S", "user: U text 0"]);
    assert_eq!(said(&suite, "terse"), ["system: T", "user: U text 0"]);
    assert_eq!(said(&suite, "bare"), ["user: U text 0"]);
    assert_eq!(said(&suite, "asked"), ["system: S", "user: A text 0"]);
    assert_eq!(said(&suite, "turns"), ["user: M text 0"], "turns stand in the place of both");
    assert!(suite.ask_in("absent", &suite.samples.get(0).unwrap(), 0).is_err());
}

#[test]
fn examples_are_inherited_and_asked_in_the_variants_own_words() {
    let suite = load(
        "{test: test.csv, train: train.csv, dev: dev.csv, id: id}",
        "{user: 'U {{ text }}', few_shot: [r20], variants: {asked: {user: 'A {{ text }}'}, \
         other: {few_shot: [r21]}, none: {few_shot: []}}}",
    );
    let shown = |variant| said(&suite, variant).join(" / ");
    assert_eq!(shown("default"), "user: U text 20 / assistant: red / user: U text 0");
    assert_eq!(shown("asked"), "user: A text 20 / assistant: red / user: A text 0");
    assert_eq!(shown("other"), "user: U text 21 / assistant: green / user: U text 0");
    assert_eq!(shown("none"), "user: U text 0");
    // Rows 10 to 13 are dev, rows 0 to 3 are test, and all of them stand in train.
    let warned = |text: &str| suite.warnings.iter().any(|w| w.contains(text));
    assert!(warned("4 of 4 test rows stand in train") && warned("4 of 4 dev rows stand in train"));
}

#[test]
fn a_part_of_train_is_set_aside_where_there_is_no_dev_split() {
    let data = "{test: test.csv, train: train.csv, id: id}";
    let prompt = "{user: '{{ text }}', few_shot: [r20, r21], variants: {a: {system: A}}}";
    let suite = load(data, prompt);
    let ids = |rows: &Samples| rows.iter().map(|s| s.row["id"].to_string()).collect();
    let (dev, train): (BTreeSet<String>, BTreeSet<String>) = (ids(&suite.dev), ids(&suite.train));
    assert_eq!((dev.len(), train.len()), (100, 600), "a fifth, at most a hundred");
    assert!(dev.is_disjoint(&train) && dev.is_disjoint(&ids(&suite.samples)));
    assert!(["\"r20\"", "\"r21\""].iter().all(|shown| train.contains(*shown)));
    assert!(suite.warnings.iter().any(|w| w.contains("100 of 700 rows")), "{:?}", suite.warnings);
    assert_eq!(ids(&load(data, prompt).dev), dev, "the draw is seeded");
    // Without variants nothing is to be chosen.
    assert_eq!(load(data, "{user: '{{ text }}'}").train.len(), 700);

    let rows = |rows: &Samples| rows.iter().map(|s| s.row).collect::<Vec<_>>();
    let kept = Kept::new(rows(&suite.samples)).unwrap();
    let kept = kept.train(rows(&suite.train)).unwrap().dev(rows(&suite.dev)).unwrap();
    let again = Suite::from_run_folder(&suite.yaml, "s.yaml", kept).unwrap();
    assert_eq!(again.sha256, suite.sha256);
    // A run that goes on finds its units again by the ids.
    let named = |rows: &Samples| rows.iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(named(&again.dev), named(&suite.dev));
    assert_eq!((ids(&again.dev), again.train.len()), (dev, 600));
}
