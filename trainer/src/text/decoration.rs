//! What people do to the lines of a document without changing what they say: labels in capitals,
//! marks around a line, bullets, rules between lines. The second part of the training sees it, so
//! that no mark and no word in capitals is a token that was never learned.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::values::one;

/// Share of the templates whose words are written in capitals.
const CAPITALS: f64 = 0.25;
/// Share of the lines that get marks.
const MARKED: f64 = 0.3;
const MARKS: [char; 22] = [
    '!', '#', '$', '%', '&', '*', '+', '-', '.', '/', ':', ';', '<', '=', '>', '?', '@', '\\', '^',
    '_', '|', '~',
];

/// The template, perhaps with its own words in capitals; slots are left as they are.
pub fn in_capitals(template: &str, rng: &mut impl Rng) -> String {
    if !rng.random_bool(CAPITALS) {
        return template.to_owned();
    }
    let mut in_slot = false;
    let letter = |c: char| {
        in_slot = c == '{' || (in_slot && c != '}');
        if in_slot { c.to_string() } else { c.to_uppercase().to_string() }
    };
    template.chars().map(letter).collect()
}

/// The line, perhaps with marks. A mark stands once or three times and more, never twice: two on
/// each side are a template of the test.
pub fn marked(line: String, rng: &mut impl Rng) -> String {
    if !rng.random_bool(MARKED) {
        return line;
    }
    let mark = MARKS.choose(rng).copied().unwrap_or('-');
    let times = |count: usize| mark.to_string().repeat(count);
    match rng.random_range(0..6) {
        0 => format!("{} {line} {}", times(1), times(1)),
        1 => {
            let marks = times(rng.random_range(3..6));
            format!("{marks} {line} {marks}")
        }
        2 => format!("{} {line}", times(1)),
        3 => format!("{line} {}", times(rng.random_range(3..6))),
        4 => format!("{} {line}", one(rng, &["1.", "2)", "a)", "(i)", "§"])),
        _ => format!("{}\n{line}", times(rng.random_range(5..20))),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn what_a_line_says_stays() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..500 {
            let template = in_capitals("Invoice [no. |]{n}", &mut rng);
            assert!(["Invoice [no. |]{n}", "INVOICE [NO. |]{n}"].contains(&template.as_str()));
            let line = marked("Invoice K12".to_owned(), &mut rng);
            assert!(line.contains("Invoice K12") && !line.starts_with("~~ "), "{line}");
        }
    }
}
