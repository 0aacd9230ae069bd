//! One call, on one thread: the path that must cost next to nothing.
//!
//! A [`CallSite`] is a `static` in the user's function. [`enter`] counts the call as started and returns a [`Guard`]; a
//! [`MeasuredFuture`] does the same around each poll. Both write to the calling thread's shard and to nothing else.

pub(crate) mod callsite;
pub(crate) mod clock;
pub(crate) mod dropped;
pub(crate) mod exponential;
mod future;
mod guard;
mod in_place;
pub(crate) mod outcome;
pub(crate) mod shard;
mod table;
pub(crate) mod thread;

pub use callsite::CallSite;
pub use future::{MeasuredFuture, boxed_future, measured_future};
pub use guard::{Guard, enter};
pub use in_place::{InPlace, enter_in_place};
pub use outcome::{Ending, Fallback, Inspect, Outcome, Returns, ReturnsOther};
