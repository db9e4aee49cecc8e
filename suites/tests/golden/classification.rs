//! scikit-learn 1.9.1.

use rightsize_suites::metrics::classification;

use crate::support::{cases, texts};

const TOLERANCE: f64 = 1e-9;

#[test]
fn classification_as_scikit_learn() {
    for case in cases("classification.json") {
        let truth = texts(&case["y_true"]);
        let pairs: Vec<_> = truth.into_iter().zip(texts(&case["y_pred"])).collect();
        let expected = &case["expected"];
        let accuracy = classification::accuracy(&pairs).unwrap();
        let wanted = expected["accuracy"].as_f64().unwrap();
        assert!((accuracy - wanted).abs() < TOLERANCE, "{}", case["id"]);
        for set in ["default_labels", "explicit_labels"] {
            let Some(object) = expected.get(set).filter(|o| o.is_object()) else {
                continue;
            };
            let labels = texts(&object["labels"]);
            let macro_f1 = classification::macro_f1(&pairs, &labels).unwrap();
            let wanted = object["macro"][2].as_f64().unwrap();
            assert!((macro_f1 - wanted).abs() < TOLERANCE, "{} {set}", case["id"]);
        }
    }
}
