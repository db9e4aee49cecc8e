//! Translation edit rate (Snover et al. 2006), with the semantics of sacrebleu 2, which repeats
//! those of tercom.
//!
//! Edits are insertions, deletions and substitutions of words, and shifts of blocks of words, which
//! a greedy search finds. The score is edits per word of the references in per cent: at least 0, and
//! above 100 for much too long texts. [`Counts`] of sentences add up.

use std::cmp::Reverse;

use super::text::{
    is_white, numbered, separate_points, separate_punctuation, surround, unescape, words,
};

/// How texts become words; the default is sacrebleu's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Whether case matters.
    pub case_sensitive: bool,
    /// Whether punctuation is separated and XML escapes are undone.
    pub normalized: bool,
    /// Whether punctuation is removed.
    pub no_punct: bool,
    /// Whether the above also treats Chinese and Japanese characters.
    pub asian_support: bool,
}

/// What TER is made of; the counts of sentences add up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Edits to the reference that needs fewest.
    pub edits: f64,
    /// Mean number of words of the references.
    pub reference_length: f64,
}

impl Counts {
    /// The counts of one sentence; `None` without references.
    pub fn of(hypothesis: &str, references: &[&str], settings: &Settings) -> Option<Counts> {
        let hypothesis = settings.normalise(hypothesis);
        let hypothesis: Vec<&str> = words(&hypothesis).collect();
        let mut lengths = 0.0;
        let mut fewest: Option<usize> = None;
        for reference in references {
            let reference = settings.normalise(reference);
            let reference: Vec<&str> = words(&reference).collect();
            lengths += reference.len() as f64;
            let (hypothesis, reference) = numbered(&hypothesis, &reference);
            let edits = edits(hypothesis, &reference);
            fewest = Some(fewest.map_or(edits, |fewest| fewest.min(edits)));
        }
        fewest.map(|edits| Counts {
            edits: edits as f64,
            reference_length: lengths / references.len() as f64,
        })
    }

    /// Adds the counts of another sentence.
    pub fn add(&mut self, other: &Counts) {
        self.edits += other.edits;
        self.reference_length += other.reference_length;
    }

    /// TER of the counts. Where the references have no words it is 100, or 0 without any edit.
    pub fn score(&self) -> f64 {
        if self.reference_length > 0.0 {
            100.0 * (self.edits / self.reference_length)
        } else if self.edits > 0.0 {
            100.0
        } else {
            0.0
        }
    }
}

impl Settings {
    /// tercom's tokenizer.
    fn normalise(&self, text: &str) -> String {
        let text = text.trim_end_matches(is_white);
        let mut text = if self.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        if self.normalized {
            text = normalise_western(&text);
            if self.asian_support {
                text = surround(&text, |c| is_asian(c) || is_asian_punctuation(c));
            }
        }
        if self.no_punct {
            let removed = |c: char| {
                matches!(c, '.' | ',' | '?' | ':' | ';' | '!' | '"' | '(' | ')')
                    || self.asian_support && is_asian_punctuation(c)
            };
            text.retain(|c| !removed(c));
        }
        text
    }
}

/// The line break before a dash goes with it, unlike in BLEU's tokenizer.
fn normalise_western(text: &str) -> String {
    let text = unescape(&text.replace("\n-", "").replace('\n', " "));
    let text = separate_punctuation(&format!(" {text} "));
    separate_points(&text.replace("'s ", " 's "))
}

/// Ideographs and their parts, which stand alone. tercom's rules for runs of kana apply at the
/// beginning of a text only, where a space is, so they never do.
fn is_asian(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2eff}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{3200}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}')
}

fn is_asian_punctuation(c: char) -> bool {
    matches!(c,
        '\u{3001}' | '\u{3002}'
        | '\u{3008}'..='\u{3011}'
        | '\u{3014}'..='\u{301f}'
        | '\u{30fb}'
        | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff0e}'
        | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}'
        | '\u{ff61}'..='\u{ff65}')
}

/// The longest block that is shifted, the farthest its places may be apart in both texts, and the
/// number of shifts after which the search ends: limits of tercom and sacrebleu.
const MAX_BLOCK: usize = 10;
const MAX_DISTANCE: usize = 50;
const MAX_CANDIDATES: usize = 1000;

