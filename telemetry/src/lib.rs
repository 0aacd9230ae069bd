//! Annotate a function, declare a metric, run the program, and see where its time, memory, CPU, I/O and queries go.
//!
//! ```
//! use telemetry::{measured, metric};
//!
//! metric! {
//!     /// Rows read, by table.
//!     pub counter table_rows_read_total(table: &str);
//! }
//!
//! #[measured]
//! fn load(table: &str) -> Result<u64, std::num::ParseIntError> {
//!     let rows = "42".parse()?;
//!     table_rows_read_total(table).add(rows);
//!     Ok(rows)
//! }
//!
//! fn main() {
//!     load("flights").unwrap();
//!     let snapshot = telemetry::snapshot();
//!     assert_eq!(snapshot.sum("table_rows_read_total", &[("table", "flights")]), 42.0);
//!     assert_eq!(snapshot.sum("function_calls_total", &[("function", "load"), ("result", "ok")]), 1.0);
//! }
//! ```
//!
//! # What there is
//! - [`#[measured]`](macro@measured) on functions, `impl` blocks, traits and modules: calls by result, durations, busy and self time, memory, CPU time, bytes of I/O;
//!   [`measure!`] and [`span`] for blocks; [`in_current`] and [`current`] for what is handed to tasks and threads.
//! - [`metric!`] for counters, gauges, histograms and infos of your own; [`#[derive(Label)]`](macro@Label) for their labels.
//! - [`#[backfill_job]`](macro@backfill_job) and [`Job`] for work with an end.
//! - [`init()`] for the endpoint and the report at exit, [`testing`] for tests, [`export`] for other ways out.
//!
//! # What it costs
//! Calls, instruments and time are exact, at some 15 ns a call. What is dearer to read, the CPU clock and bytes of I/O, is read at some calls alone,
//! so that no function is slowed down by more than 1 % of its own time: [`Builder::overhead_budget`], `TELEMETRY_OVERHEAD_BUDGET`. Such figures
//! are estimates without bias, and shown with their standard error. Memory is known with the [tracking allocator](alloc), and absent without it.
//!
//! # The way of one value
//! A macro leaves a [static call site](__private::CallSite) and one guard or wrapped future in the function. What the guard sees goes to
//! cells that only the current thread writes. [`snapshot`](fn@snapshot) merges the threads' cells, asks the [collectors](Collector)
//! and returns the one model, a [`Snapshot`], which every way out reads: the exposition, the report, tests.

extern crate self as telemetry;

/// The programs of the page about `#[measured]`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/measured.md")]
struct MeasuredPage;

// The modules, in the order in which a value passes them.
mod config; // what the environment and the builder say
mod init;
#[doc(hidden)]
pub mod private; // the one door for generated code // start and end: the guard of a program

pub mod builtin; // the families that are there by themselves
pub mod catalog; // declarations as documents
mod collect; // what is asked at snapshot time
pub mod export; // the ways out
mod metric; // what users declare: instruments, labels, series
mod record; // one call, on one thread
mod registry; // who knows all
#[cfg(feature = "prometheus")]
mod server;
pub mod snapshot; // the one model // the endpoint

pub mod alloc; // the tracking allocator
#[cfg(feature = "dashboards")]
#[expect(clippy::incompatible_msrv, reason = "the crates that come with this feature need a newer compiler too")]
pub mod dashboard; // dashboards and rules, checked
#[cfg(feature = "duckdb")]
pub mod duckdb; // profiled connections
mod error;
pub mod job; // backfill jobs
mod sync;
pub mod testing; // for users' tests

#[doc(hidden)]
pub use private as __private;

pub use config::{Builder, Report, builder};
#[cfg(feature = "duckdb")]
pub use duckdb::ProfiledConnection;
pub use error::Error;
pub use init::{Telemetry, init};
pub use job::Job;
pub use metric::{
    CatalogError, Clash, Counter, Descriptor, DurationCounter, Gauge, Histogram, Info, Kind, Label, Origin, OtelData,
    PrefixError, Timer, catalog,
};
pub use record::{Current, InCurrent, SpanGuard, current, in_current, span};
pub use registry::{Collection, Collector, Registry, register, registry, snapshot};
pub use snapshot::Snapshot;
#[cfg(feature = "dashboards")]
pub use telemetry_macros::dashboards;
pub use telemetry_macros::{Label, ProfiledConnection, backfill_job, measure, measured, metric};
