//! Calls as spans of OpenTelemetry, as a program with a tracer provider of its own sees them.

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, OnceLock};
use std::task::Waker;
use std::thread;
use std::time::Duration;
use telemetry::{backfill_job, measure, measured};

/// Keeps every span that ended.
#[derive(Debug, Default)]
struct Kept;

static KEPT: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

/// Something measured that a processor does.
#[measured]
fn notice() {}

impl SpanProcessor for Kept {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        notice();
        assert!(span.name != "breaks_its_processor", "asked to");
        KEPT.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn provider() -> &'static SdkTracerProvider {
    static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let provider = SdkTracerProvider::builder().with_span_processor(Kept).build();
        telemetry::trace::use_tracer_provider(&provider);
        provider
    })
}

/// The spans of one trace.
struct Trace(Vec<SpanData>);

/// Runs a test within a span of the application's own, and returns the trace without that one.
fn traced(test: impl FnOnce()) -> Trace {
    let span = provider().tracer("test").start("test");
    let context = Context::new().with_span(span);
    let (trace, root) = (context.span().span_context().trace_id(), context.span().span_context().span_id());
    let attached = context.clone().attach();
    test();
    assert_eq!(Context::current().span().span_context().span_id(), root, "what was attached is detached");
    drop(attached);
    let kept = KEPT.lock().unwrap();
    Trace(kept.iter().filter(|span| span.span_context.trace_id() == trace).cloned().collect())
}

impl Trace {
    fn all(&self, name: &str) -> Vec<&SpanData> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    fn one(&self, name: &str) -> &SpanData {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} among {:?}", self.names());
        all[0]
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|span| &*span.name).collect()
    }

    /// The name of the span around one.
    fn parent(&self, span: &SpanData) -> Option<&str> {
        self.0.iter().find(|parent| parent.span_context.span_id() == span.parent_span_id).map(|parent| &*parent.name)
    }

    fn parent_of(&self, name: &str) -> Option<&str> {
        self.parent(self.one(name))
    }

    /// Every span begins and ends within the one around it.
    fn nests(&self) {
        for span in &self.0 {
            assert!(span.start_time <= span.end_time, "{}", span.name);
            let Some(parent) = self.0.iter().find(|parent| parent.span_context.span_id() == span.parent_span_id) else {
                continue;
            };
            assert!(parent.start_time <= span.start_time, "{} begins before {}", span.name, parent.name);
            assert!(span.end_time <= parent.end_time, "{} ends after {}", span.name, parent.name);
        }
    }
}

fn attribute<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    let mut found = span.attributes.iter().filter(|attribute| attribute.key.as_str() == name);
    let first = found.next();
    assert!(found.next().is_none(), "{name} is there twice");
    first.map(|attribute| &attribute.value)
}

