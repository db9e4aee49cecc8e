//! What a baseline reads of a sample: the columns that the prompt shows, and nothing else of the
//! row, so that it knows what a model knows. Ids and tags stay out.

use std::collections::BTreeSet;

use crate::sample::{Sample, scalar};
use crate::suite::Suite;

/// The columns that are read, in the order of their names.
///
/// Their order decides only which words meet where one column ends and the next begins. Names give
/// one that an edit of the prompt's wording does not change.
#[derive(Debug, Clone)]
pub(super) struct Input {
    columns: BTreeSet<String>,
}

impl Input {
    /// The columns that a suite's prompt uses.
    pub(super) fn of(suite: &Suite) -> Input {
        let templates = &suite.templates;
        let names = templates.needs().into_iter().map(|(_, name)| name);
        let columns = names.filter(|name| !templates.variables.contains_key(name)).collect();
        Input { columns }
    }

    /// The text of a sample, joined by blanks. Numbers and truth values are taken as their text, as
    /// a csv file has them; lists and objects are left out.
    pub(super) fn text(&self, sample: &Sample) -> String {
        let parts = self.columns.iter().filter_map(|column| scalar(sample.fields.get(column)?));
        parts.collect::<Vec<_>>().join(" ")
    }
}
