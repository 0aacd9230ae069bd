//! A metric of the OpenTelemetry SDK as a family.

use crate::collect::target;
use crate::metric::{Kind, OtelData, scraped};
use crate::registry::Collection;
use crate::snapshot::{self, Exponential, Labels, Series, Value};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
};
use std::collections::BTreeMap;

/// The finest scale of Prometheus' native histograms: 2^8 buckets an octave.
/// <https://prometheus.io/docs/specs/native_histograms/#schema>
const FINEST: i32 = 8;

pub(super) fn give(scope: &InstrumentationScope, metric: &Metric, out: &mut Collection) {
    let given = match metric.data() {
        AggregatedMetrics::U64(data) => family(scope, metric, data, out),
        AggregatedMetrics::I64(data) => family(scope, metric, data, out),
        AggregatedMetrics::F64(data) => family(scope, metric, data, out),
    };
    // Changes since the last time cannot be shown as totals; no reader of ours asks for them.
    if given.is_none() {
        out.not_shown();
    }
}

/// A number of one of OpenTelemetry's three types.
trait Number: Copy {
    fn float(self) -> f64;

    /// Of a sum that only grows: exact where it is whole.
    fn total(self) -> Value;
}

impl Number for u64 {
    #[expect(clippy::cast_precision_loss, reason = "asked for as a floating-point number")]
    fn float(self) -> f64 {
        self as f64
    }

    fn total(self) -> Value {
        Value::Integer(self)
    }
}

impl Number for i64 {
    #[expect(clippy::cast_precision_loss, reason = "asked for as a floating-point number")]
    fn float(self) -> f64 {
        self as f64
    }

    fn total(self) -> Value {
        u64::try_from(self).map_or(Value::Float(self.float()), Value::Integer)
    }
}

impl Number for f64 {
    fn float(self) -> f64 {
        self
    }

    fn total(self) -> Value {
        Value::Float(self)
    }
}

fn family<T: Number>(
    scope: &InstrumentationScope,
    metric: &Metric,
    data: &MetricData<T>,
    out: &mut Collection,
) -> Option<()> {
    let cumulative = |temporality| (temporality == Temporality::Cumulative).then_some(());
    let series =
        |attributes: &mut dyn Iterator<Item = &KeyValue>, value| Series { labels: labels(scope, attributes), value };
    let (kind, otel, series) = match data {
        MetricData::Gauge(gauge) => {
            let points = gauge.data_points();
            let points = points.map(|point| series(&mut point.attributes(), Value::Float(point.value().float())));
            (Kind::Gauge, OtelData::Gauge, points.collect())
        }
        MetricData::Sum(sum) if sum.is_monotonic() => {
            cumulative(sum.temporality())?;
            let points = sum.data_points();
            let points = points.map(|point| series(&mut point.attributes(), point.value().total()));
            (Kind::Counter, OtelData::MonotonicSum, points.collect())
        }
        MetricData::Sum(sum) => {
            cumulative(sum.temporality())?;
            let points = sum.data_points();
            let points = points.map(|point| series(&mut point.attributes(), Value::Float(point.value().float())));
            (Kind::Gauge, OtelData::NonMonotonicSum, points.collect())
        }
        MetricData::Histogram(histogram) => {
            cumulative(histogram.temporality())?;
            let points = histogram.data_points();
            let points = points.map(|point| series(&mut point.attributes(), explicit(point)));
            (Kind::Histogram, OtelData::Histogram, points.collect())
        }
        MetricData::ExponentialHistogram(histogram) => {
            cumulative(histogram.temporality())?;
            let points = histogram.data_points();
            let points = points.map(|point| series(&mut point.attributes(), exponential(point)));
            (Kind::Histogram, OtelData::Histogram, points.collect::<Vec<_>>())
        }
    };
    let name = scraped::escaping(metric.name(), metric.unit(), otel);
    #[cfg(feature = "otlp")]
    keep(&name, scope, metric, data, otel);
    let help = match metric.description() {
        "" => format!("The OpenTelemetry instrument {}.", metric.name()),
        description => description.to_owned(),
    };
    let unit = unit_in(&name, metric.unit());
    out.foreign(snapshot::Family { name: name.into(), help: help.into(), kind, unit: unit.into(), series });
    Some(())
}

/// For who sends it on.
#[cfg(feature = "otlp")]
fn keep<T: Number>(family: &str, scope: &InstrumentationScope, metric: &Metric, data: &MetricData<T>, otel: OtelData) {
    let attributes: Box<dyn Iterator<Item = &KeyValue>> = match data {
        MetricData::Gauge(of) => Box::new(of.data_points().flat_map(|point| point.attributes())),
        MetricData::Sum(of) => Box::new(of.data_points().flat_map(|point| point.attributes())),
        MetricData::Histogram(of) => Box::new(of.data_points().flat_map(|point| point.attributes())),
        MetricData::ExponentialHistogram(of) => Box::new(of.data_points().flat_map(|point| point.attributes())),
    };
    super::originals::keep(family, (metric.name(), metric.unit(), otel), scope, attributes);
}

/// The unit's word where the name ends in it, as OpenMetrics wants it.
fn unit_in(name: &str, unit: &str) -> String {
    let (word, per) = scraped::unit_words(unit);
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let ends = !word.is_empty() && per.is_empty() && stem.strip_suffix(&word).is_some_and(|stem| stem.ends_with('_'));
    if ends { word } else { String::new() }
}

