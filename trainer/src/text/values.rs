//! Numbers, dates, names and other values of the synthetic text. Every value belongs to exactly
//! one split, which its own text decides, so training and test can share none.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::names::{company, name, person, product, shop};

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The models learn from it.
    Train,
    /// The models are measured on it.
    Test,
}

impl Split {
    /// The split that a value belongs to: one value in five is for the test.
    pub fn of(value: &str) -> Self {
        // FNV-1a, 64 bits: the same on all machines and in all versions.
        let hash = value.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        if (hash >> 32) % 5 == 0 { Self::Test } else { Self::Train }
    }

    /// `train` or `test`, as in the names of sections.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// Draws until a value is of this split. The sets that values are drawn from are so large
    /// that some value always is.
    pub fn draw<R: Rng>(self, rng: &mut R, mut draw: impl FnMut(&mut R) -> String) -> String {
        loop {
            let value = draw(rng);
            if Self::of(&value) == self {
                return value;
            }
        }
    }
}

/// One of some texts.
pub fn one<'a>(rng: &mut impl Rng, of: &[&'a str]) -> &'a str {
    of.choose(rng).copied().unwrap_or_default()
}

pub(super) fn letter(rng: &mut impl Rng) -> char {
    char::from(rng.random_range(b'A'..=b'Z'))
}

/// `count` digits, the first not 0.
pub fn digits(rng: &mut impl Rng, count: usize) -> String {
    let digit = |place| char::from(rng.random_range(if place == 0 { b'1' } else { b'0' }..=b'9'));
    (0..count).map(digit).collect()
}

/// A number with at most two digits that people like: small, or round.
fn count(rng: &mut impl Rng) -> u32 {
    match rng.random_range(0..4) {
        0 => rng.random_range(2..13),
        1 => rng.random_range(2..20) * 5,
        _ => rng.random_range(2..100),
    }
}

/// The number of a document, such as `INV-20417` or `2025/00318`.
pub fn document_number(split: Split, rng: &mut impl Rng) -> String {
    let long = rng.random_range(3..=6);
    // Forms that the generated test rows do not have: real invoices know more than seven.
    if split == Split::Train && rng.random_bool(0.3) {
        let (a, b, year) = (letter(rng), letter(rng), rng.random_range(21..27));
        let number = digits(rng, long);
        return match rng.random_range(0..6) {
            0 => format!("{a}{b}/{number}"),
            1 => format!("{a}-20{year}-{number}"),
            2 => format!("{a}{b} {number}"),
            3 => format!("{a}{b}{number}-{b}"),
            4 => format!("{number}/{year}"),
            _ => format!("{a}-{number}"),
        };
    }
    match rng.random_range(0..7) {
        0 => format!("INV-{}", digits(rng, long)),
        1 => format!("{}{}-{}", letter(rng), letter(rng), digits(rng, long)),
        2 => format!("20{}-{}", rng.random_range(21..27), digits(rng, long)),
        3 => format!("20{}/{}", rng.random_range(21..27), digits(rng, long)),
        4 => digits(rng, long + 2),
        5 => format!("{}{}", letter(rng), digits(rng, long)),
        _ => format!(
            "{}{}{}-{}-{}",
            letter(rng),
            letter(rng),
            letter(rng),
            digits(rng, 2),
            digits(rng, 4)
        ),
    }
}

/// An amount with two decimals, without separators of thousands.
pub fn amount(rng: &mut impl Rng) -> String {
    let whole = match rng.random_range(0..4) {
        0 => rng.random_range(5..100),
        1 | 2 => rng.random_range(100..1000),
        _ => rng.random_range(1000..20_000),
    };
    let cents = if rng.random_range(0..3) == 0 {
        one(rng, &["00", "50", "90", "95"]).to_owned()
    } else {
        format!("{:02}", rng.random_range(0..100))
    };
    format!("{whole}.{cents}")
}

/// A date of 2021 to 2026, as yyyy-mm-dd.
pub fn date(rng: &mut impl Rng) -> String {
    let (year, month) = (rng.random_range(2021..2027), rng.random_range(1..13));
    format!("{year}-{month:02}-{:02}", rng.random_range(1..29))
}

