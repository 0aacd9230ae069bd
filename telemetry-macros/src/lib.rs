//! The macros of the `telemetry` crate, which re-exports them. Use that crate.

mod arguments;
mod connection;
#[cfg(feature = "dashboards")]
mod dashboard;
mod diagnostics;
#[cfg(any(feature = "comet", test))]
mod experiment;
mod fallback;
mod job;
mod label;
mod measured;
mod metric;
mod names;
mod objective;
mod supplied;

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
/// declaration := doc-comment [visibility] kind name "(" [ label ":" type ],* ")" [ bounds ] [ "expires" "=" time ] ";"
/// kind        := "counter" | "gauge" | "histogram" | "info"
/// bounds      := "[" bound,* "]" | "[" ".." CONSTANT "]"
/// time        := a number and one of `s`, `m`, `h` in quotes, from one second: "10m"
/// ```
/// - `crate`: the path of this library, where it is not `::telemetry`.
/// - `catalog`: the name of the constant that lists the block's families, `CATALOG` by default; a second block of one module names its own.
/// - The doc comment may be put together by macros: `#[doc = concat!(…)]`, `#[doc = include_str!("…")]`. Its first paragraph is the HELP text.
/// - A name is lower_snake_case ASCII. A counter's ends in `_total`, an info's in `_info`; a histogram's tells its unit: `_seconds`, `_bytes`,
///   `_ratio`, `_celsius`, `_meters`, `_grams`, `_joules`, `_volts`, `_amperes`, or a plural noun for what is counted. Scaled units such as
///   `_ms` are refused, and so are the suffixes that the exposition formats give to samples, and two names that OpenMetrics takes for one.
/// - A name that is a keyword is written `r#type` and scraped as `type`; a label needs no `r#`.
/// - A label's type is `&str`, an integer, `bool`, or an enum with [`#[derive(Label)]`](macro@Label), by value or by reference. `job`,
///   `instance`, `le` and `quantile` are Prometheus' own. Of a value longer than 1,024 bytes the beginning and `…` are kept; such lookups are
///   counted in `telemetry_cut_lookups_total`.
/// - A bound is a number or a constant expression of type `f64`, in which whole numbers may be written as such: `[FIRST, 2 * FIRST, 10]`. All of
///   them may be one constant, an array of `f64` or a `&[f64]`: `[..BOUNDS]`. They ascend and are finite; where only the compiler knows
///   their values, it checks that.
/// - A `cfg` above a declaration decides whether it is there.
/// - A counter that ends in `_seconds_total` takes `add(Duration)`, all others whole numbers.
///
/// ```
/// use telemetry::Label;
///
/// #[derive(Label)]
/// enum Cache { Hit, Miss }
///
/// const FIRST: f64 = 0.001;
///
/// telemetry::metric! {
///     /// Seconds from a lookup to its answer.
///     histogram lookup_duration_seconds(cache: Cache) [FIRST, 2 * FIRST, 0.005, 1];
/// }
///
/// lookup_duration_seconds(Cache::Hit).observe(0.0015);
/// assert_eq!(lookup_duration_seconds::DESCRIPTOR.bounds, [0.001, 0.002, 0.005, 1.0]);
/// let snapshot = telemetry::snapshot();
/// // Both series exist, since there can be no others.
/// assert_eq!(snapshot.family("lookup_duration_seconds").unwrap().series.len(), 2);
/// ```
///
/// # Closed label sets
/// A family all of whose labels are closed (enums and `bool`) has a known number of series: at most 1,000, else it does not compile. Counters
/// and histograms over them exist at zero from the start, so that the first error is an increase; gauges only where they have no label, and
/// infos never. `TELEMETRY_MAX_SERIES` does not apply to them: their size is said in the source. A family with a label that is not closed
/// starts with nothing and is capped.
///
/// # Series that expire
/// A counter or histogram whose labels come and go, as users or sessions do, may be declared with a time: `expires = "10m"`. A series whose value has not
/// changed for that long vanishes from snapshots, and no longer counts against `TELEMETRY_MAX_SERIES`. When it changes again it is back **with its
/// total**: a counter never goes back, and a handle that was kept is still that of its labels, since nobody else gets its cell. A family remembers 16 times
/// as many series as it may show; labels beyond go to the overflow series, so memory stays bounded.
///
/// Nothing is written down when a series is recorded: whether it changed is seen when the process is sampled
/// (`TELEMETRY_SAMPLE_PERIOD`) and at each snapshot, so a series vanishes up to that much later. Gauges cannot expire, since one that is set to the value that it
/// has shows no change.
///
/// ```
/// telemetry::metric! {
///     /// Requests, by user.
///     counter user_requests_total(user: &str) expires = "10m";
/// }
/// user_requests_total("alice").inc();
/// assert_eq!(telemetry::testing::value("user_requests_total", &[("user", "alice")]), Some(1.0));
/// ```
///
/// # What is generated
/// For each declaration a function of its name, which returns the series' handle, and a type of its name with the constant
/// `DESCRIPTOR`; for the block the constant `CATALOG`. A misspelt name is therefore an unresolved name, and a missing or wrongly
/// typed label a type error. All mistakes of a block are told at once, and what is wrong or half written is generated as far as it goes, so
/// that an editor knows the rest of the block while one declaration is being typed.
///
/// # Cost
/// A lookup hashes the label values and takes no lock; an enum costs what an integer does. Handles are `Copy`; kept ones cost a thread-local
/// addition.
#[proc_macro]
pub fn metric(input: TokenStream) -> TokenStream {
    metric::metric(input.into()).into()
}

