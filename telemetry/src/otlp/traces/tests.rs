//! What comes in, what does not, and what becomes of it.

use super::*;
use crate::config::otlp::{Protocol, Signal};
use crate::config::push::access::Endpoint;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use std::time::SystemTime;

/// A span of this scope, with an attribute of so many bytes.
pub(in crate::otlp) fn span(number: u64, scope: &'static str, bytes: usize) -> SpanData {
    let context = |flags| SpanContext::new(TraceId::from(1), SpanId::from(number), flags, false, TraceState::default());
    SpanData {
        span_context: context(TraceFlags::SAMPLED),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: format!("span {number}").into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: vec![KeyValue::new("text", "x".repeat(bytes))],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder(scope).with_version("1").build(),
    }
}

pub(in crate::otlp) fn settings(url: String, max_queue: usize, max_batch: usize) -> otlp::Traces {
    otlp::Traces {
        signal: Signal {
            protocol: Protocol::HttpProtobuf,
            endpoint: Endpoint { url, authorization: None, headers: Vec::new() },
            is_compressed: false,
            timeout: Duration::from_secs(10),
            authorities: None,
            identity: None,
        },
        schedule_delay: Duration::from_secs(3_600),
        export_timeout: Duration::from_secs(10),
        max_queue,
        max_batch,
    }
}

#[test]
fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
    let spans = Spans::new(&settings("http://h".into(), 4, 2));
    for number in 1..=7 {
        spans.on_end(span(number, "s", 1));
    }
    assert_eq!((spans.waiting(), spans.dropped(), spans.dropped()), (4, 3, 0));
    let taking = spans.taking().unwrap();
    assert!(spans.taking().is_none(), "once");
    let kept: Vec<_> = taking.try_iter().map(|span| span.name.into_owned()).collect();
    assert_eq!(kept, ["span 1", "span 2", "span 3", "span 4"], "the newest are dropped");
    spans.taken(4);
    spans.on_end(span(8, "s", 1));
    assert_eq!(spans.waiting(), 1);
    spans.close();
    spans.on_end(span(9, "s", 1));
    assert_eq!((spans.waiting(), spans.dropped()), (1, 1));
}

#[test]
fn who_sends_is_woken_once_for_each_request_that_is_full() {
    let spans = Spans::new(&settings("http://h".into(), 100, 3));
    let (give, woken) = mpsc::channel();
    spans.wakes(give);
    for number in 1..=7 {
        spans.on_end(span(number, "s", 1));
    }
    assert_eq!(woken.try_iter().count(), 2);
}

#[test]
fn what_is_recorded_and_not_sampled_is_not_sent() {
    let spans = Spans::new(&settings("http://h".into(), 100, 3));
    let mut unsampled = span(1, "s", 1);
    unsampled.span_context = SpanContext::NONE;
    spans.on_end(unsampled);
    assert_eq!((spans.waiting(), spans.dropped()), (0, 0));
}

#[test]
fn the_tracers_own_description_of_the_program_wins() {
    let mut spans = Spans::new(&settings("http://h".into(), 100, 3));
    let own = Source::from(&Resource::builder_empty().with_service_name("own").build());
    assert_eq!(spans.clone().source(&own), own);
    let theirs = Resource::builder_empty().with_service_name("theirs").build();
    spans.set_resource(&theirs);
    assert_eq!(spans.source(&own), Source::from(&theirs));
}

#[test]
fn without_who_sends_a_flush_has_nothing_to_wait_for() {
    let spans = Spans::new(&settings("http://h".into(), 100, 3));
    assert!(spans.force_flush().is_ok() && spans.shutdown_with_timeout(Duration::ZERO).is_ok());
}

#[test]
fn threads_that_end_spans_at_once_lose_none_that_has_room() {
    let spans = Spans::new(&settings("http://h".into(), 4_000, 64));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let spans = spans.clone();
            scope.spawn(move || (0..1_000).for_each(|number| spans.on_end(span(thread * 1_000 + number + 1, "s", 1))));
        }
    });
    let taking = spans.taking().unwrap();
    let ids: std::collections::BTreeSet<_> =
        taking.try_iter().map(|span| span.span_context.span_id().to_bytes()).collect();
    assert_eq!((ids.len(), spans.waiting(), spans.dropped()), (4_000, 4_000, 0));
}

#[test]
fn who_sends_is_told_once_that_spans_are_dropped_until_he_asks_how_many() {
    let spans = Spans::new(&settings("http://h".into(), 2, 2));
    let (give, woken) = mpsc::channel();
    spans.wakes(give);
    for number in 1..=9 {
        spans.on_end(span(number, "s", 1));
    }
    assert_eq!(woken.try_iter().count(), 2, "a request is full, and there is no room");
    assert_eq!(spans.dropped(), 7);
    spans.on_end(span(10, "s", 1));
    assert_eq!((woken.try_iter().count(), spans.dropped()), (1, 1));
}
