use super::{Exemplar, Number, Point, Temporality, Value};
use crate::received::{Attributes, attributes, hex, scope};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as otlp;

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    }
}

/// All points of a request.
pub(crate) fn of(request: usize, metrics: &ExportMetricsServiceRequest) -> Vec<Point> {
    let mut points = Vec::new();
    for group in &metrics.resource_metrics {
        let resource =
            group.resource.as_ref().map_or_else(Attributes::new, |resource| attributes(&resource.attributes));
        for scoped in &group.scope_metrics {
            let scope = scope(scoped.scope.as_ref());
            for metric in &scoped.metrics {
                let base = Point {
                    request,
                    resource: resource.clone(),
                    scope: scope.clone(),
                    name: metric.name.clone(),
                    description: metric.description.clone(),
                    unit: metric.unit.clone(),
                    attributes: Attributes::new(),
                    start: 0,
                    time: 0,
                    value: Value::Gauge(Number::Absent),
                    exemplars: Vec::new(),
                    flags: 0,
                };
                add(metric, &base, &mut points);
            }
        }
    }
    points
}

fn add(metric: &otlp::Metric, base: &Point, points: &mut Vec<Point>) {
    use otlp::metric::Data;
    match &metric.data {
        None => {}
        Some(Data::Gauge(gauge)) => {
            points.extend(gauge.data_points.iter().map(|point| number(base, point, Value::Gauge)));
        }
        Some(Data::Sum(sum)) => {
            let (temporality, monotonic) = (temporality(sum.aggregation_temporality), sum.is_monotonic);
            let value = |value| Value::Sum { value, temporality, monotonic };
            points.extend(sum.data_points.iter().map(|point| number(base, point, value)));
        }
        Some(Data::Histogram(histogram)) => {
            let temporality = temporality(histogram.aggregation_temporality);
            points.extend(histogram.data_points.iter().map(|point| explicit(base, point, temporality)));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let temporality = temporality(histogram.aggregation_temporality);
            points.extend(histogram.data_points.iter().map(|point| exponential(base, point, temporality)));
        }
        Some(Data::Summary(summary)) => points.extend(summary.data_points.iter().map(|point| summed(base, point))),
    }
}

fn number(base: &Point, point: &otlp::NumberDataPoint, value: impl Fn(Number) -> Value) -> Point {
    use otlp::number_data_point::Value as Sent;
    let sent = match point.value {
        Some(Sent::AsInt(value)) => Number::Int(value),
        Some(Sent::AsDouble(value)) => Number::Double(value),
        None => Number::Absent,
    };
    Point {
        attributes: attributes(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: value(sent),
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
        ..base.clone()
    }
}

fn explicit(base: &Point, point: &otlp::HistogramDataPoint, temporality: Temporality) -> Point {
    Point {
        attributes: attributes(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: Value::Histogram {
            temporality,
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            bounds: point.explicit_bounds.clone(),
            buckets: point.bucket_counts.clone(),
        },
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
        ..base.clone()
    }
}

fn exponential(base: &Point, point: &otlp::ExponentialHistogramDataPoint, temporality: Temporality) -> Point {
    let side = |buckets: &Option<otlp::exponential_histogram_data_point::Buckets>| {
        buckets.as_ref().map_or((0, Vec::new()), |side| (side.offset, side.bucket_counts.clone()))
    };
    Point {
        attributes: attributes(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: Value::Exponential {
            temporality,
            count: point.count,
            sum: point.sum,
            scale: point.scale,
            zero: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: side(&point.positive),
            negative: side(&point.negative),
            min: point.min,
            max: point.max,
        },
        exemplars: exemplars(&point.exemplars),
        flags: point.flags,
        ..base.clone()
    }
}

fn summed(base: &Point, point: &otlp::SummaryDataPoint) -> Point {
    let quantiles = point.quantile_values.iter().map(|quantile| (quantile.quantile, quantile.value)).collect();
    Point {
        attributes: attributes(&point.attributes),
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        value: Value::Summary { count: point.count, sum: point.sum, quantiles },
        flags: point.flags,
        ..base.clone()
    }
}

fn exemplars(exemplars: &[otlp::Exemplar]) -> Vec<Exemplar> {
    use otlp::exemplar::Value as Sent;
    let exemplar = |exemplar: &otlp::Exemplar| Exemplar {
        value: match exemplar.value {
            Some(Sent::AsInt(value)) => Number::Int(value),
            Some(Sent::AsDouble(value)) => Number::Double(value),
            None => Number::Absent,
        },
        time: exemplar.time_unix_nano,
        trace: hex(&exemplar.trace_id),
        span: hex(&exemplar.span_id),
        attributes: attributes(&exemplar.filtered_attributes),
    };
    exemplars.iter().map(exemplar).collect()
}
