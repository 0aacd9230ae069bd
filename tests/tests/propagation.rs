//! One trace through a real client and a real server, as a program with a tracer provider of its own sees it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};
use telemetry::trace::reqwest::{TracedRequest, execute};
use telemetry::trace::{TraceContext, baggage, current_context};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::yield_now;

/// Keeps every span that ended.
#[derive(Debug)]
struct Keep;

static KEPT: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

impl SpanProcessor for Keep {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        KEPT.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn set_up() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let provider = SdkTracerProvider::builder().with_sampler(sampler).with_span_processor(Keep).build();
        telemetry::trace::use_tracer_provider(&provider);
        global::set_tracer_provider(provider);
    });
}

/// A span of the application's own, that a test runs in.
fn root() -> TraceContext {
    set_up();
    let span = global::tracer("test").start_with_context("root", &Context::new());
    Context::new().with_span(span).into()
}

/// The spans of a trace that ended, once there are so many.
async fn spans(trace: &str, count: usize) -> Vec<SpanData> {
    let start = Instant::now();
    loop {
        let of_trace = |span: &&SpanData| span.span_context.trace_id().to_string() == trace;
        let found: Vec<_> = KEPT.lock().unwrap().iter().filter(of_trace).cloned().collect();
        if found.len() >= count || start.elapsed() > Duration::from_secs(20) {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn of(kind: SpanKind, spans: &[SpanData]) -> &SpanData {
    let mut found = spans.iter().filter(|span| span.span_kind == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind:?} in {spans:?}"));
    assert!(found.next().is_none(), "two of {kind:?} in {spans:?}");
    first
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|attribute| attribute.value.to_string())
}

fn attributes(span: &SpanData) -> Vec<(String, String)> {
    let shown = |attribute: &KeyValue| (attribute.key.to_string(), attribute.value.to_string());
    let mut all: Vec<_> = span.attributes.iter().map(shown).collect();
    all.sort();
    all
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a handler does for itself, over several polls: its span, and whose it is.
async fn work() -> String {
    let before = (baggage("n"), current_context().trace_id());
    for _ in 0..5 {
        yield_now().await;
    }
    let span = global::tracer("test").start("inner");
    let inner: TraceContext = current_context().opentelemetry().with_span(span).into();
    inner.future(yield_now()).await;
    assert_eq!((baggage("n"), current_context().trace_id()), before);
    inner.opentelemetry().span().end();
    format!("{} {}", before.0.unwrap_or_default(), before.1.unwrap_or_default())
}

/// The handler hangs.
static HANGS: Notify = Notify::const_new();

async fn hang() -> &'static str {
    HANGS.notify_one();
    std::future::pending::<()>().await;
    "never"
}

async fn panics() -> &'static str {
    yield_now().await;
    panic!("asked to")
}

async fn serve() -> SocketAddr {
    set_up();
    let nested = Router::new().route("/item/{name}", get(work));
    let app = Router::new()
        .route("/users/{id}", get(work))
        .route("/hang", get(hang))
        .route("/panic", get(panics))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .route("/moved", get(|| async { Redirect::temporary("/users/9") }))
        .nest("/shop", nested.layer(telemetry::trace::axum::traced()))
        .layer(telemetry::trace::axum::traced());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn one_trace_goes_through_client_and_server() {
    let address = serve().await;
    let root = root().with_baggage("n", "a, b");
    let trace = root.trace_id().unwrap();
    let url = format!("http://user:hush@{address}/users/7?key=hush").parse().unwrap();
    let (client, request) = (client(), reqwest::Request::new(reqwest::Method::GET, url));
    let answer = root.scope(|| execute(&client, request)).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), format!("a, b {trace}"));

    let spans = spans(&trace, 3).await;
    let (sent, served, inner) =
        (of(SpanKind::Client, &spans), of(SpanKind::Server, &spans), of(SpanKind::Internal, &spans));
    assert_eq!(sent.parent_span_id.to_string(), root.span_id().unwrap());
    assert_eq!(served.parent_span_id, sent.span_context.span_id());
    assert_eq!(inner.parent_span_id, served.span_context.span_id());
    assert!(served.parent_span_is_remote && !sent.parent_span_is_remote);
    assert_eq!((&*sent.name, &*served.name), ("GET", "GET /users/{id}"));
    let port = address.port().to_string();
    assert_eq!(
        attributes(sent),
        pairs(&[
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
            ("url.full", &format!("http://REDACTED:REDACTED@{address}/users/7?key=REDACTED")),
        ])
    );
    assert_eq!(
        attributes(served),
        pairs(&[
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/users/{id}"),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
            ("url.path", "/users/7"),
        ])
    );
    assert!(spans.iter().all(|span| span.status == Status::Unset));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_hundred_requests_at_once_stay_apart() {
    let address = serve().await;
    let client = client();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let root = root().with_baggage("n", &n.to_string());
            let request = client.get(format!("http://{address}/users/{n}"));
            let sent = root.scope(|| tokio::spawn(request.send_traced()));
            (n, root, sent)
        })
        .collect();
    for (n, root, sent) in tasks {
        let trace = root.trace_id().unwrap();
        assert_eq!(sent.await.unwrap().unwrap().text().await.unwrap(), format!("{n} {trace}"));
        let spans = spans(&trace, 3).await;
        assert_eq!(attribute(of(SpanKind::Server, &spans), "url.path"), Some(format!("/users/{n}")));
        assert_eq!(of(SpanKind::Client, &spans).parent_span_id.to_string(), root.span_id().unwrap());
        assert_eq!(of(SpanKind::Server, &spans).parent_span_id, of(SpanKind::Client, &spans).span_context.span_id());
        assert_eq!(of(SpanKind::Internal, &spans).parent_span_id, of(SpanKind::Server, &spans).span_context.span_id());
    }
}

