//! What stands for a context: nothing.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};
use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::Poll;

/// No trace, and no baggage.
#[derive(Clone)]
#[must_use = "it changes nothing before `scope`, `future` or `inject`"]
pub struct TraceContext(());

static NONE: LazyLock<Context> = LazyLock::new(Context::new);

/// None.
pub fn current_context() -> TraceContext {
    TraceContext(())
}

/// None.
#[must_use]
pub fn baggage(_name: &str) -> Option<String> {
    None
}

impl TraceContext {
    /// Reads nothing.
    pub fn extract(_carrier: &dyn Extractor) -> TraceContext {
        TraceContext(())
    }

    /// Writes nothing.
    pub fn inject(&self, _carrier: &mut dyn Injector) {}

    /// No.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        false
    }

    /// No.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        false
    }

    /// None.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        None
    }

    /// None.
    #[must_use]
    pub fn span_id(&self) -> Option<String> {
        None
    }

    /// None.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        None
    }

    /// None.
    #[must_use]
    pub fn baggage(&self, _name: &str) -> Option<String> {
        None
    }

    /// The same.
    pub fn with_baggage(&self, _name: &str, _value: &str) -> TraceContext {
        TraceContext(())
    }

    /// Runs it.
    pub fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// The future as it is.
    pub fn future<F: Future>(&self, future: F) -> InContext<F> {
        InContext { future }
    }

    /// An empty one.
    #[must_use]
    pub fn opentelemetry(&self) -> &Context {
        &NONE
    }
}

impl From<Context> for TraceContext {
    fn from(_context: Context) -> TraceContext {
        TraceContext(())
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext").finish_non_exhaustive()
    }
}

pin_project_lite::pin_project! {
    /// A future as it is.
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(context)
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}
