//! A running call or poll.

use crate::record::callsite::CallSite;
use crate::record::outcome::{Ending, Outcome};
use crate::record::shard::{self, SiteCell, TRACKING, Used};
use crate::record::span::{self, Running, Slot};
use crate::record::thread::{self, Thread};
use crate::record::{clock, probe};
use crate::sync::{Relaxed, unforked};
use std::hint::black_box;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;

/// What was read of a thread when a call or a poll began on it. The caller's sums are kept here meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    cell: &'static SiteCell,
    start: u64,
    caller: Option<&'static SiteCell>,
    caller_ticks: u64,
    memory: Option<Memory>,
    /// Whether it did not begin plainly, and so cannot end plainly.
    is_rare: bool,
    /// Whether probes read something at the start.
    is_read: bool,
}

#[derive(Clone, Copy)]
struct Memory {
    bytes: u64,
    allocations: u64,
    /// The thread's live bytes, less what earlier polls of the call kept.
    base: i64,
    caller_peak: i64,
    caller_bytes: u64,
}

impl Memory {
    /// What was allocated since, and the caller's sums back in their places.
    #[inline]
    fn close(&self, thread: &Thread) -> Used {
        let peak = thread.peak_bytes.get();
        thread.peak_bytes.set(peak.max(self.caller_peak));
        let bytes = thread.allocated_bytes.get().wrapping_sub(self.bytes);
        let callees = thread.callee_bytes.replace(self.caller_bytes.wrapping_add(bytes));
        Used {
            bytes,
            own_bytes: bytes.saturating_sub(callees),
            allocations: thread.allocations.get().wrapping_sub(self.allocations),
            peak_bytes: peak - self.base,
        }
    }
}

// Each step is written once for two ways: what is `RARE` may be read by probes, and its cell may be one of several threads. The other way is
// straight, and calls nothing before its end, so that it has no registers to save.
impl Visit {
    /// Begins on the calling thread, after earlier polls of the call that kept `kept` bytes.
    #[inline]
    pub(crate) fn begin(thread: &Thread, cell: &'static SiteCell, kept: i64) -> Visit {
        if cell.is_due() {
            return Visit::begin_rarely(thread, cell, kept);
        }
        Visit { is_rare: true, ..Visit::begin_as::<false>(thread, cell, kept, clock::now) }
    }

    /// Begins where nothing rare is to be done: the thread has a cell for the site, none of its probes is due, the attribute asked for
    /// nothing, and [`clock::is_plain`]. `first` is done before.
    #[inline]
    pub(crate) fn begin_plainly(
        thread: &Thread,
        site: &'static CallSite,
        kept: i64,
        first: impl FnOnce(&SiteCell),
    ) -> Option<Visit> {
        let cell = shard::existing_site_cell(thread, site)?;
        if !clock::is_plain() || site.is_asked() || cell.is_due() {
            return None;
        }
        first(cell);
        Some(Visit::begin_as::<false>(thread, cell, kept, clock::counter))
    }

    /// Ends what began so; none where it did not, where the thread has handed its shard on since, or where the clock stepped back.
    #[inline]
    pub(crate) fn end_plainly(&self, thread: &Thread) -> Option<u64> {
        if self.is_rare || thread.is_ended() {
            return None;
        }
        let ticks = clock::counter().checked_sub(self.start)?;
        Some(self.end_as::<false>(thread, self.cell, ticks))
    }

    #[cold]
    #[inline(never)]
    fn begin_rarely(thread: &Thread, cell: &'static SiteCell, kept: i64) -> Visit {
        Visit::begin_as::<true>(thread, cell, kept, clock::now)
    }

    /// The clock is read last but for one store.
    #[inline]
    fn begin_as<const RARE: bool>(
        thread: &Thread,
        cell: &'static SiteCell,
        kept: i64,
        now: impl FnOnce() -> u64,
    ) -> Visit {
        let outermost = cell.descend::<RARE>();
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
        if RARE {
            let ticks;
            (is_read, ticks) = probe::begin(thread, cell);
            // What was spent on reading is not the caller's own time.
            caller_ticks = caller_ticks.wrapping_add(ticks);
        }
        let start = now();
        if outermost {
            cell.ages.enter(start);
            cell.set_caller(caller);
        }
        Visit { cell, caller, caller_ticks, memory, is_rare: RARE, is_read, start }
    }

    /// Ends on the thread on which it began. Says how many ticks it took.
    pub(crate) fn end(&self, thread: &Thread) -> u64 {
        self.end_on(thread, self.cell_now(thread))
    }

