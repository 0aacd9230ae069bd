//! Steps of a job's work that are timed: batches, and operations by name.

use crate::builtin::jobs::recorded as families;
use crate::job::run::{Run, Status};
use crate::metric::Histogram;
use crate::record::span::{Value, Work};
use crate::record::{CallSite, Outcome};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The operation that a batch is.
const BATCH: &str = "batch";

/// What the span of a batch is called.
static SITE: CallSite = CallSite::new(BATCH, || "", "", "", 0);

/// A batch that is being worked on, see [`Job::batch`](crate::Job::batch).
///
/// Dropped, it was done, and its records are counted as processed; dropped by a panic or by the job's future being dropped, it was not, and
/// they are not counted. For other ends say [`fail`](Batch::fail) or [`discard`](Batch::discard), or let [`run`](Batch::run) see to it.
///
/// Where calls are spans (`telemetry::trace`), a batch is one too, `batch` with the attribute `telemetry.batch.records`. What [`run`](Batch::run) does is within it.
#[must_use = "a batch ends when it is dropped, so at once if it is not kept"]
pub struct Batch {
    run: Arc<Run>,
    records: u64,
    time: Histogram,
    started: Instant,
    /// What its records are counted as at the end.
    status: Option<Status>,
    span: Work,
}

impl Batch {
    pub(crate) fn begin(run: Arc<Run>, records: u64) -> Batch {
        #[expect(clippy::cast_precision_loss, reason = "no batch has 2^53 records")]
        families::backfill_batch_records(&run.name).observe(records as f64);
        let time = families::backfill_processing_duration_seconds(&run.name, BATCH);
        let mut span = Work::begin(&SITE);
        span.attribute("telemetry.batch.records", Value::Int(i64::try_from(records).unwrap_or(i64::MAX)));
        Batch { run, records, time, started: Instant::now(), status: Some(Status::Processed), span }
    }

    /// Ends the batch; its records are counted as failed.
    pub fn fail(mut self) {
        self.status = Some(Status::Failed);
    }

    /// Ends the batch; its records are not counted, since they will come again.
    pub fn discard(mut self) {
        self.status = None;
    }

    /// Does the batch's work: its records are counted as processed where that succeeds, else as failed.
    ///
    /// # Errors
    /// What the work returned.
    pub fn run<T, E>(mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.span.enter();
        let result = work();
        self.span.leave();
        match result {
            Ok(_) => drop(self),
            Err(_) => self.fail(),
        }
        result
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.time.observe_duration(self.started.elapsed());
        // A run that has ended before its batch was dropped in the middle of it.
        let cut_off = std::thread::panicking() || !self.run.is_running();
        if let Some(status) = self.status.filter(|status| *status != Status::Processed || !cut_off) {
            self.run.count_records(status, self.records);
        }
        self.span.end(match self.status {
            Some(Status::Failed) => Outcome::Error,
            _ if std::thread::panicking() => Outcome::Panic,
            _ if cut_off => Outcome::Cancelled,
            _ => Outcome::Ok,
        });
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("records", &self.records).finish_non_exhaustive()
    }
}

/// A step that is being timed, see [`Job::operation`](crate::Job::operation). Ends when it is dropped.
#[must_use = "an operation ends when it is dropped, so at once if it is not kept"]
pub struct Operation {
    time: Histogram,
    started: Instant,
}

impl Operation {
    pub(crate) fn begin(run: &Run, name: &str) -> Operation {
        Operation { time: families::backfill_processing_duration_seconds(&run.name, name), started: Instant::now() }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.time.observe_duration(self.started.elapsed());
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("started", &self.started).finish_non_exhaustive()
    }
}
