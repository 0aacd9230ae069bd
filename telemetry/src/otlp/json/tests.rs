//! Against the examples and rules of OTLP.

use super::*;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Histogram, HistogramDataPoint, NumberDataPoint, number_data_point};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span};
use serde_json::{Value as Json, json};

fn written(message: &impl Serialize) -> Json {
    serde_json::from_slice(&encode(message).unwrap()).unwrap()
}

/// Whether all that is expected is there; what has its default may be left out, or not.
fn holds(written: &Json, expected: &Json) -> bool {
    match (written, expected) {
        (Json::Object(written), Json::Object(expected)) => {
            expected.iter().all(|(key, value)| written.get(key).is_some_and(|found| holds(found, value)))
        }
        (Json::Array(written), Json::Array(expected)) => {
            written.len() == expected.len() && written.iter().zip(expected).all(|(a, b)| holds(a, b))
        }
        (written, expected) => written == expected,
    }
}

// <https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/trace.json>
#[test]
fn a_trace_is_written_as_the_example_is() {
    let example = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
        "scopeSpans": [{
            "scope": {"name": "my-library", "version": "1.0.0",
                "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]},
            "spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173",
                "name": "I'm a server span", "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
                "kind": 2, "attributes": [{"key": "my.span.attr", "value": {"stringValue": "some value"}}]
            }]
        }]
    }]});
    let request: ExportTraceServiceRequest = serde_json::from_value(example.clone()).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((&span.span_id[..3], span.kind), (&[0xee, 0xe1, 0x9b][..], 2));
    assert!(holds(&written(&request), &example), "{}", written(&request));
}

// <https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/metrics.json>
#[test]
fn metrics_are_written_as_the_example_is() {
    let times = json!({"startTimeUnixNano": "1544712660300000000", "timeUnixNano": "1544712660300000000",
        "attributes": [{"key": "my.attr", "value": {"stringValue": "some value"}}]});
    let with = |more: Json| {
        let mut all = times.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let example = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "my.counter", "unit": "1", "description": "I am a Counter",
            "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [with(json!({"asDouble": 5.0}))]}},
        {"name": "my.gauge", "gauge": {"dataPoints": [with(json!({"asInt": "10"}))]}},
        {"name": "my.histogram", "histogram": {"aggregationTemporality": 1, "dataPoints": [with(json!({
            "count": "2", "sum": 2.0, "bucketCounts": ["1", "1"], "explicitBounds": [1.0]}))]}},
        {"name": "my.exponential.histogram", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [with(json!({
            "count": "3", "sum": 10.0, "scale": 0, "zeroCount": "1",
            "positive": {"offset": 1, "bucketCounts": ["0", "2"]}}))]}}
    ]}]}]});
    let request: ExportMetricsServiceRequest = serde_json::from_value(example.clone()).unwrap();
    assert!(holds(&written(&request), &example), "{:#}", written(&request));
}

#[test]
fn numbers_that_json_does_not_have_are_texts_wherever_they_stand() {
    for (value, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
        let point =
            NumberDataPoint { value: Some(number_data_point::Value::AsDouble(value)), ..NumberDataPoint::default() };
        assert_eq!(written(&point)["asDouble"], text);
        let point =
            HistogramDataPoint { sum: Some(value), explicit_bounds: vec![0.5, value], ..HistogramDataPoint::default() };
        let all = written(&Histogram { data_points: vec![point], aggregation_temporality: 2 });
        assert_eq!(
            (&all["dataPoints"][0]["sum"], &all["dataPoints"][0]["explicitBounds"]),
            (&json!(text), &json!([0.5, text]))
        );
        let any = |value| AnyValue { value: Some(value) };
        let array = ArrayValue { values: vec![any(any_value::Value::DoubleValue(value))] };
        let key =
            KeyValue { key: "k".into(), value: Some(any(any_value::Value::ArrayValue(array))), ..KeyValue::default() };
        assert_eq!(written(&key)["value"]["arrayValue"]["values"][0]["doubleValue"], text);
    }
}

#[test]
fn integers_of_64_bits_are_texts_bytes_base64_and_enums_numbers() {
    let any = |value| Some(AnyValue { value: Some(value) });
    let key = |key: &str, value| KeyValue { key: key.into(), value: any(value), ..KeyValue::default() };
    let span = Span {
        trace_id: vec![0xAB; 16],
        kind: span::SpanKind::Client as i32,
        start_time_unix_nano: u64::MAX,
        attributes: vec![
            key("i", any_value::Value::IntValue(i64::MIN)),
            key("b", any_value::Value::BytesValue(vec![0xff, 0xfe])),
            key("t", any_value::Value::BoolValue(true)),
        ],
        dropped_attributes_count: 7,
        flags: 0x101,
        status: Some(Status { code: 2, message: "m".into() }),
        ..Span::default()
    };
    let expected = json!({
        "traceId": "abababababababababababababababab", "kind": 3, "startTimeUnixNano": "18446744073709551615",
        "attributes": [{"key": "i", "value": {"intValue": "-9223372036854775808"}}, {"key": "b", "value": {"bytesValue": "//4="}},
            {"key": "t", "value": {"boolValue": true}}],
        "droppedAttributesCount": 7, "flags": 257, "status": {"code": 2, "message": "m"}
    });
    assert!(holds(&written(&span), &expected), "{:#}", written(&span));
}
