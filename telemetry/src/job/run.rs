//! One run of a job: what was counted, how it moves, how it ended.

use crate::builtin::jobs::recorded as families;
use crate::job::cancel::Cancel;
use crate::job::estimate::{Estimate, Estimator};
use crate::job::life::{Change, Life};
use crate::job::limit::{Bucket, Rate};
use crate::job::queue::QueueState;
use crate::job::request::Endpoint;
use crate::metric::Counter;
use crate::record::isolated::{self, Scope};
use crate::snapshot::{self, Tally};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Relaxed, lock};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

/// What became of a unit or a record. The discriminants index the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Processed = 0,
    Failed = 1,
    Skipped = 2,
    DeadLettered = 3,
}

pub(crate) const STATUSES: [&str; 4] = ["processed", "failed", "skipped", "dead_lettered"];

/// The values of the label `result`, in the order of [`RunResult`].
const RESULTS: [&str; 5] = ["ok", "error", "panic", "cancelled", "interrupted"];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunResult {
    Ok = 0,
    Error = 1,
    Panic = 2,
    Cancelled = 3,
    Interrupted = 4,
}

impl RunResult {
    pub(crate) fn as_str(self) -> &'static str {
        RESULTS[self as usize]
    }
}

/// A total that nobody has told.
const UNKNOWN: u64 = u64::MAX;

/// The unit in which the units are the records.
pub(crate) const RECORDS: &str = "records";

/// A run has at most this many endpoints and queues by name; what comes after shares the last one. What names so many has put
/// an identifier into the name.
const MOST_NAMES: usize = 200;
const TOO_MANY: &str = "too_many_names";

/// The state that a [`Job`](crate::Job)'s clones share.
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) name: Arc<str>,
    pub(crate) unit: Arc<str>,
    /// Where a test runs it by itself.
    pub(crate) scope: Option<&'static Scope>,
    counts_records: bool,
    /// There is or was another run of this name at the same time.
    pub(crate) has_twin: AtomicBool,
    stalled_after: Option<Duration>,
    started: Instant,
    pub(crate) started_at: SystemTime,
    total: AtomicU64,
    units: Counts,
    records: Counts,
    pub(crate) retries: AtomicU64,
    pub(crate) rate_limit_nanos: AtomicU64,
    /// How many of the lines that are due every ten seconds were written.
    pub(crate) lines: AtomicU64,
    movement: Mutex<Movement>,
    /// How long after the start it is to have ended.
    deadline: Mutex<Option<Duration>>,
    pub(crate) life: Life,
    pub(crate) endpoints: Mutex<BTreeMap<Box<str>, Arc<Endpoint>>>,
    /// Of limiters whose names are too many to be counted by.
    uncounted_buckets: Mutex<BTreeMap<Box<str>, Arc<Bucket>>>,
    pub(crate) queues: Mutex<BTreeMap<Box<str>, Arc<QueueState>>>,
    pub(crate) cancel: Cancel,
    /// Tells how far the statement is that began last, where that is known.
    #[cfg(feature = "duckdb")]
    query: Mutex<Option<ShowsQuery>>,
    #[cfg(feature = "resume")]
    pub(crate) state: crate::job::state::RunState,
    ended: OnceLock<(RunResult, Duration)>,
}

/// How far a statement is, from 0 to 1.
#[cfg(feature = "duckdb")]
pub(crate) type ShowsQuery = Box<dyn Fn() -> Option<f64> + Send>;

/// This run's counts, and the handles of the series, which all runs of the name share.
struct Counts {
    handles: [Counter; 4],
    run: [AtomicU64; 4],
}

impl Counts {
    fn new(handle: impl Fn(&'static str) -> Counter) -> Counts {
        Counts { handles: STATUSES.map(handle), run: Default::default() }
    }

    #[inline]
    fn add(&self, status: Status, n: u64) {
        self.handles[status as usize].add(n);
        self.run[status as usize].fetch_add(n, Relaxed);
    }

    fn tally(&self) -> Tally {
        let [processed, failed, skipped, dead_lettered] = self.run.each_ref().map(|count| count.load(Relaxed));
        Tally { processed, failed, skipped, dead_lettered }
    }
}

/// How the counts move, read some ten times a second rather than at each count.
#[derive(Default)]
struct Movement {
    estimator: Estimator,
    seen: u64,
    /// Seconds after the start at which more was seen to be done.
    moved_at: Option<f64>,
    /// The progress that was shown last: less than that is not, after the total grew.
    shown: f64,
}

impl Movement {
    fn read(&mut self, at: f64, units: &Tally) {
        let done = units.sum();
        if done > self.seen {
            self.seen = done;
            self.moved_at = Some(at);
        }
        // What is skipped is done with, but tells nothing about the pace of the work: a resumed run skips much at once.
        self.estimator.read(at, done.saturating_sub(units.skipped), units.skipped);
    }
}

/// A run at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) elapsed: Duration,
    pub(crate) total: Option<u64>,
    pub(crate) units: Tally,
    pub(crate) records: Tally,
    pub(crate) progress: Option<f64>,
    pub(crate) lately: Option<f64>,
    pub(crate) overall: Option<f64>,
    pub(crate) eta: Option<Estimate>,
    pub(crate) stalled: bool,
    pub(crate) last_progress: Option<SystemTime>,
    pub(crate) result: Option<RunResult>,
}

