//! What the arguments of `#[measured]` change, and what `measure!` and `span` record.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use telemetry::snapshot::Value;
use telemetry::{measure, measured};

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

/// Is pending once.
async fn yields() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

// ---- what is an error ---------------------------------------------------------------------------------------------

#[measured]
fn polls(state: u8) -> Poll<Result<u8, ()>> {
    [Poll::Pending, Poll::Ready(Ok(1)), Poll::Ready(Err(()))][usize::from(state)]
}

#[measured]
fn polls_a_stream(state: u8) -> Poll<Option<Result<u8, ()>>> {
    [Poll::Pending, Poll::Ready(None), Poll::Ready(Some(Ok(1))), Poll::Ready(Some(Err(())))][usize::from(state)]
}

#[measured]
fn next_of_fallible(state: u8) -> Option<Result<u8, ()>> {
    [None, Some(Ok(1)), Some(Err(()))][usize::from(state)]
}

#[measured]
fn flow(breaks: bool) -> ControlFlow<u8> {
    if breaks { ControlFlow::Break(1) } else { ControlFlow::Continue(()) }
}

#[test]
fn an_err_within_a_poll_or_an_option_is_an_error() {
    for state in 0..3 {
        let _ = polls(state);
        let _ = next_of_fallible(state);
    }
    for state in 0..4 {
        let _ = polls_a_stream(state);
    }
    assert_eq!(calls("polls"), [Some(2.0), Some(1.0), None, None]);
    assert_eq!(calls("polls_a_stream"), [Some(3.0), Some(1.0), None, None]);
    assert_eq!(calls("next_of_fallible"), [Some(2.0), Some(1.0), None, None]);
}

#[test]
fn a_break_is_no_error_unless_asked() {
    let _ = (flow(true), flow(false));
    assert_eq!(calls("flow"), [Some(2.0), None, None, None]);
}

#[measured(error_if = ControlFlow::is_break)]
fn flow_that_must_not_break(breaks: bool) -> ControlFlow<u8> {
    if breaks { ControlFlow::Break(1) } else { ControlFlow::Continue(()) }
}

#[measured(ok_if = Option::is_some)]
fn finds(needle: u8) -> Option<u8> {
    (needle < 3).then_some(needle)
}

#[measured(error_if = |status| *status >= 400)]
async fn status(code: u16) -> u16 {
    yields().await;
    code
}

#[measured(ok_if = |output| output.as_ref().err().is_none_or(|error| error.kind() == std::io::ErrorKind::NotFound))]
fn may_be_missing(kind: Option<std::io::ErrorKind>) -> std::io::Result<()> {
    kind.map_or(Ok(()), |kind| Err(kind.into()))
}

#[measured(error_if = |lines| lines.clone().count() == 0)]
fn lines(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.lines()
}

#[measured(error_if = |value| *value == T::default())]
fn generic<T: Default + PartialEq>(value: T) -> T {
    value
}

#[test]
fn a_condition_decides_for_any_output() {
    let _ = (flow_that_must_not_break(true), flow_that_must_not_break(false));
    assert_eq!(calls("flow_that_must_not_break"), [Some(1.0), Some(1.0), None, None]);
    let _ = (finds(1), finds(7));
    assert_eq!(calls("finds"), [Some(1.0), Some(1.0), None, None]);
    run(status(200));
    assert_eq!(calls("status"), [Some(1.0), Some(0.0), None, None], "error exists at zero");
    run(status(503));
    assert_eq!(calls("status"), [Some(1.0), Some(1.0), None, None]);
    may_be_missing(None).unwrap();
    may_be_missing(Some(std::io::ErrorKind::NotFound)).unwrap_err();
    may_be_missing(Some(std::io::ErrorKind::TimedOut)).unwrap_err();
    assert_eq!(calls("may_be_missing"), [Some(2.0), Some(1.0), None, None]);
    assert_eq!(lines("a\nb").count() + lines("").count(), 2);
    assert_eq!(calls("lines"), [Some(1.0), Some(1.0), None, None]);
    let _ = (generic(0), generic(1), generic(""));
    assert_eq!(calls("generic"), [Some(1.0), Some(2.0), None, None]);
}

#[measured(ok_if = |_| panic!("asked to"))]
fn condition_panics() -> u8 {
    1
}

