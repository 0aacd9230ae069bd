//! A running call or poll.

use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard::{self, SiteCell, TRACKING, Used};
use crate::record::thread::{self, Thread};
use crate::sync::Relaxed;
use std::marker::PhantomData;
use std::mem;

/// What was read of a thread when a call or a poll began on it. The caller's sums are kept here meanwhile.
pub(crate) struct Visit {
    cell: &'static SiteCell,
    start: u64,
    caller_ticks: u64,
    memory: Option<Memory>,
}

struct Memory {
    bytes: u64,
    allocations: u64,
    live: i64,
    caller_peak: i64,
    caller_bytes: u64,
    kept: i64,
}

impl Visit {
    /// Begins on the calling thread, after earlier polls of the call that kept `kept` bytes. The clock is read last but for one store.
    #[inline]
    pub(crate) fn begin(thread: &Thread, cell: &'static SiteCell, kept: i64) -> Visit {
        let outermost = cell.descend();
        let caller_ticks = thread.callee_ticks.replace(0);
        let memory = TRACKING.load(Relaxed).then(|| {
            let live = thread.live_bytes.get();
            Memory {
                bytes: thread.allocated_bytes.get(),
                allocations: thread.allocations.get(),
                live,
                caller_peak: thread.peak_bytes.replace(live),
                caller_bytes: thread.callee_bytes.replace(0),
                kept,
            }
        });
        let start = clock::now();
        if outermost {
            cell.ages.enter(start);
        }
        Visit { cell, caller_ticks, memory, start }
    }

    /// Ends on the thread on which it began. The clock is read first.
    #[inline]
    pub(crate) fn end(&self, thread: &Thread) -> Used {
        // A clock that stepped back gives a call no time rather than all time.
        let ticks = clock::now().saturating_sub(self.start);
        let own_ticks = ticks.saturating_sub(thread.callee_ticks.replace(self.caller_ticks.wrapping_add(ticks)));
        let mut used = Used { ticks, own_ticks, ..Used::default() };
        if let Some(memory) = &self.memory {
            let peak = thread.peak_bytes.get();
            thread.peak_bytes.set(peak.max(memory.caller_peak));
            used.peak_bytes = peak - memory.live + memory.kept;
            used.bytes = thread.allocated_bytes.get().wrapping_sub(memory.bytes);
            used.allocations = thread.allocations.get().wrapping_sub(memory.allocations);
            let callees = thread.callee_bytes.replace(memory.caller_bytes.wrapping_add(used.bytes));
            used.own_bytes = used.bytes.saturating_sub(callees);
        }
        self.cell.ascend(&used);
        used
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// What the call allocated and did not free, earlier polls included.
    pub(crate) fn kept_bytes(&self, thread: &Thread) -> i64 {
        self.memory.as_ref().map_or(0, |memory| memory.kept + thread.live_bytes.get() - memory.live)
    }
}

/// A running call of a measured function. Dropped without [`Guard::end`], the call is one that unwound.
#[must_use]
pub struct Guard {
    site: &'static CallSite,
    visit: Visit,
    /// For a trace span; none unless a tracer is set up.
    _span: Option<&'static ()>,
    /// A call ends on the thread on which it began.
    _thread: PhantomData<*const ()>,
}

/// Counts a call of this site as started, and starts its clock. `fallible` tells whether its type can be an error.
pub fn enter(site: &'static CallSite, fallible: bool) -> Guard {
    site.learn(fallible);
    thread::with(|thread| {
        let cell = shard::site_cell(thread, site.whole());
        cell.start();
        Guard { site, visit: Visit::begin(thread, cell, 0), _span: None, _thread: PhantomData }
    })
}

impl Guard {
    /// Ends the call that returned.
    #[inline]
    pub fn end(self, ending: Ending) {
        self.site.learn(ending.fallible);
        self.finish(ending.outcome);
        mem::forget(self);
    }

    fn finish(&self, outcome: Outcome) {
        let used = thread::with(|thread| self.visit.end(thread));
        self.site.end(self.visit.cell, outcome, used.ticks);
    }
}

impl Drop for Guard {
    #[cold]
    fn drop(&mut self) {
        self.finish(Outcome::Panic);
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guard").field(&self.site).finish()
    }
}