fn text(span: &SpanData, name: &str) -> Option<String> {
    attribute(span, name).map(|value| value.as_str().into_owned())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

/// Pending a few times, so that it is polled again, elsewhere where there are more workers.
async fn pauses() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

struct Reader;

#[measured]
impl Reader {
    fn outer(&self) -> u32 {
        self.inner() + self.inner()
    }

    fn inner(&self) -> u32 {
        1
    }
}

#[test]
fn nested_calls_are_nested_spans() {
    let trace = traced(|| assert_eq!(Reader.outer(), 2));
    assert_eq!(trace.names(), ["Reader::inner", "Reader::inner", "Reader::outer"]);
    trace.nests();
    let outer = trace.one("Reader::outer");
    for inner in trace.all("Reader::inner") {
        assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    }
    assert_eq!(outer.span_kind, SpanKind::Internal);
    assert_eq!(outer.instrumentation_scope.name(), "telemetry");
    assert_eq!(outer.status, Status::Unset);
    assert_eq!(text(outer, "code.function.name").unwrap(), format!("{}::Reader::outer", module_path!()));
    assert!(text(outer, "code.file.path").unwrap().ends_with("tests/spans.rs"));
    assert!(matches!(attribute(outer, "code.line.number"), Some(Value::I64(line)) if *line > 100));
    assert_eq!(text(outer, "telemetry.result").unwrap(), "ok");
    assert!(matches!(attribute(outer, "telemetry.busy_seconds"), Some(Value::F64(seconds)) if *seconds > 0.0));
    assert!(attribute(outer, "telemetry.cpu_seconds").is_some());
}

#[measured]
fn parses(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

#[derive(Debug)]
struct Opaque;

#[measured]
fn fails_by_debug() -> Result<(), Opaque> {
    Err(Opaque)
}

struct Unshown;

#[measured]
fn fails_unshown() -> Result<(), Unshown> {
    Err(Unshown)
}

#[measured(error_type = |_| "refused")]
fn fails_by_name() -> Result<(), std::fmt::Error> {
    Err(std::fmt::Error)
}

#[measured(ok_if = |status: &u16| *status < 500)]
fn answers(status: u16) -> u16 {
    status
}

#[measured]
async fn fails_later() -> Result<(), String> {
    pauses().await;
    Err("too late".to_owned())
}

#[measured]
fn fails_generically<E>(error: E) -> Result<(), E> {
    Err(error)
}

#[test]
fn errors_have_their_type_and_say_what_they_say() {
    let trace = traced(|| {
        parses("seven").unwrap_err();
        fails_by_debug().unwrap_err();
        assert!(fails_unshown().is_err());
        fails_by_name().unwrap_err();
        answers(503);
        assert!(fails_generically(Unshown).is_err());
        runtime().block_on(fails_later()).unwrap_err();
    });
    let cases = [
        ("parses", "core::num::error::ParseIntError", Some("invalid digit found in string")),
        ("fails_by_debug", "spans::Opaque", Some("Opaque")),
        ("fails_unshown", "spans::Unshown", None),
        ("fails_by_name", "refused", Some("an error occurred when formatting an argument")),
        ("answers", "u16", Some("503")),
        ("fails_generically", "spans::Unshown", None),
        ("fails_later", "alloc::string::String", Some("too late")),
    ];
    for (name, error_type, message) in cases {
        let span = trace.one(name);
        assert_eq!(text(span, "telemetry.result").unwrap(), "error", "{name}");
        assert_eq!(text(span, "error.type").unwrap(), error_type, "{name}");
        assert_eq!(span.status, Status::error(message.unwrap_or(error_type)), "{name}");
        let event = span.events.iter().next().unwrap();
        assert_eq!(event.name, "exception");
        assert!(span.start_time <= event.timestamp);
        let said = event.attributes.iter().find(|attribute| attribute.key.as_str() == "exception.message");
        assert_eq!(said.map(|said| said.value.as_str().into_owned()).as_deref(), message, "{name}");
    }
}

#[test]
fn an_error_is_not_told_to_a_later_call() {
    let trace = traced(|| {
        let read = || -> Result<u32, std::num::ParseIntError> {
            Ok(measure!("block", {
                parses("x")?;
                7
            }))
        };
        read().unwrap_err();
        fails_unshown().err();
    });
    assert!(text(trace.one("block"), "error.type").unwrap().ends_with("ParseIntError"));
    assert_eq!(trace.parent_of("parses"), Some("block"));
    assert_eq!(trace.one("fails_unshown").status, Status::error("spans::Unshown"));
}

#[measured]
fn unwinds() {
    Reader.inner();
    panic!("asked to");
}

#[measured]
async fn unwinds_later() {
    pauses().await;
    panic!("asked to");
}

#[test]
fn a_panic_ends_its_spans_and_leaves_the_context() {
    let trace = traced(|| {
        catch_unwind(unwinds).unwrap_err();
        Reader.inner();
        let runtime = runtime();
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(unwinds_later()))).unwrap_err();
    });
    trace.nests();
    for name in ["unwinds", "unwinds_later"] {
        let span = trace.one(name);
        assert_eq!(text(span, "telemetry.result").unwrap(), "panic");
        assert_eq!(text(span, "error.type").unwrap(), "panic");
        assert_eq!(span.status, Status::error("panicked"));
    }
    let parents: Vec<_> = trace.all("Reader::inner").into_iter().map(|span| trace.parent(span)).collect();
    assert_eq!(parents, [Some("unwinds"), None]);
}

