//! From snapshots to OTLP's metrics.
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/>
//!
//! A name goes out as `docs/opentelemetry.md` derives it, so that a Prometheus server makes the scraped name of it again. What was counted between two
//! snapshots (delta) is the difference of both: nothing else keeps a state.

use super::signal::Source;
use crate::collect::otel::originals::{self, Original};
use crate::config::otlp::{Durations, Style, Temporality};
use crate::metric::{self, Named, Origin, OtelData};
use crate::snapshot::{self, Exponential, Family, Label, Series, Snapshot, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use otlp::exponential_histogram_data_point::Buckets;
use otlp::metric::Data;
use otlp::number_data_point::Value as Number;
use otlp::summary_data_point::ValueAtQuantile;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

/// A request that holds a snapshot; of totals, where deltas are wanted, what came since `last`.
pub(crate) fn request(
    snapshot: &Snapshot,
    last: Option<&Snapshot>,
    source: &Source,
    style: Style,
) -> ExportMetricsServiceRequest {
    let last = last.filter(|_| style.temporality != Temporality::Cumulative);
    let mut writer = Writer {
        start: nanoseconds(last.map_or(snapshot.started_at, |last| last.taken_at)),
        now: nanoseconds(snapshot.taken_at),
        temporality: match style.temporality {
            Temporality::Cumulative => otlp::AggregationTemporality::Cumulative,
            Temporality::Delta | Temporality::LowMemory => otlp::AggregationTemporality::Delta,
        } as i32,
        durations: style.durations,
        original: None,
    };
    let origins: HashMap<&str, Origin> =
        metric::catalog().into_iter().map(|descriptor| (descriptor.name, descriptor.origin)).collect();
    let mut names = HashSet::new();
    let mut scopes = BTreeMap::<Scope, Vec<otlp::Metric>>::new();
    // The resource itself.
    for family in snapshot.families.iter().filter(|family| family.name != "target_info" && !family.series.is_empty()) {
        let before = last.and_then(|last| last.family(&family.name));
        let origin = origins.get(&*family.name);
        if let Some(original) = origin.map_or_else(|| originals::of(family), |_| None) {
            let (name, unit) = (original.name.clone(), original.unit.clone());
            writer.original = Some(Arc::clone(&original));
            for (scope, family) in by_scope(family, &original) {
                let data = writer.data(&family, before);
                scopes.entry(scope).or_default().push(metric(name.clone(), unit.clone(), &family.help, data));
            }
            writer.original = None;
            continue;
        }
        let named = Named { name: &family.name, unit: &family.unit, kind: family.kind };
        // Where two would meet in one name, the later one keeps its own.
        let name = if names.insert(named.name()) { named.name() } else { &family.name };
        let scope = match origin {
            Some(origin) => Scope::named(origin.package, origin.version),
            None => Scope::named(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        };
        let data = writer.data(family, before);
        scopes.entry(scope).or_default().push(metric(name.to_owned(), named.unit().into_owned(), &family.help, data));
    }
    let scope_metrics = scopes.into_iter().map(|(scope, metrics)| otlp::ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: scope.name,
            version: scope.version,
            attributes: scope.attributes.iter().map(|(key, value)| text(key, value)).collect(),
            ..Default::default()
        }),
        metrics,
        schema_url: scope.schema_url,
    });
    ExportMetricsServiceRequest {
        resource_metrics: vec![otlp::ResourceMetrics {
            resource: Some(source.resource.clone()),
            scope_metrics: scope_metrics.collect(),
            schema_url: source.schema_url.clone(),
        }],
    }
}

/// Takes out what leads from a value to a trace.
pub(super) fn remove_exemplars(request: &mut ExportMetricsServiceRequest) {
    let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for data in scopes.flat_map(|scope| &mut scope.metrics).filter_map(|metric| metric.data.as_mut()) {
        match data {
            Data::Histogram(of) => of.data_points.iter_mut().for_each(|point| point.exemplars.clear()),
            Data::ExponentialHistogram(of) => of.data_points.iter_mut().for_each(|point| point.exemplars.clear()),
            // These have none.
            Data::Sum(_) | Data::Gauge(_) | Data::Summary(_) => {}
        }
    }
}

