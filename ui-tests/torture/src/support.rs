//! What the torture tests share: what was counted of a function, and a way to run a future.

use std::future::Future;
use std::pin::{pin, Pin};
use std::task::{Context, Poll, Waker};

/// The calls of a function so far: ok, error, panic, cancelled; `None` where a result has no series.
pub fn calls(function: &str) -> [Option<u64>; 4] {
    ["ok", "error", "panic", "cancelled"].map(|result| {
        let labels = [("function", function), ("result", result)];
        telemetry::testing::value("function_calls_total", &labels).map(|calls| calls as u64)
    })
}

/// The sum of all series of a family that have these labels, `None` where there is none.
pub fn sum(family: &str, labels: &[(&str, &str)]) -> Option<u64> {
    let snapshot = telemetry::snapshot();
    let has = |series: &telemetry::snapshot::Series| {
        labels.iter().all(|(name, value)| series.labels.iter().any(|(has, is)| has == name && **is == **value))
    };
    let series = snapshot.family(family)?.series.iter().filter(|series| has(series));
    series.map(|series| series.value.as_f64() as u64).reduce(|a, b| a + b)
}

/// What is to be recorded: with `--cfg telemetry_off` nothing. All else that a test asserts stays true.
pub fn recorded<T: Default>(expected: T) -> T {
    if cfg!(telemetry_off) {
        T::default()
    } else {
        expected
    }
}

/// Asserts that a function was called and always returned, and not an error.
#[track_caller]
pub fn assert_ok(function: &str, times: u64) {
    let [ok, error, panic, cancelled] = calls(function);
    assert_eq!((ok, error.unwrap_or(0), panic, cancelled), recorded((Some(times), 0, None, None)), "{function}");
}

/// Asserts what each result of a function counts; one that does not exist counts as 0.
#[track_caller]
pub fn assert_calls(function: &str, ok: u64, error: u64, panic: u64, cancelled: u64) {
    let expected = recorded([ok, error, panic, cancelled]);
    assert_eq!(calls(function).map(Option::unwrap_or_default), expected, "{function}");
}

/// Polls a future once.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future to its end on this thread.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
}

/// Is pending as often as told.
pub struct Yields(pub u32);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}
