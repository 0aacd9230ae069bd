//! A running asynchronous call: measured poll by poll, wherever the task is polled.

use crate::record::ages::Slot;
use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::guard::Visit;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard;
use crate::record::thread;
use std::fmt;
use std::hint::black_box;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project_lite::pin_project! {
    /// A future whose polls are measured. It counts as started at its first poll; dropped after that, as cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct MeasuredFuture<F, E> {
        // Before the body, so that the call has ended when what the body holds is dropped.
        call: Call,
        ending: E,
        #[pin]
        future: F,
    }
}

/// Measures a future's polls. `ending` tells how its output ended the call.
#[inline]
pub fn measured_future<T, F, E>(site: &'static CallSite, fallible: bool, future: F, ending: E) -> MeasuredFuture<F, E>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    site.learn(fallible);
    MeasuredFuture { call: Call { site, state: State::New }, ending, future }
}

/// Measures the polls of a future that is in a box, in a box of its own.
#[inline]
pub fn boxed_future<T, F, E>(
    site: &'static CallSite,
    fallible: bool,
    future: F,
    ending: E,
) -> Pin<Box<MeasuredFuture<F, E>>>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    Box::pin(measured_future(site, fallible, future, ending))
}

/// A call whose future is ready. Dropped before its output is looked at, what looks at it unwound, and the call with it.
struct Ended {
    site: &'static CallSite,
    ticks: u64,
}

impl Ended {
    /// Records how the output ended the call.
    #[inline]
    fn with(self, ending: Ending) {
        self.record(ending);
        mem::forget(self);
    }

    fn record(&self, ending: Ending) {
        self.site.learn(ending.fallible);
        let cell = thread::with(|thread| shard::site_cell(thread, self.site.whole()));
        self.site.end(cell, ending.outcome, self.ticks);
    }
}

impl Drop for Ended {
    #[cold]
    fn drop(&mut self) {
        self.record(Ending { outcome: Outcome::Panic, fallible: false });
    }
}

/// The call from its first poll on. Its drop tells how it ended if no output did.
struct Call {
    site: &'static CallSite,
    state: State,
}

enum State {
    New,
    Running {
        start: u64,
        /// Bytes that the polls so far allocated and did not free.
        kept: i64,
        /// Where it is counted as waiting, from the first time on.
        waits: Option<&'static Slot>,
    },
    Ended,
}

impl Call {
    /// Takes the call out of its state: what ends it besides does nothing.
    fn ended(&mut self, now: u64) -> Option<Ended> {
        match mem::replace(&mut self.state, State::Ended) {
            State::Running { start, waits, .. } => {
                if let Some(slot) = waits {
                    waited(self.site, slot);
                }
                Some(Ended { site: self.site, ticks: now.saturating_sub(start) })
            }
            State::New | State::Ended => None,
        }
    }

    /// Its poll was pending.
    #[inline]
    fn wait(&mut self) {
        if let State::Running { start, waits: waits @ None, .. } = &mut self.state {
            *waits = waits_since(self.site, *start);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        // The clock is not read where nothing ends.
        if !matches!(self.state, State::Running { .. }) {
            return;
        }
        if let Some(ended) = self.ended(clock::now()) {
            ended.with(Ending { outcome, fallible: false });
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

/// Counts a call as waiting. Not inline: few of a call's polls come here, and none of a call that never waits.
#[inline(never)]
fn waits_since(site: &'static CallSite, start: u64) -> Option<&'static Slot> {
    thread::with(|thread| shard::site_cell(thread, site.whole()).suspend(start))
}

/// Counts a call as one that waits no more.
#[inline(never)]
fn waited(site: &'static CallSite, slot: &'static Slot) {
    thread::with(|thread| shard::site_cell(thread, site.whole()).ages.end(slot));
}

/// One poll. Dropped rather than forgotten, the poll unwound, and the call with it.
struct Step<'a> {
    call: &'a mut Call,
    visit: Visit,
}

impl<'a> Step<'a> {
    fn begin(call: &'a mut Call) -> Step<'a> {
        thread::with(|thread| {
            let cell = shard::site_cell(thread, call.site.whole());
            cell.poll();
            let kept = match call.state {
                State::Running { kept, .. } => kept,
                State::New | State::Ended => 0,
            };
            let visit = Visit::begin(thread, cell, kept);
            if let State::New = call.state {
                cell.start();
                call.state = State::Running { start: visit.start(), kept, waits: None };
            }
            Step { call, visit }
        })
    }

    /// The poll has returned, or unwound; says when. To be forgotten if it returned.
    fn leave(&mut self) -> u64 {
        thread::with(|thread| {
            let kept_bytes = self.visit.kept_bytes(thread);
            let ticks = self.visit.end(thread);
            if let State::Running { kept, .. } = &mut self.call.state {
                *kept = kept_bytes;
            }
            self.visit.start().wrapping_add(ticks)
        })
    }
}

impl Drop for Step<'_> {
    #[cold]
    fn drop(&mut self) {
        self.leave();
        self.call.end(Outcome::Panic);
    }
}

impl<T, F, E> Future for MeasuredFuture<F, E>
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        let mut step = Step::begin(this.call);
        // Not to be computed after the clock was read, as what has no side effects might be.
        let poll = black_box(this.future.poll(context));
        let now = step.leave();
        mem::forget(step);
        let Poll::Ready(output) = poll else {
            this.call.wait();
            return Poll::Pending;
        };
        let site = this.call.site;
        // A call without a start is one that was polled after it had ended, which no executor does.
        let ended = this.call.ended(now).unwrap_or_else(|| Ended { site, ticks: 0 });
        ended.with((this.ending)(&output));
        Poll::Ready(output)
    }
}

impl<F, E> fmt::Debug for MeasuredFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeasuredFuture").field(&self.call.site).finish()
    }
}
