//! Invoices: blocks of lines in some order, of which five say what is asked.

use rand::Rng;
use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};

use super::Sample;
use super::decoration;
use super::names;
use super::template::{Sections, fill};
use super::values::{self, Split, digits, one};
use crate::prompt::Task;

/// The templates of the lines.
pub fn templates() -> Sections {
    Sections::read(include_str!("../../data/invoice.txt"))
}

/// An amount as it is printed: perhaps with separators of thousands.
fn printed(rng: &mut impl Rng, amount: &str) -> String {
    let (whole, cents) = amount.split_once('.').unwrap_or((amount, "00"));
    if whole.len() > 3 && rng.random_bool(0.6) {
        let (thousands, rest) = whole.split_at(whole.len() - 3);
        return format!("{thousands},{rest}.{cents}");
    }
    amount.to_owned()
}

/// An amount with its currency.
fn with_currency(rng: &mut impl Rng, amount: &str, currency: &str) -> String {
    let amount = printed(rng, amount);
    let symbol = match currency {
        "EUR" => Some("€"),
        "USD" => Some("$"),
        "GBP" => Some("£"),
        _ => None,
    };
    match (rng.random_range(0..5), symbol) {
        (0, Some(symbol)) => format!("{symbol}{amount}"),
        (1, Some(symbol)) => format!("{symbol} {amount}"),
        (2, Some(symbol)) => format!("{amount} {symbol}"),
        (3, _) => format!("{currency} {amount}"),
        _ => format!("{amount} {currency}"),
    }
}

/// An invoice with its five fields; `decorated` is the style of its lines (see [`decoration`]).
pub fn sample<R: Rng>(sections: &Sections, decorated: bool, split: Split, rng: &mut R) -> Sample {
    let draw = |kind, rng: &mut R| values::value(kind, split, rng).unwrap_or_default();
    let vendor = draw("company", rng);
    let number = split.draw(rng, |r| values::document_number(split, r));
    let date = split.draw(rng, |r| values::date(r));
    let total = split.draw(rng, |r| values::amount(r));
    let currency = one(rng, &["EUR", "EUR", "EUR", "USD", "USD", "GBP", "GBP", "CHF"]);
    let answer = format!(
        r#"{{"invoice_number": "{number}", "vendor": "{vendor}", "date": "{date}", "total": {total}, "currency": "{currency}"}}"#
    );
    let printed_total = with_currency(rng, &total, currency);
    let printed_date = values::written_date(rng, &date);
    // Other dates and amounts on one invoice are written in the same way, as a rule.
    let iso_dates = printed_date == date;
    let mut slot = |kind: &str, rng: &mut R| match kind {
        "v" => vendor.clone(),
        "n" => number.clone(),
        "d" => printed_date.clone(),
        "t" => printed_total.clone(),
        "d2" => {
            let other = values::date(rng);
            if iso_dates { other } else { values::written_date(rng, &other) }
        }
        "a" => {
            let amount = values::amount(rng);
            if rng.random_bool(0.3) {
                with_currency(rng, &amount, currency)
            } else {
                printed(rng, &amount)
            }
        }
        "q" => rng.random_range(1..25).to_string(),
        "thing" => {
            let thing = sections.choose("thing", rng);
            fill(thing.template, rng, &mut |_, _| String::new())
        }
        "street" => {
            let number = rng.random_range(1..200);
            format!(
                "{} {} {number}",
                names::name(rng),
                one(rng, &["Street", "Road", "Lane", "Platz"])
            )
        }
        "city" => format!("{} {}", digits(rng, 5), names::name(rng))
            .split_off(if rng.random_bool(0.5) { 6 } else { 0 }),
        "buyer" => values::value("company", split, rng).unwrap_or_default(),
        kind => values::value(kind, split, rng).unwrap_or_default(),
    };
    let side = split.name();
    let mut family = String::new();
    let mut line = |name: &str, rng: &mut R| {
        let chosen = sections.choose(&format!("{name}.{side}"), rng);
        if ["vendor", "number", "date", "total"].contains(&name) {
            if !family.is_empty() {
                family.push('+');
            }
            family.push_str(&chosen.family);
        }
        if !decorated {
            return fill(chosen.template, rng, &mut slot);
        }
        let template = decoration::in_capitals(chosen.template, rng);
        decoration::marked(fill(&template, rng, &mut slot), rng)
    };
    let mut head = vec![line("number", rng), line("date", rng)];
    for _ in 0..rng.random_range(0..3) {
        head.push(line("other", rng));
    }
    head.shuffle(rng);
    let vendor_line = line("vendor", rng);
    let vendor_at = if rng.random_bool(0.7) { 0 } else { rng.random_range(0..=head.len()) };
    head.insert(vendor_at, vendor_line);
    let mut lines = head;
    for _ in 0..rng.random_range(1..4) {
        lines.push(line("item", rng));
    }
    for _ in 0..rng.random_range(0..3) {
        lines.push(line("sub", rng));
    }
    lines.push(line("total", rng));
    if rng.random_bool(0.4) {
        lines.push(line("other", rng));
    }
    let breaks = one(rng, &["\n", "\n", "\n", "\n", "  ", ", "]);
    let row: Map<String, Value> = [
        ("text".to_owned(), json!(lines.join(breaks))),
        ("invoice_number".to_owned(), json!(number)),
        ("vendor".to_owned(), json!(vendor)),
        ("date".to_owned(), json!(date)),
        ("total".to_owned(), json!(total.parse::<f64>().unwrap_or_default())),
        ("currency".to_owned(), json!(currency)),
    ]
    .into_iter()
    .collect();
    Sample { task: Task::Invoice, row, family, answer, values: vec![number, vendor, date, total] }
}
