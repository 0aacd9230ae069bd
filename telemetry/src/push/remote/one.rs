//! The messages of version 1: each series says its labels in full, and kinds and help texts come apart.
//! <https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto>

use super::native::Histogram;
use super::{About, Batch, Value};
use crate::metric::Kind;
use crate::snapshot::Family;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The same in version 2.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    metric_family_name: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

impl Batch for Request {
    fn add(&mut self, labels: &[(&str, &str)], value: Value<'_>, about: &About<'_>) {
        let labels = labels.iter().map(|&(name, value)| Label { name: name.to_owned(), value: value.to_owned() });
        let (samples, histograms) = values(&value, about.at);
        self.timeseries.push(TimeSeries { labels: labels.collect(), samples, histograms });
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).encode_to_vec()
    }
}

/// A series has samples or histograms.
pub(super) fn values(value: &Value<'_>, at: i64) -> (Vec<Sample>, Vec<Histogram>) {
    match *value {
        Value::Number(value) => (vec![Sample { value, timestamp: at }], Vec::new()),
        Value::Native(value) => (Vec::new(), vec![Histogram::new(value, at)]),
        Value::NativeStale => (Vec::new(), vec![Histogram::stale(at)]),
    }
}

/// Kinds and help texts of these families.
pub(super) fn metadata(families: &[Family]) -> Vec<u8> {
    let metadata = families.iter().map(|family| Metadata {
        kind: kind(family.kind),
        metric_family_name: family.name.clone().into_owned(),
        help: family.help.clone().into_owned(),
        unit: family.unit.clone().into_owned(),
    });
    Request { timeseries: Vec::new(), metadata: metadata.collect() }.encode_to_vec()
}

/// `MetricType`, the same in version 2.
pub(super) fn kind(kind: Kind) -> i32 {
    match kind {
        Kind::Unknown => 0,
        Kind::Counter => 1,
        Kind::Gauge => 2,
        Kind::Histogram => 3,
        Kind::Summary => 5,
        Kind::Info => 6,
    }
}
