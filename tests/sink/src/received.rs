use crate::answer::Answer;
use crate::points::Points;
use crate::spans::Spans;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// To `/v1/metrics` or the `MetricsService`.
    Metrics,
    /// To `/v1/traces` or the `TraceService`.
    Traces,
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Signal::Metrics => "metrics",
            Signal::Traces => "traces",
        })
    }
}

/// How it is sent, by the names of `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `http/protobuf`.
    HttpProtobuf,
    /// `http/json`.
    HttpJson,
    /// `grpc`.
    Grpc,
}

impl Protocol {
    /// As the variable has it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::HttpJson => "http/json",
            Protocol::Grpc => "grpc",
        }
    }
}

/// What was in a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// It could not be read, or was not asked for; why.
    Unreadable(String),
}

/// A request that came, whole.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where it came among all, from zero.
    pub number: usize,
    /// What it was for, where its path says so.
    pub signal: Option<Signal>,
    /// How it came, where its content type says so.
    pub protocol: Option<Protocol>,
    /// As it was asked for.
    pub path: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// `gzip`, or nothing. Over gRPC it is what the message was compressed with, not what was announced.
    pub encoding: Option<String>,
    /// Bytes of the body as it was sent, without headers.
    pub size: usize,
    /// Bytes of it decompressed; over gRPC without the frame.
    pub decoded_size: usize,
    /// When it was complete.
    pub at: Instant,
    /// The same by the clock on the wall.
    pub time: SystemTime,
    /// Which connection it came on, from zero.
    pub connection: u64,
    /// What was in it.
    pub data: Data,
    /// What was answered.
    pub answer: Answer,
    /// What is wrong in it, although it can be read. Empty for a good exporter.
    pub complaints: Vec<String>,
}

impl Received {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The content type, with its parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// Whether its data is the receiver's: it could be read, and the exporter was told a success.
    pub fn accepted(&self) -> bool {
        self.answer.accepts() && !matches!(self.data, Data::Unreadable(_))
    }
}

/// Everything that came up to now.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// In the order in which it was complete.
    pub requests: Vec<Arc<Received>>,
}

impl Seen {
    /// Those whose data is the receiver's.
    pub fn accepted(&self) -> impl Iterator<Item = &Received> {
        self.requests.iter().map(Arc::as_ref).filter(|request| request.accepted())
    }

    /// Those for a signal, accepted or not.
    pub fn of(&self, signal: Signal) -> impl Iterator<Item = &Received> {
        self.requests.iter().map(Arc::as_ref).filter(move |request| request.signal == Some(signal))
    }

    /// All points of accepted requests, in their order.
    pub fn points(&self) -> Points {
        let metrics = self.accepted().filter_map(|request| match &request.data {
            Data::Metrics(metrics) => Some((request.number, metrics)),
            _ => None,
        });
        Points { all: metrics.flat_map(|(number, metrics)| crate::points::of(number, metrics)).collect() }
    }

    /// All spans of accepted requests, in their order.
    pub fn spans(&self) -> Spans {
        let traces = self.accepted().filter_map(|request| match &request.data {
            Data::Traces(traces) => Some(traces),
            _ => None,
        });
        Spans { all: traces.flat_map(crate::spans::of).collect() }
    }

    /// What is wrong in what could be read, each with the request's number. To be compared with an empty list.
    pub fn complaints(&self) -> Vec<String> {
        let complaints = |request: &Arc<Received>| {
            let number = request.number;
            request.complaints.iter().map(move |complaint| format!("request {number}: {complaint}")).collect::<Vec<_>>()
        };
        self.requests.iter().flat_map(complaints).collect()
    }
}

/// Values as text: a number as Rust writes it, a list as JSON. Where the type matters, look into [`Received::data`].
pub type Attributes = BTreeMap<String, String>;

/// Who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The library's.
    pub name: String,
    /// The library's.
    pub version: String,
    /// What else is said of it.
    pub attributes: Attributes,
}

pub(crate) fn scope(scope: Option<&InstrumentationScope>) -> Scope {
    scope.map_or_else(Scope::default, |scope| Scope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes(&scope.attributes),
    })
}

pub(crate) fn attributes(pairs: &[KeyValue]) -> Attributes {
    pairs.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

/// A value as a person reads it.
pub(crate) fn text(value: Option<&AnyValue>) -> String {
    match in_json(value.and_then(|value| value.value.as_ref())) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn in_json(value: Option<&Value>) -> serde_json::Value {
    match value {
        None | Some(Value::StringValueStrindex(_)) => serde_json::Value::Null,
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        // JSON has no NaN.
        Some(Value::DoubleValue(value)) if !value.is_finite() => format!("{value:?}").into(),
        Some(Value::DoubleValue(value)) => (*value).into(),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|value| in_json(value.value.as_ref())).collect(),
        Some(Value::KvlistValue(list)) => {
            let pair = |pair: &KeyValue| {
                (pair.key.clone(), in_json(pair.value.as_ref().and_then(|value| value.value.as_ref())))
            };
            serde_json::Value::Object(list.values.iter().map(pair).collect())
        }
        Some(Value::BytesValue(bytes)) => hex(bytes).into(),
    }
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
