//! What stands for gauges with `--cfg telemetry_off`: handles that hold nothing.

/// A handle to one gauge series: of none.
#[derive(Clone, Copy, Debug)]
pub struct Gauge(());

impl Gauge {
    #[inline(always)]
    pub(crate) const fn nothing() -> Gauge {
        Gauge(())
    }

    /// Sets nothing.
    #[inline(always)]
    pub fn set(self, _value: f64) {}

    /// Adds nothing.
    #[inline(always)]
    pub fn add(self, _amount: f64) {}

    /// Takes nothing.
    #[inline(always)]
    pub fn sub(self, _amount: f64) {}

    /// Adds nothing.
    #[inline(always)]
    pub fn inc(self) {}

    /// Takes nothing.
    #[inline(always)]
    pub fn dec(self) {}

    /// 0.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> f64 {
        0.0
    }
}
