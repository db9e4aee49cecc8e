//! Ranking metrics of retrieval with trec_eval's semantics, and those of `ranx` that it lacks.
//!
//! Documents are ordered by score, highest first, and ties by id in **descending** order; ranks of
//! the run file do not count. A document is relevant from grade 1 on, and not relevant where it has
//! no judgement. A figure is in [0, 1]; it is 0 for a query without relevant documents, and also
//! then stays in the mean over queries.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// The judgements of one query: grade by document id.
pub type Judgements<'a> = BTreeMap<&'a str, i64>;

/// What a grade is worth in nDCG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gain {
    /// The grade (trec_eval; Järvelin & Kekäläinen 2002).
    Linear,
    /// 2^grade - 1 (`ndcg_burges` of ranx; Burges et al. 2005). Grades above 500 count as 500.
    Exponential,
}

impl Gain {
    fn of(self, grade: i64) -> f64 {
        let grade = grade.max(0);
        match self {
            Gain::Linear => grade as f64,
            Gain::Exponential => (grade.min(500) as f64).exp2() - 1.0,
        }
    }
}

/// The ranking of one query, judged.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Grades by rank; `None` without judgement.
    grades: Vec<Option<i64>>,
    /// Grades of all judged documents, the best first.
    ideal: Vec<i64>,
}

impl Ranking {
    /// Orders a run (score by document id) and judges it.
    pub fn of_run(run: &BTreeMap<&str, f64>, judgements: &Judgements) -> Ranking {
        let mut order: Vec<(&str, f64)> = run.iter().map(|(id, score)| (*id, *score)).collect();
        order.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| b.cmp(a)));
        Ranking::of_order(order.into_iter().map(|(id, _)| id), judgements)
    }

    /// Judges documents that are in order. A document that comes again is not relevant there.
    pub fn of_order<'a>(
        order: impl IntoIterator<Item = &'a str>,
        judgements: &Judgements,
    ) -> Ranking {
        let mut left = judgements.clone();
        let grades = order.into_iter().map(|id| left.remove(id)).collect();
        let mut ideal: Vec<i64> = judgements.values().copied().collect();
        ideal.sort_unstable_by_key(|grade| Reverse(*grade));
        Ranking { grades, ideal }
    }

    /// Whether the document at each rank is relevant, up to a cut.
    fn hits(&self, cut: Option<NonZeroUsize>) -> impl Iterator<Item = bool> {
        let cut = cut.map_or(self.grades.len(), NonZeroUsize::get);
        self.grades.iter().take(cut).map(|grade| grade.is_some_and(|grade| grade >= 1))
    }

    /// Number of relevant documents up to a cut.
    fn found(&self, cut: Option<NonZeroUsize>) -> f64 {
        self.hits(cut).filter(|hit| *hit).count() as f64
    }

    /// Number of relevant documents of the query, found or not.
    fn relevant(&self) -> usize {
        self.ideal.iter().filter(|grade| **grade >= 1).count()
    }

    /// `figure` divided by the number of relevant documents, 0 where there are none.
    fn per_relevant(&self, figure: f64) -> f64 {
        match self.relevant() {
            0 => 0.0,
            relevant => figure / relevant as f64,
        }
    }

    /// Share of the first k ranks that are relevant (`P_k`); divides by k also where fewer
    /// documents were retrieved.
    pub fn precision(&self, k: NonZeroUsize) -> f64 {
        self.found(Some(k)) / k.get() as f64
    }

    /// Share of the relevant documents that are among the first k (`recall_k`).
    pub fn recall(&self, k: NonZeroUsize) -> f64 {
        self.per_relevant(self.found(Some(k)))
    }

    /// Harmonic mean of precision and recall at k; 0 where both are 0.
    pub fn f1(&self, k: NonZeroUsize) -> f64 {
        let (precision, recall) = (self.precision(k), self.recall(k));
        let sum = precision + recall;
        if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 }
    }

    /// 1 where a relevant document is among the first k (`success_k`, hit rate), else 0.
    pub fn success(&self, k: NonZeroUsize) -> f64 {
        f64::from(u8::from(self.hits(Some(k)).any(|hit| hit)))
    }

    /// 1 / rank of the first relevant document, 0 where none is found up to the cut. trec_eval has
    /// no cut.
    pub fn reciprocal_rank(&self, cut: Option<NonZeroUsize>) -> f64 {
        let first = (1u32..).zip(self.hits(cut)).find(|(_, hit)| *hit);
        first.map_or(0.0, |(rank, _)| 1.0 / f64::from(rank))
    }

    /// Average precision (`map`, `map_cut_k`): the sum of the precisions at the ranks of relevant
    /// documents, divided by the number of **all** relevant documents.
    pub fn average_precision(&self, cut: Option<NonZeroUsize>) -> f64 {
        self.per_relevant(self.precisions(cut))
    }

    /// The same sum divided by the number of relevant documents **found** up to k, as the context
    /// precision of ragas. It does not see what was missed.
    pub fn context_precision(&self, k: NonZeroUsize) -> f64 {
        let found = self.found(Some(k));
        if found > 0.0 { self.precisions(Some(k)) / found } else { 0.0 }
    }

    fn precisions(&self, cut: Option<NonZeroUsize>) -> f64 {
        let (mut found, mut sum) = (0.0, 0.0);
        for (rank, _) in (1u32..).zip(self.hits(cut)).filter(|(_, hit)| *hit) {
            found += 1.0;
            sum += found / f64::from(rank);
        }
        sum
    }

    /// Precision at the rank that is the number of relevant documents (`Rprec`).
    pub fn r_precision(&self) -> f64 {
        NonZeroUsize::new(self.relevant()).map_or(0.0, |relevant| self.precision(relevant))
    }

    /// Binary preference (Buckley & Voorhees 2004): for each relevant document found, the share of
    /// judged, not relevant ones that are ranked below it; documents without judgement do not count.
    pub fn bpref(&self) -> f64 {
        let relevant = self.relevant();
        let irrelevant = self.ideal.iter().filter(|grade| **grade == 0).count();
        let bound = irrelevant.min(relevant) as f64;
        let (mut above, mut sum) = (0usize, 0.0);
        for grade in self.grades.iter().flatten() {
            match grade {
                1.. if above > 0 => sum += 1.0 - above.min(relevant) as f64 / bound,
                1.. => sum += 1.0,
                0 => above = above.saturating_add(1),
                _ => {}
            }
        }
        self.per_relevant(sum)
    }

    /// Normalised discounted cumulative gain (`ndcg`, `ndcg_cut_k`, Järvelin & Kekäläinen 2002): the
    /// discount is log2(rank + 1), and the ideal runs over all judged documents, up to the same cut.
    pub fn ndcg(&self, cut: Option<NonZeroUsize>, gain: Gain) -> f64 {
        let ideal = dcg(self.ideal.iter().copied(), cut, gain);
        let grades = self.grades.iter().map(|grade| grade.unwrap_or(0));
        if ideal > 0.0 { dcg(grades, cut, gain) / ideal } else { 0.0 }
    }
}

fn dcg(grades: impl Iterator<Item = i64>, cut: Option<NonZeroUsize>, gain: Gain) -> f64 {
    let cut = cut.map_or(usize::MAX, NonZeroUsize::get);
    (1u32..)
        .zip(grades.take(cut))
        .map(|(rank, grade)| gain.of(grade) / (f64::from(rank) + 1.0).log2())
        .sum()
}
