//! The sample browser: which samples there are, in which order their texts are embedded, the
//! columns that its list is drawn from, and a bounded excerpt that needs no script.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::HtmlError;
use super::blocks::{self, Blocks};
use super::figures::Name;
use crate::analysis::{Analysis, ModelView};
use crate::folder::{Row, RunFolder};
use crate::run::{Outcome, Scenario};
use crate::share::Salt;
use crate::{numbers, visible};

/// Samples that agree, embedded per suite before the rest.
const AGREEMENTS: usize = 200;
/// Samples in the list unless all texts are embedded: the list itself takes some 20 bytes a sample
/// in the file, and a page with a million of them no browser likes.
const MOST_LISTED: usize = 100_000;
/// Samples in the excerpt without script.
const EXCERPTS: usize = 25;
/// Characters of one text in the excerpt, and of all.
const EXCERPT_TEXT: usize = 1_500;
const EXCERPT_ALL: usize = 120_000;

/// One sample: its rows stand together in the folder.
#[derive(Debug)]
pub struct Sample {
    pub suite: u32,
    rows: Range<u32>,
    /// 0 holds an unanswered unit, 1 a wrong answer, 2 all right.
    class: u8,
}

/// The samples of a run, or those of them that are listed.
#[derive(Debug)]
pub struct Samples {
    pub listed: Vec<Sample>,
    /// Indices in the order in which their texts are embedded.
    pub order: Vec<usize>,
    /// Samples of the run.
    pub count: usize,
    /// The scenario that quality is read in, by suite and model.
    quality: BTreeMap<(usize, usize), Scenario>,
}

impl Samples {
    /// The samples of an opened folder. Units of a pair of suite and model that is not measured
    /// do not count for the order: a server that was down would fill it with its one error. With
    /// `all` every sample is listed, else the first [`MOST_LISTED`] in the order of embedding.
    pub fn of(folder: &RunFolder, analysis: &Analysis, all: bool) -> Self {
        let rows = folder.rows();
        let results = &analysis.results;
        let measured: Vec<bool> = results
            .suites
            .iter()
            .flat_map(|suite| results.models.iter().map(|model| (&suite.name, &model.id)))
            .map(|(suite, model)| results.cell(suite, model).is_some_and(|cell| cell.measured))
            .collect();
        let measured = |row: &&Row| {
            measured.get(row.suite * results.models.len() + row.model).copied().unwrap_or(false)
        };
        let mut quality: BTreeMap<(usize, usize), Scenario> = BTreeMap::new();
        for row in rows {
            let scenario = quality.entry((row.suite, row.model)).or_insert(row.scenario);
            *scenario = (*scenario).min(row.scenario);
        }
        let mut samples = Samples { listed: Vec::new(), order: Vec::new(), count: 0, quality };
        let mut start = 0u32;
        for (at, row) in (1u32..).zip(rows) {
            let next = rows.get(at as usize);
            if next.is_none_or(|n| n.suite != row.suite || n.sample != row.sample) {
                let range = start..at;
                let class =
                    samples.shown(rows, &range).filter(measured).map(class).min().unwrap_or(2);
                let suite = u32::try_from(row.suite).unwrap_or(u32::MAX);
                samples.listed.push(Sample { suite, rows: range, class });
                start = at;
            }
        }
        samples.count = samples.listed.len();
        samples.order = samples.ordered(folder);
        if !all && samples.count > MOST_LISTED {
            samples.list(MOST_LISTED);
        }
        samples
    }

    /// Keeps the first `most` samples in the order of embedding.
    fn list(&mut self, most: usize) {
        self.order.truncate(most);
        let mut kept = self.order.clone();
        kept.sort_unstable();
        let mut at = 0;
        let mut next = kept.iter().peekable();
        self.listed.retain(|_| {
            let keep = next.next_if(|index| **index == at).is_some();
            at += 1;
            keep
        });
        self.listed.shrink_to_fit();
        self.order.shrink_to_fit();
        for index in &mut self.order {
            *index = kept.partition_point(|before| *before < *index);
        }
    }

