//! Calls as spans of an OpenTelemetry tracer.
//!
//! A span is made for each call, whatever the sampler says of it: one that is not sampled is told nothing and has no attributes, and is there so that what runs within it is
//! not sampled either. The exception is one within another one of ours, of the same trace, that is not sampled: nobody could tell the two apart.
//!
//! The tracer's scope is this library, with its version: it is what makes the spans. Whose function it is stands in `code.function.name`.

use super::clock::Anchor;
use super::process;
use crate::job::Job;
use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::exemplar;
use crate::record::outcome::Outcome;
use crate::record::span::{Call, End, Entered, Parent, Span as CallSpan, Spans, Value};
use crate::record::table::Table;
use crate::record::thread;
use crate::sync::{Mutex, lock};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, SpanRef, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, ContextGuard, InstrumentationScope, KeyValue, Value as AttributeValue};
use std::borrow::Cow;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;
// A tracer is rarely set: nothing for a model checker.
use std::sync::atomic::{AtomicPtr, Ordering};

/// The maker. There is one; its tracer may be replaced.
pub(super) static CALLS: Calls = Calls { tracer: AtomicPtr::new(std::ptr::null_mut()) };

pub(super) struct Calls {
    /// Null, or a leaked tracer.
    tracer: AtomicPtr<Box<dyn Begin>>,
}

/// A tracer of whatever type.
trait Begin: Send + Sync {
    /// Begins a span within `parent`. Says its context, and whether it is recorded; `None` where it would tell nothing that `parent` does not.
    fn begin(&self, builder: SpanBuilder, parent: &Context, anchor: Option<Anchor>) -> Option<(Context, bool)>;
}

impl<T> Begin for T
where
    T: Tracer + Send + Sync,
    T::Span: Span + Send + Sync + 'static,
{
    fn begin(&self, builder: SpanBuilder, parent: &Context, anchor: Option<Anchor>) -> Option<(Context, bool)> {
        let span = self.build_with_context(builder, parent);
        let is_recorded = span.is_recording();
        match anchor {
            // A provider that was shut down, or that makes no spans.
            _ if !span.span_context().is_valid() => None,
            // Nothing of ours is around it.
            Some(anchor) => Some((parent.with_value(anchor).with_span(span), is_recorded)),
            None if is_recorded || is_sampled(parent) => Some((parent.with_span(span), is_recorded)),
            None => None,
        }
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("telemetry").with_version(env!("CARGO_PKG_VERSION")).build()
}

fn is_sampled(context: &Context) -> bool {
    context.span().span_context().is_sampled()
}

impl Calls {
    /// Makes spans by this provider's tracer from now on.
    pub(super) fn set_provider<P>(&self, provider: &P)
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        let tracer: Box<dyn Begin> = Box::new(provider.tracer_with_scope(scope()));
        // Not freed: a thread may be asking it.
        let tracer = thread::uncounted(|_| Box::into_raw(Box::new(tracer)));
        self.tracer.store(tracer, Ordering::Release);
    }

    fn tracer(&self) -> Option<&'static dyn Begin> {
        // SAFETY: null, or a leaked tracer.
        unsafe { self.tracer.load(Ordering::Acquire).as_ref() }.map(|tracer| &**tracer)
    }
}

/// Looks at the current context; `None` on a thread whose locals are being destroyed.
pub(super) fn current<R>(look: impl FnOnce(&Context) -> R) -> Option<R> {
    is_alive().then(|| Context::map_current(look))
}

std::thread_local! {
    /// Destroyed before OpenTelemetry's own local, which was there before it: locals are destroyed in the opposite order. To ask for a local that
    /// is no more would be a panic in a destructor.
    static ALIVE: Alive = Alive::new();
}

struct Alive;

impl Alive {
    fn new() -> Alive {
        Context::map_current(|_| ());
        Alive
    }
}

impl Drop for Alive {
    /// Nothing; but what has a destructor is known to be destroyed.
    fn drop(&mut self) {}
}

fn is_alive() -> bool {
    ALIVE.try_with(|_| ()).is_ok()
}

/// A context that is this thread's current one.
pub(super) struct Attached(ManuallyDrop<ContextGuard>);

