//! Spans: `tracing` with a layer that times them and into OpenTelemetry, and `fastrace`.

use super::names::{BARE, BARE_ASYNC};
use super::{poll_to_end, work};
use crate::contestant::{Contestant, Drain, Seen};
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalParentGuard;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use prometheus::{HistogramOpts, HistogramVec};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::{Metadata, Subscriber, span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{self, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

// ---- tracing, with a layer that times ----------------------------------------------------------------------------

/// What turns spans into a histogram: keeps the time at a span's start with the span, observes the difference at its end.
struct Timing;

struct Started(Instant);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Timing {
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: layer::Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Started(Instant::now()));
        }
    }

    fn on_close(&self, id: span::Id, context: layer::Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(Started(start)) = span.extensions().get()
        {
            SPANS.with_label_values(&[span.name()]).observe(start.elapsed().as_secs_f64());
        }
    }
}

static SPANS: LazyLock<HistogramVec> = LazyLock::new(|| {
    HistogramVec::new(HistogramOpts::new("span_duration_seconds", "Seconds of a span."), &["span"])
        .expect("the name and the label are right")
});

fn timed_spans(name: &str) -> u64 {
    SPANS.with_label_values(&[name]).get_sample_count()
}

// ---- tracing, into OpenTelemetry ---------------------------------------------------------------------------------

/// Spans that the exporter was given, of the function and of the future.
static EXPORTED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Counts what it is given, and drops it.
#[derive(Debug)]
struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            EXPORTED[usize::from(span.name.ends_with("future"))].fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The calls of one thread in a turn: 64 threads make an eighth of it, and together no more than the queue takes.
const MOST_EXPORTED: u64 = 8_000;

static PROVIDER: LazyLock<SdkTracerProvider> = LazyLock::new(|| {
    // 2,048 unless set: 2 ms of calls, and what does not fit is dropped.
    let config = BatchConfigBuilder::default().with_max_queue_size(65_536).build();
    let processor = BatchSpanProcessor::builder(Discard).with_batch_config(config).build();
    SdkTracerProvider::builder().with_span_processor(processor).build()
});

fn export() {
    // Where it fails, spans are missing when they are counted.
    let _ = PROVIDER.force_flush();
}

fn exported(which: usize) -> u64 {
    export();
    EXPORTED[which].load(Ordering::Relaxed)
}

/// Sets the program's subscriber. Before that, `tracing` has none.
///
/// Both layers have a filter, so that each sees spans of its target alone. What that costs is in their figures: some ns of hundreds.
///
/// # Panics
/// Where it has one already.
pub fn subscribe() {
    let only = |target: &'static str| filter_fn(move |metadata: &Metadata<'_>| metadata.target() == target);
    let exporting = tracing_opentelemetry::layer().with_tracer(PROVIDER.tracer("peers"));
    let subscriber = tracing_subscriber::registry()
        .with(Timing.with_filter(only("timed")))
        .with(exporting.with_filter(only("exported")));
    tracing::subscriber::set_global_default(subscriber).expect("only this function sets a subscriber");
}

