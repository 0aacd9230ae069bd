//! A receiver of OTLP that does what a test tells it, and a demonstration for a terminal.
//!
//! It shares no code with the library: what an exporter sends is decoded from the protocol's own definitions and kept, together with how it came.
//!
//! ```
//! use telemetry_sink::{Answer, Sink};
//! use std::time::Duration;
//!
//! let sink = Sink::start();
//! sink.script([Answer::status(503).retry_after_seconds(1), Answer::Accept]);
//! // An exporter is given `sink.http_endpoint()` or `sink.grpc_endpoint()` …
//! let arrived = sink.wait_until(Duration::from_millis(10), |seen| !seen.spans().all.is_empty());
//! assert!(!arrived, "nobody sent anything");
//! ```
//!
//! The way of a request: [`Sink`] (`sink`) -> `wire`, `tls` -> `serve` -> `http` or `grpc` -> `json` -> `check` -> [`Seen`] (`received`) -> [`Points`], [`Spans`].
//! It panics where it cannot be started or told something, as tests like it.

/// What is answered, and the faults that can be played.
mod answer;
/// What is wrong in data that can be decoded.
mod check;
/// OTLP over gRPC.
mod grpc;
/// OTLP over HTTP.
mod http;
/// OTLP's JSON, without anybody's deserializer.
mod json;
/// Other people's receivers: on the official definitions in Python, and a whole collector.
pub mod others;
/// Metrics as a flat list of points.
mod points;
/// What came, and how.
mod received;
/// Connections.
mod serve;
/// A receiver that runs.
mod sink;
/// Spans, and whether they make trees.
mod spans;
/// Certificates of one's own making.
mod tls;
/// A socket that can be made to misbehave.
mod wire;

pub use answer::Answer;
pub use points::{Exemplar, Number, Point, Points, Temporality, Value};
pub use received::{Attributes, Data, Protocol, Received, Scope, Seen, Signal};
pub use sink::{Builder, Sink};
pub use spans::{Span, Spans, Trace};
pub use tls::Tls;