fn metric(name: String, unit: String, help: &str, data: Data) -> otlp::Metric {
    otlp::Metric { name, description: help.to_owned(), unit, metadata: Vec::new(), data: Some(data) }
}

/// Who made an instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    name: String,
    version: String,
    schema_url: String,
    attributes: Vec<(String, String)>,
}

impl Scope {
    fn named(name: &str, version: &str) -> Scope {
        Scope { name: name.to_owned(), version: version.to_owned(), ..Scope::default() }
    }

    /// As the labels of a series have it that came from an OpenTelemetry instrument.
    fn of(labels: &[Label], original: &Original) -> Scope {
        let mut scope = Scope::default();
        for (label, value) in labels {
            let value = value.to_string();
            match label.strip_prefix(originals::OF_SCOPE) {
                Some("name") => scope.name = value,
                Some("version") => scope.version = value,
                Some("schema_url") => scope.schema_url = value,
                Some(rest) => scope.attributes.push((original.key(label, rest).to_owned(), value)),
                None => {}
            }
        }
        scope
    }
}

/// The same family for each scope that has series in it.
fn by_scope(family: &Family, original: &Original) -> BTreeMap<Scope, Family> {
    let mut scopes = BTreeMap::<Scope, Family>::new();
    for series in &family.series {
        let of_scope = scopes.entry(Scope::of(&series.labels, original)).or_insert_with(|| Family {
            name: family.name.clone(),
            help: family.help.clone(),
            kind: family.kind,
            unit: family.unit.clone(),
            series: Vec::new(),
        });
        of_scope.series.push(series.clone());
    }
    scopes
}

struct Writer {
    start: u64,
    now: u64,
    temporality: i32,
    durations: Durations,
    /// Where the family that is being written came from OpenTelemetry.
    original: Option<Arc<Original>>,
}

impl Writer {
    fn data(&self, family: &Family, before: Option<&Family>) -> Data {
        let pairs = || pairs(&family.series, before.map_or(&[], |before| &before.series));
        match self.original.as_ref().map_or(family.kind.otel_data(), |original| original.data) {
            OtelData::MonotonicSum => Data::Sum(otlp::Sum {
                data_points: pairs().map(|(series, before)| self.number(series, before)).collect(),
                aggregation_temporality: self.temporality,
                is_monotonic: true,
            }),
            OtelData::NonMonotonicSum => Data::Sum(otlp::Sum {
                data_points: family.series.iter().map(|series| self.number(series, None)).collect(),
                aggregation_temporality: otlp::AggregationTemporality::Cumulative as i32,
                is_monotonic: false,
            }),
            OtelData::Gauge => Data::Gauge(otlp::Gauge {
                data_points: family.series.iter().map(|series| self.gauge(series)).collect(),
            }),
            OtelData::Histogram if self.is_exponential(family) => {
                Data::ExponentialHistogram(otlp::ExponentialHistogram {
                    data_points: pairs().filter_map(|(series, before)| self.exponential(series, before)).collect(),
                    aggregation_temporality: self.temporality,
                })
            }
            OtelData::Histogram => Data::Histogram(otlp::Histogram {
                data_points: pairs().filter_map(|(series, before)| self.histogram(series, before)).collect(),
                aggregation_temporality: self.temporality,
            }),
            OtelData::Summary => Data::Summary(otlp::Summary {
                data_points: family.series.iter().filter_map(|series| self.summary(series)).collect(),
            }),
        }
    }

    fn is_exponential(&self, family: &Family) -> bool {
        let is_counted_so = matches!(family.series.first(), Some(Series { value: Value::Exponential(_), .. }));
        self.durations == Durations::Exponential && is_counted_so
    }