#[measured]
async fn waits_for_ever() {
    waits_within().await;
}

#[measured]
async fn waits_within() {
    std::future::pending::<()>().await;
}

#[test]
fn a_future_that_is_dropped_is_cancelled_and_its_spans_nest() {
    let trace = traced(|| {
        let mut future = Box::pin(waits_for_ever());
        let mut context = std::task::Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        // Never polled: no call.
        drop(waits_for_ever());
        thread::spawn(|| drop(future)).join().unwrap();
    });
    trace.nests();
    assert_eq!(trace.names().len(), 2);
    assert_eq!(trace.parent_of("waits_within"), Some("waits_for_ever"));
    for span in &trace.0 {
        assert_eq!(text(span, "telemetry.result").unwrap(), "cancelled");
        assert_eq!(span.status, Status::Unset);
    }
}

#[measured]
async fn task(n: u32) -> u32 {
    pauses().await;
    step(n);
    pauses().await;
    n
}

#[measured]
fn step(_n: u32) {}

#[measured]
async fn spawns_tasks(tasks: u32) -> u32 {
    let tasks: Vec<_> = (0..tasks).map(|n| tokio::spawn(task(n))).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}

#[measured]
fn spawns_threads() -> u32 {
    let current = telemetry::current();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| current.scope(on_a_thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[measured]
fn on_a_thread() -> u32 {
    Reader.inner()
}

#[measured]
async fn everything() -> u32 {
    let threads = tokio::task::spawn_blocking({
        let current = telemetry::current();
        move || current.scope(spawns_threads)
    });
    spawns_tasks(40).await + threads.await.unwrap()
}

#[test]
fn three_threads_and_forty_tasks_are_one_trace_without_orphans() {
    let before = KEPT.lock().unwrap().len();
    provider();
    assert_eq!(runtime().block_on(everything()), 783);
    let kept = KEPT.lock().unwrap();
    let root = kept[before..].iter().find(|span| span.name == "everything").unwrap();
    assert_eq!(root.parent_span_id, SpanId::INVALID);
    let trace = root.span_context.trace_id();
    let trace = Trace(kept.iter().filter(|span| span.span_context.trace_id() == trace).cloned().collect());
    drop(kept);
    trace.nests();
    assert_eq!(trace.0.iter().filter(|span| trace.parent(span).is_none()).count(), 1);
    let parents = |name| {
        let parents: Vec<_> = trace.all(name).into_iter().filter_map(|span| trace.parent(span)).collect();
        parents
    };
    assert_eq!(parents("task"), ["spawns_tasks"; 40]);
    assert_eq!(parents("step"), ["task"; 40]);
    assert_eq!(parents("on_a_thread"), ["spawns_threads"; 3]);
    assert_eq!(parents("Reader::inner"), ["on_a_thread"; 3]);
    assert_eq!(parents("spawns_threads"), ["everything"]);
}

#[test]
fn a_future_is_a_child_of_where_it_was_made() {
    #[measured(name = "makes")]
    async fn makes() -> u32 {
        // What this polls elsewhere was made here.
        tokio::spawn(task(1)).await.unwrap()
    }
    let current_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let trace = traced(|| {
        // The task is polled within the span around `block_on`.
        assert_eq!(current_thread.block_on(makes()), 1);
    });
    assert_eq!(trace.parent_of("task"), Some("makes"));

    let task = {
        provider();
        task(2)
    };
    let trace = traced(|| assert_eq!(runtime().block_on(task), 2));
    assert_eq!(trace.parent_of("task"), None);
    assert_eq!(trace.parent_of("step"), Some("task"));
}

#[test]
fn what_is_in_current_is_a_child() {
    #[measured(name = "hands_on")]
    async fn hands_on() {
        tokio::spawn(telemetry::in_current(async {
            pauses().await;
            step(3);
        }))
        .await
        .unwrap();
    }
    let trace = traced(|| runtime().block_on(hands_on()));
    assert_eq!(trace.parent_of("step"), Some("hands_on"));
}

#[test]
fn what_is_not_sampled_passes_that_on() {
    provider();
    let parent = SpanContext::new(
        TraceId::from_bytes([7; 16]),
        SpanId::from_bytes([7; 8]),
        TraceFlags::default(),
        true,
        TraceState::default(),
    );
    #[measured(span(n))]
    fn looks(n: u32) -> (bool, SpanId) {
        step(n);
        let context = Context::current();
        let context = context.span().span_context().clone();
        assert_eq!(context.trace_id(), TraceId::from_bytes([7; 16]));
        (context.is_sampled(), context.span_id())
    }
    let attached = Context::new().with_remote_span_context(parent).attach();
    let (is_sampled, span) = looks(1);
    fails_by_debug().unwrap_err();
    drop(attached);
    assert!(!is_sampled);
    assert_ne!(span, SpanId::from_bytes([7; 8]), "a span of its own");
    let kept = KEPT.lock().unwrap();
    assert!(!kept.iter().any(|span| span.span_context.trace_id() == TraceId::from_bytes([7; 16])));
}

#[test]
fn suppressed_calls_have_no_spans() {
    let trace = traced(|| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        Reader.outer();
    });
    assert_eq!(trace.names(), [""; 0]);
}

#[measured]
fn links(items: &[Context]) {
    items.iter().for_each(telemetry::trace::link);
    telemetry::trace::link(&Context::new());
}

#[test]
fn a_span_links_to_others() {
    let mut items = Vec::new();
    let first = traced(|| items.push(Context::current()));
    let second = traced(|| items.push(Context::current()));
    assert!(first.0.is_empty() && second.0.is_empty());
    let trace = traced(|| links(&items));
    let linked: Vec<_> = trace.one("links").links.iter().map(|link| link.span_context.clone()).collect();
    let expected: Vec<_> = items.iter().map(|item| item.span().span_context().clone()).collect();
    assert_eq!(linked, expected);
}

#[derive(Debug)]
struct Request {
    page: u32,
}

#[measured(span(
    carrier,
    page = request.page,
    request = ?request,
    shown = %std::net::Ipv4Addr::LOCALHOST,
    http.route = Some("/flights"),
    "none" = None::<u32>,
    big = u64::MAX,
    half = 0.5f32,
    yes = !carrier.is_empty(),
    inner = Reader.inner(),
))]
fn sends(carrier: &str, request: Request) -> u32 {
    let _ = &request;
    0
}

