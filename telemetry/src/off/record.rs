//! What stands for `record` with `--cfg telemetry_off`: what generated code calls, with the same types in and out of it, and nothing done.
//!
//! A call site is a static without a size that nothing refers to. A future is the user's own. What borrows, and what is `Send`, is as it is with
//! telemetry, so that a program which compiles without it compiles with it.

#[path = "../record/outcome.rs"]
pub(crate) mod outcome;

use crate::job::{self, Job, within};
use crate::metric::{IntoLabel, LabelArg};
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use outcome::{Ending, Fallback, Inspect, Outcome, Returns, ReturnsOther, ShownByDebug, ShownByDisplay};
pub use span::{Annotations, Show, Shown, ShownLess, ShownNot, SpanValue};

/// What is read besides count and time: nothing.
pub(crate) mod budget {
    pub(crate) const DEFAULT_SHARE: f64 = 0.0;

    #[cfg(feature = "duckdb")]
    pub(crate) fn share() -> f64 {
        DEFAULT_SHARE
    }
}

/// Spans, which nobody makes.
#[path = "span.rs"]
pub(crate) mod span;

/// Exemplars, of which there are none: nothing is observed.
pub mod exemplar {
    /// Which span is running, of which trace: the ids of W3C's Trace Context, <https://www.w3.org/TR/trace-context/#traceparent-header>.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SpanContext {
        /// Identifies the trace; not all zero.
        pub trace_id: [u8; 16],
        /// Identifies the span within it; not all zero.
        pub span_id: [u8; 8],
    }

    /// Forgets the source.
    #[inline(always)]
    pub fn set_source(_source: fn() -> Option<SpanContext>) {}
}

/// What a thread keeps at hand: nothing, so there is nothing to leave out of it.
pub(crate) mod thread {
    pub(crate) fn uncounted<R>(f: impl FnOnce(&()) -> R) -> R {
        f(&())
    }
}

/// How calls go on: none does.
pub(crate) mod calls {
    pub(crate) struct Calls(());

    impl Calls {
        pub(crate) fn nowhere() -> Calls {
            Calls(())
        }

        pub(crate) fn follow(&self) {}

        pub(crate) fn count(&self) -> u64 {
            0
        }

        pub(crate) fn innermost(&self) -> Option<(String, f64)> {
            None
        }
    }
}

/// What a test records for itself: nothing, as everywhere.
pub(crate) mod isolated {
    pub(crate) struct Scope(());

    static NOWHERE: Scope = Scope(());

    impl Scope {
        pub(crate) fn leak() -> &'static Scope {
            &NOWHERE
        }

        /// Leaves the thread where it is.
        pub(crate) fn enter(&'static self) -> Option<&'static Scope> {
            None
        }
    }

    pub(crate) fn current_if_any() -> Option<&'static Scope> {
        None
    }
}

/// A measured function, of which nothing is kept.
#[derive(Debug)]
pub struct CallSite(());

impl CallSite {
    /// Forgets where it stands.
    #[inline(always)]
    #[must_use]
    pub const fn new(
        _name: &'static str,
        _path: fn() -> &'static str,
        _module: &'static str,
        _file: &'static str,
        _line: u32,
    ) -> CallSite {
        CallSite(())
    }

    /// Forgets what it was asked.
    #[inline(always)]
    #[must_use]
    pub const fn asked(self, _asked: &'static Asked) -> CallSite {
        self
    }
}

/// What a call site is asked, of which nothing is kept.
#[derive(Debug)]
pub struct Asked(());

impl Asked {
    /// Asks for nothing.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for statics")]
    pub const fn new() -> Asked {
        Asked(())
    }

    /// Forgets the names.
    #[inline(always)]
    #[must_use]
    pub const fn labels(self, _names: &'static [&'static str]) -> Asked {
        self
    }

    /// Forgets the thresholds.
    #[inline(always)]
    #[must_use]
    pub const fn thresholds(self, _seconds: &'static [f64]) -> Asked {
        self
    }

    /// Neither counts nor times.
    #[inline(always)]
    #[must_use]
    pub const fn counts(self) -> Asked {
        self
    }
}

/// The same call site.
#[inline(always)]
#[must_use]
pub fn labelled(site: &'static CallSite, _labels: &[LabelArg<'_>]) -> &'static CallSite {
    site
}