    /// The id of a sample.
    fn id<'a>(&self, folder: &'a RunFolder, sample: &Sample) -> &'a str {
        folder.rows().get(sample.rows.start as usize).map_or("", |row| folder.sample(row))
    }

    /// The units of a sample that are shown: those of the pass that quality is read in.
    pub fn units<'a>(&'a self, folder: &'a RunFolder, sample: &Sample) -> Vec<&'a Row> {
        self.shown(folder.rows(), &sample.rows).collect()
    }

    fn shown<'a>(&'a self, rows: &'a [Row], range: &Range<u32>) -> impl Iterator<Item = &'a Row> {
        let rows = rows.get(range.start as usize..range.end as usize).unwrap_or_default();
        rows.iter().filter(|row| self.quality.get(&(row.suite, row.model)) == Some(&row.scenario))
    }

    /// Unanswered first, then wrong, then a seeded choice of the rest, suite by suite; the same
    /// for the same run.
    fn ordered(&self, folder: &RunFolder) -> Vec<usize> {
        let seed = folder.manifest.seed;
        let mut keyed: Vec<(u8, [u8; 8], u32)> = (0u32..)
            .zip(&self.listed)
            .map(|(index, sample)| {
                (sample.class, draw(seed, sample.suite, self.id(folder, sample)), index)
            })
            .collect();
        keyed.sort_unstable();
        let mut taken: BTreeMap<u32, usize> = BTreeMap::new();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (class, _, index) in keyed {
            let index = index as usize;
            let suite = self.listed.get(index).map_or(0, |sample| sample.suite);
            let count = taken.entry(suite).or_default();
            if class < 2 || *count < AGREEMENTS {
                *count += usize::from(class == 2);
                first.push(index);
            } else {
                rest.push(index);
            }
        }
        first.extend(rest);
        first
    }
}

fn class(row: &Row) -> u8 {
    match row.outcome {
        Outcome::Scored if row.score.is_some_and(|score| score < 1.0) => 1,
        Outcome::Scored => 2,
        _ => 0,
    }
}

fn draw(seed: u64, suite: u32, id: &str) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(u64::from(suite).to_le_bytes())
        .chain_update(id)
        .finalize();
    let mut key = [0u8; 8];
    key.iter_mut().zip(digest).for_each(|(slot, byte)| *slot = byte);
    key
}

/// What the list of the browser is drawn from.
#[derive(Serialize)]
struct Columns {
    share: bool,
    /// Samples of the run: not all of many are listed.
    count: usize,
    suites: Vec<String>,
    models: Vec<String>,
    /// Suite of each sample.
    suite: Vec<u32>,
    /// Id of each sample.
    id: Vec<String>,
    /// Block that holds the texts of each sample; -1 for none.
    block: Vec<i64>,
    /// Outcome of each sample, a string a model: `s`, `u`, `t`, `r`, `e`, or `-` for not asked.
    outcome: Vec<String>,
    /// Score of each sample in thousandths, a list a model; -1 for none.
    score: Vec<Vec<i32>>,
}

/// Writes the columns as one compressed block.
pub fn write_columns(
    analysis: &Analysis,
    folder: &RunFolder,
    samples: &Samples,
    texts: &Blocks,
    salt: Option<&Salt>,
    out: &mut impl Write,
) -> Result<(), HtmlError> {
    let json = columns(analysis, folder, samples, texts, salt)?;
    blocks::write_block(out, "columns", &blocks::encode(&json)?)?;
    Ok(())
}

