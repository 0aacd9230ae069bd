//! Prometheus' client model in protobuf: messages `MetricFamily`, each after its length. The one format with native histograms.
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>
//!
//! Counters are floating point there, so that whole numbers above 2^53 are exact in the text formats alone; counts of histograms are exact.

use crate::export::escape::{Escaping, Names};
use crate::export::exemplar::{by_bucket, can_be_shown};
use crate::export::wire::Message;
use crate::export::{Encoder, Number, Options, Sample, encode as walk};
use crate::metric::Kind;
use crate::snapshot::{Exemplar, Exponential, Family, Histogram, Label, Series, Snapshot, Summary};
use std::convert::Infallible;
use std::time::{SystemTime, UNIX_EPOCH};

/// The exposition of a snapshot, with what the program was told to show: [`Options::of_program`].
#[must_use]
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    encode_with(snapshot, Escaping::default(), Options::of_program())
}

pub(super) fn encode_with(snapshot: &Snapshot, escaping: Escaping, options: Options) -> Vec<u8> {
    let names = Names::of(snapshot, escaping);
    let created = options.shows_created().then_some(snapshot.started_at);
    let mut encoder =
        Protobuf { out: Message::default(), names, created, native: options.shows_native(), family: None };
    match walk(snapshot, &mut encoder) {
        Ok(()) => encoder.out.into_bytes(),
    }
}

/// The numbers of the fields, by message. What is in `Metric` has the same number as its value there.
mod field {
    pub(super) mod family {
        pub(in super::super) const NAME: u32 = 1;
        pub(in super::super) const HELP: u32 = 2;
        pub(in super::super) const TYPE: u32 = 3;
        pub(in super::super) const METRIC: u32 = 4;
        pub(in super::super) const UNIT: u32 = 5;
    }
    pub(super) mod metric {
        pub(in super::super) const LABEL: u32 = 1;
        pub(in super::super) const GAUGE: u32 = 2;
        pub(in super::super) const COUNTER: u32 = 3;
        pub(in super::super) const SUMMARY: u32 = 4;
        pub(in super::super) const UNTYPED: u32 = 5;
        pub(in super::super) const HISTOGRAM: u32 = 7;
    }
    pub(super) mod label {
        pub(in super::super) const NAME: u32 = 1;
        pub(in super::super) const VALUE: u32 = 2;
    }
    /// `Gauge`, `Counter` and `Untyped`.
    pub(super) mod number {
        pub(in super::super) const VALUE: u32 = 1;
        pub(in super::super) const CREATED: u32 = 3;
    }
    pub(super) mod summary {
        pub(in super::super) const COUNT: u32 = 1;
        pub(in super::super) const SUM: u32 = 2;
        pub(in super::super) const QUANTILE: u32 = 3;
    }
    pub(super) mod quantile {
        pub(in super::super) const QUANTILE: u32 = 1;
        pub(in super::super) const VALUE: u32 = 2;
    }
    pub(super) mod histogram {
        pub(in super::super) const COUNT: u32 = 1;
        pub(in super::super) const SUM: u32 = 2;
        pub(in super::super) const BUCKET: u32 = 3;
        pub(in super::super) const SCHEMA: u32 = 5;
        pub(in super::super) const ZERO_THRESHOLD: u32 = 6;
        pub(in super::super) const ZERO_COUNT: u32 = 7;
        pub(in super::super) const POSITIVE_SPAN: u32 = 12;
        pub(in super::super) const POSITIVE_DELTA: u32 = 13;
        pub(in super::super) const CREATED: u32 = 15;
        pub(in super::super) const EXEMPLAR: u32 = 16;
    }
    pub(super) mod bucket {
        pub(in super::super) const CUMULATIVE_COUNT: u32 = 1;
        pub(in super::super) const UPPER_BOUND: u32 = 2;
        pub(in super::super) const EXEMPLAR: u32 = 3;
    }
    pub(super) mod span {
        pub(in super::super) const OFFSET: u32 = 1;
        pub(in super::super) const LENGTH: u32 = 2;
    }
    pub(super) mod exemplar {
        pub(in super::super) const LABEL: u32 = 1;
        pub(in super::super) const VALUE: u32 = 2;
        pub(in super::super) const TIMESTAMP: u32 = 3;
    }
    pub(super) mod timestamp {
        pub(in super::super) const SECONDS: u32 = 1;
        pub(in super::super) const NANOS: u32 = 2;
    }
}

