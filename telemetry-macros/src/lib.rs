//! The macros of the `telemetry` crate, which re-exports them. Use that crate.

mod arguments;
mod connection;
mod diagnostics;
mod fallback;
mod job;
mod measured;
mod metric;
mod names;

use proc_macro::TokenStream;

/// Declares metrics: name, kind, labels, help and bounds, each checked when compiling.
///
/// A declaration is a kind, the name as it will be scraped, its labels as typed parameters, and for a histogram its bucket bounds.
/// The doc comment is the HELP text (its first paragraph) and is required.
///
/// ```
/// telemetry::metric! {
///     /// Requests sent to the source, by resource and response code.
///     pub counter source_requests_total(resource: &str, code: u16);
///     /// Seconds from a request to its response.
///     pub histogram source_request_duration_seconds(resource: &str) [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
///     /// Records that wait to be written.
///     pub gauge write_queue_records();
/// }
///
/// source_requests_total("flights", 200).inc();
/// source_request_duration_seconds("flights").observe(0.07);
/// write_queue_records().set(12.0);
/// assert_eq!(source_requests_total("flights", 200).get(), 1);
/// ```
///
/// # Grammar
/// ```text
/// block       := [ "crate" "=" path ";" ] [ "catalog" "=" NAME ";" ] declaration*
/// declaration := doc-comment [visibility] kind name "(" [ label ":" type ],* ")" [ "[" bound,* "]" ] ";"
/// kind        := "counter" | "gauge" | "histogram" | "info"
/// ```
/// - `crate`: the path of this library, where it is not `::telemetry`.
/// - `catalog`: the name of the constant that lists the block's families, `CATALOG` by default; a second block of one module names its own.
/// - A counter's name ends in `_total`, an info's in `_info`; a histogram's tells its unit: `_seconds`, `_bytes`, `_ratio`,
///   `_celsius`, `_meters`, `_grams`, `_joules`, `_volts`, `_amperes`, or a plural noun for what is counted.
/// - A label's value is `&str`, an integer or `bool`. A `cfg` above a declaration decides whether it is there.
/// - A counter that ends in `_seconds_total` takes `add(Duration)`, all others whole numbers.
///
/// # What is generated
/// For each declaration a function of its name, which returns the series' handle, and a type of its name with the constant
/// `DESCRIPTOR`; for the block the constant `CATALOG`. A misspelt name is therefore an unresolved name, and a missing or wrongly
/// typed label a type error.
///
/// # Cost
/// A lookup hashes the label values and takes no lock. Handles are `Copy`; kept ones cost a thread-local addition.
#[proc_macro]
pub fn metric(input: TokenStream) -> TokenStream {
    metric::metric(input.into()).into()
}

/// Measures a function: its calls by result, their duration, those in flight, and with the tracking allocator
///
/// Goes on free functions, methods, associated functions and default methods, `async` or not, and on an `impl` block, a trait or an inline
/// module, whose functions it measures each.
///
/// ```
/// use telemetry::measured;
///
/// #[measured]
/// fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// fn main() {
///     parse("7").unwrap();
///     parse("seven").unwrap_err();
///     let calls = |result| telemetry::testing::value("function_calls_total", &[("function", "parse"), ("result", result)]);
///     assert_eq!((calls("ok"), calls("error")), (Some(1.0), Some(1.0)));
/// }
/// ```
///
/// # Arguments
/// - `name = "…"`: the value of the label `function`. Default: the function's path within its module, such as `Reader::next`.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// - `skip`: within an `impl` block, a trait or a module that has the attribute, leaves one function out.
///
/// # On what
/// - Any function with a body. A `const fn` cannot be measured, since it may run in the compiler, nor can a naked or a variadic function.
/// - An `impl` block, a trait, an inline module: each function in it, in inner modules and blocks too, as if the attribute stood on it, with the
///   same words but `name`. Left out are what has `#[measured(skip)]`, what has a `#[measured]` of its own, `const fn` and what macros make.
/// - Above or below other attributes: `#[tokio::main]`, `#[test]`, `#[async_trait]` (its methods are measured as futures).
/// - A function that returns a future is measured as that future: `impl Future`, `Pin<Box<dyn Future>>`, `BoxFuture`. What its body does before
///   it returns the future is not part of it. A body that is not one `async` block or `Box::pin` of one costs a box more where it is boxed.
/// - What is not written as a future, such as a stream, an iterator or a future's own type, is made by the call, which is what is measured.
/// - With `#[track_caller]` the body stays where it is, so that its caller stays its caller, as it does where `impl Fn` is returned. Then a `return` that a
///   macro hides counts as what `?` does: as an error where the declared type is a `Result`, else as `ok`; and what panics in a destructor that
///   runs while the thread unwinds is not told from that. Where only the trait declares `#[track_caller]`, the method needs it too; `index` and
///   `index_mut` of the standard traits are known.
/// - An `async fn` becomes a function that returns its future, which is 32 bytes larger and keeps no argument twice; documentation shows it as it was
///   written. It stays an `async fn`, with its arguments kept twice, under `#[must_use]`, `#[track_caller]` and attributes that are not of
///   the language, and where it returns `!`.
///
/// # What is recorded
/// A call ends as `ok`, as `error` (a [`Result`] that is `Err`), as `panic` (it unwound), or as `cancelled` (a future that was dropped
/// after its first poll). A future that is never polled is no call. What is behind a type parameter or an associated type is `ok`
/// whatever it is, since the attribute sees the type as the function declares it. The time of a future is taken poll by poll, on whatever thread.
///
/// # Cost
/// One static and one call on each side: two readings of the clock and a few thread-local additions, see `benches/RESULTS.md`.
#[proc_macro_attribute]
pub fn measured(args: TokenStream, item: TokenStream) -> TokenStream {
    measured::measured(args.into(), item.into()).into()
}

