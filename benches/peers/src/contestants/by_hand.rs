//! Libraries of instruments, put around the function by hand: `prometheus`, `prometheus-client`, `measured`, `metrics` and
//! OpenTelemetry. Those that time read [`Instant`] twice; all histograms have the same 12 bounds.

use super::names::BARE;
use super::{BOUNDS, Code, Source, work};
use crate::contestant::{Contestant, Drain, Seen};
use lasso::ThreadedRodeo;
use measured::metric::histogram::Thresholds;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, BoundHistogram, Counter, Histogram, MeterProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use prometheus::HistogramOpts;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics as client;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What one writes where there is no timer to use.
#[inline(never)]
fn observed(x: u64, observe: &impl Fn(f64)) -> u64 {
    let start = Instant::now();
    let y = work(x);
    observe(start.elapsed().as_secs_f64());
    y
}

fn by_hand(name: &'static str, seen: fn() -> u64, observe: impl Fn(f64) + Send + Sync + 'static) -> Contestant {
    Contestant::new(name, BARE, Seen::Ask(seen), move |x| observed(x, &observe))
}

// ---- prometheus --------------------------------------------------------------------------------------------------

static PROMETHEUS_LABELLED: LazyLock<prometheus::HistogramVec> =
    LazyLock::new(|| histograms("labelled_duration_seconds", &["source", "code"]));
static PROMETHEUS: LazyLock<prometheus::Histogram> =
    LazyLock::new(|| histograms("kept_duration_seconds", &[]).with_label_values(&[] as &[&str]));
static PROMETHEUS_COUNTERS: LazyLock<prometheus::IntCounterVec> = LazyLock::new(|| {
    let options = prometheus::Opts::new("calls_total", "Calls.");
    prometheus::IntCounterVec::new(options, &["source", "code"]).expect("the name and the labels are right")
});
static PROMETHEUS_COUNTER: LazyLock<prometheus::IntCounter> =
    LazyLock::new(|| PROMETHEUS_COUNTERS.with_label_values(&["kept", "ok"]));

fn histograms(name: &str, labels: &[&str]) -> prometheus::HistogramVec {
    let options = HistogramOpts::new(name, "Seconds of a call.").buckets(BOUNDS.to_vec());
    prometheus::HistogramVec::new(options, labels).expect("the name and the labels are right")
}

#[inline(never)]
fn prometheus_kept(x: u64, histogram: &prometheus::Histogram) -> u64 {
    let timer = histogram.start_timer();
    let y = work(x);
    timer.observe_duration();
    y
}

#[inline(never)]
fn prometheus_looked_up(x: u64) -> u64 {
    let timer = PROMETHEUS_LABELLED.with_label_values(&[black_box("flights"), black_box("ok")]).start_timer();
    let y = work(x);
    timer.observe_duration();
    y
}

// ---- prometheus-client -------------------------------------------------------------------------------------------

/// Texts that live for ever, which is the cheapest that it can be given: a `String` would be allocated at each lookup.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    source: &'static str,
    code: &'static str,
}

static CLIENT: LazyLock<client::histogram::Histogram> = LazyLock::new(|| client::histogram::Histogram::new(BOUNDS));
static CLIENT_COUNTER: LazyLock<client::counter::Counter> = LazyLock::new(Default::default);
static CLIENT_COUNTERS: LazyLock<client::family::Family<Call, client::counter::Counter>> =
    LazyLock::new(Default::default);

fn in_client() -> u64 {
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("kept", "Seconds.", CLIENT.clone());
    let mut text = String::new();
    // A `String` takes all.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    let count = text.lines().find_map(|line| line.strip_prefix("kept_count ")?.parse().ok());
    count.unwrap_or(0)
}

// ---- measured ----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, measured::LabelGroup)]
#[label(set = ClosedSet)]
struct Closed {
    source: Source,
    code: Code,
}

#[derive(Clone, Copy, measured::LabelGroup)]
#[label(set = OpenSet)]
struct Open<'a> {
    #[label(dynamic_with = ThreadedRodeo, default)]
    source: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    code: &'a str,
}

static MEASURED: LazyLock<measured::Histogram<12>> =
    LazyLock::new(|| measured::Histogram::with_metadata(Thresholds::with_buckets(BOUNDS)));
static MEASURED_HISTOGRAMS: LazyLock<measured::HistogramVec<ClosedSet, 12>> = LazyLock::new(|| {
    measured::HistogramVec::with_label_set_and_metadata(ClosedSet::new(), Thresholds::with_buckets(BOUNDS))
});
/// Beside the histograms; it counts nothing that they do not.
static MEASURED_BESIDE: LazyLock<measured::CounterVec<ClosedSet>> =
    LazyLock::new(|| measured::CounterVec::with_label_set(ClosedSet::new()));