fn columns(
    analysis: &Analysis,
    folder: &RunFolder,
    samples: &Samples,
    texts: &Blocks,
    salt: Option<&Salt>,
) -> Result<Vec<u8>, HtmlError> {
    let models = analysis.results.models.len();
    let mut columns = Columns {
        share: salt.is_some(),
        count: samples.count,
        suites: analysis.results.suites.iter().map(|s| s.name.clone()).collect(),
        models: analysis.results.models.iter().map(|m| m.id.clone()).collect(),
        suite: Vec::new(),
        id: Vec::new(),
        block: Vec::new(),
        outcome: vec![String::with_capacity(samples.listed.len()); models],
        score: vec![Vec::with_capacity(samples.listed.len()); models],
    };
    for (index, sample) in samples.listed.iter().enumerate() {
        let id = samples.id(folder, sample);
        columns.suite.push(sample.suite);
        columns.id.push(salt.map_or_else(|| id.to_owned(), |salt| salt.hide(id)));
        columns.block.push(texts.block_of(index).and_then(|b| i64::try_from(b).ok()).unwrap_or(-1));
        let units = samples.units(folder, sample);
        for (model, (outcomes, scores)) in
            columns.outcome.iter_mut().zip(&mut columns.score).enumerate()
        {
            let mine = || units.iter().filter(|row| row.model == model);
            // Of several repeats the worst is listed; all of them are shown.
            let worst = mine().min_by_key(|row| (class(row), thousandths(row)));
            outcomes.push(worst.map_or('-', |row| letter(row.outcome)));
            scores.push(worst.map_or(-1, |row| thousandths(row)));
        }
    }
    Ok(serde_json::to_vec(&columns)?)
}

fn thousandths(row: &Row) -> i32 {
    row.score.map_or(-1, |score| (score * 1000.0).round() as i32)
}

fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::Scored => 's',
        Outcome::Unparsed => 'u',
        Outcome::Truncated => 't',
        Outcome::Refused => 'r',
        Outcome::Error => 'e',
    }
}

/// A sample as it stands in the page itself.
#[derive(Debug, Serialize)]
pub struct Excerpt {
    suite: String,
    id: String,
    prompt: Vec<(String, String)>,
    expected: String,
    answers: Vec<Said>,
}

#[derive(Debug, Serialize)]
struct Said {
    model: Name,
    outcome: String,
    score: String,
    text: String,
    reading: String,
}

/// The first samples that some model did not answer rightly; bounded in number and length.
pub fn excerpts(
    folder: &RunFolder,
    samples: &Samples,
    texts: &Blocks,
) -> Result<Vec<Excerpt>, HtmlError> {
    let mut reader = folder.texts()?;
    let mut excerpts = Vec::new();
    let mut used = 0usize;
    for index in &samples.order {
        let Some(sample) = samples.listed.get(*index).filter(|sample| sample.class < 2) else {
            break;
        };
        if excerpts.len() >= EXCERPTS || used > EXCERPT_ALL || texts.block_of(*index).is_none() {
            break;
        }
        let item = blocks::item(folder, samples, *index, &mut reader)?;
        let excerpt = excerpt(folder, sample, item);
        used = used.saturating_add(excerpt.size());
        excerpts.push(excerpt);
    }
    Ok(excerpts)
}

fn excerpt(folder: &RunFolder, sample: &Sample, item: blocks::Item) -> Excerpt {
    let text = |text: &str| visible::capped(&visible::text(text), EXCERPT_TEXT).into_owned();
    let prompt = item.prompts.into_iter().next().unwrap_or_default();
    let name = |model: usize| {
        let entry = folder.manifest.models.get(model);
        entry.map(|entry| Name::from(&ModelView::from(entry)))
    };
    Excerpt {
        suite: folder
            .manifest
            .suites
            .get(sample.suite as usize)
            .map_or(String::new(), |suite| visible::line(&suite.name).into_owned()),
        id: visible::line(&item.id).into_owned(),
        prompt: prompt.iter().map(|m| (text(&m.role), text(&m.text))).collect(),
        expected: text(&item.expected),
        answers: item
            .answers
            .iter()
            .filter_map(|answer| {
                Some(Said {
                    model: name(answer.model)?,
                    outcome: answer.outcome.clone(),
                    score: answer.score.map_or(numbers::DASH.into(), |s| format!("{s:.2}")),
                    text: text(if answer.error.is_empty() { &answer.text } else { &answer.error }),
                    reading: text(&answer.reading),
                })
            })
            .collect(),
    }
}

impl Excerpt {
    fn size(&self) -> usize {
        let prompt: usize = self.prompt.iter().map(|(_, text)| text.len()).sum();
        let answers: usize = self.answers.iter().map(|a| a.text.len() + a.reading.len() + 80).sum();
        prompt.saturating_add(answers).saturating_add(self.expected.len())
    }
}
