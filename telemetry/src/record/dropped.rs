//! What could not be recorded, counted. Cold: a shared counter is good enough.

use crate::sync::{AtomicU64, Relaxed};

static NOT_FINITE: AtomicU64 = AtomicU64::new(0);

/// An observation or a gauge's value was NaN or infinite.
#[cold]
pub(crate) fn not_finite() {
    NOT_FINITE.fetch_add(1, Relaxed);
}

pub(crate) fn not_finite_total() -> u64 {
    NOT_FINITE.load(Relaxed)
}
