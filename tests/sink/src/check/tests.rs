use super::{metrics, traces};
use crate::json::{METRICS, TRACES, to_protobuf};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const RESOURCE: &str = r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]}"#;

fn metric(metric: &str) -> Vec<String> {
    let json = format!(r#"{{"resourceMetrics":[{{{RESOURCE},"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#);
    let (bytes, _) = to_protobuf(json.as_bytes(), &METRICS).expect("JSON");
    metrics(&ExportMetricsServiceRequest::decode(bytes.as_slice()).expect("protobuf"))
}

fn span(span: &str) -> Vec<String> {
    let json = format!(r#"{{"resourceSpans":[{{{RESOURCE},"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
    let (bytes, _) = to_protobuf(json.as_bytes(), &TRACES).expect("JSON");
    traces(&ExportTraceServiceRequest::decode(bytes.as_slice()).expect("protobuf"))
}

#[test]
fn good_metrics_have_no_complaint() {
    let none = Vec::<String>::new();
    assert_eq!(metric(r#"{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"2","asInt":"0"}]}}"#), none);
    assert_eq!(
        metric(
            r#"{"name":"m","histogram":{"aggregationTemporality":1,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":2,"bucketCounts":["1","2"],"explicitBounds":[0.5]}]}}"#
        ),
        none
    );
}

#[test]
fn each_fault_of_a_metric_is_named() {
    let times = r#""startTimeUnixNano":"1","timeUnixNano":"2""#;
    let sum = |point: &str| {
        format!(r#"{{"name":"m","sum":{{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{point}]}}}}"#)
    };
    let histogram = |point: &str| {
        format!(r#"{{"name":"m","histogram":{{"aggregationTemporality":2,"dataPoints":[{{{times},{point}}}]}}}}"#)
    };
    let good = format!(r#"{{{times},"asInt":"1"}}"#);
    for (given, complaint) in [
        (r#"{"name":"m"}"#.to_owned(), "`m`: it has no data"),
        (r#"{"name":"m","gauge":{}}"#.to_owned(), "`m`: it has no points"),
        (format!(r#"{{"gauge":{{"dataPoints":[{good}]}}}}"#), "``: a metric has no name"),
        (format!(r#"{{"name":"m","sum":{{"dataPoints":[{good}]}}}}"#), "`m`: its temporality is not said"),
        (
            format!(
                "{},{}",
                sum(&good),
                sum(
                    r#"{"startTimeUnixNano":"1","timeUnixNano":"2","asInt":"1","attributes":[{"key":"a","value":{"intValue":"1"}}]}"#
                )
            ),
            "`m`: it stands twice in one scope",
        ),
        (sum(&format!("{good},{good}")), "`m`: the series {} stands twice"),
        (sum(&format!("{{{times}}}")), "`m`: a point has no value"),
        (sum(&format!(r#"{{{times},"asInt":"-1"}}"#)), "`m`: a monotonic sum is below zero"),
        (sum(&format!(r#"{{{times},"asDouble":"NaN"}}"#)), "`m`: a sum is NaN"),
        (sum(r#"{"timeUnixNano":"2","asInt":"1"}"#), "`m`: a point has no start"),
        (sum(r#"{"startTimeUnixNano":"3","timeUnixNano":"2","asInt":"1"}"#), "`m`: a point begins after its time"),
        (sum(r#"{"asInt":"1"}"#), "`m`: a point has no time"),
        (
            sum(&format!(
                r#"{{{times},"asInt":"1","attributes":[{{"key":"a","value":{{"intValue":"1"}}}},{{"key":"a","value":{{"intValue":"2"}}}}]}}"#
            )),
            "`m`: the attribute a is given twice",
        ),
        (sum(&format!(r#"{{{times},"asInt":"1","attributes":[{{"key":"a"}}]}}"#)), "`m`: the attribute a has no value"),
        (
            sum(&format!(
                r#"{{{times},"asInt":"1","exemplars":[{{"asInt":"1","timeUnixNano":"2","spanId":"0000000000000001"}}]}}"#
            )),
            "`m`: an exemplar has half a trace",
        ),
        (
            histogram(r#""count":"2","bucketCounts":["1","2"],"explicitBounds":[1]"#),
            "`m`: the buckets do not make the count",
        ),
        (
            histogram(r#""count":"3","bucketCounts":["1","2"],"explicitBounds":[1,2]"#),
            "`m`: there is not one bucket more than bounds",
        ),
        (
            histogram(r#""count":"3","bucketCounts":["1","2","0"],"explicitBounds":[2,2]"#),
            "`m`: the bounds do not grow",
        ),
        (
            histogram(r#""count":"3","bucketCounts":["1","2"],"explicitBounds":["Infinity"]"#),
            "`m`: a bound is not finite",
        ),
        (histogram(r#""count":"1","min":2,"max":1"#), "`m`: its min is above its max"),
        (
            format!(
                r#"{{"name":"m","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{{times},"count":"2","zeroCount":"1","positive":{{"bucketCounts":["2"]}}}}]}}}}"#
            ),
            "`m`: the buckets do not make the count",
        ),
    ] {
        assert_eq!(metric(&given), [complaint], "{given}");
    }
}

#[test]
fn a_resource_without_a_service_is_a_complaint() {
    assert_eq!(
        metrics(&ExportMetricsServiceRequest { resource_metrics: vec![Default::default()] }),
        ["`resource`: it is missing"]
    );
}

#[test]
fn each_fault_of_a_span_is_named() {
    let good = r#""traceId":"00000000000000000000000000000001","spanId":"0000000000000002","name":"s","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"2""#;
    assert_eq!(span(&format!("{{{good}}}")), Vec::<String>::new());
    let replaced = |what: &str, with: &str| format!("{{{}}}", good.replace(what, with));
    for (given, complaint) in [
        (replaced("00000000000000000000000000000001", "00000000000000000000000000000000"), "`s`: its trace id is zero"),
        (replaced("0000000000000002", ""), "`s`: its span id has 0 bytes, not 8"),
        (replaced("\"s\"", "\"\""), "``: a span has no name"),
        (replaced("\"kind\":1,", ""), "`s`: its kind is 0, not from 1 to 5"),
        (replaced("\"1\"", "\"3\""), "`s`: it ends before it starts"),
        (replaced("\"2\"", "\"0\""), "`s`: it has no start or no end"),
        (format!(r#"{{{good},"parentSpanId":"0000000000000002"}}"#), "`s`: it is its own parent"),
        (
            format!(r#"{{{good},"status":{{"code":1,"message":"fine"}}}}"#),
            "`s`: its status has a text, but is no error",
        ),
        (
            format!(r#"{{{good},"links":[{{"traceId":"","spanId":"0000000000000002"}}]}}"#),
            "`s`: its link's trace id has 0 bytes, not 16",
        ),
        (format!("{{{good}}},{{{good}}}"), "`s`: a span stands twice"),
    ] {
        let complaints = span(&given);
        assert!(complaints.iter().any(|has| has == complaint), "{given}: {complaints:?}");
    }
}
