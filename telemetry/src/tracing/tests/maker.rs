use super::super::maker::Maker;
use super::{Recorder, Seen};
use crate::record::CallSite;
use crate::record::clock;
use crate::record::outcome::Outcome;
use crate::record::span::{Call, End, Parent, Span, Spans, Value};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing::subscriber::with_default;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::{Layer as _, Registry, layer::SubscriberExt as _};

static MAKER: Maker = Maker::new();

fn site(name: &'static str, module: &'static str) -> &'static CallSite {
    Box::leak(Box::new(CallSite::new(name, || "", module, "src/app.rs", 7)))
}

fn begin(site: &'static CallSite, parent: Option<&Parent>) -> Option<Box<dyn Span>> {
    MAKER.begin(&Call { site, start: clock::now(), parent, is_root: false })
}

fn end(outcome: Outcome) -> End {
    End {
        outcome,
        ticks: 0,
        busy_ticks: 0,
        allocated_bytes: None,
        allocations: None,
        cpu_seconds: None,
        read_bytes: None,
        written_bytes: None,
    }
}

/// As a guard does.
fn call<R>(site: &'static CallSite, body: impl FnOnce() -> R) -> R {
    let Some(mut span) = begin(site, None) else { return body() };
    let entered = span.enter();
    let result = body();
    drop(entered);
    span.end(&end(Outcome::Ok));
    result
}

/// A subscriber with a recorder.
fn recorder() -> (impl tracing::Subscriber + Send + Sync, Seen) {
    let seen = Seen::default();
    (Registry::default().with(Recorder(seen.clone())), seen)
}

