//! Many threads, ended threads, and snapshots meanwhile.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use telemetry::snapshot::Value;
use telemetry::{SpanGuard, measured, metric};

metric! {
    /// Steps, by the thread that took them.
    counter thread_steps_total(thread: u32);
    /// Sizes seen by threads.
    histogram thread_size_bytes() [10, 100];
    /// Steps that threads took at their end.
    counter last_steps_total();
    /// Sizes seen by threads at their end.
    histogram last_size_bytes() [10, 100];
    /// Observed without a pause.
    histogram unpaused_bytes() [1, 2, 3, 4, 5, 6, 7, 8];
}

fn calls(function: &str) -> f64 {
    telemetry::snapshot().sum("function_calls_total", &[("function", function)])
}

#[measured]
fn called_a_million_times(n: u64) -> Result<u64, u64> {
    if n.is_multiple_of(10) { Err(n) } else { Ok(n) }
}

#[test]
#[cfg_attr(miri, ignore = "hours")]
fn a_million_calls_from_eight_threads_are_counted_exactly_while_snapshots_are_taken() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        let reader = scope.spawn(|| {
            let mut last = 0.0;
            while !done.load(Relaxed) {
                let snapshot = telemetry::snapshot();
                let labels = [("function", "called_a_million_times")];
                let now = snapshot.sum("function_calls_total", &labels);
                assert!(now >= last, "{now} after {last}");
                let running = snapshot.sum("function_calls_concurrent", &labels);
                // Calls that begin between the two readings are in it: more than are in flight, but never less than none.
                assert!(running >= 0.0, "{running} calls in flight");
                last = now;
            }
        });
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..125_000).filter(|&n| called_a_million_times(n).is_err()).count()))
            .collect();
        let errors: usize = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert_eq!(errors, 100_000);
        done.store(true, Relaxed);
        reader.join().unwrap();
    });
    let snapshot = telemetry::snapshot();
    let count = |result| {
        let labels = [("function", "called_a_million_times"), ("result", result)];
        let total = snapshot.sum("function_calls_total", &labels);
        let Some(Value::Exponential(histogram)) =
            snapshot.series("function_calls_duration_seconds", &labels).map(|series| series.value.clone())
        else {
            panic!("no histogram of durations");
        };
        assert_eq!(histogram.count() as f64, total, "{result}");
        total
    };
    assert_eq!((count("ok"), count("error")), (900_000.0, 100_000.0));
    assert_eq!(snapshot.sum("function_calls_concurrent", &[("function", "called_a_million_times")]), 0.0);
}

#[measured]
fn called_once_a_thread() {}

#[measured]
fn called_without_a_pause() {}

/// Ends what a test started also where an assertion fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
#[cfg_attr(miri, ignore = "hours")]
fn the_series_of_a_thread_that_never_pauses_do_not_stand_still() {
    let done = AtomicBool::new(false);
    let made = AtomicU64::new(0);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Relaxed) {
                called_without_a_pause();
                unpaused_bytes().observe(3.0);
                made.store(made.load(Relaxed) + 1, Release);
            }
        });
        while made.load(Acquire) < 1_000_000 {
            let before = made.load(Acquire);
            let shown = (calls("called_without_a_pause"), unpaused_bytes().count());
            assert!(shown.0 >= before as f64 && shown.1 >= before, "{shown:?} shown after {before}");
        }
    });
}

#[test]
fn threads_that_end_leave_their_counts_behind() {
    for round in 0..100 {
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    called_once_a_thread();
                    thread_steps_total(round).inc();
                    thread_size_bytes().observe(50.0);
                });
            }
        });
    }
    assert_eq!(calls("called_once_a_thread"), 500.0);
    assert_eq!(thread_steps_total(99).get(), 5);
    assert_eq!(telemetry::snapshot().sum("thread_steps_total", &[]), 500.0);
    assert_eq!((thread_size_bytes().count(), thread_size_bytes().sum()), (500, 25_000.0));
}

#[measured]
fn called_at_the_end_of_a_thread() -> u8 {
    1
}

#[test]
fn a_call_in_a_thread_local_destructor_is_counted() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            called_at_the_end_of_a_thread();
            last_steps_total().add(2);
            last_size_bytes().observe(5.0);
        }
    }
    thread_local!(static LAST: Last = const { Last });
    for first_recording_comes_first in [true, false] {
        thread::spawn(move || {
            // Destructors run in the order in which the locals were made or against it: both orders are met.
            if first_recording_comes_first {
                called_at_the_end_of_a_thread();
            }
            LAST.with(|_| ());
            if !first_recording_comes_first {
                called_at_the_end_of_a_thread();
            }
        })
        .join()
        .unwrap();
    }
    assert_eq!(calls("called_at_the_end_of_a_thread"), 4.0);
    assert_eq!(last_steps_total().get(), 4);
    assert_eq!((last_size_bytes().count(), last_size_bytes().sum()), (2, 10.0));
}

#[test]
fn a_span_that_is_kept_in_a_thread_local_ends_with_its_thread_whoever_has_its_shard_by_then() {
    thread_local!(static KEPT: Cell<Option<SpanGuard>> = const { Cell::new(None) });
    let keeps = || {
        // Made before the first recording of the thread, so destroyed after what hands the shard on.
        KEPT.with(|kept| kept.set(Some(telemetry::span("kept_in_a_thread_local"))));
    };
    for _ in 0..100 {
        let threads = [thread::spawn(keeps), thread::spawn(keeps)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(calls("kept_in_a_thread_local"), 200.0);
    let labels = [("function", "kept_in_a_thread_local")];
    assert_eq!(telemetry::snapshot().sum("function_calls_concurrent", &labels), 0.0);
}

#[measured]
fn spins() {
    let start = std::time::Instant::now();
    while start.elapsed() < std::time::Duration::from_millis(2) {
        std::hint::spin_loop();
    }
}

#[test]
fn a_span_that_a_thread_forgot_stays_in_flight_and_hides_no_time_of_the_next_thread() {
    // One after the other, so that each has the shard of the one before.
    for _ in 0..5 {
        thread::spawn(|| std::mem::forget(telemetry::span("forgotten"))).join().unwrap();
        thread::spawn(|| {
            let _running = telemetry::span("forgotten");
            spins();
        })
        .join()
        .unwrap();
    }
    let snapshot = telemetry::snapshot();
    let labels = [("function", "forgotten")];
    assert_eq!(snapshot.sum("function_calls_concurrent", &labels), 5.0);
    assert_eq!(calls("forgotten"), 5.0);
    let busy = snapshot.sum("function_busy_seconds_total", &labels);
    assert!(busy >= 0.01, "{busy} s of five times 2 ms: taken for calls within a call that still runs");
}

#[measured]
fn has_a_leaked_guard(leak: bool) {
    if leak {
        // A thread that never ends its call, as a deadlock would have it.
        loop {
            thread::park();
        }
    }
}

#[test]
fn a_call_that_never_ends_stays_in_flight() {
    thread::spawn(|| has_a_leaked_guard(true));
    let in_flight = || telemetry::snapshot().sum("function_calls_concurrent", &[("function", "has_a_leaked_guard")]);
    while in_flight() < 1.0 {
        thread::yield_now();
    }
    has_a_leaked_guard(false);
    assert_eq!(in_flight(), 1.0);
    assert_eq!(calls("has_a_leaked_guard"), 1.0);
}
