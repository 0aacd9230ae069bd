//! Spans where others fail: samplers that refuse, processors and values that panic, threads that share a span. With an OpenTelemetry provider, both directions of
//! `telemetry::tracing`, and calls of our own, all at once.

#![cfg(all(feature = "otel", feature = "tracing", not(telemetry_off)))]

use opentelemetry::trace::{Link, SpanId, SpanKind, Status, TraceContextExt, TraceId, Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData, SpanProcessor,
};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};
use std::time::Duration;
use telemetry::measured;
use tracing::info_span;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

static ENDED: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

/// Keeps spans, and panics where the name of one asks for that.
#[derive(Debug)]
struct Processor;

#[measured]
fn within_a_processor() {}

/// The span `test` is begun and ended by the application, and what is measured meanwhile is a call of its own.
fn measured_unless_the_application_asks(name: &str) {
    if name != "test" {
        within_a_processor();
    }
}

impl SpanProcessor for Processor {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        let name = span.exported_data().map(|data| data.name.to_string()).unwrap_or_default();
        measured_unless_the_application_asks(&name);
        assert!(!name.contains("breaks_the_start"), "asked to");
    }

    fn on_end(&self, span: SpanData) {
        measured_unless_the_application_asks(&span.name);
        assert!(!span.name.contains("breaks_the_end"), "asked to");
        ENDED.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// By the name of the span.
#[derive(Clone, Debug)]
struct Sampler;

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace: TraceId,
        name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let is_refused = name.contains("unsampled");
        let decision = if is_refused { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample };
        SamplingResult { decision, attributes: Vec::new(), trace_state: Default::default() }
    }
}

/// The spans of one trace, as paths of names from its root.
struct Trace(Vec<SpanData>);

/// Runs `test` within a span of the application's own, `test`, and returns what came of it: of its trace, and the roots begun meanwhile by this thread's name.
fn traced(test: impl FnOnce()) -> Trace {
    static START: Once = Once::new();
    static TRACER: Mutex<Option<opentelemetry_sdk::trace::SdkTracer>> = Mutex::new(None);
    START.call_once(|| {
        let provider = SdkTracerProvider::builder().with_sampler(Sampler).with_span_processor(Processor).build();
        *TRACER.lock().unwrap() = Some(provider.tracer("test"));
        // Before the tracer provider, so that the order in which they came is not the order in which they are asked.
        assert!(telemetry::tracing::emit(tracing::Level::INFO));
        telemetry::trace::use_tracer_provider(&provider);
        tracing_subscriber::registry().with(telemetry::tracing::Layer::new()).init();
    });
    let tracer = TRACER.lock().unwrap().clone().unwrap();
    let span = tracer.start("test");
    let context = Context::new().with_span(span);
    let trace = context.span().span_context().trace_id();
    let attached = context.clone().attach();
    test();
    let now = Context::current().span().span_context().span_id();
    assert_eq!(now, context.span().span_context().span_id(), "what was attached is detached");
    drop(attached);
    context.span().end();
    let ended = ENDED.lock().unwrap();
    Trace(ended.iter().filter(|span| span.span_context.trace_id() == trace).cloned().collect())
}

impl Trace {
    fn one(&self, name: &str) -> &SpanData {
        let all: Vec<_> = self.0.iter().filter(|span| short(span) == name).collect();
        assert_eq!(all.len(), 1, "{name} among {:?}", self.paths());
        all[0]
    }

    fn path(&self, span: &SpanData) -> String {
        match self.0.iter().find(|parent| parent.span_context.span_id() == span.parent_span_id) {
            Some(parent) => format!("{}/{}", self.path(parent), short(span)),
            None => short(span),
        }
    }

    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<_> = self.0.iter().map(|span| self.path(span)).collect();
        paths.sort();
        paths
    }
}

/// The last part of a name.
fn short(span: &SpanData) -> String {
    span.name.rsplit("::").next().unwrap_or_default().to_owned()
}

fn roots(name: &str) -> Vec<SpanData> {
    let ended = ENDED.lock().unwrap();
    ended.iter().filter(|span| span.parent_span_id == SpanId::INVALID && short(span) == name).cloned().collect()
}

fn text(span: &SpanData, name: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key.as_str() == name)?;
    Some(attribute.value.as_str().into_owned())
}

fn message(span: &SpanData) -> Option<String> {
    match &span.status {
        Status::Error { description } => Some(description.to_string()),
        _ => None,
    }
}

