//! A program that has both directions of `telemetry::tracing` on: its functions are spans, spans of others are functions, and nothing is either twice.

#![cfg(all(feature = "tracing", not(telemetry_off)))]

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Waker};
use tracing::{Level, Subscriber, info_span, span};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{layer, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The spans that there were, each as the path to it.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Paths;

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Paths {
    fn on_close(&self, id: span::Id, context: layer::Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let path: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
        SEEN.lock().unwrap().push(path.join("/"));
    }
}

#[telemetry::measured]
fn parse(page: u32) -> Result<u32, String> {
    info_span!(target: "library", "tokens").in_scope(|| if page == 2 { Err("no page".to_owned()) } else { Ok(page) })
}

/// Is ready when it is polled again.
async fn wait() {
    let mut is_polled = false;
    let again = |_: &mut Context<'_>| {
        if std::mem::replace(&mut is_polled, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    };
    std::future::poll_fn(again).await;
}

#[telemetry::measured]
async fn fetch(page: u32) -> Result<u32, String> {
    wait().await;
    parse(page)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[telemetry::measured]
fn fetch_all() {
    let current = &telemetry::current();
    std::thread::scope(|scope| {
        for page in 1..=3 {
            // Each is polled on a thread of its own.
            let future = current.future(fetch(page));
            scope.spawn(move || block_on(future).is_ok());
        }
    });
}

#[test]
fn calls_and_spans_are_each_seen_once_and_in_their_places() {
    assert!(telemetry::tracing::emit(Level::INFO));
    assert!(!telemetry::tracing::emit(Level::DEBUG), "the first one decided");
    tracing_subscriber::registry().with(telemetry::tracing::Layer::new()).with(Paths).init();
    fetch_all();

    let mut seen = SEEN.lock().unwrap();
    seen.sort_unstable();
    let thrice = |path: &str| std::iter::repeat_n(path.to_owned(), 3);
    let expected = std::iter::once("fetch_all".to_owned())
        .chain(thrice("fetch_all/fetch"))
        .chain(thrice("fetch_all/fetch/parse"))
        .chain(thrice("fetch_all/fetch/parse/tokens"));
    assert_eq!(*seen, expected.collect::<Vec<_>>());

    let snapshot = telemetry::snapshot();
    let calls = |function, result| snapshot.sum("function_calls_total", &[("function", function), ("result", result)]);
    assert_eq!((calls("fetch_all", "ok"), calls("fetch", "ok"), calls("fetch", "error")), (1.0, 2.0, 1.0));
    assert_eq!((calls("parse", "ok"), calls("parse", "error"), calls("library::tokens", "ok")), (2.0, 1.0, 3.0));
    assert_eq!(snapshot.sum("function_calls_total", &[]), 10.0, "and no others");
}
