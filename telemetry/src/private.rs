//! The one door for generated code. Nothing here is for users, and any of it may change with any version.

#[cfg(feature = "comet")]
pub use crate::comet::attribute::door as experiment;
#[cfg(feature = "dashboards")]
pub use crate::dashboard::door as dashboard;
pub use crate::job::lifetime::{
    JobEnded, JobFuture, JobGuard, JobSpec, enter_job, expect_units, job_future, start_job,
};
#[cfg(feature = "resume")]
pub use crate::job::state::{AsState, open as open_state};
pub use crate::metric::declared::{bound, bounds, combinations, help, help_bytes, help_length, required};
pub use crate::metric::{Counter, DurationCounter, Gauge, Histogram, Info};
pub use crate::metric::{Descriptor, Family, IntoLabel, Kind, LabelArg, Origin, Registration, Values};
#[cfg(not(telemetry_off))]
pub use crate::objective::declared::Declared;
pub use crate::record::{Annotations, Show, Shown, ShownLess, ShownNot, SpanValue, annotate, note_output};
pub use crate::record::{Asked, BlockGuard, Counted};
pub use crate::record::{
    CallSite, Ending, Fallback, Guard, InPlace, Inspect, Outcome, Returns, ReturnsOther, ShownByDebug, ShownByDisplay,
    boxed_future, enter, enter_in_place, measured_future,
};
#[cfg(not(telemetry_off))]
pub use crate::record::{CountedFuture, MeasuredFuture};
pub use crate::record::{boxed_counted_future, count, count_error, count_in_place, counted_future};
pub use crate::record::{enter_block, instantiation, labelled};
pub use ::core;
#[cfg(not(telemetry_off))]
pub use inventory;

/// Whether anything is recorded, which `--cfg telemetry_off` decides.
pub const RECORDS: bool = cfg!(not(telemetry_off));

/// The first text that is there; empty where none is.
#[must_use]
pub const fn first_known<const N: usize>(known: [Option<&'static str>; N]) -> &'static str {
    let mut index = 0;
    while index < N {
        if let Some(text) = known[index] {
            return text;
        }
        index += 1;
    }
    ""
}

/// Takes a registration and leaves nothing of it.
#[cfg(telemetry_off)]
pub mod inventory {
    pub use crate::__nothing as submit;
}

#[cfg(telemetry_off)]
#[doc(hidden)]
#[macro_export]
macro_rules! __nothing {
    ($($any:tt)*) => {};
}

/// Runs a body once. That it is passed to this function tells the compiler that its closure is called once, so that what it moved in
/// may be borrowed by what it returns.
#[inline(always)]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// A value that is never made: for a `return` that never runs and tells a block its type.
#[cold]
#[must_use]
pub fn never<T>() -> T {
    loop {
        core::hint::spin_loop();
    }
}
