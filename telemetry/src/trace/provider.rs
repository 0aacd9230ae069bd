//! Whose tracer it is: the application's, or one of our own.

use super::calls::{self, CALLS};
use crate::record::{exemplar, span};
use opentelemetry::trace::{
    Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, global};
#[cfg(any(feature = "otlp", test))]
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, SpanLimits, SpanProcessor},
};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Makes each call of a measured function a span of this provider's tracer, from now on and for the whole program; a later provider takes
/// the place of an earlier one. Which calls are recorded is its sampler's to say, and whereto they go its processors': to flush it and to shut it
/// down is yours.
///
/// `opentelemetry::global::tracer_provider()` is the one that an application has set for all.
///
/// Exemplars of metrics are then those of its spans that are sampled: [`exemplar::set_source`](crate::exemplar::set_source).
///
/// ```
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// let provider = SdkTracerProvider::builder().with_sampler(Sampler::TraceIdRatioBased(0.01)).build();
/// telemetry::trace::use_tracer_provider(&provider);
/// ```
pub fn use_tracer_provider<P>(provider: &P)
where
    P: TracerProvider,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    CALLS.set_provider(provider);
    static ADDED: Once = Once::new();
    ADDED.call_once(|| {
        span::add_maker(&CALLS);
        exemplar::set_source(calls::running_span);
    });
}

/// Whether the global provider is our own.
static OURS: AtomicBool = AtomicBool::new(false);

/// A provider of our own that gives its spans to this processor.
#[cfg(any(feature = "otlp", test))]
pub(crate) fn own(
    processor: impl SpanProcessor + 'static,
    resource: Resource,
    sampler: Sampler,
    limits: SpanLimits,
) -> SdkTracerProvider {
    let builder = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource);
    builder.with_sampler(sampler).with_span_limits(limits).build()
}

/// Makes a provider of our own the one for measured calls, and for all who ask for the global one.
#[cfg(feature = "otlp")]
pub(crate) fn begin(provider: &SdkTracerProvider) {
    global::set_tracer_provider(provider.clone());
    OURS.store(true, Relaxed);
    use_tracer_provider(provider);
}

/// Whether the application has set a global tracer provider.
///
/// The one that is there without makes of every span its parent. All others make spans of their own, or, where telemetry is suppressed as here,
/// none: so nothing is exported by asking.
pub(crate) fn application_has_one() -> bool {
    if OURS.load(Relaxed) {
        return false;
    }
    let parent = SpanContext::new(
        TraceId::from_bytes(*b"telemetry-parent"),
        SpanId::from_bytes(*b"a-parent"),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let context = Context::new().with_remote_span_context(parent.clone()).with_telemetry_suppressed();
    let span = global::tracer("telemetry").start_with_context("is there a provider?", &context);
    *span.span_context() != parent
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::SpanData;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;

    static ENDED: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug)]
    struct Counts;

    impl SpanProcessor for Counts {
        fn on_start(&self, _span: &mut opentelemetry_sdk::trace::Span, _context: &Context) {}

        fn on_end(&self, _span: SpanData) {
            ENDED.fetch_add(1, SeqCst);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    // One test: the global provider is the process's.
    #[test]
    fn the_applications_provider_is_seen_without_a_span() {
        assert!(!application_has_one());
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn).with_span_processor(Counts).build();
        global::set_tracer_provider(provider);
        assert!(application_has_one());
        assert_eq!(ENDED.load(SeqCst), 0);
        let own = own(Counts, Resource::builder_empty().build(), Sampler::AlwaysOn, SpanLimits::default());
        global::set_tracer_provider(own.clone());
        OURS.store(true, Relaxed);
        assert!(!application_has_one());
        drop(global::tracer("test").start("one"));
        assert_eq!(ENDED.load(SeqCst), 1);
        OURS.store(false, Relaxed);
    }
}
