//! The final answer of a GSM8K solution (Cobbe et al. 2021, `openai/grade-school-math`).
//!
//! It is the first match of `#### (-?[0-9.,]+)`, with exactly one blank, without commas. Answers are
//! compared as texts: `18.` and `18.0` are not `18`.

/// The final answer; `None` where the mark or a number after it is missing.
pub fn extract(solution: &str) -> Option<String> {
    solution.match_indices("#### ").find_map(|(start, mark)| {
        let text = solution.get(start.saturating_add(mark.len())..)?;
        let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
        let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
        let number = text.split(|c| !is_part(c)).next().filter(|number| !number.is_empty())?;
        Some(format!("{sign}{}", number.replace(',', "")))
    })
}

/// Whether a completion ends with the answer of the gold solution; `None` where the gold has none.
pub fn is_correct(completion: &str, gold: &str) -> Option<bool> {
    let gold = extract(gold)?;
    Some(extract(completion).is_some_and(|answer| answer == gold))
}
