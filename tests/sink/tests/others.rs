//! Other people's receivers read what the sink reads.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use telemetry_sink::others::{Python, Rotel};
use telemetry_sink::{Point, Sink};
use tonic::codec::CompressionEncoding;

/// Python with gRPC takes its time to start.
const PATIENCE: Duration = Duration::from_secs(60);

const METRICS: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeMetrics":[{"scope":{"name":"scope","version":"1","attributes":[{"key":"k","value":{"doubleValue":0.5}}]},"metrics":[
{"name":"rows","description":"Rows read.","unit":"{row}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"attributes":[{"key":"text","value":{"stringValue":"ü \"x\""}},{"key":"yes","value":{"boolValue":true}},{"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":2.5}]}}}],"startTimeUnixNano":"1","timeUnixNano":"1700000000000000001","asInt":"9007199254740993","exemplars":[{"timeUnixNano":"3","asInt":"4","spanId":"0707070707070707","traceId":"09090909090909090909090909090909"}]}]}},
{"name":"depth","gauge":{"dataPoints":[{"timeUnixNano":"2","asDouble":-0.1}]}},
{"name":"took","unit":"s","histogram":{"aggregationTemporality":1,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":4.5,"bucketCounts":["1","2"],"explicitBounds":[0.25],"min":0,"max":2}]}},
{"name":"size","unit":"By","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"6","sum":4,"scale":-3,"zeroCount":"1","positive":{"offset":-20,"bucketCounts":["1","2"]},"negative":{"offset":2,"bucketCounts":["2"]},"zeroThreshold":0.125}]}}
]}]}]}"#;

const SPANS: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"scope":{"name":"scope","version":"1"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","traceState":"a=b","flags":257,"name":"load","kind":3,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000002","attributes":[{"key":"n","value":{"intValue":"-3"}}],"events":[{"timeUnixNano":"1700000000000000001","name":"exception","attributes":[{"key":"m","value":{"stringValue":"no"}}]}],"links":[{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202"}],"status":{"code":2,"message":"no such row"}}]}]}]}"#;

/// The messages as the sink reads them from JSON, which exporter and receivers here do without.
fn messages() -> (ExportMetricsServiceRequest, ExportTraceServiceRequest) {
    let sink = Sink::start();
    post(&sink.http_endpoint(), "/v1/metrics", "application/json", METRICS.as_bytes());
    post(&sink.http_endpoint(), "/v1/traces", "application/json", SPANS.as_bytes());
    let seen = sink.seen();
    assert_eq!(seen.complaints(), Vec::<String>::new());
    let data: Vec<_> = seen.requests.iter().map(|request| request.data.clone()).collect();
    let [telemetry_sink::Data::Metrics(metrics), telemetry_sink::Data::Traces(spans)] = data.as_slice() else {
        panic!("both were read: {data:?}")
    };
    (metrics.clone(), spans.clone())
}

fn post(endpoint: &str, path: &str, content_type: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(endpoint.replace("http://", "")).expect("a receiver");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: r\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.contains(" 200 "), "{answer}");
}

/// By HTTP plain and by gRPC compressed.
fn send(http: &str, grpc: &str) {
    let (metrics, spans) = messages();
    let protobuf = "application/x-protobuf";
    post(http, "/v1/metrics", protobuf, &metrics.encode_to_vec());
    post(http, "/v1/traces", protobuf, &spans.encode_to_vec());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = MetricsServiceClient::connect(grpc.to_owned()).await.expect("a receiver");
        client.send_compressed(CompressionEncoding::Gzip).export(metrics).await.expect("taken");
        let client = TraceServiceClient::connect(grpc.to_owned()).await.expect("a receiver");
        client.send_compressed(CompressionEncoding::Gzip).export(spans).await.expect("taken");
    });
}

/// In which request they came is the receiver's business.
fn without_request(points: &[Point]) -> Vec<Point> {
    let mut points: Vec<_> = points.iter().map(|point| Point { request: 0, ..point.clone() }).collect();
    points.sort_by(|one, other| one.name.cmp(&other.name));
    points
}

#[test]
fn python_reads_what_the_sink_reads() {
    let Some(mut python) = Python::start() else { return };
    let sink = Sink::start();
    send(&sink.http_endpoint(), &sink.grpc_endpoint());
    send(python.http_endpoint(), python.grpc_endpoint());
    assert!(python.wait_until(PATIENCE, |python| python.requests.len() == 4), "{:?}", python.requests);
    let seen = sink.seen();
    assert_eq!(seen.points().all.len(), 8);
    assert_eq!(without_request(&python.points), without_request(&seen.points().all));
    assert_eq!((python.spans.as_slice(), python.spans.len()), (seen.spans().all.as_slice(), 2));
    let protocols: Vec<_> = python.requests.iter().map(|(protocol, ..)| protocol.as_str()).collect();
    assert_eq!(protocols, ["http/protobuf", "http/protobuf", "grpc", "grpc"]);
}

#[test]
fn what_goes_through_rotel_comes_out_the_same() {
    let direct = Sink::start();
    send(&direct.http_endpoint(), &direct.grpc_endpoint());
    let behind = Sink::start();
    let Some(rotel) = Rotel::start(&behind) else { return };
    send(&rotel.http_endpoint(), &rotel.grpc_endpoint());
    let all = |seen: &telemetry_sink::Seen| seen.points().all.len() == 8 && seen.spans().all.len() == 2;
    assert!(behind.wait_until(PATIENCE, all), "{:?}", behind.seen());
    assert_eq!(without_request(&behind.seen().points().all), without_request(&direct.seen().points().all));
    assert_eq!(behind.seen().spans(), direct.seen().spans());
}
