//! Traces: measured calls as spans of OpenTelemetry, and their context in and out of the process.

#[cfg(feature = "axum")]
pub mod axum; // the trace in what an axum server gets
mod context; // what goes from one process to the next
#[cfg(any(feature = "http", feature = "reqwest", feature = "axum"))]
mod headers; // headers as a carrier
#[cfg(feature = "http")]
pub mod http; // the trace in headers
pub mod process; // the trace in the environment
mod propagator; // who reads and writes a context
#[cfg(any(feature = "reqwest", feature = "axum"))]
mod request; // the span of a request
#[cfg(feature = "reqwest")]
pub mod reqwest; // the trace in what reqwest sends

pub use context::{InContext, TraceContext, baggage, current_context};
