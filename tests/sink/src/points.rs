/// How one point follows another.
mod course;
/// From the messages to a flat list.
mod flatten;

use crate::received::{Attributes, Scope};
pub(crate) use flatten::of;
use std::collections::BTreeMap;

/// What a sum or a histogram counts since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Temporality {
    /// It is not said.
    Unspecified,
    /// Since the last point.
    Delta,
    /// Since the series began.
    Cumulative,
}

/// A number, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `as_int`.
    Int(i64),
    /// `as_double`.
    Double(f64),
    /// Neither.
    Absent,
}

impl Number {
    /// As a floating-point number; a number that is not there is NaN.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
            Number::Absent => f64::NAN,
        }
    }
}

/// What a point says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A value that goes up and down.
    Gauge(Number),
    /// A count.
    Sum {
        /// How much.
        value: Number,
        /// Since when.
        temporality: Temporality,
        /// Whether it only grows.
        monotonic: bool,
    },
    /// Explicit buckets.
    Histogram {
        /// Since when.
        temporality: Temporality,
        /// Observations.
        count: u64,
        /// Of what was observed.
        sum: Option<f64>,
        /// The least.
        min: Option<f64>,
        /// The most.
        max: Option<f64>,
        /// Upper bounds; the last bucket has none.
        bounds: Vec<f64>,
        /// Observations in each bucket, not cumulative; one more than bounds.
        buckets: Vec<u64>,
    },
    /// Exponential buckets.
    Exponential {
        /// Since when.
        temporality: Temporality,
        /// Observations.
        count: u64,
        /// Of what was observed.
        sum: Option<f64>,
        /// The base of the buckets is 2^(2^-scale).
        scale: i32,
        /// Observations of about zero.
        zero: u64,
        /// What zero reaches to.
        zero_threshold: f64,
        /// The index of the first bucket, and the observations in each.
        positive: (i32, Vec<u64>),
        /// The same for what is below zero.
        negative: (i32, Vec<u64>),
        /// The least.
        min: Option<f64>,
        /// The most.
        max: Option<f64>,
    },
    /// Quantiles that the sender worked out.
    Summary {
        /// Observations.
        count: u64,
        /// Of what was observed.
        sum: f64,
        /// Quantile and value.
        quantiles: Vec<(f64, f64)>,
    },
}

impl Value {
    /// The word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Gauge(_) => "gauge",
            Value::Sum { .. } => "sum",
            Value::Histogram { .. } => "histogram",
            Value::Exponential { .. } => "exponential",
            Value::Summary { .. } => "summary",
        }
    }

    /// A gauge's or sum's value, a histogram's sum.
    pub fn as_f64(&self) -> f64 {
        match self {
            Value::Gauge(value) | Value::Sum { value, .. } => value.as_f64(),
            Value::Histogram { sum, .. } | Value::Exponential { sum, .. } => sum.unwrap_or(f64::NAN),
            Value::Summary { sum, .. } => *sum,
        }
    }

    /// Observations of a histogram or summary.
    pub fn count(&self) -> Option<u64> {
        match self {
            Value::Gauge(_) | Value::Sum { .. } => None,
            Value::Histogram { count, .. } | Value::Exponential { count, .. } | Value::Summary { count, .. } => {
                Some(*count)
            }
        }
    }

    /// Since when it counts, where it does.
    pub fn temporality(&self) -> Option<Temporality> {
        match self {
            Value::Gauge(_) | Value::Summary { .. } => None,
            Value::Sum { temporality, .. }
            | Value::Histogram { temporality, .. }
            | Value::Exponential { temporality, .. } => Some(*temporality),
        }
    }
}

/// An observation with its trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// What was observed.
    pub value: Number,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// 32 hex digits, or nothing.
    pub trace: String,
    /// 16 hex digits, or nothing.
    pub span: String,
    /// What the series does not say.
    pub attributes: Attributes,
}

/// A point of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// In which request it came: [`Received::number`](crate::Received::number).
    pub request: usize,
    /// Of the resource.
    pub resource: Attributes,
    /// Who made it.
    pub scope: Scope,
    /// Of the metric.
    pub name: String,
    /// Of the metric.
    pub description: String,
    /// Of the metric, in UCUM.
    pub unit: String,
    /// Of the series.
    pub attributes: Attributes,
    /// Nanoseconds since 1970; 0 where it is not said.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What it says.
    pub value: Value,
    /// In their order.
    pub exemplars: Vec<Exemplar>,
    /// 1: there is no value.
    pub flags: u32,
}

/// Points, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// All of them.
    pub all: Vec<Point>,
}

/// What tells one series from another.
pub(crate) type Identity<'a> = (&'a Attributes, &'a Scope, &'a str, &'a Attributes);

impl Point {
    pub(crate) fn identity(&self) -> Identity<'_> {
        (&self.resource, &self.scope, &self.name, &self.attributes)
    }
}

impl Points {
    /// Those of a metric.
    pub fn named(&self, name: &str) -> Vec<&Point> {
        self.all.iter().filter(|point| point.name == name).collect()
    }

    /// Those of a series: all of these attributes and no others.
    pub fn series(&self, name: &str, attributes: &[(&str, &str)]) -> Vec<&Point> {
        let same = |point: &&Point| {
            let given =
                attributes.iter().all(|(key, value)| point.attributes.get(*key).is_some_and(|has| has == value));
            point.name == name && point.attributes.len() == attributes.len() && given
        };
        self.all.iter().filter(same).collect()
    }

    /// The last of a series.
    pub fn last(&self, name: &str, attributes: &[(&str, &str)]) -> Option<&Point> {
        self.series(name, attributes).pop()
    }

    /// What a series of sums counted in all: the last value of cumulative points after the last reset, added to what was reached before each; the sum of
    /// all deltas. `None` where there is no such series of sums.
    pub fn total(&self, name: &str, attributes: &[(&str, &str)]) -> Option<f64> {
        let mut total = None;
        let mut last = 0.0;
        for point in self.series(name, attributes) {
            let Value::Sum { value, temporality, monotonic } = point.value else { continue };
            let (value, before) = (value.as_f64(), total.unwrap_or(0.0));
            total = Some(match temporality {
                Temporality::Delta => before + value,
                // A new beginning.
                _ if monotonic && value < last => before + value,
                _ => before + value - last,
            });
            last = value;
        }
        total
    }

    /// The last point of each series, by metric and attributes.
    pub fn latest(&self) -> BTreeMap<(String, Attributes), &Point> {
        self.all.iter().map(|point| ((point.name.clone(), point.attributes.clone()), point)).collect()
    }

    /// The names of all metrics.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.all.iter().map(|point| point.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What does not fit in the course of a series: times that go back, totals that fall, deltas that overlap or leave something out. To be compared
    /// with an empty list.
    pub fn breaks(&self) -> Vec<String> {
        let mut last: BTreeMap<Identity<'_>, &Point> = BTreeMap::new();
        let mut breaks = Vec::new();
        for point in &self.all {
            let Some(before) = last.insert(point.identity(), point) else { continue };
            if let Some(wrong) = course::between(before, point) {
                breaks.push(format!("{}{:?}: {wrong}", point.name, point.attributes));
            }
        }
        breaks
    }
}
