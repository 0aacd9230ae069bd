//! Answers of receivers, as the requests of this library get them.

use super::*;
use crate::config::otlp::{Protocol, Signal};
use crate::config::push::access::Secret;
use crate::otlp::signal::Way;
use crate::push::sink::{Answer as Given, Sink};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use std::time::{Duration, Instant};

fn signal(url: &str, protocol: Protocol) -> Signal {
    let endpoint = Endpoint {
        url: url.to_owned(),
        authorization: None,
        headers: vec![("X-Key".to_owned(), Secret("hush".to_owned()))],
    };
    Signal {
        protocol,
        endpoint,
        is_compressed: false,
        timeout: Duration::from_secs(10),
        authorities: None,
        identity: None,
    }
}

fn send(sink: &str, protocol: Protocol, timeout: Duration) -> Outcome {
    let way = Way::new(&signal(sink, protocol), "/x");
    let parcel = way.parcel(&ExportTraceServiceRequest::default(), 9).unwrap();
    way.transport().unwrap().send(&parcel, timeout)
}

fn answered(given: Given) -> Outcome {
    send(&Sink::start([given]).url(), Protocol::HttpProtobuf, Duration::from_secs(10))
}

#[test]
fn only_four_statuses_are_tried_again() {
    for status in [429, 502, 503, 504] {
        let outcome = answered(Given::Says(status, "", Vec::new()));
        assert!(matches!(outcome, Outcome::Later { after: None, .. }), "{status}: {outcome:?}");
    }
    for status in [301, 307, 400, 401, 403, 404, 408, 413, 500, 501, 505] {
        let outcome = answered(Given::Says(status, "Location: /elsewhere\r\nRetry-After: 1\r\n", Vec::new()));
        assert!(matches!(outcome, Outcome::Refused { taken: 0, .. }), "{status}: {outcome:?}");
    }
    for status in [200, 202] {
        assert_eq!(answered(Given::Says(status, "", Vec::new())), Outcome::Taken, "{status}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let Outcome::Later { after, kind, .. } = answered(Given::Says(503, "Retry-After: 7\r\n", Vec::new())) else {
        panic!()
    };
    assert_eq!((after, kind), (Some(Duration::from_secs(7)), "unavailable"));
    let Outcome::Later { after, kind, .. } = answered(Given::Says(429, "Retry-After: 0\r\n", Vec::new())) else {
        panic!()
    };
    assert_eq!((after, kind), (Some(Duration::ZERO), "throttled"));
}

#[test]
fn no_redirect_is_followed() {
    let sink = Sink::start([Given::Says(307, "Location: /elsewhere\r\n", Vec::new())]);
    let outcome = send(&sink.url(), Protocol::HttpProtobuf, Duration::from_secs(10));
    assert!(matches!(&outcome, Outcome::Refused { why, .. } if why.starts_with("answered 307")), "{outcome:?}");
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn what_is_taken_in_part_is_told_in_both_formats() {
    let partial_success =
        Some(ExportTracePartialSuccess { rejected_spans: 3, error_message: "too\nold, hush".to_owned() });
    let protobuf = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    let expected = Outcome::Partly { rejected: 3, why: "took a request in part: too old, …".to_owned() };
    assert_eq!(answered(Given::Says(200, "Content-Type: application/x-protobuf\r\n", protobuf)), expected);
    for json in [
        r#"{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old, hush"}}"#,
        r#"{"partialSuccess": {"rejectedDataPoints": 3, "errorMessage": "too old, hush"}}"#,
    ] {
        let given = Given::Says(200, "Content-Type: application/json; charset=utf-8\r\n", json.into());
        let sink = Sink::start([given]);
        assert_eq!(send(&sink.url(), Protocol::HttpJson, Duration::from_secs(10)), expected, "{json}");
        assert!(sink.received()[0].head.contains("content-type: application/json"), "{:?}", sink.received());
    }
    let warning = r#"{"partialSuccess": {"errorMessage": "mind it"}}"#;
    let given = Given::Says(200, "Content-Type: application/json\r\n", warning.into());
    assert_eq!(answered(given), Outcome::Partly { rejected: 0, why: "took a request, and says: mind it".to_owned() });
    for empty in ["{}", r#"{"partialSuccess": null}"#, r#"{"partialSuccess": {}}"#] {
        assert_eq!(answered(Given::Says(200, "Content-Type: application/json\r\n", empty.into())), Outcome::Taken);
    }
}

#[test]
fn a_success_that_makes_no_sense_or_breaks_off_is_one_and_is_told() {
    for given in [
        Given::Says(200, "", b"\xff\xff\xff\xff rubbish".to_vec()),
        Given::Says(200, "Content-Type: application/json\r\n", b"<html>".to_vec()),
        Given::Raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"),
    ] {
        let outcome = answered(given.clone());
        assert!(
            matches!(&outcome, Outcome::Partly { rejected: 0, why } if why.ends_with("it is not sent again")),
            "{given:?}: {outcome:?}"
        );
    }
}

#[test]
fn without_a_status_there_is_no_answer() {
    for given in [Given::Raw(""), Given::Raw("HTTP/1.1 20")] {
        let outcome = answered(given.clone());
        assert!(matches!(outcome, Outcome::Later { kind: "unreachable", .. }), "{given:?}: {outcome:?}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = send(&format!("http://{gone}/"), Protocol::HttpProtobuf, Duration::from_secs(10));
    assert!(matches!(outcome, Outcome::Later { kind: "unreachable", .. }), "{outcome:?}");
    let sink = Sink::start([Given::Hangs]);
    let start = Instant::now();
    let outcome = send(&sink.url(), Protocol::HttpProtobuf, Duration::from_millis(100));
    assert!(matches!(outcome, Outcome::Later { kind: "timeout", .. }), "{outcome:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_refusal_says_why_and_no_secret() {
    let status = Status { message: "key hush is\nunknown, token=secret".to_owned(), details: Vec::new() };
    for (lines, body) in [
        ("Content-Type: application/x-protobuf\r\n", status.encode_to_vec()),
        (
            "Content-Type: application/json\r\n",
            br#"{"code": 3, "message": "key hush is unknown, token=secret"}"#.to_vec(),
        ),
        ("Content-Type: text/plain\r\n", b"key hush is unknown, token=secret".to_vec()),
    ] {
        let outcome = answered(Given::Says(400, lines, body));
        let Outcome::Refused { why, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(why, "answered 400 Bad Request: key … is unknown, …", "{lines}");
    }
}

#[test]
fn requests_name_their_format_and_who_sends_them() {
    let sink = Sink::start([]);
    let mut signal = signal(&sink.url(), Protocol::HttpProtobuf);
    signal.is_compressed = true;
    let way = Way::new(&signal, "/x");
    let message = ExportTraceServiceRequest { resource_spans: vec![Default::default(); 3] };
    let parcel = way.parcel(&message, 9).unwrap();
    assert_eq!(way.transport().unwrap().send(&parcel, Duration::from_secs(10)), Outcome::Taken);
    let received = sink.received().pop().unwrap();
    for line in [
        "post /v1/x?token=secret http/1.1\r\n",
        "content-type: application/x-protobuf\r\n",
        "content-encoding: gzip\r\n",
        "x-key: hush\r\n",
        "user-agent: telemetry/",
        " otel-otlp-exporter-rust/",
    ] {
        assert!(received.head.contains(line), "{line:?} in {}", received.head);
    }
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&received.body[..]).read_to_end(&mut bytes).unwrap();
    assert_eq!(ExportTraceServiceRequest::decode(&*bytes).unwrap(), message);
}
