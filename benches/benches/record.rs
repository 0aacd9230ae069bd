//! What does one record cost: a measured call, a counter, a histogram, a gauge?
//!
//! Each figure holds the loop and criterion's `black_box`, some 1 ns; `bare` is the function that the measured ones wrap. The counts
//! in the registry are checked at the end: what was timed was recorded.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use telemetry::{Label, measured, metric, testing};
use telemetry_benches::{bare, work};

#[derive(Clone, Copy, Label)]
enum Side {
    Left,
    #[expect(dead_code, reason = "with one value there would be nothing to look up")]
    Right,
}

metric! {
    /// Turns, counted through a lookup of an enum.
    counter bench_turns_total(side: Side);
    /// Rows, counted through a kept handle.
    counter bench_rows_total();
    /// Requests, counted through a lookup.
    counter bench_requests_total(source: &str, code: &str);
    /// Requests, counted through a lookup of a text and a number.
    counter bench_responses_total(source: &str, code: u16);
    /// Seconds, observed through a kept handle.
    histogram bench_duration_seconds() [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
    /// Records, set through a kept handle.
    gauge bench_queue_records();
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

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    group.bench_function("bare", |b| b.iter(|| bare(1)));
    let mut made = 0.0;
    group.bench_function("measured", |b| {
        b.iter_custom(|calls| {
            made += calls as f64;
            let start = std::time::Instant::now();
            for _ in 0..calls {
                black_box(measured_value(1));
            }
            start.elapsed()
        });
    });
    group.bench_function("measured_result", |b| b.iter(|| measured_result(1)));
    group.finish();
    let seen = testing::value("function_calls_total", &[("function", "measured_value"), ("result", "ok")]);
    assert_eq!(seen.unwrap_or(0.0), made, "calls seen and calls made");
}

fn instruments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("instrument");
    let (counter, histogram, gauge) = (bench_rows_total(), bench_duration_seconds(), bench_queue_records());
    group.bench_function("counter_kept", |b| b.iter(|| black_box(counter).inc()));
    group.bench_function("counter_enum_label", |b| {
        b.iter(|| bench_turns_total(black_box(Side::Left)).inc());
    });
    group.bench_function("counter_two_str_labels", |b| {
        b.iter(|| bench_requests_total(black_box("flights"), black_box("ok")).inc());
    });
    group.bench_function("counter_str_and_u16_label", |b| {
        b.iter(|| bench_responses_total(black_box("flights"), black_box(200)).inc());
    });
    group.bench_function("histogram_kept", |b| b.iter(|| black_box(histogram).observe(black_box(0.03))));
    group.bench_function("gauge_set", |b| b.iter(|| black_box(gauge).set(black_box(3.0))));
    group.bench_function("gauge_add", |b| b.iter(|| black_box(gauge).add(black_box(1.0))));
    group.finish();
}

criterion_group!(benches, calls, instruments);
criterion_main!(benches);
