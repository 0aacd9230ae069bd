//! What does a scrape cost: the snapshot, and its text, for 1,000 and 10,000 series?
//!
//! Two families, so that the figures can be laid beside other crates': a counter with two labels, and a histogram of 12 bounds with
//! two labels for every tenth of its series; 1k is 500 counters and 50 histograms, 1,250 lines, 10k ten times that. The registry's own
//! families are there besides, some twenty lines.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
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
        let (function, module) = (format!("function_{index}"), format!("program::module_{}", index % 10));
        scraped_calls_total(&function, &module).add(u64::from(index) * 7);
        if index % 10 == 0 {
            for step in 0..100 {
                scraped_duration_seconds(&function, &module).observe(f64::from(step * step) / 1_000.0);
            }
        }
    }
}

fn scrape(criterion: &mut Criterion) {
    let telemetry = telemetry::builder().listen("off").report(Report::Off).max_series(20_000).init();
    let _telemetry = telemetry.expect("nothing else in this program has set it up");
    for (scale, counters) in [("1k", 500), ("10k", 5_000)] {
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
}

criterion_group!(benches, scrape);
criterion_main!(benches);