/// Shifts, as long as one makes the rest cheaper, and the edits that then remain.
fn edits(mut hypothesis: Vec<u64>, reference: &[u64]) -> usize {
    if reference.is_empty() {
        return hypothesis.len();
    }
    let mut shifts = 0usize;
    let mut candidates = 0usize;
    while let Some(shifted) = best_shift(&hypothesis, reference, &mut candidates)
        && candidates < MAX_CANDIDATES
    {
        shifts = shifts.saturating_add(1);
        hypothesis = shifted;
    }
    shifts.saturating_add(Matrix::of(&hypothesis, reference).cost())
}

/// The shift that saves most; of those the longest block, then the first block, then the first
/// target. `None` where no shift saves anything.
fn best_shift(hypothesis: &[u64], reference: &[u64], candidates: &mut usize) -> Option<Vec<u64>> {
    let matrix = Matrix::of(hypothesis, reference);
    let cost = matrix.cost() as i64;
    let alignment = Alignment::of(&matrix.path());
    let mut best = None;
    for block in blocks(hypothesis, reference) {
        if !alignment.allows(&block) {
            continue;
        }
        let mut previous = None;
        for target in alignment.targets(&block) {
            if previous.replace(target) == Some(target) {
                continue;
            }
            let shifted = shift(hypothesis, &block, target);
            let saved = cost.saturating_sub(Matrix::of(&shifted, reference).cost() as i64);
            let rank = (saved, block.length, Reverse(block.start), Reverse(target));
            *candidates = candidates.saturating_add(1);
            if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, shifted));
            }
        }
        if *candidates >= MAX_CANDIDATES {
            break;
        }
    }
    best.filter(|((saved, ..), _)| *saved > 0).map(|(_, shifted)| shifted)
}

/// Words of the hypothesis that the reference has elsewhere.
struct Block {
    start: usize,
    in_reference: usize,
    length: usize,
}

/// Every block, by its start, then its place in the reference, then its length.
fn blocks(hypothesis: &[u64], reference: &[u64]) -> impl Iterator<Item = Block> {
    (0..hypothesis.len()).flat_map(move |start| {
        let first = start.saturating_sub(MAX_DISTANCE);
        let last = start.saturating_add(MAX_DISTANCE).saturating_add(1).min(reference.len());
        (first..last).flat_map(move |in_reference| {
            let own = hypothesis.iter().skip(start);
            let same = own.zip(reference.iter().skip(in_reference)).take_while(|(a, b)| a == b);
            let longest = same.take(MAX_BLOCK).count();
            (1..=longest).map(move |length| Block { start, in_reference, length })
        })
    })
}

/// The hypothesis with a block moved before the word at `target`; within the block, before as many
/// words of the rest, as sacrebleu does.
fn shift(hypothesis: &[u64], block: &Block, target: usize) -> Vec<u64> {
    let end = block.start.saturating_add(block.length);
    let mut shifted = hypothesis.to_vec();
    let moved: Vec<u64> = shifted.drain(block.start..end.min(hypothesis.len())).collect();
    let place = if target > end { target.saturating_sub(block.length) } else { target };
    let place = place.min(shifted.len());
    shifted.splice(place..place, moved);
    shifted
}

/// Which words of both sides the cheapest edits leave, and where each word of the reference falls.
#[derive(Default)]
struct Alignment {
    wrong_in_hypothesis: Vec<bool>,
    wrong_in_reference: Vec<bool>,
    /// For each word of the reference, the words of the hypothesis up to its place.
    words_up_to: Vec<usize>,
}

impl Alignment {
    fn of(path: &[Edit]) -> Alignment {
        let mut alignment = Alignment::default();
        for edit in path {
            let wrong = !matches!(edit, Edit::Keep);
            if !matches!(edit, Edit::Insert) {
                alignment.wrong_in_hypothesis.push(wrong);
            }
            if !matches!(edit, Edit::Delete) {
                alignment.wrong_in_reference.push(wrong);
                alignment.words_up_to.push(alignment.wrong_in_hypothesis.len());
            }
        }
        alignment
    }

    /// A shift is tried only where both places have errors and the block is not aligned to itself.
    fn allows(&self, block: &Block) -> bool {
        let any = |wrong: &[bool], start: usize| {
            wrong.iter().skip(start).take(block.length).any(|wrong| *wrong)
        };
        let within = self
            .words_up_to
            .get(block.in_reference)
            .is_some_and(|words| (1..=block.length).contains(&words.saturating_sub(block.start)));
        any(&self.wrong_in_hypothesis, block.start)
            && any(&self.wrong_in_reference, block.in_reference)
            && !within
    }