#[derive(Debug)]
struct Failed(&'static str);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[measured(error_type = |error: &Failed| error.0)]
fn unsampled_and_named() -> Result<(), Failed> {
    Err(Failed("secret_kind"))
}

#[measured]
fn unsampled() -> Result<(), Failed> {
    Err(Failed("password=hush"))
}

#[measured]
async fn unsampled_later() -> Result<(), Failed> {
    Err(Failed("token=hush"))
}

#[measured]
fn fails_after(inner: fn()) -> Result<(), String> {
    inner();
    Err("its own".to_owned())
}

fn poll(future: impl Future) {
    use std::task::{Context, Waker};
    let mut future = std::pin::pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
}

#[test]
fn the_error_of_a_call_that_is_not_sampled_is_told_of_no_other() {
    let within: [fn(); 3] =
        [|| drop(unsampled_and_named()), || drop(unsampled()), || poll(async { drop(unsampled_later().await) })];
    for inner in within {
        let trace = traced(|| drop(fails_after(inner)));
        let span = trace.one("fails_after");
        assert_eq!(message(span).as_deref(), Some("its own"));
        assert_eq!(text(span, "error.type").as_deref(), Some("alloc::string::String"));
        // Nor of a later one, in another trace, whose guard says no more than that it failed.
        inner();
        let trace = traced(|| {
            let block = telemetry::span("block");
            block.end(&Err::<(), u8>(1));
        });
        let said = trace.one("block");
        assert!(!format!("{said:?}").contains("hush") && !format!("{said:?}").contains("secret"), "{said:?}");
    }
}

#[measured]
fn breaks_the_start() -> u32 {
    leaf();
    1
}

#[measured]
fn breaks_the_end() -> u32 {
    leaf();
    2
}

#[measured]
fn leaf() {}

#[test]
fn a_processor_that_panics_costs_its_span_alone() {
    std::panic::set_hook(Box::new(|_| {}));
    let trace = traced(|| {
        assert_eq!((breaks_the_start(), breaks_the_end()), (1, 2));
        info_span!("layers_breaks_the_start").in_scope(leaf);
        info_span!("layers_breaks_the_end").in_scope(leaf);
        leaf();
        info_span!("whole").in_scope(leaf);
    });
    let _ = std::panic::take_hook();
    let paths = trace.paths();
    assert_eq!(paths.iter().filter(|path| path.ends_with("leaf")).count(), 6, "{paths:?}");
    assert!(paths.contains(&"test/leaf".to_owned()) && paths.contains(&"test/whole/leaf".to_owned()), "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains("within_a_processor")), "{paths:?}");
    assert!(roots("within_a_processor").is_empty());
}

/// Panics when it is shown, with what panics when it is dropped.
struct Bomb;

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::panic_any(Payload)
    }
}

#[measured]
fn explodes() -> Result<(), Bomb> {
    Err(Bomb)
}

#[test]
fn an_error_whose_text_panics_has_none() {
    std::panic::set_hook(Box::new(|_| {}));
    let trace = traced(|| {
        let returned = catch_unwind(AssertUnwindSafe(|| explodes().is_err())).map_err(std::mem::forget);
        assert_eq!(returned, Ok(true));
    });
    let _ = std::panic::take_hook();
    let span = trace.one("explodes");
    assert!(text(span, "error.type").is_some_and(|name| name.ends_with("Bomb")), "{span:?}");
}

#[measured]
fn work() {}

#[test]
fn a_span_that_threads_share_is_the_parent_on_each_of_them() {
    let trace = traced(|| {
        let shared = info_span!("shared");
        let _entered = shared.enter();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| shared.in_scope(work));
            }
        });
        work();
    });
    let paths = trace.paths();
    assert_eq!(paths.iter().filter(|path| *path == "test/shared/work").count(), 4, "{paths:?}");
}

#[measured]
fn gives_its_span() {
    let given = tracing::Span::current();
    std::thread::spawn(move || info_span!(parent: &given, "elsewhere").in_scope(work)).join().unwrap();
}

#[test]
fn a_parent_that_is_told_is_the_parent() {
    let trace = traced(gives_its_span);
    assert!(trace.paths().contains(&"test/gives_its_span/elsewhere/work".to_owned()), "{:?}", trace.paths());
    let trace = traced(|| info_span!("around").in_scope(|| info_span!(parent: None, "detached").in_scope(leaf)));
    assert!(!trace.paths().iter().any(|path| path.contains("detached")), "{:?}", trace.paths());
    let root = &roots("detached")[0];
    let ended = ENDED.lock().unwrap();
    assert!(ended.iter().any(|span| short(span) == "leaf" && span.parent_span_id == root.span_context.span_id()));
}

#[measured(span(body))]
fn takes(body: &str) -> usize {
    body.len()
}

#[test]
fn a_text_has_an_end() {
    let body = "ä".repeat(1_000_000);
    let trace = traced(|| {
        assert_eq!(takes(&body), 2_000_000);
        info_span!("third_party", body = %body, again = &*body).in_scope(|| tracing::error!("{body}"));
    });
    assert_eq!(text(trace.one("takes"), "body").unwrap().len(), 4_096);
    let span = trace.one("third_party");
    assert_eq!([text(span, "body"), text(span, "again"), message(span)].map(|text| text.unwrap().len()), [4_096; 3]);
}
