//! One call, on one thread: the path that must cost next to nothing.
//!
//! A [`CallSite`] is a `static` in the user's function. [`enter`] counts the call as started and returns a [`Guard`]; a
//! [`MeasuredFuture`] does the same around each poll. Both write to the calling thread's shard and to nothing else.

pub(crate) mod ages;
pub(crate) mod asked;
mod block;
pub(crate) mod budget;
pub(crate) mod calls;
pub(crate) mod callsite;
pub(crate) mod clock;
mod count;
mod current;
pub(crate) mod dropped;
#[cfg(feature = "tracing")]
pub(crate) mod entered;
pub mod exemplar;
pub(crate) mod exponential;
pub(crate) mod fork;
mod future;
pub(crate) mod guard;
mod in_place;
pub(crate) mod isolated;
pub(crate) mod outcome;
pub(crate) mod probe;
pub(crate) mod shard;
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "nobody makes spans"))]
pub(crate) mod span;
pub(crate) mod table;
pub(crate) mod thread;
pub(crate) mod tree;
pub(crate) mod variants;

pub use asked::{Asked, count_error, instantiation, labelled};
pub use block::{BlockGuard, SpanGuard, enter_block, span};
pub use callsite::CallSite;
pub use count::{Counted, CountedFuture, boxed_counted_future, count, counted_future};
pub use current::{Current, InCurrent, current, in_current};
pub use future::{MeasuredFuture, boxed_future, measured_future};
pub use guard::{Guard, enter};
pub use in_place::{InPlace, count_in_place, enter_in_place};
pub use outcome::{Ending, Fallback, Inspect, Outcome, Returns, ReturnsOther, ShownByDebug, ShownByDisplay};
pub use span::{Annotations, Show, Shown, ShownLess, ShownNot, SpanValue, annotate, note_output};
pub(crate) use span::{MAY_BE as MAY_BE_SPANS, note_debug, note_display, note_type};
