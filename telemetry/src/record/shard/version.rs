//! What lets a reader see writes of another thread together that belong together.

use crate::sync::{Acquire, AtomicU64, IS_SMALL, Relaxed, Release, fence, spin_loop};

/// Brackets writes that belong together. Odd while its one writer writes.
pub(super) struct Version(AtomicU64);

/// How often a reader tries to read between two equal even versions. A writer that never pauses, or was descheduled inside its bracket,
/// defeats any number of tries; then what was read last is taken as it is. Every cell only grows, so that no total falls: the
/// sum alone may be some observations off its buckets. (An older consistent copy would be worse: the series of the busiest threads would
/// stand still, and then jump.)
const READ_TRIES: usize = if IS_SMALL { 2 } else { 64 };

impl Version {
    pub(super) const fn new() -> Version {
        Version(AtomicU64::new(0))
    }

    #[inline]
    pub(super) fn write<R>(&self, writes: impl FnOnce() -> R) -> R {
        let version = self.0.load(Relaxed);
        self.0.store(version.wrapping_add(1), Relaxed);
        // What follows is not seen before the odd version is.
        fence(Release);
        let result = writes();
        self.0.store(version.wrapping_add(2), Release);
        result
    }

    /// Ends the writes of a thread that does not exist any more.
    pub(super) fn settle(&self) {
        let version = self.0.load(Relaxed);
        if version % 2 != 0 {
            self.0.store(version.wrapping_add(1), Relaxed);
        }
    }

    /// Reads, again and again, until no write came in between, or the tries are used up. Says which.
    pub(super) fn read(&self, mut reads: impl FnMut()) -> bool {
        for _ in 0..READ_TRIES {
            let before = self.0.load(Acquire);
            reads();
            // What was read above is not newer than the version read below.
            fence(Acquire);
            if before % 2 == 0 && self.0.load(Relaxed) == before {
                return true;
            }
            spin_loop();
        }
        false
    }
}
