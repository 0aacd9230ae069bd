//! Traces: measured calls as spans of OpenTelemetry, and their context in and out of the process.
//!
//! Once there is a tracer provider, each call of a measured function is a span, and so are blocks, jobs and batches; what a
//! span says of its call is listed in the project's `docs/tracing.md`. Functions with `#[measured(count)]` have none. Until then calls cost what they cost without this feature.
//!
//! ```
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use telemetry::measured;
//!
//! #[measured(span(day))]
//! fn load(day: u32) -> Result<u32, std::num::ParseIntError> {
//!     format!("{day}").parse()
//! }
//!
//! let provider = SdkTracerProvider::builder().build(); // with a processor that exports
//! telemetry::trace::use_tracer_provider(&provider);
//! load(7).unwrap(); // a span
//! ```

#[cfg(feature = "axum")]
pub mod axum; // the trace in what an axum server gets
mod calls; // who makes spans of calls
mod clock; // times that nest
mod context; // what goes from one process to the next
#[cfg(any(feature = "http", feature = "reqwest", feature = "axum"))]
mod headers; // headers as a carrier
#[cfg(any(feature = "http", feature = "reqwest"))]
pub mod http; // the trace in headers
pub mod process; // the trace in the environment
pub(crate) mod propagator; // who reads and writes a context
pub(crate) mod provider; // whose tracer it is
#[cfg(any(feature = "reqwest", feature = "axum"))]
mod request; // the span of a request
#[cfg(feature = "reqwest")]
pub mod reqwest; // the trace in what reqwest sends
#[cfg(feature = "duckdb")]
pub(crate) mod statement; // the span of a DuckDB statement

pub use context::{InContext, TraceContext, baggage, current_context};
pub use provider::use_tracer_provider;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

/// Links the running span to the span of `to`: what it works on came from there, as the items of a batch come from requests of their own. Nothing
/// where no span runs on this thread, or none is in `to`.
///
/// A producer keeps its context, `opentelemetry::Context::current()`, with what it hands over.
///
/// ```
/// use opentelemetry::Context;
/// use telemetry::measured;
///
/// struct Item { page: u32, from: Context }
///
/// #[measured]
/// fn fetch(page: u32) -> Item {
///     Item { page, from: Context::current() }
/// }
///
/// #[measured]
/// fn write(batch: &[Item]) -> usize {
///     batch.iter().for_each(|item| telemetry::trace::link(&item.from));
///     batch.len()
/// }
///
/// assert_eq!(write(&[fetch(1), fetch(2)]), 2);
/// ```
pub fn link(to: &Context) {
    let to = to.span();
    if to.span_context().is_valid() {
        calls::current(|running| running.span().add_link(to.span_context().clone(), Vec::new()));
    }
}
