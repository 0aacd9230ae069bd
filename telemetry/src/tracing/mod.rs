//! Living with the crate `tracing`: measured calls as spans for its subscribers, and its spans as measured functions.
//!
//! [`emit`] does the one, a [`Layer`] the other, and each is there for itself. With both, nothing is doubled: a span that a measured call became
//! is no function again, and a function that was a span does not become one.
//!
//! ```
//! use tracing_subscriber::layer::SubscriberExt as _;
//! use tracing_subscriber::util::SubscriberInitExt as _;
//!
//! // In `main`, once.
//! tracing_subscriber::registry().with(telemetry::tracing::Layer::new()).init();
//!
//! tracing::info_span!(target: "orders", "check").in_scope(|| {
//!     // …
//! });
//! let labels = [("function", "orders::check"), ("module", "orders"), ("result", "ok")];
//! assert_eq!(telemetry::testing::value("function_calls_total", &labels), Some(1.0));
//! ```
//!
//! Which of them a program wants, what they cost and what they cannot see is told in the documentation, `docs/tracing-crate.md`.

mod callsite; // of a measured function, made at run time
mod layer; // spans of others as calls
mod maker; // measured calls as spans
mod makers; // who else makes spans of calls
mod sites; // the functions that spans of others are
mod values; // on their way to fields

pub use layer::Layer;
pub use maker::emit;

#[cfg(test)]
mod tests;
