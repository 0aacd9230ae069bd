//! What is logged of functions of every kind, in which order.

mod futures;

use super::witness::{self, Witness};
use crate::comet::{Experiment, LogTo};
use crate::{Job, backfill_job, experiment, measured};
use serde::Serialize;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

const END: &str = "end, on telemetry-comet-end";

/// The lines of a run from its start to its result, with these between.
fn lines(at_start: &[&str], body: &[&str], result: &str, after: &[&str]) -> Vec<String> {
    let (started, ended) = (["start", "other start_time"], ["metric duration_seconds", "other end_time", result]);
    [&started, at_start, body, &ended, after].concat().into_iter().map(str::to_owned).collect()
}

const OK: &str = "other result = \"ok\"";
const ERROR: &str = "other result = \"error\"";
const PANIC: &str = "other result = \"panic\"";
const CANCELLED: &str = "other result = \"cancelled\"";

fn body(line: &str) {
    witness::note(format_args!("{line}"));
}

struct Unparker(std::thread::Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unparker(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// Pending once.
async fn yielded() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

#[derive(Debug, PartialEq)]
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by {}", self.0)
    }
}

impl From<std::num::ParseIntError> for Shown {
    fn from(_: std::num::ParseIntError) -> Shown {
        Shown(9)
    }
}

#[derive(Debug)]
struct OnlyDebug;

struct Silent;

#[derive(Serialize)]
struct Model {
    depth: u8,
}

impl Model {
    fn name(&self) -> String {
        format!("tree {}", self.depth)
    }
}

#[experiment(project = "flights", name = model.name(), tags = ["rust", model.name()], params(batch_size, threshold = cutoff * 2.0, model, r#type = model.name()))]
fn classify(batch_size: usize, _experiment: &Experiment, cutoff: f64, model: Model) -> Result<f64, Shown> {
    body("body");
    if batch_size == 0 {
        return Err(Shown(model.depth));
    }
    Ok(cutoff)
}

#[test]
fn parameters_are_logged_before_the_body_and_the_return_value_after_it() {
    let at_start = [
        "parameter batch_size = 32",
        "parameter threshold = 1.0",
        "parameter model = {\"depth\":3}",
        "parameter type = \"tree 3\"",
    ];
    let (output, logged) = witness::of(|| classify(32, 0.5, Model { depth: 3 }));
    assert_eq!(output, Ok(0.5));
    assert_eq!(logged, lines(&at_start, &["body", "metric result = 0.5"], OK, &["end"]));
}

#[test]
fn an_error_fails_the_run_with_what_it_says() {
    let (output, logged) = witness::of(|| classify(0, 0.5, Model { depth: 3 }));
    assert_eq!(output, Err(Shown(3)));
    assert_eq!(logged[6..], ["body", "metric duration_seconds", "other end_time", ERROR, "fail: refused by 3", "end"]);
}

#[experiment]
fn debugged() -> Result<(), OnlyDebug> {
    Err(OnlyDebug)
}

#[experiment]
fn silent() -> Result<u8, Silent> {
    Err(Silent)
}

#[experiment]
fn of_any_error<E: fmt::Debug>(error: E) -> Result<u8, E> {
    Err(error)
}

#[test]
fn an_error_without_display_is_shown_by_debug_or_not_at_all() {
    let failed = |logged: Vec<String>| logged[5].clone();
    assert_eq!(failed(witness::of(debugged).1), "fail: OnlyDebug");
    assert_eq!(failed(witness::of(silent).1), "fail: the function returned an error");
    assert_eq!(failed(witness::of(|| of_any_error("told")).1), "fail: \"told\"");
}

#[experiment]
fn parsed(text: &str) -> Result<u8, Shown> {
    let number = text.parse::<u8>()?;
    if number > 9 {
        return Ok(9);
    }
    Ok(number)
}

