//! The job: so many workers fetch days, one writer classifies and writes them, and a queue of bounded size lies in between. Its state
//! is in the database that it writes to.

use crate::client::{self, Client};
use crate::model::{self, Status};
use crate::store::{self, FetchedDay, Warehouse};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use telemetry::duckdb::Background;
use telemetry::job::channel::tokio::{Receiver, Sender};
use telemetry::job::{State, Worker};
use telemetry::{Job, backfill_job, metric};
use telemetry_examples::day::Day;
use tokio::task::{JoinError, JoinSet};

metric! {
    /// Flights that were classified, by what became of them.
    pub counter flights_classified_total(status: Status);
}

// A panel or an alert that asks for what this program does not have does not compile.
telemetry::dashboards! {
    root = "..",
    files = "dashboards/*.json",
    rules = "dashboards/rules/*.yml",
    catalogs = [CATALOG, telemetry::builtin::CATALOG],
}

/// Days that may wait to be written, of some thousand records each. Workers that would put in more wait, so that memory is bounded
/// however slow the database is.
const QUEUE_DAYS: usize = 8;

/// Brings those of the days that are not whole in the warehouse into it.
///
/// It goes on when a day fails, and tells of it at the end. When the job is asked to stop, no further day is begun, and what was
/// fetched is still written.
#[backfill_job(name = "flights", total = days.len(), unit = "days", deadline = "1h", objective(success = "99%"))]
pub async fn backfill(
    job: &Job,
    client: Client,
    warehouse: &Arc<Background<Warehouse>>,
    days: &[Day],
    concurrency: u16,
) -> Result<(), Error> {
    let whole = {
        let job = job.clone();
        warehouse.run(move |warehouse| begin(&job, warehouse)).await?
    };
    let (there, missing): (Vec<Day>, Vec<Day>) = days.iter().partition(|day| whole.contains_key(day));
    job.skip(there.len());
    job.records_skipped(there.iter().filter_map(|day| whole.get(day)).sum::<u64>());

    let (sender, receiver) = job.queue("write").tokio_channel(QUEUE_DAYS);
    // Each task is part of the job and of its trace.
    let writer = tokio::spawn(telemetry::in_current(write(job.clone(), Arc::clone(warehouse), receiver)));

    let (client, missing) = (Arc::new(client), Arc::new(Mutex::new(missing.into_iter())));
    let mut workers = JoinSet::new();
    for number in 1..=concurrency {
        // By name, so that one that hangs is found although the others go on.
        let worker = job.worker(&format!("fetch-{number}"));
        let fetching = fetch(worker, Arc::clone(&client), Arc::clone(&missing), sender.clone());
        workers.spawn(telemetry::in_current(fetching));
    }
    drop(sender); // the writer ends when the last worker has
    let mut failures = Vec::new();
    while let Some(worker) = workers.join_next().await {
        failures.extend(worker?);
    }
    writer.await??;
    if failures.is_empty() { Ok(()) } else { Err(Error::Days(failures)) }
}

/// Opens the job's state in the warehouse, and says which days earlier runs have brought into it, with how many flights.
///
/// The checkpoints of a run that succeeded stay, since a later one may want further days. A day's rows and its checkpoint are
/// written in one transaction. Where they do not agree a hand was at work, and the day is fetched again.
fn begin(job: &Job, warehouse: &Warehouse) -> Result<BTreeMap<Day, u64>, store::Error> {
    job.open_state(&State::database(warehouse).keep(true))?;
    let mut whole = warehouse.flights_by_day()?;
    let days: Vec<Day> = whole.keys().copied().collect();
    for day in days {
        if job.restored(&day.to_string())? != whole.get(&day).copied() {
            warehouse.discard(day)?;
            whole.remove(&day);
        }
    }
    Ok(whole)
}

type Failure = (Day, client::Error);

/// One worker: fetches one day after the other until there are no more.
async fn fetch(
    worker: Worker,
    client: Arc<Client>,
    missing: Arc<Mutex<impl Iterator<Item = Day>>>,
    fetched: Sender<FetchedDay>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    while !worker.is_cancelled() {
        let Some(day) = lock(&missing).next() else { break };
        match client.day(&worker, day).await {
            Ok(day) => {
                let _waits = worker.idle(); // for the writer, where the queue is full
                if fetched.send(day).await.is_err() {
                    break; // the writer has failed, and says why itself
                }
            }
            Err(_) if worker.is_cancelled() => break, // it might have come yet
            Err(error) => {
                worker.fail(1);
                failures.push((day, error));
            }
        }
    }
    failures
}

/// Has what comes classified and written, a day at a time, until nothing can come any more.
async fn write(
    job: Job,
    warehouse: Arc<Background<Warehouse>>,
    mut days: Receiver<FetchedDay>,
) -> Result<(), store::Error> {
    while let Some(day) = days.recv().await {
        let of_day = job.clone();
        warehouse.run(move |warehouse| write_day(&of_day, warehouse, &day)).await?;
        job.advance(1);
    }
    Ok(())
}

fn write_day(job: &Job, warehouse: &mut Warehouse, day: &FetchedDay) -> Result<(), store::Error> {
    job.batch(day.flights.len()).operation("write").run(|| {
        let statuses = {
            let step = job.operation("classify");
            step.records(day.flights.len());
            model::classify(&day.flights)
        };
        warehouse.write_day(job, day, &statuses)?;
        count(&statuses);
        Ok(())
    })
}

fn count(statuses: &[Status]) {
    for status in Status::ALL {
        let flights = statuses.iter().filter(|of_flight| **of_flight == status).count();
        flights_classified_total(status).add(flights as u64);
    }
}

/// What another thread's panic left behind is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why days are missing.
#[derive(Debug)]
pub enum Error {
    /// These could not be fetched.
    Days(Vec<Failure>),
    /// The database failed.
    Store(store::Error),
    /// A task of the job panicked.
    Task(JoinError),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Store(error)
    }
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Error {
        Error::Task(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Days(failures) => {
                write!(f, "{} days could not be fetched", failures.len())?;
                let first = failures.iter().min_by_key(|(day, _)| *day);
                first.map_or(Ok(()), |(day, error)| write!(f, "; the first is {day}: {error}"))
            }
            Error::Store(error) => write!(f, "{error}"),
            Error::Task(error) => write!(f, "the job failed: {error}"),
        }
    }
}

impl std::error::Error for Error {}
