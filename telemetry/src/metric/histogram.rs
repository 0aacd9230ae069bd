//! Distributions over declared bounds, one cell a thread.

use crate::record::{clock, dropped, shard};
use std::time::Duration;

/// A handle to one histogram series.
#[derive(Clone, Copy, Debug)]
pub struct Histogram {
    slot: u32,
    bounds: &'static [f64],
}

impl Histogram {
    pub(crate) fn new(slot: u32, bounds: &'static [f64]) -> Histogram {
        Histogram { slot, bounds }
    }

    /// Observes a value in the family's unit. NaN and infinities are dropped and counted.
    ///
    /// ```
    /// telemetry::metric! { /** Size of a page. */ histogram page_records() [10, 100, 1000]; }
    /// page_records().observe(42.0);
    /// assert_eq!(page_records().count(), 1);
    /// assert_eq!(page_records().sum(), 42.0);
    /// ```
    #[inline]
    pub fn observe(self, value: f64) {
        if value.is_finite() {
            shard::observe(self.slot, self.bounds, value);
        } else {
            dropped::observation();
        }
    }

    /// Observes a duration in seconds.
    #[inline]
    pub fn observe_duration(self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// Starts a timer that observes its age in seconds when it is dropped.
    #[must_use = "a timer observes when it is dropped, so at once if it is not kept"]
    pub fn time(self) -> Timer {
        Timer { histogram: self, start: clock::now() }
    }

    /// How many values were observed, over all threads.
    #[must_use]
    pub fn count(self) -> u64 {
        shard::read_histogram(self.slot, self.bounds.len()).buckets.iter().sum()
    }

    /// The sum of the values, over all threads.
    #[must_use]
    pub fn sum(self) -> f64 {
        shard::read_histogram(self.slot, self.bounds.len()).sum
    }
}

/// Observes the seconds from its making to its drop, see [`Histogram::time`].
#[derive(Debug)]
pub struct Timer {
    histogram: Histogram,
    start: u64,
}

impl Timer {
    /// Ends without an observation.
    pub fn discard(self) {
        std::mem::forget(self);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let ticks = clock::now().saturating_sub(self.start);
        self.histogram.observe(clock::seconds(ticks));
    }
}
