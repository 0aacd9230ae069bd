use super::with;
use crate::points::{Exemplar, Number, Point, Temporality, Value};
use crate::received::{Attributes, Scope};
use crate::spans::Span;
use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = include_str!("../../../otlp/receiver.py");
/// Python with gRPC takes a second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver in Python, on `opentelemetry-proto` and `grpcio`. Ends when dropped.
#[derive(Debug)]
pub struct Python {
    process: Child,
    lines: Receiver<Json>,
    http: String,
    grpc: String,
    /// What came, as its points and spans are compared with the sink's.
    pub points: Vec<Point>,
    /// The same for spans.
    pub spans: Vec<Span>,
    /// Each request's protocol, encoding and bytes.
    pub requests: Vec<(String, Option<String>, u64)>,
}

impl Python {
    /// Starts it, or says that there is no Python for it.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start() -> Option<Python> {
        let (python, _) = with("grpc, opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc", "")?;
        let mut command = Command::new(python);
        let mut process =
            command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let (send, lines) = channel();
        // Ends with the program's output.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let started: Json = lines.recv_timeout(PATIENCE).expect("Python's first line");
        let endpoint = |name: &str| started[name].as_str().expect("an endpoint").to_owned();
        let (http, grpc) = (endpoint("http"), endpoint("grpc"));
        Some(Python { process, lines, http, grpc, points: Vec::new(), spans: Vec::new(), requests: Vec::new() })
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `http/protobuf`.
    pub fn http_endpoint(&self) -> &str {
        &self.http
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `grpc`.
    pub fn grpc_endpoint(&self) -> &str {
        &self.grpc
    }

    /// Reads what came until it is so, and says whether it is.
    ///
    /// # Panics
    /// Where Python could not decode a request.
    pub fn wait_until(&mut self, deadline: Duration, condition: impl Fn(&Python) -> bool) -> bool {
        let end = Instant::now() + deadline;
        while !condition(self) {
            let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) else { return false };
            assert!(line["error"].is_null(), "Python could not decode a request: {}", line["error"]);
            let text = |value: &Json| value.as_str().map(str::to_owned);
            let number = self.requests.len();
            self.requests.push((
                text(&line["protocol"]).unwrap_or_default(),
                text(&line["encoding"]),
                line["size"].as_u64().unwrap_or(0),
            ));
            self.points.extend(list(&line["points"]).map(|point| flat_point(number, point)));
            self.spans.extend(list(&line["spans"]).map(flat_span));
        }
        true
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Json) -> String {
    value.as_str().expect("a text").to_owned()
}

fn whole(value: &Json) -> u64 {
    value.as_u64().expect("a whole number")
}

fn small(value: &Json) -> i32 {
    value.as_i64().and_then(|value| i32::try_from(value).ok()).expect("a small number")
}

fn double(value: &Json) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn optional(value: &Json) -> Option<f64> {
    (!value.is_null()).then(|| double(value))
}

fn number(value: &Json) -> Number {
    match (&value["int"], &value["double"]) {
        (Json::Null, Json::Null) => Number::Absent,
        (Json::Null, value) => Number::Double(double(value)),
        (value, _) => Number::Int(value.as_i64().expect("an integer")),
    }
}

fn attributes(value: &Json) -> Attributes {
    let shown = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), shown(value))).collect()
}

fn scope(value: &Json) -> Scope {
    Scope { name: text(&value["name"]), version: text(&value["version"]), attributes: attributes(&value["attributes"]) }
}

fn flat_point(request: usize, point: &Json) -> Point {
    let exemplar = |exemplar: &Json| Exemplar {
        value: number(&exemplar["value"]),
        time: whole(&exemplar["time"]),
        trace: text(&exemplar["trace"]),
        span: text(&exemplar["span"]),
        attributes: attributes(&exemplar["attributes"]),
    };
    Point {
        request,
        resource: attributes(&point["resource"]),
        scope: scope(&point["scope"]),
        name: text(&point["name"]),
        description: text(&point["description"]),
        unit: text(&point["unit"]),
        attributes: attributes(&point["attributes"]),
        start: whole(&point["start"]),
        time: whole(&point["time"]),
        value: value(&point["value"]),
        exemplars: list(&point["exemplars"]).map(exemplar).collect(),
        flags: u32::try_from(whole(&point["flags"])).expect("flags"),
    }
}

fn value(said: &Json) -> Value {
    let temporality = match said["temporality"].as_str() {
        Some("delta") => Temporality::Delta,
        Some("cumulative") => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    };
    let (sum, min, max) = (optional(&said["sum"]), optional(&said["min"]), optional(&said["max"]));
    let side = |side: &Json| (small(&side[0]), list(&side[1]).map(whole).collect());
    match said["kind"].as_str() {
        Some("gauge") => Value::Gauge(number(&said["value"])),
        Some("sum") => {
            Value::Sum { value: number(&said["value"]), temporality, monotonic: said["monotonic"] == Json::Bool(true) }
        }
        Some("histogram") => Value::Histogram {
            temporality,
            count: whole(&said["count"]),
            sum,
            min,
            max,
            bounds: list(&said["bounds"]).map(double).collect(),
            buckets: list(&said["buckets"]).map(whole).collect(),
        },
        Some("exponential_histogram") => Value::Exponential {
            temporality,
            count: whole(&said["count"]),
            sum,
            scale: small(&said["scale"]),
            zero: whole(&said["zero"]),
            zero_threshold: double(&said["zero_threshold"]),
            positive: side(&said["positive"]),
            negative: side(&said["negative"]),
            min,
            max,
        },
        _ => Value::Summary {
            count: whole(&said["count"]),
            sum: sum.unwrap_or(f64::NAN),
            quantiles: list(&said["quantiles"]).map(|pair| (double(&pair[0]), double(&pair[1]))).collect(),
        },
    }
}

fn flat_span(span: &Json) -> Span {
    let status = small(&span["status"]);
    Span {
        trace: text(&span["trace"]),
        id: text(&span["id"]),
        parent: text(&span["parent"]),
        trace_state: text(&span["trace_state"]),
        name: text(&span["name"]),
        kind: small(&span["kind"]),
        start: whole(&span["start"]),
        end: whole(&span["end"]),
        attributes: attributes(&span["attributes"]),
        events: list(&span["events"]).map(|event| (text(&event[0]), whole(&event[1]), attributes(&event[2]))).collect(),
        links: list(&span["links"]).map(|link| (text(&link[0]), text(&link[1]), attributes(&link[2]))).collect(),
        error: (status == 2).then(|| text(&span["message"])),
        status,
        flags: u32::try_from(whole(&span["flags"])).expect("flags"),
        scope: scope(&span["scope"]),
        resource: attributes(&span["resource"]),
    }
}
