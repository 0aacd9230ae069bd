use super::super::Layer;
use super::super::sites::Sites;
use crate::record::probe::fake;
use crate::record::thread;
use crate::testing::{isolated, snapshot, value};
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tracing::{Dispatch, dispatcher, info_span, instrument};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer as _, Registry, layer::SubscriberExt as _};

const MS: Duration = Duration::from_millis(1);

/// Runs a test with a registry of its own and spans that are functions.
fn measured<R>(test: impl FnOnce() -> R) -> R {
    isolated(|| tracing::subscriber::with_default(Registry::default().with(Layer::new()), test))
}

/// A series of a function, by its name.
fn of(family: &str, function: &str) -> f64 {
    let name = format!("telemetry::tracing::tests::layer::{function}");
    snapshot().sum(family, &[("function", &name)])
}

fn calls(function: &str, result: &str) -> f64 {
    let name = format!("telemetry::tracing::tests::layer::{function}");
    snapshot().sum("function_calls_total", &[("function", &name), ("result", result)])
}

/// In thousandths of a second, without what the made-up readings of probes take.
fn millis(family: &str, function: &str) -> f64 {
    tenths(of(family, function))
}

/// Seconds as thousandths, to a tenth.
fn tenths(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 10.0
}

fn duration_millis(function: &str) -> f64 {
    let name = format!("telemetry::tracing::tests::layer::{function}");
    let snapshot = snapshot();
    let labels = [("function", &*name), ("module", "telemetry::tracing::tests::layer"), ("result", "ok")];
    let series = snapshot.series("function_calls_duration_seconds", &labels).unwrap();
    let crate::snapshot::Value::Exponential(histogram) = &series.value else { panic!("{:?}", series.value) };
    tenths(histogram.sum)
}

