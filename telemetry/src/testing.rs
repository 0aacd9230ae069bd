//! For users' tests: what was recorded, without a server.
//!
//! Tests of one binary run at the same time, in one process, hence in one registry. [`isolated`] gives a test one of its own:
//!
//! ```
//! use telemetry::testing::{isolated, value};
//! telemetry::metric! { /** Rows that were sorted. */ counter rows_sorted_total(table: &str); }
//!
//! #[telemetry::measured(name = "sort")]
//! fn sort(table: &str) {
//!     rows_sorted_total(table).add(7);
//! }
//!
//! sort("flights"); // another test
//! isolated(|| {
//!     assert_eq!(value("rows_sorted_total", &[("table", "flights")]), None);
//!     sort("flights");
//!     assert_eq!(value("rows_sorted_total", &[("table", "flights")]), Some(7.0));
//!     assert_eq!(value("function_calls_total", &[("function", "sort"), ("result", "ok")]), Some(1.0));
//! });
//! assert_eq!(value("function_calls_total", &[("function", "sort"), ("result", "ok")]), Some(1.0));
//! ```

use crate::record::isolated::Scope;
use crate::registry;
use crate::snapshot::Snapshot;

/// The state of the program at this moment, or of the test within [`isolated`].
#[must_use]
pub fn snapshot() -> Snapshot {
    registry::snapshot()
}

/// The value of one series as one number (a total, a gauge's value, a histogram's count), or `None` where it does not exist.
/// Reading does not create it.
///
/// ```
/// telemetry::metric! { /** Rows tested. */ counter rows_tested_total(table: &str); }
/// let value = || telemetry::testing::value("rows_tested_total", &[("table", "flights")]);
/// assert_eq!(value(), None);
/// rows_tested_total("flights").inc();
/// assert_eq!(value(), Some(1.0));
/// ```
#[must_use]
pub fn value(name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    registry::snapshot().series(name, labels).map(|series| series.value.as_f64())
}

/// Runs a test with a registry of its own, as if nothing else had run, and nothing ran beside it.
///
/// Measured functions, the instruments of [`metric!`](crate::metric!) and jobs record there, and [`snapshot`], [`value`], a handle's `get()`,
/// [`registry()`](fn@crate::registry) and [`register`](fn@crate::register) see and mean that alone. What is recorded there is nowhere else, now or
/// later. A panic passes through. Within another one it is apart from that too.
///
/// It goes with the calling thread. Threads and tasks that are started in there take part where they are handed [`current()`](fn@crate::current), as
/// they do to be credited to a function; others record for the program:
///
/// ```
/// use telemetry::testing::{isolated, value};
/// telemetry::metric! { /** Pages that were read. */ counter pages_read_total(); }
///
/// isolated(|| {
///     let current = telemetry::current();
///     std::thread::scope(|scope| {
///         scope.spawn(move || current.scope(|| pages_read_total().inc()));
///         scope.spawn(|| pages_read_total().inc()); // not this test's
///     });
///     assert_eq!(value("pages_read_total", &[]), Some(1.0));
/// });
/// ```
///
/// A test of async code starts its runtime in there: `isolated(|| runtime.block_on(async { … }))`; what runs on other workers is spawned as
/// `tokio::spawn(telemetry::in_current(future))`.
///
/// # What is not isolated
/// What is the process's: `process_*`, what [`init`](fn@crate::init) starts, most of `telemetry_*`, DuckDB's statements as a list (their counters are),
/// the most series that a family may hold, the overhead budget. A function that runs already when this begins goes on outside. To the rest of
/// the program a label set that was new here exists at zero afterwards.
///
/// # Cost
/// Some microseconds, and some KiB of what was recorded that are never freed: for tests. The recording of calls, counters and histograms costs
/// what it did; lookups and gauges look at a flag.
pub fn isolated<R>(test: impl FnOnce() -> R) -> R {
    let _isolated = Scope::leak().enter();
    test()
}
