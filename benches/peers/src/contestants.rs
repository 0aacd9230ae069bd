//! Who takes part: the same function, bare and wrapped.
//!
//! The function is four dependent steps of xor, shift and multiply, some 7 ns. Each wrapper is its own function that is never inlined.

use crate::contest::{Contestant, Seen};
use prometheus::{Histogram, HistogramOpts, HistogramVec};
use std::hint::black_box;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use telemetry::{measured, metric, testing};
use tracing::{Metadata, Subscriber, span, subscriber::Interest};
use tracing_subscriber::layer::{self, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The names that the table and the bars refer to.
pub mod names {
    /// The function by itself.
    pub const BARE: &str = "bare function";
    /// The function by itself, returning a `Result`.
    pub const BARE_RESULT: &str = "bare function, `Result`";
    /// The function by itself, asynchronous.
    pub const BARE_ASYNC: &str = "bare `async fn`, ready at once";
    /// What all others are compared with.
    #[cfg(target_arch = "x86_64")]
    pub const FLOOR: &str = "two reads of the time-stamp counter";
    /// What all others are compared with.
    #[cfg(not(target_arch = "x86_64"))]
    pub const FLOOR: &str = INSTANTS;
    /// The standard library's clock.
    pub const INSTANTS: &str = "two `Instant::now`";
    /// Ours.
    pub const MEASURED: &str = "**`#[measured]`**";
    /// Ours.
    pub const MEASURED_RESULT: &str = "**`#[measured]`, `Result`**";
    /// Ours.
    pub const COUNTER: &str = "**`metric!` counter, handle kept**";
    /// Ours.
    pub const LABELS: &str = "**`metric!` counter, two `&str` labels looked up**";
    /// Ours.
    pub const HISTOGRAM: &str = "**`metric!` histogram, 12 bounds, handle kept**";
}
use names::{BARE, BARE_ASYNC, BARE_RESULT};

/// `black_box` at both ends, or the compiler moves the work, which has no effect but its result, behind the wrapper's second reading
/// of the clock.
#[inline(always)]
fn work(x: u64) -> u64 {
    let mut x = black_box(x);
    for _ in 0..4 {
        x ^= x << 13;
        x ^= x >> 7;
        x = x.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    black_box(x)
}

#[inline(never)]
fn bare(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
fn bare_result(x: u64) -> Result<u64, String> {
    Ok(work(x))
}

// ---- clocks -------------------------------------------------------------------------------------------------------

/// What is done with a duration by who does nothing with it: it cannot be left out, and waits for both readings.
#[inline(always)]
fn keep(x: u64, ticks: u64) -> u64 {
    x ^ (ticks >> 63)
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn two_counter_reads(x: u64) -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and Linux lets programs use it.
    let start = unsafe { std::arch::x86_64::_rdtsc() };
    let y = work(x);
    // SAFETY: as above.
    let end = unsafe { std::arch::x86_64::_rdtsc() };
    keep(y, end.wrapping_sub(start))
}

#[inline(never)]
fn two_instants(x: u64) -> u64 {
    let start = Instant::now();
    let y = work(x);
    #[expect(clippy::cast_possible_truncation, reason = "nanoseconds")]
    let ticks = start.elapsed().as_nanos() as u64;
    keep(y, ticks)
}

// ---- ours ---------------------------------------------------------------------------------------------------------

metric! {
    /// Calls, counted through a kept handle.
    counter kept_calls_total();
    /// Calls, counted through a lookup of two labels.
    counter labelled_calls_total(source: &str, code: &str);
    /// Calls, as a histogram of a constant.
    histogram kept_duration_seconds() [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
}

#[inline(never)]
#[measured]
fn measured_value(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[measured]
fn measured_result(x: u64) -> Result<u64, String> {
    Ok(work(x))
}

#[inline(never)]
fn counter_kept(x: u64, counter: telemetry::Counter) -> u64 {
    counter.inc();
    work(x)
}

#[inline(never)]
fn counter_looked_up(x: u64) -> u64 {
    labelled_calls_total(black_box("flights"), black_box("ok")).inc();
    work(x)
}

#[inline(never)]
fn histogram_kept(x: u64, histogram: telemetry::Histogram) -> u64 {
    histogram.observe(black_box(0.03));
    work(x)
}

#[measured]
async fn measured_future(x: u64) -> u64 {
    work(x)
}

/// The calls of a measured function that our registry shows.
fn function_calls(function: &str) -> u64 {
    value("function_calls_total", &[("function", function), ("result", "ok")])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn value(name: &str, labels: &[(&str, &str)]) -> u64 {
    testing::value(name, labels).unwrap_or(0.0) as u64
}

// ---- tracing ------------------------------------------------------------------------------------------------------

/// The target of the spans that the subscriber records.
const RECORDED: &str = "recorded";

/// What turns spans into a histogram: keeps the time at a span's start with the span, observes the difference at its end.
struct Timing;

struct Started(Instant);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Timing {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == RECORDED { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        metadata.target() == RECORDED
    }

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

/// Sets the program's subscriber. Before that, `tracing` has none.
pub fn subscribe() {
    let subscriber = tracing_subscriber::registry().with(Timing);
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
#[tracing::instrument(skip_all, target = "recorded")]
fn traced_and_recorded(x: u64) -> u64 {
    work(x)
}

#[tracing::instrument(skip_all)]
async fn traced_future(x: u64) -> u64 {
    work(x)
}

#[tracing::instrument(skip_all, target = "recorded")]
async fn traced_and_recorded_future(x: u64) -> u64 {
    work(x)
}

fn spans(name: &str) -> u64 {
    SPANS.with_label_values(&[name]).get_sample_count()
}

// ---- hotpath, autometrics, prometheus -----------------------------------------------------------------------------

#[inline(never)]
#[hotpath::measure]
fn hotpath_value(x: u64) -> u64 {
    work(x)
}

#[hotpath::measure]
async fn hotpath_future(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[autometrics::autometrics]
fn autometrics_value(x: u64) -> u64 {
    work(x)
}

/// The name of autometrics' backend in this build.
const AUTOMETRICS: &str = if cfg!(feature = "autometrics-prometheus") {
    "`autometrics`, on `prometheus` 0.14"
} else {
    "`autometrics`, on its default, `prometheus-client` 0.22"
};

fn autometrics_calls() -> u64 {
    let text = autometrics::prometheus_exporter::encode_to_string().unwrap_or_default();
    let calls = |line: &str| {
        let mine = line.starts_with("function_calls") && line.contains("function=\"autometrics_value\"");
        let is_count = mine && !line.contains("_bucket{") && !line.contains("_sum{") && !line.contains("_count{");
        is_count.then(|| line.rsplit(' ').next()?.parse::<u64>().ok()).flatten()
    };
    text.lines().filter_map(calls).sum()
}

static SPANS: LazyLock<HistogramVec> = LazyLock::new(|| histograms("span_duration_seconds", &["span"]));
static LABELLED: LazyLock<HistogramVec> =
    LazyLock::new(|| histograms("labelled_duration_seconds", &["source", "code"]));
static KEPT: LazyLock<Histogram> =
    LazyLock::new(|| histograms("kept_duration_seconds", &[]).with_label_values(&[] as &[&str]));

fn histograms(name: &str, labels: &[&str]) -> HistogramVec {
    HistogramVec::new(HistogramOpts::new(name, "Seconds of a call."), labels)
        .expect("the name and the labels are right")
}

#[inline(never)]
fn prometheus_kept(x: u64, histogram: &Histogram) -> u64 {
    let timer = histogram.start_timer();
    let y = work(x);
    timer.observe_duration();
    y
}

#[inline(never)]
fn prometheus_looked_up(x: u64) -> u64 {
    let timer = LABELLED.with_label_values(&[black_box("flights"), black_box("ok")]).start_timer();
    let y = work(x);
    timer.observe_duration();
    y
}

// ---- asynchronous -------------------------------------------------------------------------------------------------

async fn bare_future(x: u64) -> u64 {
    work(x)
}

/// An executor that never waits.
#[inline(always)]
fn poll_to_end<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[inline(never)]
fn poll_bare(x: u64) -> u64 {
    poll_to_end(bare_future(x))
}

#[inline(never)]
fn poll_measured(x: u64) -> u64 {
    poll_to_end(measured_future(x))
}

#[inline(never)]
fn poll_hotpath(x: u64) -> u64 {
    poll_to_end(hotpath_future(x))
}

#[inline(never)]
fn poll_traced(x: u64) -> u64 {
    poll_to_end(traced_future(x))
}

#[inline(never)]
fn poll_traced_and_recorded(x: u64) -> u64 {
    poll_to_end(traced_and_recorded_future(x))
}

// ---- the lists ----------------------------------------------------------------------------------------------------

fn leak(contestants: Vec<Contestant>) -> &'static [Contestant] {
    Vec::leak(contestants)
}

/// Who runs before there is a subscriber: once there is one, "no subscriber" cannot be had again.
#[must_use]
pub fn without_subscriber() -> &'static [Contestant] {
    use Seen::Nothing;
    leak(vec![
        Contestant::new(BARE, BARE, Nothing, bare),
        Contestant::new("`tracing::instrument`, no subscriber", BARE, Nothing, traced_for_nobody),
    ])
}

/// Everybody else.
#[must_use]
pub fn all() -> &'static [Contestant] {
    use Seen::{Ask, Hotpath, Nothing};
    let (counter, histogram) = (kept_calls_total(), kept_duration_seconds());
    let kept = KEPT.clone();
    leak(vec![
        Contestant::new(BARE, BARE, Nothing, bare),
        #[cfg(target_arch = "x86_64")]
        Contestant::new(names::FLOOR, BARE, Nothing, two_counter_reads),
        Contestant::new(names::INSTANTS, BARE, Nothing, two_instants),
        Contestant::new(names::MEASURED, BARE, Ask(|| function_calls("measured_value")), measured_value),
        Contestant::new(BARE_RESULT, BARE_RESULT, Nothing, |x| bare_result(x).unwrap_or(0)),
        Contestant::new(names::MEASURED_RESULT, BARE_RESULT, Ask(|| function_calls("measured_result")), |x| {
            measured_result(x).unwrap_or(0)
        }),
        Contestant::new(names::COUNTER, BARE, Ask(|| kept_calls_total().get()), move |x| counter_kept(x, counter)),
        Contestant::new(names::LABELS, BARE, Ask(|| value("labelled_calls_total", &[])), counter_looked_up),
        Contestant::new(names::HISTOGRAM, BARE, Ask(|| kept_duration_seconds().count()), move |x| {
            histogram_kept(x, histogram)
        }),
        Contestant::new("`tracing::instrument`, subscriber that wants other spans", BARE, Nothing, traced),
        Contestant::new(
            "`tracing::instrument`, subscriber that times spans",
            BARE,
            Ask(|| spans("traced_and_recorded")),
            traced_and_recorded,
        ),
        Contestant::new("`hotpath::measure`", BARE, Hotpath("hotpath_value"), hotpath_value),
        Contestant::new(AUTOMETRICS, BARE, Ask(autometrics_calls), autometrics_value),
        Contestant::new("`prometheus` histogram by hand, kept", BARE, Ask(|| KEPT.get_sample_count()), move |x| {
            prometheus_kept(x, &kept)
        }),
        Contestant::new(
            "`prometheus` histogram by hand, two labels looked up",
            BARE,
            Ask(|| LABELLED.with_label_values(&["flights", "ok"]).get_sample_count()),
            prometheus_looked_up,
        ),
        Contestant::new(BARE_ASYNC, BARE_ASYNC, Nothing, poll_bare),
        Contestant::new(
            "**`#[measured]` `async fn`**",
            BARE_ASYNC,
            Ask(|| function_calls("measured_future")),
            poll_measured,
        ),
        Contestant::new("`hotpath::measure` `async fn`", BARE_ASYNC, Hotpath("hotpath_future"), poll_hotpath),
        Contestant::new(
            "`tracing::instrument` `async fn`, subscriber that wants other spans",
            BARE_ASYNC,
            Nothing,
            poll_traced,
        ),
        Contestant::new(
            "`tracing::instrument` `async fn`, subscriber that times spans",
            BARE_ASYNC,
            Ask(|| spans("traced_and_recorded_future")),
            poll_traced_and_recorded,
        ),
    ])
}
