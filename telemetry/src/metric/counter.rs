//! Totals that only grow, one cell a thread.

use crate::record::shard;
use std::time::Duration;

/// A handle to one counter series.
///
/// An update writes to a cell that only the calling thread writes: no lock, no shared cache line. A counter that reached
/// 2^64 - 1 stays there.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    slot: u32,
}

impl Counter {
    pub(crate) fn new(slot: u32) -> Counter {
        Counter { slot }
    }

    /// Adds one.
    #[inline]
    pub fn inc(self) {
        self.add(1);
    }

    /// Adds `n`.
    ///
    /// ```
    /// telemetry::metric! { /** Rows written. */ counter rows_written_total(); }
    /// rows_written_total().add(3);
    /// rows_written_total().inc();
    /// assert_eq!(rows_written_total().get(), 4);
    /// ```
    #[inline]
    pub fn add(self, n: u64) {
        shard::add(self.slot, n);
    }

    /// The total over all threads, ended ones included.
    #[must_use]
    pub fn get(self) -> u64 {
        shard::sum(self.slot)
    }
}

/// A handle to one series of a counter in seconds: `…_seconds_total`. Counts whole nanoseconds inside.
#[derive(Clone, Copy, Debug)]
pub struct DurationCounter {
    slot: u32,
}

impl DurationCounter {
    pub(crate) fn new(slot: u32) -> DurationCounter {
        DurationCounter { slot }
    }

    /// Adds a duration; what does not fit 64 bits of nanoseconds (584 years) is cut off.
    ///
    /// ```
    /// use std::time::Duration;
    /// telemetry::metric! { /** Time spent asleep. */ counter asleep_seconds_total(); }
    /// asleep_seconds_total().add(Duration::from_millis(1500));
    /// assert_eq!(asleep_seconds_total().get(), Duration::from_millis(1500));
    /// ```
    #[inline]
    pub fn add(self, duration: Duration) {
        shard::add(self.slot, u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The total over all threads, ended ones included.
    #[must_use]
    pub fn get(self) -> Duration {
        Duration::from_nanos(shard::sum(self.slot))
    }
}
