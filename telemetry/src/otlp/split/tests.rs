//! Nothing is lost, doubled or too large.

use super::*;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, NumberDataPoint, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;

fn points(from: i64, count: usize) -> Vec<NumberDataPoint> {
    let value = |n| Some(number_data_point::Value::AsInt(n));
    (from..).take(count).map(|n| NumberDataPoint { value: value(n), time_unix_nano: 7, ..Default::default() }).collect()
}

fn sum(name: &str, from: i64, count: usize) -> Metric {
    let sum = Sum { data_points: points(from, count), aggregation_temporality: 2, is_monotonic: true };
    Metric {
        name: name.into(),
        unit: "By".into(),
        description: "d".repeat(40),
        data: Some(Data::Sum(sum)),
        ..Default::default()
    }
}

fn request() -> ExportMetricsServiceRequest {
    let scope = |name: &str, metrics| ScopeMetrics {
        scope: Some(InstrumentationScope { name: name.into(), ..Default::default() }),
        metrics,
        schema_url: "s".into(),
    };
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint { bucket_counts: vec![1; 40], ..Default::default() }; 10],
        aggregation_temporality: 1,
    };
    let histogram = Metric { name: "h".into(), data: Some(Data::Histogram(histogram)), ..Default::default() };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { dropped_attributes_count: 3, ..Default::default() }),
            scope_metrics: vec![
                scope("a", vec![sum("one", 0, 3), sum("many", 100, 200)]),
                scope("b", vec![sum("two", 1_000, 1), histogram]),
            ],
            schema_url: "r".into(),
        }],
    }
}

/// Scope, name and values of all points, in their order.
fn told(requests: &[ExportMetricsServiceRequest]) -> Vec<(String, String, i64)> {
    let mut told = Vec::new();
    for resource in requests.iter().flat_map(|request| &request.resource_metrics) {
        assert_eq!((resource.resource.as_ref().unwrap().dropped_attributes_count, &*resource.schema_url), (3, "r"));
        for scope in &resource.scope_metrics {
            assert_eq!(scope.schema_url, "s");
            for metric in &scope.metrics {
                let name = |value| (scope.scope.clone().unwrap().name, metric.name.clone(), value);
                match metric.data.as_ref().unwrap() {
                    Data::Sum(sum) => {
                        assert!(sum.is_monotonic && sum.aggregation_temporality == 2 && metric.unit == "By");
                        told.extend(sum.data_points.iter().map(|point| match point.value {
                            Some(number_data_point::Value::AsInt(value)) => name(value),
                            other => panic!("{other:?}"),
                        }));
                    }
                    Data::Histogram(histogram) => told.extend(histogram.data_points.iter().map(|_| name(-1))),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    told
}

#[test]
fn what_fits_stays_whole() {
    assert_eq!(metrics(request(), usize::MAX), [request()]);
    assert_eq!(count(&request()), 214);
}

#[test]
fn requests_are_within_the_limit_and_hold_every_point_once_in_its_order() {
    let all = told(&[request()]);
    for limit in [500, 900, 2_000, request().encoded_len() - 1] {
        let split = metrics(request(), limit);
        assert!(split.len() > 1);
        for part in &split {
            assert!(part.encoded_len() <= limit, "{} of {limit}", part.encoded_len());
        }
        assert_eq!(told(&split), all, "at {limit}");
        assert_eq!(split.iter().map(count).sum::<u64>(), 214);
        // Not many more than there must be.
        assert!(split.len() <= 2 + 3 * request().encoded_len() / limit, "{} at {limit}", split.len());
    }
}

#[test]
fn a_point_that_is_too_large_goes_by_itself() {
    let split = metrics(request(), 10);
    assert_eq!(split.len(), 214);
    assert_eq!(told(&split), told(&[request()]));
}