#[tokio::test]
async fn layers_within_one_another_make_one_span_with_the_whole_route() {
    let address = serve().await;
    let root = root();
    let (client, request) = (client(), client().get(format!("http://{address}/shop/item/cup")).build().unwrap());
    root.scope(|| execute(&client, request)).await.unwrap();
    let spans = spans(&root.trace_id().unwrap(), 3).await;
    let served = of(SpanKind::Server, &spans);
    assert_eq!(&*served.name, "GET /shop/item/{name}");
    assert_eq!(attribute(served, "url.path").as_deref(), Some("/shop/item/cup"));
}

#[tokio::test]
async fn without_a_valid_parent_a_trace_begins() {
    let address = serve().await;
    for parent in [None, Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"), Some("nonsense")] {
        let mut request = client().get(format!("http://{address}/users/7"));
        request = parent.map(|parent| request.try_clone().unwrap().header("traceparent", parent)).unwrap_or(request);
        let shown = request.send().await.unwrap().text().await.unwrap();
        let spans = spans(shown.trim(), 2).await;
        assert_eq!(of(SpanKind::Server, &spans).parent_span_id, SpanId::INVALID);
    }
}

#[tokio::test]
async fn headers_of_the_users_are_replaced() {
    let address = serve().await;
    let root = root();
    let request = client().get(format!("http://{address}/users/7")).header("traceparent", "mine");
    let request = request.header("traceparent", "mine too").header("tracestate", "mine=1");
    root.scope(|| request.send_traced()).await.unwrap();
    spans(&root.trace_id().unwrap(), 3).await;
}

#[tokio::test]
async fn a_trace_that_is_not_recorded_stays_so() {
    let address = serve().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let sender = TraceContext::extract(&HashMap::from([("traceparent".to_owned(), parent.to_owned())]));
    let request = client().get(format!("http://{address}/users/7"));
    let answer = sender.scope(|| request.send_traced()).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), " 0af7651916cd43dd8448eb211c80319c");
    spans("0af7651916cd43dd8448eb211c80319c", 0).await;
}

