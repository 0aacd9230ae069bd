//! What does a scrape cost: the snapshot, and its text, for 1,000, 10,000 and 100,000 series, and for 1 to 64 threads that recorded?
//!
//! Two families, so that the figures can be laid beside other crates': a counter with two labels, and a histogram of 12 bounds with
//! two labels for every tenth of its series; 1k is 500 counters and 50 histograms, 1,250 lines, 10k ten times that, 100k a hundred times. The registry's own
//! families are there besides, some twenty lines.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use telemetry::export::text;
use telemetry::{Report, metric};

metric! {
    /// Calls, by function and module.
    counter scraped_calls_total(function: &str, module: &str);
    /// Seconds, by function and module.
    histogram scraped_duration_seconds(function: &str, module: &str)
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
}

/// Makes the series up to so many counters; series cannot be taken away again, so the small scale comes first.
fn fill(counters: u32) {
    for index in 0..counters {
        record(index, 100);
    }
}

fn record(index: u32, observations: u32) {
    let (function, module) = (format!("function_{index}"), format!("program::module_{}", index % 10));
    scraped_calls_total(&function, &module).add(u64::from(index) * 7);
    if index.is_multiple_of(10) {
        for step in 0..observations {
            scraped_duration_seconds(&function, &module).observe(f64::from(step * step) / 1_000.0);
        }
    }
}

fn scrape(criterion: &mut Criterion) {
    let telemetry = telemetry::builder().listen("off").report(Report::Off).max_series(60_000).init();
    let _telemetry = telemetry.expect("nothing else in this program has set it up");
    for (scale, counters) in [("1k", 500), ("10k", 5_000), ("100k", 50_000)] {
        fill(counters);
        let snapshot = telemetry::snapshot();
        let lines = text::encode(&snapshot).lines().count();
        assert!(lines > counters as usize * 5 / 2, "{lines} lines for {counters} counters");
        let mut group = criterion.benchmark_group("scrape");
        group.throughput(Throughput::Elements(lines as u64));
        group.bench_function(BenchmarkId::new("snapshot", scale), |b| b.iter(telemetry::snapshot));
        group.bench_function(BenchmarkId::new("text", scale), |b| b.iter(|| text::encode(black_box(&snapshot))));
        group.bench_function(BenchmarkId::new("snapshot_and_text", scale), |b| {
            b.iter(|| text::encode(&telemetry::snapshot()));
        });
        group.finish();
    }
    let mut recorders = Recorders::default();
    for threads in [1, 2, 4, 8, 16, 32, 64] {
        recorders.add_until(threads - 1);
        criterion.bench_function(&format!("scrape/snapshot_and_text/100k/{threads}_threads"), |b| {
            b.iter(|| text::encode(&telemetry::snapshot()));
        });
    }
}

/// Threads that recorded every series and stay. Their shards remain when they have ended.
#[derive(Default)]
struct Recorders(Vec<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Recorders {
    fn add_until(&mut self, count: usize) {
        while self.0.len() < count {
            let (stay, until) = mpsc::channel();
            let (tell, recorded) = mpsc::channel();
            let thread = thread::spawn(move || {
                for index in 0..50_000 {
                    record(index, 1);
                }
                drop(tell);
                // Until the other end is dropped.
                let _: Result<(), _> = until.recv();
            });
            let _: Result<(), _> = recorded.recv();
            self.0.push((stay, thread));
        }
    }
}

impl Drop for Recorders {
    fn drop(&mut self) {
        for (stay, thread) in self.0.drain(..) {
            drop(stay);
            let _ = thread.join();
        }
    }
}

criterion_group!(benches, scrape);
criterion_main!(benches);
