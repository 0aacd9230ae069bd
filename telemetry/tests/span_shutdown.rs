//! Calls after the application has shut its tracer provider down: they are counted, and nothing is in their way.

#![cfg(all(feature = "otel", not(telemetry_off)))]

use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::trace::SdkTracerProvider;
use telemetry::measured;

#[measured]
fn work() -> bool {
    opentelemetry::Context::current().span().span_context().is_valid()
}

#[test]
fn calls_go_on_after_their_provider_has_ended() {
    let provider = SdkTracerProvider::builder().build();
    telemetry::trace::use_tracer_provider(&provider);
    assert!(work(), "it has a span");
    let block = telemetry::span("block");
    provider.shutdown().unwrap();
    // Within a span of the provider that was.
    work();
    drop(block);
    assert!(!work(), "nobody would be told of a span");
    std::thread::spawn(work).join().unwrap();
    assert_eq!(telemetry::snapshot().sum("function_calls_total", &[("function", "work"), ("result", "ok")]), 4.0);
}