/// The same call site.
#[inline(always)]
#[must_use]
pub fn instantiation<T>(site: &'static CallSite, _body: &T) -> &'static CallSite {
    site
}

/// Counts nothing, and does not ask what the error is.
#[inline(always)]
pub fn count_error<E, L: IntoLabel>(_site: &'static CallSite, _error: Option<&E>, _error_type: impl FnOnce(&E) -> L) {}

/// Notes nothing.
#[inline(always)]
pub fn note_output<E>(_error: Option<&E>, _show: Show<E>) {}

pub(crate) const MAY_BE_SPANS: bool = false;

pub(crate) fn note_display<E>(_error: &E) {}
pub(crate) use self::{note_display as note_debug, note_display as note_type};

/// Tells nobody, and does not ask.
#[inline(always)]
pub fn annotate(_values: impl FnOnce(&mut Annotations)) {}

/// A running call, of which nothing is kept.
#[must_use]
#[derive(Debug)]
pub struct Guard(
    /// A call ends on the thread on which it began.
    PhantomData<*const ()>,
);

/// The guard of a call that is counted alone.
pub type Counted = Guard;

/// The guard of a call whose body stayed where it was.
pub type InPlace = Guard;

impl Guard {
    /// Ends it.
    #[inline(always)]
    pub fn end(self, _ending: Ending) {}
}

/// Begins a call.
#[inline(always)]
pub fn enter(_site: &'static CallSite, _fallible: bool) -> Guard {
    Guard(PhantomData)
}

pub use self::{enter as count, enter as count_in_place, enter as enter_in_place};

/// The future itself.
#[inline(always)]
pub fn measured_future<T, F, E>(_site: &'static CallSite, _fallible: bool, future: F, _ending: E) -> F
where
    F: Future<Output = T>,
    E: Fn(&T) -> Ending,
{
    future
}

pub use self::{
    measured_future as boxed_counted_future, measured_future as boxed_future, measured_future as counted_future,
};

/// A running block, of which nothing is kept.
#[must_use]
#[derive(Debug)]
pub struct BlockGuard(PhantomData<*const ()>);

/// Begins a block.
#[inline(always)]
pub fn enter_block(_site: &'static CallSite) -> BlockGuard {
    BlockGuard(PhantomData)
}

impl BlockGuard {
    /// The value, at which nobody looks.
    #[inline(always)]
    pub fn end<T>(&self, value: T, _look: impl FnOnce(&T) -> Ending) -> T {
        value
    }

    /// Goes by.
    #[inline(always)]
    pub fn leaves(&self, _ending: Ending) {}

    /// Goes by.
    #[inline(always)]
    pub fn leaves_with_error(&self) {}
}

/// Measures nothing.
#[inline(always)]
#[must_use = "a block ends when this is dropped, so at once if it is not kept; write `let _running = …`"]
pub fn span(_name: &'static str) -> SpanGuard {
    SpanGuard(PhantomData)
}

/// A running block, see [`span`].
#[must_use = "a block ends when this is dropped, so at once if it is not kept; write `let _running = …`"]
#[derive(Debug)]
pub struct SpanGuard(PhantomData<*const ()>);

impl SpanGuard {
    /// Ends the block.
    #[inline(always)]
    pub fn end<T, E>(self, _result: &Result<T, E>) {}
}

impl Drop for SpanGuard {
    /// Nothing; but where it is dropped is the program's to say, and lints are not to find that superfluous.
    #[inline(always)]
    fn drop(&mut self) {}
}

/// What is handed on is credited to no function; it still works for the job, which [`Job::current`] tells there. Made by [`current()`].
#[derive(Clone, Debug)]
pub struct Current(Option<Job>);

/// The job that runs here, and nobody else.
#[must_use = "it credits nothing before `scope` or `future`"]
pub fn current() -> Current {
    Current(job::current())
}

/// The future, for the job that runs here.
pub fn in_current<F: Future>(future: F) -> InCurrent<F> {
    current().future(future)
}

impl Current {
    /// Runs something for the job.
    pub fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let mut job = self.0.clone();
        let _job = within(&mut job);
        work()
    }

    /// The future, for the job.
    pub fn future<F: Future>(&self, future: F) -> InCurrent<F> {
        InCurrent { job: self.0.clone(), future }
    }
}

pin_project_lite::pin_project! {
    /// A future that is credited to nobody but a job. Made by [`in_current`] and [`Current::future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InCurrent<F> {
        job: Option<Job>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InCurrent<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _job = within(this.job);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for InCurrent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InCurrent")
    }
}

/// Nothing runs here that a fork could harm.
#[cfg(feature = "comet")]
pub(crate) mod fork {
    /// Every process is the same one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Process;

    impl Process {
        pub(crate) fn current() -> Process {
            Process
        }
    }

    pub(crate) fn watch() {}
}
