//! Porter's stemmer (1980) with the extensions of NLTK (`PorterStemmer`, `NLTK_EXTENSIONS`), which
//! ROUGE uses.
//!
//! Words are lower case and ASCII here; a digit is a consonant.

/// Words that the rules would get wrong, as NLTK lists them.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// The stem of a word.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let steps = [step_1a, step_1b, step_1c, step_2, step_3, step_4, step_5a, step_5b];
    steps.into_iter().fold(word.to_owned(), |word, step| step(&word))
}

/// A suffix, what replaces it, and the condition on the stem before it.
type Rule = (&'static str, &'static str, fn(&str) -> bool);

/// The first rule whose suffix fits decides, also where its condition does not hold.
fn apply(word: &str, rules: &[Rule]) -> String {
    for (suffix, replacement, condition) in rules {
        if let Some(stem) = word.strip_suffix(suffix) {
            return if condition(stem) { format!("{stem}{replacement}") } else { word.to_owned() };
        }
    }
    word.to_owned()
}

/// Whether each letter is a consonant: `y` is one at the beginning and after a vowel.
fn consonants(word: &str) -> Vec<bool> {
    let mut kinds: Vec<bool> = Vec::with_capacity(word.len());
    for c in word.chars() {
        let kind = match c {
            'a' | 'e' | 'i' | 'o' | 'u' => false,
            'y' => kinds.last().is_none_or(|before| !before),
            _ => true,
        };
        kinds.push(kind);
    }
    kinds
}

/// Porter's m: how often a vowel is followed by a consonant.
fn measure(stem: &str) -> usize {
    let kinds = consonants(stem);
    kinds.iter().zip(kinds.iter().skip(1)).filter(|(a, b)| !**a && **b).count()
}

fn always(_: &str) -> bool {
    true
}

fn some_measure(stem: &str) -> bool {
    measure(stem) > 0
}

fn more_measure(stem: &str) -> bool {
    measure(stem) > 1
}

/// Consonant, vowel, consonant other than *w*, *x*, *y*; NLTK adds words of vowel and consonant.
fn ends_in_short_syllable(stem: &str) -> bool {
    match consonants(stem).as_slice() {
        [false, true] => true,
        [.., true, false, true] => !stem.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

/// The last letter, where the word ends in it twice and it is a consonant.
fn double_consonant(word: &str) -> Option<char> {
    let mut letters = word.chars().rev();
    let (last, before) = (letters.next()?, letters.next()?);
    (last == before && consonants(word).last() == Some(&true)).then_some(last)
}

fn step_1a(word: &str) -> String {
    if word.len() == 4
        && let Some(stem) = word.strip_suffix("ies")
    {
        return format!("{stem}ie");
    }
    let rules: [Rule; 4] =
        [("sses", "ss", always), ("ies", "i", always), ("ss", "ss", always), ("s", "", always)];
    apply(word, &rules)
}

fn step_1b(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        return format!("{stem}{}", if word.len() == 4 { "ie" } else { "i" });
    }
    if word.ends_with("eed") {
        return apply(word, &[("eed", "ee", some_measure)]);
    }
    let stem = ["ed", "ing"].into_iter().find_map(|suffix| {
        word.strip_suffix(suffix).filter(|stem| consonants(stem).contains(&false))
    });
    let Some(stem) = stem else {
        return word.to_owned();
    };
    if stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz") {
        return format!("{stem}e");
    }
    match double_consonant(stem) {
        Some('l' | 's' | 'z') => stem.to_owned(),
        Some(last) => stem.strip_suffix(last).unwrap_or(stem).to_owned(),
        None if measure(stem) == 1 && ends_in_short_syllable(stem) => format!("{stem}e"),
        None => stem.to_owned(),
    }
}

fn step_1c(word: &str) -> String {
    let condition = |stem: &str| stem.len() > 1 && consonants(stem).last() == Some(&true);
    apply(word, &[("y", "i", condition)])
}

fn step_2(word: &str) -> String {
    // NLTK tries this rule first and the step again on its result.
    if let Some(stem) = word.strip_suffix("alli").filter(|stem| some_measure(stem)) {
        return step_2(&format!("{stem}al"));
    }
    let rules: [Rule; 22] = [
        ("ational", "ate", some_measure),
        ("tional", "tion", some_measure),
        ("enci", "ence", some_measure),
        ("anci", "ance", some_measure),
        ("izer", "ize", some_measure),
        ("bli", "ble", some_measure),
        ("alli", "al", some_measure),
        ("entli", "ent", some_measure),
        ("eli", "e", some_measure),
        ("ousli", "ous", some_measure),
        ("ization", "ize", some_measure),
        ("ation", "ate", some_measure),
        ("ator", "ate", some_measure),
        ("alism", "al", some_measure),
        ("iveness", "ive", some_measure),
        ("fulness", "ful", some_measure),
        ("ousness", "ous", some_measure),
        ("aliti", "al", some_measure),
        ("iviti", "ive", some_measure),
        ("biliti", "ble", some_measure),
        ("fulli", "ful", some_measure),
        // The `l` counts for the stem, so that `geologi` and `theologi` lose their ending.
        ("logi", "log", |stem| measure(&format!("{stem}l")) > 0),
    ];
    apply(word, &rules)
}

fn step_3(word: &str) -> String {
    let rules: [Rule; 7] = [
        ("icate", "ic", some_measure),
        ("ative", "", some_measure),
        ("alize", "al", some_measure),
        ("iciti", "ic", some_measure),
        ("ical", "ic", some_measure),
        ("ful", "", some_measure),
        ("ness", "", some_measure),
    ];
    apply(word, &rules)
}

fn step_4(word: &str) -> String {
    let rules: [Rule; 19] = [
        ("al", "", more_measure),
        ("ance", "", more_measure),
        ("ence", "", more_measure),
        ("er", "", more_measure),
        ("ic", "", more_measure),
        ("able", "", more_measure),
        ("ible", "", more_measure),
        ("ant", "", more_measure),
        ("ement", "", more_measure),
        ("ment", "", more_measure),
        ("ent", "", more_measure),
        ("ion", "", |stem| more_measure(stem) && stem.ends_with(['s', 't'])),
        ("ou", "", more_measure),
        ("ism", "", more_measure),
        ("ate", "", more_measure),
        ("iti", "", more_measure),
        ("ous", "", more_measure),
        ("ive", "", more_measure),
        ("ize", "", more_measure),
    ];
    apply(word, &rules)
}

fn step_5a(word: &str) -> String {
    let condition = |stem: &str| match measure(stem) {
        0 => false,
        1 => !ends_in_short_syllable(stem),
        _ => true,
    };
    apply(word, &[("e", "", condition)])
}

fn step_5b(word: &str) -> String {
    apply(word, &[("ll", "l", |stem| measure(&format!("{stem}l")) > 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Porter's own examples (1980), and NLTK's of its extensions.
    #[test]
    fn examples_of_the_paper_and_of_nltk() {
        let examples = [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("cats", "cat"),
            ("plastered", "plaster"),
            ("motoring", "motor"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("vietnamization", "vietnam"),
            ("adjustment", "adjust"),
            ("adoption", "adopt"),
            ("controll", "control"),
            ("dies", "die"),
            ("died", "die"),
            ("flies", "fli"),
            ("spied", "spi"),
            ("skies", "sky"),
            ("enjoy", "enjoy"),
            ("happy", "happi"),
        ];
        for (word, expected) in examples {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
