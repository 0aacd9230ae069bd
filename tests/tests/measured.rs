//! How calls end, what they take, and what they are called.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use telemetry::measured;
use telemetry::snapshot::Value;

fn value(family: &str, function: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut all = vec![("function", function)];
    all.extend(labels);
    telemetry::testing::value(family, &all)
}

fn calls(function: &str) -> [Option<f64>; 4] {
    ["ok", "error", "panic", "cancelled"].map(|result| value("function_calls_total", function, &[("result", result)]))
}

fn in_flight(function: &str) -> Option<f64> {
    value("function_calls_concurrent", function, &[])
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future to its end on this thread.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
}

/// Is pending as often as told.
async fn yields(times: u32) {
    let mut left = times;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

// ---- results ------------------------------------------------------------------------------------------------------

#[measured]
fn parses(text: &str) -> Result<u32, std::num::ParseIntError> {
    if text == "panic" {
        panic!("asked to");
    }
    let value = text.parse()?;
    Ok(value)
}

#[test]
fn each_result_is_counted_as_what_it_is() {
    assert_eq!(parses("7"), Ok(7));
    assert_eq!(calls("parses"), [Some(1.0), Some(0.0), None, None], "an error exists at zero before the first");
    parses("seven").unwrap_err();
    catch_unwind(|| parses("panic")).unwrap_err();
    assert_eq!(calls("parses"), [Some(1.0), Some(1.0), Some(1.0), None]);
    assert_eq!(in_flight("parses"), Some(0.0));
    assert_eq!(value("function_calls_started_total", "parses", &[]), Some(3.0));
}

#[measured]
fn looks_at_itself() -> Result<[Option<f64>; 4], ()> {
    Ok(calls("looks_at_itself"))
}

#[measured]
async fn looks_at_itself_later() -> Result<[Option<f64>; 4], ()> {
    Ok(calls("looks_at_itself_later"))
}

#[test]
fn an_error_exists_at_zero_while_the_first_call_runs() {
    assert_eq!(looks_at_itself(), Ok([Some(0.0), Some(0.0), None, None]));
    assert_eq!(run(looks_at_itself_later()), Ok([Some(0.0), Some(0.0), None, None]));
}

type Fallible = std::io::Result<u8>;

#[measured]
fn fails_behind_an_alias() -> Fallible {
    Err(std::io::ErrorKind::Other.into())
}

#[measured]
fn returns_none() -> Option<u8> {
    None
}

#[test]
fn an_alias_of_result_is_seen_through_and_none_is_no_error() {
    fails_behind_an_alias().unwrap_err();
    assert_eq!(returns_none(), None);
    assert_eq!(calls("fails_behind_an_alias"), [Some(0.0), Some(1.0), None, None]);
    assert_eq!(calls("returns_none"), [Some(1.0), None, None, None]);
}

#[measured]
async fn waits(times: u32, fails: bool) -> Result<u32, String> {
    yields(times).await;
    if fails {
        return Err("asked to".into());
    }
    Ok(times)
}

#[measured]
async fn panics_at_the_second_poll() {
    yields(1).await;
    panic!("asked to");
}

#[test]
fn a_future_that_is_dropped_half_way_is_cancelled_and_one_never_polled_is_no_call() {
    drop(waits(1, false));
    assert_eq!(value("function_calls_started_total", "waits", &[]), None);
    {
        let mut future = Box::pin(waits(5, false));
        assert!(poll_once(future.as_mut()).is_pending());
        assert_eq!(in_flight("waits"), Some(1.0));
    }
    assert_eq!(in_flight("waits"), Some(0.0));
    assert_eq!(run(waits(2, false)), Ok(2));
    run(waits(0, true)).unwrap_err();
    assert_eq!(calls("waits"), [Some(1.0), Some(1.0), None, Some(1.0)]);
    assert_eq!(value("function_polls_total", "waits", &[]), Some(1.0 + 3.0 + 1.0));
}

#[test]
fn a_panic_inside_poll_is_a_panic_and_not_a_cancellation() {
    let future = AssertUnwindSafe(panics_at_the_second_poll());
    catch_unwind(move || run({ future }.0)).unwrap_err();
    assert_eq!(calls("panics_at_the_second_poll"), [Some(0.0), None, Some(1.0), None]);
    assert_eq!(in_flight("panics_at_the_second_poll"), Some(0.0));
}

#[measured]
fn called_while_unwinding() -> u8 {
    1
}

#[test]
fn a_call_in_a_destructor_that_runs_while_unwinding_is_ok() {
    struct Calls;
    impl Drop for Calls {
        fn drop(&mut self) {
            called_while_unwinding();
        }
    }
    catch_unwind(|| {
        let _calls = Calls;
        panic!("asked to");
    })
    .unwrap_err();
    assert_eq!(calls("called_while_unwinding"), [Some(1.0), None, None, None]);
}

#[measured]
fn panics_while_unwinding(really: bool) {
    assert!(!really, "asked to");
}

#[test]
fn a_panic_that_is_caught_in_a_destructor_while_unwinding_is_one_too() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            catch_unwind(|| panics_while_unwinding(true)).unwrap_err();
            panics_while_unwinding(false);
        }
    }
    catch_unwind(|| {
        let _panics = Panics;
        panics_while_unwinding(true);
    })
    .unwrap_err();
    assert_eq!(calls("panics_while_unwinding"), [Some(1.0), None, Some(2.0), None]);
    assert_eq!(in_flight("panics_while_unwinding"), Some(0.0));
}

