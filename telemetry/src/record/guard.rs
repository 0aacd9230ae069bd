//! A running call or poll.

use crate::record::callsite::CallSite;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard::{self, SiteCell, TRACKING, Used};
use crate::record::thread::{self, Thread};
use crate::record::{clock, dropped, probe};
use crate::sync::{Relaxed, unforked};
use std::hint::black_box;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;

/// What was read of a thread when a call or a poll began on it. The caller's sums are kept here meanwhile.
pub(crate) struct Visit {
    cell: &'static SiteCell,
    start: u64,
    caller: Option<&'static SiteCell>,
    caller_ticks: u64,
    memory: Option<Memory>,
    /// Whether probes read something at the start.
    is_read: bool,
}

struct Memory {
    bytes: u64,
    allocations: u64,
    /// The thread's live bytes, less what earlier polls of the call kept.
    base: i64,
    caller_peak: i64,
    caller_bytes: u64,
}

impl Visit {
    /// Begins on the calling thread, after earlier polls of the call that kept `kept` bytes. The clock is read last but for one store.
    #[inline]
    pub(crate) fn begin(thread: &Thread, cell: &'static SiteCell, kept: i64) -> Visit {
        let outermost = cell.descend();
        let caller = thread.running.replace(Some(cell));
        let mut caller_ticks = thread.callee_ticks.replace(0);
        let memory = TRACKING.load(Relaxed).then(|| {
            let live = thread.live_bytes.get();
            Memory {
                bytes: thread.allocated_bytes.get(),
                allocations: thread.allocations.get(),
                base: live - kept,
                caller_peak: thread.peak_bytes.replace(live),
                caller_bytes: thread.callee_bytes.replace(0),
            }
        });
        let mut is_read = false;
        if cell.is_due() {
            let ticks;
            (is_read, ticks) = probe::begin(thread, cell);
            // What was spent on reading is not the caller's own time.
            caller_ticks = caller_ticks.wrapping_add(ticks);
        }
        let start = clock::now();
        if outermost {
            cell.ages.enter(start);
        }
        Visit { cell, caller, caller_ticks, memory, is_read, start }
    }

    /// Ends on the thread on which it began. The clock is read first. Says how many ticks it took.
    #[inline]
    pub(crate) fn end(&self, thread: &Thread) -> u64 {
        let ticks = clock::now().checked_sub(self.start).unwrap_or_else(|| {
            dropped::clock_step();
            0
        });
        let reading = if self.is_read { probe::end(thread, self.cell) } else { 0 };
        let callers = self.caller_ticks.wrapping_add(ticks).wrapping_add(reading);
        let own_ticks = ticks.saturating_sub(thread.callee_ticks.replace(callers));
        thread.running.set(self.caller);
        let mut used = Used { ticks, own_ticks, ..Used::default() };
        if let Some(memory) = &self.memory {
            let peak = thread.peak_bytes.get();
            thread.peak_bytes.set(peak.max(memory.caller_peak));
            used.peak_bytes = peak - memory.base;
            used.bytes = thread.allocated_bytes.get().wrapping_sub(memory.bytes);
            used.allocations = thread.allocations.get().wrapping_sub(memory.allocations);
            let callees = thread.callee_bytes.replace(memory.caller_bytes.wrapping_add(used.bytes));
            used.own_bytes = used.bytes.saturating_sub(callees);
        }
        self.cell.ascend(&used);
        ticks
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// What the call allocated and did not free, earlier polls included.
    pub(crate) fn kept_bytes(&self, thread: &Thread) -> i64 {
        self.memory.as_ref().map_or(0, |memory| thread.live_bytes.get() - memory.base)
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
    /// Ends the call that returned. Which way is known when compiling. Neither is inline: the guard is ended where it is, and not copied in
    /// each measured function.
    #[inline]
    pub fn end(self, ending: Ending) {
        if ending.fallible { self.end_fallible(ending.outcome) } else { self.end_infallible(ending.outcome) }
    }

    #[inline(never)]
    fn end_fallible(self, outcome: Outcome) {
        let guard = ManuallyDrop::new(self);
        guard.site.learn(true);
        guard.finish(outcome);
    }

    #[inline(never)]
    fn end_infallible(self, outcome: Outcome) {
        ManuallyDrop::new(self).finish(outcome);
    }

    #[inline]
    fn finish(&self, outcome: Outcome) {
        let ticks = thread::with(|thread| self.visit.end(thread));
        self.site.end(self.visit.cell, outcome, ticks);
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

/// Ticks that a call costs which no probe reads, measured once: the floor of all overhead.
pub(crate) fn floor() -> u64 {
    static FLOOR: OnceLock<u64> = OnceLock::new();
    *FLOOR.get().unwrap_or_else(|| unforked(|| FLOOR.get_or_init(measured_floor)))
}

/// The cheapest of some batches of calls of a site that is in no list.
fn measured_floor() -> u64 {
    const CALLS: u64 = 256;
    static SITE: CallSite = CallSite::new("", || "", "", "", 0);
    thread::uncounted(|thread| {
        let cell: &'static SiteCell = Box::leak(Box::new(SiteCell::new(&SITE, false)));
        let batch = || {
            let start = clock::now();
            for _ in 0..CALLS {
                cell.countdown.store(u32::MAX, Relaxed);
                cell.start();
                let visit = Visit::begin(thread, cell, 0);
                let ticks = black_box(visit).end(thread);
                cell.end(Outcome::Ok, ticks);
            }
            clock::now().saturating_sub(start) / CALLS
        };
        let callees = (thread.callee_ticks.get(), thread.callee_bytes.get());
        let floor = (0..16).map(|_| batch()).min().unwrap_or(0);
        // What ran here was nobody's callee.
        thread.callee_ticks.set(callees.0);
        thread.callee_bytes.set(callees.1);
        floor
    })
}