/// The names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date of the form yyyy-mm-dd as people write it, in one of five ways.
pub fn written_date(rng: &mut impl Rng, iso: &str) -> String {
    let (year, month, day) = (&iso[..4], &iso[5..7], &iso[8..]);
    let name = month.parse::<usize>().ok().and_then(|m| MONTHS.get(m.wrapping_sub(1)));
    let name = name.copied().unwrap_or_default();
    let short = day.trim_start_matches('0');
    match rng.random_range(0..6) {
        0 | 1 => iso.to_owned(),
        2 => format!("{short} {name} {year}"),
        3 => format!("{short} {} {year}", &name[..3]),
        4 => format!("{name} {short}, {year}"),
        _ => format!("{day}.{month}.{year}"),
    }
}

/// A value of a kind that templates name; `None` if there is no such kind.
pub fn value<R: Rng>(kind: &str, split: Split, rng: &mut R) -> Option<String> {
    let draw: fn(&mut R) -> String = match kind {
        "product" => |r| product(r),
        "company" if split == Split::Train => {
            |r| if r.random_bool(0.5) { company(r) } else { shop(r) }
        }
        "company" => |r| company(r),
        "person" => |r| person(r),
        "city" => |r| name(r),
        "word" => |r| name(r),
        "order" => |r| {
            let prefix = one(r, &["#", "", "SO-", "A", "W", "ORD-"]);
            format!("{prefix}{}", digits(r, 5))
        },
        "money" => |r| {
            let amount = amount(r);
            let whole = r.random_range(3..400);
            match r.random_range(0..5) {
                0 => format!("${amount}"),
                1 => format!("{amount} EUR"),
                2 => format!("{whole} euros"),
                3 => format!("{whole} USD"),
                _ => format!("${whole}"),
            }
        },
        "duration" => |r| {
            format!(
                "{} {}",
                count(r),
                one(r, &["days", "weeks", "months", "hours", "minutes", "years", "working days"])
            )
        },
        "years" => |r| format!("{} {}", count(r), one(r, &["years", "months"])),
        "days" => |r| {
            format!("{} {}", count(r), one(r, &["days", "working days", "weeks", "business days"]))
        },
        "hours" => |r| format!("{} {}", count(r), one(r, &["hours", "minutes"])),
        "count" => |r| count(r).to_string(),
        "bigcount" => |r| {
            (r.random_range(2..200) * one(r, &["1", "5", "10", "50"]).parse::<u32>().unwrap_or(1))
                .to_string()
        },
        "weight" => |r| {
            if r.random_bool(0.6) {
                format!("{} grams", r.random_range(40..990))
            } else {
                format!("{}.{} kg", r.random_range(1..20), r.random_range(1..10))
            }
        },
        "size" => |r| format!("{} {}", r.random_range(2..600), one(r, &["GB", "MB", "TB"])),
        "inches" => |r| format!("{}.{} inches", r.random_range(4..34), r.random_range(0..10)),
        "clock" => {
            |r| format!("{}:{}{}", r.random_range(6..23), r.random_range(0..6), one(r, &["0", "5"]))
        }
        "code" => |r| format!("{}{}{}", letter(r), one(r, &["", "-", "R"]), digits(r, 3)),
        "pin" => |r| digits(r, 4),
        "port" => |r| r.random_range(1025..65_000).to_string(),
        "version" => |r| {
            format!("{}.{}.{}", r.random_range(1..12), r.random_range(0..20), r.random_range(0..10))
        },
        "percent" => |r| format!("{} percent", r.random_range(3..70)),
        "email" => |r| {
            format!(
                "{}@{}.{}",
                one(r, &["help", "support", "info", "service", "team", "desk"]),
                name(r).to_lowercase(),
                one(r, &["com", "net", "org", "eu"])
            )
        },
        "phone" => |r| format!("{} {} {}", digits(r, 3), digits(r, 3), digits(r, 4)),
        "date" => |r| date(r),
        "day" => |r| format!("{} {}", r.random_range(1..29), one(r, &MONTHS)),
        "room" => |r| format!("room {}", digits(r, 3)),
        "menu" => |r| {
            let a = one(
                r,
                &[
                    "Account", "Privacy", "Network", "Display", "Backup", "Power", "Team",
                    "Device", "Sound", "Storage", "Export", "Security",
                ],
            );
            let b = one(
                r,
                &[
                    "settings", "options", "panel", "tools", "menu", "centre", "page", "tab",
                    "profile", "rules",
                ],
            );
            let c =
                one(r, &["", "", "Advanced ", "General ", "Local ", "Shared ", "Mobile ", "Main "]);
            format!("{c}{a} {b}")
        },
        _ => return None,
    };
    Some(split.draw(rng, draw))
}