/// Whether nothing runs on this thread, as before a test.
fn nothing_runs() -> bool {
    thread::with(|thread| thread.running.get().is_none())
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Is ready when it is polled again.
async fn wait() {
    let mut is_polled = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut is_polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

#[instrument]
fn outer() {
    fake::work(2 * MS);
    let _ = inner(1);
    let _ = inner(2);
}

#[instrument(err)]
fn inner(number: u32) -> Result<(), String> {
    fake::work(3 * MS);
    if number == 2 { Err("two".to_owned()) } else { Ok(()) }
}

#[test]
fn instrumented_functions_are_measured() {
    measured(|| {
        fake::start();
        outer();
        assert_eq!((calls("outer", "ok"), calls("inner", "ok"), calls("inner", "error")), (1.0, 1.0, 1.0));
        assert_eq!(calls("outer", "error"), 0.0, "the error was recorded in the span within");
        assert_eq!((of("function_calls_started_total", "inner"), of("function_calls_concurrent", "inner")), (2.0, 0.0));
        assert_eq!(
            (millis("function_busy_seconds_total", "outer"), millis("function_self_seconds_total", "outer")),
            (8.0, 2.0)
        );
        assert_eq!(
            (millis("function_busy_seconds_total", "inner"), millis("function_self_seconds_total", "inner")),
            (6.0, 6.0)
        );
        assert!(
            millis("function_cpu_seconds_total", "outer") > 7.0,
            "{}",
            millis("function_cpu_seconds_total", "outer")
        );
        assert!(nothing_runs());
        let labels =
            [("function", "telemetry::tracing::tests::layer::outer"), ("module", "telemetry::tracing::tests::layer")];
        assert_eq!(value("function_calls_started_total", &labels), Some(1.0));
    });
}

#[instrument]
async fn task() {
    fake::work(MS);
    wait().await;
    fake::work(MS);
}

#[test]
fn the_waiting_of_an_asynchronous_function_is_not_its_busy_time() {
    measured(|| {
        fake::start();
        let mut future = Box::pin(task());
        assert_eq!(of("function_calls_started_total", "task"), 0.0, "it begins with its first poll");
        assert!(poll(future.as_mut()).is_pending());
        fake::wait(10 * MS);
        assert_eq!(of("function_calls_concurrent", "task"), 1.0);
        assert_eq!(millis("function_oldest_call_age_seconds", "task"), 11.0);
        assert!(nothing_runs());
        assert!(poll(future.as_mut()).is_ready());
        drop(future);
        assert_eq!((calls("task", "ok"), of("function_calls_concurrent", "task")), (1.0, 0.0));
        assert_eq!(millis("function_busy_seconds_total", "task"), 2.0);
        assert_eq!(duration_millis("task"), 12.0);
        assert_eq!(of("function_oldest_call_age_seconds", "task"), 0.0);
    });
}

#[test]
fn a_span_that_is_never_entered_is_no_call() {
    measured(|| {
        drop(info_span!("unused"));
        assert_eq!(of("function_calls_started_total", "unused"), 0.0);
    });
}

#[instrument]
fn again(depth: u32) {
    fake::work(MS);
    if depth > 0 {
        again(depth - 1);
    }
}

#[test]
fn a_recursion_is_busy_once() {
    measured(|| {
        fake::start();
        again(3);
        assert_eq!((calls("again", "ok"), millis("function_busy_seconds_total", "again")), (4.0, 4.0));
        assert_eq!(millis("function_self_seconds_total", "again"), 4.0);
    });
}

#[test]
fn spans_that_are_left_in_another_order_keep_their_own_time() {
    measured(|| {
        fake::start();
        let outer = info_span!("around").entered();
        let (first, second) = (info_span!("first"), info_span!("second"));
        let first = first.entered();
        fake::work(MS);
        let second = second.entered();
        fake::work(2 * MS);
        drop(first);
        fake::work(4 * MS);
        drop(second);
        fake::work(8 * MS);
        drop(outer);
        assert!(nothing_runs());
        let times = |name| (millis("function_busy_seconds_total", name), millis("function_self_seconds_total", name));
        assert_eq!(times("first"), (3.0, 1.0));
        assert_eq!(times("second"), (6.0, 6.0));
        assert_eq!(times("around"), (15.0, 8.0));
    });
}

#[crate::measured(crate = crate, name = "ours_within")]
fn ours(leave: impl FnOnce()) {
    fake::work(MS);
    leave();
    fake::work(2 * MS);
}

#[test]
fn a_span_that_is_left_within_a_measured_function_does_not_run_on() {
    measured(|| {
        fake::start();
        let span = info_span!("left").entered();
        fake::work(4 * MS);
        ours(|| drop(span));
        info_span!("next").in_scope(|| fake::work(8 * MS));
        assert!(nothing_runs());
        assert_eq!((calls("left", "ok"), millis("function_busy_seconds_total", "left")), (1.0, 5.0));
        assert_eq!(millis("function_busy_seconds_total", "next"), 8.0);
        let ours = value("function_self_seconds_total", &[("function", "ours_within"), ("module", module_path!())]);
        assert_eq!(ours.map(tenths), Some(3.0));
    });
}

#[crate::measured(crate = crate, name = "polled")]
async fn holds_a_guard() {
    let _entered = info_span!("held").entered();
    fake::work(MS);
    wait().await;
    fake::work(2 * MS);
}

#[test]
fn a_guard_that_is_held_over_an_await_harms_nobody() {
    measured(|| {
        fake::start();
        let mut future = Box::pin(holds_a_guard());
        assert!(poll(future.as_mut()).is_pending());
        info_span!("meanwhile").in_scope(|| fake::work(4 * MS));
        assert!(poll(future.as_mut()).is_ready());
        drop(future);
        assert!(nothing_runs());
        assert_eq!(
            (calls("held", "ok"), millis("function_busy_seconds_total", "held")),
            (1.0, 7.0),
            "as `tracing` has it"
        );
        assert_eq!(millis("function_busy_seconds_total", "meanwhile"), 4.0);
        assert_eq!(millis("function_self_seconds_total", "meanwhile"), 4.0);
        let polled = value("function_busy_seconds_total", &[("function", "polled"), ("module", module_path!())]);
        assert_eq!(polled.map(tenths), Some(3.0));
        info_span!("meanwhile").in_scope(|| fake::work(MS));
        assert!(nothing_runs());
    });
}

#[test]
fn a_span_that_two_threads_have_entered_is_measured_on_the_first() {
    measured(|| {
        fake::start();
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let current = &crate::current();
        let span = info_span!("shared");
        let entered = span.clone().entered();
        fake::work(MS);
        std::thread::scope(|scope| {
            let span = span.clone();
            let thread = move || dispatcher::with_default(&dispatch, || current.scope(|| span.in_scope(nothing_runs)));
            assert!(scope.spawn(thread).join().unwrap(), "the second is not measured");
        });
        let twice = span.clone().entered(); // by the same thread
        drop(entered);
        assert!(!nothing_runs(), "it has not left it yet");
        fake::work(MS);
        drop(twice);
        assert!(nothing_runs());
        drop(span);
        assert_eq!((of("function_calls_started_total", "shared"), calls("shared", "ok")), (1.0, 1.0));
        assert_eq!(millis("function_busy_seconds_total", "shared"), 2.0);
    });
}

#[test]
fn a_span_is_handed_from_thread_to_thread_and_closed_on_another() {
    measured(|| {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let current = &crate::current();
        let span = info_span!("moved");
        span.in_scope(|| ());
        let (send, receive) = mpsc::channel::<tracing::Span>();
        std::thread::scope(|scope| {
            let other = dispatch.clone();
            scope.spawn(move || dispatcher::with_default(&other, || current.scope(|| drop(receive.recv()))));
            scope.spawn(|| {
                dispatcher::with_default(&dispatch, || current.scope(|| span.in_scope(|| ())));
                send.send(span).unwrap();
            });
        });
        assert_eq!((of("function_calls_started_total", "moved"), calls("moved", "ok")), (1.0, 1.0));
        assert_eq!(of("function_calls_concurrent", "moved"), 0.0);
        assert_eq!(of("function_oldest_call_age_seconds", "moved"), 0.0);
    });
}

#[test]
fn what_is_entered_here_and_left_elsewhere_goes_when_it_is_closed() {
    measured(|| {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let span = info_span!("smuggled");
        let id = span.id().unwrap();
        dispatch.enter(&id);
        assert!(!nothing_runs());
        let elsewhere = dispatch.clone();
        std::thread::spawn(move || elsewhere.exit(&id)).join().unwrap();
        drop(span);
        info_span!("next").in_scope(|| ());
        assert!(nothing_runs());
        for _ in 0..100 {
            std::mem::forget(info_span!("forgotten").entered());
        }
        assert_eq!(calls("smuggled", "ok"), 1.0);
    });
}

#[crate::measured(crate = crate, name = "among_spans")]
fn among_spans(work: impl FnOnce()) {
    work();
}

#[test]
fn whatever_threads_do_with_spans_is_counted_once() {
    const THREADS: u64 = 4;
    const STEPS: u64 = 2_000;
    let began = std::time::Instant::now();
    measured(|| {
        let dispatch = &dispatcher::get_default(Dispatch::clone);
        let current = &crate::current();
        let shared: &Vec<_> = &(0..4).map(|_| info_span!("everywhere")).collect();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    dispatcher::with_default(dispatch, || {
                        current.scope(|| {
                            let mut random = thread + 1;
                            let mut guards: Vec<tracing::span::EnteredSpan> = Vec::new();
                            for _ in 0..STEPS {
                                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                                let place = usize::try_from(random >> 33).unwrap();
                                match random >> 61 {
                                    0 | 1 => guards.push(shared[place % shared.len()].clone().entered()),
                                    2 => guards.push(info_span!("here").entered()),
                                    3 => among_spans(|| drop(guards.pop())),
                                    _ if guards.is_empty() => {}
                                    _ => drop(guards.swap_remove(place % guards.len())),
                                }
                            }
                        });
                        assert!(nothing_runs());
                    });
                });
            }
        });
        assert_eq!(of("function_calls_started_total", "everywhere"), 4.0);
        assert_eq!(of("function_calls_concurrent", "here"), 0.0);
        assert_eq!(of("function_calls_started_total", "here"), calls("here", "ok"));
        let elapsed = began.elapsed().as_secs_f64() * THREADS as f64;
        for name in ["everywhere", "here"] {
            let (busy, own) = (of("function_busy_seconds_total", name), of("function_self_seconds_total", name));
            assert!(busy <= elapsed && own <= elapsed, "{name}: {busy} and {own} in {elapsed} s");
        }
    });
    assert!(nothing_runs());
}

