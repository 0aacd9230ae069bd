//! DuckDB, with every statement accounted for: how often it ran, how long, how it ended, its rows, and DuckDB's own profile.
//!
//! [`Connection`] takes the place of `duckdb::Connection`; calls stay as they are, and each statement is run once.
//!
//! ```no_run
//! use telemetry::duckdb::Connection;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = Connection::open("flights.duckdb")?.with_name("warehouse");
//! connection.execute_batch("create table flights (carrier varchar, delay integer); insert into flights values ('UA', 11)")?;
//! let late: i64 = connection.query_row("select count(*) from flights where delay > ?", [10], |row| row.get(0))?;
//! let statement = &connection.statements()[0];
//! println!("{}: {} calls, {:.3} s\n{:?}", statement.label, statement.calls, statement.total_seconds, statement.last_plan);
//! # Ok(())
//! # }
//! ```
//!
//! # What is one statement
//! Statements that differ in literals, parameters, comments, case and space alone are one. Its text is shown with `?` for every
//! literal and list of them; the metrics' label `statement` is its operation, its main table and a short hash,
//! `select_flights_3fa9c1`. Literals never leave the process. The 500 statements that ran last are kept for the report.
//!
//! # What is recorded
//! The time that DuckDB had the statement, planning included where it was planned for this run; rows that came back or were changed;
//! `ok`, `error`, or `cancelled` for what was interrupted and for streams dropped before their end. From DuckDB's profile, where
//! there is one: rows scanned, memory, temporary space, bytes read and written, planning, waiting, and time and rows by operator. What is not known is absent, never
//! zero. Errors are counted by DuckDB's own class of them, `duckdb_query_errors_total`. [`Connection::statements`] has all of it by statement, with least, most,
//! deviation and quantiles of their times.
//!
//! Time of operators is added up over DuckDB's threads, and is no CPU time (DuckDB 2.0 calls that sum `cpu_time`): on a machine that is busy it is far above what the system
//! charged.
//!
//! # Spans
//! With the feature `otel` and a tracer, a statement is a client's span by OpenTelemetry's conventions for databases: `SELECT flights`, with `db.system.name`, `db.namespace` (the
//! connection's name), `db.operation.name`, `db.collection.name`, `db.query.summary`, `db.query.text` (without literals), `db.response.returned_rows` and `error.type`.
//! Texts that do not parse are one statement, `unparsed`: no word in them is known not to be a literal.
//!
//! # In SQL
//! In a database that was opened through [`Connection`], `telemetry_statements()` is a table of the same figures, of all databases of the program, with a column for each field: `select statement, calls, total_seconds from
//! telemetry_statements() order by total_seconds desc`. What is not known is `NULL`.
//!
//! # Slow statements
//! With [`Settings::slow`] what takes longer is told, with the plan as a tree with time and rows by operator: as an event of `tracing` where somebody listens, else on standard error. The last 20 are in the
//! snapshot.
//!
//! # Progress
//! With [`Settings::progress`], `duckdb_query_progress_ratio` says how far a running statement is, and the bar of the job that runs it shows it. DuckDB can tell of some plans only; of others there is nothing, rather than zero.
//!
//! # Pools
//! With the feature `r2d2`, `ConnectionManager` gives a pool its connections.
//!
//! # Asynchronous code
//! DuckDB's calls block. [`Connection::background`] puts a connection on a thread of its own, where `connection.run(|connection| …).await` has work done; dropped, that future interrupts
//! the engine.
//!
//! # What it costs
//! Time, rows and results are recorded of every run. A profile takes 0.2 to 0.5 ms, to be made and to be read: nothing beside a large join, much beside a point lookup. So it is taken of as many runs as
//! the overhead budget pays for (half of `TELEMETRY_OVERHEAD_BUDGET`, which is 1 % of the statements' time): of all that think long about their rows, of some of the fast scans and short ones, a row of them at a time, since switching DuckDB's profiles costs
//! a statement, too. What it is like on your machine is measured as it is done. A profile then stands for the runs since the one before it, so that sums are estimates where not all were profiled;
//! `duckdb_query_profiles_total` by `duckdb_queries_total` is the share of runs that were. In a transaction nothing is switched, and nothing after [`Connection::inner`] was asked for. Switch profiles
//! off with [`Connection::with_profile`] or `profile = false`; a budget of `100%` takes all. A batch is parsed once more before its statements are run one by
//! one. Size, memory and tables of the databases are asked at each snapshot, over a connection of our own.

mod appender;
mod arrow;
mod background;
mod connection;
mod database;
mod errors;
mod fingerprint;
mod function;
#[cfg(all(test, not(telemetry_off)))]
mod fuzz;
mod lexer;
#[cfg(feature = "r2d2")]
mod pool;
mod profile;
mod profiled;
mod progress;
mod sampling;
mod settings;
mod slow;
mod split;
mod statement;
mod statements;
mod table;
mod times;
mod transaction;

pub use appender::Appender;
pub use arrow::{Arrow, ArrowStream};
pub use background::{Background, Running};
pub use connection::Connection;
#[cfg(feature = "r2d2")]
pub use pool::ConnectionManager;
pub use profiled::{ProfiledConnection, Wraps};
pub use settings::Settings;
pub use statement::{AndThenRows, CachedStatement, MappedRows, Rows, Statement};
pub use statements::Statements;
pub use transaction::Transaction;
