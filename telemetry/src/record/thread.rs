//! What a thread keeps at hand: its shard, and the sums that let a call know what was its own.
//!
//! There is no pointer from a guard to the guard beneath it. A call that starts takes the thread's sum of what its callees
//! used, puts a zero in its place, and at its end puts back the old sum plus all that it used itself: what is left between is
//! what its own callees used. Guards may therefore be moved freely until they are dropped.

use crate::record::budget::Generator;
use crate::record::isolated::Scope;
use crate::record::probe::io;
use crate::record::shard::{self, Shard, SiteCell};
use crate::record::span;
use crate::sync::{AtomicU64, Relaxed, thread_local};
use std::cell::Cell;
use std::ptr::NonNull;

/// One thread's own. No destructor, so that it can be read in other destructors; the shard is handed on by `Handover`.
pub(crate) struct Thread {
    /// Null before the first recording and after `Handover`'s drop.
    pub(crate) shard: Cell<*const Shard>,
    ended: Cell<bool>,
    /// The scope whose shard it is, if it is one's.
    pub(crate) scope: Cell<Option<&'static Scope>>,
    /// The innermost call that is running.
    pub(crate) running: Cell<Option<&'static SiteCell>>,
    /// Busy ticks of calls that ended within the running call.
    pub(crate) callee_ticks: Cell<u64>,
    /// Bytes allocated in calls that ended within the running call.
    pub(crate) callee_bytes: Cell<u64>,
    /// What the tracking allocator counted on this thread.
    pub(crate) allocated_bytes: Cell<u64>,
    pub(crate) allocations: Cell<u64>,
    /// Bytes allocated less bytes freed on this thread; negative where it frees what others allocated.
    pub(crate) live_bytes: Cell<i64>,
    /// The most of `live_bytes` since the running call's start.
    pub(crate) peak_bytes: Cell<i64>,
    /// Bytes allocated while no call was running that are not in `UNATTRIBUTED` yet.
    unattributed: Cell<i64>,
    /// What of the allocator's counts is in `ALLOCATOR`: bytes and allocations, and of the bytes those that live.
    shown: [Cell<u64>; 2],
    shown_live: Cell<i64>,
    /// Draws which visits are read.
    pub(crate) random: Generator,
    /// Ticks that readings cost.
    pub(crate) probe_ticks: Cell<u64>,
    /// Bytes that readings read.
    pub(crate) probe_bytes: Cell<u64>,
    /// The place of the file that tells bytes of I/O, counted from 1; 0 where there is none.
    pub(crate) io_file: Cell<usize>,
    /// Bytes that the visit which ended last read and wrote, where that was read.
    pub(crate) read_io: Cell<Option<(u64, u64)>>,
    /// The call that was entered last and has spans, until it or another one is left.
    pub(crate) span: Cell<Option<NonNull<span::Running>>>,
    /// How many calls run here whose spans somebody will see.
    pub(crate) recorded: Cell<u32>,
    /// Who makes spans is at work.
    pub(crate) makes_spans: Cell<bool>,
}

/// Bytes allocated while no measured call was running on the thread.
static UNATTRIBUTED: AtomicU64 = AtomicU64::new(0);

/// So many bytes a thread collects before it adds them to `UNATTRIBUTED`: a shared cell, which is to be touched rarely.
const UNATTRIBUTED_AT_ONCE: i64 = 1 << 16;

/// The allocator's counts of all threads: bytes, allocations, and as a signed number the bytes that live.
static ALLOCATOR: [AtomicU64; 3] = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];

/// What a thread may have live beyond what it has shown, which is how far the program's sum may be off for each thread.
pub(crate) const SHOWN_AT_ONCE: i64 = 1 << 16;

/// Of allocations that are freed soon, every 256th shows them all.
pub(crate) const SHOWN_EVERY: u64 = 256;

thread_local! {
    static THREAD: Thread = const {
        Thread {
            shard: Cell::new(std::ptr::null()),
            ended: Cell::new(false),
            scope: Cell::new(None),
            running: Cell::new(None),
            callee_ticks: Cell::new(0),
            callee_bytes: Cell::new(0),
            allocated_bytes: Cell::new(0),
            allocations: Cell::new(0),
            live_bytes: Cell::new(0),
            peak_bytes: Cell::new(0),
            unattributed: Cell::new(0),
            shown: [Cell::new(0), Cell::new(0)],
            shown_live: Cell::new(0),
            random: Generator::new(0),
            probe_ticks: Cell::new(0),
            probe_bytes: Cell::new(0),
            io_file: Cell::new(0),
            read_io: Cell::new(None),
            span: Cell::new(None),
            recorded: Cell::new(0),
            makes_spans: Cell::new(false),
        }
    };
    /// Exists on threads that have a shard; its drop passes the shard on.
    static HANDOVER: Handover = const { Handover };
}

struct Handover;

impl Drop for Handover {
    fn drop(&mut self) {
        with(|thread| {
            thread.ended.set(true);
            thread.show_unattributed();
            thread.show_allocated();
            io::close(thread);
            let shard = thread.shard.replace(std::ptr::null());
            if !shard.is_null() {
                // SAFETY: shards are leaked.
                shard::hand_over(unsafe { &*shard });
            }
        });
    }
}

