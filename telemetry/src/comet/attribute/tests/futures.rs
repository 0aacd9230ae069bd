//! The same of asynchronous functions: their end is awaited, or left to a thread.

use super::{CANCELLED, END, ERROR, PANIC, Shown, block_on, body, lines, listened, yielded};
use crate::comet::Experiment;
use crate::comet::attribute::witness;
use crate::experiment;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

#[experiment(name = text, params(text))]
async fn later(text: &mut String, experiment: &Experiment) -> Result<usize, Shown> {
    yielded().await;
    experiment.add_tag("later");
    text.push('!');
    text.parse::<u8>()?;
    body("not reached");
    Ok(text.len())
}

#[test]
fn a_future_is_a_run_from_its_first_poll_and_ends_on_another_thread() {
    let mut text = "7".to_owned();
    let (output, logged) = witness::of(|| {
        let future = later(&mut text);
        body("made");
        block_on(future)
    });
    let mut expected = lines(&["parameter text = \"7\""], &[], ERROR, &["fail: refused by 9", END]);
    expected.insert(0, "made".to_owned());
    assert_eq!((output, logged), (Err(Shown(9)), expected));
    assert_eq!(text, "7!");
}

struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        body(self.0);
    }
}

#[experiment]
async fn waits(argument: Says) -> u8 {
    let _local = Says("local");
    std::future::pending::<()>().await;
    drop(argument);
    1
}

fn polled_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_future_that_is_dropped_aborts_the_run_and_waits_for_nothing() {
    let witness = listened(|| {
        let mut future = Box::pin(waits(Says("argument")));
        assert!(polled_once(future.as_mut()).is_pending());
    });
    let after = ["abort: the function's future was dropped before its end", END];
    assert_eq!(witness.lines_with("end"), lines(&[], &["local", "argument"], CANCELLED, &after));
}

#[test]
fn a_future_that_is_never_polled_is_no_run() {
    assert_eq!(witness::of(|| drop(waits(Says("argument")))).1, ["argument"]);
}

#[test]
fn a_future_that_is_dropped_by_a_panic_elsewhere_was_cancelled() {
    let witness = listened(|| {
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let mut future = Box::pin(waits(Says("argument")));
            assert!(polled_once(future.as_mut()).is_pending());
            resume_unwind(Box::new("elsewhere"));
        }));
        assert!(dropped.is_err());
    });
    assert!(witness.lines_with("end").contains(&CANCELLED.to_owned()));
}

#[experiment]
async fn panics_later() {
    yielded().await;
    resume_unwind(Box::new("later"));
}

#[test]
fn a_poll_that_panics_fails_the_run() {
    let witness = listened(|| assert!(catch_unwind(|| block_on(panics_later())).is_err()));
    assert_eq!(witness.lines_with("end"), lines(&[], &[], PANIC, &["fail: the function panicked: later", END]));
}
