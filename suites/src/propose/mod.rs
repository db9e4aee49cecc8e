//! From rows to a suite: what somebody's own file is about, read off its columns.
//!
//! ```text
//! rows ─flatten─▶ columns ─kind─▶ task, expected ─roles─▶ input, id, tags ─split─▶ Proposal ─▶ YAML
//! ```
//!
//! Pure functions: they open no file and ask nobody. What is doubtful is marked, so that a command
//! can ask about it and propose again with the answer among the [`Wishes`].

mod column;
mod flatten;
mod kind;
mod roles;
mod split;
mod target;
#[cfg(test)]
mod tests;
mod yaml_text;

use std::path::Path;

use rightsize_providers::Fields;

use crate::dataset;
use crate::problem::{Problem, listed, nearest};
use column::Column;
pub use kind::Kind;
pub use split::{Splits, Written};
use target::Target;
pub use yaml_text::{Facts, word};

/// Whether a file's name says that it holds rows.
pub fn is_data_file(name: &str) -> bool {
    dataset::names_rows(name)
}

/// Reads the rows of a data file.
///
/// # Errors
/// The file cannot be read, or a row of it is broken: with line and remedy.
pub fn read(path: &Path) -> Result<Vec<Fields>, Problem> {
    let rows = dataset::read_file(path, &path.display().to_string(), None)?;
    rows.iter().map(|row| row.map(|row| row.fields)).collect()
}

/// What is wanted whatever the columns look like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// The kind of task.
    pub kind: Option<Kind>,
    /// The columns that a prompt shows; empty where they are to be found.
    pub input: Vec<String>,
    /// The column with what is expected.
    pub expected: Option<String>,
    /// The column that names a row.
    pub id: Option<String>,
    /// The share of rows that become test rows, in (0, 1]; 1 keeps all of them.
    pub test_share: Option<f64>,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The kind of task.
    Kind,
    /// The column with what is expected.
    Expected,
    /// The columns that a prompt shows.
    Input,
    /// Labels, fields or types.
    Values,
    /// The column that names a row.
    Id,
    /// Columns by which results can be told apart.
    Tags,
    /// Rows that are not independent of each other.
    Cluster,
    /// Which rows are asked, and which are learned from.
    Splits,
    /// Rows that a suite cannot use.
    LeftOut,
}

impl Subject {
    /// Its word in a table.
    pub fn word(self) -> &'static str {
        match self {
            Subject::Kind => "task",
            Subject::Expected => "expected",
            Subject::Input => "input",
            Subject::Values => "values",
            Subject::Id => "id",
            Subject::Tags => "tags",
            Subject::Cluster => "cluster",
            Subject::Splits => "rows",
            Subject::LeftOut => "left out",
        }
    }
}

/// One decision, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it is about.
    pub subject: Subject,
    /// What was decided.
    pub value: String,
    /// Why.
    pub why: String,
    /// Whether another decision is nearly as likely, so that a person should look.
    pub doubtful: bool,
}

/// A suite that fits the rows.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The kind of task.
    pub kind: Kind,
    /// What was decided and why, in the order in which it was.
    pub decisions: Vec<Decision>,
    /// The test and train rows.
    pub splits: Splits,
    /// Longest input of a row, in characters.
    pub longest_input: usize,
    /// Longest expected answer, in characters.
    longest_expected: usize,
    target: Target,
    input: Vec<roles::Input>,
    id: Option<String>,
    tags: Vec<String>,
    cluster: Option<String>,
}

/// Proposes a suite for the rows of a file. `train` are the rows of a file beside it that is meant
/// to be learned from, where there is one.
///
/// # Errors
/// No kind of task fits the columns, or a wish names a column that is not there; with the remedy.
/// `name` is how the file is called.
pub fn propose(
    name: &str,
    rows: &[Fields],
    train: Option<&[Fields]>,
    wishes: &Wishes,
) -> Result<Proposal, Problem> {
    let flat = flatten::rows(rows);
    let flat_train = train.map(flatten::rows);
    let columns = Column::of(&flat);
    check_wishes(name, &columns, wishes)?;
    let mut decisions = Vec::new();
    let (kind, mut target) = kind::find(name, &flat, &columns, wishes, &mut decisions)?;
    let input = roles::input(name, &flat, &columns, &target, wishes, &mut decisions)?;
    target.look_at(&flat, flat_train.as_deref(), &mut decisions);
    let id = roles::id(&columns, &target, &input, wishes, &mut decisions);
    let taken = roles::Taken { target: &target, input: &input, id: id.as_deref() };
    let cluster = roles::cluster(&columns, &taken, &mut decisions);
    let tags = roles::tags(&flat, &columns, &taken, cluster.as_deref(), &mut decisions);
    let usable = |rows: &[Fields]| -> Vec<usize> {
        let all = rows.iter().enumerate();
        all.filter(|(_, row)| target.fits(row)).map(|(i, _)| i).collect()
    };
    let used = usable(&flat);
    if used.is_empty() {
        let problem = Problem::of_file(name, "no row has what is expected");
        return Err(problem.remedy("name another column with --expected"));
    }
    if used.len() < rows.len() {
        decisions.push(Decision {
            subject: Subject::LeftOut,
            value: format!("{} of {} rows", rows.len().saturating_sub(used.len()), rows.len()),
            why: format!("`{}` is empty or cannot be read there", target.column()),
            doubtful: false,
        });
    }
    let longest_input = flat.iter().map(|row| roles::length(row, &input)).max().unwrap_or(0);
    let longest_expected = flat.iter().map(|row| target.length(row)).max().unwrap_or(0);
    let make = split::Making {
        rows: &flat,
        raw: rows,
        used,
        train: flat_train.as_deref().map(|rows| (rows, usable(rows))),
        raw_train: train.unwrap_or_default(),
        target: &target,
        input: &input,
        id: id.as_deref(),
        tags: &tags,
        cluster: cluster.as_deref(),
        marks: columns.iter().find(|c| c.names_splits()).map(|c| c.name.as_str()),
        share: wishes.test_share,
    };
    let splits = split::make(make, &mut decisions);
    Ok(Proposal {
        kind,
        decisions,
        splits,
        longest_input,
        longest_expected,
        target,
        input,
        id,
        tags,
        cluster,
    })
}

/// Columns that are wished for must be there.
fn check_wishes(name: &str, columns: &[Column], wishes: &Wishes) -> Result<(), Problem> {
    let named = wishes.input.iter().chain(&wishes.expected).chain(&wishes.id);
    for wish in named {
        if !columns.iter().any(|column| column.name == *wish) {
            let names = || columns.iter().map(|column| column.name.as_str());
            let problem = Problem::of_file(name, format!("there is no column `{wish}`"));
            return Err(problem.remedy(match nearest(wish, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the columns are {}", listed(names())),
            }));
        }
    }
    match wishes.test_share {
        Some(share) if !(share > 0.0 && share <= 1.0) => {
            let problem = Problem::of_file(name, format!("the test share {share} is no share"));
            Err(problem.remedy("give a number above 0 and up to 1, such as 0.5"))
        }
        _ => Ok(()),
    }
}

impl Proposal {
    /// The labels with their counts, for classification; names of fields or types with the number
    /// of rows that have them.
    pub fn values(&self) -> &[(String, usize)] {
        self.target.values()
    }

    /// Whether the baselines have something to learn from.
    pub fn has_train(&self) -> bool {
        self.splits.has_train()
    }
}
