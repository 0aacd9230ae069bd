//! Backfill jobs: how far they are, how long they will take, what the source did to them, and how they ended.
//!
//! [`#[backfill_job]`](macro@crate::backfill_job) makes a function a job and supplies its [`Job`], on which the function counts what it does:
//! units, requests, retries, waits, queues, batches. From that follow the `backfill_*` families, the
//! [jobs of a snapshot](crate::snapshot::Job), and a progress bar.
//!
//! ```
//! use telemetry::{Job, backfill_job};
//!
//! #[backfill_job(name = "squares", total = numbers.len(), unit = "numbers")]
//! fn squares(job: &Job, numbers: &[u64]) -> Vec<u64> {
//!     let mut squares = Vec::new();
//!     for number in numbers {
//!         if job.is_cancelled() {
//!             break; // Ctrl-C; what is done stays
//!         }
//!         match number.checked_mul(*number) {
//!             Some(square) => {
//!                 squares.push(square);
//!                 job.advance(1);
//!             }
//!             None => job.dead_letter(1),
//!         }
//!     }
//!     squares
//! }
//!
//! assert_eq!(squares(&[1, 2, u64::MAX]), [1, 4]);
//! let value = telemetry::testing::value;
//! assert_eq!(value("backfill_units_total", &[("job_name", "squares"), ("status", "processed")]), Some(2.0));
//! assert_eq!(value("backfill_units_total", &[("job_name", "squares"), ("status", "dead_lettered")]), Some(1.0));
//! assert_eq!(value("backfill_runs_total", &[("job_name", "squares"), ("result", "ok")]), Some(1.0));
//! ```
//!
//! # Units and records
//! A job counts its progress in its unit. Where that is not `records`, records are counted besides with [`Job::records`] and by
//! [batches](Job::batch); where it is, `backfill_records_total` follows the units.
//!
//! # How a run ends
//! As `ok`, as `error` (a [`Result`] that is `Err`), as `panic`, as `cancelled` (its future was dropped), or as `interrupted`.
//! SIGINT and SIGTERM are taken while a job runs: the first asks it to stop, which [`Job::is_cancelled`] and
//! [`Job::cancelled`] tell, and is passed on to the program's own handler if there is one; a second ends the program at once. A
//! job that ends after it was asked is `interrupted`, unless it returned without an error and has done all its units. After
//! the last job the signals do what they did before.
//!
//! # Time left
//! `backfill_eta_seconds` is what is left divided by a blend of two rates: two parts of an exponentially weighted mean that remembers
//! a quarter of the run (5 seconds to 5 minutes), one part of the mean since the first unit. The first follows a source that
//! becomes slower; the second keeps one burst or pause from swinging the estimate. It is absent before the first unit, without a
//! total, and while nothing moves. Skipped units are done with but do not count as pace, so that a resumed run is not
//! thought to be quick. `backfill_eta_low_seconds` and `backfill_eta_high_seconds` are to hold it four times out of five; `docs/jobs.md` tells how
//! often they do.
//!
//! `backfill_progress_ratio` is absent where more is done than was expected, and after the total grew, until it is what it was before.
//!
//! # Stall
//! `backfill_stalled` is 1 when a job gave no sign of life for longer than `stalled_after`, which is by default five times the longest pause between two
//! signs so far and at least a minute; ten minutes before the first. Signs of life are
//! - units that are done with, whatever became of them, and [`Job::heartbeat`];
//! - requests, batches, operations and checkpoints that begin or end; waits before a request, while they last;
//! - measured calls and DuckDB statements that begin or end where the job is the [current](Job::current) one: in its function, in the polls of its future, and in a
//!   [`scope`](Job::scope) or [`future`](Job::future) of it on other threads and in tasks;
//! - those of a job that runs within it.
//!
//! What paused for longer than is allowed was a stall, of which only what was allowed is learned.
//!
//! A line says that a job has stalled, with what is in flight, and another that it moves again. A worker of several that hangs is found by itself:
//! [`Job::worker`].
//!
//! # Deadline
//! Where one is told (the argument `deadline`, [`Job::set_deadline`], [`Job::set_deadline_at`]), `backfill_deadline_timestamp_seconds` has it while the job runs. The rule
//! `BackfillTooSlow` of `dashboards/rules/backfill.yml` tells of a job that will not keep it.
//!
//! # Resume
//! With the feature `resume` a job writes down how far it is, in a JSON file or in the DuckDB database that it fills, and its next run goes on from there: the
//! argument `state` of [`#[backfill_job]`](macro@crate::backfill_job), `Job::checkpoint`, `Job::restored`, and the page `docs/jobs.md`.

