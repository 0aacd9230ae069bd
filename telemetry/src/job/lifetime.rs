//! From the start of a run to its end: what `#[backfill_job]` calls on each side of a function's body.

use crate::job::count::Total;
use crate::job::life::Life;
use crate::job::run::{RECORDS, Run, RunResult};
use crate::job::{Job, place, runs};
use crate::record::span::Work;
use crate::record::{CallSite, Ending, Outcome};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What the attribute was told.
#[derive(Debug)]
pub struct JobSpec {
    name: &'static str,
    unit: &'static str,
    stalled_after: Option<Duration>,
    deadline: Option<Duration>,
    /// For its span.
    site: CallSite,
}

impl JobSpec {
    /// `stalled_after_millis` and `deadline_millis` are 0 where they were not told.
    #[must_use]
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        stalled_after_millis: u64,
        deadline_millis: u64,
        site: CallSite,
    ) -> JobSpec {
        JobSpec { name, unit, stalled_after: told(stalled_after_millis), deadline: told(deadline_millis), site }
    }

    /// The value of the label `job_name`.
    #[cfg(not(telemetry_off))]
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether its units are its records.
    #[cfg(not(telemetry_off))]
    pub(crate) fn counts_records(&self) -> bool {
        self.unit == RECORDS
    }

    /// Where its function stands.
    #[cfg(not(telemetry_off))]
    pub(crate) fn location(&self) -> (&'static str, u32) {
        self.site.location()
    }
}

const fn told(millis: u64) -> Option<Duration> {
    if millis == 0 { None } else { Some(Duration::from_millis(millis)) }
}

/// Starts a run. Its end is to be told by [`enter_job`]'s guard or by [`job_future`].
#[must_use]
pub fn start_job(spec: &JobSpec) -> Job {
    let life = Life::within(place::current());
    life.sign_outside();
    let new = |id| Run::new(id, spec.name, spec.unit, None, spec.stalled_after).living(life);
    let job = Job { run: runs::begin(new), worker: None };
    if let Some(deadline) = spec.deadline {
        job.set_deadline(deadline);
    }
    #[cfg(all(feature = "grafana", not(telemetry_off)))]
    crate::grafana::runs::begun(&job.run);
    job
}

/// Takes the value of the argument `total`.
pub fn expect_units(job: &Job, total: impl Total) {
    if let Some(total) = total.total() {
        job.run.set_total(total);
    }
}

fn finish(job: &Job, outcome: Outcome) {
    let result = match outcome {
        Outcome::Ok => RunResult::Ok,
        Outcome::Error => RunResult::Error,
        Outcome::Panic => RunResult::Panic,
        Outcome::Cancelled => RunResult::Cancelled,
    };
    if job.is_cancelled() {
        job.run.cancel.ask();
    }
    let _result = job.run.end(result, Instant::now());
    #[cfg(feature = "resume")]
    job.run.state.end(job.name(), _result);
    #[cfg(all(feature = "grafana", not(telemetry_off)))]
    crate::grafana::runs::ended(&job.run, _result);
    job.run.life.sign_outside();
    runs::end(&job.run);
}

/// A run of a synchronous function, on its thread. Dropped without [`JobGuard::end`], it is one that unwound.
#[must_use]
pub struct JobGuard {
    /// None once it has ended.
    job: Option<Job>,
    outer: Option<Job>,
    span: Work,
    /// The current job is the thread's.
    _thread: PhantomData<*const ()>,
}

/// Makes the job the thread's current one until the guard's end.
pub fn enter_job(job: &Job, spec: &'static JobSpec) -> JobGuard {
    let mut outer = Some(job.clone());
    place::exchange(&mut outer);
    let mut span = Work::begin(&spec.site);
    span.enter();
    JobGuard { job: Some(job.clone()), outer, span, _thread: PhantomData }
}

impl JobGuard {
    /// Ends the run whose function returned.
    pub fn end(mut self, ending: Ending) {
        self.leave(ending.outcome);
    }

    fn leave(&mut self, outcome: Outcome) {
        if let Some(job) = self.job.take() {
            place::exchange(&mut self.outer);
            self.span.end(outcome);
            finish(&job, outcome);
        }
    }
}

impl Drop for JobGuard {
    #[cold]
    fn drop(&mut self) {
        self.leave(Outcome::Panic);
    }
}

pin_project_lite::pin_project! {
    /// A run of an asynchronous function. Dropped before its end, the run was cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct JobFuture<F> {
        // Before the body, so that the run has ended when what the body holds is dropped.
        call: Call,
        #[pin]
        future: F,
    }
}

/// Makes the job the current one of whatever thread polls the future, for the time of each poll.
#[inline]
pub fn job_future<F: Future>(job: Job, spec: &'static JobSpec, future: F) -> JobFuture<F> {
    JobFuture { call: Call { running: Some(job), spec: Some(spec), span: Work::NONE }, future }
}

struct Call {
    /// The job; during a poll, the job around it, if any; none after the end.
    running: Option<Job>,
    /// Until the first poll.
    spec: Option<&'static JobSpec>,
    span: Work,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.span.end(Outcome::Cancelled);
        if let Some(job) = self.running.take() {
            finish(&job, Outcome::Cancelled);
        }
    }
}

/// One poll. Dropped before the poll has returned, it unwound, and the run with it.
struct Step<'a> {
    call: &'a mut Call,
    returned: bool,
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        place::exchange(&mut self.call.running);
        if self.returned {
            return;
        }
        self.call.span.end(Outcome::Panic);
        if let Some(job) = self.call.running.take() {
            finish(&job, Outcome::Panic);
        }
    }
}

/// A run whose future is ready, and whose output nobody has looked at.
#[must_use]
pub struct JobEnded {
    job: Option<Job>,
    /// It is left when it is known how the run ended.
    span: Work,
}

impl JobEnded {
    /// Records how the output ended the run.
    pub fn with(mut self, ending: Ending) {
        self.span.end(ending.outcome);
        if let Some(job) = self.job.take() {
            finish(&job, ending.outcome);
        }
    }
}

impl<F: Future> Future for JobFuture<F> {
    type Output = (F::Output, JobEnded);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let poll = {
            place::exchange(&mut this.call.running);
            if let Some(spec) = this.call.spec.take() {
                this.call.span = Work::begin(&spec.site);
            }
            this.call.span.enter();
            let mut step = Step { call: this.call, returned: false };
            let poll = this.future.poll(context);
            step.returned = true;
            if poll.is_pending() {
                step.call.span.leave();
            }
            poll
        };
        let output = ready!(poll);
        let span = std::mem::replace(&mut this.call.span, Work::NONE);
        Poll::Ready((output, JobEnded { job: this.call.running.take(), span }))
    }
}

impl fmt::Debug for JobGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobGuard").field(&self.job).finish()
    }
}

impl<F> fmt::Debug for JobFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobFuture").field(&self.call.running).finish()
    }
}

impl fmt::Debug for JobEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobEnded").field(&self.job).finish()
    }
}