    /// The cell to write to: that of its beginning, unless the thread has handed its shard on since.
    #[inline]
    fn cell_now(&self, thread: &Thread) -> &'static SiteCell {
        if thread.is_ended() { self.shared_cell(thread) } else { self.cell }
    }

    /// For a guard that was kept in a thread local. Its end takes off a depth that its beginning added elsewhere.
    #[cold]
    fn shared_cell(&self, thread: &Thread) -> &'static SiteCell {
        let cell = shard::site_cell(thread, self.cell.site);
        if !std::ptr::eq(cell, self.cell) {
            cell.descend::<true>();
        }
        cell
    }

    fn end_on(&self, thread: &Thread, cell: &'static SiteCell) -> u64 {
        self.end_as::<true>(thread, cell, clock::since(self.start))
    }

    /// The clock was read first, and has come by `ticks`.
    #[inline]
    fn end_as<const RARE: bool>(&self, thread: &Thread, cell: &'static SiteCell, ticks: u64) -> u64 {
        let reading = if RARE && self.is_read { probe::end(thread, cell) } else { 0 };
        let callers = self.caller_ticks.wrapping_add(ticks).wrapping_add(reading);
        let own_ticks = ticks.saturating_sub(thread.callee_ticks.replace(callers));
        thread.running.set(self.caller);
        let outermost = cell.ascend::<RARE>(ticks, own_ticks);
        let mut own_bytes = 0;
        if let Some(memory) = &self.memory {
            let used = memory.close(thread);
            own_bytes = used.own_bytes;
            cell.used::<RARE>(&used, outermost);
        }
        if RARE && self.is_read {
            probe::place(thread, cell, own_ticks, own_bytes);
        }
        ticks
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn cell(&self) -> &'static SiteCell {
        self.cell
    }

    /// Bytes that were allocated since it began, and how often; none where nothing counts them.
    pub(crate) fn allocated(&self, thread: &Thread) -> Option<(u64, u64)> {
        let memory = self.memory.as_ref()?;
        let bytes = thread.allocated_bytes.get().wrapping_sub(memory.bytes);
        Some((bytes, thread.allocations.get().wrapping_sub(memory.allocations)))
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
    /// Its spans, where somebody makes them. Then its visit is rare.
    span: Slot<Running>,
    /// A call ends on the thread on which it began.
    _thread: PhantomData<*const ()>,
}

/// Counts a call of this site as started, and starts its clock. `fallible` tells whether its type can be an error.
pub fn enter(site: &'static CallSite, fallible: bool) -> Guard {
    site.learn(fallible);
    thread::with(|thread| match Visit::begin_plainly(thread, site, 0, SiteCell::start::<false>) {
        Some(visit) => Guard { site, visit, span: Slot::EMPTY, _thread: PhantomData },
        None => enter_rarely(site),
    })
}

#[cold]
#[inline(never)]
fn enter_rarely(site: &'static CallSite) -> Guard {
    thread::with(|thread| {
        let cell = shard::site_cell(thread, site.whole());
        let span = span::begin(thread, site);
        cell.start::<true>();
        Guard { site, visit: Visit::begin(thread, cell, 0), span, _thread: PhantomData }
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
        match thread::with(|thread| self.visit.end_plainly(thread)) {
            Some(ticks) => self.visit.cell.end::<false>(outcome, ticks),
            None => self.finish_rarely(outcome),
        }
    }

    #[cold]
    #[inline(never)]
    fn finish_rarely(&self, outcome: Outcome) {
        // Copies: where a pointer to the guard went on from here, the compiler would copy each guard that ends plainly.
        let (visit, site, mut span) = (self.visit, self.site, self.span.of_the_ended());
        let (cell, ticks) = thread::with(|thread| {
            let cell = visit.cell_now(thread);
            let end = || visit.end_on(thread, cell);
            let ticks = match span.get() {
                Some(running) => running.stop(thread, &visit, end),
                None => end(),
            };
            (cell, ticks)
        });
        // Within the span, which an exemplar asks for.
        site.end(cell, outcome, ticks);
        span::finish(&mut span, outcome);
    }

    /// Tells the spans of an error that was noted, and that will leave the call.
    #[cold]
    #[inline(never)]
    pub(crate) fn error(&mut self) {
        match self.span.get() {
            Some(running) => thread::with(|thread| running.error(thread)),
            // It has no span, and no other call is to be told.
            None => drop(span::take_noted()),
        }
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
                cell.start::<false>();
                let visit = black_box(Visit::begin_as::<false>(thread, cell, 0, clock::now));
                let ticks = visit.end_as::<false>(thread, cell, clock::since(visit.start));
                cell.end::<false>(Outcome::Ok, ticks);
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
