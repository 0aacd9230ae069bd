//! A running call that is counted and not timed: `#[measured(count)]`. No clock is read, and its callers see its time as their own.

use crate::record::callsite::CallSite;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard;
use crate::record::thread;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A running call. Dropped without [`Counted::end`], the call is one that unwound.
#[must_use]
pub struct Counted {
    site: &'static CallSite,
    /// A call ends on the thread on which it began.
    _thread: PhantomData<*const ()>,
}

/// Counts a call of this site as started. `fallible` tells whether its type can be an error.
pub fn count(site: &'static CallSite, fallible: bool) -> Counted {
    site.learn(fallible);
    start(site);
    Counted { site, _thread: PhantomData }
}

fn start(site: &'static CallSite) {
    thread::with(|thread| shard::site_cell(thread, site.whole()).start());
}

fn end(site: &'static CallSite, outcome: Outcome) {
    thread::with(|thread| shard::site_cell(thread, site).end(outcome, 0));
}

impl Counted {
    /// Ends the call that returned.
    #[inline]
    pub fn end(self, ending: Ending) {
        self.site.learn(ending.fallible);
        end(self.site, ending.outcome);
        mem::forget(self);
    }
}

impl Drop for Counted {
    #[cold]
    fn drop(&mut self) {
        end(self.site, Outcome::Panic);
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counted").field(&self.site).finish()
    }
}

pin_project_lite::pin_project! {
    /// A future that is counted as started at its first poll; dropped after that, as cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct CountedFuture<F> {
        call: Call,
        #[pin]
        future: F,
    }
}

/// Counts a future. Its output comes with what is left to do: to tell how it ended the call.
#[inline]
pub fn counted_future<F: Future>(site: &'static CallSite, fallible: bool, future: F) -> CountedFuture<F> {
    site.learn(fallible);
    CountedFuture { call: Call { site, running: false }, future }
}

/// A call whose future is ready, and whose output nobody has looked at.
#[must_use]
#[derive(Debug)]
pub struct CountedEnd {
    site: &'static CallSite,
}

impl CountedEnd {
    /// Records how the output ended the call.
    #[inline]
    pub fn with(self, ending: Ending) {
        self.site.learn(ending.fallible);
        end(self.site, ending.outcome);
    }
}

/// The call from its first poll on. Its drop tells how it ended if no output did.
struct Call {
    site: &'static CallSite,
    running: bool,
}

impl Call {
    fn end(&mut self, outcome: Outcome) {
        if mem::replace(&mut self.running, false) {
            end(self.site, outcome);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

/// One poll. Dropped without being forgotten, the poll unwound, and the call with it.
struct Step<'a>(&'a mut Call);

impl Drop for Step<'_> {
    #[cold]
    fn drop(&mut self) {
        self.0.end(Outcome::Panic);
    }
}

impl<F: Future> Future for CountedFuture<F> {
    type Output = (F::Output, CountedEnd);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !mem::replace(&mut this.call.running, true) {
            start(this.call.site);
        }
        let step = Step(this.call);
        let poll = this.future.poll(context);
        mem::forget(step);
        let output = ready!(poll);
        this.call.running = false;
        Poll::Ready((output, CountedEnd { site: this.call.site }))
    }
}

impl<F> fmt::Debug for CountedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CountedFuture").field(&self.call.site).finish()
    }
}