#[test]
fn a_question_mark_and_an_early_return_leave_the_body_and_not_the_run() {
    let (_, logged) = witness::of(|| parsed("x"));
    assert_eq!(logged, lines(&[], &[], ERROR, &["fail: refused by 9", "end"]));
    let (output, logged) = witness::of(|| parsed("12"));
    assert_eq!((output, logged), (Ok(9), lines(&[], &["metric result = 9"], OK, &["end"])));
}

#[experiment]
fn panics<P: Send + 'static>(payload: P) {
    resume_unwind(Box::new(payload));
}

#[test]
fn a_panic_fails_the_run_with_its_message_and_goes_on_with_its_payload() {
    let of = |panics: &dyn Fn()| witness::of(|| catch_unwind(AssertUnwindSafe(panics)).unwrap_err());
    let (payload, logged) = of(&|| panics("out of range"));
    assert_eq!(payload.downcast_ref(), Some(&"out of range"));
    assert_eq!(logged, lines(&[], &[], PANIC, &["fail: the function panicked: out of range", "end"]));
    let (_, logged) = of(&|| panics(String::from("out of luck")));
    assert_eq!(logged[5], "fail: the function panicked: out of luck");
    let (payload, logged) = of(&|| panics(7_u8));
    assert_eq!(payload.downcast_ref(), Some(&7_u8));
    assert_eq!(logged[5], "fail: the function panicked");
}

struct Panics;

impl LogTo for Panics {
    fn log_to(&self, _: &Experiment) {
        panic_any("while it was logged");
    }
}

#[experiment]
fn panics_at_its_end() -> Panics {
    Panics
}

#[test]
fn a_panic_of_what_is_logged_is_one_of_the_function() {
    let (_, logged) = witness::of(|| catch_unwind(panics_at_its_end).is_err());
    assert_eq!(logged, lines(&[], &[], PANIC, &["fail: the function panicked: while it was logged", "end"]));
}

#[experiment(params(panics = text.parse::<u8>().unwrap()))]
fn panics_at_its_start(text: &str) {
    body(text);
}

#[test]
fn a_panic_in_a_parameter_is_one_of_the_function() {
    let (_, logged) = witness::of(|| catch_unwind(|| panics_at_its_start("x")).is_err());
    assert_eq!(logged.len(), 7, "{logged:?}");
    assert_eq!(logged[4], PANIC);
}

struct NotLogged;

#[experiment]
fn not_logged() -> NotLogged {
    NotLogged
}

#[experiment]
fn opaque(names: impl IntoIterator<Item = &'static str>) -> impl Iterator<Item = usize> {
    names.into_iter().map(str::len)
}

#[experiment]
fn closure(by: u8) -> impl Fn(u8) -> u8 {
    move |number| number + by
}

#[experiment(params(size = N, first = &items[0], items = items.as_slice()), every = "off")]
fn generic<'a, T: Serialize, const N: usize>(items: &'a [T; N], _unused: u8) -> Option<&'a T> {
    items.first()
}

#[test]
fn what_is_generic_logs_itself_where_its_bounds_say_so() {
    let (first, logged) = witness::of(|| generic(&[1, 2], 3).copied());
    let at_start = ["parameter size = 2", "parameter first = 1", "parameter items = [1,2]"];
    assert_eq!((first, logged), (Some(1), lines(&at_start, &[], OK, &["end"])));
}

#[test]
fn what_does_not_log_itself_is_returned_and_not_logged() {
    assert_eq!(
        witness::of(|| {
            not_logged();
        })
        .1,
        lines(&[], &[], OK, &["end"])
    );
    let (lengths, logged) = witness::of(|| opaque(["a", "bc"]).collect::<Vec<_>>());
    assert_eq!((lengths, logged), (vec![1, 2], lines(&[], &[], OK, &["end"])));
    assert_eq!(witness::of(|| closure(1)(2)).0, 3);
}

#[experiment(params(a, b = c.len()))]
fn patterns((a, _): (u8, u8), [c, _]: &[String; 2], _: Vec<u8>, mut d: u8) -> u8 {
    d += a;
    d
}