    fn number(&self, series: &Series, before: Option<&Series>) -> otlp::NumberDataPoint {
        let value = match (&series.value, before.map(|before| &before.value)) {
            (Value::Integer(now), Some(Value::Integer(before))) => integer(now.saturating_sub(*before)),
            (Value::Integer(now), _) => integer(*now),
            (Value::Nanoseconds(now), Some(Value::Nanoseconds(before))) => seconds(now.saturating_sub(*before)),
            (Value::Nanoseconds(now), _) => seconds(*now),
            // Another registry's counter. Where it fell, it began anew.
            (now, Some(before)) if before.as_f64() <= now.as_f64() => Number::AsDouble(now.as_f64() - before.as_f64()),
            (now, _) => Number::AsDouble(now.as_f64()),
        };
        self.point(series, self.start, value)
    }

    fn gauge(&self, series: &Series) -> otlp::NumberDataPoint {
        // A gauge is of a moment, and has no start.
        self.point(series, 0, Number::AsDouble(series.value.as_f64()))
    }

    fn point(&self, series: &Series, start: u64, value: Number) -> otlp::NumberDataPoint {
        otlp::NumberDataPoint {
            attributes: self.attributes(&series.labels),
            start_time_unix_nano: start,
            time_unix_nano: self.now,
            exemplars: Vec::new(),
            flags: 0,
            value: Some(value),
        }
    }

    fn histogram(&self, series: &Series, before: Option<&Series>) -> Option<otlp::HistogramDataPoint> {
        let explicit = |value: &Value| match value {
            Value::Histogram(histogram) => Some(histogram.clone()),
            Value::Exponential(exponential) => Some(exponential.to_powers_of_two()),
            _ => None,
        };
        let mut histogram = explicit(&series.value)?;
        let before = before.and_then(|before| explicit(&before.value));
        if let Some(before) = before.filter(|before| before.bounds == histogram.bounds) {
            subtract(&mut histogram.buckets, &before.buckets);
            histogram.sum -= before.sum;
        }
        Some(otlp::HistogramDataPoint {
            attributes: self.attributes(&series.labels),
            start_time_unix_nano: self.start,
            time_unix_nano: self.now,
            count: histogram.count(),
            sum: Some(histogram.sum),
            bucket_counts: histogram.buckets,
            explicit_bounds: histogram.bounds.into_owned(),
            exemplars: self.exemplars(&histogram.exemplars),
            flags: 0,
            // Nobody keeps them.
            min: None,
            max: None,
        })
    }

    /// What lies below the first bucket is told as around zero. What lies above the last one is told in one more bucket, whose end it may be beyond.
    fn exponential(&self, series: &Series, before: Option<&Series>) -> Option<otlp::ExponentialHistogramDataPoint> {
        let Value::Exponential(now) = &series.value else { return None };
        let mut now = now.clone();
        if let Some(Series { value: Value::Exponential(before), .. }) = before {
            if (before.scale, before.offset, before.buckets.len()) == (now.scale, now.offset, now.buckets.len()) {
                subtract(&mut now.buckets, &before.buckets);
                now.below = now.below.saturating_sub(before.below);
                now.above = now.above.saturating_sub(before.above);
                now.sum -= before.sum;
            }
        }
        let count = now.count();
        let zero_threshold = now.to_powers_of_two().bounds.first().copied().unwrap_or_default();
        Some(otlp::ExponentialHistogramDataPoint {
            attributes: self.attributes(&series.labels),
            start_time_unix_nano: self.start,
            time_unix_nano: self.now,
            count,
            sum: Some(now.sum),
            scale: now.scale,
            zero_count: now.below,
            zero_threshold,
            exemplars: self.exemplars(&now.exemplars),
            positive: Some(filled(now)),
            negative: None,
            flags: 0,
            min: None,
            max: None,
        })
    }

    fn summary(&self, series: &Series) -> Option<otlp::SummaryDataPoint> {
        let Value::Summary(summary) = &series.value else { return None };
        let values = summary.quantiles.iter().map(|&(quantile, value)| ValueAtQuantile { quantile, value });
        Some(otlp::SummaryDataPoint {
            attributes: self.attributes(&series.labels),
            start_time_unix_nano: self.start,
            time_unix_nano: self.now,
            count: summary.count,
            sum: summary.sum,
            quantile_values: values.collect(),
            flags: 0,
        })
    }

