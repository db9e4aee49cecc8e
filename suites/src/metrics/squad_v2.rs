//! Exact match and token F1 of SQuAD v2.0, with questions that have no answer (Rajpurkar et al.
//! 2018, `evaluate-v2.0.py`).
//!
//! The normalisation and the tokens are those of v1.1 ([`squad`]). Two rules differ: golds whose
//! normal form is empty are dropped, and an empty text is the only gold where none is left; and F1
//! is 1 where both sides are empty. So an empty answer is right for a question without answer.
//!
//! Figures of one question are in [0, 1], those of a corpus are means in per cent.

use super::squad;

/// Whether an answer equals an accepted one after normalisation, or is empty where none is accepted.
pub fn exact_match(answer: &str, golds: &[&str]) -> bool {
    let answer = squad::normalise(answer);
    accepted(golds).contains(&answer)
}

/// Best token F1 of an answer over the accepted ones.
pub fn f1(answer: &str, golds: &[&str]) -> f64 {
    let answer = squad::normalise(answer);
    let f1 = |gold: &String| {
        if answer.is_empty() || gold.is_empty() {
            f64::from(u8::from(answer == *gold))
        } else {
            squad::f1_of_normalised(&answer, gold)
        }
    };
    accepted(golds).iter().map(f1).fold(0.0, f64::max)
}

/// The normal forms an answer is compared with.
fn accepted(golds: &[&str]) -> Vec<String> {
    let mut forms: Vec<String> = golds.iter().map(|gold| squad::normalise(gold)).collect();
    forms.retain(|form| !form.is_empty());
    if forms.is_empty() {
        forms.push(String::new());
    }
    forms
}

/// One question of a corpus with what a system said.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The accepted answers; none where the question has no answer.
    pub golds: Vec<&'a str>,
    /// The answer, empty where the system found none.
    pub answer: &'a str,
    /// How probable the system holds it that there is no answer.
    pub no_answer: f64,
}

/// Means over questions, in per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// Exact match.
    pub exact: f64,
    /// Token F1.
    pub f1: f64,
    /// Number of questions.
    pub total: usize,
}

/// The best figure that a threshold can give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// The figure, in per cent.
    pub figure: f64,
    /// The smallest threshold that gives it; 0 where it is best to answer nothing.
    pub threshold: f64,
}

/// The figures of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// All questions.
    pub all: Means,
    /// Questions that have an answer.
    pub has_answer: Option<Means>,
    /// Questions that have none.
    pub no_answer: Option<Means>,
    /// Best exact match over all thresholds.
    pub best_exact: Best,
    /// Best token F1 over all thresholds.
    pub best_f1: Best,
}

/// The figures of a corpus; `None` without questions.
///
/// A question whose `no_answer` is above `threshold` is scored as if nothing had been answered.
/// Whether it has an answer is decided by its golds as they are given, also where all are empty
/// after normalisation.
pub fn report(questions: &[Question], threshold: f64) -> Option<Report> {
    let scored: Vec<Scored> = questions.iter().map(Scored::new).collect();
    let part = |wanted: fn(bool) -> bool| {
        let chosen = || scored.iter().filter(|s| wanted(s.has_answer));
        let total = chosen().count();
        let mean = |figure: fn(&Scored) -> f64| {
            100.0 * chosen().map(|s| s.under(threshold, figure)).sum::<f64>() / total as f64
        };
        (total > 0).then(|| Means { exact: mean(|s| s.exact), f1: mean(|s| s.f1), total })
    };
    Some(Report {
        all: part(|_| true)?,
        has_answer: part(|has_answer| has_answer),
        no_answer: part(|has_answer| !has_answer),
        best_exact: best(&scored, |s| s.exact),
        best_f1: best(&scored, |s| s.f1),
    })
}

/// A question's scores before any threshold.
struct Scored {
    has_answer: bool,
    answered: bool,
    no_answer: f64,
    exact: f64,
    f1: f64,
}

impl Scored {
    fn new(question: &Question) -> Scored {
        Scored {
            has_answer: !question.golds.is_empty(),
            answered: !question.answer.is_empty(),
            no_answer: question.no_answer,
            exact: f64::from(u8::from(exact_match(question.answer, &question.golds))),
            f1: f1(question.answer, &question.golds),
        }
    }

    fn under(&self, threshold: f64, figure: fn(&Scored) -> f64) -> f64 {
        if self.no_answer > threshold {
            f64::from(u8::from(!self.has_answer))
        } else {
            figure(self)
        }
    }
}

/// The script's search: all questions are taken for unanswered first, then answers are let through
/// one by one, the least doubtful first. A wrong answer to a question without one costs a point.
fn best(scored: &[Scored], figure: fn(&Scored) -> f64) -> Best {
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| a.no_answer.total_cmp(&b.no_answer));
    let mut points = scored.iter().filter(|s| !s.has_answer).count() as f64;
    let (mut most, mut threshold) = (points, 0.0);
    for question in order {
        points += match (question.has_answer, question.answered) {
            (true, _) => figure(question),
            (false, true) => -1.0,
            (false, false) => 0.0,
        };
        if points > most {
            (most, threshold) = (points, question.no_answer);
        }
    }
    Best { figure: 100.0 * most / scored.len() as f64, threshold }
}
