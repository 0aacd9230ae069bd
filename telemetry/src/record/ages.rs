//! Since when the oldest running call of a site has run: from one time for what is on a thread, and from counts by second of start for
//! what waits at an `.await`. There is no list of calls.

use crate::record::thread;
use crate::sync::{Acquire, AtomicPtr, AtomicU64, Relaxed, Release, leak};

/// Calls whose starts agree in all but their 30 lowest bits are counted together: a second of a clock of nanoseconds, a third of one of
/// a counter of 3 GHz.
const SECOND_LOG2: u32 = 30;

/// What one thread knows of the ages of one site's calls. Written by the owner of its shard.
pub(crate) struct Ages {
    /// When the outermost call or poll on this thread began; 0 while there is none.
    on_thread: AtomicU64,
    /// Every slot of this thread, the newest first.
    slots: AtomicPtr<Slot>,
    /// The slot of the latest second.
    latest: AtomicPtr<Slot>,
}

/// Calls that this thread began within a second and that have waited since. Its seconds change once all of them have ended, so that
/// there are no more slots than seconds in which a call began that still runs.
pub(crate) struct Slot {
    /// The start of the first of them.
    since: AtomicU64,
    begun: AtomicU64,
    /// Those that ended on the thread that they began on, which alone writes it.
    ended: AtomicU64,
    /// Those that ended on others.
    ended_elsewhere: AtomicU64,
    /// Whose it is: told apart by its address, which is not followed.
    owner: *const Ages,
    next: *const Slot,
}

// SAFETY: `next` is null or a leaked slot, `owner` is not followed, and neither changes once the slot is published.
unsafe impl Sync for Slot {}

impl Slot {
    fn ended(&self) -> u64 {
        self.ended.load(Acquire).wrapping_add(self.ended_elsewhere.load(Acquire))
    }
}

/// One writer: what is loaded is what this thread stored. Release: who sees the count sees what was written before.
#[inline]
fn bump(cell: &AtomicU64) {
    cell.store(cell.load(Relaxed).wrapping_add(1), Release);
}

impl Ages {
    pub(crate) const fn new() -> Ages {
        Ages {
            on_thread: AtomicU64::new(0),
            slots: AtomicPtr::new(std::ptr::null_mut()),
            latest: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The outermost call or poll on this thread has begun.
    #[inline]
    pub(crate) fn enter(&self, start: u64) {
        self.on_thread.store(start, Relaxed);
    }

    /// The outermost call or poll has left this thread.
    #[inline]
    pub(crate) fn leave(&self) {
        self.on_thread.store(0, Relaxed);
    }

    /// When the outermost call or poll began that runs on this thread, in ticks.
    pub(crate) fn on_thread(&self) -> Option<u64> {
        Some(self.on_thread.load(Relaxed)).filter(|&start| start != 0)
    }

    /// A call that began at `start` waits for the first time. Its end is to be told to the slot.
    #[inline]
    pub(crate) fn suspend(&self, start: u64) -> &'static Slot {
        // SAFETY: null, or a leaked slot.
        let latest = unsafe { self.latest.load(Relaxed).as_ref() };
        let same = |slot: &&'static Slot| slot.since.load(Relaxed) >> SECOND_LOG2 == start >> SECOND_LOG2;
        let slot = latest.filter(same).unwrap_or_else(|| self.turn(start));
        bump(&slot.begun);
        slot
    }

    /// A call that waited has ended on this thread, wherever it began.
    #[inline]
    pub(crate) fn end(&self, slot: &Slot) {
        if std::ptr::eq(slot.owner, self) {
            bump(&slot.ended);
        } else {
            slot.ended_elsewhere.fetch_add(1, Release);
        }
    }

    /// The slot for another second: one that is free, else a new one.
    #[cold]
    fn turn(&self, start: u64) -> &'static Slot {
        let free = self.each().find(|slot| slot.ended() == slot.begun.load(Relaxed));
        let slot = free.unwrap_or_else(|| {
            let slot = thread::uncounted(|_| {
                leak(Slot {
                    since: AtomicU64::new(start),
                    begun: AtomicU64::new(0),
                    ended: AtomicU64::new(0),
                    ended_elsewhere: AtomicU64::new(0),
                    owner: self,
                    next: self.slots.load(Relaxed),
                })
            });
            self.slots.store(std::ptr::from_ref(slot).cast_mut(), Release);
            slot
        });
        slot.since.store(start, Relaxed);
        self.latest.store(std::ptr::from_ref(slot).cast_mut(), Relaxed);
        slot
    }