#[measured(span(day, %reader))]
async fn sends_later(day: u8, reader: String) {
    pauses().await;
    drop(reader);
    let _ = day;
}

#[measured(span(day))]
fn sends_boxed(day: u8) -> std::pin::Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move { day })
}

#[track_caller]
#[measured(span(first))]
fn sends_in_place((first, _second): (u8, u8)) -> u8 {
    first
}

#[test]
fn values_are_on_the_span() {
    let trace = traced(|| {
        sends("LH", Request { page: 3 });
        sends_in_place((4, 5));
        let runtime = runtime();
        runtime.block_on(sends_later(7, "lamp".to_owned()));
        runtime.block_on(sends_boxed(8));
    });
    let span = trace.one("sends");
    let cases = [
        ("carrier", Value::from("LH")),
        ("page", Value::I64(3)),
        ("request", Value::from("Request { page: 3 }")),
        ("shown", Value::from("127.0.0.1")),
        ("http.route", Value::from("/flights")),
        ("big", Value::from("18446744073709551615")),
        ("half", Value::F64(0.5)),
        ("yes", Value::Bool(true)),
        ("inner", Value::I64(1)),
    ];
    for (name, value) in cases {
        assert_eq!(attribute(span, name), Some(&value), "{name}");
    }
    assert_eq!(attribute(span, "none"), None);
    assert_eq!(trace.parent_of("Reader::inner"), Some("sends"));
    assert_eq!(attribute(trace.one("sends_later"), "day"), Some(&Value::I64(7)));
    assert_eq!(attribute(trace.one("sends_later"), "reader"), Some(&Value::from("lamp")));
    assert_eq!(attribute(trace.one("sends_boxed"), "day"), Some(&Value::I64(8)));
    assert_eq!(attribute(trace.one("sends_in_place"), "first"), Some(&Value::I64(4)));
}

