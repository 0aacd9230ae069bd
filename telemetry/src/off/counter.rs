//! What stands for counters with `--cfg telemetry_off`: handles that hold nothing.

use std::time::Duration;

/// A handle to one counter series: of none.
#[derive(Clone, Copy, Debug)]
pub struct Counter(());

impl Counter {
    #[inline(always)]
    pub(crate) const fn nothing() -> Counter {
        Counter(())
    }

    /// Adds nothing.
    #[inline(always)]
    pub fn inc(self) {}

    /// Adds nothing.
    #[inline(always)]
    pub fn add(self, _n: u64) {}

    /// 0.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> u64 {
        0
    }
}

/// A handle to one series of a counter in seconds: of none.
#[derive(Clone, Copy, Debug)]
pub struct DurationCounter(());

impl DurationCounter {
    #[inline(always)]
    pub(crate) const fn nothing() -> DurationCounter {
        DurationCounter(())
    }

    /// Adds nothing.
    #[inline(always)]
    pub fn add(self, _duration: Duration) {}

    /// No time.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> Duration {
        Duration::ZERO
    }
}
