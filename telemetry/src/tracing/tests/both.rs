use super::super::Layer;
use super::super::maker::Maker;
use super::{MADE_UP, Recorder, Seen, Writer};
use crate::record::outcome::Outcome;
use crate::record::probe::fake;
use crate::record::span::{Call, End, Entered, Parent, Span, Spans, Value};
use crate::record::{self, clock};
use crate::record::{CallSite, enter};
use crate::record::{Fallback as _, Inspect};
use crate::sync::{AtomicU32, Relaxed};
use crate::testing::{isolated, snapshot};
use std::thread;
use std::time::Duration;
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::{Layer as _, Registry, layer::SubscriberExt as _};

static MAKER: Maker = Maker::new();

/// As a measured function does once calls ask makers.
fn call(site: &'static CallSite, body: impl FnOnce()) {
    let guard = enter(site, false);
    let mut span = MAKER.begin(&Call { site, start: clock::now(), parent: None, is_root: false });
    let entered = span.as_mut().map(|span| span.enter());
    body();
    drop(entered);
    let end = End {
        outcome: Outcome::Ok,
        ticks: 0,
        busy_ticks: 0,
        allocated_bytes: None,
        allocations: None,
        cpu_seconds: None,
        read_bytes: None,
        written_bytes: None,
    };
    if let Some(span) = span {
        span.end(&end);
    }
    guard.end(Inspect(&()).__ending());
}

#[test]
fn with_both_nothing_is_doubled() {
    static OURS: CallSite = CallSite::new("ours", || "", "both", "", 0);
    let seen = Seen::default();
    isolated(|| {
        let subscriber = Registry::default().with(Layer::new()).with(Recorder(seen.clone()));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                call(&OURS, || info_span!(target: "both", "theirs").in_scope(|| call(&OURS, || ())));
            }
        });
        let snapshot = snapshot();
        let started = |function| snapshot.sum("function_calls_started_total", &[("function", function)]);
        assert_eq!((started("ours"), started("both::theirs")), (6.0, 3.0));
        assert_eq!(snapshot.sum("function_calls_started_total", &[]), 9.0, "and no others");
        assert_eq!(snapshot.sum("function_calls_total", &[]), 9.0);
    });
    let new = seen.of("new");
    assert_eq!(new[..3], ["ours in nobody", "theirs in ours", "ours in theirs"]);
    assert_eq!((new.len(), seen.of("close").len()), (9, 9));
}

#[test]
fn other_makers_see_a_span_once_and_with_its_fields() {
    let writer = Writer::leak();
    MADE_UP.with_borrow_mut(|makers| makers.push(Box::leak(Box::new(writer))));
    let seen = Seen::default();
    isolated(|| {
        let subscriber = Registry::default().with(Layer::new()).with(Layer::new()).with(Recorder(seen.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let one = info_span!(target: "both", "one", number = 7, late = tracing::field::Empty);
            one.in_scope(|| {
                let two = info_span!(target: "both", "two", ok = true).entered();
                tracing::error!(error = %"broken", "it failed");
                drop(two);
            });
            one.record("late", "later");
            let child = info_span!(target: "both", parent: &one, "child");
            one.in_scope(|| drop(info_span!(target: "both", parent: None, "root")));
            drop((child, one));
        });
    });
    let expected = [
        "begin both::one in nobody",
        "attribute both::one number=Int(7)",
        "begin both::two in both::one",
        "attribute both::two ok=Bool(true)",
        "error both::two _OTHER Some(\"broken\")",
        "end both::two error",
        "attribute both::one late=Text(\"later\")",
        "begin both::child in both::one",
        "begin both::root in nobody",
        "end both::root ok",
        "end both::child ok",
        "end both::one ok",
    ];
    assert_eq!(writer.seen.take(), expected);
    assert_eq!(seen.of("new").len(), 4);
    isolated(|| {
        let subscriber = Registry::default().with(Layer::new().without_traces());
        tracing::subscriber::with_default(subscriber, || info_span!("untold").in_scope(|| ()));
    });
    assert_eq!(writer.seen.take(), [""; 0]);
}

#[test]
fn a_span_on_several_threads_is_what_runs_on_each_of_them() {
    let writer = Writer::leak();
    MADE_UP.with_borrow_mut(|makers| makers.push(Box::leak(Box::new(writer))));
    let running = || writer.running.lock().unwrap().len();
    let subscriber = Dispatch::new(Registry::default().with(Layer::new()));
    isolated(|| {
        let span = dispatcher::with_default(&subscriber, || info_span!(target: "both", "shared"));
        let first = span.enter();
        assert_eq!(running(), 1);
        thread::scope(|scope| {
            let within = scope.spawn(|| {
                dispatcher::with_default(&subscriber, || {
                    let (one, two) = (span.enter(), span.enter());
                    let entered = running();
                    drop(one);
                    let once = running();
                    drop(two);
                    (entered, once, running())
                })
            });
            assert_eq!(within.join().unwrap(), (2, 2, 1));
        });
        // A guard that is never dropped is gone with the thread.
        let forgets = {
            let (span, subscriber) = (span.clone(), subscriber.clone());
            move || dispatcher::with_default(&subscriber, || std::mem::forget(span.entered()))
        };
        thread::spawn(forgets).join().unwrap();
        assert_eq!(running(), 1);
        drop(first);
        assert_eq!(running(), 0);
    });
}

