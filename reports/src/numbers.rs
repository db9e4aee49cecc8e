//! How numbers are written, in every renderer.
//!
//! A narrow no-break space (U+202F) stands before units; differences would carry U+2212. As many
//! decimals as the uncertainty bears: max(0, 1 − ⌊log10 half-width⌋).

use crate::analysis::{Estimate, Figure, Interval};

/// Shown where there is no number; its reason stands beside.
pub const DASH: &str = "–";

/// Decimals of a percentage with the given interval: one significant place of its half-width more.
fn decimals(interval: Option<&Interval>) -> usize {
    let half = interval.map_or(0.0, |i| (i.upper - i.lower) * 50.0);
    if half <= 0.0 {
        return 1;
    }
    (1.0 - half.log10().floor()).clamp(0.0, 3.0) as usize
}

/// A share as `91.3 %`.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}\u{202f}%", share * 100.0)
}

/// The value of an estimate as `91.3 %`, or a dash.
pub fn value(estimate: &Estimate) -> String {
    estimate
        .value
        .map_or_else(|| DASH.into(), |value| percent(value, decimals(estimate.interval.as_ref())))
}

/// Its interval as `89.1 to 93.2`, or nothing.
pub fn range(estimate: &Estimate) -> String {
    let Some(interval) = &estimate.interval else {
        return String::new();
    };
    let places = decimals(Some(interval));
    format!("{:.places$} to {:.places$}", interval.lower * 100.0, interval.upper * 100.0)
}

/// Milliseconds as `640 ms` or `1.24 s`.
pub fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.2}\u{202f}ms"),
        ms if ms < 10.0 => format!("{ms:.1}\u{202f}ms"),
        ms if ms < 1_000.0 => format!("{ms:.0}\u{202f}ms"),
        ms if ms < 10_000.0 => format!("{:.2}\u{202f}s", ms / 1e3),
        ms if ms < 100_000.0 => format!("{:.1}\u{202f}s", ms / 1e3),
        ms => format!("{}\u{202f}s", count((ms / 1e3).round() as u64)),
    }
}

/// A rate with three digits, without its unit.
pub fn rate(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => count(v.round() as u64),
    }
}

/// Bytes in powers of 1024.
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let places = usize::from(value < 10.0 && unit != "B");
    format!("{value:.places$}\u{202f}{unit}")
}

/// An integer with commas between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A figure by one of the functions above, or a dash.
pub fn figure(figure: &Figure, write: fn(f64) -> String) -> String {
    figure.value.map_or_else(|| DASH.into(), write)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, lower: f64, upper: f64) -> Estimate {
        Estimate {
            metric: "accuracy".into(),
            title: "accuracy".into(),
            value: Some(value),
            interval: Some(Interval { lower, upper, level: 0.95, method: "Wilson".into() }),
            bounds: None,
        }
    }

    #[test]
    fn as_many_decimals_as_the_interval_bears() {
        let e = estimate(0.913, 0.891, 0.932);
        assert_eq!((value(&e).as_str(), range(&e).as_str()), ("91.3\u{202f}%", "89.1 to 93.2"));
        let e = estimate(0.5, 0.2366, 0.7634);
        assert_eq!((value(&e).as_str(), range(&e).as_str()), ("50\u{202f}%", "24 to 76"));
    }

    #[test]
    fn units() {
        assert_eq!(ms(640.2), "640\u{202f}ms");
        assert_eq!(ms(1_240.0), "1.24\u{202f}s");
        assert_eq!(ms(0.31), "0.31\u{202f}ms");
        assert_eq!(bytes(98_362_432.0), "94\u{202f}MiB");
        assert_eq!(bytes(512.0), "512\u{202f}B");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(rate(131.4), "131");
    }
}