    /// Forgets what waits: for a forked child, where the parent's tasks do not run. `runs_here` tells whether calls of the forking thread do.
    pub(crate) fn reset(&self, runs_here: bool) {
        if !runs_here {
            self.leave();
        }
        // Left as they are, for those of the parent's calls that are dropped here.
        self.slots.store(std::ptr::null_mut(), Relaxed);
        self.latest.store(std::ptr::null_mut(), Relaxed);
    }

    fn each(&self) -> impl Iterator<Item = &'static Slot> {
        // SAFETY: null, or a leaked slot that was published with release.
        let first: Option<&'static Slot> = unsafe { self.slots.load(Acquire).as_ref() };
        // SAFETY: as above, and fixed before its own slot was published.
        std::iter::successors(first, |slot| unsafe { slot.next.as_ref() })
    }

    /// When the oldest call began that runs or waits, in ticks.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let waiting = self.each().filter_map(|slot| {
            // In this order: a call that ends meanwhile is at worst seen as one that still runs. The second is read last, and is then that
            // of the count or a later one.
            let ended = slot.ended();
            let begun = slot.begun.load(Acquire);
            (begun != ended).then(|| slot.since.load(Relaxed))
        });
        waiting.chain(self.on_thread()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << SECOND_LOG2;

    #[test]
    fn the_oldest_is_the_one_that_has_not_ended() {
        let ages = Ages::new();
        assert_eq!(ages.oldest(), None);
        let first = ages.suspend(SECOND + 7);
        let same_second = ages.suspend(SECOND + 9);
        let later = ages.suspend(5 * SECOND);
        assert_eq!(ages.oldest(), Some(SECOND + 7));
        ages.end(first);
        assert_eq!(ages.oldest(), Some(SECOND + 7), "another of that second still runs");
        Ages::new().end(same_second); // on another thread
        assert_eq!(ages.oldest(), Some(5 * SECOND));
        ages.enter(3 * SECOND);
        assert_eq!(ages.oldest(), Some(3 * SECOND), "the outermost on the thread");
        ages.leave();
        ages.end(later);
        assert_eq!(ages.oldest(), None);
    }

    #[test]
    fn a_child_begins_without_what_waits() {
        let ages = Ages::new();
        ages.enter(SECOND);
        let parent_s = ages.suspend(2 * SECOND);
        ages.reset(true);
        assert_eq!(ages.oldest(), Some(SECOND), "the forking thread's own call");
        ages.reset(false);
        assert_eq!(ages.oldest(), None);
        ages.end(parent_s); // dropped in the child
        assert_eq!(ages.oldest(), None);
        ages.suspend(9 * SECOND);
        assert_eq!(ages.oldest(), Some(9 * SECOND));
    }

    #[test]
    fn a_second_whose_calls_have_ended_gives_its_slot_to_another() {
        let ages = Ages::new();
        let oldest = ages.suspend(SECOND);
        for second in 2..1_000 {
            ages.end(ages.suspend(second * SECOND));
            assert_eq!(ages.oldest(), Some(SECOND));
        }
        assert_eq!(ages.each().count(), 2);
        ages.end(oldest);
        assert_eq!(ages.oldest(), None);
    }
}