#[test]
fn a_panic_ends_the_spans_that_it_leaves() {
    measured(|| {
        let unwound = std::panic::catch_unwind(|| {
            info_span!("caught").in_scope(|| {
                let _ = std::panic::catch_unwind(|| {
                    info_span!("panics").in_scope(|| std::panic::resume_unwind(Box::new(())))
                });
            });
        });
        assert!(unwound.is_ok() && nothing_runs());
        assert_eq!((calls("panics", "panic"), calls("caught", "ok"), calls("caught", "panic")), (1.0, 1.0, 0.0));
    });
}

#[test]
fn an_error_is_of_the_span_in_which_it_was_recorded() {
    measured(|| {
        info_span!("above").in_scope(|| {
            let below = info_span!("below");
            tracing::error!(parent: &below, "wrong");
            below.in_scope(|| tracing::warn!("careful"));
            info_span!("careful").in_scope(|| tracing::warn!("careful"));
        });
        tracing::error!("in no span");
        assert_eq!((calls("above", "ok"), calls("below", "error"), calls("careful", "ok")), (1.0, 1.0, 1.0));
    });
}

#[test]
fn a_filter_says_which_spans_are_functions() {
    isolated(|| {
        let targets = Targets::new().with_target("library", LevelFilter::INFO);
        let subscriber = Registry::default().with(Layer::new().with_filter(targets));
        tracing::subscriber::with_default(subscriber, || {
            for target in 0..2 {
                let _span =
                    if target == 0 { info_span!(target: "library", "query") } else { info_span!("mine") }.entered();
                let _debug = tracing::debug_span!(target: "library", "detail").entered();
            }
        });
        let functions = snapshot();
        let started = |function| functions.sum("function_calls_started_total", &[("function", function)]);
        assert_eq!((started("library::query"), started("library::detail")), (1.0, 0.0));
        assert_eq!(functions.sum("function_calls_started_total", &[]), 1.0);
    });
}

