//! Values that statsmodels, numpy and scipy computed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::percentile::Sorted;
use super::{bootstrap, power, wilson};

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

/// Two-sided quantiles of the standard normal distribution, from tables.
fn two_sided(case: &Value) -> Option<f64> {
    match case["alpha"].as_f64().expect("alpha") {
        0.1 => Some(power::Z95_ONE_SIDED),
        0.05 => Some(wilson::Z95),
        0.01 => Some(2.575_829_303_548_900_4),
        _ => None,
    }
}

#[test]
fn wilson_as_statsmodels() {
    let mut checked = 0;
    for case in cases("proportions") {
        let Some(expected) = case["expected"].get("wilson") else {
            continue;
        };
        let Some(z) = two_sided(&case) else { continue };
        let expected = numbers(expected);
        let (k, n) = (case["successes"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let (lower, upper) = wilson::interval(k, n, z).expect("defined");
        assert!((lower - expected[0]).abs() < 1e-9, "{}: {lower}", case["id"]);
        assert!((upper - expected[1]).abs() < 1e-9, "{}: {upper}", case["id"]);
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

/// The fewest successes whose lower bound is the one of k successes are k.
#[test]
fn fewest_successes_as_the_intervals_of_statsmodels() {
    let mut checked = 0;
    for case in cases("proportions") {
        let (Some(expected), Some(z)) = (case["expected"].get("wilson"), two_sided(&case)) else {
            continue;
        };
        let (k, n) = (case["successes"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let level = numbers(expected)[0] - 1e-9;
        if k > 0 && level > 0.0 {
            assert_eq!(power::least_successes(n, level, z), Some(k), "{}", case["id"]);
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn half_length_as_statsmodels() {
    let mut checked = 0;
    for case in cases("power") {
        let Some(z) = two_sided(&case) else { continue };
        let n = case["expected"]["n_for_half_length"].as_f64().expect("n");
        let want = case["half_length"].as_f64().expect("half_length");
        let p = case["p1"].as_f64().expect("p1");
        // Half the length falls with the root of n, and the file's n is no whole number.
        let got = (power::half_length(p, 1, z).expect("defined") / want).powi(2);
        assert!((got / n - 1.0).abs() < 1e-6, "{}: {got} {n}", case["id"]);
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
