//! A job on other threads and in tasks that work for it.

use crate::job::{Job, place};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The job is the current one until this is dropped, also by a panic.
struct Within<'a>(&'a mut Option<Job>);

impl<'a> Within<'a> {
    fn begin(job: &'a mut Option<Job>) -> Within<'a> {
        place::exchange(job);
        Within(job)
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        place::exchange(self.0);
    }
}

impl Job {
    /// Runs `work` for the job on this thread: within, [`Job::current`] is this job, measured calls are its signs of life, and spans say that they are part of it.
    ///
    /// A job is current by itself where its function runs. This is for the threads of a pool, or of one's own.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// fn double(number: &u64) -> u64 {
    ///     Job::current().unwrap().advance(1);
    ///     number * 2
    /// }
    ///
    /// #[backfill_job]
    /// fn double_all(job: &Job, numbers: &[u64]) -> u64 {
    ///     std::thread::scope(|threads| {
    ///         // With rayon: numbers.par_iter().map(|number| job.scope(|| double(number))).sum()
    ///         let halves = numbers.chunks(2).map(|half| threads.spawn(|| job.scope(|| half.iter().map(double).sum::<u64>())));
    ///         halves.collect::<Vec<_>>().into_iter().map(|half| half.join().unwrap()).sum()
    ///     })
    /// }
    /// assert_eq!(double_all(&[1, 2, 3]), 12);
    /// ```
    pub fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let mut job = Some(self.clone());
        let _within = Within::begin(&mut job);
        work()
    }

    /// A future each of whose polls works for the job, as in [`scope`](Job::scope): for tasks that the job spawns.
    ///
    /// ```
    /// # use telemetry::{Job, backfill_job};
    /// # async fn fetch(day: u32) -> u32 { Job::current().unwrap().advance(1); day }
    /// # struct Tasks; impl Tasks { fn spawn<F: Future<Output = u32> + Send + 'static>(&mut self, _: F) {} }
    /// #[backfill_job]
    /// async fn backfill(job: &Job, tasks: &mut Tasks) {
    ///     for day in 0..10 {
    ///         tasks.spawn(job.future(fetch(day))); // tokio::spawn, say
    ///     }
    /// }
    /// # drop(backfill(&mut Tasks));
    /// ```
    ///
    /// # Cancellation
    /// Dropped half-way, nothing is left of it.
    pub fn future<F: Future>(&self, future: F) -> InJob<F> {
        InJob { job: Some(self.clone()), future }
    }
}

pin_project_lite::pin_project! {
    /// A future that works for a job. Made by [`Job::future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InJob<F> {
        // During a poll, the job around it, if any.
        job: Option<Job>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InJob<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _within = Within::begin(this.job);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for InJob<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InJob").field(&self.job).finish()
    }
}