#[test]
fn a_condition_that_panics_ends_the_call_so() {
    catch_unwind(condition_panics).unwrap_err();
    assert_eq!(calls("condition_panics"), [Some(0.0), Some(0.0), Some(1.0), None]);
    assert_eq!(in_flight("condition_panics"), Some(0.0));
}

// ---- types of errors ----------------------------------------------------------------------------------------------

#[derive(Debug)]
enum Refusal {
    Busy,
    Gone(u16),
}

impl Refusal {
    fn kind(&self) -> &'static str {
        match self {
            Refusal::Busy => "busy",
            Refusal::Gone(_) => "gone",
        }
    }
}

fn errors(function: &str, error_type: &str) -> Option<f64> {
    value("function_errors_total", function, &[("error_type", error_type)])
}

#[measured(error_type = Refusal::kind)]
fn asks(refusal: Option<Refusal>) -> Result<(), Refusal> {
    refusal.map_or(Ok(()), Err)
}

#[measured(error_type = |error| match error { Refusal::Gone(code) => *code, Refusal::Busy => 0 })]
async fn asks_later(refusal: Option<Refusal>) -> Result<(), Refusal> {
    yields().await;
    refusal.map_or(Ok(()), Err)
}

#[measured(error_if = |size| *size > 2, error_type = |size| if *size > 4 { "far too much" } else { "too much" })]
fn sized(size: u8) -> u8 {
    size
}

#[measured(ok_if = |output| matches!(output, Ok(1..)), error_type = |_: &Refusal| "refused")]
fn counts(output: Result<u8, Refusal>) -> Result<u8, Refusal> {
    output
}

#[test]
fn errors_are_counted_by_their_type() {
    let _ = (asks(None), asks(Some(Refusal::Busy)), asks(Some(Refusal::Gone(7))), asks(Some(Refusal::Gone(8))));
    assert_eq!((errors("asks", "busy"), errors("asks", "gone")), (Some(1.0), Some(2.0)));
    assert_eq!(calls("asks"), [Some(1.0), Some(3.0), None, None]);
    let _ = (run(asks_later(Some(Refusal::Gone(410)))), run(asks_later(None)));
    assert_eq!(errors("asks_later", "410"), Some(1.0));
    let _ = (sized(1), sized(3), sized(4), sized(5));
    assert_eq!((errors("sized", "too much"), errors("sized", "far too much")), (Some(2.0), Some(1.0)));
}

#[test]
fn an_error_without_a_value_is_counted_as_other() {
    let _ = (counts(Ok(1)), counts(Ok(0)), counts(Err(Refusal::Busy)));
    assert_eq!(calls("counts"), [Some(1.0), Some(2.0), None, None]);
    assert_eq!((errors("counts", "_OTHER"), errors("counts", "refused")), (Some(1.0), Some(1.0)));
}