#[test]
fn a_measured_call_is_a_parent_on_another_thread_too() {
    static OURS: CallSite = CallSite::new("giving", || "", "both", "", 0);
    let writer = Writer::leak();
    let made_up: &'static dyn Spans = Box::leak(Box::new(writer));
    MADE_UP.with_borrow_mut(|makers| makers.push(made_up));
    let subscriber = Dispatch::new(Registry::default().with(Layer::new()));
    isolated(|| {
        dispatcher::with_default(&subscriber.clone(), || {
            // As OpenTelemetry's maker does, before ours.
            let entered = writer.enter("giving");
            call(&OURS, || {
                let given = tracing::Span::current();
                thread::spawn(move || {
                    MADE_UP.with_borrow_mut(|makers| makers.push(made_up));
                    // What runs on this thread is something else.
                    writer.running.lock().unwrap().push("other".to_owned());
                    dispatcher::with_default(&subscriber, || drop(info_span!(target: "both", parent: &given, "child")));
                    writer.running.lock().unwrap().pop();
                })
                .join()
                .unwrap();
            });
            drop(entered);
        });
    });
    assert_eq!(writer.seen.of("begin"), ["both::child in giving"]);
}

#[test]
fn a_span_that_nobody_will_see_is_told_nothing() {
    struct Unseen;
    impl Spans for Unseen {
        fn running(&self) -> Option<Parent> {
            None
        }
        fn resume(&self, _parent: &Parent) -> Option<Entered> {
            None
        }
        fn begin(&self, _call: &Call<'_>) -> Option<Box<dyn Span>> {
            Some(Box::new(Unseen))
        }
    }
    impl Span for Unseen {
        fn is_recorded(&self) -> bool {
            false
        }
        fn enter(&mut self) -> Entered {
            Box::new(())
        }
        fn attribute(&mut self, name: &'static str, _value: Value<'_>) {
            panic!("told {name}");
        }
        fn error(&mut self, _error_type: &str, _message: Option<&str>) {
            panic!("told an error");
        }
        fn end(self: Box<Self>, _end: &End) {}
    }
    struct Shown(&'static AtomicU32);
    impl std::fmt::Debug for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.fetch_add(1, Relaxed);
            f.write_str("shown")
        }
    }
    static TIMES: AtomicU32 = AtomicU32::new(0);
    MADE_UP.with_borrow_mut(|makers| makers.push(&Unseen));
    isolated(|| {
        tracing::subscriber::with_default(Registry::default().with(Layer::new()), || {
            let span = info_span!("unseen", at_once = ?Shown(&TIMES), later = tracing::field::Empty).entered();
            span.record("later", tracing::field::debug(Shown(&TIMES)));
            tracing::error!(error = ?Shown(&TIMES), "it failed");
        });
    });
    assert_eq!(TIMES.load(Relaxed), 0);
}

#[test]
fn a_maker_whose_work_is_spans_and_events_is_not_told_of_them() {
    struct Busy(&'static Writer);
    impl Spans for Busy {
        fn running(&self) -> Option<Parent> {
            None
        }
        fn resume(&self, _parent: &Parent) -> Option<Entered> {
            None
        }
        fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>> {
            info_span!(target: "both", "sampling").in_scope(|| Spans::begin(&self.0, call))
        }
    }
    /// Fails loudly when it is shown.
    struct Loud;
    impl std::fmt::Debug for Loud {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::error!("shown");
            f.write_str("loud")
        }
    }
    let writer = Writer::leak();
    MADE_UP.with_borrow_mut(|makers| makers.push(Box::leak(Box::new(Busy(writer)))));
    isolated(|| {
        tracing::subscriber::with_default(Registry::default().with(Layer::new()), || {
            let span = info_span!(target: "both", "loud", value = tracing::field::Empty).entered();
            span.record("value", tracing::field::debug(Loud));
        });
    });
    let expected = ["begin both::loud in nobody", "attribute both::loud value=Text(\"loud\")", "end both::loud error"];
    assert_eq!(writer.seen.take(), expected);
}

#[test]
fn our_maker_is_not_asked_for_what_is_a_span_already() {
    let makers: [&'static dyn Spans; 2] = [&super::super::maker::MAKER, Box::leak(Box::new(Writer::leak()))];
    // Other tests of this process may have set a tracer provider.
    let before = super::super::makers::others().len();
    MADE_UP.with_borrow_mut(|all| all.extend(makers));
    assert_eq!(super::super::makers::others().len(), before + 1);
    let seen = Seen::default();
    let subscriber = Registry::default().with(Layer::new()).with(Recorder(seen.clone()).boxed());
    tracing::subscriber::with_default(subscriber, || isolated(|| info_span!("alone").in_scope(|| ())));
    assert_eq!(seen.of("new"), ["alone in nobody"]);
}

#[test]
fn what_is_handed_on_is_credited_once() {
    isolated(|| {
        tracing::subscriber::with_default(Registry::default().with(Layer::new()), || {
            fake::start();
            let span = info_span!(target: "both", "giver").entered();
            let (current, parent) = (crate::current(), MAKER.running().unwrap());
            // As `Current::scope` will do, on the same thread and then on one that has not entered the span.
            let handed_on = || {
                let resumed = MAKER.resume(&parent);
                current.scope(|| fake::work(Duration::from_millis(1)));
                drop(resumed);
            };
            handed_on();
            fake::work(Duration::from_millis(2));
            drop(span);
            handed_on();
            assert!(record::thread::with(|thread| thread.running.get().is_none()));
            drop(parent);
            let sum = |family| snapshot().sum(family, &[("function", "both::giver")]);
            assert_eq!((sum("function_busy_seconds_total") * 1e4).round(), 40.0);
            assert_eq!((sum("function_self_seconds_total") * 1e4).round(), 40.0);
            assert_eq!((sum("function_calls_started_total"), sum("function_calls_total")), (1.0, 1.0));
        });
    });
}