#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Thread) -> R) -> R {
    // Cannot fail: `Thread` needs no drop, so its slot is never destroyed. Only its address is asked for in there, so that the compiler
    // inlines that, and with it `f`.
    let thread: *const Thread = THREAD.with(std::ptr::from_ref);
    // SAFETY: the slot lives as long as this thread, which does not leave `f` before its end.
    f(unsafe { &*thread })
}

/// Does something of our own whose allocations are not the running call's.
pub(crate) fn uncounted<R>(f: impl FnOnce(&Thread) -> R) -> R {
    with(|thread| {
        let (bytes, allocations) = (thread.allocated_bytes.get(), thread.allocations.get());
        let (live, peak) = (thread.live_bytes.get(), thread.peak_bytes.get());
        let result = f(thread);
        if thread.running.get().is_none() {
            let own = thread.allocated_bytes.get().wrapping_sub(bytes);
            // May be below zero, where some of it was shown already; later bytes make up for it.
            thread.unattributed.set(thread.unattributed.get().wrapping_sub_unsigned(own));
        }
        thread.allocated_bytes.set(bytes);
        thread.allocations.set(allocations);
        thread.live_bytes.set(live);
        thread.peak_bytes.set(peak);
        result
    })
}

impl Thread {
    /// The thread's shard, where it has one.
    #[inline]
    pub(crate) fn shard(&self) -> Option<&'static Shard> {
        // SAFETY: null, or a leaked shard.
        unsafe { self.shard.get().as_ref() }
    }

    /// Whether the thread's locals are being destroyed.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.get()
    }

    /// Bytes were allocated while no call was running.
    #[inline]
    pub(crate) fn allocated_outside(&self, bytes: i64) {
        let unattributed = self.unattributed.get().wrapping_add(bytes);
        self.unattributed.set(unattributed);
        if unattributed >= UNATTRIBUTED_AT_ONCE {
            self.show_unattributed();
        }
    }

    #[cold]
    fn show_unattributed(&self) {
        if let Ok(bytes) = u64::try_from(self.unattributed.get()) {
            self.unattributed.set(0);
            UNATTRIBUTED.fetch_add(bytes, Relaxed);
        }
    }

    /// Bytes that live here and are not in the program's sum; below zero where more were freed.
    #[inline]
    pub(crate) fn unshown_live(&self) -> i64 {
        self.live_bytes.get().wrapping_sub(self.shown_live.get())
    }

    /// Adds to the program's sums what was allocated and freed since the last time.
    #[cold]
    pub(crate) fn show_allocated(&self) {
        let now = [self.allocated_bytes.get(), self.allocations.get()];
        for ((shown, now), sum) in self.shown.iter().zip(now).zip(&ALLOCATOR) {
            let new = now.wrapping_sub(shown.get());
            // Below zero within the library's own work, whose allocations are taken out again: later ones make up for it.
            if i64::try_from(new).is_ok() {
                shown.set(now);
                sum.fetch_add(new, Relaxed);
            }
        }
        let live = self.unshown_live();
        self.shown_live.set(self.live_bytes.get());
        ALLOCATOR[2].fetch_add(live as u64, Relaxed);
    }

    /// Takes a shard for this thread, or says that the thread is past having one.
    #[cold]
    pub(crate) fn take_shard(&self) -> Option<&'static Shard> {
        if let Some(shard) = self.shard() {
            return Some(shard);
        }
        if self.ended.get() || HANDOVER.try_with(|_| ()).is_err() {
            return None;
        }
        let shard = shard::take();
        self.shard.set(shard);
        self.random.seed();
        Some(shard)
    }
}

/// Bytes that were allocated while no measured call was running: all of this thread's, and of each other one but for its last 64 KiB.
pub(crate) fn unattributed_bytes() -> u64 {
    with(Thread::show_unattributed);
    UNATTRIBUTED.load(Relaxed)
}

/// What the allocator counted in the whole program.
pub(crate) struct AllocatorTotals {
    pub(crate) bytes: u64,
    pub(crate) allocations: u64,
    /// May be below zero by what threads have not shown.
    pub(crate) live_bytes: i64,
}

/// All of this thread's counts, and of each other one but for its last 64 KiB that live, or its last 255 allocations.
pub(crate) fn allocator_totals() -> AllocatorTotals {
    with(Thread::show_allocated);
    let [bytes, allocations, live] = ALLOCATOR.each_ref().map(|sum| sum.load(Relaxed));
    AllocatorTotals { bytes, allocations, live_bytes: live as i64 }
}

/// What a child of this process begins with.
pub(crate) fn reset() {
    with(|thread| {
        thread.unattributed.set(0);
        io::forget(thread);
        // What was counted so far is the parent's; what lives, lives here too.
        thread.show_allocated();
    });
    UNATTRIBUTED.store(0, Relaxed);
    for counted in &ALLOCATOR[..2] {
        counted.store(0, Relaxed);
    }
}
