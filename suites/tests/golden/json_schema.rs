//! Python's jsonschema 4.26.

use std::collections::BTreeSet;

use rightsize_suites::metrics::json_schema::{Draft, Schema};
use serde_json::json;

use crate::support::{cases, texts};

#[test]
fn json_schema_as_python() {
    for case in cases("json_schema.json") {
        let draft = match case["draft"].as_str().unwrap() {
            "draft7" => Draft::Draft7,
            "2020-12" => Draft::Draft202012,
            other => panic!("{other}"),
        };
        let schema = Schema::new(&case["schema"], draft).unwrap();
        let (id, expected) = (&case["id"], &case["expected"]);
        assert_eq!(schema.is_valid(&case["instance"]), expected["valid"], "{id}");
        let failures: BTreeSet<(String, String)> = schema
            .failures(&case["instance"])
            .into_iter()
            .map(|failure| (failure.place, failure.keyword.unwrap_or("None".into())))
            .collect();
        let wanted: BTreeSet<(String, String)> = expected["top_level_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| match texts(error)[..] {
                [place, keyword] => (place.into(), keyword.into()),
                _ => panic!("{error}"),
            })
            .collect();
        assert_eq!(failures, wanted, "{id}");
    }
}

#[test]
fn a_schema_that_cannot_be_used_is_an_error() {
    for schema in [
        json!({"type": "text"}),
        json!({"multipleOf": "2"}),
        json!({"multipleOf": 0}),
        json!({"pattern": "("}),
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "#/$defs/absent"}),
        json!(1),
    ] {
        assert!(Schema::new(&schema, Draft::Draft202012).is_err(), "{schema}");
    }
}

/// A property may be named like a keyword.
#[test]
fn a_name_is_not_taken_for_a_keyword() {
    let schema = json!({"properties": {"properties": {"properties": {"items": false}}}});
    let schema = Schema::new(&schema, Draft::Draft202012).unwrap();
    let failures = schema.failures(&json!({"properties": {"items": 1}}));
    let failure = failures.first().unwrap();
    assert_eq!((failure.place.as_str(), failure.keyword.as_deref()), ("/properties", None));
}

/// jsonschema 0.61.2 says that `b` is missing here.
#[test]
fn an_undeclared_property_is_not_missing() {
    let schema = json!({"properties": {}, "required": ["b"], "additionalProperties": false});
    let schema = Schema::new(&schema, Draft::Draft7).unwrap();
    let keywords = |answer| -> Vec<Option<String>> {
        schema.failures(&answer).into_iter().map(|failure| failure.keyword).collect()
    };
    assert_eq!(keywords(json!({"b": 1})), [Some("additionalProperties".into())]);
    assert_eq!(keywords(json!({})), [Some("required".into())]);
}

#[test]
fn multiples_of_any_size_are_decided() {
    for (divisor, answer, valid) in [
        (json!(3), json!(u64::MAX), true),
        (json!(7), json!(1e300), false),
        (json!(0.5), json!(1.7e308), true),
        (json!(1e-300), json!(1.7e308), false),
        (json!(0.01), json!(0.07), false),
    ] {
        let schema = Schema::new(&json!({"multipleOf": divisor}), Draft::Draft7).unwrap();
        assert_eq!(schema.is_valid(&answer), valid, "{answer} of {divisor}");
    }
}
