//! Quality against latency: one scatter a suite, drawn in a fixed coordinate system.

use serde::Serialize;

use super::figures::Name;
use crate::analysis::{Analysis, Cell};
use crate::{numbers, visible};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;
/// Width of a character of a label, roughly, in units of the drawing.
const CHARACTER: f64 = 7.4;
/// Height of a line of labels.
const LINE: f64 = 15.0;

#[derive(Debug, Serialize)]
pub struct Plot {
    suite: String,
    metric: String,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    points: Vec<Point>,
    /// Models that are not on the plot, with the reason.
    left_out: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct Point {
    model: Name,
    x: f64,
    y: f64,
    /// End of the line to p95; equal to `x` where p95 is unknown.
    x95: f64,
    y_lower: f64,
    y_upper: f64,
    label_x: f64,
    label_y: f64,
    anchor: &'static str,
    value: String,
    range: String,
    p50: String,
    p95: String,
    load: String,
}

struct Datum<'a> {
    cell: &'a Cell,
    value: f64,
    lower: f64,
    upper: f64,
    p50: f64,
    p95: Option<f64>,
}

/// One plot a suite.
pub fn plots(analysis: &Analysis) -> Vec<Plot> {
    let results = &analysis.results;
    results
        .suites
        .iter()
        .map(|suite| {
            let cells = results.cells.iter().filter(|cell| cell.suite == suite.name);
            let (mut data, mut left_out) = (Vec::new(), Vec::new());
            for cell in cells {
                match datum(cell) {
                    Ok(datum) => data.push(datum),
                    Err(why) => left_out.push((visible::line(&cell.model).into_owned(), why)),
                }
            }
            let frame = Frame::of(&data);
            let mut points: Vec<Point> =
                data.iter().map(|d| frame.point(Name::of(results, &d.cell.model), d)).collect();
            place_labels(&mut points);
            Plot {
                suite: visible::line(&suite.name).into_owned(),
                metric: suite.primary.clone(),
                width: WIDTH,
                height: HEIGHT,
                left: LEFT,
                right: WIDTH - RIGHT,
                top: TOP,
                bottom: HEIGHT - BOTTOM,
                x_ticks: frame.x_ticks(),
                y_ticks: frame.y_ticks(),
                points,
                left_out,
            }
        })
        .collect()
}

fn datum(cell: &Cell) -> Result<Datum<'_>, String> {
    if let Some(why) = &cell.why_not {
        return Err(format!("not measured: {why}"));
    }
    let undefined = || "the score is undefined".to_owned();
    let pass = cell.quality().ok_or_else(undefined)?;
    let value = pass.primary.value.ok_or_else(undefined)?;
    let end_to_end = &cell.timed().ok_or_else(undefined)?.latency.end_to_end;
    let p50 = end_to_end.p50.value.filter(|ms| *ms > 0.0).ok_or_else(|| {
        end_to_end.p50.why.clone().unwrap_or_else(|| "the median latency is 0".to_owned())
    })?;
    let interval = pass.primary.interval.as_ref();
    Ok(Datum {
        cell,
        value,
        lower: interval.map_or(value, |i| i.lower),
        upper: interval.map_or(value, |i| i.upper),
        p50,
        p95: end_to_end.p95.value,
    })
}

/// The axes: milliseconds on a logarithmic scale, scores on a linear one.
struct Frame {
    low_ms: f64,
    high_ms: f64,
    floor: f64,
}

