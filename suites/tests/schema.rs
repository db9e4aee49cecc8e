//! The table of keys in `README.md` is made of the schema, whose words are the comments in
//! `src/schema.rs`. `UPDATE_EXPECTED=1` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use rightsize_suites::Suite;
use serde_json::Value;

const BEGIN: &str = "<!-- keys: made of src/schema.rs by `UPDATE_EXPECTED=1 cargo nextest run -p rightsize-suites key_table` -->\n";
const END: &str = "<!-- end of keys -->\n";

#[test]
fn the_key_table_of_the_readme_is_that_of_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("README.md has the marker of the keys");
    let (table, after) = rest.split_once(END).expect("README.md has the marker of the keys' end");
    let schema = Suite::yaml_schema();
    let mut wanted = "| key | meaning | default |\n|---|---|---|\n".to_owned();
    rows(&schema, &schema, "", &mut wanted);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else if table != wanted {
        panic!(
            "the keys in suites/README.md are not those of src/schema.rs; write them anew:\n  \
             UPDATE_EXPECTED=1 cargo nextest run -p rightsize-suites key_table\n\nwanted:\n{wanted}"
        );
    }
}

/// Every key has a comment: it is all that an editor and the table can show.
#[test]
fn every_key_has_a_meaning() {
    let schema = Suite::yaml_schema();
    let mut table = String::new();
    rows(&schema, &schema, "", &mut table);
    assert!(table.lines().count() > 20, "{table}");
    let mute: Vec<&str> = table.lines().filter(|row| row.contains("|  |")).collect();
    assert!(mute.is_empty(), "without a comment or a `Default:` in src/schema.rs: {mute:?}");
}

/// A row for each key of a mapping, those of mappings in it behind their own.
fn rows(root: &Value, mapping: &Value, path: &str, table: &mut String) {
    // Those of a suite are required of one that extends no other.
    let required = [&mapping["required"], &mapping["anyOf"][0]["required"]];
    let required = required.into_iter().filter_map(Value::as_array).flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    for (key, schema) in mapping["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{key}");
        let words = schema["description"].as_str().unwrap_or("").replace('\n', " ");
        let (meaning, default) = match words.split_once(" Default: ") {
            Some((meaning, default)) => (meaning.trim_end_matches('.'), default),
            None if required.contains(&key.as_str()) => (words.as_str(), "required"),
            None => (words.as_str(), ""),
        };
        let below = mappings(root, schema);
        // A mapping is told by its keys.
        if below.iter().all(|(_, inner)| inner["properties"].is_null()) || !default.is_empty() {
            table.push_str(&format!("| `{path}` | {meaning} | {default} |\n"));
        }
        for (suffix, inner) in below {
            rows(root, inner, &format!("{path}{suffix}."), table);
        }
    }
}

/// The mappings with known keys that a value may be, each with what stands between its path and that
/// of its keys: nothing, or `.*` where the keys above are the user's.
fn mappings<'a>(root: &'a Value, schema: &'a Value) -> Vec<(&'static str, &'a Value)> {
    let target = |schema: &'a Value| match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let choices: Vec<&Value> = match schema["anyOf"].as_array() {
        Some(any) => any.iter().map(target).collect(),
        None => vec![target(schema)],
    };
    let own = choices.iter().filter(|s| s["properties"].is_object()).map(|s| ("", *s));
    let values = choices.iter().map(|s| target(&s["additionalProperties"]));
    let values = values.filter(|s| s["properties"].is_object()).map(|s| (".*", s));
    own.chain(values).collect()
}
