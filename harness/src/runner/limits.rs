//! How many units may end without an answer before a run counts as incomplete.

use std::str::FromStr;

/// `--max-errors N|P%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxErrors {
    /// So many units.
    Count(u64),
    /// A share of the planned units, in percent from 0 to 100.
    Percent(f64),
}

impl MaxErrors {
    /// Whether `unanswered` of `planned` units are too many.
    pub fn exceeded(self, unanswered: u64, planned: u64) -> bool {
        match self {
            MaxErrors::Count(most) => unanswered > most,
            MaxErrors::Percent(most) => unanswered as f64 * 100.0 > most * planned as f64,
        }
    }
}

impl std::fmt::Display for MaxErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MaxErrors::Count(most) => write!(f, "{most}"),
            MaxErrors::Percent(most) => write!(f, "{most}%"),
        }
    }
}

impl FromStr for MaxErrors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a number nor a percentage, such as 5 or 2%");
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse::<f64>() {
                Ok(share) if (0.0..=100.0).contains(&share) => Ok(MaxErrors::Percent(share)),
                _ => Err(wrong()),
            },
            None => text.parse().map(MaxErrors::Count).map_err(|_| wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_percent_is_the_share_of_the_planned_units() {
        let most: MaxErrors = "1%".parse().unwrap();
        assert!(!most.exceeded(1, 100));
        assert!(most.exceeded(2, 199));
        assert!(!most.exceeded(0, 0));
        assert!("3".parse::<MaxErrors>().unwrap().exceeded(4, 1_000_000));
        assert!("101%".parse::<MaxErrors>().is_err());
        assert!("some".parse::<MaxErrors>().is_err());
    }
}