telemetry::metric! {
    /// Sizes of pages that were seen within spans.
    histogram spans_page_records() [10, 100];
}

#[measured]
fn observes() -> SpanId {
    spans_page_records().observe(7.0);
    Context::current().span().span_context().span_id()
}

#[test]
fn exemplars_are_of_the_running_span() {
    let mut observed = SpanId::INVALID;
    let trace = traced(|| observed = observes());
    let span = trace.one("observes");
    assert_eq!(span.span_context.span_id(), observed);
    let snapshot = telemetry::snapshot();
    let series = snapshot.series("spans_page_records", &[]).unwrap();
    let telemetry::snapshot::Value::Histogram(histogram) = &series.value else { panic!("{series:?}") };
    let labels: Vec<_> = histogram.exemplars[0].labels.iter().map(|(_, value)| value.to_string()).collect();
    assert_eq!(labels, [span.span_context.trace_id().to_string(), observed.to_string()]);
}

#[measured(count)]
fn only_counted() {
    step(9);
}

#[test]
fn what_is_counted_alone_has_no_span() {
    let trace = traced(only_counted);
    assert_eq!(trace.names(), ["step"]);
}

#[test]
fn counts_are_what_they_are_without_a_tracer() {
    provider();
    telemetry::testing::isolated(|| {
        Reader.outer();
        parses("x").unwrap_err();
        runtime().block_on(telemetry::in_current(task(1)));
        let calls = |function, result| {
            telemetry::testing::value("function_calls_total", &[("function", function), ("result", result)])
        };
        assert_eq!(calls("Reader::outer", "ok"), Some(1.0));
        assert_eq!(calls("Reader::inner", "ok"), Some(2.0));
        assert_eq!(calls("parses", "error"), Some(1.0));
        assert_eq!(calls("task", "ok"), Some(1.0));
        assert_eq!(calls("step", "ok"), Some(1.0));
    });
}

#[test]
fn guards_that_end_out_of_order_leave_the_context_as_it_was() {
    let trace = traced(|| {
        let first = telemetry::span("first");
        let second = telemetry::span("second");
        drop(first);
        step(1);
        drop(second);
        step(2);
    });
    let parents: Vec<_> = trace.all("step").into_iter().map(|span| trace.parent(span)).collect();
    assert_eq!(parents, [Some("second"), None]);
    assert_eq!(trace.parent_of("second"), Some("first"));
    assert_eq!(attribute(trace.one("first"), "code.function.name"), None);
}

#[measured]
fn breaks_its_processor() -> u32 {
    7
}

#[test]
fn a_processor_that_panics_costs_the_span_alone() {
    let trace = traced(|| {
        assert_eq!(breaks_its_processor(), 7);
        step(1);
    });
    assert_eq!(trace.names(), ["step"]);
}

#[backfill_job(name = "flights", unit = "days")]
async fn backfills(job: &telemetry::Job) -> Result<(), String> {
    pauses().await;
    job.batch(2_u32).run(|| {
        step(1);
        Ok::<_, String>(())
    })?;
    step(2);
    Err("the source is gone".to_owned())
}

#[backfill_job]
fn backfills_now(_job: &telemetry::Job) {
    step(3);
}

