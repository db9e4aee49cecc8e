//! scikit-learn 1.9.1.

use rightsize_suites::metrics::probabilistic as metrics;
use serde_json::Value;

use crate::support::{assert_close, cases, numbers};

const TOLERANCE: f64 = 1e-9;

#[test]
fn probabilities_as_scikit_learn() {
    for case in cases("probabilistic.json") {
        if case.get("P").is_some() {
            multiclass(&case);
        } else {
            binary(&case);
        }
    }
}

fn binary(case: &Value) {
    let (id, expected) = (&case["id"], &case["expected"]);
    let positive = numbers(&case["y"]).into_iter().map(|y| y == 1.0);
    let samples: Vec<_> = positive.zip(numbers(&case["p"])).collect();
    let bins =
        metrics::calibration_bins(&samples, case["n_bins"].as_u64().unwrap() as usize).unwrap();
    for (name, value) in [
        ("log_loss", metrics::log_loss(&samples)),
        ("brier", metrics::brier(&samples)),
        ("roc_auc", metrics::roc_auc(&samples)),
        ("average_precision", metrics::average_precision(&samples)),
        ("ece", metrics::expected_calibration_error(&bins)),
        ("mce", metrics::maximum_calibration_error(&bins)),
    ] {
        assert_close(value, &expected[name], TOLERANCE, &format!("{id} {name}"));
    }
    let bins = bins.iter().map(|b| vec![b.index as f64, b.count, b.accuracy, b.confidence]);
    let wanted: Vec<Vec<f64>> = expected["bins"].as_array().unwrap().iter().map(numbers).collect();
    all_close(&bins.collect::<Vec<_>>().concat(), &wanted.concat(), &format!("{id} bins"));
    if let Some(wanted) = expected.get("roc_curve") {
        let curve = metrics::roc_curve(&samples).unwrap();
        let column = |of: fn(&metrics::RocPoint) -> f64| curve.iter().map(of).collect::<Vec<_>>();
        let what = format!("{id} ROC");
        all_close(&column(|p| p.fpr), &numbers(&wanted["fpr"]), &what);
        all_close(&column(|p| p.tpr), &numbers(&wanted["tpr"]), &what);
        let thresholds = column(|p| p.threshold);
        let (first, rest) = thresholds.split_first().unwrap();
        assert_eq!((*first, &wanted["thresholds"][0]), (f64::INFINITY, &Value::from("inf")));
        let wanted = wanted["thresholds"].as_array().unwrap().iter().skip(1);
        all_close(rest, &wanted.map(|v| v.as_f64().unwrap()).collect::<Vec<_>>(), &what);
    }
    if let Some(wanted) = expected.get("pr_curve") {
        let curve = metrics::precision_recall_curve(&samples).unwrap();
        let column = |of: fn(&metrics::PrPoint) -> f64| curve.iter().map(of).collect::<Vec<_>>();
        let what = format!("{id} PR");
        all_close(&column(|p| p.precision), &numbers(&wanted["precision"]), &what);
        all_close(&column(|p| p.recall), &numbers(&wanted["recall"]), &what);
        // The reference has no threshold for the last point.
        let thresholds = column(|p| p.threshold);
        let (last, rest) = thresholds.split_last().unwrap();
        assert_eq!(*last, f64::INFINITY, "{what}");
        all_close(rest, &numbers(&wanted["thresholds"]), &what);
    }
}

fn multiclass(case: &Value) {
    let (id, expected) = (&case["id"], &case["expected"]);
    let truth = numbers(&case["y"]).into_iter().map(|class| class as usize);
    let samples: Vec<_> = truth.zip(case["P"].as_array().unwrap().iter().map(numbers)).collect();
    for (name, value) in [
        ("log_loss", metrics::log_loss_multiclass(&samples)),
        ("brier_sum", metrics::brier_sum(&samples)),
        ("roc_auc_ovr_macro", metrics::roc_auc_ovr_macro(&samples)),
        ("roc_auc_ovo_macro", metrics::roc_auc_ovo_macro(&samples)),
    ] {
        // The areas are absent where a class does not occur.
        assert_close(value, &expected[name], TOLERANCE, &format!("{id} {name}"));
    }
}

fn all_close(values: &[f64], expected: &[f64], what: &str) {
    assert_eq!(values.len(), expected.len(), "{what}");
    for (value, expected) in values.iter().zip(expected) {
        assert_close(Some(*value), &Value::from(*expected), TOLERANCE, what);
    }
}

#[test]
fn what_is_no_probability_has_no_score() {
    for p in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
        let samples = [(true, 0.5), (false, p)];
        assert_eq!(metrics::log_loss(&samples), None);
        assert_eq!(metrics::brier(&samples), None);
        assert_eq!(metrics::calibration_bins(&samples, 10), None);
        let samples = [(0, vec![0.5, 0.5]), (1, vec![0.5, p])];
        assert_eq!(metrics::brier_sum(&samples), None);
        assert_eq!(metrics::roc_auc_ovr_macro(&samples), None);
    }
    assert_eq!(metrics::roc_auc(&[(true, f64::NAN), (false, 0.0)]), None);
    assert_eq!(metrics::log_loss(&[]), None);
    assert_eq!(metrics::calibration_bins(&[(true, 0.5)], 0), None);
    assert_eq!(metrics::calibration_bins(&[(true, 0.5)], usize::MAX).unwrap().len(), 1);
    assert_eq!(metrics::log_loss_multiclass(&[(2, vec![0.5, 0.5])]), None);
}
