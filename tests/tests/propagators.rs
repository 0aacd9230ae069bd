//! The application's own propagator goes before W3C's. A program of its own, since there is one for all.

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, global};
use std::process::Command;
use std::sync::LazyLock;
use telemetry::trace::{current_context, http, process};

/// One header, `X-Own: TRACE/SPAN`.
#[derive(Debug)]
struct Own;

static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| ["X-Own".to_owned()]);

impl TextMapPropagator for Own {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        let span = context.span().span_context().clone();
        if span.is_valid() {
            carrier.set("X-Own", format!("{}/{}", span.trace_id(), span.span_id()));
        }
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        assert!(carrier.get("X-Own") != Some("panic"), "asked to");
        let ids = carrier.get("X-Own").and_then(|value| value.split_once('/'));
        let ids = ids.and_then(|(trace, span)| Some((TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?)));
        let Some((trace, span)) = ids else { return context.clone() };
        let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
        context.with_remote_span_context(span)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&*FIELDS)
    }
}

#[test]
fn the_applications_propagator_reads_and_writes() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const IDS: &str = "0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331";
    let headers = |name, value| {
        let mut headers = ::http::HeaderMap::new();
        headers.insert(::http::HeaderName::from_static(name), ::http::HeaderValue::from_static(value));
        headers
    };
    let (w3c, own) = (headers("traceparent", PARENT), headers("x-own", IDS));
    // Before, it is W3C's.
    assert_eq!(http::extract(&w3c).traceparent().as_deref(), Some(PARENT));
    assert!(!http::extract(&own).is_valid());

    global::set_text_map_propagator(Own);
    assert!(!http::extract(&w3c).is_valid());
    assert!(!http::extract(&headers("x-own", "panic")).is_valid());
    let sender = http::extract(&own);
    assert_eq!(sender.traceparent().as_deref(), Some(PARENT));
    let mut written = w3c.clone();
    sender.scope(|| http::inject(&mut written));
    // A header of which it knows nothing stays.
    assert_eq!((written.get("x-own"), written.get("traceparent")), (own.get("x-own"), w3c.get("traceparent")));

    let mut command = Command::new("true");
    sender.scope(|| process::inject(&mut command));
    let set: Vec<_> = command.get_envs().collect();
    assert_eq!(set, [("X_OWN".as_ref(), Some(IDS.as_ref()))]);
    assert!(!current_context().is_valid());
}
