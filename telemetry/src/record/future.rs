//! A running asynchronous call: measured poll by poll, wherever the task is polled.

use crate::record::ages::Slot;
use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::guard::Visit;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard::{self, SiteCell};
use crate::record::span::{self, Made, Slot as SpanSlot};
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
    MeasuredFuture { call: Call::new(site, fallible), ending, future }
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
    /// The cell of this thread, on which it became ready.
    cell: &'static SiteCell,
    span: SpanSlot<Made>,
    ticks: u64,
}

impl Ended {
    /// Records how the output ended the call. It is to be forgotten after that.
    // Not inline: each measured function would have it.
    #[inline(never)]
    fn record(&mut self, ending: Ending) {
        if self.span.is_some() {
            return self.record_rarely(ending);
        }
        self.site.learn(ending.fallible);
        self.site.end(self.cell, ending.outcome, self.ticks);
    }

    #[cold]
    #[inline(never)]
    fn record_rarely(&mut self, ending: Ending) {
        self.site.learn(ending.fallible);
        // Within the span, which an exemplar asks for.
        self.site.end(self.cell, ending.outcome, self.ticks);
        self.span.finish(ending.outcome);
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
    /// Its spans, where somebody makes them.
    span: SpanSlot<Made>,
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
    #[inline]
    fn new(site: &'static CallSite, fallible: bool) -> Call {
        site.learn(fallible);
        let span = if span::is_on() { span::made() } else { SpanSlot::EMPTY };
        Call { site, span, state: State::New }
    }

    /// Takes the call out of its state, so that what ends it besides does nothing. Says how long it took until `now`.
    #[inline]
    fn ended(&mut self, cell: &'static SiteCell, now: u64) -> Ended {
        let mut ticks = 0;
        // A call without a start is one that was polled after it had ended, which no executor does.
        if let State::Running { start, waits, .. } = mem::replace(&mut self.state, State::Ended) {
            ticks = now.saturating_sub(start);
            if let Some(slot) = waits {
                cell.ages.end(slot);
            }
        }
        Ended { site: self.site, cell, span: mem::replace(&mut self.span, SpanSlot::EMPTY), ticks }
    }

    /// Bytes that its polls so far kept.
    #[inline]
    fn kept(&self) -> i64 {
        if let State::Running { kept, .. } = self.state { kept } else { 0 }
    }

    /// Its poll was pending.
    #[inline]
    fn wait(&mut self) {
        if let State::Running { start, waits: waits @ None, .. } = &mut self.state {
            *waits = waits_since(self.site, *start);
        }
    }

    #[inline]
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// It is dropped before its end.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) {
        match self.state {
            State::Running { .. } => self.end(Outcome::Cancelled),
            _ if self.span.is_some() => span::forget_made(&mut self.span),
            _ => {}
        }
    }

    /// Ends a call that has no output.
    #[cold]
    #[inline(never)]
    fn end(&mut self, outcome: Outcome) {
        if self.is_running() {
            let cell = thread::with(|thread| shard::site_cell(thread, self.site.whole()));
            let mut ended = self.ended(cell, clock::now());
            ended.record(Ending { outcome, fallible: false });
            mem::forget(ended);
        }
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.state, State::Ended) {
            self.give_up();
        }
    }
}

/// Counts a call as waiting. Not inline: few of a call's polls come here, and none of a call that never waits.
#[inline(never)]
fn waits_since(site: &'static CallSite, start: u64) -> Option<&'static Slot> {
    thread::with(|thread| shard::site_cell(thread, site.whole()).suspend(start))
}

/// One poll. Dropped rather than forgotten, the poll unwound, and the call with it.
struct Step<'a> {
    call: &'a mut Call,
    visit: Visit,
}

impl<'a> Step<'a> {
    fn begin(call: &'a mut Call) -> Step<'a> {
        thread::with(|thread| {
            let first = |cell: &SiteCell| cell.poll::<false>();
            match Visit::begin_plainly(thread, call.site, call.kept(), first) {
                Some(visit) => Step::with::<false>(call, visit),
                None => Step::begin_rarely(call),
            }
        })
    }

    #[cold]
    #[inline(never)]
    fn begin_rarely(call: &'a mut Call) -> Step<'a> {
        thread::with(|thread| {
            let cell = shard::site_cell(thread, call.site.whole());
            if span::is_on() {
                let is_first = matches!(call.state, State::New);
                call.span.enter(thread, call.site, is_first);
            }
            cell.poll::<true>();
            let visit = Visit::begin(thread, cell, call.kept());
            Step::with::<true>(call, visit)
        })
    }

    #[inline]
    fn with<const RARE: bool>(call: &'a mut Call, visit: Visit) -> Step<'a> {
        if let State::New = call.state {
            visit.cell().start::<RARE>();
            call.state = State::Running { start: visit.start(), kept: 0, waits: None };
        }
        Step { call, visit }
    }

    /// The poll has returned, or unwound; says when.
    #[inline]
    fn leave(&mut self, is_pending: bool) -> u64 {
        thread::with(|thread| {
            if let State::Running { kept, .. } = &mut self.call.state {
                *kept = self.visit.kept_bytes(thread);
            }
            let ticks = self.visit.end_plainly(thread).unwrap_or_else(|| self.leave_rarely(is_pending));
            self.visit.start().wrapping_add(ticks)
        })
    }

    #[cold]
    #[inline(never)]
    fn leave_rarely(&mut self, is_pending: bool) -> u64 {
        thread::with(|thread| {
            let Some(running) = self.call.span.running() else { return self.visit.end(thread) };
            let ticks = running.stop(thread, &self.visit, || self.visit.end(thread));
            // Else it is left when it has ended.
            if is_pending {
                running.leave(thread);
            }
            ticks
        })
    }

    // These two are not given the step itself, which would be copied in each measured future; it is forgotten after them.

    /// The poll has returned an output.
    fn leave_ready(&mut self) -> Ended {
        let now = self.leave(false);
        self.call.ended(self.visit.cell(), now)
    }

    /// The poll has returned without one.
    fn leave_pending(&mut self) {
        self.leave(true);
        self.call.wait();
    }
}

impl Drop for Step<'_> {
    #[cold]
    fn drop(&mut self) {
        self.leave(false);
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
        let Poll::Ready(output) = black_box(this.future.poll(context)) else {
            step.leave_pending();
            mem::forget(step);
            return Poll::Pending;
        };
        let mut ended = step.leave_ready();
        mem::forget(step);
        // Recorded where it is: to be moved into a function it would be copied.
        ended.record((this.ending)(&output));
        mem::forget(ended);
        Poll::Ready(output)
    }
}

impl<F, E> fmt::Debug for MeasuredFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeasuredFuture").field(&self.call.site).finish()
    }
}
