//! scipy 1.17.1, statsmodels 0.15.0 and krippendorff 0.9.0.

use rightsize_suites::metrics::correlation_agreement::{
    Level, Ties, fleiss_kappa, kendall_tau_b, krippendorff_alpha, pearson, ranks, spearman,
};
use serde_json::Value;

use crate::support::{assert_close, cases, numbers};

const TOLERANCE: f64 = 1e-9;

#[test]
fn correlation_and_agreement_as_the_packages() {
    for case in cases("correlation_agreement.json") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let figures = match case["tags"][0].as_str() {
            Some("correlation") => correlations(&case),
            Some("fleiss") => vec![("fleiss_kappa", fleiss_kappa(&table(&case["counts"])))],
            Some("krippendorff") => alphas(&case["raters"]),
            other => panic!("{id}: {other:?}"),
        };
        for (name, value) in figures {
            assert_close(value, &expected[name], TOLERANCE, &format!("{id} {name}"));
        }
    }
}

fn correlations(case: &Value) -> Vec<(&'static str, Option<f64>)> {
    let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
    for (name, ties) in [("ranks_average_a", Ties::Average), ("ranks_min_a", Ties::Min)] {
        assert_eq!(ranks(&a, ties), Some(numbers(&case["expected"][name])), "{}", case["id"]);
    }
    vec![
        ("pearson", pearson(&a, &b)),
        ("spearman", spearman(&a, &b)),
        ("kendall_tau_b", kendall_tau_b(&a, &b)),
    ]
}

fn table(value: &Value) -> Vec<Vec<u32>> {
    let row = |row: &Value| numbers(row).into_iter().map(|count| count as u32).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

fn alphas(value: &Value) -> Vec<(&'static str, Option<f64>)> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(Value::as_f64).collect();
    let raters: Vec<Vec<Option<f64>>> = value.as_array().unwrap().iter().map(row).collect();
    vec![
        ("nominal", krippendorff_alpha(&raters, Level::Nominal)),
        ("ordinal", krippendorff_alpha(&raters, Level::Ordinal)),
        ("interval", krippendorff_alpha(&raters, Level::Interval)),
    ]
}

#[test]
fn what_cannot_be_compared_is_undefined() {
    for correlation in [pearson, spearman, kendall_tau_b] {
        assert_eq!(correlation(&[], &[]), None);
        assert_eq!(correlation(&[1.0], &[2.0]), None);
        assert_eq!(correlation(&[1.0, 2.0], &[2.0]), None);
        assert_eq!(correlation(&[1.0, f64::NAN], &[2.0, 1.0]), None);
        assert_eq!(correlation(&[0.0, -0.0], &[2.0, 1.0]), None);
        let huge = [-f64::MAX, 0.0, f64::MAX];
        assert!(correlation(&huge, &huge).is_some_and(|r| (r - 1.0).abs() < TOLERANCE));
    }
    assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]), None);
    assert_eq!(fleiss_kappa(&[]), None);
    assert_eq!(fleiss_kappa(&[vec![1, 0], vec![0, 1]]), None);
    assert_eq!(fleiss_kappa(&[vec![2, 0], vec![0, 3]]), None);
    for level in [Level::Nominal, Level::Ordinal, Level::Interval] {
        assert_eq!(krippendorff_alpha(&[], level), None);
        assert_eq!(krippendorff_alpha(&[vec![Some(1.0), Some(2.0)]], level), None);
    }
}