struct Protobuf<'a> {
    out: Message,
    names: Names<'a>,
    created: Option<SystemTime>,
    /// Whether exponential buckets are shown as they are.
    native: bool,
    /// Where the family that is being written began.
    family: Option<usize>,
}

impl Encoder for Protobuf<'_> {
    type Error = Infallible;

    fn family(&mut self, family: &Family) -> Result<(), Infallible> {
        self.end_family();
        self.family = Some(self.out.begin());
        let name = self.names.name(&family.name);
        self.out.string(field::family::NAME, &name);
        if !family.help.is_empty() {
            self.out.string(field::family::HELP, &family.help);
        }
        // `MetricType`. It has no info, which is a gauge that is always 1.
        let kind = match family.kind {
            Kind::Counter => 0,
            Kind::Gauge | Kind::Info => 1,
            Kind::Summary => 2,
            Kind::Unknown => 3,
            Kind::Histogram => 4,
        };
        self.out.unsigned(field::family::TYPE, kind);
        if !family.unit.is_empty() {
            self.out.string(field::family::UNIT, &family.unit);
        }
        Ok(())
    }

    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Infallible> {
        self.metric(sample.labels, field::metric::UNTYPED, |value, _| {
            value.double(field::number::VALUE, as_f64(sample.value));
        });
        Ok(())
    }

    fn number(&mut self, family: &Family, series: &Series, value: Number) -> Result<(), Infallible> {
        let kind = match family.kind {
            Kind::Counter => field::metric::COUNTER,
            Kind::Gauge | Kind::Info => field::metric::GAUGE,
            _ => field::metric::UNTYPED,
        };
        // Totals that are not whole numbers are another registry's, which alone knows since when it counts.
        let is_ours = kind == field::metric::COUNTER && !matches!(value, Number::Float(_));
        let created = self.created.filter(|_| is_ours);
        self.metric(&series.labels, kind, |message, _| {
            message.double(field::number::VALUE, as_f64(value));
            if let Some(created) = created {
                timestamp(message, field::number::CREATED, created);
            }
        });
        Ok(())
    }

    fn histogram(&mut self, _family: &Family, series: &Series, histogram: &Histogram) -> Result<(), Infallible> {
        let created = self.created;
        self.metric(&series.labels, field::metric::HISTOGRAM, |message, escaping| {
            classic(message, escaping, histogram);
            if let Some(created) = created {
                timestamp(message, field::histogram::CREATED, created);
            }
        });
        Ok(())
    }

    fn exponential(&mut self, family: &Family, series: &Series, value: &Exponential) -> Result<(), Infallible> {
        let classic_form = value.to_powers_of_two();
        if !self.native {
            return self.histogram(family, series, &classic_form);
        }
        let created = self.created;
        self.metric(&series.labels, field::metric::HISTOGRAM, |message, escaping| {
            // Both: a scraper that takes the native one leaves the classic buckets, and one that does not finds them. Prometheus 2.42 takes
            // the exemplars of a native histogram from there as well.
            classic(message, escaping, &classic_form);
            native(message, value);
            for exemplar in value.exemplars.iter().filter(|exemplar| can_be_shown(exemplar)) {
                message.message(field::histogram::EXEMPLAR, |message| write_exemplar(message, escaping, exemplar));
            }
            if let Some(created) = created {
                timestamp(message, field::histogram::CREATED, created);
            }
        });
        Ok(())
    }

    fn summary(&mut self, _family: &Family, series: &Series, summary: &Summary) -> Result<(), Infallible> {
        self.metric(&series.labels, field::metric::SUMMARY, |message, _| {
            message.unsigned(field::summary::COUNT, summary.count);
            message.double(field::summary::SUM, summary.sum);
            for &(quantile, value) in &summary.quantiles {
                message.message(field::summary::QUANTILE, |message| {
                    message.double(field::quantile::QUANTILE, quantile);
                    message.double(field::quantile::VALUE, value);
                });
            }
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Infallible> {
        self.end_family();
        Ok(())
    }
}

impl Protobuf<'_> {
    fn end_family(&mut self) {
        if let Some(start) = self.family.take() {
            self.out.end(start);
        }
    }

    /// A series, with a value of this kind.
    fn metric(&mut self, labels: &[Label], kind: u32, value: impl FnOnce(&mut Message, Escaping)) {
        let escaping = self.names.escaping();
        self.out.message(field::family::METRIC, |metric| {
            write_labels(metric, field::metric::LABEL, escaping, labels);
            metric.message(kind, |message| value(message, escaping));
        });
    }
}

fn write_labels(message: &mut Message, field: u32, escaping: Escaping, labels: &[Label]) {
    let mut pair = |name: &str, value: &str| {
        message.message(field, |pair| {
            pair.string(field::label::NAME, name);
            pair.string(field::label::VALUE, value);
        });
    };
    if escaping.keeps(labels) {
        labels.iter().for_each(|(name, value)| pair(name, value));
    } else {
        escaping.labels(labels).iter().for_each(|(name, value)| pair(name, value));
    }
}

/// Count, sum, and cumulative buckets.
fn classic(message: &mut Message, escaping: Escaping, histogram: &Histogram) {
    message.unsigned(field::histogram::COUNT, histogram.count());
    message.double(field::histogram::SUM, histogram.sum);
    let exemplars = by_bucket(histogram);
    let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
    let mut seen = 0u64;
    for (place, (bound, count)) in bounds.zip(&histogram.buckets).enumerate() {
        seen = seen.wrapping_add(*count);
        message.message(field::histogram::BUCKET, |bucket| {
            bucket.unsigned(field::bucket::CUMULATIVE_COUNT, seen);
            bucket.double(field::bucket::UPPER_BOUND, bound);
            if let Some((_, exemplar)) = exemplars.iter().find(|(of, _)| *of == place) {
                bucket.message(field::bucket::EXEMPLAR, |message| write_exemplar(message, escaping, exemplar));
            }
        });
    }
}

/// How many empty buckets are written rather than skipped: a skip costs as much as two of them.
const GAP: usize = 2;

/// Schema, zero bucket, and the buckets that hold something, as spans and differences.
fn native(message: &mut Message, value: &Exponential) {
    message.signed(field::histogram::SCHEMA, value.scale.into());
    // What is not above the first bucket's lower bound is zero, as far as these buckets can tell.
    let lowest = f64::from(value.offset) / 2f64.powi(value.scale);
    message.double(field::histogram::ZERO_THRESHOLD, lowest.exp2());
    message.unsigned(field::histogram::ZERO_COUNT, value.below);
    // What is above the last bucket is shown in the next one.
    let counts: Vec<u64> = value.buckets.iter().copied().chain([value.above]).collect();
    let mut spans = Vec::<(usize, usize)>::new(); // first and behind the last
    for (at, _) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        match spans.last_mut() {
            Some((_, end)) if at - *end <= GAP => *end = at + 1,
            _ => spans.push((at, at + 1)),
        }
    }
    // Prometheus counts buckets by their upper bounds: its bucket 0 ends at 1, ours begins there.
    let mut next = -1 - i64::from(value.offset);
    for &(start, end) in &spans {
        let start_index = i64::try_from(start).unwrap_or(i64::MAX);
        message.message(field::histogram::POSITIVE_SPAN, |span| {
            span.signed(field::span::OFFSET, start_index.saturating_sub(next));
            span.unsigned(field::span::LENGTH, (end - start) as u64);
        });
        next = i64::try_from(end).unwrap_or(i64::MAX);
    }
    let shown = spans.iter().flat_map(|&(start, end)| counts.get(start..end).unwrap_or_default());
    let mut last = 0u64;
    let deltas = shown.map(|&count| {
        #[expect(clippy::cast_possible_wrap, reason = "a difference, which may be below zero")]
        let delta = count.wrapping_sub(last) as i64;
        last = count;
        delta
    });
    if !spans.is_empty() {
        message.packed(field::histogram::POSITIVE_DELTA, deltas);
    }
}

