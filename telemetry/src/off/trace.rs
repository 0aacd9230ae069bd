//! What stands for traces with `--cfg telemetry_off`: nobody makes spans.

use opentelemetry::Context;
use opentelemetry::trace::{Tracer, TracerProvider};

/// Leaves the provider alone.
#[inline(always)]
pub fn use_tracer_provider<P>(_provider: &P)
where
    P: TracerProvider,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
}

/// Links nothing.
#[inline(always)]
pub fn link(_to: &Context) {}
