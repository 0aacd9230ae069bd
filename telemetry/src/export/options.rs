//! What expositions show besides, where a program asks for it.

use crate::sync::{AtomicUsize, Relaxed};

/// What formats show besides what they always do; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    native_histograms: bool,
    created: bool,
}

/// Those of the program, as bits: written once, by `init`.
static OF_PROGRAM: AtomicUsize = AtomicUsize::new(0);

impl Options {
    /// What [`init`](fn@crate::init) was told: [`Builder::native_histograms`](crate::Builder::native_histograms) and
    /// [`Builder::created_timestamps`](crate::Builder::created_timestamps).
    #[must_use]
    pub fn of_program() -> Options {
        let bits = OF_PROGRAM.load(Relaxed);
        Options { native_histograms: bits & 1 != 0, created: bits & 2 != 0 }
    }

    /// Makes these the program's.
    pub(crate) fn apply(self) {
        OF_PROGRAM.store(usize::from(self.native_histograms) | usize::from(self.created) << 1, Relaxed);
    }

    /// Whether protobuf shows exponential buckets as native histograms.
    #[must_use]
    pub fn native_histograms(self, on: bool) -> Options {
        Options { native_histograms: on, ..self }
    }

    /// Whether `OpenMetrics` and protobuf show since when series count.
    #[must_use]
    pub fn created_timestamps(self, on: bool) -> Options {
        Options { created: on, ..self }
    }

    pub(super) fn shows_native(self) -> bool {
        self.native_histograms
    }

    pub(super) fn shows_created(self) -> bool {
        self.created
    }
}