#[tokio::test]
async fn errors_are_told_as_the_conventions_have_them() {
    let address = serve().await;
    for (path, status, server_type) in [("broken", "502", Some("502")), ("nowhere", "404", None)] {
        let root = root();
        let request = client().get(format!("http://{address}/{path}"));
        root.scope(|| request.send_traced()).await.unwrap();
        let spans = spans(&root.trace_id().unwrap(), 2).await;
        let (sent, served) = (of(SpanKind::Client, &spans), of(SpanKind::Server, &spans));
        assert_eq!(attribute(sent, "error.type").as_deref(), Some(status));
        assert_eq!(sent.status, Status::error(""));
        assert_eq!(attribute(served, "error.type").as_deref(), server_type);
        assert_eq!(served.status == Status::Unset, server_type.is_none());
        assert_eq!(attribute(served, "http.response.status_code").as_deref(), Some(status));
        let name = if path == "broken" { "GET /broken" } else { "GET" };
        assert_eq!((&*served.name, attribute(served, "http.route").is_some()), (name, path == "broken"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_the_url() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let root = root();
    let request = client().get(format!("http://{address}/?key=hush"));
    let error = root.scope(|| request.send_traced()).await.unwrap_err();
    assert!(error.is_connect());
    let spans = spans(&root.trace_id().unwrap(), 1).await;
    assert_eq!(attribute(&spans[0], "error.type").as_deref(), Some("connect"));
    let Status::Error { description } = &spans[0].status else { panic!("{:?}", spans[0].status) };
    assert!(description.contains("refused") && !description.contains("hush"), "{description}");
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_an_error_and_no_span() {
    let root = root();
    assert!(root.scope(|| client().get("nowhere").send_traced()).await.unwrap_err().is_builder());
    spans(&root.trace_id().unwrap(), 0).await;
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_span_and_no_other() {
    let address = serve().await;
    let (client, root) = (client(), root());
    let request = client.get(format!("http://{address}/panic"));
    assert!(root.scope(|| request.send_traced()).await.is_err());
    let found = spans(&root.trace_id().unwrap(), 2).await;
    let served = of(SpanKind::Server, &found);
    assert_eq!(attribute(served, "error.type").as_deref(), Some("panic"));
    assert_eq!(served.status, Status::error("panicked"));
    // The server goes on.
    let next = self::root();
    let request = client.get(format!("http://{address}/users/7"));
    next.scope(|| request.send_traced()).await.unwrap();
    spans(&next.trace_id().unwrap(), 3).await;
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_both_spans() {
    let address = serve().await;
    let root = root();
    let request = client().get(format!("http://{address}/hang"));
    let sent = root.scope(|| tokio::spawn(request.send_traced()));
    HANGS.notified().await;
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    let spans = spans(&root.trace_id().unwrap(), 2).await;
    assert_eq!(attribute(of(SpanKind::Client, &spans), "telemetry.result").as_deref(), Some("cancelled"));
    assert_eq!(attribute(of(SpanKind::Server, &spans), "telemetry.result").as_deref(), Some("cancelled"));
    assert!(spans.iter().all(|span| span.status == Status::Unset));
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_an_error() {
    // Takes connections and answers none.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = root();
    let request = client().get(format!("http://{}/", listener.local_addr().unwrap()));
    let sent = root.scope(|| request.timeout(Duration::from_millis(20)).send_traced());
    assert!(sent.await.unwrap_err().is_timeout());
    let spans = spans(&root.trace_id().unwrap(), 1).await;
    assert_eq!(attribute(&spans[0], "error.type").as_deref(), Some("timeout"));
}

#[tokio::test]
async fn a_redirect_is_one_request_to_the_client_and_two_to_the_server() {
    let address = serve().await;
    let root = root();
    let request = client().get(format!("http://{address}/moved"));
    root.scope(|| request.send_traced()).await.unwrap();
    let spans = spans(&root.trace_id().unwrap(), 4).await;
    let sent = of(SpanKind::Client, &spans);
    assert_eq!(attribute(sent, "http.response.status_code").as_deref(), Some("200"));
    let served: Vec<_> = spans.iter().filter(|span| span.span_kind == SpanKind::Server).collect();
    assert!(served.len() == 2 && served.iter().all(|span| span.parent_span_id == sent.span_context.span_id()));
}

fn headers(lines: &[(String, Vec<u8>)]) -> HeaderMap {
    let line = |(name, value): &(String, Vec<u8>)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value).ok()?))
    };
    lines.iter().filter_map(line).collect()
}

fn written(context: &TraceContext) -> HeaderMap {
    let mut headers = HeaderMap::new();
    context.scope(|| telemetry::trace::http::inject(&mut headers));
    headers
}

proptest! {
    /// Whatever is valid comes back as it was.
    #[test]
    fn what_is_sent_is_received(
        trace in 1_u128.., span in 1_u64.., is_sampled: bool,
        states in proptest::collection::btree_map("[a-z][a-z0-9_*/-]{0,20}", "[ -+--<>-~]{0,19}[!-+--<>-~]", 0..=32),
        entries in proptest::collection::btree_map("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", any::<String>(), 0..10),
    ) {
        let parent = format!("00-{trace:032x}-{span:016x}-{:02x}", u8::from(is_sampled));
        let state = states.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        let mut sent = headers(&[("traceparent".to_owned(), parent.clone().into()), ("tracestate".to_owned(), state.clone().into())]);
        if state.is_empty() {
            sent.remove("tracestate");
        }
        let mut context = telemetry::trace::http::extract(&sent);
        prop_assert_eq!(context.traceparent(), Some(parent));
        prop_assert_eq!(&written(&context), &sent);
        for (name, value) in &entries {
            context = context.with_baggage(name, value);
        }
        let received = telemetry::trace::http::extract(&written(&context));
        let bytes: usize = entries.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
        if bytes <= 8192 {
            for (name, value) in &entries {
                prop_assert_eq!(received.baggage(name), Some(value.clone()));
            }
        }
        prop_assert_eq!(written(&received), written(&context));
    }

    /// Whatever comes in, what goes out is taken as it is by who gets it.
    #[test]
    fn what_is_sent_on_is_valid_whatever_came(
        lines in vec((
            prop::sample::select(vec!["traceparent", "tracestate", "baggage"]),
            prop_oneof![
                vec(any::<u8>(), 0..80),
                "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,5})?".prop_map(String::into_bytes),
                "([a-z@]{0,5}=?[ -~]{0,5}[,;=% \t]{0,2}){0,40}".prop_map(String::into_bytes),
            ],
        ), 0..6),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let once = written(&telemetry::trace::http::extract(&headers(&lines)));
        let twice = written(&telemetry::trace::http::extract(&once));
        prop_assert_eq!(&once, &twice);
        prop_assert!(once.contains_key("traceparent") || !once.contains_key("tracestate"));
    }
}

#[telemetry::measured]
async fn load() -> u32 {
    yield_now().await;
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let current = telemetry::current();
            std::thread::spawn(move || current.scope(on_a_thread))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    1
}

#[telemetry::measured]
fn on_a_thread() {}

#[telemetry::measured]
async fn ask(client: &reqwest::Client, address: SocketAddr) -> reqwest::Result<String> {
    client.get(format!("http://{address}/load")).send_traced().await?.text().await
}

#[tokio::test]
async fn measured_calls_on_both_sides_are_one_trace_whose_times_nest() {
    set_up();
    async fn handler() -> String {
        let loads: Vec<_> = (0..40).map(|_| tokio::spawn(telemetry::in_current(load()))).collect();
        for one in loads {
            one.await.unwrap();
        }
        current_context().trace_id().unwrap()
    }
    let app = Router::new().route("/load", get(handler)).layer(telemetry::trace::axum::traced());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let trace = ask(&client(), address).await.unwrap();
    let spans = spans(&trace, 3 + 40 + 120).await;
    for span in &spans {
        let parent = spans.iter().find(|other| other.span_context.span_id() == span.parent_span_id);
        let Some(parent) = parent else {
            assert_eq!((&*span.name, span.parent_span_id), ("ask", SpanId::INVALID));
            continue;
        };
        let expected = match &*span.name {
            "GET" => "ask",
            "GET /load" => "GET",
            "load" => "GET /load",
            "on_a_thread" => "load",
            other => panic!("{other}"),
        };
        assert_eq!(parent.name, expected);
        if span.span_kind != SpanKind::Server {
            assert!(parent.start_time <= span.start_time && span.end_time <= parent.end_time, "{span:?} in {parent:?}");
        }
    }
}

/// What [`measured_calls_of_a_child_are_in_its_parents_trace`] starts.
#[test]
#[ignore = "it is the child of another test"]
fn child() {
    set_up();
    let _telemetry = telemetry::builder().listen("off").report(telemetry::Report::Off).init().unwrap();
    on_a_thread();
    std::thread::spawn(on_a_thread).join().unwrap();
    // Who asks from outside is not part of what started the process.
    TraceContext::extract(&HashMap::<String, String>::new()).scope(on_a_thread);
    for span in KEPT.lock().unwrap().iter() {
        println!("span {} {}", span.span_context.trace_id(), span.parent_span_id);
    }
}

#[telemetry::measured]
fn start() -> (String, String) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]);
    telemetry::trace::process::inject(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let context = current_context();
    let ids = format!("span {} {}", context.trace_id().unwrap(), context.span_id().unwrap());
    (ids, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn measured_calls_of_a_child_are_in_its_parents_trace() {
    set_up();
    let (ids, shown) = start();
    let spans: Vec<_> = shown.lines().filter(|line| line.starts_with("span ")).collect();
    assert_eq!(spans.len(), 3, "{shown}");
    assert_eq!(spans[..2], [&ids, &ids]);
    assert!(spans[2].ends_with(" 0000000000000000") && spans[2][..37] != ids[..37], "{shown}");
}
