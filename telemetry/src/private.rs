//! The one door for generated code. Nothing here is for users, and any of it may change with any version.

pub use crate::job::lifetime::{
    JobEnded, JobFuture, JobGuard, JobSpec, enter_job, expect_units, job_future, start_job,
};
pub use crate::metric::{Counter, DurationCounter, Gauge, Histogram, Info};
pub use crate::metric::{Descriptor, Family, IntoLabel, Kind, Origin, Registration};
pub use crate::record::{Asked, BlockGuard, Counted, CountedEnd, CountedFuture};
pub use crate::record::{
    CallSite, Ended, Ending, Fallback, Guard, Inspect, MeasuredFuture, Outcome, Returns, ReturnsOther, enter,
    measured_future,
};
pub use crate::record::{count, count_error, counted_future, enter_block, instantiation, labelled};
pub use ::core;
pub use inventory;

/// Runs a body once. That it is passed to this function tells the compiler that its closure is called once, so that what it moved in
/// may be borrowed by what it returns.
#[inline(always)]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}
