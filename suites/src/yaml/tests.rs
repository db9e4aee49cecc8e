use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    inner: BTreeMap<String, Inner>,
    #[serde(default)]
    items: Vec<Inner>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Inner {
    size: f64,
    format: Format,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Text,
    Json,
}

fn problems(text: &str) -> String {
    match read::<File>(
        "f.yaml",
        text,
        &[("budget", "set a limit elsewhere"), ("items.*.lora", "merge it")],
    ) {
        Ok(file) => format!("{file:?}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_good_file_is_read() {
    let file: File = read("f.yaml", "\u{feff}name: x\nitems: [{size: 1}]\n", &[]).unwrap();
    assert_eq!((file.name.as_str(), file.items[0].size), ("x", 1.0));
}

#[test]
fn all_unknown_keys_at_once_with_their_places() {
    assert_eq!(
        problems("name: x\ncuont: 3\nitems:\n  - size: 1\n  - {sise: 2}\n"),
        "f.yaml:2:1: unknown key `cuont`\n  help: did you mean `count`?\n\
         f.yaml:5:6: unknown key `items.1.sise`\n  help: did you mean `size`?"
    );
}

#[test]
fn duplicates_in_structs_and_in_maps() {
    assert_eq!(
        problems("name: x\nname: y\ninner:\n  a: {}\n  b: {}\n  a: {}\n"),
        "f.yaml:2:1: duplicate key `name`\n  help: it stands on line 1 already: keep one\n\
         f.yaml:6:3: duplicate key `a`\n  help: it stands on line 4 already: keep one"
    );
}

#[test]
fn keys_that_are_not_built() {
    assert_eq!(
        problems("name: x\nbudget: {max: 3}\nitems: [{size: 1, lora: y}]\nfoo: 1\n"),
        "f.yaml:2:1: `budget` is not built yet\n  help: remove it: set a limit elsewhere\n\
         f.yaml:3:19: `items.0.lora` is not built yet\n  help: remove it: merge it\n\
         f.yaml:4:1: unknown key `foo`\n  help: known here: `name`, `count`, `inner`, `items`"
    );
}

#[test]
fn wrong_types_name_the_value_and_the_remedy() {
    assert_eq!(
        problems("name: x\ncount: 1_000_000\n"),
        "f.yaml:2:8: `count`: the text \"1_000_000\" where a whole number from 0 is expected\n  \
         help: YAML reads `1_000_000` as text: write `1000000`"
    );
    assert_eq!(
        problems("name: x\ninner: {a: {size: '2'}}\n"),
        "f.yaml:2:19: `inner.a.size`: the text \"2\" where a number is expected\n  \
         help: write `2`, without quotes"
    );
    assert_eq!(
        problems("name: 3\n"),
        "f.yaml:1:7: `name`: the number `3` where text is expected\n  help: put it in quotes"
    );
    assert_eq!(
        problems("name: x\nitems: 7\n"),
        "f.yaml:2:8: `items`: the number `7` where a list is expected"
    );
    assert_eq!(
        problems("name: x\nitems: [{format: jsno}]\n"),
        "f.yaml:2:18: `items.0.format`: unknown value `jsno`\n  help: did you mean `json`?"
    );
}

#[test]
fn missing_keys_and_empty_files() {
    let missing = "f.yaml:1:1: the key `name` is missing\n  help: add `name: ...`";
    assert_eq!(problems("count: 3\n"), missing);
    assert_eq!(problems("- name\n"), "f.yaml:1:1: a list where a mapping of keys is expected");
    assert!(problems("").starts_with("f.yaml:1:1: "), "{}", problems(""));
}

#[test]
fn broken_syntax_and_second_documents() {
    assert!(problems("name: [x\n").starts_with("f.yaml:"), "{}", problems("name: [x\n"));
    assert_eq!(
        problems("name: x\n---\nname: y\n"),
        "f.yaml:3:1: this is no valid YAML: a second document begins\n  help: look for an open bracket \
         or quote, and for the indentation; put text with `: ` or ` #` in quotes"
    );
}

#[test]
fn layers_are_merged_in_the_order_of_the_lower_one() {
    let over = ("a.yaml", "extends: b.yaml\ninner: {b: {size: 9}, d: {}}\nitems: []\n");
    let under = (
        "b.yaml",
        "name: 'yes'\ninner:\n  a: {size: 1}\n  b: {size: 2, format: json}\n\
                            items: [{size: 1}]\n",
    );
    let Layered { read, resolved } = read_layers::<File>(&[over, under], &[]).unwrap();
    assert_eq!((read.inner["b"].size, &read.inner["b"].format), (9.0, &Format::Json));
    assert_eq!((read.name.as_str(), read.items.len()), ("yes", 0));
    let resolved = resolved.unwrap();
    assert_eq!(super::read::<File>("r.yaml", &resolved, &[]).unwrap(), read);
    let at = |key: &str| resolved.find(&format!("  {key}:")).unwrap();
    assert!(at("a") < at("b") && at("b") < at("d"), "{resolved}");
    assert!(!resolved.contains("extends"), "{resolved}");
    assert_eq!(extends("a.yaml", over.1), Ok(Some("b.yaml".to_owned())));
}

#[test]
fn paths_are_located() {
    let text = "a:\n  b:\n    - x\n    - c: 1\n";
    assert_eq!(locate(text, &["a", "b"]), Some((2, 3)));
    assert_eq!(locate(text, &["a", "b", "1", "c"]), Some((4, 7)));
    assert_eq!(locate(text, &["a", "z"]), None);
}

#[test]
fn deep_nesting_is_an_error() {
    let text = format!("name: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(problems(&text).contains("f.yaml"), "no panic, no overflow");
}

#[test]
fn a_bomb_of_aliases_is_an_error() {
    let mut text = "name: x\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let of = vec![format!("*a{}", i - 1); 9].join(", ");
        text.push_str(&format!("a{i}: &a{i} [{of}]\n"));
    }
    assert!(problems(&text).starts_with("f.yaml:"), "an error in good time");
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[a-c:{}\\[\\],&*|>'\"#\\- \n\t!?\\PC]{0,80}") {
        let _ = read::<File>("f.yaml", &text, &[("a.*", "x")]);
        let _ = locate(&text, &["a", "0"]);
    }
}
