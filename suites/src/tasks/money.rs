//! Sums of money in text: `€1.234,50`, `USD 1,234.50`, `1234.5 EUR`.
//!
//! **Amount.** Of `.` and `,` the later one is the decimal mark if both occur. A mark that stands
//! alone before exactly three last digits groups thousands, `1.234 €` as well as `$1,234`, unless
//! the digits before it are `0` or more than three, or the currency has three decimals (`1.500 KWD`):
//! a price with a tenth of a cent is rarer than a German price. Spaces and apostrophes group
//! thousands. Groups have three digits, or two before the last one (`1,23,456.00`). `50.-` is 50.
//! A minus before the number or right behind it, or parentheses around it, make it negative.
//!
//! **Currency.** A code of ISO 4217, or a sign or a word. `$` may be any dollar, `¥` the yen or the
//! yuan, `kr` any crown: such a sign agrees with each of its codes. Other words are ignored.
//!
//! Text with two numbers, with a `%`, or with currencies that contradict each other is no sum.

use serde_json::Value;

/// A sum of money.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Money {
    pub amount: f64,
    /// The codes that its currency may have; empty where none is named.
    currencies: Vec<&'static str>,
}

/// Active codes of ISO 4217, without funds, metals and codes for tests.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL \
    BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD \
    FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES \
    KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR \
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH \
    UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// Codes with three decimals.
const THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

const DOLLARS: &str = "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD \
    TTD TWD XCD ARS CLP COP";