#[inline(never)]
#[tracing::instrument(skip_all)]
fn traced(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[tracing::instrument(skip_all)]
fn traced_for_nobody(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[tracing::instrument(skip_all, target = "timed")]
fn traced_and_timed(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[tracing::instrument(skip_all, target = "exported")]
fn traced_and_exported(x: u64) -> u64 {
    work(x)
}

#[tracing::instrument(skip_all)]
async fn traced_future(x: u64) -> u64 {
    work(x)
}

#[tracing::instrument(skip_all, target = "timed")]
async fn traced_and_timed_future(x: u64) -> u64 {
    work(x)
}

#[tracing::instrument(skip_all, target = "exported")]
async fn traced_and_exported_future(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
fn poll_traced(x: u64) -> u64 {
    poll_to_end(traced_future(x))
}

#[inline(never)]
fn poll_traced_and_timed(x: u64) -> u64 {
    poll_to_end(traced_and_timed_future(x))
}

#[inline(never)]
fn poll_traced_and_exported(x: u64) -> u64 {
    poll_to_end(traced_and_exported_future(x))
}

// ---- fastrace ----------------------------------------------------------------------------------------------------

/// Spans that the reporter was given, of the function and of the future.
static REPORTED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

struct Count;

impl Reporter for Count {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        for span in spans.iter().filter(|span| span.name != "root") {
            REPORTED[usize::from(span.name.ends_with("future"))].fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn reported(which: usize) -> u64 {
    fastrace::flush();
    REPORTED[which].load(Ordering::Relaxed)
}

/// The span that others hang from. The guard goes first, as it must.
struct Root {
    _local: LocalParentGuard,
    _span: fastrace::Span,
}

fn root() -> Root {
    let span = fastrace::Span::root("root", SpanContext::random());
    Root { _local: span.set_local_parent(), _span: span }
}

#[inline(never)]
#[fastrace::trace(short_name = true)]
fn fastrace_value(x: u64) -> u64 {
    work(x)
}

#[fastrace::trace(short_name = true)]
async fn fastrace_future(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
fn poll_fastrace(x: u64) -> u64 {
    poll_to_end(fastrace_future(x))
}

// ---- the lists ---------------------------------------------------------------------------------------------------

/// Starts what they have on other threads.
pub(super) fn start() {
    LazyLock::force(&PROVIDER);
    fastrace::set_reporter(Count, Config::default());
}

/// The one that can only run before there is a subscriber.
pub(super) fn unheard() -> Contestant {
    Contestant::new("`tracing::instrument`, no subscriber", BARE, Seen::Nothing, traced_for_nobody)
}

/// What fastrace's collector takes once a second is worked off by a thread that this starts.
const COLLECTED: Drain = Drain { most: u64::MAX, work_off: fastrace::flush };
/// Each future is sent by itself. What a thread's queue of 10,240 does not hold stays with the thread until it sends again.
const COLLECTED_SINGLY: Drain = Drain { most: 8_000, work_off: fastrace::flush };
const EXPORTING: Drain = Drain { most: MOST_EXPORTED, work_off: export };

/// Functions.
pub(super) fn timed() -> Vec<Contestant> {
    use Seen::{Ask, Nothing};
    vec![
        Contestant::under("`fastrace::trace`, a root per 100 calls", BARE, Ask(|| reported(0)), root, fastrace_value)
            .drained(COLLECTED),
        Contestant::new("`tracing::instrument`, subscriber that wants other spans", BARE, Nothing, traced),
        Contestant::new(
            "`tracing::instrument`, subscriber that times spans",
            BARE,
            Ask(|| timed_spans("traced_and_timed")),
            traced_and_timed,
        ),
        Contestant::new("`tracing::instrument` into OpenTelemetry", BARE, Ask(|| exported(0)), traced_and_exported)
            .drained(EXPORTING),
    ]
}

/// Futures.
pub(super) fn asynchronous() -> Vec<Contestant> {
    use Seen::{Ask, Nothing};
    vec![
        Contestant::under(
            "`fastrace::trace` `async fn`, a root per 100 calls",
            BARE_ASYNC,
            Ask(|| reported(1)),
            root,
            poll_fastrace,
        )
        .drained(COLLECTED_SINGLY),
        Contestant::new(
            "`tracing::instrument` `async fn`, subscriber that wants other spans",
            BARE_ASYNC,
            Nothing,
            poll_traced,
        ),
        Contestant::new(
            "`tracing::instrument` `async fn`, subscriber that times spans",
            BARE_ASYNC,
            Ask(|| timed_spans("traced_and_timed_future")),
            poll_traced_and_timed,
        ),
        Contestant::new(
            "`tracing::instrument` `async fn` into OpenTelemetry",
            BARE_ASYNC,
            Ask(|| exported(1)),
            poll_traced_and_exported,
        )
        .drained(EXPORTING),
    ]
}
