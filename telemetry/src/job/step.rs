//! Steps of a job's work that are timed: batches, and operations by name.

use crate::builtin::jobs::recorded as families;
use crate::job::Job;
use crate::job::count::Count;
use crate::job::run::Status;
use crate::metric::Histogram;
use crate::record::span::{Value, Work};
use crate::record::{CallSite, Outcome};
use std::fmt;
use std::time::Instant;

/// The operation that a batch is, where it has no other name.
const BATCH: &str = "batch";

/// What the span of a batch is called.
static SITE: CallSite = CallSite::new(BATCH, || "", "", "", 0);

/// A batch that is being worked on, see [`Job::batch`](crate::Job::batch).
///
/// Dropped, it was done, and its records are counted as processed; dropped by a panic or by the job's future being dropped, it was not, and
/// they are not counted. For other ends say [`fail`](Batch::fail) or [`discard`](Batch::discard), or let [`run`](Batch::run) see to it.
///
/// Where calls are spans (`telemetry::trace`), a batch is one too, `batch` with the attributes `telemetry.batch.records` and, where it has a name, `telemetry.batch.operation`. What [`run`](Batch::run) does is within it.
#[must_use = "a batch ends when it is dropped, so at once if it is not kept"]
pub struct Batch {
    job: Job,
    records: u64,
    operation: Option<Box<str>>,
    started: Instant,
    /// What its records are counted as at the end.
    status: Option<Status>,
    span: Work,
}

impl Batch {
    pub(crate) fn begin(job: Job, records: u64) -> Batch {
        job.heartbeat();
        #[expect(clippy::cast_precision_loss, reason = "no batch has 2^53 records")]
        families::backfill_batch_records(job.name()).observe(records as f64);
        let mut span = Work::begin(&SITE);
        span.attribute("telemetry.batch.records", Value::Int(i64::try_from(records).unwrap_or(i64::MAX)));
        Batch { job, records, operation: None, started: Instant::now(), status: Some(Status::Processed), span }
    }

    /// Names what is done with the batch, one of a few words (`write`): its time and its records are then those of this operation
    /// instead of `batch`.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// # fn write(_: &[u32]) -> std::io::Result<()> { Ok(()) }
    /// #[backfill_job(unit = "days")]
    /// fn backfill(job: &Job, page: &[u32]) -> std::io::Result<()> {
    ///     job.batch(page.len()).operation("write").run(|| write(page))
    /// }
    /// backfill(&[1, 2, 3]).unwrap();
    /// let written = [("job_name", "backfill"), ("operation", "write")];
    /// assert!(telemetry::testing::value("backfill_processing_records_total", &written) >= Some(3.0));
    /// ```
    pub fn operation(mut self, name: &str) -> Batch {
        self.operation = Some(name.into());
        self.span.attribute("telemetry.batch.operation", Value::Text(name));
        self
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
        self.job.heartbeat();
        let operation = self.operation.as_deref().unwrap_or(BATCH);
        families::backfill_processing_duration_seconds(self.job.name(), operation)
            .observe_duration(self.started.elapsed());
        // What failed took its time too, so its records count for the operation's pace, whatever became of them.
        families::backfill_processing_records_total(self.job.name(), operation).add(self.records);
        // A run that has ended before its batch was dropped in the middle of it.
        let cut_off = std::thread::panicking() || !self.job.run.is_running();
        if let Some(status) = self.status.filter(|status| *status != Status::Processed || !cut_off) {
            self.job.run.count_records(status, self.records);
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
///
/// Its records by second of its work: `rate(backfill_processing_records_total[5m]) / rate(backfill_processing_duration_seconds_sum[5m])`.
#[must_use = "an operation ends when it is dropped, so at once if it is not kept"]
pub struct Operation {
    job: Job,
    name: Box<str>,
    time: Histogram,
    started: Instant,
}

impl Operation {
    pub(crate) fn begin(job: Job, name: &str) -> Operation {
        job.heartbeat();
        let time = families::backfill_processing_duration_seconds(job.name(), name);
        Operation { job, name: name.into(), time, started: Instant::now() }
    }

    /// Counts records that the step has had: with its duration, its pace. Does not count them as done with by the job.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// # fn classify(_: &[u32]) {}
    /// #[backfill_job]
    /// fn backfill(job: &Job, page: &[u32]) {
    ///     let step = job.operation("classify");
    ///     classify(page);
    ///     step.records(page.len());
    /// }
    /// backfill(&[1, 2, 3]);
    /// let classified = [("job_name", "backfill"), ("operation", "classify")];
    /// assert!(telemetry::testing::value("backfill_processing_records_total", &classified) >= Some(3.0));
    /// ```
    pub fn records(&self, records: impl Count) {
        families::backfill_processing_records_total(self.job.name(), &self.name).add(records.count());
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.job.heartbeat();
        self.time.observe_duration(self.started.elapsed());
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("name", &self.name).finish_non_exhaustive()
    }
}
