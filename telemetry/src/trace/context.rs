//! What of a trace goes from one process to the next: which span runs, and the baggage.

use super::{calls, process, propagator};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TraceContextExt;
use std::fmt;
use std::pin::Pin;
use std::task::Poll;

/// Where in a trace work belongs: the span that it is a child of, which may be another process's, and the baggage that goes along.
///
/// It comes [out of headers](super::http::extract), [out of the environment](super::process::parent), [out of any carrier](TraceContext::extract) such as a
/// message of a queue, or [from what runs here](current_context).
///
/// ```
/// use std::collections::HashMap;
/// use telemetry::trace::TraceContext;
///
/// let mut message = HashMap::new();
/// message.insert("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
///
/// let sender = TraceContext::extract(&message);
/// sender.scope(|| {
///     // Measured functions that are called here are children of the sender's span.
/// });
/// # #[cfg(not(telemetry_off))]
/// assert_eq!(sender.trace_id().as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
/// ```
#[derive(Clone)]
#[must_use = "it changes nothing before `scope`, `future` or `inject`"]
pub struct TraceContext(pub(super) Context);

/// What runs on this thread: to be handed over, or printed. Where nothing does, it is [the process's parent](super::process::parent), once
/// [`init`](crate::init()) was called.
///
/// A span that is made in it on another thread is a child of what runs here, and what is measured there counts for nobody here: for that there is
/// [`telemetry::current()`](crate::current()), which hands over both where there is a tracer.
///
/// ```
/// # #[telemetry::measured]
/// # fn load() {}
/// let context = telemetry::trace::current_context();
/// let worker = std::thread::spawn(move || context.scope(load));
/// worker.join().unwrap();
/// ```
pub fn current_context() -> TraceContext {
    TraceContext(process::adopt(calls::current(Context::clone).unwrap_or_default()))
}

/// The value that the baggage of what runs on this thread has under a name, decoded.
///
/// ```
/// let context = telemetry::trace::current_context().with_baggage("tenant", "a, b");
/// # #[cfg(not(telemetry_off))]
/// context.scope(|| assert_eq!(telemetry::trace::baggage("tenant").as_deref(), Some("a, b")));
/// ```
#[must_use]
pub fn baggage(name: &str) -> Option<String> {
    current_context().baggage(name)
}

impl TraceContext {
    /// Reads it out of a carrier, such as a `HashMap<String, String>` with the headers of a message.
    ///
    /// [Never fails](super::http::extract): what cannot be read begins a new trace, as if it were not there.
    pub fn extract(carrier: &dyn Extractor) -> TraceContext {
        propagator::extract(carrier)
    }

    /// Writes it into a carrier, over what is there under the same names. Where there is nothing to write, the carrier stays as it is.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// let mut message = HashMap::new();
    /// telemetry::trace::current_context().with_baggage("tenant", "a, b").inject(&mut message);
    /// # #[cfg(not(telemetry_off))]
    /// assert_eq!(message["baggage"], "tenant=a%2C%20b");
    /// ```
    pub fn inject(&self, carrier: &mut dyn Injector) {
        propagator::inject(&self.0, carrier);
    }

    /// Whether there is a trace to go on with.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.span().span_context().is_valid()
    }

    /// Whether the trace is recorded, as far as who began it says; `false` without a trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.is_valid() && self.0.span().span_context().is_sampled()
    }

    /// The trace, as 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.is_valid().then(|| self.0.span().span_context().trace_id().to_string())
    }

    /// The span, as 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> Option<String> {
        self.is_valid().then(|| self.0.span().span_context().span_id().to_string())
    }

    /// Both as W3C's `traceparent`: what a log line or an answer to a user may show.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let span = self.0.span();
        let span = span.span_context();
        span.is_valid()
            .then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), u8::from(span.is_sampled())))
    }

    /// The baggage's value under a name, decoded.
    #[must_use]
    pub fn baggage(&self, name: &str) -> Option<String> {
        self.0.baggage().get(name).map(|value| value.as_str().to_owned())
    }

    /// The same with one more entry in its baggage, or with another value for it.
    ///
    /// All who get a request from within see it, third parties included: no secrets. The name is a token (letters, digits, `-`, `.`, `_` and the like), the value
    /// any text. Where the name is none, or the entry finds no room (64 entries and 8,192 bytes in all), it is left out, and a line on standard error says so once.
    pub fn with_baggage(&self, name: &str, value: &str) -> TraceContext {
        // Anew: OpenTelemetry's does not give the room of an entry back, and a property belongs to the value that it came with.
        let others = self.0.baggage().iter().filter(|(known, _)| known.as_str() != name);
        let mut baggage: Baggage = others.map(|(name, value)| (name.clone(), value.clone())).collect();
        baggage.insert(name.to_owned(), value.to_owned());
        if baggage.get(name).is_none_or(|kept| kept.as_str() != value) {
            propagator::refused(name);
        }
        TraceContext(self.0.with_baggage(baggage))
    }

    /// Runs something on this thread as a child of it.
    pub fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _attached = calls::attach(&self.0);
        work()
    }

    /// A future each of whose polls runs as a child of it.
    ///
    /// # Cancellation
    /// Dropped half-way it leaves nothing behind.
    pub fn future<F: Future>(&self, future: F) -> InContext<F> {
        InContext { context: self.0.clone(), future }
    }

    /// OpenTelemetry's own, for what is asked of its API.
    #[must_use]
    pub fn opentelemetry(&self) -> &Context {
        &self.0
    }
}