static MEASURED_COUNTER: LazyLock<measured::Counter> = LazyLock::new(measured::Counter::new);
static MEASURED_CLOSED: LazyLock<measured::CounterVec<ClosedSet>> =
    LazyLock::new(|| measured::CounterVec::with_label_set(ClosedSet::new()));
static MEASURED_OPEN: LazyLock<measured::CounterVec<OpenSet>> =
    LazyLock::new(|| measured::CounterVec::with_label_set(OpenSet::default()));

const CLOSED: Closed = Closed { source: Source::Flights, code: Code::Done };
const OPEN: Open<'static> = Open { source: "flights", code: "ok" };

fn in_measured_histogram(state: &measured::metric::histogram::HistogramState<12>) -> u64 {
    let state = state.inner.read();
    let buckets: u64 = state.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
    buckets + state.inf.load(Ordering::Relaxed)
}

fn in_measured_counter<L: measured::label::LabelGroupSet>(
    counters: &measured::CounterVec<L>,
    labels: L::Group<'_>,
) -> u64 {
    counters.get_metric(counters.with_labels(labels)).count.load(Ordering::Relaxed)
}

// ---- metrics -----------------------------------------------------------------------------------------------------

/// The exporter's recorder, with buckets instead of its summaries.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).expect("there are bounds");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).expect("only this sets a recorder");
    handle
});

fn in_metrics(line: &str) -> u64 {
    let text = RECORDER.render();
    let found = text.lines().filter_map(|found| found.strip_prefix(line)?.rsplit(' ').next()?.parse::<u64>().ok());
    found.sum()
}

/// Every observation waits for this, or for a scrape. On a thread of its own, as the exporter's task does it.
const UPKEEP: Drain = Drain {
    most: u64::MAX,
    work_off: || {
        // Where it panics, observations are missing when they are counted.
        let _ = thread::spawn(|| RECORDER.run_upkeep()).join();
    },
};

// ---- OpenTelemetry -----------------------------------------------------------------------------------------------

/// What the exporter was given last, by instrument.
static EXPORTED: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);

/// Keeps how often each instrument was used.
struct Keep;

impl PushMetricExporter for Keep {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let mut exported = EXPORTED.lock().expect("nobody panics with it");
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            let count = match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    histogram.data_points().map(|point| point.count()).sum()
                }
                AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().map(|point| point.value()).sum(),
                _ => 0,
            };
            exported.insert(metric.name().to_owned(), count);
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

static METERS: LazyLock<SdkMeterProvider> =
    LazyLock::new(|| SdkMeterProvider::builder().with_periodic_exporter(Keep).build());

fn in_opentelemetry(name: &str) -> u64 {
    // Where it fails, the count is that of the last time.
    let _ = METERS.force_flush();
    EXPORTED.lock().map_or(0, |exported| exported.get(name).copied().unwrap_or(0))
}

fn otel_histogram(name: &'static str) -> Histogram<f64> {
    METERS.meter("peers").f64_histogram(name).with_boundaries(BOUNDS.to_vec()).build()
}

fn otel_counter(name: &'static str) -> Counter<u64> {
    METERS.meter("peers").u64_counter(name).build()
}

fn attributes() -> [KeyValue; 2] {
    [KeyValue::new("source", "flights"), KeyValue::new("code", "ok")]
}

// ---- the lists ---------------------------------------------------------------------------------------------------

/// Starts what they have on other threads.
pub(super) fn start() {
    LazyLock::force(&RECORDER);
    LazyLock::force(&METERS);
}

