//! Calls that others enter and leave: the spans of `tracing`, which we hear of and do not hold.
//!
//! A measured function's guard and future know the order in which calls begin and end on a thread. Of a span that is only promised: it may be
//! left before one that was entered later, on another thread, by two threads at once, or never. So each thread keeps the visits that were begun here
//! in a list of its own, and a visit is ended only where the thread is found as the visit left it.

mod call; // what is entered

use crate::record::clock;
use crate::record::guard::Visit;
use crate::record::outcome::Outcome;
use crate::record::shard::{self, Shard};
use crate::record::span::Entered;
use crate::record::thread::{self, Thread};
use crate::sync::{Acquire, Relaxed, Release};
use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;
use std::thread::panicking;

pub(crate) use call::{Call, ask, leave_spans};

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

/// A call that this thread entered while another one visited it: its spans are what runs here, and nothing is measured.
struct Beside {
    key: Key,
    call: Arc<Call>,
    /// How often this thread entered it and has not left it.
    entries: u32,
    entered: Vec<Entered>,
}

thread_local! {
    /// The visits of this thread, in the order in which they began.
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
    static BESIDE: RefCell<Vec<Beside>> = const { RefCell::new(Vec::new()) };
}

/// The same with what it entered beside.
fn with_beside<R>(f: impl FnOnce(&mut Vec<Beside>) -> R) -> Option<R> {
    BESIDE.try_with(|beside| beside.try_borrow_mut().ok().map(|mut beside| f(&mut beside))).ok().flatten()
}

/// Does something with the thread's visits, unless its locals are gone.
fn with_inside<R>(f: impl FnOnce(&mut Vec<Inside>) -> R) -> Option<R> {
    INSIDE.try_with(|inside| inside.try_borrow_mut().ok().map(|mut inside| f(&mut inside))).ok().flatten()
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
    let is_beside = call.has_spans() && enter_again_beside(key);
    if is_beside || call.visited.swap(true, Acquire) {
        if !is_beside && call.has_spans() {
            enter_beside(key, call);
        }
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

/// Whether this thread has entered it beside another one's visit, and does so once more.
fn enter_again_beside(key: Key) -> bool {
    let own = |list: &mut Vec<Beside>| {
        let own = list.iter_mut().rev().find(|beside| beside.key == key);
        own.map(|own| own.entries += 1).is_some()
    };
    with_beside(own) == Some(true)
}

/// Another thread visits it.
#[cold]
fn enter_beside(key: Key, call: &Arc<Call>) {
    let entered = call.enter_spans();
    let mut closed: Vec<Beside> = Vec::new();
    with_beside(|list| {
        thread::uncounted(|_| {
            // As with visits, those that are never left go before the list grows.
            if list.len() == list.capacity() {
                (closed, *list) = list.drain(..).partition(|beside| beside.call.closed.load(Relaxed));
                list.reserve(8);
            }
            list.push(Beside { key, call: Arc::clone(call), entries: 1, entered });
        });
    });
    closed.into_iter().rev().for_each(|beside| leave_spans(beside.entered));
}

/// It is left. `false` where it was not entered so.
fn exit_beside(key: Key) -> bool {
    let left = with_beside(|list| {
        let place = list.iter().rposition(|beside| beside.key == key)?;
        list[place].entries -= 1;
        Some((list[place].entries == 0).then(|| list.remove(place).entered))
    });
    let Some(Some(left)) = left else { return false };
    leave_spans(left.unwrap_or_default());
    true
}

/// A call is left on this thread.
pub(crate) fn exit(key: Key) {
    if exit_beside(key) {
        return;
    }
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
    leave_spans(left.flatten().unwrap_or_default());
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