impl Run {
    pub(crate) fn new(id: u64, name: &str, unit: &str, total: Option<u64>, stalled_after: Option<Duration>) -> Run {
        // Every status and every result is there at zero from the start, so that the first failure is an increase.
        for result in RESULTS {
            families::backfill_runs_total(name, result).add(0);
        }
        Run {
            id,
            name: name.into(),
            unit: unit.into(),
            scope: isolated::current_if_any(),
            counts_records: unit == RECORDS,
            has_twin: AtomicBool::new(false),
            stalled_after,
            started: Instant::now(),
            started_at: SystemTime::now(),
            total: AtomicU64::new(total.unwrap_or(UNKNOWN)),
            units: Counts::new(|status| families::backfill_units_total(name, unit, status)),
            records: Counts::new(|status| families::backfill_records_total(name, status)),
            retries: AtomicU64::new(0),
            rate_limit_nanos: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            movement: Mutex::default(),
            deadline: Mutex::default(),
            life: Life::default(),
            endpoints: Mutex::default(),
            uncounted_buckets: Mutex::default(),
            queues: Mutex::default(),
            cancel: Cancel::default(),
            #[cfg(feature = "duckdb")]
            query: Mutex::default(),
            #[cfg(feature = "resume")]
            state: Default::default(),
            ended: OnceLock::new(),
        }
    }

    pub(crate) fn living(self, life: Life) -> Run {
        Run { life, ..self }
    }

    #[inline]
    pub(crate) fn count_units(&self, status: Status, n: u64) {
        self.units.add(status, n);
        if self.counts_records {
            self.records.handles[status as usize].add(n);
        }
    }

    /// Counts records of a job that counts something else; where records are its unit, they are counted already.
    pub(crate) fn count_records(&self, status: Status, n: u64) {
        if !self.counts_records {
            self.records.add(status, n);
        }
    }

    pub(crate) fn set_deadline(&self, deadline: Option<Duration>) {
        *lock(&self.deadline) = deadline;
    }