#[measured(error_type = |error| *error)]
fn fails_as_told(error: &'static str) -> Result<(), &'static str> {
    Err(error)
}

#[test]
fn types_of_errors_are_bounded() {
    for number in 0..150 {
        let _ = fails_as_told(format!("error {number}").leak());
    }
    let snapshot = telemetry::testing::snapshot();
    let family = snapshot.family("function_errors_total").unwrap();
    let of_it: Vec<_> = family.series.iter().filter(|series| series.has(&[("function", "fails_as_told")])).collect();
    assert_eq!(of_it.len(), 101);
    let overflow = of_it.iter().find(|series| series.has(&[("otel_metric_overflow", "true")])).unwrap();
    assert_eq!((overflow.value.as_f64(), overflow.label("error_type")), (50.0, None));
}

// ---- labels -------------------------------------------------------------------------------------------------------

struct Client {
    region: String,
}

impl Client {
    #[measured(name = "fetch", labels(carrier, region = self.region.as_str(), pages = pages.len(), last = { pages.is_empty() }))]
    fn fetch(&self, carrier: &str, mut pages: Vec<u8>) -> Result<usize, ()> {
        pages.push(1);
        if carrier == "panic" {
            panic!("asked to");
        }
        if carrier == "error" { Err(()) } else { Ok(pages.len()) }
    }
}

#[test]
fn a_label_is_a_parameter_or_an_expression_and_splits_calls_and_durations() {
    let client = Client { region: "eu".to_owned() };
    let _ = (client.fetch("LH", vec![]), client.fetch("LH", vec![]), client.fetch("LH", vec![1, 2]));
    let _ = client.fetch("error", vec![]);
    catch_unwind(AssertUnwindSafe(|| client.fetch("panic", vec![]))).unwrap_err();
    let count = |labels: &[_]| value("function_calls_total", "fetch", labels);
    let lh = [("carrier", "LH"), ("region", "eu"), ("pages", "0"), ("last", "true")];
    assert_eq!(count(&[&lh[..], &[("result", "ok")]].concat()), Some(2.0));
    assert_eq!(count(&[&lh[..], &[("result", "error")]].concat()), Some(0.0), "exists at zero");
    assert_eq!(count(&[("carrier", "LH"), ("pages", "2"), ("last", "false"), ("result", "ok")]), Some(1.0));
    assert_eq!(count(&[("carrier", "error"), ("result", "error")]), Some(1.0));
    assert_eq!(count(&[("carrier", "panic"), ("result", "panic")]), Some(1.0));
    let seconds = |labels: &[_]| value("function_calls_duration_seconds", "fetch", labels);
    assert_eq!(seconds(&[&lh[..], &[("result", "ok")]].concat()), Some(2.0));
}

#[test]
fn other_families_are_the_function_s_as_a_whole() {
    #[measured(name = "as_a_whole", labels(depth))]
    fn recurses(depth: u32) {
        std::thread::sleep(Duration::from_millis(5));
        if depth > 0 {
            recurses(depth - 1);
        }
    }
    let start = Instant::now();
    recurses(2);
    let elapsed = start.elapsed().as_secs_f64();
    let snapshot = telemetry::testing::snapshot();
    let of = |family: &str| {
        let series = &snapshot.family(family).unwrap().series;
        series.iter().filter(|series| series.has(&[("function", "as_a_whole")])).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("function_calls_total").len(), 3);
    for family in ["function_calls_started_total", "function_busy_seconds_total", "function_calls_concurrent"] {
        let series = of(family);
        assert_eq!(series.len(), 1, "{family}");
        assert_eq!(series[0].label("depth"), None, "{family}");
    }
    assert_eq!(of("function_calls_started_total")[0].value, Value::Integer(3));
    assert_eq!(of("function_calls_concurrent")[0].value, Value::Float(0.0));
    let busy = of("function_busy_seconds_total")[0].value.as_f64();
    assert!(
        (0.015..elapsed).contains(&busy),
        "{busy} s of {elapsed} s: a recursion counts once, also where its labels differ"
    );
}

#[measured(labels(carrier))]
async fn loads(carrier: &str, fails: bool) -> Result<(), ()> {
    yields().await;
    if fails { Err(()) } else { Ok(()) }
}

#[test]
fn calls_that_are_futures_have_labels_too() {
    run(loads("LH", false)).unwrap();
    run(loads("BA", true)).unwrap_err();
    {
        let mut dropped = pin!(loads("LH", false));
        assert!(poll_once(dropped.as_mut()).is_pending());
        assert_eq!(in_flight("loads"), Some(1.0));
    }
    let count = |carrier, result| value("function_calls_total", "loads", &[("carrier", carrier), ("result", result)]);
    assert_eq!((count("LH", "ok"), count("LH", "cancelled"), count("BA", "error")), (Some(1.0), Some(1.0), Some(1.0)));
    assert_eq!(in_flight("loads"), Some(0.0));
    assert_eq!(value("function_polls_total", "loads", &[]), Some(5.0));
}

#[measured(labels(number))]
fn of_a_number(number: u64) {
    let _ = number;
}

#[test]
fn label_sets_are_bounded() {
    for number in 0..2_010 {
        of_a_number(number);
    }
    let snapshot = telemetry::testing::snapshot();
    let series = &snapshot.family("function_calls_total").unwrap().series;
    let of_it: Vec<_> = series.iter().filter(|series| series.has(&[("function", "of_a_number")])).collect();
    assert_eq!(of_it.len(), 2_001);
    let overflow =
        of_it.iter().find(|series| series.has(&[("otel_metric_overflow", "true"), ("result", "ok")])).unwrap();
    assert_eq!((overflow.value.as_f64(), overflow.label("number")), (10.0, None));
    let capped = snapshot.sum("telemetry_capped_lookups_total", &[("metric", "function_calls_total")]);
    assert!(capped >= 10.0, "{capped}");
}

#[measured(labels(kind = _kind, r#type))]
fn raw(_kind: &str, r#type: bool) {}

#[test]
fn a_label_may_be_a_keyword_and_a_parameter_that_nothing_else_uses() {
    raw("a", true);
    assert_eq!(value("function_calls_total", "raw", &[("kind", "a"), ("type", "true")]), Some(1.0));
}

// ---- counts, thresholds -------------------------------------------------------------------------------------------

#[measured(count)]
fn only_counted(fails: bool) -> Result<(), ()> {
    if fails { Err(()) } else { Ok(()) }
}

#[measured(count, labels(fails), error_type = |()| "none")]
async fn only_counted_later(fails: bool) -> Result<(), ()> {
    yields().await;
    if fails { Err(()) } else { Ok(()) }
}

#[measured(count)]
fn counted_panic() {
    panic!("asked to");
}

#[measured]
fn calls_what_is_only_counted() {
    let _ = only_counted(false);
}

#[test]
fn a_count_has_results_and_no_time() {
    let _ = (only_counted(true), only_counted(false));
    calls_what_is_only_counted();
    catch_unwind(counted_panic).unwrap_err();
    assert_eq!(calls("only_counted"), [Some(2.0), Some(1.0), None, None]);
    assert_eq!(calls("counted_panic"), [Some(0.0), None, Some(1.0), None]);
    assert_eq!((in_flight("only_counted"), in_flight("counted_panic")), (Some(0.0), Some(0.0)));
    for family in [
        "function_calls_duration_seconds",
        "function_busy_seconds_total",
        "function_self_seconds_total",
        "function_oldest_call_age_seconds",
    ] {
        assert_eq!(value(family, "only_counted", &[]), None, "{family}");
    }
    let (own, busy) = ("function_self_seconds_total", "function_busy_seconds_total");
    assert_eq!(value(own, "calls_what_is_only_counted", &[]), value(busy, "calls_what_is_only_counted", &[]));
}

#[test]
fn a_counted_future_ends_as_any_other() {
    let _ = (run(only_counted_later(true)), run(only_counted_later(false)));
    drop(only_counted_later(false));
    {
        let mut dropped = pin!(only_counted_later(false));
        assert!(poll_once(dropped.as_mut()).is_pending());
        assert_eq!(in_flight("only_counted_later"), Some(1.0));
    }
    let count =
        |fails, result| value("function_calls_total", "only_counted_later", &[("fails", fails), ("result", result)]);
    assert_eq!(
        (count("true", "error"), count("false", "ok"), count("false", "cancelled")),
        (Some(1.0), Some(1.0), Some(1.0))
    );
    assert_eq!(errors("only_counted_later", "none"), Some(1.0));
    assert_eq!(in_flight("only_counted_later"), Some(0.0));
    assert_eq!(value("function_calls_started_total", "only_counted_later", &[]), Some(3.0));
}

#[measured(buckets = [0.005, 1], objective(latency = "50ms"), labels(fails))]
fn within(time: Duration, fails: bool) -> Result<(), ()> {
    std::thread::sleep(time);
    if fails { Err(()) } else { Ok(()) }
}

#[test]
fn calls_within_a_threshold_are_those_that_succeeded_in_time() {
    let _ = within(Duration::ZERO, false);
    let _ = within(Duration::ZERO, true);
    let _ = within(Duration::from_millis(10), false);
    let _ = within(Duration::from_millis(60), false);
    let count = |threshold| value("function_calls_within_total", "within", &[("threshold", threshold)]);
    assert_eq!((count("0.005"), count("0.05"), count("1")), (Some(1.0), Some(2.0), Some(3.0)));
}

#[measured(objective(latency = "1h"))]
async fn within_later() {
    yields().await;
}

#[test]
fn thresholds_exist_at_zero_and_hold_for_futures() {
    let count = || value("function_calls_within_total", "within_later", &[("threshold", "3600")]);
    let mut future = pin!(within_later());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(count(), Some(0.0));
    assert!(poll_once(future.as_mut()).is_ready());
    assert_eq!(count(), Some(1.0));
}

// ---- instantiations -----------------------------------------------------------------------------------------------

struct Reader<T>(T);

impl<T: Default> Reader<T> {
    #[measured(types)]
    fn next<U: Default>(&self) -> (T, U) {
        Default::default()
    }

    #[measured(types, name = "skip", labels(n), buckets = [60])]
    async fn skip<U: Default>(&self, n: usize) -> U {
        let _ = &self.0;
        yields().await;
        U::default()
    }
}

#[test]
fn instantiations_are_told_apart_on_request() {
    let _: (u8, String) = Reader(1u8).next();
    let _: (u8, String) = Reader(1u8).next();
    let _: (Vec<u8>, bool) = Reader(vec![1u8]).next();
    assert_eq!(calls("Reader<u8>::next<String>"), [Some(2.0), None, None, None]);
    assert_eq!(calls("Reader<Vec<u8>>::next<bool>"), [Some(1.0), None, None, None]);
    assert_eq!(value("function_busy_seconds_total", "Reader::next", &[]), None);
    let _ = (run(Reader(1u8).skip::<String>(3)), run(Reader(1u8).skip::<u8>(4)));
    assert_eq!(value("function_calls_total", "skip<String>", &[("n", "3"), ("result", "ok")]), Some(1.0));
    assert_eq!(value("function_calls_total", "skip<u8>", &[("n", "4"), ("result", "ok")]), Some(1.0));
    assert_eq!(value("function_calls_within_total", "skip<u8>", &[("threshold", "60")]), Some(1.0));
}

// ---- ages ---------------------------------------------------------------------------------------------------------

fn age(function: &str) -> f64 {
    value("function_oldest_call_age_seconds", function, &[]).unwrap()
}

#[measured]
fn sees_its_age() -> f64 {
    std::thread::sleep(Duration::from_millis(20));
    age("sees_its_age")
}

#[measured]
async fn waits() {
    yields().await;
}

#[test]
fn the_age_of_the_oldest_running_call_is_known_on_a_thread_and_at_an_await() {
    assert!((0.02..10.0).contains(&sees_its_age()));
    assert_eq!(age("sees_its_age"), 0.0);
    let mut oldest = Box::pin(waits());
    assert!(poll_once(oldest.as_mut()).is_pending());
    std::thread::sleep(Duration::from_millis(20));
    let mut newer = Box::pin(waits());
    assert!(poll_once(newer.as_mut()).is_pending());
    assert!((0.02..10.0).contains(&age("waits")));
    // On another thread than it began on.
    std::thread::scope(|scope| scope.spawn(|| assert!(poll_once(oldest.as_mut()).is_ready())).join()).unwrap();
    assert!(age("waits") > 0.0, "the newer one still waits");
    drop(newer);
    assert_eq!(age("waits"), 0.0);
}

// ---- blocks -------------------------------------------------------------------------------------------------------

fn leaves(ways: &[&str]) -> Result<u32, String> {
    for how in ways {
        let value: u32 = measure!("block", {
            match *how {
                "return" => return Ok(0),
                "error" => return Err("asked to".to_owned()),
                "break" => break,
                "continue" => continue,
                "try" => "x".parse().map_err(|_| "no number".to_owned())?,
                "none" => panic!("asked to"),
                _ => "7".parse::<u32>().map_err(|_| String::new())?,
            }
        });
        return Ok(value);
    }
    Ok(1)
}

#[test]
fn a_block_ends_by_its_value_and_by_what_leaves_it() {
    assert_eq!(leaves(&["value"]), Ok(7));
    assert_eq!(calls("block"), [Some(1.0), None, None, None]);
    assert_eq!(leaves(&["return"]), Ok(0));
    assert_eq!(leaves(&["continue", "break"]), Ok(1));
    assert_eq!(calls("block"), [Some(4.0), None, None, None]);
    leaves(&["error"]).unwrap_err();
    leaves(&["try"]).unwrap_err();
    catch_unwind(|| leaves(&["none"])).unwrap_err();
    assert_eq!(calls("block"), [Some(4.0), Some(2.0), Some(1.0), None]);
    assert_eq!(in_flight("block"), Some(0.0));
    assert_eq!(value("function_calls_total", "block", &[("module", module_path!()), ("result", "ok")]), Some(4.0));
}

#[test]
fn the_value_of_a_block_is_what_it_would_be() {
    let boxed: Box<dyn Fn() -> u8> = measure!("boxed", Box::new(|| 1));
    let collected: Vec<_> = measure!("collected", (0..3).collect());
    let parsed: Result<u8, _> = measure!("parsed", "x".parse());
    let owned = String::from(" a ");
    let borrowed: &str = measure!("borrowed", owned.trim());
    assert_eq!((boxed(), collected, parsed.is_err(), borrowed), (1, vec![0, 1, 2], true, "a"));
    assert_eq!(calls("parsed"), [Some(0.0), Some(1.0), None, None]);
}

#[test]
fn a_block_in_a_destructor_that_runs_while_unwinding_did_not_panic() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            measure!("in_a_destructor", {
                if std::hint::black_box(true) {
                    return;
                }
            });
        }
    }
    catch_unwind(|| {
        let _on_drop = OnDrop;
        panic!("asked to");
    })
    .unwrap_err();
    assert_eq!(calls("in_a_destructor"), [Some(1.0), None, None, None]);
}