#[test]
fn what_is_too_much_is_one_function() {
    static SITES: Sites = Sites::new(2);
    isolated(|| {
        let subscriber = Registry::default().with(Layer::with_sites(&SITES));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..2 {
                drop((info_span!("a").entered(), info_span!("b").entered()));
                drop((info_span!("c").entered(), info_span!("d").entered()));
            }
        });
        assert_eq!((calls("a", "ok"), calls("b", "ok"), calls("c", "ok")), (2.0, 2.0, 0.0));
        let other = [("function", "_OTHER"), ("module", "tracing"), ("result", "ok")];
        assert_eq!(value("function_calls_total", &other), Some(4.0));
    });
}

#[test]
fn two_layers_count_a_span_once() {
    isolated(|| {
        let subscriber = Registry::default().with(Layer::new()).with(Layer::new());
        tracing::subscriber::with_default(subscriber, || info_span!("once").in_scope(|| ()));
        assert_eq!((of("function_calls_started_total", "once"), calls("once", "ok")), (1.0, 1.0));
    });
}

#[test]
fn a_span_ends_with_its_subscriber() {
    isolated(|| {
        let dispatch = Dispatch::new(Registry::default().with(Layer::new()));
        dispatcher::with_default(&dispatch, || {
            let span = info_span!("survives");
            span.in_scope(|| ());
            // Somebody who forgets it.
            let _ = dispatch.clone_span(&span.id().unwrap());
        });
        assert_eq!((of("function_calls_concurrent", "survives"), calls("survives", "ok")), (1.0, 0.0));
        drop(dispatch);
        assert_eq!((of("function_calls_concurrent", "survives"), calls("survives", "ok")), (0.0, 1.0));
    });
}

#[test]
fn what_runs_in_a_span_is_handed_on_as_its_work() {
    measured(|| {
        fake::start();
        let current = info_span!("gives").in_scope(crate::current);
        current.scope(|| fake::work(MS));
        assert_eq!(millis("function_busy_seconds_total", "gives"), 1.0);
    });
}