fn write_exemplar(message: &mut Message, escaping: Escaping, exemplar: &Exemplar) {
    write_labels(message, field::exemplar::LABEL, escaping, &exemplar.labels);
    message.double(field::exemplar::VALUE, exemplar.value);
    timestamp(message, field::exemplar::TIMESTAMP, exemplar.at);
}

/// `google.protobuf.Timestamp`; a time before 1970 is not shown.
fn timestamp(message: &mut Message, field: u32, time: SystemTime) {
    if let Ok(passed) = time.duration_since(UNIX_EPOCH) {
        message.message(field, |message| {
            message.unsigned(field::timestamp::SECONDS, passed.as_secs());
            message.unsigned(field::timestamp::NANOS, passed.subsec_nanos().into());
        });
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has floating point alone")]
fn as_f64(value: Number) -> f64 {
    match value {
        Number::Integer(value) => value as f64,
        // Above 2^53 the number would be rounded twice, and not be what is read in the text formats.
        Number::Nanoseconds(large) if large >> 53 != 0 => value.to_string().parse().unwrap_or(large as f64 / 1e9),
        Number::Nanoseconds(small) => small as f64 / 1e9,
        Number::Float(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Labels;

    fn exponential(offset: i32, buckets: &[u64], below: u64, above: u64) -> Exponential {
        Exponential { scale: 2, offset, buckets: buckets.to_vec(), below, above, sum: 1.0, exemplars: Vec::new() }
    }

    fn written(value: &Exponential) -> Vec<u8> {
        let mut message = Message::default();
        native(&mut message, value);
        message.into_bytes()
    }

    /// The same by hand.
    fn expected(threshold: f64, zero: u64, spans: &[(i64, u64)], deltas: &[i64]) -> Vec<u8> {
        let mut message = Message::default();
        message.signed(5, 2);
        message.double(6, threshold);
        message.unsigned(7, zero);
        for &(offset, length) in spans {
            message.message(12, |span| {
                span.signed(1, offset);
                span.unsigned(2, length);
            });
        }
        if !deltas.is_empty() {
            message.packed(13, deltas.iter().copied());
        }
        message.into_bytes()
    }

    #[test]
    fn buckets_become_spans_and_differences() {
        // Ours from 2^-1 on: the first holds what is above 0.5, up to 2^-0.75, which is bucket -3 there, since bucket 0 ends at 1.
        let full = exponential(-4, &[3, 1, 4], 7, 0);
        assert_eq!(written(&full), expected(0.5, 7, &[(-3, 3)], &[3, -2, 3]));
        // Two empty ones are bridged, three are skipped; what is above all is in the next bucket.
        let sparse = exponential(0, &[0, 2, 0, 0, 5, 0, 0, 0, 1, 0], 0, 9);
        assert_eq!(written(&sparse), expected(1.0, 0, &[(2, 4), (3, 3)], &[2, -2, 0, 5, -4, -1, 9]));
    }

    #[test]
    fn one_without_observations_can_still_be_told_from_a_classic_one() {
        assert_eq!(written(&exponential(-96, &[0; 8], 0, 0)), expected(2f64.powi(-24), 0, &[], &[]));
    }

    #[test]
    fn labels_are_escaped_as_in_the_text_formats() {
        let labels = Labels::from([("a.b", "1")]);
        let name = |escaping| {
            let mut message = Message::default();
            write_labels(&mut message, 1, escaping, &labels);
            message.into_bytes()
        };
        assert_eq!(name(Escaping::Underscores), b"\x0a\x08\x0a\x03a_b\x12\x011");
        assert_eq!(name(Escaping::AllowUtf8), b"\x0a\x08\x0a\x03a.b\x12\x011");
    }
}