#[test]
fn a_closure_is_measured_at_each_call() {
    let mut seen = Vec::new();
    let mut parse = measure!("closure", |text: &str| {
        seen.push(text.len());
        if text.is_empty() {
            return Err(String::from("empty"));
        }
        let number = text.parse::<u8>().map_err(|error| error.to_string())?;
        Ok(number)
    });
    assert_eq!(calls("closure"), [None; 4], "making it is no call");
    let _ = (parse("1"), parse(""), parse("x"));
    assert_eq!(seen, [1, 0, 1]);
    assert_eq!(calls("closure"), [Some(1.0), Some(2.0), None, None]);
    let total: usize = ["a", "bc"].iter().map(measure!("len", |text| text.len())).sum();
    assert_eq!((total, calls("len")[0]), (3, Some(2.0)));
    let moved = String::from("moved");
    let once = measure!("once", move || -> String { moved });
    assert_eq!((once(), calls("once")[0]), (String::from("moved"), Some(1.0)));
    fn first<'a>(words: &mut impl FnMut(&'a str) -> &'a str, text: &'a str) -> &'a str {
        words(text)
    }
    assert_eq!(first(&mut measure!("borrows", |text: &str| text.trim()), " a "), "a");
}

#[test]
fn a_future_is_measured_poll_by_poll() {
    let text = String::from("7");
    let parsed = run(measure!("async block", async {
        yields().await;
        let number: u8 = text.parse()?;
        Ok::<_, std::num::ParseIntError>(number)
    }));
    assert_eq!(parsed, Ok(7));
    assert_eq!(calls("async block"), [Some(1.0), Some(0.0), None, None]);
    assert_eq!(value("function_polls_total", "async block", &[]), Some(2.0));
    let load = measure!("async closure", async |text: &str| -> Result<u8, String> {
        yields().await;
        if text.is_empty() {
            return Err(String::from("empty"));
        }
        text.parse().map_err(|_| String::from("no number"))
    });
    let _ = (run(load("7")), run(load("")), run(load("x")));
    assert_eq!(calls("async closure"), [Some(1.0), Some(2.0), None, None]);
    let later = measure!("future of a closure", |number: u8| async move {
        yields().await;
        number
    });
    assert_eq!(run(later(1)), 1);
    {
        let mut dropped = pin!(later(2));
        assert!(poll_once(dropped.as_mut()).is_pending());
    }
    assert_eq!(calls("future of a closure"), [Some(1.0), None, None, Some(1.0)]);
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    drop(is_send(measure!("send", async { yields().await })));
    assert_eq!(calls("send"), [None; 4], "what was never polled is no call");
}

// ---- spans --------------------------------------------------------------------------------------------------------

#[test]
fn a_span_is_a_block_whose_name_the_running_program_knows() {
    for name in ["fetch rows", "write rows", "fetch rows"] {
        let _running = telemetry::span(name);
        assert_eq!(in_flight(name), Some(1.0));
    }
    telemetry::span("write rows").end(&Err::<(), _>("disk full"));
    let panics = || {
        let _running = telemetry::span("write rows");
        panic!("asked to");
    };
    catch_unwind(panics).unwrap_err();
    assert_eq!(calls("fetch rows"), [Some(2.0), None, None, None]);
    assert_eq!(calls("write rows"), [Some(1.0), Some(1.0), Some(1.0), None]);
}
