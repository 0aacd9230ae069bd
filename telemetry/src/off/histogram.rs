//! What stands for histograms with `--cfg telemetry_off`: handles that hold nothing.

use std::time::Duration;

/// A handle to one histogram series: of none.
#[derive(Clone, Copy, Debug)]
pub struct Histogram(());

impl Histogram {
    #[inline(always)]
    pub(crate) const fn nothing() -> Histogram {
        Histogram(())
    }

    /// Observes nothing.
    #[inline(always)]
    pub fn observe(self, _value: f64) {}

    /// Observes nothing.
    #[inline(always)]
    pub fn observe_duration(self, _duration: Duration) {}

    /// Starts no timer.
    #[inline(always)]
    #[must_use = "a timer observes when it is dropped, so at once if it is not kept"]
    pub fn time(self) -> Timer {
        Timer(())
    }

    /// 0.
    #[inline(always)]
    #[must_use]
    pub fn count(self) -> u64 {
        0
    }

    /// 0.
    #[inline(always)]
    #[must_use]
    pub fn sum(self) -> f64 {
        0.0
    }
}

/// Observes nothing, see [`Histogram::time`].
#[derive(Debug)]
pub struct Timer(());

impl Timer {
    /// Ends it.
    #[inline(always)]
    pub fn discard(self) {}
}

impl Drop for Timer {
    /// Nothing; but where it is dropped is the program's to say, and lints are not to find that superfluous.
    #[inline(always)]
    fn drop(&mut self) {}
}