    /// How long after the start it is to have ended.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        *lock(&self.deadline)
    }

    pub(crate) fn total(&self) -> Option<u64> {
        let total = self.total.load(Relaxed);
        (total != UNKNOWN).then_some(total)
    }

    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total.min(UNKNOWN - 1), Relaxed);
    }

    /// Reads how far the job is. Called by the thread that watches the jobs, and at snapshots.
    pub(crate) fn read(&self, now: Instant) {
        let units = self.units.tally();
        let at = self.seconds(now);
        lock(&self.movement).read(at, &units);
        self.life.read(at, units.sum(), self.stalled_after);
        lock(&self.endpoints).values().for_each(|endpoint| endpoint.show_tokens(now));
    }

    /// Seconds of the run.
    pub(crate) fn seconds_now(&self) -> f64 {
        self.seconds(Instant::now())
    }

    /// Seconds since the last sign of life, where that is longer ago than it may be.
    #[cfg_attr(not(feature = "progress"), allow(dead_code, reason = "for bars, which come with a feature"))]
    pub(crate) fn stalled_for(&self, now: Instant) -> Option<f64> {
        let at = self.seconds(now);
        (self.is_running() && self.life.is_stalled(at, self.stalled_after)).then(|| self.life.quiet(at))
    }

    /// Seconds since the last sign of life; none after the end.
    pub(crate) fn quiet(&self, now: Instant) -> Option<f64> {
        self.is_running().then(|| self.life.quiet(self.seconds(now)))
    }

    /// Those who work for it; none after the end.
    pub(crate) fn workers(&self, now: Instant) -> Vec<snapshot::Worker> {
        if self.is_running() { self.life.workers(self.seconds(now), self.stalled_after) } else { Vec::new() }
    }

    /// What has stalled or moves again since the last time that this was asked.
    pub(crate) fn changes(&self, now: Instant) -> Vec<Change> {
        self.life.changes(self.id, self.seconds(now), now, self.stalled_after)
    }

    fn seconds(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.started).as_secs_f64()
    }

    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        self.ended.get().map_or_else(|| now.saturating_duration_since(self.started), |(_, elapsed)| *elapsed)
    }

    pub(crate) fn result(&self) -> Option<RunResult> {
        self.ended.get().map(|(result, _)| *result)
    }

    /// Whether it goes on from where an earlier run stopped.
    pub(crate) fn is_resumed(&self) -> bool {
        #[cfg(feature = "resume")]
        return self.state.is_resumed();
        #[cfg(not(feature = "resume"))]
        false
    }

    /// A statement of this run begins that tells how far it is.
    #[cfg(feature = "duckdb")]
    pub(crate) fn shows_query(&self, query: ShowsQuery) {
        *lock(&self.query) = Some(query);
    }

    /// How far its statement is, from 0 to 1, where one runs and that is known.
    pub(crate) fn query(&self) -> Option<f64> {
        #[cfg(feature = "duckdb")]
        return lock(&self.query).as_ref().and_then(|query| query());
        #[cfg(not(feature = "duckdb"))]
        None
    }

    pub(crate) fn is_running(&self) -> bool {
        self.ended.get().is_none()
    }

    /// How the run stands, once it has been [`read`](Run::read).
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        let result = self.result();
        let elapsed = self.elapsed(now);
        // Locked before anything is read: of two threads that read at once, the later one must not show the earlier counts.
        let mut movement = lock(&self.movement);
        let (units, total) = (self.units.tally(), self.total());
        let progress = total.and_then(|total| share(units.sum(), total)).filter(|share| *share >= movement.shown);
        movement.shown = progress.unwrap_or(movement.shown);
        let left = total.and_then(|total| total.checked_sub(units.sum()));
        let running = result.is_none();
        Standing {
            elapsed,
            total,
            units,
            records: if self.counts_records { units } else { self.records.tally() },
            progress,
            lately: movement.estimator.lately(),
            overall: movement.estimator.overall(),
            eta: left.filter(|_| running).and_then(|left| movement.estimator.estimate(left)),
            stalled: running && self.life.is_stalled(elapsed.as_secs_f64(), self.stalled_after),
            last_progress: movement.moved_at.map(|at| self.started_at + Duration::from_secs_f64(at)),
            result,
        }
    }

    /// Records the end, once; says how the run ended.
    pub(crate) fn end(&self, result: RunResult, now: Instant) -> RunResult {
        self.read(now);
        let result = if self.was_interrupted(result) { RunResult::Interrupted } else { result };
        let elapsed = now.saturating_duration_since(self.started);
        if self.ended.set((result, elapsed)).is_ok() {
            families::backfill_runs_total(&self.name, result.as_str()).inc();
            families::backfill_run_duration_seconds(&self.name).observe_duration(elapsed);
            if result == RunResult::Ok {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                families::backfill_last_success_timestamp_seconds(&self.name).set(now.as_secs_f64());
            }
        }
        result
    }

    /// Whether the run ended because a signal asked it to, rather than at its own end or by a panic.
    fn was_interrupted(&self, result: RunResult) -> bool {
        let whole = result == RunResult::Ok && self.total().is_some_and(|total| self.units.tally().sum() >= total);
        self.cancel.is_asked() && result != RunResult::Panic && !whole
    }

    pub(crate) fn endpoint(&self, name: &str) -> Arc<Endpoint> {
        by_name(&self.endpoints, name, |name| Endpoint::new(&self.name, name))
    }

    /// The bucket of the limiter of this name, which has this rate from now on. Names beyond those that are counted have a bucket each, too.
    pub(crate) fn bucket(&self, name: &str, endpoint: &Endpoint, rate: Rate) -> Arc<Bucket> {
        let bucket = if endpoint.name() == name {
            endpoint.bucket(rate)
        } else {
            let mut uncounted = lock(&self.uncounted_buckets);
            uncounted.entry(name.into()).or_insert_with(|| Arc::new(endpoint.new_bucket(rate))).clone()
        };
        bucket.set_rate(rate, Instant::now());
        bucket
    }

    pub(crate) fn queue(&self, name: &str) -> Arc<QueueState> {
        by_name(&self.queues, name, |name| QueueState::new(&self.name, name))
    }
}

fn by_name<T>(all: &Mutex<BTreeMap<Box<str>, Arc<T>>>, name: &str, make: impl Fn(&str) -> T) -> Arc<T> {
    let mut all = lock(all);
    let name = if all.len() < MOST_NAMES || all.contains_key(name) { name } else { TOO_MANY };
    if let Some(known) = all.get(name) {
        return known.clone();
    }
    let new = Arc::new(make(name));
    all.insert(name.into(), new.clone());
    new
}

