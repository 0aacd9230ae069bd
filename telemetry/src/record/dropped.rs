//! What could not be recorded, counted. Cold: a shared counter is good enough.

use crate::sync::{AtomicU64, Relaxed};

static OBSERVATIONS: AtomicU64 = AtomicU64::new(0);
static CLOCK_STEPS: AtomicU64 = AtomicU64::new(0);

/// A value was NaN or infinite or would have made its series so, or did not fit its family.
#[cold]
pub(crate) fn observation() {
    OBSERVATIONS.fetch_add(1, Relaxed);
}

pub(crate) fn observations() -> u64 {
    OBSERVATIONS.load(Relaxed)
}

/// A clock was behind what it told before: the call counts no time, rather than all time.
#[cold]
pub(crate) fn clock_step() {
    CLOCK_STEPS.fetch_add(1, Relaxed);
}

pub(crate) fn clock_steps() -> u64 {
    CLOCK_STEPS.load(Relaxed)
}