/// Measures a function: its calls by result, their duration, those in flight and the age of the oldest, busy and self time, CPU time and bytes of
/// I/O, and with the tracking allocator what it allocates.
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
/// - `labels(a, b = expression)`: labels of the calls, on `function_calls_total` and `function_calls_duration_seconds`; all other families
///   stay the function's as a whole. `a` alone is the parameter of that name, an expression sees the parameters that are plain names, and
///   `self`. A value is `&str`, an integer, `bool` or an enum with `#[derive(Label)]`, as in [`metric!`]; it is read where the function is called, before its body runs or its
///   future is polled, and its time is not the call's. A function has as many label sets as a metric has series (2,000 unless set otherwise);
///   the calls of further ones have the label `otel_metric_overflow`.
/// - `span(a, b = expression, %c, d = ?expression)`: values on the span of the call, where calls are spans: a text, a number, `bool`, an `Option` of one; with `%` what
///   `Display` makes of any value, with `?` what `Debug` does. Names may have dots, `http.route = …`. They are read as the first thing in the body, where the span is recorded,
///   and not at all elsewhere.
/// - `ok_if = …`, `error_if = …`: from `&Output` to `bool`, a closure or a path, evaluated at the end of each call within its time. One of
///   the two decides for any output, `Result` or not. Default: what the type says, see below.
/// - `error_type = …`: what an error is called in `function_errors_total`, evaluated for each error: from `&E` where the output is a
///   `Result<T, E>` or holds one, else from `&Output`, to `&'static str`, an integer, `bool` or an enum with `#[derive(Label)]`. A function has up to 100 types, further ones
///   have the label `otel_metric_overflow`. Where `ok_if` or `error_if` refuses an output that holds no error value, the type is `_OTHER`.
/// - `buckets = [0.1, 0.5]`: times in seconds, ascending. `function_calls_within_total` counts the calls that ended as `ok` no later than
///   each: exactly, where the bounds of the histogram are powers of two. Over the calls that ended as `ok` it is the share of fast ones,
///   over all calls the share of good ones.
/// - `objective(success = "99.9%", latency = "250ms", at = "99%", window = "30d")`: what the function promises, of which `telemetry::dashboard::rules`
///   makes alerts. `success` is the share of the calls that end as `ok`, cancelled ones left out, as `"99.9%"` or `"0.999"`; `latency` is a time
///   that calls are counted against as with `buckets`, and `at` the share of the calls that is to be within it, of those that end as `ok` (default 99 %). At
///   least one of `success` and `latency` is given. `window` is over how many days they are to hold, from 7 to 90 (default 30). The program knows them
///   without a call, `telemetry::objectives()`, and the function's series exist at zero from the start. Not with `types`, whose functions nobody knows beforehand.
/// - `count`: calls are counted by their result, and in flight, and not timed. Callers take the time for their own.
/// - `types`: each instantiation of a generic function is a function of its own, `Reader<u8>::next<String>`. Up to 2,000 of them.
/// - `skip`: within an `impl` block, a trait or a module that has the attribute, leaves one function out.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// ```
/// use telemetry::measured;
///
/// #[derive(Debug)]
/// enum Refusal { Busy, Gone }
///
/// impl Refusal {
///     fn kind(&self) -> &'static str {
///         match self { Refusal::Busy => "busy", Refusal::Gone => "gone" }
///     }
/// }
///
/// #[measured(labels(carrier), error_type = Refusal::kind, objective(latency = "1s"))]
/// fn fetch(carrier: &str, page: u32) -> Result<u32, Refusal> {
///     if page > 2 { Err(Refusal::Gone) } else { Ok(page) }
/// }
///
/// #[measured(ok_if = Option::is_some)]
/// fn find(text: &str) -> Option<usize> {
///     text.find('/')
/// }
///
/// fn main() {
///     fetch("LH", 1).unwrap();
///     fetch("LH", 3).unwrap_err();
///     find("a/b").unwrap();
///     let value = |name, labels: &[_]| telemetry::testing::value(name, labels);
///     assert_eq!(value("function_calls_total", &[("function", "fetch"), ("carrier", "LH"), ("result", "error")]), Some(1.0));
///     assert_eq!(value("function_errors_total", &[("function", "fetch"), ("error_type", "gone")]), Some(1.0));
///     assert_eq!(value("function_calls_within_total", &[("function", "fetch"), ("threshold", "1")]), Some(1.0));
///     assert_eq!(value("function_calls_total", &[("function", "find"), ("result", "error")]), Some(0.0));
/// }
/// ```
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
///   runs while the thread unwinds is not told from that. `ok_if`, `error_if` and `error_type` do not go with a `?` there, nor with an
///   `impl Fn`. Where only the trait declares `#[track_caller]`, the method needs it too; `index` and `index_mut` of the standard traits
///   are known.
/// - An `async fn` becomes a function that returns its future, which is 32 bytes larger and keeps no argument twice; documentation shows it as it was
///   written. It stays an `async fn`, with its arguments kept twice, under `#[must_use]`, `#[track_caller]` and attributes that are not of
///   the language, and where it returns `!`.
///
/// # What is recorded
/// A call ends as `ok`, as `error`, as `panic` (it unwound), or as `cancelled` (a future that was dropped after its first poll). A future
/// that is never polled is no call. The time of a future is taken poll by poll, on whatever thread.
///
/// Without being asked, an error is a [`Result`] that is `Err`, and one within what a poll or an iterator returns: `Poll<Result>`,
/// `Poll<Option<Result>>`, `Option<Result>`. A `None` or a `ControlFlow::Break` is as often what was looked for; `ok_if` and
/// `error_if` say so where it is not. What is behind a type parameter or an associated type is `ok` unless they say otherwise, since the
/// attribute sees the type as the function declares it.
///
/// What spawned threads and tasks do is credited to the function where they are handed `telemetry::current()`, or are spawned as
/// `telemetry::in_current(future)`. In a function that is `extern "C"` a panic aborts the process, as it does without the attribute.
///
/// CPU time and bytes of I/O are read at some calls alone, so that no function is slowed down by more than 1 % of its own time
/// (`TELEMETRY_OVERHEAD_BUDGET`: 0 reads nothing, 100 % everything), and shown with their standard error. Memory is what passed through the tracking allocator,
/// hence not what C and C++ code allocates; without it, and where a system does not tell, figures are absent rather than zero.
///
/// `function_oldest_call_age_seconds` is the age of the oldest running call, one that waits at an `.await` included: exact for what is on
/// a thread, to the second for what waits.
///
/// # Cost
/// One static and one call on each side: two readings of the clock and a few thread-local additions, see `benches/RESULTS.md`. Labels and
/// `types` add a lookup that hashes the values and takes no lock, `buckets` and `objective` an addition; `count` reads no clock.
#[proc_macro_attribute]
pub fn measured(args: TokenStream, item: TokenStream) -> TokenStream {
    measured::measured(args.into(), item.into()).into()
}