/// The attributes and the scope, sorted by the labels' names.
fn labels(scope: &InstrumentationScope, attributes: &mut dyn Iterator<Item = &KeyValue>) -> Labels {
    let mut all = BTreeMap::new();
    for KeyValue { key, value, .. } in attributes {
        all.insert(key.to_string(), value.to_string());
    }
    let said = [("name", Some(scope.name())), ("version", scope.version()), ("schema_url", scope.schema_url())];
    for (what, text) in said {
        // An empty label is none.
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            all.insert(format!("otel_scope_{what}"), text.to_owned());
        }
    }
    for KeyValue { key, value, .. } in scope.attributes() {
        all.insert(format!("otel_scope_{key}"), value.to_string());
    }
    target::labels(&all)
}

fn explicit<T: Number>(point: &HistogramDataPoint<T>) -> Value {
    let bounds: Vec<f64> = point.bounds().collect();
    let mut buckets: Vec<u64> = point.bucket_counts().collect();
    // Without bounds the SDK keeps no buckets either.
    if buckets.len() != bounds.len() + 1 {
        buckets = vec![0; bounds.len()];
        buckets.push(point.count());
    }
    let sum = point.sum().float();
    Value::Histogram(snapshot::Histogram { bounds: bounds.into(), buckets, sum, exemplars: Vec::new() })
}

fn exponential<T: Number>(point: &ExponentialHistogramDataPoint<T>) -> Value {
    let negative: u64 = point.negative_bucket().counts().sum();
    let positive = point.positive_bucket();
    let counts: Vec<u64> = positive.counts().collect();
    let below = point.zero_count() + negative;
    let value = regular(i32::from(point.scale()), positive.offset(), &counts, below, point.sum().float());
    if value.scale < 0 { Value::Histogram(coarse(&value)) } else { Value::Exponential(value) }
}

/// Buckets of no finer a scale than Prometheus has, the first of which begins an octave.
fn regular(scale: i32, offset: i32, counts: &[u64], below: u64, sum: f64) -> Exponential {
    // At a scale that is finer by one, two buckets are one here: their indices differ in the last bit.
    let finer = (scale - FINEST).max(0);
    let scale = scale.min(FINEST);
    let octave = 1i32 << scale.max(0);
    let first = (offset >> finer).div_euclid(octave) * octave;
    let mut buckets = Vec::new();
    for (index, &count) in (offset..).zip(counts) {
        let place = usize::try_from((index >> finer) - first).unwrap_or(0);
        if buckets.len() <= place {
            buckets.resize(place + 1, 0);
        }
        buckets[place] += count;
    }
    // Whole octaves, so that each of them ends in a power of two.
    let octave = octave.unsigned_abs() as usize;
    buckets.resize(buckets.len().div_ceil(octave) * octave, 0);
    Exponential { scale, offset: first, buckets, below, above: 0, sum, exemplars: Vec::new() }
}

/// Buckets that are wider than an octave, as a histogram over the powers of two that end them. Those that no number has end it all.
fn coarse(value: &Exponential) -> snapshot::Histogram {
    let octaves = 2f64.powi(-value.scale);
    let bound = |index: i32| 2f64.powf(f64::from(index) * octaves);
    let (mut bounds, mut buckets, mut above) = (vec![bound(value.offset)], vec![value.below], value.above);
    for (index, &count) in (value.offset + 1..).zip(&value.buckets) {
        if bound(index).is_finite() {
            bounds.push(bound(index));
            buckets.push(count);
        } else {
            above += count;
        }
    }
    buckets.push(above);
    snapshot::Histogram { bounds: bounds.into(), buckets, sum: value.sum, exemplars: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_buckets_are_joined_and_begin_an_octave() {
        // At scale 10 four buckets are one of scale 8, and 256 of those an octave.
        let counts = [1, 2, 3, 4, 5];
        let shown = regular(10, 1_023, &counts, 7, 1.5);
        assert_eq!((shown.scale, shown.offset, shown.buckets.len()), (8, 0, 512));
        assert_eq!((shown.buckets[255], shown.buckets[256]), (1, 14));
        assert_eq!(shown.count(), 22);
        let powers = shown.to_powers_of_two();
        assert_eq!(powers.bounds[..], [1.0, 2.0, 4.0]);
        assert_eq!(powers.buckets, [7, 1, 14, 0]);
    }

    #[test]
    fn indices_below_zero_are_numbers_below_one() {
        let shown = regular(2, -3, &[1, 0, 2, 4], 0, 0.0);
        assert_eq!((shown.offset, &shown.buckets[..]), (-4, &[0, 1, 0, 2, 4, 0, 0, 0][..]));
        let powers = shown.to_powers_of_two();
        assert_eq!((&powers.bounds[..], powers.buckets), (&[0.5, 1.0, 2.0][..], vec![0, 3, 4, 0]));
        assert_eq!(regular(3, 5, &[], 2, 0.0).to_powers_of_two().buckets, [2, 0]);
    }

    #[test]
    fn buckets_wider_than_an_octave_keep_their_bounds() {
        let shown = coarse(&regular(-1, -1, &[3, 4], 1, 0.0));
        assert_eq!((&shown.bounds[..], shown.buckets), (&[0.25, 1.0, 4.0][..], vec![1, 3, 4, 0]));
        let shown = coarse(&regular(-10, 0, &[3, 4], 0, 0.0));
        assert_eq!((&shown.bounds[..], shown.buckets), (&[1.0][..], vec![0, 7]), "2^1024 is no number");
    }

    #[test]
    fn a_unit_is_one_where_the_name_ends_in_it() {
        assert_eq!(unit_in("request_duration_seconds", "s"), "seconds");
        assert_eq!(unit_in("sent_bytes_total", "By"), "bytes");
        assert_eq!(unit_in("sent_bytes_per_second", "By/s"), "");
        assert_eq!(unit_in("bytes", "By"), "");
        assert_eq!(unit_in("requests_total", "{request}"), "");
    }
}
