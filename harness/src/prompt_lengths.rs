//! How long the prompts of a suite are: in characters, and in tokens of each local model.

use std::fmt;
use std::path::Path;

use rightsize_providers::demo_models;
use rightsize_reports::numbers;
use rightsize_suites::Suite;

use crate::bakeoff::ModelEntry;
use crate::plan;

/// Lengths of some prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    least: usize,
    median: usize,
    most: usize,
}

impl Lengths {
    /// `None` without any length.
    fn of(mut lengths: Vec<usize>) -> Option<Lengths> {
        lengths.sort_unstable();
        let (least, most) = (*lengths.first()?, *lengths.last()?);
        Some(Lengths { least, median: *lengths.get(lengths.len() / 2)?, most })
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, median, most] =
            [self.least, self.median, self.most].map(|length| numbers::count(length as u64));
        write!(f, "{least} to {most}, in the median {median}")
    }
}

/// The length of a suite's prompts in characters.
pub fn in_characters(suite: &Suite) -> Option<Lengths> {
    let asks = suite.samples.iter().filter_map(|sample| suite.ask(&sample, 0).ok());
    let length = |(_, text): (&str, &str)| text.chars().count();
    Lengths::of(asks.map(|ask| plan::messages(&ask).into_iter().map(length).sum()).collect())
}

/// What a local model makes of a suite's prompts: their length in its tokens, and a warning where one
/// and its answer do not fit into the context. `None` for a model whose tokens are not known here.
pub fn in_tokens(entry: &ModelEntry, base: &Path, suite: &Suite) -> Option<String> {
    let path =
        demo_models::resolve(&entry.model, base).ok().filter(|_| entry.provider.is_local())?;
    let (lengths, answer) = counted(entry, &path, suite)?;
    let needed = (lengths.most as u64).saturating_add(u64::from(answer));
    let mut line = format!(
        "{}: prompts of {lengths} tokens, answers of at most {}",
        suite.name,
        numbers::count(u64::from(answer))
    );
    if let Some(context) = entry.context.filter(|context| u64::from(*context) < needed) {
        line.push_str(&format!("; the longest do not fit into the context of {context} tokens"));
    }
    Some(line)
}

/// The lengths in tokens, and the most tokens of an answer.
#[cfg(feature = "candle")]
fn counted(entry: &ModelEntry, path: &Path, suite: &Suite) -> Option<(Lengths, u32)> {
    use rightsize_providers::AskKind;
    use rightsize_providers::local::candle::Prompts;

    /// Most prompts that are made tokens of, evenly spaced: a check ends in seconds.
    const MOST_COUNTED: usize = 2000;

    let mut prompts = Prompts::open(path).ok()?;
    let step = suite.samples.len().div_ceil(MOST_COUNTED).max(1);
    let (mut lengths, mut answer) = (Vec::new(), 0);
    for sample in suite.samples.iter().step_by(step) {
        let Ok(ask) = suite.ask(&sample, 0) else { continue };
        let AskKind::Generate(generate) = &ask.kind else { continue };
        answer = entry.sampling.max_tokens.unwrap_or(generate.max_tokens);
        lengths.extend(prompts.count(&generate.prompt).ok());
    }
    Lengths::of(lengths).map(|lengths| (lengths, answer))
}

/// Without candle's tokenizers nothing is counted.
#[cfg(not(feature = "candle"))]
fn counted(_: &ModelEntry, _: &Path, _: &Suite) -> Option<(Lengths, u32)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_some_prompts() {
        assert_eq!(Lengths::of(Vec::new()), None);
        let lengths = Lengths::of(vec![12, 1200, 7]).unwrap();
        assert_eq!(lengths.to_string(), "7 to 1,200, in the median 12");
    }
}