/// Makes a function a backfill job: supplies its `Job`, and records each run with its progress and its end.
///
/// One parameter of the function is written `&Job` (a path that ends in `Job`). The attribute supplies it, so callers do not pass it.
/// Goes on free functions, methods and associated functions, `async` or not, above or below `#[measured]`.
///
/// ```
/// use telemetry::{Job, backfill_job};
///
/// #[backfill_job(name = "flights", total = days.len(), unit = "days")]
/// fn backfill(job: &Job, days: &[u32]) -> Result<u32, std::num::TryFromIntError> {
///     let mut flights = 0;
///     for day in days {
///         flights += day;
///         job.records(u64::from(*day)); // besides the unit
///         job.advance(1);
///     }
///     Ok(flights)
/// }
///
/// assert_eq!(backfill(&[842, 943]), Ok(1785));
/// let value = |name, status| telemetry::testing::value(name, &[("job_name", "flights"), ("status", status)]);
/// assert_eq!(value("backfill_units_total", "processed"), Some(2.0));
/// assert_eq!(value("backfill_records_total", "processed"), Some(1785.0));
/// assert_eq!(value("backfill_units_total", "failed"), Some(0.0));
/// ```
///
/// # Arguments
/// - `name = "…"`: the value of the label `job_name`. Default: the function's name.
/// - `total = …`: how many units there are, an expression over the parameters: any integer, or an `Option` of one. It is evaluated as
///   the first thing in the body. Default: not known; `Job::set_total` tells it later.
/// - `unit = "…"`: what is counted, in the plural. Default: `records`.
/// - `stalled_after = "5m"`: after how long without progress the job counts as stalled, as a number and one of `ms`, `s`, `m`, `h`.
///   Default: five times its longest pause so far, at least a minute.
/// - `job = …`: the parameter that is supplied, where its type does not tell: another name of `Job`, or two parameters of that type.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// # What is recorded
/// A run ends as `ok`, as `error` (a [`Result`] that is `Err`), as `panic` (it unwound), as `cancelled` (its future was dropped after
/// the first poll) or as `interrupted` (SIGINT or SIGTERM asked it to stop). See the module `telemetry::job`.
///
/// # Cost
/// Some microseconds a run, and one thread for all jobs while any runs; counting a unit is two additions.
#[proc_macro_attribute]
pub fn backfill_job(args: TokenStream, item: TokenStream) -> TokenStream {
    job::backfill_job(args.into(), item.into()).into()
}

/// Implements the trait `ProfiledConnection` for a struct that holds a `telemetry::duckdb::Connection`.
///
/// ```ignore
/// use telemetry::ProfiledConnection;
///
/// #[derive(ProfiledConnection)]
/// struct Warehouse {
///     #[profiled_connection(name = "warehouse", slow = "250ms")]
///     conn: telemetry::duckdb::Connection,
/// }
///
/// let warehouse = Warehouse { conn: telemetry::duckdb::Connection::open("flights.duckdb")? };
/// warehouse.execute("create table if not exists flights (day date, carrier varchar)", [])?;
/// for statement in warehouse.statements() {
///     println!("{} {} {:.3} s", statement.label, statement.calls, statement.total_seconds);
/// }
/// ```
///
/// # Arguments
/// They stand in `#[profiled_connection(…)]` on the field that holds the connection; where a struct has one field, the attribute may be
/// left out.
/// - `name = "…"`: the value of the label `database`. Default: the stem of the database's file, or `memory`.
/// - `slow = "250ms"`: a statement that takes longer writes a line with its plan on standard error. Default: none is slow.
/// - `profile = false`: DuckDB's own profile is neither made nor read; time, rows and results stay. Default: `true`.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// # What is generated
/// An implementation of the trait with the arguments as a constant and two functions that return the field.
#[proc_macro_derive(ProfiledConnection, attributes(profiled_connection))]
pub fn profiled_connection(input: TokenStream) -> TokenStream {
    connection::derive(input.into()).into()
}
