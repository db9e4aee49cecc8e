//! The report as one self-contained HTML file.
//!
//! Nothing is fetched: one style, one script, both allowed by their digests in a
//! Content-Security-Policy that forbids everything else. Model output is hostile: templates escape
//! all of it, the script writes text nodes only. Everything but the sample browser is readable
//! without the script. The file is written as a stream; texts of samples pass through in blocks.

mod assets;
mod blocks;
mod browser;
mod failures;
mod figures;
mod method;
mod modes;
mod plot;
mod slices;
mod strip;
mod table;
mod tasks;
mod variants;

use std::io::Write;

use minijinja::{Environment, context};

use crate::analysis::{Analysis, ModelView};
use crate::folder::{FolderError, RunFolder};
use crate::numbers;
use crate::share::{self, Salt};

/// Bytes that the sample browser may take by default: 3 MB.
pub const BUDGET: usize = 3_000_000;

/// What the report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Leave every text of a sample out; see [`crate::share`].
    pub share: bool,
    /// How many texts of samples to embed.
    pub embed: Embed,
}

/// How many texts of samples a report embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Embed {
    /// As many as [`BUDGET`] holds: first samples with an unanswered unit, then those that a model
    /// got wrong or models differ on, then a seeded choice of the rest.
    #[default]
    Budget,
    /// At most so many bytes of compressed and encoded texts.
    Bytes(usize),
    /// All.
    All,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// The run folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file that is written.
    #[error("cannot write the report: {0}")]
    Io(#[from] std::io::Error),
    /// A template.
    #[error("cannot render the report: {0:#}")]
    Template(#[from] minijinja::Error),
    /// A value that cannot be embedded.
    #[error("cannot embed samples: {0}")]
    Json(#[from] serde_json::Error),
}

/// How many samples a written report holds texts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Samples whose prompt, answers and expectation are in the file.
    pub texts: usize,
    /// Samples of the run.
    pub samples: usize,
}

/// Writes the report.
///
/// # Errors
/// When the folder changed since it was opened, or `out` cannot be written.
pub fn write(
    folder: &RunFolder,
    analysis: &Analysis,
    options: &Options,
    out: &mut impl Write,
) -> Result<Written, HtmlError> {
    let salt = options.share.then(Salt::random);
    let shared;
    let analysis = match &salt {
        Some(salt) => {
            shared = share::without_texts(analysis, salt);
            &shared
        }
        None => analysis,
    };
    let samples = browser::Samples::of(folder, analysis, options.embed == Embed::All);
    let mut texts = match (&salt, options.embed) {
        (Some(_), _) => blocks::Blocks::none(),
        (None, Embed::All) => blocks::Blocks::all(&samples),
        (None, Embed::Budget) => blocks::Blocks::within(folder, &samples, BUDGET)?,
        (None, Embed::Bytes(bytes)) => blocks::Blocks::within(folder, &samples, bytes)?,
    };
    let excerpts = match &salt {
        Some(_) => Vec::new(),
        None => browser::excerpts(folder, &samples, &texts)?,
    };
    let written = Written { texts: texts.samples(), samples: samples.count };

    out.write_all(assets::head(&analysis.results.name).as_bytes())?;
    let templates = templates()?;
    templates.get_template("page.html")?.render_captured_to(
        context! {
            name => crate::visible::line(&analysis.results.name),
            share => options.share,
            written => context! {
                texts => numbers::count(written.texts as u64),
                samples => numbers::count(written.samples as u64),
                all => written.texts == written.samples,
                listed => numbers::count(samples.listed.len() as u64),
                all_listed => samples.listed.len() == samples.count,
            },
            facts => method::facts(analysis),
            flags => method::flags(analysis),
            panels => strip::panels(analysis),
            baselines => analysis.results.models.iter().any(ModelView::is_baseline),
            tables => table::tables(analysis),
            plots => plot::plots(analysis),
            slices => slices::of(analysis),
            variants => variants::of(analysis),
            modes => modes::of(analysis),
            tasks => tasks::of(analysis),
            failures => failures::of(analysis),
            excerpts => excerpts,
            method => method::of(analysis),
        },
        &mut *out,
    )?;
    texts.write(folder, &samples, out)?;
    browser::write_columns(analysis, folder, &samples, &texts, salt.as_ref(), out)?;
    out.write_all(assets::tail().as_bytes())?;
    out.flush()?;
    Ok(written)
}

/// The templates; their names end in `.html`, so that everything in them is escaped.
fn templates() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    for (name, source) in assets::TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}
