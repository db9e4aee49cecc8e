//! trec_eval through pytrec_eval, and ranx.

use std::num::NonZeroUsize;

use rightsize_suites::metrics::retrieval::{Gain, Judgements, Ranking};
use serde_json::{Map, Value};

use crate::support::{assert_close, cases};

const TOLERANCE: f64 = 1e-9;

#[test]
fn retrieval_as_trec_eval() {
    for case in cases("retrieval.json") {
        let id = case["id"].as_str().unwrap();
        let expected = &case["expected"]["trec_eval"];
        let rankings = rankings(&case);
        let figures = expected["mean"].as_object().unwrap();
        assert_eq!(rankings.len(), expected["per_query"].as_object().unwrap().len(), "{id}");
        for (query, ranking) in &rankings {
            let wanted = expected["per_query"][query].as_object().unwrap();
            assert_eq!(wanted.len(), figures.len(), "{id} {query}");
            for (name, wanted) in wanted {
                let what = format!("{id} {query} {name}");
                assert_close(Some(trec_eval(ranking, name)), wanted, TOLERANCE, &what);
            }
        }
        means(&rankings, figures, trec_eval, id);
        if let Some(figures) = case["expected"].get("ranx_mean") {
            means(&rankings, figures.as_object().unwrap(), ranx, id);
        }
    }
}

fn means(
    rankings: &[(&str, Ranking)],
    expected: &Map<String, Value>,
    figure: fn(&Ranking, &str) -> f64,
    id: &str,
) {
    for (name, wanted) in expected {
        let sum: f64 = rankings.iter().map(|(_, ranking)| figure(ranking, name)).sum();
        let mean = sum / rankings.len() as f64;
        assert_close(Some(mean), wanted, TOLERANCE, &format!("{id} mean {name}"));
    }
}

/// The rankings of all judged queries; one that the run lacks has retrieved nothing.
fn rankings(case: &Value) -> Vec<(&str, Ranking)> {
    let queries = case["qrels"].as_object().unwrap().iter();
    let ranking = |query: &str, judgements: &Map<String, Value>| {
        let judgements: Judgements =
            judgements.iter().map(|(id, grade)| (&**id, grade.as_i64().unwrap())).collect();
        let run = case["run"].get(query).and_then(Value::as_object);
        let run = run.into_iter().flatten().map(|(id, score)| (&**id, score.as_f64().unwrap()));
        Ranking::of_run(&run.collect(), &judgements)
    };
    queries.map(|(query, j)| (&**query, ranking(query, j.as_object().unwrap()))).collect()
}

fn trec_eval(ranking: &Ranking, name: &str) -> f64 {
    match name {
        "Rprec" => return ranking.r_precision(),
        "bpref" => return ranking.bpref(),
        "map" => return ranking.average_precision(None),
        "ndcg" => return ranking.ndcg(None, Gain::Linear),
        "recip_rank" => return ranking.reciprocal_rank(None),
        _ => {}
    }
    let (name, k) = name.rsplit_once('_').unwrap();
    let k: NonZeroUsize = k.parse().unwrap();
    match name {
        "P" => ranking.precision(k),
        "recall" => ranking.recall(k),
        "success" => ranking.success(k),
        "map_cut" => ranking.average_precision(Some(k)),
        "ndcg_cut" => ranking.ndcg(Some(k), Gain::Linear),
        _ => panic!("{name}"),
    }
}

fn ranx(ranking: &Ranking, name: &str) -> f64 {
    let (name, k) = name.split_once('@').map_or((name, None), |(name, k)| (name, Some(k)));
    let k: Option<NonZeroUsize> = k.map(|k| k.parse().unwrap());
    match (name, k) {
        ("ndcg", k) => ranking.ndcg(k, Gain::Linear),
        ("ndcg_burges", k) => ranking.ndcg(k, Gain::Exponential),
        ("mrr", k) => ranking.reciprocal_rank(k),
        ("map", k) => ranking.average_precision(k),
        ("r-precision", None) => ranking.r_precision(),
        ("recall", Some(k)) => ranking.recall(k),
        ("precision", Some(k)) => ranking.precision(k),
        ("hit_rate", Some(k)) => ranking.success(k),
        ("f1", Some(k)) => ranking.f1(k),
        _ => panic!("{name}"),
    }
}

#[test]
fn unusual_rankings_have_figures() {
    let judgements = Judgements::from([("a", i64::MAX), ("b", -1), ("c", 0)]);
    let one = NonZeroUsize::MIN;
    let run = [("a", f64::NAN), ("b", f64::INFINITY), ("x", 1.0), ("c", f64::NEG_INFINITY)];
    for ranking in [
        Ranking::of_run(&run.into_iter().collect(), &judgements),
        Ranking::of_run(&Default::default(), &judgements),
        Ranking::of_order([], &Judgements::new()),
        Ranking::of_order(["a", "a", "b"], &judgements),
    ] {
        for figure in [
            ranking.ndcg(None, Gain::Exponential),
            ranking.ndcg(Some(one), Gain::Linear),
            ranking.average_precision(None),
            ranking.context_precision(one),
            ranking.bpref(),
            ranking.f1(one),
            ranking.recall(NonZeroUsize::MAX),
        ] {
            assert!((0.0..=1.0).contains(&figure), "{ranking:?}: {figure}");
        }
    }
}
