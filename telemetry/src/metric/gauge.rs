//! Values that go up and down. `set` has one last writer in the program, so a series is one shared atomic.

use crate::metric::Series;
use crate::record::{dropped, isolated};
use crate::sync::{AtomicU64, Relaxed};
use std::fmt;

/// A handle to one gauge series.
#[derive(Clone, Copy)]
pub struct Gauge {
    series: &'static Series,
}

impl Gauge {
    pub(crate) fn new(series: &'static Series) -> Gauge {
        Gauge { series }
    }

    #[inline]
    fn bits(self) -> &'static AtomicU64 {
        match isolated::current_if_any() {
            None => &self.series.gauge,
            Some(scope) => scope.series(self.series, 0f64.to_bits()),
        }
    }

    /// Sets the value. NaN and infinities are dropped and counted.
    ///
    /// ```
    /// telemetry::metric! { /** Records that wait. */ gauge waiting_records(); }
    /// waiting_records().set(3.0);
    /// waiting_records().dec();
    /// assert_eq!(waiting_records().get(), 2.0);
    /// ```
    #[inline]
    pub fn set(self, value: f64) {
        if value.is_finite() {
            self.bits().store(value.to_bits(), Relaxed);
        } else {
            dropped::observation();
        }
    }

    /// Adds to the value. NaN, infinities and what would become one are dropped and counted.
    pub fn add(self, amount: f64) {
        let mut now = self.bits().load(Relaxed);
        loop {
            let next = f64::from_bits(now) + amount;
            if !next.is_finite() {
                return dropped::observation();
            }
            match self.bits().compare_exchange_weak(now, next.to_bits(), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(seen) => now = seen,
            }
        }
    }

    /// Takes from the value.
    pub fn sub(self, amount: f64) {
        self.add(-amount);
    }

    /// Adds one.
    pub fn inc(self) {
        self.add(1.0);
    }

    /// Takes one.
    pub fn dec(self) {
        self.add(-1.0);
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        let isolated = isolated::current_if_any().map(|scope| scope.existing(self.series));
        let bits = isolated.map_or(Some(&self.series.gauge), |bits| bits);
        bits.map_or(0.0, |bits| f64::from_bits(bits.load(Relaxed)))
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge").field("value", &self.get()).finish()
    }
}
