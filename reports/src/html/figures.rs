//! Numbers as cells of a table: text, and a footnote where there is none.

use serde::Serialize;

use crate::analysis::{Estimate, Figure, ModelView, Results};
use crate::{numbers, visible};

/// A cell: its text, and the number of the footnote that says why it is a dash.
#[derive(Debug, Clone, Serialize)]
pub struct Text {
    pub text: String,
    pub note: Option<usize>,
}

impl Text {
    pub fn plain(text: impl Into<String>) -> Self {
        Text { text: text.into(), note: None }
    }
}

/// Reasons below a table, each once.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Notes(Vec<String>);

impl Notes {
    /// The number of a reason, from 1.
    pub fn number(&mut self, why: &str) -> usize {
        match self.0.iter().position(|known| known == why) {
            Some(at) => at + 1,
            None => {
                self.0.push(why.to_owned());
                self.0.len()
            }
        }
    }

    /// A figure as a cell.
    pub fn cell(&mut self, figure: &Figure, write: fn(f64) -> String) -> Text {
        match (figure.value, &figure.why) {
            (Some(value), _) => Text::plain(write(value)),
            (None, Some(why)) => Text { text: numbers::DASH.into(), note: Some(self.number(why)) },
            (None, None) => Text::plain(numbers::DASH),
        }
    }

    /// A dash with its reason.
    pub fn dash(&mut self, why: &str) -> Text {
        Text { text: numbers::DASH.into(), note: Some(self.number(why)) }
    }
}

/// A model's name and mark: a filled circle for one that ran here, a hollow square for one that
/// answered elsewhere, a triangle for a baseline.
#[derive(Debug, Clone, Serialize)]
pub struct Name {
    pub name: String,
    /// Chooses the mark: `here`, `elsewhere`, `baseline`.
    pub mark: &'static str,
}

impl Name {
    pub fn of(results: &Results, id: &str) -> Self {
        let model = results.models.iter().find(|model| model.id == id);
        model.map_or(Name { name: visible::line(id).into_owned(), mark: "elsewhere" }, Name::from)
    }
}

impl From<&ModelView> for Name {
    fn from(model: &ModelView) -> Self {
        let mark = match model.local {
            _ if model.is_baseline() => "baseline",
            true => "here",
            false => "elsewhere",
        };
        Name { name: visible::line(&model.id).into_owned(), mark }
    }
}

/// An estimate in words.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    pub value: String,
    pub range: String,
    pub method: String,
    pub bounds: String,
}

impl From<&Estimate> for Score {
    fn from(estimate: &Estimate) -> Self {
        Score {
            value: numbers::value(estimate),
            range: numbers::range(estimate),
            method: estimate.interval.as_ref().map_or(String::new(), |i| i.method.clone()),
            bounds: estimate.bounds.map_or(String::new(), |bounds| {
                format!(
                    "errors answered: {} to {}",
                    numbers::percent(bounds.worst, 1),
                    numbers::percent(bounds.best, 1)
                )
            }),
        }
    }
}

/// A share as a coordinate in percent, for SVG attributes.
pub fn coordinate(share: f64) -> String {
    format!("{:.2}%", share.clamp(0.0, 1.0) * 100.0)
}