    /// Labels as attributes; those that came from OpenTelemetry under their own keys again, and without those of the scope.
    fn attributes(&self, labels: &[Label]) -> Vec<KeyValue> {
        let Some(original) = &self.original else {
            return labels.iter().map(|(name, value)| text(name, value)).collect();
        };
        let own = labels.iter().filter(|(name, _)| !name.starts_with(originals::OF_SCOPE));
        own.map(|(name, value)| text(original.key(name, name), value)).collect()
    }

    /// Those that were observed since the start of what is told.
    fn exemplars(&self, exemplars: &[snapshot::Exemplar]) -> Vec<otlp::Exemplar> {
        let new = exemplars.iter().filter(|exemplar| nanoseconds(exemplar.at) >= self.start);
        new.map(exemplar).collect()
    }
}

/// Each series with what it was before. Both are sorted by labels.
fn pairs<'a>(now: &'a [Series], before: &'a [Series]) -> impl Iterator<Item = (&'a Series, Option<&'a Series>)> {
    let mut before = before.iter().peekable();
    now.iter().map(move |series| {
        while before.next_if(|before| before.labels < series.labels).is_some() {}
        (series, before.next_if(|before| before.labels == series.labels))
    })
}

fn subtract(now: &mut [u64], before: &[u64]) {
    for (now, before) in now.iter_mut().zip(before) {
        *now = now.saturating_sub(*before);
    }
}

/// The buckets from the first to the last that hold something.
fn filled(exponential: Exponential) -> Buckets {
    let Exponential { mut buckets, above, offset, .. } = exponential;
    if above > 0 {
        buckets.push(above);
    }
    let first = buckets.iter().position(|&count| count > 0).unwrap_or(buckets.len());
    let end = buckets.iter().rposition(|&count| count > 0).map_or(first, |last| last + 1);
    let skipped = i32::try_from(first).unwrap_or(i32::MAX);
    Buckets {
        offset: offset.saturating_add(skipped),
        bucket_counts: buckets.get(first..end).unwrap_or_default().to_vec(),
    }
}

