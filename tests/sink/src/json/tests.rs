use super::{METRICS, TRACES, to_protobuf};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{self as metrics, metric, number_data_point, summary_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as trace, span};
use prost::Message;

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn attributes() -> Vec<KeyValue> {
    let one = AnyValue { value: Some(Value::IntValue(1)) };
    vec![
        pair("text", Value::StringValue("a \"b\" \n ü".to_owned())),
        pair("yes", Value::BoolValue(true)),
        pair("whole", Value::IntValue(i64::MIN)),
        pair("part", Value::DoubleValue(-2.5)),
        pair("list", Value::ArrayValue(ArrayValue { values: vec![one] })),
        pair("map", Value::KvlistValue(KeyValueList { values: vec![pair("k", Value::BoolValue(false))] })),
    ]
}

/// Every message of the metrics, with every field set.
fn some_metrics() -> ExportMetricsServiceRequest {
    let exemplar = metrics::Exemplar {
        filtered_attributes: attributes(),
        time_unix_nano: 3,
        span_id: vec![7; 8],
        trace_id: vec![9; 16],
        value: Some(metrics::exemplar::Value::AsDouble(0.5)),
    };
    let number = |value| metrics::NumberDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: u64::MAX,
        exemplars: vec![exemplar.clone()],
        flags: 1,
        value: Some(value),
    };
    let histogram = metrics::HistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 3,
        sum: Some(4.0),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![0.25],
        exemplars: vec![exemplar.clone()],
        flags: 0,
        min: Some(0.0),
        max: Some(2.0),
    };
    let exponential = metrics::ExponentialHistogramDataPoint {
        attributes: Vec::new(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 6,
        sum: Some(4.0),
        scale: -3,
        zero_count: 1,
        positive: Some(Buckets { offset: -20, bucket_counts: vec![1, 2] }),
        negative: Some(Buckets { offset: 2, bucket_counts: vec![2] }),
        flags: 0,
        exemplars: vec![exemplar.clone()],
        min: Some(-1.0),
        max: Some(2.0),
        zero_threshold: 0.125,
    };
    let summary = metrics::SummaryDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 3,
        sum: 4.0,
        quantile_values: vec![summary_data_point::ValueAtQuantile { quantile: 0.5, value: 1.5 }],
        flags: 0,
    };
    let metric = |name: &str, data| metrics::Metric {
        name: name.to_owned(),
        description: "what".to_owned(),
        unit: "s".to_owned(),
        metadata: attributes(),
        data: Some(data),
    };
    let integer = number(number_data_point::Value::AsInt(-5));
    let sum = metrics::Sum { data_points: vec![integer], aggregation_temporality: 2, is_monotonic: true };
    let gauge = metrics::Gauge { data_points: vec![number(number_data_point::Value::AsDouble(1e300))] };
    let histogram = metrics::Histogram { data_points: vec![histogram], aggregation_temporality: 1 };
    let exponential = metrics::ExponentialHistogram { data_points: vec![exponential], aggregation_temporality: 2 };
    let scope = metrics::ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: "scope".to_owned(),
            version: "1".to_owned(),
            attributes: attributes(),
            dropped_attributes_count: 2,
        }),
        metrics: vec![
            metric("sum", metric::Data::Sum(sum)),
            metric("gauge", metric::Data::Gauge(gauge)),
            metric("histogram", metric::Data::Histogram(histogram)),
            metric("exponential", metric::Data::ExponentialHistogram(exponential)),
            metric("summary", metric::Data::Summary(metrics::Summary { data_points: vec![summary] })),
        ],
        schema_url: "https://example.com".to_owned(),
    };
    let resource =
        Resource { attributes: attributes(), dropped_attributes_count: 4_000_000_000, entity_refs: Vec::new() };
    ExportMetricsServiceRequest {
        resource_metrics: vec![metrics::ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![scope],
            schema_url: "https://example.com".to_owned(),
        }],
    }
}

fn some_spans() -> ExportTraceServiceRequest {
    let event = span::Event {
        time_unix_nano: 3,
        name: "exception".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
    };
    let link = span::Link {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: "a=b".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
        flags: 0x301,
    };
    let span = trace::Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        trace_state: "c=d".to_owned(),
        parent_span_id: vec![0xef; 8],
        flags: 0x101,
        name: "load".to_owned(),
        kind: 3,
        start_time_unix_nano: 1_700_000_000_000_000_001,
        end_time_unix_nano: 1_700_000_000_000_000_002,
        attributes: attributes(),
        dropped_attributes_count: 1,
        events: vec![event],
        dropped_events_count: 2,
        links: vec![link],
        dropped_links_count: 3,
        status: Some(trace::Status { message: "no".to_owned(), code: 2 }),
    };
    let scope = trace::ScopeSpans { scope: None, spans: vec![span], schema_url: String::new() };
    ExportTraceServiceRequest {
        resource_spans: vec![trace::ResourceSpans {
            resource: None,
            scope_spans: vec![scope],
            schema_url: String::new(),
        }],
    }
}

