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
//! - [`objective`]s at functions and jobs: what share of the calls is to go well, of which alerts are made.
//! - [`init()`] for the endpoint and the report at exit, [`render`] for a server of your own, [`testing`] for tests, [`export`] for other ways out.
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

//!
//! # Without telemetry
//! `RUSTFLAGS="--cfg telemetry_off" cargo build` builds a program from which this library is gone: a program's choice, which no dependency can
//! make for it. Sources stay as they are, and what does not compile with it does not compile without it.
//!
//! | | with `--cfg telemetry_off` |
//! | :--- | :--- |
//! | `#[measured]`, `measure!`, [`span`] | check what they check, and leave the body alone: no call site, no clock; a future is the user's own |
//! | `metric!`, `#[derive(Label)]`, `dashboards!` | check what they check; constants (`CATALOG`, `DESCRIPTOR`, `VALUES`) stay, instruments do nothing and read as 0 |
//! | [`snapshot`](fn@snapshot), [`catalog`](fn@catalog()), [`testing`] | are empty |
//! | [`render`], `axum::router` | give an empty exposition, and no routes |
//! | [`init`](fn@init) | starts nothing, prints nothing, reads no variable, and cannot fail; [`register`](fn@register) takes any collector and never asks it |
//! | [`Tracking`](alloc::Tracking) | is the allocator within |
//! | `#[experiment]` | runs the function, with an experiment that keeps nothing |
//! | `#[backfill_job]`, [`Job`] | run the function, send and retry requests, wait for limits, keep checkpoints, stop at Ctrl-C; without a bar, and counting for nobody |
//! | `trace::http`, `trace::process`, `trace::reqwest`, `trace::axum` | leave headers, commands, requests and handlers as they are |
//! | `duckdb::Connection` | runs every statement as it comes, without a profile, and its list of them is empty |
//!
//! Arguments of an instrument are Rust like any other and are evaluated: `rows_read_total(name()).inc()` calls `name`. What stands in the
//! parentheses of `#[measured]` (`labels`, `span`, `ok_if`, `error_if`, `error_type`) is checked and does not run. Names that are declared
//! twice in one program are not found out, since nobody knows all of them.
//!
//! Of `#[measured]` and `metric!` alone an optimised program keeps no symbol and no text. A crate that asks `cfg(telemetry_off)` itself, such as
//! a test of what was recorded, names it in its manifest: `unexpected_cfgs = { level = "warn", check-cfg = ["cfg(telemetry_off)"] }`.

// What records and shows is not compiled, and much that only it calls has no caller.
#![cfg_attr(telemetry_off, allow(dead_code, unused_imports))]

extern crate self as telemetry;

/// The programs of the page about `#[measured]`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/measured.md")]
struct MeasuredPage;

/// The programs of the page about Grafana's client.
#[cfg(all(doctest, feature = "grafana"))]
#[doc = include_str!("../../docs/grafana-client.md")]
struct GrafanaClientPage;
/// The programs of the page about Comet.
#[cfg(all(doctest, feature = "comet"))]
#[doc = include_str!("../../docs/comet.md")]
struct CometPage;
/// The programs of the page about pushing.
#[cfg(all(doctest, feature = "push"))]
#[doc = include_str!("../../docs/pushing.md")]
struct PushingPage;
/// The programs of the page about traces.
#[cfg(all(doctest, feature = "otel"))]
#[doc = include_str!("../../docs/tracing.md")]
struct TracingPage;
/// The programs of the page about the endpoint.
#[cfg(doctest)]
#[doc = include_str!("../../docs/server.md")]
struct ServerPage;
/// The programs of the page about what a job asks its source.
#[cfg(all(doctest, feature = "reqwest", feature = "tokio"))]
#[doc = include_str!("../../docs/jobs-requests.md")]
struct JobsRequestsPage;
/// The programs of the page about jobs.
#[cfg(all(doctest, feature = "resume"))]
#[doc = include_str!("../../docs/jobs.md")]
struct JobsPage;
/// The programs of the page about DuckDB.
#[cfg(all(doctest, feature = "duckdb"))]
#[doc = include_str!("../../docs/duckdb.md")]
struct DuckdbPage;
/// The programs of the page about objectives.
#[cfg(all(doctest, feature = "dashboards"))]
#[doc = include_str!("../../docs/objectives.md")]
struct ObjectivesPage;
/// The programs of the page about collectors.
#[cfg(doctest)]
#[doc = include_str!("../../docs/collectors.md")]
struct CollectorsPage;
/// The programs of the page about traces across processes.
#[cfg(all(doctest, feature = "axum", feature = "http", feature = "reqwest"))]
#[doc = include_str!("../../docs/propagation.md")]
struct PropagationPage;

/// The programs of the page about dashboards.
#[cfg(all(doctest, feature = "dashboards"))]
#[doc = include_str!("../../docs/dashboards.md")]
struct DashboardsPage;

/// The programs of the page about the crate `tracing`.
#[cfg(all(doctest, feature = "tracing"))]
#[doc = include_str!("../../docs/tracing-crate.md")]
struct TracingCratePage;