impl Drop for Attached {
    fn drop(&mut self) {
        if is_alive() {
            // SAFETY: it is dropped here alone, and not used after this.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

pub(super) fn attach(context: &Context) -> Option<Attached> {
    is_alive().then(|| Attached(ManuallyDrop::new(context.clone().attach())))
}

impl Spans for Calls {
    fn running(&self) -> Option<Parent> {
        current(|context| process::says_something(context).then(|| context.clone()))
            .flatten()
            .map(|context| Arc::new(context) as Parent)
    }

    fn resume(&self, parent: &Parent) -> Option<Entered> {
        attach(parent.downcast_ref()?).map(|attached| Box::new(attached) as Entered)
    }

    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn CallSpan>> {
        let tracer = self.tracer()?;
        if call.is_root {
            let is_suppressed = current(Context::is_telemetry_suppressed)?;
            return if is_suppressed { None } else { begin(tracer, call, &Context::new()) };
        }
        match call.parent.and_then(|parent| parent.downcast_ref()) {
            Some(parent) => begin(tracer, call, &process::adopt(Context::clone(parent))),
            // A clone: a sampler may attach a context of its own meanwhile.
            None => begin(tracer, call, &process::adopt(current(Context::clone)?)),
        }
    }
}

fn begin(tracer: &dyn Begin, call: &Call<'_>, parent: &Context) -> Option<Box<dyn CallSpan>> {
    if parent.is_telemetry_suppressed() {
        return None;
    }
    let around = parent.get::<Anchor>().copied();
    let anchor = around.unwrap_or_else(Anchor::new);
    let builder = SpanBuilder {
        name: Cow::Borrowed(call.site.function()),
        span_kind: Some(SpanKind::Internal),
        start_time: Some(anchor.time(call.start)),
        ..SpanBuilder::default()
    };
    let new = around.is_none().then_some(anchor);
    let (context, is_recorded) = tracer.begin(builder, parent, new)?;
    let parent = parent.span().span_context().span_id();
    if is_recorded {
        of_job(&context.span());
    }
    Some(Box::new(Running { context, is_recorded, anchor, start: call.start, site: call.site, parent }))
}

/// Begins a span that is no call's, of the tracer that calls have, or else of the global one. Says its context; `None` where it would tell nothing that `parent` does not.
#[cfg(any(feature = "reqwest", feature = "axum"))]
pub(super) fn begin_other(builder: SpanBuilder, parent: &Context) -> Option<Context> {
    let around = parent.get::<Anchor>().copied();
    let anchor = around.unwrap_or_else(Anchor::new);
    let builder = builder.with_start_time(anchor.time(clock::now()));
    let new = around.is_none().then_some(anchor);
    let (context, is_recorded) = match CALLS.tracer() {
        Some(tracer) => tracer.begin(builder, parent, new)?,
        None => opentelemetry::global::tracer_with_scope(scope()).begin(builder, parent, new)?,
    };
    if is_recorded {
        of_job(&context.span());
    }
    Some(context)
}

/// Makes a span that ends now and took so long, of the tracer that calls have, as a child of what runs here. Nothing ran within it.
#[cfg(feature = "duckdb")]
pub(super) fn tell_past(builder: SpanBuilder, took: std::time::Duration, error_type: Option<&'static str>) {
    let (Some(tracer), Some(parent)) = (CALLS.tracer(), current(Context::clone)) else { return };
    if parent.is_telemetry_suppressed() {
        return;
    }
    let parent = process::adopt(parent);
    let around = parent.get::<Anchor>().copied();
    let anchor = around.unwrap_or_else(Anchor::new);
    let end = anchor.time(clock::now());
    let builder = builder.with_start_time(end.checked_sub(took).unwrap_or(end));
    if let Some((context, is_recorded)) = tracer.begin(builder, &parent, around.is_none().then_some(anchor)) {
        if is_recorded {
            of_job(&context.span());
        }
        let span = context.span();
        if let Some(error_type) = error_type {
            span.set_status(Status::error(error_type));
        }
        span.end_with_timestamp(end);
    }
}

/// Ends such a span.
#[cfg(any(feature = "reqwest", feature = "axum"))]
pub(super) fn end_other(context: &Context) {
    let time = context.get::<Anchor>().map_or_else(std::time::SystemTime::now, |anchor| anchor.time(clock::now()));
    context.span().end_with_timestamp(time);
}

/// Which run of which job it is part of.
fn of_job(span: &SpanRef<'_>) {
    let Some(job) = Job::current() else { return };
    span.set_attribute(KeyValue::new("telemetry.job.name", job.run.name.clone()));
    span.set_attribute(KeyValue::new("telemetry.job.run_id", integer(job.run.id)));
}

/// The span of a running call.
struct Running {
    context: Context,
    is_recorded: bool,
    anchor: Anchor,
    start: u64,
    site: &'static CallSite,
    /// The span around it.
    parent: SpanId,
}

impl CallSpan for Running {
    fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    fn enter(&mut self) -> Entered {
        Box::new(attach(&self.context))
    }

    fn attribute(&mut self, name: &'static str, value: Value<'_>) {
        let value: AttributeValue = match value {
            Value::Bool(value) => value.into(),
            Value::Int(value) => value.into(),
            Value::Float(value) => value.into(),
            Value::Text(value) => value.to_owned().into(),
        };
        self.context.span().set_attribute(KeyValue::new(name, value));
    }

    fn error(&mut self, error_type: &str, message: Option<&str>) {
        let span = self.context.span();
        span.set_status(Status::error(message.unwrap_or(error_type).to_owned()));
        span.set_attribute(KeyValue::new("error.type", error_type.to_owned()));
        let mut exception = vec![KeyValue::new("exception.type", error_type.to_owned())];
        exception.extend(message.map(|message| KeyValue::new("exception.message", message.to_owned())));
        span.add_event_with_timestamp("exception", self.anchor.time(clock::now()), exception);
    }

    fn end(self: Box<Self>, end: &End) {
        let span = self.context.span();
        let mut ticks = self.start.saturating_add(end.ticks);
        if end.outcome == Outcome::Cancelled {
            ticks = cancelled(self.parent, span.span_context().span_id(), ticks);
        }
        if self.is_recorded {
            self.tell(&span, end);
        }
        span.end_with_timestamp(self.anchor.time(ticks));
    }
}

impl Running {
    fn tell(&self, span: &SpanRef<'_>, end: &End) {
        let mut attributes = Vec::with_capacity(12);
        let mut tell = |name: &'static str, value: Option<AttributeValue>| {
            attributes.extend(value.map(|value| KeyValue::new(name, value)));
        };
        let (file, line) = self.site.location();
        tell("code.function.name", qualified(self.site).map(Into::into));
        tell("code.file.path", (!file.is_empty()).then(|| file.into()));
        tell("code.line.number", (line > 0).then(|| i64::from(line).into()));
        tell("telemetry.result", Some(end.outcome.as_str().into()));
        tell("telemetry.busy_seconds", (end.busy_ticks > 0).then(|| clock::seconds(end.busy_ticks).into()));
        tell("telemetry.cpu_seconds", end.cpu_seconds.map(Into::into));
        tell("telemetry.allocated_bytes", end.allocated_bytes.map(integer));
        tell("telemetry.allocations", end.allocations.map(integer));
        tell("telemetry.read_bytes", end.read_bytes.map(integer));
        tell("telemetry.written_bytes", end.written_bytes.map(integer));
        match end.outcome {
            Outcome::Panic => {
                tell("error.type", Some("panic".into()));
                span.set_status(Status::error("panicked"));
            }
            // What was told of it before stays.
            Outcome::Error => span.set_status(Status::error("")),
            Outcome::Ok | Outcome::Cancelled => {}
        }
        span.set_attributes(attributes);
    }
}

fn integer(value: u64) -> AttributeValue {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}

/// The function's path, by the call site's index.
static QUALIFIED: Table<Option<Box<str>>> = Table::new();
/// Makes entries of it one thread at a time.
static QUALIFIES: Mutex<()> = Mutex::new(());

fn qualified(site: &'static CallSite) -> Option<Cow<'static, str>> {
    let site = site.whole();
    if !site.is_registered() {
        return site.qualified().map(Cow::Owned); // a job
    }
    let known = QUALIFIED.get(site.index()).unwrap_or_else(|| {
        let _alone = lock(&QUALIFIES);
        let make = || QUALIFIED.make(site.index(), site.qualified().map(String::into_boxed_str));
        QUALIFIED.get(site.index()).unwrap_or_else(make)
    });
    known.as_deref().map(Cow::Borrowed)
}

std::thread_local! {
    /// Calls that were cancelled together on this thread, and when.
    static CANCELLED: RefCell<(Vec<SpanId>, u64)> = const { RefCell::new((Vec::new(), 0)) };
}

/// When a call was cancelled. A future that is dropped has ended before those that are held by it, and is not to seem shorter than they.
fn cancelled(parent: SpanId, span: SpanId, ticks: u64) -> u64 {
    let together = |cancelled: &RefCell<(Vec<SpanId>, u64)>| {
        let mut cancelled = cancelled.try_borrow_mut().ok()?;
        let (spans, first) = &mut *cancelled;
        if !spans.contains(&parent) {
            spans.clear();
            *first = ticks;
        }
        spans.push(span);
        Some(*first)
    };
    CANCELLED.try_with(together).ok().flatten().unwrap_or(ticks)
}

/// The running span, where it is sampled: for exemplars.
pub(super) fn running_span() -> Option<exemplar::SpanContext> {
    let ids = |context: &SpanContext| exemplar::SpanContext {
        trace_id: context.trace_id().to_bytes(),
        span_id: context.span_id().to_bytes(),
    };
    current(|context| {
        let span = context.span();
        let context = span.span_context();
        (context.is_valid() && context.is_sampled()).then(|| ids(context))
    })
    .flatten()
}