    /// Where the block may go: after the word that is aligned to the one before its place in the
    /// reference, and after those that are aligned to its words except the last.
    fn targets(&self, block: &Block) -> impl Iterator<Item = usize> {
        let beginning = (block.in_reference == 0).then_some(0);
        let skipped = block.in_reference.saturating_sub(1);
        let count = block.length.saturating_add(1);
        beginning.into_iter().chain(self.words_up_to.iter().skip(skipped).copied()).take(count)
    }
}

/// An edit of the hypothesis on the way to the reference.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Keep,
    Substitute,
    Insert,
    Delete,
}

/// Costs beyond every real one, so that one more does not overflow.
const UNREACHED: usize = usize::MAX / 2;

/// Edit distances of the beginnings of both texts, in a band around the diagonal (tercom's beam).
struct Matrix {
    rows: Vec<Row>,
    columns: usize,
}

/// The cells of a row from a column on.
struct Row {
    first: usize,
    cells: Vec<(usize, Edit)>,
}

impl Row {
    fn cell(&self, column: usize) -> Option<(usize, Edit)> {
        self.cells.get(column.checked_sub(self.first)?).copied()
    }

    fn cost(&self, column: usize) -> usize {
        self.cell(column).map_or(UNREACHED, |(cost, _)| cost)
    }
}

impl Matrix {
    fn of(hypothesis: &[u64], reference: &[u64]) -> Matrix {
        const BEAM: usize = 25;
        let columns = reference.len().saturating_add(1);
        let ratio = reference.len() as f64 / hypothesis.len().max(1) as f64;
        // Where one text is much longer, neighbouring rows of a narrow band would not touch.
        let half = ratio / 2.0;
        let beam = BEAM as f64;
        let beam = if half > beam { (half + beam).ceil() } else { beam } as usize;
        let mut above = Row { first: 0, cells: (0..columns).map(|j| (j, Edit::Insert)).collect() };
        let mut rows = Vec::with_capacity(hypothesis.len().saturating_add(1));
        for (index, word) in hypothesis.iter().enumerate() {
            let i = index.saturating_add(1);
            let diagonal = (i as f64 * ratio).floor() as usize;
            let first = diagonal.saturating_sub(beam);
            let end = diagonal.saturating_add(beam).min(columns);
            let end = if i == hypothesis.len() { columns } else { end };
            let mut cells = Vec::with_capacity(end.saturating_sub(first));
            let mut left = UNREACHED;
            for column in first..end {
                let delete = (above.cost(column).saturating_add(1), Edit::Delete);
                let cell = match column.checked_sub(1) {
                    None => delete,
                    Some(before) => {
                        let substitute = if reference.get(before) == Some(word) {
                            (above.cost(before), Edit::Keep)
                        } else {
                            (above.cost(before).saturating_add(1), Edit::Substitute)
                        };
                        let insert = (left.saturating_add(1), Edit::Insert);
                        // The first of equally cheap ones, in tercom's order.
                        [delete, insert].into_iter().fold(substitute, |best, next| {
                            if next.0 < best.0 { next } else { best }
                        })
                    }
                };
                left = cell.0;
                cells.push(cell);
            }
            rows.push(std::mem::replace(&mut above, Row { first, cells }));
        }
        rows.push(above);
        Matrix { rows, columns }
    }

    fn cost(&self) -> usize {
        let last = self.columns.saturating_sub(1);
        self.rows.last().map_or(UNREACHED, |row| row.cost(last))
    }

    /// The cheapest edits from the beginning to the end.
    fn path(&self) -> Vec<Edit> {
        let (mut i, mut j) = (self.rows.len().saturating_sub(1), self.columns.saturating_sub(1));
        let mut path = Vec::new();
        while i > 0 || j > 0 {
            let Some((_, edit)) = self.rows.get(i).and_then(|row| row.cell(j)) else {
                break;
            };
            path.push(edit);
            if !matches!(edit, Edit::Insert) {
                i = i.saturating_sub(1);
            }
            if !matches!(edit, Edit::Delete) {
                j = j.saturating_sub(1);
            }
        }
        path.reverse();
        path
    }
}
