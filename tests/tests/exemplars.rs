//! Exemplars: which observations led to which trace.

use std::cell::Cell;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use telemetry::exemplar::{self, SpanContext};
use telemetry::snapshot::{Exemplar, Value};
use telemetry::{measured, metric};

metric! {
    /// Sizes that traces are known of.
    histogram traced_size_bytes(kind: &str) [10, 100];
}

thread_local! {
    static RUNNING: Cell<Option<SpanContext>> = const { Cell::new(None) };
}

fn within<R>(span: u8, work: impl FnOnce() -> R) -> R {
    exemplar::set_source(|| RUNNING.get());
    let outer = RUNNING.replace(Some(SpanContext { trace_id: [0xab; 16], span_id: [span; 8] }));
    let result = work();
    RUNNING.set(outer);
    result
}

fn exemplars(family: &str, labels: &[(&str, &str)]) -> Vec<Exemplar> {
    let snapshot = telemetry::snapshot();
    match &snapshot.series(family, labels).unwrap().value {
        Value::Histogram(histogram) => histogram.exemplars.clone(),
        Value::Exponential(exponential) => exponential.exemplars.clone(),
        other => panic!("{other:?}"),
    }
}

fn spans(exemplars: &[Exemplar]) -> Vec<(f64, String)> {
    let mut spans: Vec<_> = exemplars.iter().map(|shown| (shown.value, shown.labels[1].1.to_string())).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    spans
}

fn sized(kind: &str) -> Vec<(f64, String)> {
    spans(&exemplars("traced_size_bytes", &[("kind", kind)]))
}

#[test]
fn a_value_has_the_trace_in_which_it_was_observed_and_one_without_a_trace_has_none() {
    within(1, || traced_size_bytes("values").observe(5.0));
    within(2, || traced_size_bytes("values").observe(500.0));
    traced_size_bytes("values").observe(50.0);
    let shown = exemplars("traced_size_bytes", &[("kind", "values")]);
    assert_eq!(spans(&shown), [(5.0, "01".repeat(8)), (500.0, "02".repeat(8))]);
    for exemplar in shown {
        assert_eq!((&*exemplar.labels[0].0, &*exemplar.labels[0].1), ("trace_id", &*"ab".repeat(16)));
        assert!(exemplar.at.elapsed().unwrap() < Duration::from_secs(60));
    }
}

#[test]
fn a_bucket_takes_another_after_a_tenth_of_a_second_and_not_before() {
    let start = Instant::now();
    for value in 0..5 {
        within(value, || traced_size_bytes("often").observe(f64::from(value)));
    }
    if start.elapsed() < Duration::from_millis(100) {
        assert_eq!(sized("often"), [(0.0, "00".repeat(8))]);
    }
    thread::sleep(Duration::from_millis(110));
    within(9, || traced_size_bytes("often").observe(9.0));
    assert_eq!(sized("often"), [(9.0, "09".repeat(8))]);
}

#[test]
fn of_several_threads_the_newest_is_shown() {
    for span in [3, 4] {
        thread::spawn(move || within(span, || traced_size_bytes("threads").observe(f64::from(span)))).join().unwrap();
        // The second thread has the shard that the first one left.
        thread::sleep(Duration::from_millis(110));
    }
    assert_eq!(sized("threads"), [(4.0, "04".repeat(8))]);
    let before = SystemTime::now();
    let barrier = &Barrier::new(2);
    thread::scope(|scope| {
        for span in [5u8, 6] {
            scope.spawn(move || {
                barrier.wait();
                thread::sleep(Duration::from_millis(20 * u64::from(span)));
                within(span, || traced_size_bytes("threads").observe(f64::from(span)));
                barrier.wait();
            });
        }
    });
    assert_eq!(sized("threads"), [(6.0, "06".repeat(8))]);
    assert!(exemplars("traced_size_bytes", &[("kind", "threads")])[0].at > before);
}

#[measured]
fn traced(fails: bool) -> Result<(), &'static str> {
    if fails { Err("as asked") } else { Ok(()) }
}

#[measured(labels(kind))]
fn traced_by_kind(kind: &str) {
    std::hint::black_box(kind);
}

#[measured]
async fn traced_future() {
    std::future::ready(()).await;
}

#[test]
fn a_duration_has_the_trace_of_its_call_by_result_and_labels_and_of_futures_too() {
    within(1, || traced(false).unwrap());
    within(2, || traced(true).unwrap_err());
    within(3, || traced_by_kind("a"));
    within(4, || {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::pin!(traced_future()).poll(&mut context).is_ready());
    });
    let family = "function_calls_duration_seconds";
    let of = |labels: &[(&str, &str)]| spans(&exemplars(family, labels)).pop().map(|(_, span)| span);
    assert_eq!(of(&[("function", "traced"), ("result", "ok")]), Some("01".repeat(8)));
    assert_eq!(of(&[("function", "traced"), ("result", "error")]), Some("02".repeat(8)));
    assert_eq!(of(&[("function", "traced_by_kind"), ("kind", "a")]), Some("03".repeat(8)));
    assert_eq!(of(&[("function", "traced_future"), ("result", "ok")]), Some("04".repeat(8)));
    // Besides, a call is counted as ever.
    assert_eq!(telemetry::snapshot().sum("function_calls_total", &[("function", "traced")]), 2.0);
}
