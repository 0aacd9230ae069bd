//! A job on other threads and in tasks that work for it.

use crate::job::{Job, place};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Makes a job the current one, if there is one, until what is returned is dropped.
pub(crate) fn within(job: &mut Option<Job>) -> Option<Within<'_>> {
    job.is_some().then(|| Within::begin(job))
}

/// The job is the current one until this is dropped, also by a panic.
pub(crate) struct Within<'a>(&'a mut Option<Job>);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::run::Run;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Waker;
    use std::thread;

    fn job(name: &str) -> Job {
        Job::of(Run::new(0, name, "days", None, None))
    }

    fn current() -> Option<String> {
        Job::current().map(|job| job.name().to_owned())
    }

    #[test]
    fn what_is_handed_over_works_for_the_job() {
        let outer = job("handed_over");
        let (handed, mut task) = outer.scope(|| (crate::current(), Box::pin(crate::in_current(async { current() }))));
        thread::scope(|threads| {
            let seen = threads.spawn(|| handed.scope(current)).join().unwrap();
            assert_eq!(seen.as_deref(), Some("handed_over"));
        });
        let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(Some("handed_over".to_owned())));
        assert_eq!(current(), None);
        assert_eq!(job("inner").scope(crate::current).scope(current).as_deref(), Some("inner"));
    }

    #[test]
    fn a_job_is_the_current_one_within_its_scope_and_where_that_is_handed_to() {
        let (outer, inner) = (job("outer"), job("inner"));
        assert_eq!(current(), None);
        outer.scope(|| {
            assert_eq!(current().as_deref(), Some("outer"));
            assert_eq!(inner.scope(current).as_deref(), Some("inner"));
            assert_eq!(current().as_deref(), Some("outer"), "the inner one has left");
            thread::scope(|threads| {
                assert_eq!(threads.spawn(current).join().unwrap(), None, "nobody handed it over");
                assert_eq!(threads.spawn(|| outer.scope(current)).join().unwrap().as_deref(), Some("outer"));
            });
        });
        assert_eq!(current(), None);
    }

    #[test]
    fn a_panic_leaves_the_job_that_was_the_current_one() {
        let (outer, inner) = (job("outer"), job("inner"));
        outer.scope(|| {
            let panics = || inner.scope(|| std::panic::resume_unwind(Box::new(())));
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            assert_eq!(current().as_deref(), Some("outer"));
        });
    }

    #[test]
    fn futures_of_two_jobs_take_turns_on_a_thread() {
        let mut context = Context::from_waker(Waker::noop());
        let future = |name| {
            let mut polls = 0;
            let asked = std::future::poll_fn(move |_| {
                polls += 1;
                if polls < 3 { Poll::Pending } else { Poll::Ready(current()) }
            });
            Box::pin(job(name).future(asked))
        };
        let (mut one, mut two) = (future("one"), future("two"));
        for _ in 0..2 {
            assert!(one.as_mut().poll(&mut context).is_pending());
            assert!(two.as_mut().poll(&mut context).is_pending());
            assert_eq!(current(), None);
        }
        // On another thread as well.
        let ended = thread::scope(|threads| {
            let poll = || one.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            threads.spawn(poll).join().unwrap()
        });
        assert_eq!(ended, Poll::Ready(Some("one".to_owned())));
        assert_eq!(two.as_mut().poll(&mut context), Poll::Ready(Some("two".to_owned())));
    }

    #[test]
    fn a_worker_is_the_current_job_within_its_scope() {
        let job = job("has_worker");
        let worker = job.worker("load-1");
        worker.scope(|| Job::current().unwrap().advance(1));
        let state = worker.worker.as_ref().unwrap();
        assert_eq!(state.signs(), 1);
        assert_eq!(job.run.life.workers(0.0, None).len(), 1);
        drop(worker);
        assert_eq!(job.run.life.workers(0.0, None), []);
    }
}
