//! The hot paths of the text metrics, on an answer of some length.
//!
//! ```sh
//! cargo bench --package rightsize-suites --bench metrics
//! ```
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rightsize_suites::metrics::{bleu, chrf, edit_distance, rouge, squad, ter};

const REFERENCE: &str = "We present a method that chooses between small and large language models \
    by measuring them on the task at hand. On twelve public tasks the smallest model that meets the \
    requirements is found with a tenth of the samples that a full comparison needs, and its cost is \
    lower by a factor of forty in the median.";
const ANSWER: &str = "The paper presents a way to choose between small and large language models: \
    measure both on your own task. On twelve tasks it finds the smallest model that is good enough \
    with a tenth of the samples of a full comparison; the cost falls by a factor of forty.";

fn text_metrics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metric");
    let mut bench = |name: &str, metric: fn(&str, &str) -> f64| {
        group.bench_function(name, |b| b.iter(|| metric(black_box(ANSWER), black_box(REFERENCE))));
    };
    bench("rouge_2", |a, b| rouge::rouge_n(a, b, 2, rouge::Tokens::Plain).f1);
    bench("rouge_l", |a, b| rouge::rouge_l(a, b, rouge::Tokens::Plain).f1);
    bench("rouge_l_stemmed", |a, b| rouge::rouge_l(a, b, rouge::Tokens::Stemmed).f1);
    bench("squad_f1", |a, b| squad::f1(a, &[b]));
    bench("bleu", |a, b| {
        let settings = bleu::Settings::default();
        bleu::Counts::of(a, &[b], &settings).map_or(0.0, |counts| counts.bleu(&settings).score)
    });
    bench("chrf", |a, b| {
        let settings = chrf::Settings::default();
        chrf::Counts::of(a, &[b], &settings).map_or(0.0, |counts| counts.score(&settings))
    });
    bench("ter", |a, b| {
        let settings = ter::Settings::default();
        ter::Counts::of(a, &[b], &settings).map_or(0.0, |counts| counts.score())
    });
    bench("levenshtein_similarity", edit_distance::levenshtein_similarity);
    bench("partial_ratio", edit_distance::partial_ratio);
}

criterion_group!(benches, text_metrics);
criterion_main!(benches);
