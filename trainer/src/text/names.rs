//! Invented names of people, products and companies.

use rand::Rng;

use super::values::{letter, one};

/// A pronounceable name such as `Velorin`.
pub fn name(rng: &mut impl Rng) -> String {
    const START: [&str; 36] = [
        "b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kr", "l", "m", "n",
        "p", "pl", "pr", "r", "s", "st", "t", "tr", "v", "w", "z", "b", "l", "m", "n", "r", "s",
        "t", "",
    ];
    const VOWEL: [&str; 12] = ["a", "a", "e", "e", "i", "i", "o", "o", "u", "ia", "ea", "au"];
    const END: [&str; 20] = [
        "n", "r", "s", "x", "l", "nt", "rd", "ck", "m", "nd", "", "", "", "", "th", "sk", "lt",
        "ne", "va", "to",
    ];
    let mut name = String::new();
    for _ in 0..rng.random_range(2..=3) {
        name.push_str(one(rng, &START));
        name.push_str(one(rng, &VOWEL));
    }
    name.push_str(one(rng, &END));
    capital(&name)
}

/// The text with a capital first letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

fn surname(rng: &mut impl Rng) -> String {
    let end =
        one(rng, &["son", "berg", "mann", "ley", "ova", "ez", "sen", "ton", "er", "ini", "", ""]);
    name(rng) + end
}

pub fn person(rng: &mut impl Rng) -> String {
    const FIRST: [&str; 24] = [
        "Anna", "Ben", "Carla", "David", "Eva", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kate",
        "Liam", "Maria", "Noah", "Olga", "Peter", "Rosa", "Sam", "Tina", "Victor", "Wanda",
        "Yusuf", "Zoe", "Lena",
    ];
    format!("{} {}", one(rng, &FIRST), surname(rng))
}

pub fn company(rng: &mut impl Rng) -> String {
    let end = one(
        rng,
        &[
            "GmbH",
            "Ltd",
            "Inc.",
            "AG",
            "LLC",
            "B.V.",
            "S.A.",
            "Systems",
            "Trading",
            "& Sons",
            "Group",
            "Logistics",
            "Office Supply",
            "Electronics",
            "Print",
            "Software",
            "Services",
            "Tools",
        ],
    );
    match rng.random_range(0..10) {
        0..=5 => format!("{} {end}", name(rng)),
        6..=7 => format!("{} {} {end}", name(rng), name(rng)),
        8 => format!("{} & {}", surname(rng), surname(rng)),
        _ => format!(
            "{} {} {end}",
            name(rng),
            one(rng, &["Data", "Paper", "Light", "Steel", "Cloud"])
        ),
    }
}

/// A company named with ordinary words, as half of the training companies are: invented names alone
/// do not prepare for those that people write.
pub fn shop(rng: &mut impl Rng) -> String {
    const WORDS: [&str; 64] = [
        "Amber", "Anchor", "Apple", "Arrow", "Autumn", "Basel", "Beacon", "Berlin", "Birch",
        "Black", "Bridge", "Bright", "Brown", "Canyon", "Castle", "Cedar", "Central", "City",
        "Clear", "Copper", "Crystal", "Delta", "Dublin", "Eagle", "East", "Falcon", "First",
        "Forest", "Garden", "Global", "Golden", "Grand", "Green", "Harbour", "High", "Hill",
        "Home", "Island", "Kings", "Lake", "Lion", "London", "Maple", "Market", "Meadow", "Modern",
        "Moon", "New", "North", "Ocean", "Old", "Orange", "Park", "Prime", "Red", "River", "Royal",
        "Silver", "Spring", "Summit", "Sun", "Valley", "White", "Winter",
    ];
    const TRADES: [&str; 48] = [
        "Bakery",
        "Bikes",
        "Boats",
        "Books",
        "Cars",
        "Catering",
        "Chemicals",
        "Clinic",
        "Coffee",
        "Computers",
        "Consulting",
        "Couriers",
        "Dairy",
        "Design",
        "Engineering",
        "Events",
        "Farm",
        "Films",
        "Flowers",
        "Foods",
        "Fuel",
        "Furniture",
        "Garage",
        "Glass",
        "Hardware",
        "Hosting",
        "Hotel",
        "Insurance",
        "Kitchens",
        "Laundry",
        "Legal",
        "Machines",
        "Medical",
        "Motors",
        "Music",
        "Optics",
        "Partners",
        "Photo",
        "Plumbing",
        "Repairs",
        "Security",
        "Shop",
        "Studio",
        "Supplies",
        "Taxi",
        "Textiles",
        "Translations",
        "Travel",
    ];
    const FORMS: [&str; 12] =
        ["", "", "", "", " Ltd", " GmbH", " Inc.", " Co.", " AS", " Oy", " KG", " SARL"];
    let (word, trade, form) = (one(rng, &WORDS), one(rng, &TRADES), one(rng, &FORMS));
    match rng.random_range(0..7) {
        0 | 1 => format!("{word} {trade}{form}"),
        2 => format!("{word} {} {trade}{form}", one(rng, &WORDS)),
        3 => format!("{} {trade}{form}", surname(rng)),
        4 => format!("{word} & {} {trade}{form}", surname(rng)),
        5 => format!("The {word} {trade}"),
        _ => format!("{} {} {trade}{form}", surname(rng), one(rng, &WORDS)),
    }
}

pub fn product(rng: &mut impl Rng) -> String {
    match rng.random_range(0..6) {
        0 | 1 => name(rng),
        2 => format!("{} {}", name(rng), one(rng, &["Pro", "Mini", "Plus", "Air", "Max", "Go"])),
        3 => format!("{} {}", name(rng), rng.random_range(2..1000)),
        4 => format!("{} {}{}", name(rng), letter(rng), rng.random_range(1..100)),
        _ => format!(
            "{} {}",
            name(rng),
            one(rng, &["Hub", "Desk", "Sync", "Cam", "Dock", "Drive", "Pad"])
        ),
    }
}
