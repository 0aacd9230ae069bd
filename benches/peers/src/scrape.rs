//! What does a scrape cost, beside the crates that do the same?
//!
//! All contestants hold the same two families: a counter with two labels, and for every tenth of its series a histogram of 12 bounds
//! with the same labels. Each writes them as Prometheus' text. Ours has its own families besides, some twenty lines.

use lasso::ThreadedRodeo;
use measured::metric::histogram::Thresholds;
use measured::text::BufferedTextEncoder;
use measured::{CounterVec, HistogramVec, LabelGroup, MetricGroup};
use prometheus::{Encoder as _, HistogramOpts, IntCounterVec, Opts, Registry};
use telemetry::{Counter, Histogram, metric};

metric! {
    /// Calls, by function and module.
    counter scraped_calls_total(function: &str, module: &str);
    /// Seconds, by function and module.
    histogram scraped_duration_seconds(function: &str, module: &str)
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
}

const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

#[derive(Clone, Copy, LabelGroup)]
#[label(set = CallSet)]
struct Call<'a> {
    #[label(dynamic_with = ThreadedRodeo, default)]
    function: &'a str,
    #[label(dynamic_with = ThreadedRodeo, default)]
    module: &'a str,
}

#[derive(MetricGroup)]
#[metric(new())]
struct Measured {
    /// Calls, by function and module.
    #[metric(init = CounterVec::with_label_set(CallSet::default()))]
    scraped_calls_total: CounterVec<CallSet>,
    /// Seconds, by function and module.
    #[metric(init = HistogramVec::with_label_set_and_metadata(CallSet::default(), Thresholds::with_buckets(BOUNDS)))]
    scraped_duration_seconds: HistogramVec<CallSet, 12>,
}

/// The contestants, each with the series that were made so far.
pub struct Scrape {
    /// Lets our families grow beyond 2,000 series.
    _telemetry: telemetry::Telemetry,
    measured: Measured,
    encoder: BufferedTextEncoder,
    registry: Registry,
    calls: IntCounterVec,
    durations: prometheus::HistogramVec,
    made: u32,
}

impl Scrape {
    /// Without series.
    ///
    /// # Panics
    /// Where a peer refuses its declaration, or this is not the first.
    #[must_use]
    pub fn new() -> Scrape {
        let telemetry = telemetry::builder().report(telemetry::Report::Off).max_series(60_000).init();
        let telemetry = telemetry.expect("nothing else in this program has set it up");
        let registry = Registry::new();
        let labels = ["function", "module"];
        let calls = IntCounterVec::new(Opts::new("scraped_calls_total", "Calls, by function and module."), &labels);
        let durations = HistogramOpts::new("scraped_duration_seconds", "Seconds, by function and module.");
        let durations = prometheus::HistogramVec::new(durations.buckets(BOUNDS.to_vec()), &labels);
        let (calls, durations) = (calls.expect("declared once"), durations.expect("declared once"));
        registry.register(Box::new(calls.clone())).expect("declared once");
        registry.register(Box::new(durations.clone())).expect("declared once");
        let (measured, encoder) = (Measured::new(), BufferedTextEncoder::new());
        Scrape { _telemetry: telemetry, measured, encoder, registry, calls, durations, made: 0 }
    }

    /// Makes series until there are so many counters.
    pub fn fill(&mut self, counters: u32) {
        for index in self.made..counters {
            let (function, module) = names(index);
            let calls = u64::from(index) * 7;
            scraped_calls_total(&function, &module).add(calls);
            self.calls.with_label_values(&[&function, &module]).inc_by(calls);
            let labels = Call { function: &function, module: &module };
            self.measured.scraped_calls_total.inc_by(labels, calls);
            for seconds in durations(index) {
                scraped_duration_seconds(&function, &module).observe(seconds);
                self.durations.with_label_values(&[&function, &module]).observe(seconds);
                self.measured.scraped_duration_seconds.observe(labels, seconds);
            }
        }
        self.made = self.made.max(counters);
    }

    /// Ours, from the shards to the text.
    #[must_use]
    pub fn ours(&mut self) -> String {
        telemetry::export::text::encode(&telemetry::snapshot())
    }

    /// `measured`'s, into the encoder that it advises to keep.
    pub fn measured(&mut self) -> impl AsRef<[u8]> + use<> {
        // Its encoder cannot fail.
        let _ = self.measured.collect_group_into(&mut self.encoder);
        self.encoder.finish()
    }

    /// The `prometheus` crate's.
    #[must_use]
    pub fn prometheus(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        // A `Vec` takes all.
        let _ = prometheus::TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

impl Default for Scrape {
    fn default() -> Scrape {
        Scrape::new()
    }
}

/// Has the calling thread record into each of our series, so that a scrape has its cells to merge too.
pub fn record_on_this_thread(counters: u32) {
    for index in 0..counters {
        let (function, module) = names(index);
        scraped_calls_total(&function, &module).inc();
        if index.is_multiple_of(10) {
            scraped_duration_seconds(&function, &module).observe(0.02);
        }
    }
}

/// Handles of our first series.
#[must_use]
pub fn handles(counters: u32) -> Vec<(Counter, Option<Histogram>)> {
    let handle = |index| {
        let (function, module) = names(index);
        let histogram = || scraped_duration_seconds(&function, &module);
        (scraped_calls_total(&function, &module), index.is_multiple_of(10).then(histogram))
    };
    (0..counters).map(handle).collect()
}

/// Records once with each handle; returns how often that was.
pub fn record(handles: &[(Counter, Option<Histogram>)]) -> u32 {
    let mut records = 0;
    for (counter, histogram) in handles {
        counter.inc();
        records += 1;
        if let Some(histogram) = histogram {
            histogram.observe(0.02);
            records += 1;
        }
    }
    records
}

fn names(index: u32) -> (String, String) {
    (format!("function_{index}"), format!("program::module_{}", index % 10))
}

fn durations(index: u32) -> impl Iterator<Item = f64> {
    let steps = if index.is_multiple_of(10) { 100 } else { 0 };
    (0..steps).map(|step| f64::from(step * step) / 1_000.0)
}

/// The lines of the two families that all contestants hold.
#[must_use]
pub fn shared_lines(text: &[u8]) -> usize {
    let is_shared = |line: &&str| line.contains("function=\"function_");
    String::from_utf8_lossy(text).lines().filter(is_shared).count()
}
