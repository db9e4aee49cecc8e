//! The keys of a pii suite.

use super::{Document, finder};
use crate::metrics::Metric;
use crate::problem::Problem;
use crate::schema::{SuiteFile, Types};
use crate::tasks::Pii;

/// Makes the task of what is written.
pub(super) fn check(
    file: &SuiteFile,
    Types(types): &Types,
    document: Document<'_>,
    problems: &mut Vec<Problem>,
) -> Pii {
    if types.is_empty() {
        let problem = document.problem(&["types"], "there is no type of personal data");
        problems.push(problem.remedy("name at least one: `types: [PERSON, EMAIL]`"));
    }
    let mut patterns = Vec::new();
    for (i, (kind, spec)) in types.iter().enumerate() {
        let same = |(other, _): &(String, _)| other.to_lowercase() == kind.to_lowercase();
        if types.iter().take(i).any(same) {
            let message = format!("the type `{kind}` stands twice in the list");
            problems.push(document.problem(&["types"], message).remedy("keep one of them"));
        }
        if kind.trim() != kind || kind.is_empty() || kind.contains(['(', ')']) {
            let message = format!("`{kind}` cannot name a type");
            let remedy = "remove white space around it, and parentheses";
            problems.push(document.problem(&["types"], message).remedy(remedy));
        }
        let path = ["types", kind, "pattern"];
        let compiled = spec.pattern.as_ref().and_then(|p| finder(p, &path, document, problems));
        patterns.extend(compiled.map(|pattern| (kind.clone(), pattern)));
    }
    Pii {
        text: file.text.clone().unwrap_or_else(|| "text".to_owned()),
        expected: file.expected.clone().unwrap_or_else(|| "spans".to_owned()),
        types: types.iter().map(|(kind, _)| kind.clone()).collect(),
        patterns,
        primary: Metric::CharacterRecall,
    }
}
