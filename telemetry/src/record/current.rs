//! Work that a call hands to others: credited to its call site where the user asks for it.

use crate::job::{self, Job, within};
use crate::record::callsite::CallSite;
use crate::record::guard::Visit;
use crate::record::isolated::Scope;
use crate::record::shard;
use crate::record::span::{self, Parents};
use crate::record::thread;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The measured function that is running, to be handed to a thread or a task that works for it. Made by [`current()`].
#[derive(Clone)]
pub struct Current {
    site: Option<&'static CallSite>,
    /// Where a test records: [`testing::isolated`](crate::testing::isolated).
    scope: Option<&'static Scope>,
    /// Its span, where somebody makes spans.
    spans: Option<Arc<Parents>>,
    /// The job that it is part of.
    job: Option<Job>,
}

/// The innermost measured function that is running on this thread, if any.
///
/// What a spawned thread or task does is not seen by the call that spawned it. Where it works for that call, hand this over: then what it
/// takes (busy and CPU time, allocations, bytes of I/O) counts as the function's, on whatever thread. It is no further call and has no duration;
/// the function's busy time is then that of all who worked for it, and may exceed its duration. Where calls are spans (`telemetry::trace`), those
/// that begin there are children of the span that runs here. Where it is part of a job, that job is the current one there ([`Job::current`](crate::Job::current)).
///
/// Threads that are waited for borrow it, as here; others are given a clone.
///
/// ```
/// #[telemetry::measured(name = "parse_all")]
/// fn parse_all(pages: &[String]) -> usize {
///     let current = telemetry::current();
///     std::thread::scope(|scope| {
///         let threads: Vec<_> =
///             pages.iter().map(|page| scope.spawn(|| current.scope(|| page.split(' ').count()))).collect();
///         threads.into_iter().map(|thread| thread.join().unwrap()).sum()
///     })
/// }
///
/// assert_eq!(parse_all(&["a b".to_owned(), "c".to_owned()]), 3);
/// ```
#[must_use = "it credits nothing before `scope` or `future`"]
pub fn current() -> Current {
    let spans = if span::is_on() { shared_spans() } else { None };
    let job = job::current();
    thread::with(|thread| Current {
        site: thread.running.get().map(|cell| cell.site),
        scope: thread.scope.get(),
        spans,
        job,
    })
}

#[cold]
#[inline(never)]
fn shared_spans() -> Option<Arc<Parents>> {
    span::running().map(|parents| thread::uncounted(|_| Arc::new(parents)))
}

/// A future that works for the measured function which is running: [`current()`]`.future(future)`.
///
/// ```
/// # async fn fetch(page: u32) -> u32 { page }
/// # struct Tasks; impl Tasks { fn spawn<F: Future<Output = u32> + Send + 'static>(&mut self, _: F) {} }
/// #[telemetry::measured]
/// async fn fetch_all(tasks: &mut Tasks) {
///     for page in 0..10 {
///         tasks.spawn(telemetry::in_current(fetch(page))); // tokio::spawn, say
///     }
/// }
/// # let _ = fetch_all(&mut Tasks);
/// ```
pub fn in_current<F: Future>(future: F) -> InCurrent<F> {
    current().future(future)
}

impl Current {
    /// Runs something on this thread for the function. Without one it just runs.
    pub fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _isolated = self.scope.and_then(Scope::enter_anew);
        let _spans = self.spans.as_deref().map(Parents::resume);
        let mut job = self.job.clone();
        let _job = within(&mut job);
        let Some(site) = self.site else { return work() };
        let mut kept = 0;
        let _credit = Credit::begin(site, &mut kept);
        work()
    }

    /// A future each of whose polls works for the function.
    ///
    /// # Cancellation
    /// Dropped half-way it leaves credited what its polls took.
    pub fn future<F: Future>(&self, future: F) -> InCurrent<F> {
        InCurrent {
            site: self.site,
            scope: self.scope,
            spans: self.spans.clone(),
            job: self.job.clone(),
            kept: 0,
            future,
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Current").field(&self.site).finish()
    }
}

pin_project_lite::pin_project! {
    /// A future that works for a measured function. Made by [`in_current`] and [`Current::future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InCurrent<F> {
        site: Option<&'static CallSite>,
        scope: Option<&'static Scope>,
        spans: Option<Arc<Parents>>,
        // During a poll, the job around it, if any.
        job: Option<Job>,
        // Bytes that the polls so far allocated and did not free.
        kept: i64,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InCurrent<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _isolated = this.scope.and_then(Scope::enter_anew);
        let _spans = this.spans.as_deref().map(Parents::resume);
        let _job = within(this.job);
        let _credit = this.site.map(|site| Credit::begin(site, this.kept));
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for InCurrent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InCurrent").field(&self.site).finish()
    }
}

/// A visit of a site that is no call. Ends when dropped, also by a panic.
struct Credit<'a> {
    visit: Visit,
    kept: &'a mut i64,
}

impl<'a> Credit<'a> {
    fn begin(site: &'static CallSite, kept: &'a mut i64) -> Credit<'a> {
        thread::with(|thread| Credit { visit: Visit::begin(thread, shard::site_cell(thread, site), *kept), kept })
    }
}

impl Drop for Credit<'_> {
    fn drop(&mut self) {
        thread::with(|thread| {
            *self.kept = self.visit.kept_bytes(thread);
            self.visit.end(thread);
        });
    }
}