/// Measures a block, a closure or an `async` block under a name.
///
/// The macro cannot be called `measured!`: a crate exports one macro of a name, and that is the attribute [`macro@measured`].
///
/// ```
/// use telemetry::measure;
///
/// fn total(lines: &[&str]) -> Result<u32, std::num::ParseIntError> {
///     let mut sum = 0;
///     for line in lines {
///         sum += measure!("parse a line", line.trim().parse::<u32>()?);
///     }
///     Ok(sum)
/// }
///
/// total(&["1", " 2 ", "three"]).unwrap_err();
/// let calls = |result| telemetry::testing::value("function_calls_total", &[("function", "parse a line"), ("result", result)]);
/// assert_eq!((calls("ok"), calls("error")), (Some(2.0), Some(1.0)));
/// ```
///
/// # Grammar
/// ```text
/// measure!( [ "crate" "=" path ";" ] "name" "," expression )
/// ```
/// - The name is the value of the label `function`; `module` is the one that the macro stands in. For a name that is known at run time
///   alone there is `telemetry::span`.
/// - Given a closure literal, `async` or not, it is that closure with each of its calls measured:
///   `lines.iter().map(measure!("parse", |line| line.parse::<u32>()))`.
/// - Given an `async` block, or a closure whose body is one, the future is measured, poll by poll. Another block does not `.await`.
/// - Anything else is measured where it stands, and its value is the macro's.
///
/// # What is recorded
/// The same as of a function. A value that is a `Result` tells how the block ended, as with [`macro@measured`].
///
/// A block may be left early: `return`, `?`, `break` and `continue` mean what they meant. Left by `?` on an `Err` or by `return Err(…)` it
/// ends as `error`, left by another way as `ok`; so it does where a macro hides the `return`. (In a closure, `return` is an end like the other.)
/// What the last expression borrows ends with the block, as it does in `{ … }` since edition 2024.
///
/// # Cost
/// That of a measured call.
#[proc_macro]
pub fn measure(input: TokenStream) -> TokenStream {
    measured::block::measure(input.into()).into()
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
/// - `deadline = "6h"`: how long after its start the job is to have ended. Nothing is done to one that has not: it shows as `backfill_deadline_timestamp_seconds`,
///   which an alert compares with the time that is left. Default: none.
/// - `objective(success = "99.9%", of = "units", window = "30d")`: the share of the units that does not fail and is not dead-lettered, skipped ones left out, of
///   which `telemetry::dashboard::rules` makes alerts. With `of = "records"` of the records that are counted besides. A time for each run is `deadline`, or
///   `#[measured(objective(latency = "6h"))]` above the function. Default: none.
/// - `state = …`: what the next run goes on from, with the feature `resume`: a path, a `telemetry::job::State`, or a connection to DuckDB; an expression over the
///   parameters. It is opened before the body, so the function returns a `Result`, whose error is made from a `telemetry::job::StateError`. Default: none.
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

/// Runs a function as an experiment of Comet ML: starts the run, logs its parameters, what it returns and how it ended, and ends the run. Needs the feature
/// `comet`.
///
/// Goes on free functions, methods and associated functions, `async` or not, above or below `#[measured]` and `#[backfill_job]`. A parameter that is written
/// `&Experiment` (a path that ends in `Experiment`) is supplied by the attribute, so callers do not pass it; a function need not have one.
///
/// ```ignore
/// use telemetry::comet::Experiment;
/// use telemetry::{experiment, measured};
///
/// #[experiment(project = "flights", tags = ["rust", "batch"], params(batch_size, threshold = cutoff * 2.0, model = model.name()))]
/// #[measured]
/// fn classify(experiment: &Experiment, batch_size: usize, cutoff: f64, model: &Model) -> Result<f64, Error> {
///     for (step, batch) in batches(batch_size)?.enumerate() {
///         experiment.log_metric("loss", model.loss(batch?, cutoff)?);
///     }
///     Ok(model.accuracy())
/// }
///
/// let accuracy = classify(32, 0.5, &model)?;
/// ```
///
/// # Arguments
/// - `project = …`, `name = …`, `workspace = …`: where the run belongs, and what it is called: a text, or an expression over the parameters that gives one.
///   Default: what the settings of Comet say (`COMET_PROJECT_NAME`, `COMET_WORKSPACE`, …).
/// - `tags = […]`: texts, likewise.
/// - `params(a, b = expression)`: what is logged as the run's parameters. `a` alone is the function's parameter of that name, an expression sees the
///   parameters and `self`. Anything that implements `serde::Serialize`; the fields of a structure are parameters of their own. Values are borrowed, and read
///   before the body runs.
/// - `every = "10s"`: how often what `#[measured]` and `metric!` record is logged as metrics, as a number and one of `ms`, `s`, `m`, `h`. `"off"`: never.
///   Default: 10 s.
/// - `experiment = …`: the parameter that is supplied, where its type does not tell: another name of `Experiment`, or two parameters of that type.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// # What is logged
/// - At the start the parameters, and the time as `start_time` among the run's other values, as RFC 3339 has it, in UTC.
/// - Then what the body logs by itself.
/// - At the end the return value, where its type implements `telemetry::comet::LogTo`, also within a `Result` or an `Option`: a number is the metric `result`,
///   a map of numbers a metric each. A type that does not implement it is not logged, and nothing is asked of it.
/// - Then the metric `duration_seconds`, `end_time`, and `result`: `ok`, `error` (a `Result` that is `Err`), `panic` (it unwound) or `cancelled` (its future was
///   dropped after the first poll), as `#[measured]` tells them. A run that ended as `error` has failed with what the error's `Display` says, else its
///   `Debug`, else with `the function returned an error`; one that panicked with the panic's message; one that was cancelled was aborted.
///
/// A panic is caught to be read and goes on as it was: its payload is the same, and the panic hook runs once. In a program that aborts on panic there is
/// nothing to catch.
///
/// Settings that cannot be read are told once on standard error, and the function runs without a run, as it does where nothing is reachable: no failure of
/// Comet's is one of the function's. With `--cfg telemetry_off` it runs with an experiment that keeps nothing.
///
/// # Cost
/// The run ends when the function does, and the function returns when all is delivered, or at the experiment's deadline. A future does not block its
/// executor: a thread waits for the delivery, and the future for the thread. What an `async fn` returns is kept during that, so that its future is `Send` only
/// where its output is. A future that is dropped, or panics, waits for nothing: a thread delivers what is left.
#[cfg(feature = "comet")]
#[proc_macro_attribute]
pub fn experiment(args: TokenStream, item: TokenStream) -> TokenStream {
    experiment::experiment(args.into(), item.into()).into()
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
/// - `slow = "250ms"`: a statement that takes longer is told with its plan, as an event of `tracing` where somebody listens, else on standard error. Default: none is slow.
/// - `profile = false`: DuckDB's own profile is neither made nor read; time, rows and results stay. Default: `true`, as far as the overhead budget allows.
/// - `literals = true`: slow statements are told with their text as it was run. Default: `false`, literals are replaced.
/// - `progress = true`: DuckDB tracks how far a running statement is. Default: `false`.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// # What is generated
/// An implementation of the trait with the arguments as a constant and two functions that return the field.
#[proc_macro_derive(ProfiledConnection, attributes(profiled_connection))]
pub fn profiled_connection(input: TokenStream) -> TokenStream {
    connection::derive(input.into()).into()
}

/// Checks Grafana dashboards and Prometheus rules against the declared metrics when compiling.
///
/// What asks for a series that no declared family gives, for a label that the family does not have, for the `rate` of a gauge, or what is no
/// PromQL, does not compile; the message names file, panel or rule, the query, and what to write. Needs the feature `dashboards`.
///
/// ```ignore
/// telemetry::dashboards! {
///     files = "dashboards/*.json",
///     rules = "dashboards/rules/*.yml",
///     catalogs = [crate::metrics::CATALOG, telemetry::builtin::CATALOG],
///     foreign = ["node_", "up"],
/// }
/// ```
///
/// # Arguments
/// - `files = "…"`: dashboards, as a glob relative to the folder of the package's `Cargo.toml`, or several in brackets.
/// - `rules = "…"`: files of alerting and recording rules, likewise. At least one of the two is given.
/// - `catalogs = […]`: constants of type `&[Descriptor]`: the families that may be read.
///   They have the declared names: what `prefix_crate` renames is known when the program runs, so leave that crate's catalog out, allow its
///   prefix as `foreign`, and call `telemetry::dashboard::check` with `telemetry::catalog()` in a test that has called `init`.
/// - `foreign = […]`: beginnings of the names of series that other exporters give. Default: none.
/// - `target_labels = […]`: the labels that the server adds to every target. Default: `["job", "instance"]`.
/// - `function_labels = […]`: the labels that functions are measured with. Default: none.
/// - `root = "…"`: the folder that the globs begin in, relative to the package's, such as `".."`. Default: the package's.
/// - `test = false`: leaves no test behind. Default: `true`.
/// - `crate = path`: the path of this library, where it is not `::telemetry`.
///
/// # What is generated
/// A constant for each thing that is asked, evaluated when compiling and gone after that, and a test named after the macro's line, which
/// calls `telemetry::dashboard::check` on the same files. The compiler sees changes of the files that it has read; a new file is seen by that
/// test, and by the next compilation. The test prints, as notes, the families that no file reads.
///
/// In the body of a function the harness finds no tests, and the compiler says so: write `test = false` there.
///
/// # Cost
/// Reading the files, and some 0.2 ms for each thing that is asked. Nothing at run time.
#[cfg(feature = "dashboards")]
#[proc_macro]
pub fn dashboards(input: TokenStream) -> TokenStream {
    #[expect(clippy::incompatible_msrv, reason = "the crates that come with this feature need a newer compiler too")]
    let line = proc_macro::Span::call_site().line();
    dashboard::dashboards(input.into(), line).into()
}

/// Makes an enum the type of a label: each variant is a value, and there are no others.
///
/// A label of such a type is closed: [`metric!`] knows its values when compiling, and counters and histograms all of whose labels are closed
/// exist at zero from the start. A value that is not meant does not compile.
///
/// ```
/// use telemetry::{Label, metric};
///
/// #[derive(Label)]
/// #[label(rename_all = "kebab-case")]
/// enum Outcome {
///     Found,
///     NotFound,
///     #[label(rename = "429")]
///     RateLimited,
/// }
///
/// metric! {
///     /// Lookups, by outcome.
///     counter lookups_total(outcome: &Outcome);
/// }
///
/// lookups_total(&Outcome::NotFound).inc();
/// assert_eq!(Outcome::VALUES, ["found", "not-found", "429"]);
/// assert_eq!(Outcome::RateLimited.as_str(), "429");
/// assert_eq!(telemetry::testing::value("lookups_total", &[("outcome", "not-found")]), Some(1.0));
/// assert_eq!(telemetry::testing::value("lookups_total", &[("outcome", "429")]), Some(0.0));
/// ```
///
/// # Grammar
/// ```text
/// on the enum  := "#[label(" [ "rename_all" "=" rule ] "," [ "crate" "=" path ] ")]"
/// on a variant := "#[label(rename" "=" text ")]"
/// rule         := "lowercase" | "UPPERCASE" | "PascalCase" | "camelCase" | "snake_case"
///               | "SCREAMING_SNAKE_CASE" | "kebab-case" | "SCREAMING-KEBAB-CASE"      in quotes
/// ```
/// - `rename_all`: how a variant's name becomes its value, by serde's rules. Default: `snake_case`.
/// - `rename`: the value of this variant. Default: its name by the enum's rule.
/// - `crate`: the path of this library, where it is not `::telemetry`.
///
/// The enum has at least one variant, no fields and no parameters; values are not empty, at most 1,024 bytes long, and no two are equal. A
/// `cfg` on a variant decides whether the value is there. Nothing else is asked of it: it need not be `Copy`, and a label's type may
/// be `&Outcome`.
///
/// # What is generated
/// An implementation of the trait `Label`, with the constant `VALUES` and the method `as_str`, and one that lets `metric!` take it.
///
/// # Cost
/// In a lookup that of an integer: values are hashed and compared by the variant's number.
#[proc_macro_derive(Label, attributes(label))]
pub fn label(input: TokenStream) -> TokenStream {
    label::derive(input.into()).into()
}
