//! A small set of values by many tools, a section a metric. Sections without a function here are
//! left out: values of other tools' variants, and statistics, which are no matter of this crate.

use std::num::NonZeroUsize;

use rightsize_suites::metrics::classification::{self, Average, Rule};
use rightsize_suites::metrics::pass_at_k;
use rightsize_suites::metrics::retrieval::{Gain, Judgements, Ranking};
use rightsize_suites::metrics::{squad, squad_v2};
use serde_json::Value;

use crate::support::{assert_close, documents, numbers, texts};

const TOLERANCE: f64 = 1e-9;
/// Of `f1_variants`, which are rounded to six places.
const ROUNDED: f64 = 5.1e-7;

/// The rows of a section, in the extract and in the full set.
fn rows(section: &str) -> Vec<Value> {
    let documents = documents("golden_metrics.json");
    documents.iter().flat_map(|d| d[section].as_array().unwrap().clone()).collect()
}

#[test]
fn squad_of_both_versions() {
    for row in rows("squad") {
        let (answer, gold) = (row["pred"].as_str().unwrap(), row["gold"].as_str().unwrap());
        assert_eq!(squad::normalise(answer), row["norm_pred"], "{row}");
        assert_eq!(squad::normalise(gold), row["norm_gold"], "{row}");
        assert_eq!(squad::exact_match(answer, &[gold]), row["em"], "{row}");
        assert_eq!(u64::from(squad_v2::exact_match(answer, &[gold])), row["em_v2"], "{row}");
        let what = row.to_string();
        assert_close(Some(squad::f1(answer, &[gold])), &row["f1_v1"], TOLERANCE, &what);
        assert_close(Some(squad_v2::f1(answer, &[gold])), &row["f1_v2"], TOLERANCE, &what);
    }
    for row in rows("f1_variants") {
        let (answer, gold) = (row["pred"].as_str().unwrap(), row["gold"].as_str().unwrap());
        let f1 = squad::f1(answer, &[gold]);
        assert_close(Some(f1), &row["squad_v1"], ROUNDED, &row.to_string());
    }
}

#[test]
fn classification_over_fixed_and_inferred_labels() {
    for document in documents("golden_metrics.json") {
        let section = &document["classification"];
        let truth = texts(&section["y_true"]);
        let pairs: Vec<_> = truth.into_iter().zip(texts(&section["y_pred"])).collect();
        let inferred = classification::observed_labels(&pairs);
        for (set, labels) in [("inferred", inferred), ("fixed", texts(&section["labels"]))] {
            for (name, average) in [
                ("micro", Average::Micro),
                ("macro", Average::Macro),
                ("weighted", Average::Weighted),
            ] {
                let name = format!("{name}_labels_{set}");
                let scores =
                    classification::averaged(&pairs, &labels, average, Rule::default()).unwrap();
                let wanted = numbers(&section[&name]);
                for (value, wanted) in
                    [scores.precision, scores.recall, scores.f].into_iter().zip(wanted)
                {
                    assert!((value - wanted).abs() <= TOLERANCE, "{name}: {value}, not {wanted}");
                }
            }
        }
        for (name, value) in [
            ("accuracy", classification::accuracy(&pairs)),
            ("mcc", classification::mcc(&pairs)),
            ("kappa", classification::cohen_kappa(&pairs, classification::Weighting::Equal)),
            ("balanced_acc", classification::balanced_accuracy(&pairs)),
        ] {
            assert_close(value, &section[name], TOLERANCE, name);
        }
    }
}

#[test]
fn pass_at_k_and_pass_hat_k() {
    for row in rows("pass_at_k") {
        let [n, c, k] = ["n", "c", "k"].map(|name| row[name].as_u64().unwrap());
        let what = row.to_string();
        assert_close(pass_at_k::pass_at_k(n, c, k), &row["pass_at_k"], TOLERANCE, &what);
        assert_close(pass_at_k::pass_hat_k(n, c, k), &row["pass_hat_k"], TOLERANCE, &what);
    }
}

#[test]
fn retrieval_at_a_cut() {
    for row in rows("ir") {
        let judgements: Judgements = row["qrels"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, grade)| (&**id, grade.as_i64().unwrap()))
            .collect();
        let ranking = Ranking::of_order(texts(&row["ranked"]), &judgements);
        let k = NonZeroUsize::new(row["k"].as_u64().unwrap() as usize).unwrap();
        for (name, value) in [
            ("recall", ranking.recall(k)),
            ("precision", ranking.precision(k)),
            ("mrr", ranking.reciprocal_rank(Some(k))),
            ("ndcg_linear", ranking.ndcg(Some(k), Gain::Linear)),
            ("ndcg_exp", ranking.ndcg(Some(k), Gain::Exponential)),
            ("map_R", ranking.average_precision(Some(k))),
            ("map_retrieved_rel", ranking.context_precision(k)),
            ("hit", ranking.success(k)),
        ] {
            assert_close(Some(value), &row[name], TOLERANCE, &format!("{name} {row}"));
        }
    }
}