/// Those who time.
pub(super) fn timed() -> Vec<Contestant> {
    use Seen::Ask;
    let kept = PROMETHEUS.clone();
    let looked_up = || PROMETHEUS_LABELLED.with_label_values(&["flights", "ok"]).get_sample_count();
    let bound: BoundHistogram<f64> = otel_histogram("bound_seconds").bind(&attributes());
    let (open, kept_attributes) = (otel_histogram("attributes_seconds"), attributes());
    let histogram = metrics::histogram!("kept_duration_seconds");
    let client = CLIENT.clone();
    vec![
        Contestant::new("`prometheus` histogram, kept", BARE, Ask(|| PROMETHEUS.get_sample_count()), move |x| {
            prometheus_kept(x, &kept)
        }),
        Contestant::new("`prometheus` histogram, two labels looked up", BARE, Ask(looked_up), prometheus_looked_up),
        by_hand("`prometheus-client` histogram, kept", in_client, move |seconds| client.observe(seconds)),
        by_hand(
            "`measured` histogram, kept",
            || in_measured_histogram(&MEASURED.get_metric()),
            |seconds| MEASURED.observe(seconds),
        ),
        by_hand(
            "`measured` histogram and counter, two enum labels",
            || in_measured_histogram(&MEASURED_HISTOGRAMS.get_metric(MEASURED_HISTOGRAMS.with_labels(CLOSED))),
            |seconds| {
                MEASURED_HISTOGRAMS.observe(black_box(CLOSED), seconds);
                MEASURED_BESIDE.inc(black_box(CLOSED));
            },
        ),
        by_hand(
            "`metrics` histogram, kept",
            || in_metrics("kept_duration_seconds_count"),
            move |seconds| histogram.record(seconds),
        )
        .drained(UPKEEP),
        by_hand(
            "`metrics` `histogram!` and `counter!`",
            || in_metrics("macro_duration_seconds_count"),
            |seconds| {
                metrics::histogram!("macro_duration_seconds", "source" => "flights", "code" => "ok").record(seconds);
                metrics::counter!("beside_calls", "source" => "flights", "code" => "ok").increment(1);
            },
        )
        .drained(UPKEEP),
        by_hand(
            "OpenTelemetry histogram, bound",
            || in_opentelemetry("bound_seconds"),
            move |seconds| bound.record(seconds),
        ),
        by_hand(
            "OpenTelemetry histogram, two attributes kept",
            || in_opentelemetry("attributes_seconds"),
            move |seconds| open.record(seconds, &kept_attributes),
        ),
    ]
}

/// Those who count.
pub(super) fn instruments() -> Vec<Contestant> {
    use Seen::Ask;
    let prometheus = PROMETHEUS_COUNTER.clone();
    let client = CLIENT_COUNTER.clone();
    let counter = metrics::counter!("kept_calls");
    let bound: BoundCounter<u64> = otel_counter("bound_calls").bind(&attributes());
    let (open, kept_attributes) = (otel_counter("attributes_calls"), attributes());
    let labels = Call { source: "flights", code: "ok" };
    let all = [
        Contestant::twins("`prometheus` counter, kept", Ask(|| PROMETHEUS_COUNTER.get()), move || prometheus.inc()),
        Contestant::twins(
            "`prometheus` counter, two labels looked up",
            Ask(|| PROMETHEUS_COUNTERS.with_label_values(&["flights", "ok"]).get()),
            || PROMETHEUS_COUNTERS.with_label_values(&[black_box("flights"), black_box("ok")]).inc(),
        ),
        Contestant::twins("`prometheus-client` counter, kept", Ask(|| CLIENT_COUNTER.get()), move || {
            client.inc();
        }),
        Contestant::twins(
            "`prometheus-client` counter, two labels looked up",
            Ask(|| CLIENT_COUNTERS.get_or_create(&Call { source: "flights", code: "ok" }).get()),
            move || {
                CLIENT_COUNTERS.get_or_create(black_box(&labels)).inc();
            },
        ),
        Contestant::twins(
            "`measured` counter, kept",
            Ask(|| MEASURED_COUNTER.get_metric().count.load(Ordering::Relaxed)),
            || MEASURED_COUNTER.inc(),
        ),
        Contestant::twins(
            "`measured` counter, two enum labels",
            Ask(|| in_measured_counter(&MEASURED_CLOSED, CLOSED)),
            || {
                MEASURED_CLOSED.inc(black_box(CLOSED));
            },
        ),
        Contestant::twins(
            "`measured` counter, two `&str` labels looked up",
            Ask(|| in_measured_counter(&MEASURED_OPEN, OPEN)),
            || MEASURED_OPEN.inc(black_box(OPEN)),
        ),
        Contestant::twins("`metrics` counter, kept", Ask(|| in_metrics("kept_calls")), move || counter.increment(1)),
        Contestant::twins("`metrics` `counter!`, two labels", Ask(|| in_metrics("macro_calls")), || {
            metrics::counter!("macro_calls", "source" => "flights", "code" => "ok").increment(1);
        }),
        Contestant::twins("OpenTelemetry counter, bound", Ask(|| in_opentelemetry("bound_calls")), move || {
            bound.add(1)
        }),
        Contestant::twins(
            "OpenTelemetry counter, two attributes kept",
            Ask(|| in_opentelemetry("attributes_calls")),
            move || open.add(1, &kept_attributes),
        ),
    ];
    all.into_iter().flatten().collect()
}
