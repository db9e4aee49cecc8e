//! A small set of values by many tools, a section a metric. Sections without a function here are
//! left out: values of other tools' variants, and statistics, which are no matter of this crate.

use std::num::NonZeroUsize;

use rightsize_suites::metrics::classification::{self, Average, Rule};
use rightsize_suites::metrics::ner_nervaluate::{Tally, compare};
use rightsize_suites::metrics::ner_seqeval::{self, Mode};
use rightsize_suites::metrics::pass_at_k;
use rightsize_suites::metrics::retrieval::{Gain, Judgements, Ranking};
use rightsize_suites::metrics::rouge::{Tokens, rouge_l, rouge_l_sum, rouge_n};
use rightsize_suites::metrics::{bleu, chrf, squad, squad_v2, ter};
use serde_json::Value;

use crate::ner_nervaluate::{self, SCHEMES};
use crate::ner_seqeval::{check_scores, sequences};
use crate::support::{assert_close, documents, numbers, texts};

const TOLERANCE: f64 = 1e-9;
/// Of figures that are rounded to six places.
const ROUNDED: f64 = 5.1e-7;
/// Of figures that are rounded to eight places.
const ROUNDED_TO_8: f64 = 5.1e-9;

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
fn rouge_with_and_without_stems() {
    for row in rows("rouge") {
        let (answer, gold) = (row["pred"].as_str().unwrap(), row["ref"].as_str().unwrap());
        let tokens = if row["stem"] == true { Tokens::Stemmed } else { Tokens::Plain };
        for (name, score) in [
            ("rouge1", rouge_n(answer, gold, 1, tokens)),
            ("rouge2", rouge_n(answer, gold, 2, tokens)),
            ("rougeL", rouge_l(answer, gold, tokens)),
            ("rougeLsum", rouge_l_sum(answer, gold, tokens)),
        ] {
            let expected = numbers(&row[name]);
            for (figure, expected) in
                [score.precision, score.recall, score.f1].into_iter().zip(expected)
            {
                assert_close(Some(figure), &expected.into(), TOLERANCE, &format!("{name} {row}"));
            }
        }
    }
}

#[test]
fn bleu_chrf_and_ter_of_a_sentence() {
    let corpus = bleu::Settings::default();
    let effective = bleu::Settings { effective_order: true, ..corpus };
    let (plain, words) =
        (chrf::Settings::default(), chrf::Settings { word_order: 2, ..Default::default() });
    for row in rows("bleu") {
        let (answer, gold) = (row["hyp"].as_str().unwrap(), row["ref"].as_str().unwrap());
        let counts = bleu::Counts::of(answer, &[gold], &corpus).unwrap();
        let score = counts.bleu(&corpus);
        let chrf_of = |settings: &chrf::Settings| {
            chrf::Counts::of(answer, &[gold], settings).unwrap().score(settings)
        };
        let ter = ter::Counts::of(answer, &[gold], &ter::Settings::default()).unwrap();
        for (name, value, tolerance) in [
            ("corpus", score.score, ROUNDED_TO_8),
            ("bp", score.brevity_penalty, ROUNDED_TO_8),
            ("sentence_effective", counts.bleu(&effective).score, ROUNDED_TO_8),
            ("chrf", chrf_of(&plain), ROUNDED),
            ("chrfpp", chrf_of(&words), ROUNDED),
            ("ter", ter.score(), ROUNDED),
        ] {
            assert_close(Some(value), &row[name], tolerance, &format!("{name} {row}"));
        }
        for (precision, expected) in score.precisions.iter().zip(numbers(&row["precisions"])) {
            assert_close(Some(*precision), &expected.into(), ROUNDED, &row.to_string());
        }
    }
}

/// One BLEU of all sentences, in the full set alone: an extract would be another corpus.
#[test]
fn bleu_of_a_corpus() {
    let settings = bleu::Settings::default();
    for document in documents("golden_metrics.json") {
        let expected = &document["bleu_corpus_all"];
        if expected.is_null() {
            continue;
        }
        let mut counts = bleu::Counts::default();
        for row in document["bleu"].as_array().unwrap() {
            let (answer, gold) = (row["hyp"].as_str().unwrap(), row["ref"].as_str().unwrap());
            counts.add(&bleu::Counts::of(answer, &[gold], &settings).unwrap());
        }
        let score = counts.bleu(&settings);
        assert_eq!(counts.matches, numbers(&expected["counts"]));
        assert_eq!(counts.totals, numbers(&expected["totals"]));
        assert_close(Some(score.brevity_penalty), &expected["bp"], TOLERANCE, "bp");
        assert_close(Some(score.score), &expected["score"], ROUNDED_TO_8, "score");
    }
}

#[test]
fn entities_by_tags_and_by_spans() {
    for document in documents("golden_metrics.json") {
        let section = &document["seqeval"];
        let (truth, predicted) = (sequences(&section["y_true"]), sequences(&section["y_pred"]));
        for (name, mode) in
            [("default", Mode::Conlleval), ("strict_iob2", Mode::Strict(ner_seqeval::Scheme::Iob2))]
        {
            let report = ner_seqeval::report(&truth, &predicted, mode).unwrap();
            let expected = &section[name];
            let micro = [&expected["p"], &expected["r"], &expected["f1"]];
            let micro = micro.into_iter().cloned().collect();
            check_scores(Some(report.micro), &micro, name);
            if let Some(expected) = expected.get("macro") {
                let macro_f1 = report.macro_average.map(|scores| scores.f1);
                assert_close(macro_f1, expected, TOLERANCE, "macro");
            }
        }
        let section = &document["nervaluate"];
        let gold = ner_nervaluate::documents(&section["true"]);
        let predicted = ner_nervaluate::documents(&section["pred"]);
        for (name, scheme) in SCHEMES {
            let mut sum = Tally::default();
            gold.iter().zip(&predicted).for_each(|(g, p)| sum += compare(g, p, scheme));
            ner_nervaluate::check(sum, &section["overall"][name], name);
        }
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
