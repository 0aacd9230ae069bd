//! A call that is entered and left by others, and the spans that makers made of it.

use crate::record::ages::Slot;
use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::outcome::Outcome;
use crate::record::shard::{self, TRACKING};
use crate::record::span::{self, End, Entered, Span};
use crate::record::thread;
use crate::sync::{Acquire, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Mutex, Relaxed, lock};
use std::ptr;

/// A call that begins when it is entered first and ends when it is closed, on whatever threads.
pub(crate) struct Call {
    pub(super) site: &'static CallSite,
    /// When it was entered first, in ticks; 0 before.
    pub(super) start: AtomicU64,
    /// Bytes that its visits so far allocated and did not free.
    pub(super) kept: AtomicI64,
    /// Where it is counted as waiting, from the first time that it was left; null before.
    pub(super) waits: AtomicPtr<Slot>,
    /// Whether a thread's visit of it is under way.
    pub(super) visited: AtomicBool,
    pub(super) closed: AtomicBool,
    /// The worst that was seen of it: an [`Outcome`] below `Cancelled`.
    outcome: AtomicU32,
    spans: Option<Box<Spans>>,
}

/// The spans that other makers made of a call, and what they will be told at its end.
struct Spans {
    running: Mutex<Vec<Box<dyn Span>>>,
    /// When they began, in ticks: with the span itself, which may be entered later.
    start: u64,
    busy_ticks: AtomicU64,
    allocated_bytes: AtomicU64,
    allocations: AtomicU64,
}

/// Asks makers for something, and none of them while one is at work: what it does may itself be spans and events of `tracing`, of which it would be
/// told without end.
pub(crate) fn ask<R>(makers: impl FnOnce() -> R) -> Option<R> {
    thread::with(|thread| span::making(thread, makers))
}

/// Leaves what [`Call::enter_spans`] entered, the last one first.
pub(crate) fn leave_spans(entered: Vec<Entered>) {
    if !entered.is_empty() {
        ask(|| entered.into_iter().rev().for_each(drop));
    }
}

impl Call {
    /// A call that nobody has entered, with the spans that other makers made of it at `now`.
    pub(crate) fn new(site: &'static CallSite, spans: Vec<Box<dyn Span>>, now: u64) -> Call {
        let spans = (!spans.is_empty()).then(|| {
            Box::new(Spans {
                running: Mutex::new(spans),
                start: now,
                busy_ticks: AtomicU64::new(0),
                allocated_bytes: AtomicU64::new(0),
                allocations: AtomicU64::new(0),
            })
        });
        Call {
            site,
            start: AtomicU64::new(0),
            kept: AtomicI64::new(0),
            waits: AtomicPtr::new(ptr::null_mut()),
            visited: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            outcome: AtomicU32::new(Outcome::Ok as u32),
            spans,
        }
    }

    pub(super) fn waits(&self) -> Option<&'static Slot> {
        // SAFETY: null, or a leaked slot.
        unsafe { self.waits.load(Acquire).as_ref() }
    }

    /// It went wrong.
    pub(crate) fn fail(&self, outcome: Outcome) {
        self.outcome.fetch_max(outcome as u32, Relaxed);
    }

    fn outcome(&self) -> Outcome {
        match self.outcome.load(Relaxed) {
            0 => Outcome::Ok,
            1 => Outcome::Error,
            _ => Outcome::Panic,
        }
    }

    /// Does something with the spans that others made of it, if any.
    pub(crate) fn with_spans(&self, f: impl FnMut(&mut Box<dyn Span>)) {
        if let Some(spans) = &self.spans {
            ask(|| lock(&spans.running).iter_mut().for_each(f));
        }
    }

    /// The same with those that somebody will see.
    pub(crate) fn with_recorded(&self, mut f: impl FnMut(&mut Box<dyn Span>)) {
        self.with_spans(|span| {
            if span.is_recorded() {
                f(span);
            }
        });
    }

    pub(super) fn has_spans(&self) -> bool {
        self.spans.is_some()
    }

    /// What runs on this thread, until what is returned is dropped.
    pub(crate) fn enter_spans(&self) -> Vec<Entered> {
        let mut entered = Vec::new();
        self.with_spans(|span| entered.push(span.enter()));
        entered
    }

    /// Ends it, on whatever thread. Not entered before, it is no call.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Relaxed) {
            return;
        }
        let now = clock::now();
        let start = self.start.load(Acquire);
        if start != 0 {
            // So that an exemplar is of this trace.
            let entered = self.enter_spans();
            let outcome = self.outcome();
            self.site.learn(outcome == Outcome::Error);
            let cell = thread::with(|thread| shard::site_cell(thread, self.site));
            if let Some(slot) = self.waits() {
                cell.ages.end(slot);
            }
            self.site.end(cell, outcome, now.saturating_sub(start));
            leave_spans(entered);
        }
        self.end_spans(now);
    }

    fn end_spans(&self, now: u64) {
        let Some(spans) = &self.spans else { return };
        let tracking = TRACKING.load(Relaxed);
        let end = End {
            outcome: self.outcome(),
            ticks: now.saturating_sub(spans.start),
            busy_ticks: spans.busy_ticks.load(Relaxed),
            allocated_bytes: tracking.then(|| spans.allocated_bytes.load(Relaxed)),
            allocations: tracking.then(|| spans.allocations.load(Relaxed)),
            cpu_seconds: None,
            read_bytes: None,
            written_bytes: None,
        };
        let ended = std::mem::take(&mut *lock(&spans.running));
        ask(|| ended.into_iter().for_each(|span| span.end(&end)));
    }

    /// Counts for the spans what a visit used.
    pub(super) fn spend(&self, ticks: u64, (bytes, allocations): (u64, u64)) {
        if let Some(spans) = &self.spans {
            spans.busy_ticks.fetch_add(ticks, Relaxed);
            spans.allocated_bytes.fetch_add(bytes, Relaxed);
            spans.allocations.fetch_add(allocations, Relaxed);
        }
    }
}