// The modules, in the order in which a value passes them.
mod config; // what the environment and the builder say
#[cfg_attr(telemetry_off, path = "off/init.rs")]
mod init; // start and end: the guard of a program
#[cfg(not(telemetry_off))]
mod last_report; // on standard error: at the end, and whenever it is asked for
#[doc(hidden)]
pub mod private; // the one door for generated code

pub mod builtin; // the families that are there by themselves
pub mod catalog; // declarations as documents
#[cfg(not(telemetry_off))]
mod collect; // what is asked at snapshot time
#[cfg(all(feature = "prometheus", not(telemetry_off)))]
mod discovery; // where Prometheus finds the endpoint
#[cfg(all(feature = "__send", not(telemetry_off)))]
mod exit; // the end of a program whose guard is not dropped
pub mod export; // the ways out
#[cfg_attr(telemetry_off, allow(dead_code, reason = "nothing is kept of a run"))]
pub mod history; // what runs took, kept
#[cfg_attr(telemetry_off, allow(dead_code, reason = "nothing is kept of a run"))]
mod host; // the machine
mod metric; // what users declare: instruments, labels, series
mod notice; // our own messages
pub mod objective; // what share is to go well
#[cfg(all(feature = "otlp", not(telemetry_off)))]
mod otlp; // to a collector
#[cfg(feature = "__send")]
mod outbound; // requests, whoever sends them
#[cfg(all(feature = "__send", not(telemetry_off)))]
#[cfg_attr(
    not(any(feature = "push", feature = "otlp")),
    allow(dead_code, unused_mut, reason = "Grafana's client alone pushes nothing")
)]
mod push; // for programs that nobody scrapes
#[cfg_attr(telemetry_off, path = "off/record.rs")]
mod record; // one call, on one thread
#[cfg_attr(telemetry_off, path = "off/registry.rs")]
mod registry; // who knows all
#[cfg(all(feature = "prometheus", not(telemetry_off)))]
mod server;
pub mod snapshot; // the one model // the endpoint

#[cfg(all(feature = "axum", telemetry_off))]
#[path = "off/axum.rs"]
pub mod axum;
#[cfg(all(feature = "axum", not(telemetry_off)))]
pub use server::axum; // the endpoint's pages on a program's own server

#[cfg_attr(telemetry_off, path = "off/alloc.rs")]
pub mod alloc; // the tracking allocator
#[cfg(feature = "comet")]
#[expect(clippy::incompatible_msrv, reason = "the crates that come with this feature need a newer compiler too")]
pub mod comet; // experiments of Comet ML
#[cfg(feature = "dashboards")]
#[expect(clippy::incompatible_msrv, reason = "the crates that come with this feature need a newer compiler too")]
pub mod dashboard; // dashboards and rules, checked
#[cfg(any(feature = "comet", feature = "history", feature = "resume"))]
mod date; // times as people read them
#[cfg(feature = "duckdb")]
pub mod duckdb; // profiled connections
mod error;
#[cfg(feature = "grafana")]
pub mod grafana; // a client of Grafana's API
pub mod job; // backfill jobs
#[cfg(all(feature = "otel", telemetry_off))]
#[path = "off/otel.rs"]
pub mod otel;
mod sync;
pub mod testing; // for users' tests
#[cfg(all(feature = "tokio", telemetry_off))]
#[path = "off/tokio.rs"]
pub mod tokio;
#[cfg(feature = "otel")]
#[cfg_attr(telemetry_off, path = "off/trace.rs")]
pub mod trace; // calls as spans
#[cfg(feature = "tracing")]
#[cfg_attr(telemetry_off, path = "off/tracing.rs")]
pub mod tracing; // living with the crate of that name

#[doc(hidden)]
pub use private as __private;

pub use catalog::program::catalog;
#[cfg(all(feature = "otel", not(telemetry_off)))]
pub use collect::otel;
#[cfg(all(feature = "tokio", not(telemetry_off)))]
pub use collect::tokio;
#[cfg(feature = "push")]
pub use config::push::{Pushgateway, RemoteWrite};
pub use config::{BuildInfo, Builder, Report, builder};
#[cfg(feature = "duckdb")]
pub use duckdb::ProfiledConnection;
pub use error::Error;
pub use export::{Rendered, render};
pub use init::{Telemetry, init};
pub use job::Job;
pub use metric::{
    CatalogError, Clash, Counter, Descriptor, DurationCounter, Gauge, Histogram, Info, Kind, Label, Origin, OtelData,
    PrefixError, Timer,
};
pub use objective::{Objective, objectives};
pub use record::exemplar;
pub use record::{Current, InCurrent, SpanGuard, current, in_current, span};
pub use registry::{Collection, Collector, Registration, Registry, register, registry, snapshot};
pub use snapshot::Snapshot;
#[cfg(feature = "dashboards")]
pub use telemetry_macros::dashboards;
#[cfg(feature = "comet")]
pub use telemetry_macros::experiment;
pub use telemetry_macros::{Label, ProfiledConnection, backfill_job, measure, measured, metric};