/// The share of the total that is done with. `None` where more is done than was expected: then the total was wrong.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(done: u64, total: u64) -> Option<f64> {
    match (done, total) {
        (0, 0) => Some(1.0),
        _ if done <= total => Some(done as f64 / total as f64),
        _ => None,
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("name", &self.name).field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod progress; // the share that is shown
#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn run(name: &str, total: Option<u64>) -> Run {
        Run::new(0, name, "days", total, None)
    }

    pub(super) fn after(run: &Run, seconds: f64) -> Standing {
        let now = run.started + Duration::from_secs_f64(seconds);
        run.read(now);
        run.standing(now)
    }

    #[test]
    fn a_deadline_is_told_from_the_start_and_kept_in_the_snapshot() {
        let run = run("in_time", Some(10));
        assert_eq!(run.deadline(), None);
        let job = crate::Job { run: Arc::new(run), worker: None };
        job.set_deadline(Duration::from_secs(60));
        assert_eq!(job.run.deadline(), Some(Duration::from_secs(60)));
        job.set_deadline_at(job.run.started_at + Duration::from_secs(5));
        assert_eq!(job.run.deadline(), Some(Duration::from_secs(5)));
        job.set_deadline_at(SystemTime::UNIX_EPOCH);
        assert_eq!(job.run.deadline(), Some(Duration::ZERO), "it cannot be kept any more");
    }

    #[test]
    fn what_is_skipped_does_not_count_as_pace() {
        let run = run("resumed", Some(1_100));
        run.count_units(Status::Skipped, 1_000);
        for second in 1..=50 {
            run.count_units(Status::Processed, 1);
            after(&run, f64::from(second));
        }
        let eta = after(&run, 50.0).eta.unwrap().seconds;
        assert!((45.0..55.0).contains(&eta), "{eta}");
    }

    #[test]
    fn a_job_is_stalled_after_five_of_its_longest_pauses() {
        let run = run("stalling", None);
        assert!(!after(&run, 599.0).stalled);
        assert!(after(&run, 601.0).stalled);
        run.count_units(Status::Processed, 1);
        assert!(!after(&run, 602.0).stalled);
        let quick = self::run("quick", None);
        quick.count_units(Status::Processed, 1);
        assert!(!after(&quick, 20.0).stalled); // the longest pause is 20 s
        assert!(!after(&quick, 119.0).stalled);
        assert!(after(&quick, 121.0).stalled);
    }

    #[test]
    fn stalled_after_is_what_was_told() {
        let run = Run::new(0, "told", "days", None, Some(Duration::from_secs(5)));
        assert!(!after(&run, 4.0).stalled);
        assert!(after(&run, 6.0).stalled);
        run.count_units(Status::Processed, 1);
        assert!(!after(&run, 7.0).stalled);
    }

    #[test]
    fn records_follow_the_units_where_they_are_the_unit() {
        let run = Run::new(0, "by_record", "records", None, None);
        run.count_units(Status::Processed, 3);
        run.count_records(Status::Processed, 3);
        assert_eq!(after(&run, 1.0).records.processed, 3);
        let run = self::run("by_day", None);
        run.count_units(Status::Processed, 1);
        run.count_records(Status::Failed, 3);
        assert_eq!(after(&run, 1.0).records, Tally { failed: 3, ..Tally::default() });
    }

    #[test]
    fn a_run_that_was_asked_to_stop_is_interrupted_unless_it_did_all() {
        let cases = [
            (RunResult::Ok, 1, RunResult::Interrupted),
            (RunResult::Ok, 2, RunResult::Ok),
            (RunResult::Error, 2, RunResult::Interrupted),
            (RunResult::Cancelled, 1, RunResult::Interrupted),
            (RunResult::Panic, 1, RunResult::Panic),
        ];
        for (result, done, expected) in cases {
            let run = run("asked", Some(2));
            run.count_units(Status::Processed, done);
            run.cancel.ask();
            assert_eq!(run.end(result, Instant::now()), expected, "{result:?} after {done} of 2");
        }
        let unasked = run("unasked", Some(2));
        assert_eq!(unasked.end(RunResult::Ok, Instant::now()), RunResult::Ok);
    }

    #[test]
    fn names_are_bounded() {
        let run = run("names", None);
        for index in 0..1_000 {
            run.endpoint(&format!("page {index}"));
        }
        assert!(lock(&run.endpoints).len() <= MOST_NAMES + 1);
        assert!(Arc::ptr_eq(&run.endpoint("page 7"), &run.endpoint("page 7")));
    }
}
