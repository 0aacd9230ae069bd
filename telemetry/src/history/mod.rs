//! The history of runs: what each run of a program took, kept in one file, and whether today's is worse than yesterday's.
//!
//! With `TELEMETRY_HISTORY=runs.jsonl`, or [`Builder::history`](crate::Builder::history), a program adds a summary of its run when it ends: when, how long,
//! how it ended, which commit, and of each function, job and statement what they took and how their durations were distributed. A file that ends in
//! `.duckdb` or `.db` is a DuckDB database, with the feature `duckdb`; any other has a line of JSON for each run. The newest 10,000 runs are kept
//! (`TELEMETRY_HISTORY_MAX_RUNS`).
//!
//! One program writes at a time; another one waits for up to 5 s, and then leaves its run beside the file (`<file>.pending.jsonl`), from where the next one
//! takes it in. A program that is killed while it writes leaves the file as it was, or with its run.
//!
//! `telemetry history` shows the file, `telemetry compare` compares runs; `docs/history.md` has the tables and the statistic.

#[cfg(feature = "history")]
pub mod compare; // of runs with runs
#[cfg(feature = "duckdb")]
mod database; // runs in tables
mod error;
pub(crate) mod git; // which commit it is
mod lines; // a run a line
#[cfg(feature = "history")]
mod read; // a run from its line
mod run; // what is kept of a run
#[cfg(feature = "history")]
mod show; // runs and comparisons, for people
#[cfg(feature = "history")]
mod statistic; // for comparisons
mod write; // a run at the end of its file

#[cfg(feature = "history")]
mod open; // a file of runs
#[cfg(all(test, feature = "history", not(telemetry_off)))]
mod tests;

pub use error::HistoryError;
#[cfg(feature = "history")]
pub use open::History;
pub(crate) use run::Ended;
pub use run::{FunctionRun, JobRun, Run, RunHead, Sketch, StatementRun};
#[cfg(feature = "history")]
pub use show::{Form, list};
pub(crate) use write::{DEFAULT_MAX_RUNS, Place, Settings};
