//! The unbiased estimator of openai/human-eval.

use rightsize_suites::metrics::pass_at_k;
use serde_json::Value;

use crate::support::{assert_close, cases};

const TOLERANCE: f64 = 1e-9;

#[test]
fn pass_at_k_as_human_eval() {
    for case in cases("pass_at_k.json") {
        let id = case["id"].as_str().unwrap();
        let counts = |name: &str| -> Vec<u64> {
            case[name].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect()
        };
        let tasks: Vec<(u64, u64)> = counts("n").into_iter().zip(counts("c")).collect();
        let expected = &case["expected"];
        if let Some(k) = case.get("k") {
            // `official_function` is 1 here, also where nothing passed: not copied.
            let mean = pass_at_k::mean_pass_at_k(&tasks, k.as_u64().unwrap());
            assert_close(mean, &expected["official_run"], TOLERANCE, id);
            continue;
        }
        for k in [1, 2, 5, 10, 100] {
            let what = format!("{id} k={k}");
            let expected = &expected[k.to_string()];
            let mean = pass_at_k::mean_pass_at_k(&tasks, k);
            assert_close(mean, &expected["mean"], TOLERANCE, &what);
            let Some(per_task) = expected["per_task"].as_array() else {
                continue;
            };
            assert_eq!(per_task.len(), tasks.len(), "{what}");
            for ((n, c), wanted) in tasks.iter().zip(per_task) {
                assert_close(pass_at_k::pass_at_k(*n, *c, k), wanted, TOLERANCE, &what);
            }
        }
    }
}

#[test]
fn impossible_counts_have_no_figure() {
    for (n, c, k) in [(0, 0, 1), (3, 4, 1), (3, 1, 4), (3, 1, 0), (u64::MAX, 0, 0)] {
        assert_eq!(pass_at_k::pass_at_k(n, c, k), None, "{n} {c} {k}");
        assert_eq!(pass_at_k::pass_hat_k(n, c, k), None, "{n} {c} {k}");
    }
    assert_eq!(pass_at_k::mean_pass_at_k(&[], 1), None);
    assert_close(
        pass_at_k::pass_at_k(u64::MAX, u64::MAX / 2, u64::MAX / 2),
        &Value::from(1.0),
        TOLERANCE,
        "huge counts",
    );
}
