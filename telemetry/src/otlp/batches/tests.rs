//! Spans, as a collector decodes them.

use super::*;
use crate::config::push::Pace;
use crate::otlp::traces::tests::{settings, span};
use crate::push::sink::{Answer, Sink};
use crate::push::tests::{PACE, wait_until};
use crate::push::{Plan, Pusher};
use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanProcessor};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

fn pusher(traces: otlp::Traces) -> Pusher {
    let push = crate::config::push::Settings {
        #[cfg(feature = "push")]
        gateway: None,
        #[cfg(feature = "push")]
        remote: None,
        pace: Pace { queue_bytes: 1 << 20, ..PACE },
        authorities: None,
    };
    let nothing = || {
        let now = SystemTime::UNIX_EPOCH;
        crate::Snapshot::of_families(now, now, Vec::new())
    };
    Pusher::start(Plan {
        push,
        resource: BTreeMap::new(),
        listens: None,
        take_snapshot: nothing,
        otlp: Some(otlp::Settings { metrics: None, traces: Some(traces), ..Default::default() }),
        otlp_resource: |_| Resource::builder_empty().with_service_name("own").build(),
    })
    .unwrap()
}

fn decoded(sink: &Sink) -> Vec<ExportTraceServiceRequest> {
    sink.received().iter().map(|received| ExportTraceServiceRequest::decode(&*received.body).unwrap()).collect()
}

/// The names of all spans, by request and scope.
fn told(requests: &[ExportTraceServiceRequest]) -> Vec<Vec<(String, Vec<String>)>> {
    let scope = |scope: &ScopeSpans| {
        let names = scope.spans.iter().map(|span| span.name.clone()).collect();
        (scope.scope.as_ref().unwrap().name.clone(), names)
    };
    requests.iter().map(|request| request.resource_spans[0].scope_spans.iter().map(scope).collect()).collect()
}

const LONG: Option<Duration> = Some(Duration::from_secs(10));

#[test]
fn spans_of_a_tracer_arrive_with_its_resource_when_a_request_is_full_and_at_the_end() {
    let sink = Sink::start([]);
    let pusher = pusher(settings(sink.url(), 100, 2));
    let theirs = Resource::builder_empty().with_service_name("theirs").build();
    let provider =
        SdkTracerProvider::builder().with_span_processor(pusher.spans().unwrap()).with_resource(theirs).build();
    let tracer = provider.tracer("lib");
    for name in ["a", "b", "c"] {
        tracer.start(name).end();
    }
    wait_until("two are enough", || decoded(&sink).len() == 1);
    assert!(provider.force_flush().is_ok());
    assert_eq!(decoded(&sink).len(), 2);
    tracer.start("d").end();
    assert!(provider.shutdown().is_ok() && pusher.end(LONG));
    let requests = decoded(&sink);
    let scope = |names: &[&str]| vec![("lib".to_owned(), names.iter().map(|&name| name.to_owned()).collect())];
    assert_eq!(told(&requests), [scope(&["a", "b"]), scope(&["c"]), scope(&["d"])]);
    let resource = requests[0].resource_spans[0].resource.as_ref().unwrap();
    assert!(format!("{:?}", resource.attributes).contains("theirs"));
    assert!(provider.force_flush().is_err() || pusher.end(LONG), "after the end nothing hangs");
}

#[test]
fn a_schedule_sends_what_does_not_fill_a_request() {
    let sink = Sink::start([]);
    let pusher = pusher(otlp::Traces { schedule_delay: Duration::from_millis(20), ..settings(sink.url(), 100, 50) });
    pusher.spans().unwrap().on_end(span(1, "s", 1));
    wait_until("it is time", || decoded(&sink).len() == 1);
    assert!(pusher.end(LONG));
}

#[test]
fn requests_are_of_so_many_spans_by_scope_and_of_so_many_bytes() {
    let source = Source::from(&Resource::builder_empty().with_service_name("own").build());
    let spans = |bytes| -> Vec<_> {
        [(1, "a"), (2, "b"), (3, "a")].into_iter().map(|(n, scope)| span(n, scope, bytes)).collect()
    };
    let whole = requests(spans(10), &source, 10_000);
    let names = |scope: &str, names: &[&str]| (scope.to_owned(), names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(told(&whole), [vec![names("a", &["span 1", "span 3"]), names("b", &["span 2"])]]);
    assert_eq!(whole[0].resource_spans[0].scope_spans[0].scope.as_ref().unwrap().version, "1");
    let split = requests(spans(600), &source, 1_000);
    assert!(split.iter().all(|request| request.encoded_len() <= 1_000));
    assert_eq!(
        told(&split),
        [vec![names("a", &["span 1"])], vec![names("a", &["span 3"])], vec![names("b", &["span 2"])]]
    );
    assert_eq!(requests(spans(600), &source, 10).len(), 3, "what is too large goes by itself");
}

#[test]
fn a_receiver_that_hangs_keeps_no_thread_waiting_and_the_end_counts_what_is_left() {
    let sink = Sink::start([Answer::Hangs, Answer::Hangs]);
    let pusher = pusher(settings(sink.url(), 8, 2));
    let spans = pusher.spans().unwrap();
    (1..=2).for_each(|number| spans.on_end(span(number, "s", 1)));
    wait_until("the first request is under way", || !sink.received().is_empty());
    let start = Instant::now();
    // Eight wait, and the others find no room.
    (3..=20).for_each(|number| spans.on_end(span(number, "s", 1)));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(spans.waiting(), 8);
    let start = Instant::now();
    assert!(!pusher.end(Some(Duration::from_millis(200))));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(spans.waiting(), 0, "what is left is counted as dropped");
}