mod adapters;
mod cancel;
pub mod channel;
pub(crate) mod collector;
mod count;
mod estimate;
mod kind;
mod life;
pub(crate) mod lifetime;
mod limit;
mod outcome;
mod place;
mod progress;
mod pulse;
mod queue;
mod request;
mod retry;
pub(crate) mod run;
mod runs;
mod signal;
#[cfg(feature = "resume")]
pub(crate) mod state;
mod step;
mod wait;
mod within;
mod worker;

#[cfg(any(feature = "reqwest", feature = "ureq"))]
pub use adapters::checked::{HttpAnswer, HttpError, checked};
pub use adapters::retry_after;
pub use cancel::Cancelled;
pub use count::{Count, Total};
pub use kind::ErrorKind;
pub use limit::{Limiter, Rate};
pub use outcome::Outcome;
pub use progress::{Progress, ProgressWriter, progress, progress_writer};
pub use queue::Queue;
pub use request::Request;
pub use retry::RetryPolicy;
#[cfg(feature = "resume")]
pub use state::{AsState, State, StateError};
#[cfg(all(feature = "resume", feature = "duckdb"))]
pub use state::{Database, open_database};
pub use step::{Batch, Operation};
pub use within::InJob;
pub use worker::{Idle, Worker};

pub(crate) use place::current;
pub(crate) use progress::{above as above_bars, clearing};
pub(crate) use within::within;

use crate::builtin::jobs::recorded;
use run::{Run, Status};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use worker::WorkerState;

/// A running job, supplied by [`#[backfill_job]`](macro@crate::backfill_job). Cheap to clone into tasks and threads.
///
/// What is counted after the end of the run still reaches the totals.
#[derive(Clone)]
pub struct Job {
    pub(crate) run: Arc<Run>,
    /// For whom it is done, where that is one of several.
    pub(crate) worker: Option<Arc<WorkerState>>,
}

impl Job {
    /// The job that the calling thread is working for: the one whose function is running, or whose future is being polled; the
    /// innermost one where jobs are nested. `None` outside of jobs, and in tasks and threads that a job has spawned: hand it to those with
    /// [`scope`](Job::scope) and [`future`](Job::future).
    ///
    /// ```
    /// use telemetry::{Job, backfill_job};
    ///
    /// fn callee() {
    ///     if let Some(job) = Job::current() {
    ///         job.advance(1);
    ///     }
    /// }
    ///
    /// #[backfill_job]
    /// fn caller(job: &Job) {
    ///     callee();
    ///     assert_eq!(Job::current().map(|job| job.name().to_owned()), Some(job.name().to_owned()));
    /// }
    /// caller();
    /// assert!(Job::current().is_none());
    /// ```
    #[must_use]
    pub fn current() -> Option<Job> {
        place::current()
    }

    #[cfg(test)]
    pub(crate) fn of(run: Run) -> Job {
        Job { run: Arc::new(run), worker: None }
    }

    #[inline]
    fn count_units(&self, status: Status, units: u64) {
        self.run.count_units(status, units);
        if let Some(worker) = &self.worker {
            worker.sign();
        }
    }