impl Frame {
    fn of(data: &[Datum<'_>]) -> Self {
        let times = || data.iter().flat_map(|d| [d.p50, d.p95.unwrap_or(d.p50)]);
        let low = times().fold(f64::INFINITY, f64::min);
        let high = times().fold(0.0, f64::max);
        let (low, high) = if low <= high { (low / 1.5, high * 1.6) } else { (1.0, 1000.0) };
        // At least a decade, so that small differences do not fill the plot.
        let stretch = (10.0 / (high / low)).max(1.0).sqrt();
        let lowest = data.iter().map(|d| d.lower).fold(1.0, f64::min);
        let floor = ((lowest * 10.0 - 0.2).floor() / 10.0).clamp(0.0, 0.8);
        Frame { low_ms: low / stretch, high_ms: high * stretch, floor }
    }

    fn x(&self, ms: f64) -> f64 {
        let share = (ms / self.low_ms).ln() / (self.high_ms / self.low_ms).ln();
        rounded(LEFT + share * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, score: f64) -> f64 {
        let share = (score - self.floor) / (1.0 - self.floor);
        rounded(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))
    }

    fn point(&self, model: Name, d: &Datum<'_>) -> Point {
        let (x, y) = (self.x(d.p50), self.y(d.value));
        let pass = d.cell.quality();
        Point {
            x,
            y,
            x95: self.x(d.p95.unwrap_or(d.p50)),
            y_lower: self.y(d.lower),
            y_upper: self.y(d.upper),
            label_x: x,
            label_y: y,
            anchor: "start",
            value: pass.map_or(String::new(), |pass| numbers::value(&pass.primary)),
            range: pass.map_or(String::new(), |pass| numbers::range(&pass.primary)),
            p50: numbers::ms(d.p50),
            p95: d.p95.map_or(numbers::DASH.into(), numbers::ms),
            load: d.cell.timed().map_or(String::new(), |pass| pass.latency.label.clone()),
            model,
        }
    }

    fn x_ticks(&self) -> Vec<Tick> {
        let first = self.low_ms.log10().floor() as i32;
        let last = self.high_ms.log10().ceil() as i32;
        let steps: &[f64] =
            if self.high_ms / self.low_ms > 300.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|ms| (self.low_ms..=self.high_ms).contains(ms))
            .map(|ms| Tick { at: self.x(ms), label: tick_label(ms) })
            .collect()
    }

    fn y_ticks(&self) -> Vec<Tick> {
        let step = if self.floor < 0.5 { 20 } else { 10 };
        (0..=100)
            .step_by(step)
            .map(|percent| (f64::from(percent) / 100.0, percent))
            .filter(|(score, _)| *score >= self.floor - 1e-9)
            .map(|(score, percent)| Tick { at: self.y(score), label: percent.to_string() })
            .collect()
    }
}

/// A round time without needless zeros: `0.5 ms`, `200 ms`, `2 s`.
fn tick_label(ms: f64) -> String {
    let (value, unit) = if ms < 1000.0 { (ms, "ms") } else { (ms / 1000.0, "s") };
    format!("{}\u{202f}{unit}", (value * 1000.0).round() / 1000.0)
}

/// Puts each label where it covers no other label, no point and no line to p95: above or below its
/// point, to the right or to the left; the first such place, else the one that covers least.
fn place_labels(points: &mut [Point]) {
    let marks: Vec<Area> = points
        .iter()
        .flat_map(|p| {
            let dot = Area { left: p.x - 7.0, right: p.x + 7.0, top: p.y - 7.0, bottom: p.y + 7.0 };
            let line = Area { left: p.x, right: p.x95, top: p.y - 1.0, bottom: p.y + 1.0 };
            let bar = Area { left: p.x - 1.0, right: p.x + 1.0, top: p.y_upper, bottom: p.y_lower };
            [dot, line, bar]
        })
        .collect();
    let mut labels: Vec<Area> = Vec::new();
    for point in points {
        let length = point.model.name.chars().count() as f64 * CHARACTER;
        let places =
            [(9.0, -7.0), (9.0, 17.0), (-9.0, -7.0), (-9.0, 17.0), (9.0, -22.0), (9.0, 32.0)];
        let mut best = (usize::MAX, Area::default());
        for (aside, below) in places {
            let left = if aside > 0.0 { point.x + aside } else { point.x + aside - length };
            let base = point.y + below;
            let area =
                Area { left, right: left + length, top: base - LINE + 4.0, bottom: base + 3.0 };
            let covered = marks.iter().chain(&labels).filter(|other| area.meets(other)).count();
            let outside = area.left < LEFT || area.right > WIDTH || area.top < 0.0;
            let cost = covered + if outside { 10 } else { 0 };
            if cost < best.0 {
                best = (cost, area);
                point.label_x = rounded(if aside > 0.0 { left } else { left + length });
                point.label_y = rounded(base);
                point.anchor = if aside > 0.0 { "start" } else { "end" };
            }
        }
        labels.push(best.1);
    }
}

/// A rectangle of the drawing.
#[derive(Debug, Clone, Copy, Default)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn meets(&self, other: &Area) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
