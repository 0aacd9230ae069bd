//! Calls that others enter and leave: the spans of `tracing`, which we hear of and do not hold.
//!
//! A measured function's guard and future know the order in which calls begin and end on a thread. Of a span that is only promised: it may be
//! left before one that was entered later, on another thread, by two threads at once, or never. So each thread keeps the visits that were begun here
//! in a list of its own, and a visit is ended only where the thread is found as the visit left it.

use crate::record::ages::Slot;
use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::guard::Visit;
use crate::record::outcome::Outcome;
use crate::record::shard::{self, Shard, TRACKING};
use crate::record::span::{End, Entered, Span};
use crate::record::thread::{self, Thread};
use crate::sync::{Acquire, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Mutex, Relaxed, Release, lock};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::thread::panicking;

/// A call that begins when it is entered first and ends when it is closed, on whatever threads.
pub(crate) struct Call {
    site: &'static CallSite,
    /// When it was entered first, in ticks; 0 before.
    start: AtomicU64,
    /// Bytes that its visits so far allocated and did not free.
    kept: AtomicI64,
    /// Where it is counted as waiting, from the first time that it was left; null before.
    waits: AtomicPtr<Slot>,
    /// Whether a thread's visit of it is under way.
    visited: AtomicBool,
    closed: AtomicBool,
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

/// Which span it is to a thread: whose, and its number there.
pub(crate) type Key = (usize, u64);

/// A visit that is under way on this thread.
struct Inside {
    key: Key,
    call: Arc<Call>,
    visit: Visit,
    /// Where the thread recorded when it began.
    shard: *const Shard,
    /// How often this thread entered it and has not left it.
    entries: u32,
    /// It began in a destructor while the thread unwinds, which is then not its own doing.
    in_unwinding: bool,
    /// Bytes and allocations of the thread at its beginning.
    allocated: (u64, u64),
    entered: Vec<Entered>,
    is_over: bool,
}

thread_local! {
    /// The visits of this thread, in the order in which they began.
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
    /// Whether a maker is at work for us on this thread.
    static ASKS: Cell<bool> = const { Cell::new(false) };
}

/// Asks makers for something, and none of them while one is at work: what it does may itself be spans and events of `tracing`, of which it would be
/// told without end.
pub(crate) fn ask<R>(makers: impl FnOnce() -> R) -> Option<R> {
    struct Asked;
    impl Drop for Asked {
        fn drop(&mut self) {
            ASKS.set(false);
        }
    }
    if ASKS.replace(true) {
        return None;
    }
    let _asked = Asked;
    Some(makers())
}

/// Does something with the thread's visits, unless its locals are gone.
fn with_inside<R>(f: impl FnOnce(&mut Vec<Inside>) -> R) -> Option<R> {
    INSIDE.try_with(|inside| inside.try_borrow_mut().ok().map(|mut inside| f(&mut inside))).ok().flatten()
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

    fn waits(&self) -> Option<&'static Slot> {
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

    pub(crate) fn has_spans(&self) -> bool {
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
            let _entered = self.enter_spans();
            let outcome = self.outcome();
            self.site.learn(outcome == Outcome::Error);
            let cell = thread::with(|thread| shard::site_cell(thread, self.site));
            if let Some(slot) = self.waits() {
                cell.ages.end(slot);
            }
            self.site.end(cell, outcome, now.saturating_sub(start));
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
    fn spend(&self, ticks: u64, (bytes, allocations): (u64, u64)) {
        if let Some(spans) = &self.spans {
            spans.busy_ticks.fetch_add(ticks, Relaxed);
            spans.allocated_bytes.fetch_add(bytes, Relaxed);
            spans.allocations.fetch_add(allocations, Relaxed);
        }
    }
}

/// A call is entered on this thread. While one thread's visit of it is under way, it has no second one.
pub(crate) fn enter(key: Key, call: &Arc<Call>) {
    if call.visited.load(Relaxed) {
        let again = with_inside(|inside| {
            let own = inside.iter_mut().rev().find(|inside| inside.key == key);
            own.map(|own| own.entries += 1).is_some()
        });
        if again == Some(true) {
            return;
        }
    }
    if call.visited.swap(true, Acquire) {
        return;
    }
    let entered = call.enter_spans();
    let begun = with_inside(|list| {
        thread::with(|thread| {
            set_right(thread, list);
            make_room(thread, list);
            list.push(Inside::begin(thread, key, call, entered));
        });
    });
    if begun.is_none() {
        call.visited.store(false, Release);
    }
}

/// A call is left on this thread.
pub(crate) fn exit(key: Key) {
    let left = with_inside(|list| {
        let place = list.iter().rposition(|inside| inside.key == key)?;
        let inside = &mut list[place];
        inside.entries -= 1;
        if inside.entries > 0 {
            return None;
        }
        thread::with(|thread| {
            let left = if place + 1 == list.len() { list.pop()?.leave(thread) } else { take_out(thread, list, place) };
            set_right(thread, list);
            Some(left)
        })
    });
    // Not before the list is free: who is told may enter something.
    drop(left);
}

/// Ends a visit that others were begun after. These are interrupted for that, as far as they are ours, so that each is credited with its own.
#[cold]
fn take_out(thread: &Thread, list: &mut Vec<Inside>, place: usize) -> Vec<Entered> {
    let above = list[place + 1..].iter_mut().rev();
    let kept = above.map(|above| above.interrupt(thread)).take_while(|&interrupted| interrupted).count();
    let left = list.remove(place).leave(thread);
    // Those that were interrupted are the last.
    let first = list.len() - kept;
    list[first..].iter_mut().for_each(|above| above.resume(thread));
    left
}

/// Visits whose calls are closed are never left any more: those of guards that were forgotten, or dropped on another thread. They go before the
/// list grows.
fn make_room(thread: &Thread, list: &mut Vec<Inside>) {
    if list.len() < list.capacity() {
        return;
    }
    thread::uncounted(|_| {
        let (closed, open): (Vec<_>, Vec<_>) = list.drain(..).partition(|inside| inside.call.closed.load(Relaxed));
        closed.iter().rev().for_each(|inside| inside.lose(thread));
        *list = open;
        list.reserve(8);
    });
}

/// Brings the thread back to what runs on it.
fn set_right(thread: &Thread, list: &mut Vec<Inside>) {
    // Entered here, left elsewhere and closed.
    while list.last().is_some_and(|last| last.call.closed.load(Relaxed)) {
        if let Some(closed) = list.pop() {
            closed.leave(thread);
        }
    }
    // Where a visit was left while a measured call within it ran on, that call's end has put it back. It runs no more, which its depth tells.
    if thread.running.get().is_some_and(|cell| cell.running() == 0) {
        thread.running.set(None);
    }
}

impl Inside {
    fn begin(thread: &Thread, key: Key, call: &Arc<Call>, entered: Vec<Entered>) -> Inside {
        let cell = shard::site_cell(thread, call.site);
        let is_first = call.start.load(Relaxed) == 0;
        if is_first {
            cell.start::<true>();
        }
        let allocated = (thread.allocated_bytes.get(), thread.allocations.get());
        let (call, kept) = (Arc::clone(call), call.kept.load(Relaxed));
        let visit = Visit::begin(thread, cell, kept);
        if is_first {
            call.start.store(visit.start().max(1), Release);
        }
        let shard = thread.shard.get();
        Inside { key, call, visit, shard, entries: 1, in_unwinding: panicking(), allocated, entered, is_over: false }
    }

    /// Whether the thread is as it was left: what was begun since has ended, and nothing beneath has.
    fn is_in_order(&self, thread: &Thread) -> bool {
        ptr::eq(self.shard, thread.shard.get())
            && thread.running.get().is_some_and(|running| ptr::eq(running, self.visit.cell()))
    }

    fn allocated_since(&self, thread: &Thread) -> (u64, u64) {
        let (bytes, allocations) = self.allocated;
        (thread.allocated_bytes.get().wrapping_sub(bytes), thread.allocations.get().wrapping_sub(allocations))
    }

    /// Ends the visit and keeps what it was. `false` where it cannot be ended now.
    fn interrupt(&mut self, thread: &Thread) -> bool {
        let is_in_order = self.is_in_order(thread);
        if is_in_order {
            self.call.kept.store(self.visit.kept_bytes(thread), Relaxed);
            let ticks = self.visit.end(thread);
            self.call.spend(ticks, self.allocated_since(thread));
        }
        is_in_order
    }

    /// Begins it again.
    fn resume(&mut self, thread: &Thread) {
        self.allocated = (thread.allocated_bytes.get(), thread.allocations.get());
        self.visit = Visit::begin(thread, self.visit.cell(), self.call.kept.load(Relaxed));
    }

    /// Ends it.
    fn leave(mut self, thread: &Thread) -> Vec<Entered> {
        if panicking() && !self.in_unwinding {
            self.call.fail(Outcome::Panic);
        }
        if !self.interrupt(thread) {
            self.lose(thread);
        }
        if !self.call.closed.load(Relaxed) && self.call.waits().is_none() {
            let start = self.call.start.load(Relaxed);
            if let Some(slot) = shard::site_cell(thread, self.call.site).suspend(start) {
                self.call.waits.store(ptr::from_ref(slot).cast_mut(), Release);
            }
        }
        self.over();
        std::mem::take(&mut self.entered)
    }

    /// Another thread may visit the call.
    fn over(&mut self) {
        if !self.is_over {
            self.is_over = true;
            self.call.visited.store(false, Release);
        }
    }

    /// Counts the time of a visit that cannot be ended: what is beneath has ended already, or what is above still runs. The thread's sums are theirs,
    /// and so is this visit's own time.
    fn lose(&self, thread: &Thread) {
        // Another thread's by now, or another scope's, it is not to be written here.
        if !thread.is_ended() && ptr::eq(self.shard, thread.shard.get()) {
            let ticks = clock::since(self.visit.start());
            self.visit.cell().ascend::<true>(ticks, 0);
            self.call.spend(ticks, self.allocated_since(thread));
        }
    }
}

impl Drop for Inside {
    /// With the thread, whose shard may be another's already: nothing is counted.
    fn drop(&mut self) {
        self.over();
    }
}