#[test]
fn what_a_pattern_binds_is_a_parameter_too() {
    let (output, logged) = witness::of(|| patterns((1, 2), &["three".to_owned(), String::new()], Vec::new(), 4));
    assert_eq!((output, &logged[2..4]), (5, &["parameter a = 1".to_owned(), "parameter b = 5".to_owned()][..]));
}

#[experiment(experiment = run)]
fn outer(run: &crate::comet::Experiment) {
    run.add_tag("outer");
    body("outer");
    inner().unwrap_err();
    body("outer again");
}

#[experiment]
fn inner() -> Result<(), Shown> {
    Err(Shown(1))
}

#[test]
fn a_run_in_another_ends_before_it() {
    let inner = lines(&[], &[], ERROR, &["fail: refused by 1", "end"]);
    let inside: Vec<&str> =
        ["outer"].into_iter().chain(inner.iter().map(String::as_str)).chain(["outer again"]).collect();
    assert_eq!(witness::of(outer).1, lines(&[], &inside, OK, &["end"]));
}

fn listened(what: impl FnOnce()) -> Witness {
    let witness = witness::listen();
    what();
    witness
}

struct Source {
    days: Vec<u8>,
}

impl Source {
    #[experiment(params(days = self.days.len()))]
    fn by_reference(&self) -> &[u8] {
        &self.days
    }

    #[measured]
    #[experiment(name = format!("{} days", self.days.len()), params(day))]
    #[measured(name = "within")]
    async fn add(&mut self, day: u8, _: &Experiment) -> Result<usize, Shown> {
        self.days.push(day);
        yielded().await;
        Ok(self.days.len())
    }

    #[experiment]
    fn by_value(self) -> Vec<u8> {
        self.days
    }

    #[experiment(params(day))]
    fn associated(day: u8) -> Source {
        Source { days: vec![day] }
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn methods_are_runs_too() {
    let (mut source, logged) = witness::of(|| Source::associated(7));
    assert_eq!(logged, lines(&["parameter day = 7"], &[], OK, &["end"]));
    let (_, logged) = witness::of(|| source.by_reference().len());
    assert_eq!(logged, lines(&["parameter days = 1"], &["metric result = 7"], OK, &["end"]));
    let (output, logged) = witness::of(|| block_on(is_send(source.add(8))));
    assert_eq!(output, Ok(2));
    assert_eq!(logged, lines(&["parameter day = 8"], &["metric result = 2"], OK, &[END]));
    assert_eq!(witness::of(|| source.by_value()).0, [7, 8]);
}

#[backfill_job]
#[experiment(params(days = days.len()))]
fn above(job: &Job, experiment: &Experiment, days: &[u8]) {
    job.advance(days.len());
    experiment.add_tag("above");
}

#[experiment(params(days = days.len()))]
#[backfill_job(total = days.len())]
fn below(job: &Job, experiment: &Experiment, days: &[u8]) {
    job.advance(days.len());
    experiment.add_tag("below");
}

#[test]
fn a_job_may_be_a_run() {
    for function in [above, below] {
        assert_eq!(witness::of(|| function(&[1])).1, lines(&["parameter days = 1"], &[], OK, &["end"]));
    }
}

#[experiment]
fn never(ends: bool) -> ! {
    loop {
        assert!(!ends, "it ends");
    }
}

#[experiment]
async fn never_later(ends: bool) -> ! {
    loop {
        yielded().await;
        assert!(!ends, "it ends");
    }
}

#[test]
fn what_never_returns_ends_by_a_panic() {
    let (_, logged) = witness::of(|| catch_unwind(|| never(true)).is_err());
    assert_eq!(logged, lines(&[], &[], PANIC, &["fail: the function panicked: it ends", "end"]));
    let witness = listened(|| assert!(catch_unwind(|| block_on(never_later(true))).is_err()));
    assert!(witness.lines_with("end").contains(&PANIC.to_owned()));
}
