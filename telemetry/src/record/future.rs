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
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project_lite::pin_project! {
    /// A future whose polls are measured. It counts as started at its first poll; dropped after that, as cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct MeasuredFuture<F> {
        call: Call,
        #[pin]
        future: F,
    }
}

/// Measures a future's polls. Its output comes with what is left to do: to tell how it ended the call.
#[inline]
pub fn measured_future<F: Future>(site: &'static CallSite, fallible: bool, future: F) -> MeasuredFuture<F> {
    site.learn(fallible);
    MeasuredFuture { call: Call { site, state: State::New }, future }
}

/// A call whose future is ready, and whose output nobody has looked at.
#[must_use]
#[derive(Debug)]
pub struct Ended {
    site: &'static CallSite,
    ticks: u64,
}

impl Ended {
    /// Records how the output ended the call.
    #[inline]
    pub fn with(self, ending: Ending) {
        self.site.learn(ending.fallible);
        let cell = thread::with(|thread| shard::site_cell(thread, self.site.whole()));
        self.site.end(cell, ending.outcome, self.ticks);
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
        match std::mem::replace(&mut self.state, State::Ended) {
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
        if let State::Running { .. } = self.state
            && let Some(ended) = self.ended(clock::now())
        {
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

impl<F: Future> Future for MeasuredFuture<F> {
    type Output = (F::Output, Ended);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut step = Step::begin(this.call);
        // Not to be computed after the clock was read, as what has no side effects might be.
        let poll = black_box(this.future.poll(context));
        let now = step.leave();
        std::mem::forget(step);
        let Poll::Ready(output) = poll else {
            this.call.wait();
            return Poll::Pending;
        };
        let site = this.call.site;
        // A call without a start is one that was polled after it had ended, which no executor does.
        let ended = this.call.ended(now).unwrap_or(Ended { site, ticks: 0 });
        Poll::Ready((output, ended))
    }
}

impl<F> fmt::Debug for MeasuredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeasuredFuture").field(&self.call.site).finish()
    }
}