#[measured]
async fn is_forgotten() {
    yields(5).await;
}

#[test]
fn a_future_that_is_forgotten_half_way_stays_in_flight_and_harms_no_later_call() {
    let mut future = Box::pin(is_forgotten());
    assert!(poll_once(future.as_mut()).is_pending());
    std::mem::forget(future);
    run(is_forgotten());
    assert_eq!(calls("is_forgotten"), [Some(1.0), None, None, None]);
    assert_eq!(in_flight("is_forgotten"), Some(1.0));
}

// ---- time ---------------------------------------------------------------------------------------------------------

fn seconds(family: &str, function: &str) -> f64 {
    value(family, function, &[]).unwrap_or(0.0)
}

/// What running `run` adds to a function's busy and own seconds.
fn adds(function: &str, run: impl Fn()) -> (f64, f64) {
    let now = || ["function_busy_seconds_total", "function_self_seconds_total"].map(|family| seconds(family, function));
    let before = now();
    run();
    let after = now();
    (after[0] - before[0], after[1] - before[1])
}

/// Whether something comes out in one of a few attempts: a thread that loses its processor within a reading of a probe has that time counted
/// as the reading's, which is rare even under load.
fn in_some_attempt(holds: impl Fn() -> bool) -> bool {
    (0..20).any(|_| holds())
}

#[measured]
fn outer() {
    spin(Duration::from_millis(20));
    inner();
}

#[measured]
fn inner() {
    spin(Duration::from_millis(30));
}

#[test]
fn self_time_leaves_out_measured_callees() {
    assert!(in_some_attempt(|| {
        let callee = seconds("function_busy_seconds_total", "inner");
        let (busy, own) = adds("outer", outer);
        let callee = seconds("function_busy_seconds_total", "inner") - callee;
        assert!(callee >= 0.03 && busy >= 0.05, "inner {callee}, outer {busy}");
        // The readings of probes are nobody's: some 100 µs where nothing is optimised.
        (busy - own - callee).abs() < 1e-3
    }));
}

#[measured]
fn recurses(depth: u32) {
    spin(Duration::from_millis(4));
    if depth > 1 {
        recurses(depth - 1);
    }
}

#[test]
fn recursion_counts_every_call_and_its_time_once() {
    recurses(5);
    assert_eq!(calls("recurses")[0], Some(5.0));
    assert!(in_some_attempt(|| {
        let start = Instant::now();
        let (busy, own) = adds("recurses", || recurses(5));
        let elapsed = start.elapsed().as_secs_f64();
        assert!((0.02..=elapsed).contains(&busy), "{busy} s busy in {elapsed} s");
        (busy - own).abs() < 1e-4
    }));
}

