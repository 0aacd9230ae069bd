//! A running call that is counted and not timed: `#[measured(count)]`. No clock is read, and its callers see its time as their own.

use crate::record::callsite::CallSite;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard::{self, SiteCell};
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
    /// What [`at_hand`] found.
    cell: Option<&'static SiteCell>,
    /// A call ends on the thread on which it began.
    _thread: PhantomData<*const ()>,
}

/// Counts a call of this site as started. `fallible` tells whether its type can be an error.
#[inline]
pub fn count(site: &'static CallSite, fallible: bool) -> Counted {
    site.learn(fallible);
    Counted { site, cell: start(site), _thread: PhantomData }
}

/// This thread's cell of a site, where it was made and is not that of one label set.
#[inline]
fn at_hand(site: &'static CallSite) -> Option<&'static SiteCell> {
    thread::with(|thread| shard::existing_site_cell(thread, site).filter(|_| !site.is_variant()))
}

#[inline]
fn start(site: &'static CallSite) -> Option<&'static SiteCell> {
    let cell = at_hand(site);
    match cell {
        Some(cell) => cell.start::<false>(),
        None => start_rarely(site),
    }
    cell
}

#[cold]
#[inline(never)]
fn start_rarely(site: &'static CallSite) {
    thread::with(|thread| shard::site_cell(thread, site.whole()).start::<true>());
}

#[inline]
fn end(site: &'static CallSite, cell: Option<&'static SiteCell>, outcome: Outcome) {
    match cell {
        Some(cell) => cell.end_counted(outcome),
        None => end_rarely(site, outcome),
    }
}

#[cold]
#[inline(never)]
fn end_rarely(site: &'static CallSite, outcome: Outcome) {
    thread::with(|thread| shard::site_cell(thread, site).end::<true>(outcome, 0));
}

impl Counted {
    /// Ends the call that returned.
    #[inline]
    pub fn end(self, ending: Ending) {
        self.site.learn(ending.fallible);
        end(self.site, self.cell, ending.outcome);
        mem::forget(self);
    }
}

impl Drop for Counted {
    #[cold]
    fn drop(&mut self) {
        end(self.site, self.cell, Outcome::Panic);
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
    pub struct CountedFuture<F, E> {
        // Before the body, as in a measured future.
        call: Call,
        ending: E,
        #[pin]
        future: F,
    }
}

/// Counts a future. `ending` tells how its output ended the call.
#[inline]
pub fn counted_future<T, F, E>(site: &'static CallSite, fallible: bool, future: F, ending: E) -> CountedFuture<F, E>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    site.learn(fallible);
    CountedFuture { call: Call { site, running: false }, ending, future }
}

/// Counts a future that is in a box, in a box of its own.
#[inline]
pub fn boxed_counted_future<T, F, E>(
    site: &'static CallSite,
    fallible: bool,
    future: F,
    ending: E,
) -> Pin<Box<CountedFuture<F, E>>>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    Box::pin(counted_future(site, fallible, future, ending))
}

/// The call from its first poll on. Its drop tells how it ended if no output did.
struct Call {
    site: &'static CallSite,
    running: bool,
}

impl Call {
    #[inline]
    fn end(&mut self, outcome: Outcome) {
        if mem::replace(&mut self.running, false) {
            end(self.site, at_hand(self.site), outcome);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

/// One poll, and the look at its output. Dropped without being forgotten, one of them unwound, and the call with it.
struct Step<'a>(&'a mut Call);

impl Drop for Step<'_> {
    #[cold]
    fn drop(&mut self) {
        self.0.end(Outcome::Panic);
    }
}

impl<T, F, E> Future for CountedFuture<F, E>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        if !mem::replace(&mut this.call.running, true) {
            start(this.call.site);
        }
        let step = Step(this.call);
        let poll = this.future.poll(context).map(|output| ((this.ending)(&output), output));
        mem::forget(step);
        let (ending, output) = ready!(poll);
        this.call.site.learn(ending.fallible);
        this.call.end(ending.outcome);
        Poll::Ready(output)
    }
}

impl<F, E> fmt::Debug for CountedFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CountedFuture").field(&self.call.site).finish()
    }
}
