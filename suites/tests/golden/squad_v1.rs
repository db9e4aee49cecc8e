//! The official script of SQuAD 1.1.

use rightsize_suites::metrics::squad;
use serde_json::Value;

use crate::support::{cases, root, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn squad_as_the_official_script() {
    for case in cases("squad_v1.json") {
        match case.get("items") {
            Some(items) => corpus(items.as_array().unwrap(), &case["expected"], &case["id"]),
            None => single(&case),
        }
    }
}

fn single(case: &Value) {
    let expected = &case["expected"];
    let golds = texts(&case["golds"]);
    let Some(answer) = case["prediction"].as_str() else {
        return;
    };
    assert_eq!(squad::normalise(answer), expected["normalized_prediction"], "{}", case["id"]);
    let normalised: Vec<String> = golds.iter().map(|g| squad::normalise(g)).collect();
    assert_eq!(Value::from(normalised), expected["normalized_golds"], "{}", case["id"]);
    assert_eq!(squad::exact_match(answer, &golds), expected["exact_match"], "{}", case["id"]);
    let wanted = expected["f1"].as_f64().unwrap();
    assert!((squad::f1(answer, &golds) - wanted).abs() < TOLERANCE, "{}", case["id"]);
}

/// A corpus: the means in per cent; a missing prediction counts 0.
fn corpus(items: &[Value], expected: &Value, id: &Value) {
    let (mut exact, mut f1) = (0.0, 0.0);
    for item in items {
        let Some(answer) = item["prediction"].as_str() else {
            continue;
        };
        let golds = texts(&item["golds"]);
        exact += f64::from(u8::from(squad::exact_match(answer, &golds)));
        f1 += squad::f1(answer, &golds);
    }
    let n = items.len() as f64;
    for (name, value) in [("exact_match", 100.0 * exact / n), ("f1", 100.0 * f1 / n)] {
        let wanted = expected[name].as_f64().unwrap();
        assert!((value - wanted).abs() < TOLERANCE * 100.0, "{id} {name}: {value} {wanted}");
    }
}

/// The HasAns figures that the official SQuAD 2.0 script gave for recorded answers: on answerable
/// questions its rules are those of v1.1.
#[test]
fn squad_on_real_questions() {
    let replay = root().join("../shared/replay/squad2_dev");
    let data = root().join("../shared/datasets/squad2_dev/dev-v2.0.json");
    if !replay.exists() || !data.exists() {
        eprintln!("skipped: the SQuAD questions are absent");
        return;
    }
    let lines = std::fs::read_to_string(replay.join("predictions.jsonl")).unwrap();
    let answers: std::collections::HashMap<String, String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|v| (v["id"].as_str().unwrap().into(), v["prediction"].as_str().unwrap().into()))
        .collect();
    let data: Value = serde_json::from_slice(&std::fs::read(data).unwrap()).unwrap();
    let (mut n, mut exact, mut f1) = (0.0, 0.0, 0.0);
    let paragraphs =
        data["data"].as_array().unwrap().iter().flat_map(|d| d["paragraphs"].as_array().unwrap());
    for qa in paragraphs.flat_map(|p| p["qas"].as_array().unwrap()) {
        let golds: Vec<&str> =
            qa["answers"].as_array().unwrap().iter().map(|a| a["text"].as_str().unwrap()).collect();
        let Some(answer) = answers.get(qa["id"].as_str().unwrap()).filter(|_| !golds.is_empty())
        else {
            continue;
        };
        n += 1.0;
        exact += f64::from(u8::from(squad::exact_match(answer, &golds)));
        f1 += squad::f1(answer, &golds);
    }
    let expected: Value =
        serde_json::from_slice(&std::fs::read(replay.join("expected.json")).unwrap()).unwrap();
    let wanted = &expected["no_threshold"];
    assert_eq!(Some(n), wanted["HasAns_total"].as_f64());
    assert!((100.0 * exact / n - wanted["HasAns_exact"].as_f64().unwrap()).abs() < 1e-9);
    assert!((100.0 * f1 / n - wanted["HasAns_f1"].as_f64().unwrap()).abs() < 1e-9);
}
