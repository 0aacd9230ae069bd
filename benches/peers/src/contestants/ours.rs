//! Ours: a measured function in its shapes, and the instruments of `metric!`.

use super::names::{self, BARE, BARE_ASYNC, BARE_PENDING, BARE_RESULT, EMPTY};
use super::{Code, PendingOnce, Source, poll_to_end, work};
use crate::contestant::{Contestant, Seen};
use std::hint::black_box;
use telemetry::{measured, metric, testing};

metric! {
    /// Calls, counted through a kept handle.
    counter kept_calls_total();
    /// Calls, counted through a lookup of two labels out of closed sets.
    counter closed_calls_total(source: Source, code: Code);
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
#[measured(count)]
fn counted(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[measured(count)]
fn counted_alone(x: u64) -> u64 {
    black_box(x)
}

#[measured]
async fn measured_future(x: u64) -> u64 {
    work(x)
}

#[measured]
async fn measured_pending(x: u64) -> u64 {
    PendingOnce::default().await;
    work(x)
}

#[inline(never)]
fn poll_measured(x: u64) -> u64 {
    poll_to_end(measured_future(x))
}

#[inline(never)]
fn poll_measured_pending(x: u64) -> u64 {
    poll_to_end(measured_pending(x))
}

/// The calls of a measured function that our registry shows.
fn function_calls(function: &str) -> u64 {
    value("function_calls_total", &[("function", function), ("result", "ok")])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn value(name: &str, labels: &[(&str, &str)]) -> u64 {
    testing::value(name, labels).unwrap_or(0.0) as u64
}

/// Those who time.
pub(super) fn timed() -> Vec<Contestant> {
    use Seen::Ask;
    vec![
        Contestant::new(names::MEASURED, BARE, Ask(|| function_calls("measured_value")), measured_value),
        Contestant::new(names::MEASURED_RESULT, BARE_RESULT, Ask(|| function_calls("measured_result")), |x| {
            measured_result(x).unwrap_or(0)
        }),
    ]
}

/// Those who count, and the histogram.
pub(super) fn instruments() -> Vec<Contestant> {
    use Seen::Ask;
    let (counter, histogram) = (kept_calls_total(), kept_duration_seconds());
    let mut all = vec![
        Contestant::new(names::COUNTED, BARE, Ask(|| function_calls("counted")), counted),
        Contestant::new(names::COUNTED, EMPTY, Ask(|| function_calls("counted_alone")), counted_alone),
    ];
    all.extend(Contestant::twins(names::COUNTER, Ask(|| kept_calls_total().get()), move || counter.inc()));
    let closed = || value("closed_calls_total", &[("source", "flights"), ("code", "done")]);
    all.extend(Contestant::twins(names::CLOSED, Ask(closed), || {
        closed_calls_total(black_box(Source::Flights), black_box(Code::Done)).inc();
    }));
    all.extend(Contestant::twins(names::LABELS, Ask(|| value("labelled_calls_total", &[])), || {
        labelled_calls_total(black_box("flights"), black_box("ok")).inc();
    }));
    all.extend(Contestant::twins(names::HISTOGRAM, Ask(|| kept_duration_seconds().count()), move || {
        histogram.observe(black_box(0.03));
    }));
    all
}

/// Futures.
pub(super) fn asynchronous() -> Vec<Contestant> {
    use Seen::Ask;
    vec![
        Contestant::new(names::ASYNC, BARE_ASYNC, Ask(|| function_calls("measured_future")), poll_measured),
        Contestant::new(
            names::PENDING,
            BARE_PENDING,
            Ask(|| function_calls("measured_pending")),
            poll_measured_pending,
        ),
    ]
}