#[test]
fn calls_are_spans_that_nest_with_those_of_others() {
    let (subscriber, seen) = recorder();
    let (outer, inner) = (site("outer", "app"), site("inner", "app"));
    with_default(subscriber, || {
        call(outer, || {
            tracing::info_span!("theirs").in_scope(|| call(inner, || tracing::info!(target: "told", "here")));
        });
    });
    let lines = seen.take();
    let expected = [
        "new outer in nobody",
        "enter outer",
        "new theirs in outer",
        "enter theirs",
        "new inner in theirs",
        "enter inner",
        "event told in inner",
        "exit inner",
        "record inner result=\"ok\" duration_seconds=0.0 busy_seconds=0.0",
        "close inner",
        "exit theirs",
        "close theirs",
        "exit outer",
        "record outer result=\"ok\" duration_seconds=0.0 busy_seconds=0.0",
        "close outer",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn metadata_tell_where_the_function_stands() {
    struct Checks(Arc<Mutex<Option<&'static tracing::Metadata<'static>>>>);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Checks {
        fn on_new_span(
            &self,
            attributes: &tracing_core::span::Attributes<'_>,
            _: &tracing_core::span::Id,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            *self.0.lock().unwrap() = Some(attributes.metadata());
        }
    }
    let found = Arc::default();
    with_default(Registry::default().with(Checks(Arc::clone(&found))), || {
        call(site("load", "app::io"), || ());
        let metadata = found.lock().unwrap().take().unwrap();
        assert_eq!((metadata.name(), metadata.target()), ("load", "app::io"));
        assert_eq!(
            (metadata.module_path(), metadata.file(), metadata.line()),
            (Some("app::io"), Some("src/app.rs"), Some(7))
        );
        assert_eq!(*metadata.level(), tracing::Level::INFO);
        assert!(metadata.is_span() && metadata.callsite() == metadata.fields().field("result").unwrap().callsite());
        call(site("operator", ""), || ());
        let metadata = found.lock().unwrap().take().unwrap();
        assert_eq!((metadata.target(), metadata.module_path()), ("telemetry", None));
    });
}

#[test]
fn attributes_are_fields_of_their_names() {
    let (subscriber, seen) = recorder();
    let site = site("fetch", "app");
    with_default(subscriber, || {
        let mut span = begin(site, None).unwrap();
        span.attribute("page", Value::Int(3));
        span.attribute("host", Value::Text("a \"b\""));
        span.attribute("again", Value::Bool(true));
        drop(span.enter());
        span.attribute("share", Value::Float(0.5)); // nobody knew of it when the span was made
        span.attribute("page", Value::Int(4));
        span.end(&end(Outcome::Ok));
        let mut second = begin(site, None).unwrap();
        drop(second.enter());
        second.attribute("share", Value::Float(0.25));
        second.end(&end(Outcome::Ok));
    });
    assert_eq!(seen.of("new"), ["fetch in nobody page=3 host=\"a \\\"b\\\"\" again=true", "fetch in nobody"]);
    let records = seen.of("record");
    assert_eq!(records[0], "fetch attributes=\"share=0.5\"");
    assert_eq!(records[1], "fetch page=4");
    assert_eq!(records[3], "fetch share=0.25", "the second call has a field for it");
}

#[test]
fn what_is_too_many_attributes_shares_a_field() {
    let (subscriber, seen) = recorder();
    let names: Vec<&'static str> = (0..22).map(|number| &*format!("a{number}").leak()).collect();
    with_default(subscriber, || {
        let mut span = begin(site("wide", "app"), None).unwrap();
        for (value, name) in names.iter().enumerate() {
            span.attribute(name, Value::Int(i64::try_from(value).unwrap()));
        }
        span.attribute("result", Value::Text("mine")); // a name that every call has
        drop(span.enter());
        span.end(&end(Outcome::Ok));
    });
    let new = &seen.of("new")[0];
    assert!(new.contains(" a0=0 ") && new.contains(" a19=19 "), "{new}");
    assert!(new.ends_with(r#" attributes="a20=20 a21=21 result=\"mine\"""#), "{new}");
}

#[test]
fn the_end_tells_what_the_call_took() {
    let (subscriber, seen) = recorder();
    with_default(subscriber, || {
        let mut span = begin(site("read", "app"), None).unwrap();
        drop(span.enter());
        span.error("io::Error", Some("no such file"));
        let took = End {
            allocated_bytes: Some(512),
            allocations: Some(2),
            cpu_seconds: Some(0.5),
            read_bytes: Some(10),
            written_bytes: Some(0),
            ..end(Outcome::Error)
        };
        span.end(&took);
    });
    let records = seen.of("record");
    assert_eq!(records[0], "read error.type=\"io::Error\" error.message=\"no such file\"");
    let expected = "read result=\"error\" duration_seconds=0.0 busy_seconds=0.0 otel.status_code=\"ERROR\" cpu_seconds=0.5 \
                    allocated_bytes=512 allocations=2 read_bytes=10 written_bytes=0";
    assert_eq!(records[1], expected);
}

#[test]
fn a_call_that_is_polled_elsewhere_has_the_parent_of_where_it_was_made() {
    let (subscriber, seen) = recorder();
    let dispatch = tracing::Dispatch::new(subscriber);
    let (outer, task) = (site("outer", "app"), site("task", "app"));
    let parent = tracing::dispatcher::with_default(&dispatch, || {
        let mut span = begin(outer, None).unwrap();
        let entered = span.enter();
        let parent = MAKER.running().unwrap();
        drop(entered);
        span.end(&end(Outcome::Ok));
        parent
    });
    assert!(seen.of("close").is_empty(), "it lives as long as somebody may work for it");
    // The subscriber is that of the parent: this thread has none.
    let running = std::thread::spawn({
        let seen = seen.clone();
        move || {
            let mut span = begin(task, Some(&parent)).unwrap();
            drop(parent);
            drop(span.enter());
            assert_eq!(seen.of("new"), ["outer in nobody", "task in outer"]);
            span
        }
    });
    let mut span = running.join().unwrap();
    drop(span.enter()); // a second poll, on another thread
    // The registry lets go of a span's parent by the subscriber of the thread on which the span ends.
    tracing::dispatcher::with_default(&dispatch, || span.end(&end(Outcome::Cancelled)));
    assert_eq!(seen.of("enter"), ["outer", "task", "task"]);
    assert_eq!(seen.of("record")[1], "task result=\"cancelled\" duration_seconds=0.0 busy_seconds=0.0");
    assert_eq!(seen.of("close"), ["task", "outer"]);
}

#[test]
fn resumed_work_is_within_the_span_of_others_too() {
    let (subscriber, seen) = recorder();
    let dispatch = tracing::Dispatch::new(subscriber);
    let parent = tracing::dispatcher::with_default(&dispatch, || {
        tracing::info_span!("theirs").in_scope(|| MAKER.running().unwrap())
    });
    let other = dispatch.clone();
    std::thread::spawn(move || {
        tracing::dispatcher::with_default(&other, || {
            let resumed = MAKER.resume(&parent).unwrap();
            call(site("helper", "app"), || ());
            drop(resumed);
            assert!(MAKER.running().is_none());
        });
    })
    .join()
    .unwrap();
    assert_eq!(seen.of("new"), ["theirs in nobody", "helper in theirs"]);
    assert_eq!(seen.of("close"), ["helper", "theirs"]);
    let not_ours: Parent = Arc::new(7_u8);
    assert!(MAKER.resume(&not_ours).is_none());
}

#[test]
fn who_does_not_want_a_function_is_not_told() {
    let (seen, all) = (Seen::default(), Seen::default());
    let targets =
        Targets::new().with_target("app::wanted", LevelFilter::INFO).with_target("app::quiet", LevelFilter::WARN);
    let subscriber = Registry::default().with(Recorder(seen.clone()).with_filter(targets));
    let subscriber = subscriber.with(Recorder(all.clone()).with_filter(LevelFilter::INFO));
    with_default(subscriber, || {
        for module in ["app::wanted", "app::quiet", "app::unknown"] {
            call(site("run", module), || call(site("within", module), || ()));
        }
    });
    assert_eq!(seen.of("new"), ["run in nobody", "within in run"]);
    assert_eq!(all.of("new").len(), 6);
}

#[test]
fn a_call_that_nobody_wants_is_no_span() {
    let seen = Seen::default();
    let subscriber = Registry::default().with(LevelFilter::WARN).with(Recorder(seen.clone()));
    let site = site("unwanted", "app");
    with_default(subscriber, || {
        // Another test's subscriber may want it, so it may be asked for; it is not told to this one.
        call(site, || ());
        assert!(MAKER.running().is_none());
    });
    assert_eq!(seen.take(), [""; 0]);
    // This thread has no subscriber now.
    assert!(begin(site, None).is_none());
}

#[test]
fn subscribers_that_come_later_are_told() {
    let site = site("early", "app");
    call(site, || ());
    let (first, seen_first) = recorder();
    with_default(first, || call(site, || ()));
    let (second, seen_second) = recorder();
    with_default(second, || call(site, || ()));
    call(site, || ());
    assert_eq!((seen_first.of("new").len(), seen_second.of("new").len()), (1, 1));
}

#[test]
fn a_subscriber_that_is_measured_does_not_tell_itself() {
    struct Measured(Seen, &'static CallSite);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Measured {
        fn on_enter(&self, _: &tracing_core::span::Id, _: tracing_subscriber::layer::Context<'_, S>) {
            call(self.1, || self.0.say("told".to_owned()));
        }
    }
    let seen = Seen::default();
    let subscriber = Registry::default().with(Measured(seen.clone(), site("write", "subscriber")));
    with_default(subscriber, || call(site("told", "app"), || ()));
    assert_eq!(seen.take(), ["told"]);
}

#[test]
fn a_line_of_text_can_be_read() {
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);
    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, || {
        let mut span = begin(site("load", "app::io"), None).unwrap();
        span.attribute("page", Value::Int(3));
        let entered = span.enter();
        tracing::info!(target: "app", "reading");
        drop(entered);
        span.end(&end(Outcome::Ok));
    });
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(" INFO load{page=3}: app: reading"));
    let close = " INFO load{page=3 result=\"ok\" duration_seconds=0.0 busy_seconds=0.0}: app::io: close";
    assert_eq!(lines.next(), Some(close));
}

#[test]
fn threads_that_meet_at_a_function_make_one_call_site() {
    let (subscriber, seen) = recorder();
    let dispatch = tracing::Dispatch::new(subscriber);
    let site = site("met", "app");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| tracing::dispatcher::with_default(&dispatch, || (0..50).for_each(|_| call(site, || ()))));
        }
    });
    assert_eq!((seen.of("new").len(), seen.of("close").len()), (200, 200));
}
