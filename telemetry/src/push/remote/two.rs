//! The messages of version 2: every text is said once and then referred to, and each series says its kind, help, unit and start.
//! <https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto>

use super::native::Histogram;
use super::one::{Sample, kind, values};
use super::{About, Batch, Value};
use prost::Message;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Request {
    /// Where a text stands among the symbols.
    places: HashMap<String, u32>,
    message: Written,
}

#[derive(Clone, PartialEq, Message)]
struct Written {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    /// Name, value, name, value.
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    histograms: Vec<Histogram>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<Metadata>,
    #[prost(int64, tag = "6")]
    created_timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help_ref: u32,
    #[prost(uint32, tag = "4")]
    unit_ref: u32,
}

impl Request {
    fn place(&mut self, text: &str) -> u32 {
        // The first symbol is the empty text.
        if self.message.symbols.is_empty() {
            self.message.symbols.push(String::new());
            self.places.insert(String::new(), 0);
        }
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        // A batch has far fewer texts than would need more bits.
        let place = u32::try_from(self.message.symbols.len()).unwrap_or(u32::MAX);
        self.message.symbols.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

impl Batch for Request {
    fn add(&mut self, labels: &[(&str, &str)], value: Value<'_>, about: &About<'_>) {
        let labels_refs = labels.iter().flat_map(|&(name, value)| [name, value]).map(|text| self.place(text)).collect();
        let family = about.family;
        let (help_ref, unit_ref) = (self.place(&family.help), self.place(&family.unit));
        let metadata = Some(Metadata { kind: kind(family.kind), help_ref, unit_ref });
        let (samples, histograms) = values(&value, about.at);
        let series = TimeSeries { labels_refs, samples, histograms, metadata, created_timestamp: about.created };
        self.message.timeseries.push(series);
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).message.encode_to_vec()
    }
}
