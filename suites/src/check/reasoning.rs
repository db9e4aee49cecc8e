//! Checks what a reasoning suite says about reading: `answer.filters` and `answer.readings`.

use super::Document;
use crate::metrics::Metric;
use crate::problem::Problem;
use crate::schema::{FilterWord, Ordered, SuiteFile};
use crate::tasks::reasoning::{Filter, Pipeline};
use crate::tasks::{Pattern, Reasoning};

/// The task, with `expected` as the column of right answers.
pub(super) fn check(
    file: &SuiteFile,
    expected: String,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Reasoning {
    let filters = match &file.answer.filters {
        Some(words) => filters_of(words, &["answer", "filters"], document, problems),
        None => vec![Filter::Strict, Filter::Flexible],
    };
    let mut beside = Vec::new();
    for (name, words) in file.answer.readings.iter().flat_map(|Ordered(readings)| readings) {
        let path = ["answer", "readings", name.as_str()];
        if name.is_empty() || name.contains(['.', '/', ':']) {
            let problem = document.problem(&path, format!("`{name}` cannot name a reading"));
            problems.push(problem.remedy("a name has no `.`, `/` or `:` in it, such as `last`"));
        }
        let pipeline = filters_of(words, &path, document, problems);
        beside.push(Pipeline { name: name.clone(), filters: pipeline });
    }
    Reasoning { expected, filters, beside, primary: Metric::Accuracy }
}

fn filters_of(
    words: &[FilterWord],
    path: &[&str],
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Filter> {
    if words.is_empty() {
        let problem = document.problem(path, "there is no filter");
        problems
            .push(problem.remedy("leave the key out, or write one such as `[strict, flexible]`"));
    }
    let filter = |(i, word): (usize, &FilterWord)| match word {
        FilterWord::Strict => Some(Filter::Strict),
        FilterWord::Flexible => Some(Filter::Flexible),
        FilterWord::Regex(source) => Pattern::new(source)
            .map(Filter::Regex)
            .map_err(|bad| {
                let i = i.to_string();
                let path: Vec<&str> = path.iter().copied().chain([i.as_str()]).collect();
                problems.push(document.problem(&path, bad.message).remedy(bad.remedy));
            })
            .ok(),
    };
    words.iter().enumerate().filter_map(filter).collect()
}