    /// Says that the work goes on although no unit is done with yet: for a unit that takes long, from time to time.
    ///
    /// Without it, and without requests, waits, batches, operations or measured calls that begin or end, a job counts as stalled after a while: see
    /// [the module](crate::job#stall).
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// #[backfill_job]
    /// fn sum(job: &Job, numbers: &[u64]) -> u64 {
    ///     let mut sum = 0;
    ///     for part in numbers.chunks(1_000_000) {
    ///         sum += part.iter().sum::<u64>();
    ///         job.heartbeat();
    ///     }
    ///     job.advance(1);
    ///     sum
    /// }
    /// assert_eq!(sum(&[1, 2]), 3);
    /// ```
    #[inline]
    pub fn heartbeat(&self) {
        self.run.life.sign();
        if let Some(worker) = &self.worker {
            worker.sign();
        }
    }

    /// Begins a worker, one of several that work for the job: a thread, a task. Each is watched by itself, so that one that hangs is found although
    /// the others go on: `backfill_stalled_workers` counts them, a line on standard error and the [snapshot](crate::snapshot::Job::workers) name them.
    ///
    /// A worker is a `Job`: what is done by it is done for the job. Any name will do, also one with a number, since it is no label.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// #[backfill_job]
    /// fn backfill(job: &Job, days: &[u32]) {
    ///     std::thread::scope(|threads| {
    ///         for (number, days) in days.chunks(2).enumerate() {
    ///             threads.spawn(move || {
    ///                 let worker = job.worker(&format!("load-{number}"));
    ///                 // So that measured calls are its signs of life, too.
    ///                 worker.scope(|| {
    ///                     for day in days {
    ///                         assert!(*day < 32);
    ///                         worker.advance(1);
    ///                     }
    ///                 });
    ///             });
    ///         }
    ///     });
    /// }
    /// backfill(&[1, 2, 3]);
    /// ```
    pub fn worker(&self, name: &str) -> Worker {
        Worker::begin(self, name)
    }

