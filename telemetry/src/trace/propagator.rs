//! Which propagators read and write a context, and what they are shown of a carrier.
//!
//! The application's, where it has set one; else W3C's, as `OTEL_PROPAGATORS` says.

mod baggage; // W3C's `baggage`
mod w3c; // what W3C accepts

use super::context::TraceContext;
use super::process;
use crate::config::Propagators;
use crate::notice::say;
use crate::record::{span, thread};
use baggage::BaggagePropagator;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;
// Said once, and read once a request: nothing for a model checker.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Those of W3C that are on.
#[derive(Debug)]
struct Ours {
    trace_context: Option<TraceContextPropagator>,
    baggage: Option<BaggagePropagator>,
    fields: Vec<String>,
}

static OURS: OnceLock<Ours> = OnceLock::new();

impl Ours {
    fn new(trace_context: bool, baggage: bool) -> Ours {
        let trace_context = trace_context.then(TraceContextPropagator::new);
        let baggage = baggage.then_some(BaggagePropagator);
        let mut fields: Vec<String> = Vec::new();
        fields.extend(trace_context.iter().flat_map(TextMapPropagator::fields).map(str::to_owned));
        fields.extend(baggage.iter().flat_map(TextMapPropagator::fields).map(str::to_owned));
        Ours { trace_context, baggage, fields }
    }

    fn all(&self) -> impl Iterator<Item = &dyn TextMapPropagator> {
        let trace_context = self.trace_context.as_ref().map(|one| one as &dyn TextMapPropagator);
        trace_context.into_iter().chain(self.baggage.as_ref().map(|one| one as &dyn TextMapPropagator))
    }
}

impl TextMapPropagator for Ours {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        self.all().for_each(|propagator| propagator.inject_context(context, carrier));
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        self.all().fold(context.clone(), |context, propagator| propagator.extract_with_context(&context, carrier))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// What `init` has read.
pub(crate) fn choose(propagators: Propagators) {
    // Where something was read or written before, the environment has been asked.
    let _ = OURS.set(Ours::new(propagators.trace_context, propagators.baggage));
}

/// A program without `init` has what the environment says, too.
fn ours() -> &'static Ours {
    OURS.get_or_init(|| {
        let (propagators, notes) = Propagators::of_environment();
        notes.iter().for_each(|note| say(format_args!("{note}")));
        Ours::new(propagators.trace_context, propagators.baggage)
    })
}

/// Asks the propagator that holds. The global one that is there unasked has no fields.
pub(super) fn with<R>(mut ask: impl FnMut(&dyn TextMapPropagator) -> R) -> R {
    global::get_text_map_propagator(|set| if set.fields().next().is_some() { ask(set) } else { ask(ours()) })
}

/// What a carrier says. Without a trace in it the context says so, so that nothing else becomes the parent of what runs in it. Not by a span without ids: to the SDK's sampler
/// that is a parent that is not sampled.
pub(super) fn extract(carrier: &dyn Extractor) -> TraceContext {
    let cleaned = thread::uncounted(|_| Cleaned::new(carrier));
    let extract = || with(|propagator| propagator.extract_with_context(&Context::new(), &cleaned));
    let context = quietly(extract).unwrap_or_default();
    match context.span().span_context().is_valid() {
        true => TraceContext(context),
        false => TraceContext(context.with_value(process::NoParent)),
    }
}

/// Writes a context into a carrier.
pub(super) fn inject(context: &Context, carrier: &mut dyn Injector) {
    quietly(|| with(|propagator| propagator.inject_context(context, carrier)));
}

/// Asks what is the application's, or OpenTelemetry's: its allocations are not the running call's, and `None` where it panicked.
pub(super) fn quietly<R>(ask: impl FnOnce() -> R) -> Option<R> {
    thread::with(|thread| span::making(thread, ask))
}

/// A carrier of which W3C's three fields are shown as one valid value each, or not at all. SDKs' propagators ask for one value, and take what is not
/// quite right.
struct Cleaned<'a> {
    carrier: &'a dyn Extractor,
    traceparent: Option<String>,
    tracestate: Option<String>,
    baggage: Option<String>,
}

impl<'a> Cleaned<'a> {
    fn new(carrier: &'a dyn Extractor) -> Cleaned<'a> {
        let lines = |name| carrier.get_all(name).unwrap_or_default();
        let traceparent = match lines(TRACEPARENT).as_slice() {
            [one] => w3c::traceparent(one),
            // None, or several, of which nobody knows which is right.
            _ => None,
        };
        // The one belongs to the other.
        let tracestate = traceparent.as_ref().and_then(|_| w3c::tracestate(&lines(TRACESTATE)));
        let baggage = Some(lines(BAGGAGE)).filter(|lines| !lines.is_empty()).map(|lines| lines.join(","));
        Cleaned { carrier, traceparent, tracestate, baggage }
    }
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

impl Extractor for Cleaned<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is(TRACEPARENT) {
            self.traceparent.as_deref()
        } else if is(TRACESTATE) {
            self.tracestate.as_deref()
        } else if is(BAGGAGE) {
            self.baggage.as_deref()
        } else {
            self.carrier.get(key)
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.carrier.keys()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        match [TRACEPARENT, TRACESTATE, BAGGAGE].iter().any(|name| key.eq_ignore_ascii_case(name)) {
            true => self.get(key).map(|value| vec![value]),
            false => self.carrier.get_all(key),
        }
    }
}

/// An entry of baggage that is not taken.
#[cold]
pub(super) fn refused(name: &str) {
    static IS_SAID: AtomicBool = AtomicBool::new(false);
    if !IS_SAID.swap(true, Relaxed) {
        say(format_args!(
            "the baggage entry {name:?} was left out, and others may be; a name is a token such as \"tenant\", and there is room for {} entries and {} bytes",
            baggage::MAX_ENTRIES,
            baggage::MAX_BYTES
        ));
    }
}

#[cfg(test)]
mod tests;