#[test]
fn another_implementation_s_json_comes_back_whole() {
    let metrics = some_metrics();
    let json = serde_json::to_vec(&metrics).expect("serializable");
    let (bytes, _) = to_protobuf(&json, &METRICS).expect("readable");
    assert_eq!(ExportMetricsServiceRequest::decode(bytes.as_slice()).expect("protobuf"), metrics);

    let spans = some_spans();
    let json = serde_json::to_vec(&spans).expect("serializable");
    let (bytes, _) = to_protobuf(&json, &TRACES).expect("readable");
    assert_eq!(ExportTraceServiceRequest::decode(bytes.as_slice()).expect("protobuf"), spans);
}

fn span(fields: &str) -> Result<(trace::Span, Vec<String>), String> {
    let json = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{{fields}}}]}}]}}]}}");
    let (bytes, complaints) = to_protobuf(json.as_bytes(), &TRACES)?;
    let mut request = ExportTraceServiceRequest::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
    Ok((request.resource_spans.remove(0).scope_spans.remove(0).spans.remove(0), complaints))
}

#[test]
fn what_no_receiver_may_take_is_refused_with_its_place() {
    let place = "resourceSpans[0].scopeSpans[0].spans[0]";
    for (fields, message) in [
        (r#""traceId":"0102""#, "traceId: an id of 32 hex digits belongs here, not \"0102\""),
        (r#""spanId":"AAECAwQFBgc=""#, "spanId: an id of 16 hex digits belongs here, not \"AAECAwQFBgc=\""),
        (r#""kind":"SPAN_KIND_SERVER""#, "kind: the number of an enum's value belongs here, not \"SPAN_KIND_SERVER\""),
        (r#""kind":6"#, "kind: a whole number from 0 to 5 belongs here, not 6"),
        (r#""name":1"#, "name: a text belongs here, not 1"),
        (
            r#""startTimeUnixNano":"-1""#,
            "startTimeUnixNano: a whole number from 0 to 18446744073709551615 belongs here, not \"-1\"",
        ),
        (
            r#""startTimeUnixNano":1.5"#,
            "startTimeUnixNano: a whole number from 0 to 18446744073709551615 belongs here, not 1.5",
        ),
        (r#""attributes":{}"#, "attributes: a list belongs here, not {}"),
        (
            r#""attributes":[{"key":"k","value":{"intValue":"1","boolValue":true}}]"#,
            "attributes[0].value: only one of `boolValue`, `intValue` may be given",
        ),
        (r#""attributes":[{"key":"k","value":"v"}]"#, "attributes[0].value: an object belongs here, not \"v\""),
        (
            r#""attributes":[{"key":"k","value":{"doubleValue":"nan"}}]"#,
            "attributes[0].value.doubleValue: a number, \"NaN\", \"Infinity\" or \"-Infinity\" belongs here, not \"nan\"",
        ),
        (
            r#""attributes":[{"key":"k","value":{"bytesValue":"?"}}]"#,
            "attributes[0].value.bytesValue: bytes in base64 belong here, not \"?\"",
        ),
    ] {
        assert_eq!(span(fields), Err(format!("{place}.{message}")), "{fields}");
    }
    assert!(to_protobuf(b"{", &TRACES).is_err_and(|error| error.starts_with("no JSON: ")));
    assert_eq!(to_protobuf(b"[]", &TRACES).err().as_deref(), Some("the body: an object belongs here, not []"));
}

#[test]
fn what_a_receiver_must_put_up_with_is_told_once() {
    let (read, complaints) =
        span(r#""trace_id":"00","startTimeUnixNano":5,"endTimeUnixNano":6,"kind":1"#).expect("readable");
    assert_eq!((read.start_time_unix_nano, read.end_time_unix_nano, read.kind), (5, 6, 1));
    let place = "resourceSpans[0].scopeSpans[0].spans[0]";
    let mut complaints = complaints;
    complaints.sort();
    let number = format!("{place}.endTimeUnixNano: a 64-bit number is to be a text in JSON");
    assert_eq!(complaints, [number, format!("{place}.trace_id: no such field in Span")]);
}

#[test]
fn values_of_every_spelling_are_read() {
    let spelled = r#""attributes":[{"key":"a","value":{"doubleValue":"NaN"}},{"key":"b","value":{"doubleValue":"-Infinity"}},{"key":"c","value":{"intValue":"-3"}},{"key":"d","value":{"bytesValue":"-_8"}},{"key":"e","value":{"doubleValue":3}},{"key":"f","value":{}}],"parentSpanId":"","traceId":"ABCDEF00000000000000000000000001""#;
    let (read, complaints) = span(spelled).expect("readable");
    let values = crate::received::attributes(&read.attributes);
    let values: Vec<_> = values.values().map(String::as_str).collect();
    assert_eq!(values, ["NaN", "-inf", "-3", "fbff", "3.0", "null"]);
    assert_eq!((read.trace_id[0], read.parent_span_id.len(), complaints.len()), (0xab, 0, 0));
}