    /// The job's name: the value of the label `job_name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.run.name
    }

    /// What the job counts.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.run.unit
    }

    /// How many units are expected, where that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.run.total()
    }

    /// Says how many units are expected, also when it turns out to be more than was thought. The progress is then
    /// absent until it is what it was before: it never goes backwards.
    pub fn set_total(&self, units: impl Count) {
        self.run.set_total(units.count());
    }

    /// Sets how long after its start the job is to have ended, in place of the argument `deadline` of the attribute. Nothing happens to a job that has not: the moment
    /// shows as `backfill_deadline_timestamp_seconds` while it runs, and on the bar by how much it will be missed.
    pub fn set_deadline(&self, after_start: Duration) {
        self.run.set_deadline(Some(after_start));
    }

    /// Sets when the job is to have ended, see [`set_deadline`](Job::set_deadline): for one that has to be done by six in the morning. A moment before
    /// its start is its start.
    pub fn set_deadline_at(&self, at: SystemTime) {
        self.run.set_deadline(Some(at.duration_since(self.run.started_at).unwrap_or_default()));
    }

    /// Counts units that are done.
    ///
    /// A thread-local addition and one shared one: no lock, no clock.
    #[inline]
    pub fn advance(&self, units: impl Count) {
        self.count_units(Status::Processed, units.count());
    }

    /// Counts units that were given up.
    #[inline]
    pub fn fail(&self, units: impl Count) {
        self.count_units(Status::Failed, units.count());
    }

    /// Counts units that need not be done, such as those that an earlier run did.
    #[inline]
    pub fn skip(&self, units: impl Count) {
        self.count_units(Status::Skipped, units.count());
    }

    /// Counts units that were set aside for somebody to look at.
    #[inline]
    pub fn dead_letter(&self, units: impl Count) {
        self.count_units(Status::DeadLettered, units.count());
    }

    /// Counts records that were processed, in a job whose unit is something else. Where records are the unit, they are counted as
    /// units, and this does nothing.
    pub fn records(&self, records: impl Count) {
        self.run.count_records(Status::Processed, records.count());
    }

    /// Counts records that were given up, see [`records`](Job::records).
    pub fn records_failed(&self, records: impl Count) {
        self.run.count_records(Status::Failed, records.count());
    }

    /// Counts records that were not needed, see [`records`](Job::records).
    pub fn records_skipped(&self, records: impl Count) {
        self.run.count_records(Status::Skipped, records.count());
    }

    /// Counts records that were set aside for somebody to look at, see [`records`](Job::records).
    pub fn records_dead_lettered(&self, records: impl Count) {
        self.run.count_records(Status::DeadLettered, records.count());
    }

    /// Sends a request: its response code, its duration, and that it is on its way.
    ///
    /// `endpoint` is what is asked for, one of a few words (`flights`, not a URL with its query). The output says how it went by the
    /// trait [`Outcome`].
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// # async fn fetch(day: u32) -> std::io::Result<u32> { Ok(day) }
    /// #[backfill_job]
    /// async fn backfill(job: &Job) -> std::io::Result<()> {
    ///     let page = job.request("flights", fetch(7)).await?;
    ///     assert_eq!(page, 7);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Cancellation
    /// A request whose future is dropped after its first poll is counted with the code `cancelled`.
    pub fn request<F>(&self, endpoint: &str, future: F) -> Request<F>
    where
        F: Future,
        F::Output: Outcome,
    {
        Request::new(self.clone(), self.run.endpoint(endpoint), future)
    }

    /// Sends a request that blocks, see [`request`](Job::request).
    pub fn request_blocking<T: Outcome>(&self, endpoint: &str, request: impl FnOnce() -> T) -> T {
        request::request_blocking(self.clone(), self.run.endpoint(endpoint), request)
    }

    /// Sends a request again while the policy says so; returns the last output.
    ///
    /// Each try is counted as a [`request`](Job::request), each further one as a retry with its reason (the code, or the kind of error),
    /// each wait in between with its time and its reason (`rate_limited` after an answer that the source was asked too often, which is
    /// 429, or 503 with a time to wait; `backoff` after any other), and each request that did not go well in the end as given up, with the reason
    /// `attempts`, `deadline`, `not_retryable` or `cancelled`.
    ///
    /// Waits with a timer of its own, so under any runtime. When the job is asked to stop, it waits no longer and returns the last output.
    ///
    /// # Cancellation
    /// Dropped after its first poll and before its end, it is counted as given up, as `cancelled`.
    ///
    /// ```
    /// use telemetry::job::RetryPolicy;
    /// # use telemetry::{Job, backfill_job};
    /// # async fn fetch(day: u32) -> std::io::Result<u32> { Ok(day) }
    /// #[backfill_job]
    /// async fn backfill(job: &Job) -> std::io::Result<()> {
    ///     let page = job.retry(&RetryPolicy::new(), "flights", || fetch(7)).await?;
    ///     assert_eq!(page, 7);
    ///     Ok(())
    /// }
    /// ```
    pub async fn retry<F, R>(&self, policy: &RetryPolicy, endpoint: &str, request: F) -> R::Output
    where
        F: FnMut() -> R,
        R: Future,
        R::Output: Outcome,
    {
        retry::retry(self, policy, endpoint, request).await
    }

    /// Sends a request that blocks, and again while the policy says so, see [`retry`](Job::retry).
    pub fn retry_blocking<T: Outcome>(&self, policy: &RetryPolicy, endpoint: &str, request: impl FnMut() -> T) -> T {
        retry::retry_blocking(self, policy, endpoint, request)
    }

    /// Counts that the source asked to wait, and for how long, where neither [`request`](Job::request) nor [`retry`](Job::retry) sees the answer: those count it themselves. Does not wait.
    pub fn rate_limited(&self, endpoint: &str, wait: Duration) {
        let endpoint = self.run.endpoint(endpoint);
        endpoint.source_asked_to_wait();
        endpoint.waited_for_source(&self.run, wait);
    }

    /// The job's limiter of this name, which limits to this rate from now on; the same one each time, so that all who share it ask the source no
    /// more often than that together.
    ///
    /// A token bucket. What is left in it is `backfill_rate_limit_tokens` with its name as `endpoint_name`; how often and for how long it
    /// made somebody wait are `backfill_waits_total` and `backfill_wait_seconds_total` with the reason `limiter`, or `paused` where
    /// the source had asked for the wait, see [`Limiter::pause`].
    ///
    /// ```
    /// use telemetry::job::{Rate, RetryPolicy};
    /// # use telemetry::{Job, backfill_job};
    /// # async fn fetch(day: u32) -> std::io::Result<u32> { Ok(day) }
    /// #[backfill_job]
    /// async fn backfill(job: &Job) -> std::io::Result<()> {
    ///     let limiter = job.limiter("flights", Rate::per_second(10).burst(5));
    ///     // By hand:
    ///     if limiter.until_ready().await {
    ///         job.request("flights", fetch(7)).await?;
    ///     }
    ///     // Or each try of a request:
    ///     let policy = RetryPolicy::new().limiter(&limiter);
    ///     job.retry(&policy, "flights", || fetch(8)).await?;
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn limiter(&self, name: &str, rate: Rate) -> Limiter {
        let endpoint = self.run.endpoint(name);
        let bucket = self.run.bucket(name, &endpoint, rate);
        Limiter::new(self.clone(), endpoint, bucket)
    }

    /// Says how many requests may still be sent before the limit is met: what a response's `RateLimit-Remaining` says, or
    /// what is left in a bucket of your own.
    pub fn tokens(&self, endpoint: &str, left: impl Count) {
        let endpoint = self.run.endpoint(endpoint);
        #[expect(clippy::cast_precision_loss, reason = "shown as a gauge")]
        recorded::backfill_rate_limit_tokens(self.name(), endpoint.name()).set(left.count() as f64);
    }

    /// The job's queue of this name; the same one each time. From it come bounded [channels](crate::job::channel) that are counted; or say
    /// yourself what goes into a channel of your own.
    #[must_use]
    pub fn queue(&self, name: &str) -> Queue {
        Queue::new(self.run.queue(name))
    }

    /// Begins a batch: its size, and until the guard is dropped the time that it takes, as the operation `batch`. Its records are
    /// then counted as processed where the job's unit is not records.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// # fn write(_: &[u32]) -> std::io::Result<()> { Ok(()) }
    /// #[backfill_job(unit = "days")]
    /// fn backfill(job: &Job, day: &[u32]) -> std::io::Result<()> {
    ///     for page in day.chunks(1_000) {
    ///         job.batch(page.len()).run(|| write(page))?;
    ///     }
    ///     job.advance(1);
    ///     Ok(())
    /// }
    /// backfill(&[1, 2, 3]).unwrap();
    /// let processed = [("job_name", "backfill"), ("status", "processed")];
    /// assert!(telemetry::testing::value("backfill_records_total", &processed) >= Some(3.0));
    /// ```
    pub fn batch(&self, records: impl Count) -> Batch {
        Batch::begin(self.clone(), records.count())
    }

    /// Begins a step of the work that is timed until the guard is dropped. `name` is one of a few words: `classify`.
    pub fn operation(&self, name: &str) -> Operation {
        Operation::begin(self.clone(), name)
    }

    /// Whether the job has been asked to stop, by SIGINT or SIGTERM. Stays so. Look at it between units.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.run.is_cancelled()
    }

    /// Waits until the job is asked to stop; for ever, where nobody asks. For a `select!` beside the work.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(self.run.clone())
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("name", &self.run.name).finish_non_exhaustive()
    }
}