#[test]
fn a_job_is_a_span_and_so_is_a_batch() {
    let trace = traced(|| {
        runtime().block_on(backfills()).unwrap_err();
        backfills_now();
    });
    trace.nests();
    let job = trace.one("flights");
    assert_eq!(text(job, "code.function.name").unwrap(), format!("{}::backfills", module_path!()));
    assert_eq!(job.status, Status::error("the source is gone"));
    let run = attribute(job, "telemetry.job.run_id").unwrap();
    let parents: Vec<_> = trace.all("step").into_iter().map(|span| trace.parent(span)).collect();
    assert_eq!(parents, [Some("batch"), Some("flights"), Some("backfills_now")]);
    for span in [&trace.all("step")[..2], &trace.all("batch")].concat() {
        assert_eq!(text(span, "telemetry.job.name").unwrap(), "flights");
        assert_eq!(attribute(span, "telemetry.job.run_id"), Some(run));
    }
    assert_eq!(attribute(trace.one("batch"), "telemetry.batch.records"), Some(&Value::I64(2)));
}

#[test]
fn calls_in_a_destructor_of_a_thread_local_harm_nobody() {
    struct Late;

    impl Drop for Late {
        fn drop(&mut self) {
            Reader.outer();
        }
    }

    thread_local!(static LATE: Late = const { Late });
    provider();
    thread::spawn(|| {
        LATE.with(|_| ());
        Reader.outer();
    })
    .join()
    .unwrap();
    thread::spawn(|| {
        Reader.outer();
        LATE.with(|_| ());
    })
    .join()
    .unwrap();
}

#[test]
fn a_poll_within_another_call_leaves_that_one_running() {
    #[measured(name = "polls")]
    fn polls() {
        let mut future = pin!(task(1));
        let mut context = std::task::Context::from_waker(Waker::noop());
        while future.as_mut().poll(&mut context).is_pending() {
            step(0);
        }
    }
    let trace = traced(polls);
    trace.nests();
    let mut parents: Vec<_> = trace.all("step").into_iter().filter_map(|span| trace.parent(span)).collect();
    parents.sort_unstable();
    parents.dedup();
    assert_eq!(parents, ["polls", "task"]);
}

#[measured]
fn loads(connection: &telemetry::duckdb::Connection) {
    connection
        .execute_batch(
            "create table flights (carrier varchar, delay integer); insert into flights values ('secret', 11)",
        )
        .unwrap();
    let late: i64 =
        connection.query_row("select count(*) from flights where carrier = 'secret'", [], |row| row.get(0)).unwrap();
    assert_eq!(late, 1);
    connection.execute("select 'secret'::integer from flights", []).unwrap_err();
    let mut appender = connection.appender("flights").unwrap();
    appender.append_row(("AA", 3)).unwrap();
}

#[test]
fn statements_are_spans_of_a_client_of_a_database() {
    let connection = telemetry::duckdb::Connection::open_in_memory().unwrap().with_name("spanned");
    let trace = traced(|| loads(&connection));
    trace.nests();
    let names = trace.names();
    for name in ["CREATE flights", "INSERT flights", "APPEND flights"] {
        let span = trace.one(name);
        assert_eq!((span.span_kind.clone(), trace.parent(span)), (SpanKind::Client, Some("loads")), "{names:?}");
        assert_eq!(text(span, "db.system.name").as_deref(), Some("duckdb"));
        assert_eq!(text(span, "db.namespace").as_deref(), Some("spanned"));
        assert_eq!(text(span, "db.query.summary").as_deref(), Some(name));
        assert_eq!(attribute(span, "db.response.returned_rows"), None, "{name} gives none back");
    }
    let selects = trace.all("SELECT flights");
    assert_eq!(selects.len(), 2, "{names:?}");
    let (right, wrong): (Vec<_>, Vec<_>) = selects.into_iter().partition(|span| span.status == Status::Unset);
    assert_eq!(attribute(right[0], "db.response.returned_rows"), Some(&Value::I64(1)));
    assert_eq!(text(right[0], "db.query.text").as_deref(), Some("select count(*) from flights where carrier = ?"));
    assert_eq!(
        (text(wrong[0], "error.type").as_deref(), &wrong[0].status),
        (Some("conversion"), &Status::error("conversion"))
    );
    assert!(!format!("{:?}", trace.0).contains("secret"), "no literal leaves the process");
}
