//! Values that statsmodels, numpy and scipy computed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::percentile::Sorted;
use super::{bootstrap, wilson};

/// The few cases of this repository, and the full file where it is at hand.
fn cases(name: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cases = read(&root.join(format!("tests/fixtures/metrics/{name}.reports.json")))
        .expect("the repository's own cases");
    match read(&root.join(format!("../shared/metrics/{name}.json"))) {
        Some(more) => cases.extend(more),
        None => eprintln!("skipped: the full file of golden values `{name}.json` is not here"),
    }
    assert!(cases.len() >= 10, "{name}: {} cases", cases.len());
    cases
}

fn read(path: &PathBuf) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    let file: Value = serde_json::from_str(&text).expect("JSON");
    Some(file["cases"].as_array().expect("cases").clone())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("list").iter().map(|v| v.as_f64().expect("number")).collect()
}

#[test]
fn wilson_as_statsmodels() {
    let mut checked = 0;
    for case in cases("proportions") {
        let Some(expected) = case["expected"].get("wilson") else {
            continue;
        };
        // Two-sided quantiles of the standard normal distribution, from tables.
        let z = match case["alpha"].as_f64().expect("alpha") {
            0.1 => 1.644_853_626_951_472_2,
            0.05 => wilson::Z95,
            0.01 => 2.575_829_303_548_900_4,
            _ => continue,
        };
        let expected = numbers(expected);
        let (k, n) = (case["successes"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let (lower, upper) = wilson::interval(k, n, z).expect("defined");
        assert!((lower - expected[0]).abs() < 1e-9, "{}: {lower}", case["id"]);
        assert!((upper - expected[1]).abs() < 1e-9, "{}: {upper}", case["id"]);
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn quantiles_as_numpy_linear() {
    let mut checked = 0;
    for case in cases("descriptive") {
        let Some(sorted) = Sorted::new(numbers(&case["values"])) else {
            continue;
        };
        let expected = numbers(&case["expected"]["quantiles"]["linear"]);
        for (q, want) in numbers(&case["q"]).into_iter().zip(expected) {
            let got = sorted.quantile(q);
            let scale = want.abs().max(1.0);
            assert!((got - want).abs() < 1e-9 * scale, "{} q={q}: {got} {want}", case["id"]);
            checked += 1;
        }
    }
    assert!(checked >= 50, "{checked}");
}

#[test]
fn percentile_interval_as_scipy() {
    let mut checked = 0;
    for case in cases("bootstrap") {
        let Some(expected) = case["expected"].get("percentile").filter(|v| v.is_array()) else {
            continue;
        };
        let (data, expected) = (numbers(&case["data"]), numbers(expected));
        let means = case["indices"].as_array().unwrap().iter().map(|rows| {
            let rows = rows.as_array().unwrap();
            let sum: f64 = rows.iter().map(|i| data[i.as_u64().unwrap() as usize]).sum();
            sum / rows.len() as f64
        });
        let level = case["confidence_level"].as_f64().unwrap();
        let (lower, upper) = bootstrap::percentile_interval(means.collect(), level).unwrap();
        assert!((lower - expected[0]).abs() < 1e-9, "{}: {lower}", case["id"]);
        assert!((upper - expected[1]).abs() < 1e-9, "{}: {upper}", case["id"]);
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}