impl From<Context> for TraceContext {
    fn from(context: Context) -> TraceContext {
        TraceContext(context)
    }
}

/// Names of the baggage alone: its values are the user's.
impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.0.baggage().iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        f.debug_struct("TraceContext").field("traceparent", &self.traceparent()).field("baggage", &names).finish()
    }
}

pin_project_lite::pin_project! {
    /// A future that runs in a [`TraceContext`]. Made by [`TraceContext::future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        context: Context,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _attached = calls::attach(this.context);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::task::{Context as Task, Wake, Waker};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn from(traceparent: &str) -> TraceContext {
        TraceContext::extract(&HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]))
    }

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Nobody>) {}
    }

    #[test]
    fn ids_are_those_that_came() {
        let context = from(PARENT);
        assert!(context.is_valid() && context.is_sampled());
        assert_eq!(context.traceparent().as_deref(), Some(PARENT));
        assert_eq!(context.span_id().as_deref(), Some("b7ad6b7169203331"));
        let none = from("nonsense");
        assert!(!none.is_valid() && !none.is_sampled());
        assert_eq!((none.trace_id(), none.span_id(), none.traceparent()), (None, None, None));
    }

    #[test]
    fn work_runs_in_the_context_and_what_follows_does_not() {
        let context = from(PARENT);
        assert_eq!(context.scope(|| current_context().traceparent()).as_deref(), Some(PARENT));
        assert_eq!(current_context().traceparent(), None);
    }

    #[test]
    fn each_poll_runs_in_the_context() {
        let mut polls = 0;
        let mut future = Box::pin(from(PARENT).future(std::future::poll_fn(|_| {
            polls += 1;
            let seen = current_context().traceparent();
            if polls < 3 { Poll::Pending } else { Poll::Ready(seen) }
        })));
        let waker = Waker::from(Arc::new(Nobody));
        let mut task = Task::from_waker(&waker);
        for _ in 0..2 {
            assert!(future.as_mut().poll(&mut task).is_pending());
            assert_eq!(current_context().traceparent(), None);
        }
        assert_eq!(future.as_mut().poll(&mut task), Poll::Ready(Some(PARENT.to_owned())));
    }

    #[test]
    fn baggage_is_added_to_and_replaced() {
        let context = from(PARENT).with_baggage("a", "1").with_baggage("b", "2").with_baggage("a", "3");
        assert_eq!(context.baggage("a").as_deref(), Some("3"));
        assert_eq!(context.baggage("b").as_deref(), Some("2"));
        assert_eq!(context.traceparent().as_deref(), Some(PARENT));
        assert_eq!(context.scope(|| baggage("b")).as_deref(), Some("2"));
        assert_eq!(baggage("b"), None);
    }

    #[test]
    fn a_replaced_value_gives_its_room_back() {
        let mut context = from(PARENT);
        for _ in 0..20 {
            context = context.with_baggage("a", &"x".repeat(1_000));
        }
        assert_eq!(context.with_baggage("b", "1").baggage("b").as_deref(), Some("1"));
    }

    #[test]
    fn baggage_without_a_proper_name_or_room_is_left_out() {
        let full = from(PARENT).with_baggage("a", &"x".repeat(8_000));
        assert_eq!(full.with_baggage("b", &"y".repeat(300)).baggage("b"), None);
        assert_eq!(full.with_baggage("no token", "1").baggage("no token"), None);
        assert_eq!(full.with_baggage("", "1").baggage(""), None);
        assert_eq!(full.baggage("a").map(|value| value.len()), Some(8_000));
    }

    #[test]
    fn baggage_is_not_in_debug() {
        let shown = format!("{:?}", from(PARENT).with_baggage("user", "hush"));
        assert!(shown.contains("user") && !shown.contains("hush"), "{shown}");
    }
}
