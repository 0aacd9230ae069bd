//! One of several who work for a job, watched by itself: one that hangs is seen although the others go on.

use crate::job::Job;
use crate::job::pulse::Pulse;
use crate::sync::{AtomicU64, Mutex, Relaxed};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What is known of a worker.
pub(crate) struct WorkerState {
    pub(crate) id: u64,
    pub(crate) name: Arc<str>,
    /// Signs of life. Where two threads write at once one may be lost, which does not matter: that it changes is all that is asked.
    signs: AtomicU64,
    /// How often it is idle: as often as there are [`Idle`]s.
    idle: AtomicU64,
    pub(crate) pulse: Mutex<Pulse>,
}

impl WorkerState {
    pub(crate) fn new(id: u64, name: &str, at: f64) -> WorkerState {
        WorkerState {
            id,
            name: name.into(),
            signs: AtomicU64::new(0),
            idle: AtomicU64::new(0),
            pulse: Mutex::new(Pulse::begin(at)),
        }
    }

    #[inline]
    pub(crate) fn sign(&self) {
        // Not fetch_add, which is a shared read-modify-write: see `signs`.
        self.signs.store(self.signs.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub(crate) fn signs(&self) -> u64 {
        self.signs.load(Relaxed)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.idle.load(Relaxed) > 0
    }
}

/// A worker of a job, see [`Job::worker`]. Gone when dropped.
///
/// It is a [`Job`] besides: whatever is done by it (`worker.advance(1)`, `worker.request(…)`) is done for the job, and is the worker's sign of life.
/// So is what is done by [`Job::current`] in its [`scope`](Job::scope) or [`future`](Job::future), and every measured call in there.
#[must_use = "a worker is gone when it is dropped, so at once if it is not kept"]
pub struct Worker {
    job: Job,
    state: Arc<WorkerState>,
}

impl Worker {
    pub(crate) fn begin(job: &Job, name: &str) -> Worker {
        let state = job.run.life.hire(name, job.run.seconds_now());
        Worker { job: Job { run: job.run.clone(), worker: Some(state.clone()) }, state }
    }

    /// The worker's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// The worker has nothing to do, until what this returns is dropped: meanwhile it is not expected to give signs of life.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// #[backfill_job]
    /// fn backfill(job: &Job, days: std::sync::mpsc::Receiver<u32>) {
    ///     let worker = job.worker("fetch-1");
    ///     let next = || {
    ///         let _idle = worker.idle();
    ///         days.recv()
    ///     };
    ///     while let Ok(day) = next() {
    ///         // … fetch the day, and then:
    ///         worker.advance(1);
    ///     }
    /// }
    /// # let (sender, days) = std::sync::mpsc::channel();
    /// # drop(sender);
    /// # backfill(days);
    /// ```
    pub fn idle(&self) -> Idle {
        self.state.idle.fetch_add(1, Relaxed);
        Idle { state: self.state.clone() }
    }
}

impl Deref for Worker {
    type Target = Job;

    #[inline]
    fn deref(&self) -> &Job {
        &self.job
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.job.run.life.dismiss(&self.state);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("job", &self.job.run.name).field("name", &self.state.name).finish()
    }
}

/// A worker that has nothing to do, see [`Worker::idle`].
#[must_use = "the worker is idle until this is dropped, so not at all if it is not kept"]
pub struct Idle {
    state: Arc<WorkerState>,
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.state.idle.fetch_sub(1, Relaxed);
        self.state.sign();
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Idle").field(&self.state.name).finish()
    }
}
