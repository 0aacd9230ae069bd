//! The main example: brings a year of flights from an API into DuckDB, and shows what that took.
//!
//! | file         | subject                                                        |
//! |--------------|----------------------------------------------------------------|
//! | `options.rs` | the command line                                               |
//! | `job.rs`     | the backfill job: state, workers, queue, writer                |
//! | `client.rs`  | the source: pages, retries, a limit of our own                 |
//! | `model.rs`   | what became of a flight, and whether that could be foretold    |
//! | `store.rs`   | the DuckDB file through a profiled connection                  |
//! | `summary.rs` | what was learned                                               |
//! | `experiment.rs` | the same as a run of Comet ML                               |
//!
//! The source is part of the library beside it (`telemetry_examples::source`); a job of your own has an address instead.

mod client;
mod experiment;
mod job;
mod model;
mod options;
mod store;
mod summary;

use clap::Parser;
use client::Client;
use options::Options;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use store::Warehouse;
use telemetry::ProfiledConnection;
use telemetry::duckdb::Background;
use telemetry_examples::source::Source;
use tokio::task::spawn_blocking;

// Counts what each measured function allocates.
#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What a shell says of a program that was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    // Not `process::exit`: the report is printed when telemetry's guard is dropped, at the end of `run`.
    run(&Options::parse()).await.unwrap_or_else(|error| {
        say(format_args!("{error}"));
        ExitCode::FAILURE
    })
}

/// Success only if all rows of the days asked for are in the database.
async fn run(options: &Options) -> Result<ExitCode, AnyError> {
    let telemetry = telemetry::init()?;
    let (path, settings) = (options.database.clone(), options.source());
    let (warehouse, source) =
        spawn_blocking(move || Ok::<_, AnyError>((Warehouse::open(&path)?, Source::start(settings)?))).await??;
    let metrics = telemetry.address().map_or("nowhere".into(), |address| format!("at http://{address}/metrics"));
    say(format_args!("the source is at {}, the metrics are {metrics}", source.url()));

    // On a thread of its own: DuckDB's calls block, and would keep a worker of the runtime from everything else.
    let warehouse = Arc::new(warehouse.background()?);
    let client = Client::new(source.url(), options.limit())?.bearing(options.patience);
    let result = job::backfill(client, &warehouse, &options.days(), options.concurrency).await;
    // The job has given the signals back: from here on they end the holding, and do not cut off what is said at the end.
    let stop = stop()?;
    let is_whole = tell(options, &warehouse).await?;
    let status = match result {
        Ok(()) if is_whole => ExitCode::SUCCESS,
        Ok(()) => {
            say(format_args!("stopped before the end; the next run fetches the rest"));
            return Ok(INTERRUPTED.into());
        }
        Err(error) => {
            say(format_args!("{error}"));
            ExitCode::FAILURE
        }
    };
    if options.hold {
        // The database stays open, since its metrics are asked of it.
        say(format_args!("holding; Ctrl-C ends it"));
        stop.await;
    }
    Ok(status)
}

/// Writes to standard output what is in the database; says whether all days asked for are.
async fn tell(options: &Options, warehouse: &Background<Warehouse>) -> Result<bool, AnyError> {
    let days = options.days();
    let count = days.len();
    let ask = move |warehouse: &mut Warehouse| {
        let (whole, summary) = (warehouse.flights_by_day()?, summary::summary(warehouse)?);
        experiment::classification(warehouse, count)?;
        Ok::<_, store::Error>((whole, summary))
    };
    let (whole, summary) = warehouse.run(ask).await?;
    let there = days.iter().filter(|day| whole.contains_key(day)).count();
    let text = format!("{there} of {} days are whole in {}\n{summary}", days.len(), options.database.display());
    // Whoever reads it may have seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(there == days.len())
}

/// Takes SIGINT, and SIGTERM where there is such a thing, from now on; what it returns waits for one.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where it cannot be waited for, the program ends at once.
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Standard error may be closed, which is no reason to fail.
fn say(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "backfill: {message}");
}