#[measured]
async fn sleeps_between_polls() {
    spin(Duration::from_millis(1));
    yields(1).await;
    spin(Duration::from_millis(1));
}

#[test]
fn the_duration_of_a_future_includes_waiting_and_its_busy_time_does_not() {
    let (busy, _) = adds("sleeps_between_polls", || {
        let mut future = Box::pin(sleeps_between_polls());
        assert!(poll_once(future.as_mut()).is_pending());
        // The task moves to another thread, as a work-stealing executor does it.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            assert!(poll_once(future.as_mut()).is_ready());
        })
        .join()
        .unwrap();
    });
    assert!((0.002..0.2).contains(&busy), "{busy} s busy");
    let snapshot = telemetry::snapshot();
    let labels = [("function", "sleeps_between_polls"), ("result", "ok")];
    let Some(Value::Exponential(duration)) =
        snapshot.series("function_calls_duration_seconds", &labels).map(|series| series.value.clone())
    else {
        panic!("no histogram of durations");
    };
    assert_eq!(duration.count(), 1);
    assert!(duration.sum >= 0.202, "{} s from start to end", duration.sum);
    let median = duration.quantile(0.5).unwrap();
    assert!(median > duration.sum / 1.2 && median < duration.sum * 1.2, "{median} s for {} s", duration.sum);
}

// ---- shapes -------------------------------------------------------------------------------------------------------

struct Reader {
    rows: Vec<u8>,
}

trait Source {
    fn next(&mut self) -> Option<u8>;

    #[measured]
    fn by_default(&self) -> u8 {
        9
    }
}

impl Source for Reader {
    #[measured]
    fn next(&mut self) -> Option<u8> {
        self.rows.pop()
    }
}

impl Reader {
    #[measured]
    fn first(&mut self) -> &mut u8 {
        &mut self.rows[0]
    }

    #[measured]
    async fn read(&mut self, rows: &[u8]) -> &[u8] {
        self.rows.extend_from_slice(rows);
        yields(1).await;
        &self.rows
    }

    #[measured]
    fn into_rows(self) -> Vec<u8> {
        self.rows
    }
}

#[measured(name = "renamed")]
fn has_another_name() {}

#[test]
fn a_method_is_named_with_its_type() {
    let mut reader = Reader { rows: vec![1, 2] };
    *reader.first() = 3;
    assert_eq!(run(reader.read(&[4])), [3, 2, 4]);
    assert_eq!(reader.next(), Some(4));
    assert_eq!(reader.by_default(), 9);
    assert_eq!(reader.into_rows(), [3, 2]);
    has_another_name();
    for name in ["Reader::first", "Reader::read", "<Reader as Source>::next", "Source::by_default", "renamed"] {
        assert_eq!(calls(name)[0], Some(1.0), "{name}");
    }
    assert_eq!(calls("has_another_name")[0], None);
}

#[measured]
fn generic<T: Into<u64>, const N: usize>(values: [T; N]) -> impl Iterator<Item = u64> {
    values.into_iter().map(Into::into)
}

#[measured]
fn coerces(early: bool) -> Result<Box<dyn std::fmt::Debug>, Box<dyn std::error::Error>> {
    if early {
        return Ok(Box::new(1));
    }
    "x".parse::<u8>()?;
    Ok(Box::new("never"))
}

#[measured]
async fn coerces_later(
    early: bool,
) -> Result<Box<dyn std::fmt::Debug + Send>, Box<dyn std::error::Error + Send + Sync>> {
    if early {
        return Ok(Box::new(1));
    }
    yields(1).await;
    "x".parse::<u8>()?;
    Ok(Box::new("never"))
}

#[measured]
fn never_returns() -> ! {
    std::panic::panic_any(7u8)
}

#[measured]
fn takes_patterns((a, mut b): (u8, u8), [c, ..]: [u8; 3], mut d: u8, _: String) -> u8 {
    b += 1;
    d += 1;
    a + b + c + d
}

