//! A metric of a suite: of the whole answer, or of one label axis of several.
//!
//! Where a task has several axes, the statistics of each stand behind its name and a slash
//! (`priority/tp:high`), and a metric of one axis is made of those alone. A task with one axis has
//! neither.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Metric, Parts};

/// A metric, with the axis that it is of where there are several. Written `accuracy` or
/// `accuracy.priority`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure {
    /// The metric.
    pub metric: Metric,
    /// The axis; `None` for the whole answer.
    pub axis: Option<String>,
}

impl Measure {
    /// A metric of one axis of several.
    pub fn of_axis(metric: Metric, axis: &str) -> Measure {
        Measure { metric, axis: Some(axis.to_owned()) }
    }

    /// The name for people: `accuracy (priority)`.
    pub fn title(&self) -> String {
        match &self.axis {
            Some(axis) => format!("{} ({axis})", self.metric.title()),
            None => self.metric.title().to_owned(),
        }
    }

    /// Whether it is a mean of zeros and ones, unless it is the mean over several axes.
    pub fn is_proportion(&self) -> bool {
        self.metric.is_proportion()
    }

    /// The figure of summed statistics; see [`Metric::finish`].
    pub fn finish(&self, sum: &Parts) -> Option<f64> {
        let Some(axis) = &self.axis else {
            return self.metric.finish(sum);
        };
        let prefix = prefix(axis);
        let from = sum.range(prefix.clone()..);
        let of_axis = from.map_while(|(name, value)| {
            name.strip_prefix(&prefix).map(|name| (name.to_owned(), *value))
        });
        self.metric.finish(&of_axis.collect())
    }
}

/// What the names of an axis' statistics begin with.
pub fn prefix(axis: &str) -> String {
    format!("{axis}/")
}

/// The statistics of one axis of several, by the names that they have in a record.
pub fn parts_of_axis(axis: &str, parts: Parts) -> impl Iterator<Item = (String, f64)> {
    let prefix = prefix(axis);
    parts.into_iter().map(move |(name, value)| (format!("{prefix}{name}"), value))
}

/// The axis with its slash, empty where there is one only, and the rest of a name. Labels stand behind a colon and may hold any
/// slash; names of axes hold neither.
pub fn split_axis(name: &str) -> (&str, &str) {
    let head = name.split_once(':').map_or(name, |(head, _)| head);
    let after = head.find('/').map_or(0, |slash| slash.saturating_add(1));
    name.split_at_checked(after).unwrap_or(("", name))
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Measure {
        Measure { metric, axis: None }
    }
}

impl PartialEq<Metric> for Measure {
    fn eq(&self, metric: &Metric) -> bool {
        self.axis.is_none() && self.metric == *metric
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.axis {
            Some(axis) => write!(f, "{}.{axis}", self.metric.as_str()),
            None => f.write_str(self.metric.as_str()),
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (word, axis) = match text.split_once('.') {
            Some((word, axis)) => (word, Some(axis.to_owned())),
            None => (text.as_str(), None),
        };
        let metric = Metric::ALL.into_iter().find(|metric| metric.as_str() == word);
        let metric = metric.ok_or_else(|| D::Error::custom(format!("`{word}` is no metric")))?;
        Ok(Measure { metric, axis })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn written_as_metric_and_axis() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(Measure::from(metric)).unwrap(), metric.as_str());
            let of_axis = Measure::of_axis(metric, "one.two");
            let text = serde_json::to_value(&of_axis).unwrap();
            assert_eq!(text, format!("{}.one.two", metric.as_str()));
            assert_eq!(serde_json::from_value::<Measure>(text).unwrap(), of_axis);
        }
        assert!(serde_json::from_value::<Measure>(json!("speed")).is_err());
    }

    #[test]
    fn an_axis_is_made_of_its_own_statistics() {
        let parts =
            |correct: f64| Parts::from([("n".to_owned(), 4.0), ("correct".to_owned(), correct)]);
        let mut sum = parts(2.0);
        sum.extend(parts_of_axis("b", parts(1.0)));
        sum.extend(parts_of_axis("bb", parts(3.0)));
        let accuracy = |axis| Measure::of_axis(Metric::Accuracy, axis).finish(&sum);
        assert_eq!((accuracy("b"), accuracy("bb"), accuracy("c")), (Some(0.25), Some(0.75), None));
        assert_eq!(Measure::from(Metric::Accuracy).finish(&sum), Some(0.5));
    }
}
