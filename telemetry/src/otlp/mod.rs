//! OTLP: how a program hands its metrics and spans to a collector. Where and how is what `config::otlp` reads; when, and what if not, is what
//! [`push`](crate::push) does; here is what is sent, what carries it, and what answers mean.

mod answer; // what an answer says of its request
mod batches; // spans as they are sent
#[cfg(feature = "otlp-grpc")]
mod grpc; // requests by gRPC
mod json; // messages as JSON
mod metrics; // from a snapshot to a request
pub(crate) mod resource;
mod signal; // what both signals share
mod split; // requests that are not too large
mod states; // snapshots as they are sent
#[cfg(all(test, feature = "tls"))]
mod tls_tests;
mod traces; // where spans wait // who sends it

pub(crate) use batches::Traces;
pub(crate) use states::Metrics;
pub(crate) use traces::Spans;