#[measured]
unsafe fn is_unsafe(value: *const u8) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { *value }
}

#[measured]
extern "C" fn has_an_abi(guard: u8, output: u8) -> u8 {
    guard + output
}

#[measured]
async fn never_ends() -> ! {
    std::future::pending().await
}

#[measured]
fn has_conditions(
    #[cfg(target_family = "wasm")] left_out: Missing,
    #[cfg(not(target_family = "wasm"))] kept: u8,
    #[allow(unused_variables)] quiet: u8,
) -> u8 {
    kept
}

#[measured]
fn uses_underscored(_a: u8, _b: u8) -> String {
    format!("{_b}")
}

#[measured]
fn borrows<'a>(text: &'a str, _other: &str) -> Option<&'a str> {
    text.split(' ').next()
}

#[test]
fn ordinary_shapes_compile_and_count() {
    assert_eq!(generic([1u8, 2]).sum::<u64>() + generic([3u32]).sum::<u64>(), 6);
    assert_eq!(calls("generic")[0], Some(2.0), "one family for all instances");
    assert!(coerces(true).is_ok() && coerces(false).is_err());
    assert!(run(coerces_later(true)).is_ok() && run(coerces_later(false)).is_err());
    assert_eq!(calls("coerces_later"), [Some(1.0), Some(1.0), None, None]);
    catch_unwind(|| never_returns()).unwrap_err();
    assert_eq!(calls("never_returns"), [Some(0.0), None, Some(1.0), None]);
    assert_eq!(takes_patterns((1, 2), [3, 4, 5], 6, String::new()), 1 + 3 + 3 + 7);
    // SAFETY: a reference is valid.
    assert_eq!(unsafe { is_unsafe(&8) }, 8);
    assert_eq!(has_an_abi(1, 2), 3);
    assert_eq!(borrows("a b", ""), Some("a"));
    assert!(poll_once(pin!(never_ends())).is_pending());
    assert_eq!(calls("never_ends"), [Some(0.0), None, None, Some(1.0)]);
    assert_eq!(has_conditions(3, 4), 3);
    assert_eq!(uses_underscored(1, 2), "2");
    assert_eq!(calls("borrows")[0], Some(1.0));
}

/// Writes its name when it is dropped.
struct Logs(&'static str);

thread_local! {
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Logs {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.push(self.0));
    }
}

fn logged(f: impl FnOnce()) -> Vec<&'static str> {
    f();
    LOG.take()
}

macro_rules! drops {
    ($plain:ident, $measured:ident, $($async:ident)?) => {
        $($async)? fn $plain(_a: Logs, b: Logs, _: Logs, (_c, _): (Logs, Logs), mut d: Logs) {
            let _local = Logs("local");
            d.0 = "d, changed";
            drop(b);
        }

        #[measured]
        $($async)? fn $measured(_a: Logs, b: Logs, _: Logs, (_c, _): (Logs, Logs), mut d: Logs) {
            let _local = Logs("local");
            d.0 = "d, changed";
            drop(b);
        }
    };
}

drops!(plain, as_plain,);
drops!(plain_async, as_plain_async, async);

#[test]
fn arguments_and_locals_are_dropped_as_without_the_attribute() {
    let arguments = || (Logs("a"), Logs("b"), Logs("_"), (Logs("c"), Logs("c.1")), Logs("d"));
    let (a, b, c, d, e) = arguments();
    let expected = logged(|| plain(a, b, c, d, e));
    let (a, b, c, d, e) = arguments();
    assert_eq!(logged(|| as_plain(a, b, c, d, e)), expected);
    assert!(expected.contains(&"d, changed") && expected.len() == 7, "{expected:?}");

    let (a, b, c, d, e) = arguments();
    let expected = logged(|| run(plain_async(a, b, c, d, e)));
    let (a, b, c, d, e) = arguments();
    assert_eq!(logged(|| run(as_plain_async(a, b, c, d, e))), expected);
}