/// Signs and words in small letters, and the codes that they may mean.
const SIGNS: [(&str, &str); 48] = [
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("$", DOLLARS),
    ("dollar", DOLLARS),
    ("dollars", DOLLARS),
    ("us$", "USD"),
    ("u$", "USD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("can$", "CAD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("s$", "SGD"),
    ("nt$", "TWD"),
    ("mx$", "MXN"),
    ("r$", "BRL"),
    ("£", "GBP EGP FKP GIP LBP SHP SSP SYP"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("¥", "JPY CNY"),
    ("yen", "JPY"),
    ("rmb", "CNY"),
    ("yuan", "CNY"),
    ("fr", "CHF"),
    ("sfr", "CHF"),
    ("franken", "CHF"),
    ("kr", "SEK NOK DKK ISK"),
    ("zł", "PLN"),
    ("kč", "CZK"),
    ("ft", "HUF"),
    ("lei", "RON MDL"),
    ("лв", "BGN"),
    ("₽", "RUB"),
    ("₹", "INR"),
    ("rs", "INR PKR LKR NPR MUR SCR"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₩", "KRW KPW"),
    ("₪", "ILS"),
    ("₫", "VND"),
    ("฿", "THB"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("₲", "PYG"),
    ("₸", "KZT"),
];

impl Money {
    /// Whether amounts differ by at most `tolerance`, and currencies agree where both are named.
    pub(super) fn same(&self, other: &Money, tolerance: f64) -> bool {
        let unnamed = self.currencies.is_empty() || other.currencies.is_empty();
        let agree = unnamed || self.currencies.iter().any(|code| other.currencies.contains(code));
        agree && super::compare::within(self.amount, other.amount, tolerance)
    }

    /// The sum in a value: a number without currency, or text.
    pub(super) fn of(value: &Value) -> Option<Money> {
        match value {
            Value::Number(number) => {
                Some(Money { amount: number.as_f64()?, currencies: Vec::new() })
            }
            Value::String(text) => Money::in_text(text),
            _ => None,
        }
    }

    fn in_text(text: &str) -> Option<Money> {
        let digit = |c: char| c.is_ascii_digit();
        let (first, last) = (text.find(digit)?, text.rfind(digit)?);
        let before = text.get(..first)?;
        let number = text.get(first..=last)?;
        let after = text.get(last.saturating_add(1)..)?;
        // A mark before the first digit is a decimal mark in `$.50`, and ends a word in `Rs.500`.
        let (before, point) = match before.strip_suffix(['.', ',']) {
            Some(rest) if !rest.ends_with(char::is_alphabetic) => (rest, true),
            _ => (before, false),
        };
        if text.contains('%') {
            return None;
        }
        let currencies = currencies(before, after)?;
        let three = currencies.iter().any(|code| THREE_DECIMALS.contains(code));
        let amount = if point { fraction(number) } else { amount(number, three) }?;
        let sign = if is_negative(before, after) { -1.0 } else { 1.0 };
        Some(Money { amount: sign * amount, currencies })
    }
}

/// Digits after a leading decimal mark.
fn fraction(digits: &str) -> Option<f64> {
    let all = digits.chars().all(|c| c.is_ascii_digit());
    all.then(|| format!("0.{digits}").parse().ok()).flatten()
}

/// The amount between the first and the last digit of a text.
fn amount(number: &str, three_decimals: bool) -> Option<f64> {
    let space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’');
    let last_mark = number.rfind(['.', ',']);
    let (whole, decimals) = match last_mark.and_then(|at| number.split_at_checked(at)) {
        None => (number, ""),
        Some((whole, rest)) => {
            let mark = rest.chars().next()?;
            let decimals = rest.get(1..)?;
            let other = if mark == '.' { ',' } else { '.' };
            let long = whole.chars().filter(char::is_ascii_digit).count() > 3;
            let grouped = whole.contains(space) || whole.contains(other);
            let thousands = whole.contains(mark)
                || decimals.chars().filter(char::is_ascii_digit).count() == 3
                    && !(three_decimals || grouped || long || whole == "0");
            if thousands { (number, "") } else { (whole, decimals) }
        }
    };
    if !decimals.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let groups: Vec<&str> = whole.split(|c: char| matches!(c, '.' | ',') || space(c)).collect();
    let digits = groups.iter().all(|g| g.chars().all(|c| c.is_ascii_digit()));
    let (first, others) = groups.split_first()?;
    let sizes = match others.split_last() {
        None => true,
        Some((last, inner)) => {
            let inner = inner.iter().all(|group| matches!(group.len(), 2 | 3));
            inner && last.len() == 3 && (1..=3).contains(&first.len())
        }
    };
    let one_mark = !(whole.contains('.') && whole.contains(','));
    let plain = format!("{}.{decimals}0", groups.concat());
    (digits && sizes && one_mark)
        .then(|| plain.parse::<f64>().ok())
        .flatten()
        .filter(|n| n.is_finite())
}

fn is_negative(before: &str, after: &str) -> bool {
    let minus = |c: char| matches!(c, '-' | '−');
    // The hyphen of `Sub-total` is no minus.
    let leading = before.char_indices().filter(|(_, c)| minus(*c)).any(|(at, c)| {
        let left = before.get(..at).and_then(|s| s.chars().next_back());
        let right = before.get(at.saturating_add(c.len_utf8())..).and_then(|s| s.chars().next());
        !(left.is_some_and(char::is_alphabetic) && right.is_some_and(char::is_alphabetic))
    });
    leading || after.starts_with(minus) || before.contains('(') && after.contains(')')
}

/// The codes that all currency words around a number may mean: empty where there is none, `None`
/// where they contradict each other.
fn currencies(before: &str, after: &str) -> Option<Vec<&'static str>> {
    let in_word = |c: char| c.is_alphabetic() || SIGNS.iter().any(|(sign, _)| sign.starts_with(c));
    let words = [before, after].into_iter().flat_map(|text| text.split(|c: char| !in_word(c)));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut common: Option<Vec<&'static str>> = None;
    for word in &words {
        let named = named(word, words.len() == 1);
        if named.is_empty() {
            continue;
        }
        common = Some(match common {
            None => named,
            Some(codes) => codes.into_iter().filter(|code| named.contains(code)).collect(),
        });
    }
    match common {
        Some(codes) if codes.is_empty() => None,
        codes => Some(codes.unwrap_or_default()),
    }
}

/// The codes that a word may mean. In small letters a code counts as the only word: `all` and `try`
/// are words too.
fn named(word: &str, alone: bool) -> Vec<&'static str> {
    let code = CODES
        .split_whitespace()
        .find(|code| if alone { code.eq_ignore_ascii_case(word) } else { *code == word });
    if let Some(code) = code {
        return vec![code];
    }
    let small = word.to_lowercase();
    let meant = SIGNS.iter().find(|(sign, _)| *sign == small).or_else(|| {
        // `$CAD` and `EUR€` are no words of the list, but their sign is.
        SIGNS
            .iter()
            .find(|(sign, _)| !sign.starts_with(char::is_alphabetic) && small.contains(sign))
    });
    meant.map(|(_, codes)| codes.split_whitespace().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Option<f64> {
        Money::in_text(text).map(|money| money.amount)
    }

    #[test]
    fn amounts_as_people_write_them() {
        for (text, amount) in [
            ("€1.234,50", 1234.5),
            ("USD 1,234.50", 1234.5),
            ("1234.5 EUR", 1234.5),
            ("1.234 €", 1234.0),
            ("$1,234", 1234.0),
            ("1234.567", 1234.567),
            ("0.035 EUR", 0.035),
            ("0,035", 0.035),
            ("1.500 KWD", 1.5),
            ("1,234.500 KWD", 1234.5),
            ("1.234.567", 1_234_567.0),
            ("1.234.567,8", 1_234_567.8),
            ("₹1,23,456.00", 123_456.0),
            ("CHF 1'234.50", 1234.5),
            ("CHF 1’234.50", 1234.5),
            ("1 234,50 kr", 1234.5),
            ("1\u{a0}234 zł", 1234.0),
            ("1\u{202f}234\u{202f}€", 1234.0),
            ("Fr. 50.-", 50.0),
            ("50,-- EUR", 50.0),
            ("$.50", 0.5),
            ("Rs.500", 500.0),
            ("kr.1.234,50", 1234.5),
            ("-5.00 EUR", -5.0),
            ("−5.00", -5.0),
            ("EUR -5", -5.0),
            ("-€5", -5.0),
            ("5.00-", -5.0),
            ("(5.00)", -5.0),
            ("Sub-total: 5.00", 5.0),
            ("12.99", 12.99),
            ("12,9", 12.9),
            ("1000000", 1_000_000.0),
        ] {
            assert_eq!(read(text), Some(amount), "{text}");
        }
    }

    #[test]
    fn what_is_no_sum() {
        for text in [
            "",
            "EUR",
            "free",
            "19 %",
            "12.05.2024",
            "2024-05-12",
            "3 of 4",
            "5 EUR / 6 EUR",
            "1,2,3",
            "1.23.4",
            "12 34",
            "1e5",
            "5 USD EUR",
            "€ 5 CHF",
            "1.234.56",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn currencies_agree_where_both_are_named() {
        let same =
            |a: &str, b: Value| Money::of(&json!(a)).unwrap().same(&Money::of(&b).unwrap(), 0.005);
        for (a, b) in [
            ("€5", "5 EUR"),
            ("5 euros", "EUR 5"),
            ("5 eur", "5 €"),
            ("$5", "5 USD"),
            ("$5", "5 CAD"),
            ("US$ 5", "USD 5"),
            ("C$5", "CAD 5"),
            ("5", "5 EUR"),
            ("5 kr", "5 SEK"),
            ("zł 5", "5 PLN"),
            ("¥5", "5 CNY"),
            ("$5 CAD", "C$5"),
            ("Total EUR 5", "€5"),
            ("all in 5", "5 EUR"),
        ] {
            assert!(same(a, json!(b)), "{a} {b}");
        }
        for (a, b) in [("€5", "5 USD"), ("$5", "5 EUR"), ("US$5", "5 CAD"), ("5 kr", "5 EUR")] {
            assert!(!same(a, json!(b)), "{a} {b}");
        }
        assert!(same("€5", json!(5.004)) && !same("5,01 €", json!(5)));
        assert!(same("5", json!(5.005)), "the tolerance is inclusive");
        assert_eq!(Money::of(&json!(null)), None);
        assert_eq!(Money::of(&json!([5])), None);
    }

    proptest! {
        /// Every way to write a sum is read as that sum.
        #[test]
        fn written_sums_are_read(cents in 0u64..100_000_000_000) {
            let (whole, rest) = (cents / 100, cents % 100);
            let digits = whole.to_string();
            let mut grouped = String::new();
            for (at, c) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push('_');
                }
                grouped.push(c);
            }
            let amount = cents as f64 / 100.0;
            for (group, mark) in [(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")] {
                let text = format!("{}{mark}{rest:02}", grouped.replace('_', group));
                for text in [format!("€{text}"), format!("{text} EUR"), format!("Sum: EUR {text}")] {
                    let money = Money::in_text(&text).unwrap();
                    prop_assert!((money.amount - amount).abs() < 1e-6, "{} {:?}", text, money);
                    prop_assert_eq!(&money.currencies, &vec!["EUR"]);
                }
            }
        }

        #[test]
        fn any_text(text in "[-.,0-9 $€A-Za-z'()%\\PC]{0,40}") {
            let _ = Money::in_text(&text);
        }
    }
}