fn exemplar(exemplar: &snapshot::Exemplar) -> otlp::Exemplar {
    let id = |name: &str| {
        let found = exemplar.labels.iter().find(|(label, _)| label == name);
        found.and_then(|(_, digits)| bytes(digits)).unwrap_or_default()
    };
    let others = exemplar.labels.iter().filter(|(name, _)| !matches!(&**name, "trace_id" | "span_id"));
    otlp::Exemplar {
        filtered_attributes: others.map(|(name, value)| text(name, value)).collect(),
        time_unix_nano: nanoseconds(exemplar.at),
        trace_id: id("trace_id"),
        span_id: id("span_id"),
        value: Some(otlp::exemplar::Value::AsDouble(exemplar.value)),
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2).map(|at| digits.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// A total beyond what OTLP's integers hold is told as a floating-point number rather than as less than it is.
#[expect(clippy::cast_precision_loss, reason = "only where no integer holds it")]
fn integer(total: u64) -> Number {
    i64::try_from(total).map_or(Number::AsDouble(total as f64), Number::AsInt)
}

fn seconds(nanoseconds: u64) -> Number {
    Number::AsDouble(Value::Nanoseconds(nanoseconds).as_f64())
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Kind;
    use crate::snapshot::{Exemplar, Histogram, Labels};
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn family(name: &'static str, unit: &'static str, kind: Kind, series: &[(&str, Value)]) -> Family {
        let series =
            series.iter().map(|(value, shown)| Series { labels: Labels::from([("of", *value)]), value: shown.clone() });
        Family { name: name.into(), help: "Help.".into(), kind, unit: unit.into(), series: series.collect() }
    }

    fn snapshot(seconds: u64, families: Vec<Family>) -> Snapshot {
        Snapshot::of_families(at(1), at(seconds), families)
    }

    const DELTA: Style = Style { temporality: Temporality::Delta, durations: Durations::Explicit };

    fn metrics(now: &Snapshot, last: Option<&Snapshot>, style: Style) -> Vec<otlp::Metric> {
        let resource = opentelemetry_sdk::Resource::builder_empty().with_service_name("test").build();
        let source = Source::from(&resource);
        let mut request = request(now, last, &source, style);
        let mut resource = request.resource_metrics.pop().unwrap();
        assert_eq!(resource.resource.unwrap().attributes, [text("service.name", "test")]);
        resource.scope_metrics.pop().unwrap().metrics
    }

    fn sum(metric: &otlp::Metric) -> &otlp::Sum {
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        sum
    }

    #[test]
    fn a_counter_goes_out_as_it_is_or_as_what_came_since() {
        let counter = |a, b| {
            family("x_requests_total", "requests", Kind::Counter, &[("a", Value::Integer(a)), ("b", Value::Integer(b))])
        };
        let (before, now) = (snapshot(10, vec![counter(3, 0)]), snapshot(20, vec![counter(5, 7)]));
        let whole = metrics(&now, Some(&before), Style::default());
        assert_eq!((&*whole[0].name, &*whole[0].unit, &*whole[0].description), ("x_requests", "{request}", "Help."));
        let points = &sum(&whole[0]).data_points;
        assert_eq!(
            points.iter().map(|point| point.value.unwrap()).collect::<Vec<_>>(),
            [Number::AsInt(5), Number::AsInt(7)]
        );
        assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (1_000_000_000, 20_000_000_000));
        assert_eq!(points[1].attributes, [text("of", "b")]);
        let since = metrics(&now, Some(&before), DELTA);
        assert_eq!((sum(&since[0]).aggregation_temporality, sum(&since[0]).is_monotonic), (1, true));
        let points = &sum(&since[0]).data_points;
        assert_eq!(
            points.iter().map(|point| point.value.unwrap()).collect::<Vec<_>>(),
            [Number::AsInt(2), Number::AsInt(7)]
        );
        assert_eq!(points[0].start_time_unix_nano, 10_000_000_000);
    }

    #[test]
    fn a_series_that_is_new_is_compared_with_nothing() {
        let counter = |of: &[&str]| {
            let series: Vec<_> = of.iter().map(|of| (*of, Value::Nanoseconds(2_000_000_000))).collect();
            family("x_seconds_total", "seconds", Kind::Counter, &series)
        };
        let (before, now) =
            (snapshot(10, vec![counter(&["b", "d"])]), snapshot(20, vec![counter(&["a", "b", "c", "d"])]));
        let since = metrics(&now, Some(&before), DELTA);
        let values: Vec<_> = sum(&since[0]).data_points.iter().map(|point| point.value.unwrap()).collect();
        assert_eq!(values, [2.0, 0.0, 2.0, 0.0].map(Number::AsDouble));
        assert_eq!(&*since[0].unit, "s");
    }

    #[test]
    fn a_total_that_no_integer_of_otlp_holds_is_not_cut() {
        assert_eq!(integer(i64::MAX as u64), Number::AsInt(i64::MAX));
        assert_eq!(integer(u64::MAX), Number::AsDouble(1.844_674_407_370_955_2e19));
    }

    fn durations(counts: &[(usize, u64)], above: u64) -> Value {
        let mut buckets = vec![0; 8];
        for &(bucket, count) in counts {
            buckets[bucket] = count;
        }
        let exemplar =
            Exemplar { labels: Labels::from([("trace_id", "0aff"), ("span_id", "01")]), value: 0.5, at: at(15) };
        Value::Exponential(Exponential {
            scale: 2,
            offset: -8,
            buckets,
            below: 1,
            above,
            sum: 2.5,
            exemplars: vec![exemplar],
        })
    }

    #[test]
    fn durations_go_out_over_powers_of_two_or_in_the_buckets_that_counted_them() {
        let now = snapshot(
            20,
            vec![family("x_seconds", "seconds", Kind::Histogram, &[("a", durations(&[(2, 3), (5, 4)], 2))])],
        );
        let explicit = metrics(&now, None, Style::default());
        let Some(Data::Histogram(histogram)) = &explicit[0].data else { panic!("{explicit:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((&point.explicit_bounds[..], &point.bucket_counts[..]), (&[0.25, 0.5, 1.0][..], &[1, 3, 4, 2][..]));
        assert_eq!((point.count, point.sum), (10, Some(2.5)));
        assert_eq!((&point.exemplars[0].trace_id[..], &point.exemplars[0].span_id[..]), (&[0x0a, 0xff][..], &[1][..]));
        let style = Style { durations: Durations::Exponential, ..Style::default() };
        let exponential = metrics(&now, None, style);
        let Some(Data::ExponentialHistogram(histogram)) = &exponential[0].data else { panic!("{exponential:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((point.scale, point.zero_count, point.zero_threshold, point.count), (2, 1, 0.25, 10));
        let positive = point.positive.as_ref().unwrap();
        assert_eq!((positive.offset, &positive.bucket_counts[..]), (-6, &[3, 0, 0, 4, 0, 0, 2][..]));
    }

    #[test]
    fn deltas_of_histograms_hold_what_came_since_and_its_exemplars_alone() {
        let of = |value: Value| vec![family("x_seconds", "seconds", Kind::Histogram, &[("a", value)])];
        let (before, now) = (snapshot(16, of(durations(&[(2, 3)], 0))), snapshot(20, of(durations(&[(2, 5)], 1))));
        for durations in [Durations::Explicit, Durations::Exponential] {
            let since = metrics(&now, Some(&before), Style { durations, ..DELTA });
            let (count, sum, exemplars) = match since[0].data.as_ref().unwrap() {
                Data::Histogram(histogram) => {
                    let point = &histogram.data_points[0];
                    (point.count, point.sum, point.exemplars.len())
                }
                Data::ExponentialHistogram(histogram) => {
                    let point = &histogram.data_points[0];
                    (point.count, point.sum, point.exemplars.len())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!((count, sum, exemplars), (3, Some(0.0), 0));
        }
        let declared = |buckets| {
            Value::Histogram(Histogram { bounds: vec![1.0].into(), buckets, sum: 4.0, exemplars: Vec::new() })
        };
        let (before, now) = (snapshot(16, of(declared(vec![1, 2]))), snapshot(20, of(declared(vec![1, 5]))));
        let since = metrics(&now, Some(&before), DELTA);
        let Some(Data::Histogram(histogram)) = &since[0].data else { panic!("{since:?}") };
        assert_eq!(histogram.data_points[0].bucket_counts, [0, 3]);
    }

    #[test]
    fn two_names_that_meet_are_kept_apart_and_the_resource_is_no_metric() {
        let gauge = |name, unit| family(name, unit, Kind::Gauge, &[("a", Value::Float(1.5))]);
        let info = family("target_info", "", Kind::Info, &[("a", Value::Float(1.0))]);
        let now = snapshot(20, vec![info, gauge("x", ""), gauge("x_bytes", "bytes")]);
        let names: Vec<_> = metrics(&now, None, Style::default()).into_iter().map(|metric| metric.name).collect();
        assert_eq!(names, ["x", "x_bytes"]);
    }

    #[test]
    fn an_info_is_a_sum_that_may_be_added_up() {
        let now = snapshot(20, vec![family("x_info", "", Kind::Info, &[("a", Value::Float(1.0))])]);
        let metrics = metrics(&now, None, DELTA);
        assert_eq!((sum(&metrics[0]).is_monotonic, sum(&metrics[0]).aggregation_temporality), (false, 2));
        assert_eq!(sum(&metrics[0]).data_points[0].value, Some(Number::AsDouble(1.0)));
    }
}

#[cfg(test)]
mod instruments;
