//! Spans of calls, where somebody makes them: OpenTelemetry's tracer, or a subscriber of `tracing`.
//!
//! Until a maker is added nothing here runs. From then on calls go their rare way ([`clock::choose_way`](super::clock::choose_way)) and ask every maker.

use crate::record::callsite::CallSite;
use crate::record::outcome::Outcome;
use std::any::Any;
use std::sync::Arc;

/// What runs on a thread, in the words of the maker that gave it.
pub(crate) type Parent = Arc<dyn Any + Send + Sync>;

/// Holds something as what runs on this thread, until it is dropped, on this thread.
pub(crate) type Entered = Box<dyn Any>;

/// Who makes spans of calls.
pub(crate) trait Spans: Send + Sync {
    /// What runs on this thread, for work that begins later or elsewhere.
    fn running(&self) -> Option<Parent>;

    /// Makes this what runs on this thread.
    fn resume(&self, parent: &Parent) -> Option<Entered>;

    /// A call begins, on this thread; `None` where nobody wants its span.
    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>>;
}

/// A call that begins.
pub(crate) struct Call<'a> {
    pub(crate) site: &'static CallSite,
    /// In ticks.
    pub(crate) start: u64,
    /// Where the call was made; else what runs on this thread is its parent.
    pub(crate) parent: Option<&'a Parent>,
}

/// The span of a running call, which a thread after the other may work on.
pub(crate) trait Span: Send {
    /// The call runs on this thread.
    fn enter(&mut self) -> Entered;

    fn attribute(&mut self, name: &'static str, value: Value<'_>);

    /// The call ends as an error, of this type; `message` where the error can be shown.
    fn error(&mut self, error_type: &str, message: Option<&str>);

    /// On whatever thread.
    fn end(self: Box<Self>, end: &End);
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

/// How a call ended, and what it took.
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// From its start, in ticks.
    pub(crate) ticks: u64,
    /// In ticks; less than `ticks` where it waited.
    pub(crate) busy_ticks: u64,
    /// Of its callees too; `None` where nothing counts it.
    pub(crate) allocated_bytes: Option<u64>,
    pub(crate) allocations: Option<u64>,
    /// `None` where it was not read.
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
}
