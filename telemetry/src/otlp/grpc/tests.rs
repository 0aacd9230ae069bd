//! What gRPC's answers mean, and requests against a server of HTTP/2.

use super::*;
use crate::otlp::answer::Any;
use tonic::Status as Given;

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        authorization: Some(Secret("Bearer hush".to_owned())),
        headers: vec![("X-Key".to_owned(), Secret("secret".to_owned()))],
    }
}

fn details(seconds: i64, nanos: i32) -> Vec<u8> {
    let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos }) };
    let any = |url: &str, value| Any { type_url: format!("type.googleapis.com/{url}"), value };
    let details = vec![any("google.rpc.Help", vec![1]), any("google.rpc.RetryInfo", info.encode_to_vec())];
    Status { message: "m".to_owned(), details }.encode_to_vec()
}

#[test]
fn only_some_codes_are_tried_again() {
    for code in
        [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss]
    {
        let outcome = judged(&Given::new(code, "m"), &endpoint("http://h"));
        assert!(matches!(outcome, Outcome::Later { after: None, .. }), "{code:?}: {outcome:?}");
    }
    for code in [
        Code::Unknown,
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::FailedPrecondition,
        Code::Unimplemented,
        Code::Internal,
        Code::Unauthenticated,
        Code::ResourceExhausted,
    ] {
        let outcome = judged(&Given::new(code, "no, hush"), &endpoint("http://h"));
        let why = format!("answered {code:?}: no, …");
        assert_eq!(outcome, Outcome::Refused { taken: 0, why }, "{code:?}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_kept_and_makes_exhaustion_one_that_ends() {
    for code in [Code::ResourceExhausted, Code::Unavailable] {
        let status = Given::with_details(code, "m", details(2, 500_000_000).into());
        let Outcome::Later { after, kind, .. } = judged(&status, &endpoint("http://h")) else { panic!("{code:?}") };
        assert_eq!((after, kind), (Some(Duration::from_millis(2_500)), "throttled"));
    }
    assert_eq!(retry_info(&details(-1, 0)), Some(Duration::ZERO));
    assert_eq!(retry_info(b"\xff rubbish"), None);
    assert_eq!(retry_info(b""), None);
}

#[test]
fn headers_are_metadata_that_is_not_shown() {
    let metadata = metadata(&endpoint("http://h")).unwrap();
    let of = |key: &str| metadata.get(key).map(|value| (value.to_str().unwrap(), value.is_sensitive()));
    assert_eq!((of("x-key"), of("authorization")), (Some(("secret", true)), Some(("Bearer hush", true))));
    let mut wrong = endpoint("http://h");
    wrong.headers.push(("x-bin".to_owned(), Secret("a\nb".to_owned())));
    assert!(super::metadata(&wrong).is_err_and(|why| !why.contains("a\nb")));
}

/// Needs the server half of HTTP/2, which the endpoint brings.
#[cfg(feature = "prometheus")]
mod sent {
    use super::*;
    use crate::config::otlp::Protocol;
    use crate::otlp::signal::Way;
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use prost::bytes::Bytes as Shared;
    use std::convert::Infallible;
    use std::io::Read;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use ureq::http::{HeaderMap, Response};

    /// What is answered: the message's frame, and the trailers; or nothing.
    #[derive(Clone)]
    enum Answer {
        Says(Vec<u8>, Vec<(&'static str, String)>),
        Hangs,
        Breaks,
    }

    fn ok(message: &[u8]) -> Answer {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        Answer::Says([&[0][..], &length, message].concat(), vec![("grpc-status", "0".to_owned())])
    }

    fn failed(code: u8, more: Vec<(&'static str, String)>) -> Answer {
        Answer::Says(Vec::new(), [vec![("grpc-status", code.to_string())], more].concat())
    }

    type Received = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

    fn serve(answer: Answer) -> (SocketAddr, Received) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Received::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    if matches!(answer, Answer::Breaks) {
                        continue;
                    }
                    let (answer, kept) = (answer.clone(), Arc::clone(&kept));
                    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                        let (answer, kept) = (answer.clone(), Arc::clone(&kept));
                        async move {
                            let (head, body) = request.into_parts();
                            let body = body.collect().await.unwrap().to_bytes().to_vec();
                            kept.lock().unwrap().push((head.uri.path().to_owned(), head.headers, body));
                            let Answer::Says(body, lines) = answer else { std::future::pending().await };
                            let mut trailers = HeaderMap::new();
                            for (name, value) in lines {
                                trailers.insert(name, value.parse().unwrap());
                            }
                            let body = Full::new(Shared::from(body)).with_trailers(async { Some(Ok(trailers)) });
                            let response = Response::builder().header("content-type", "application/grpc");
                            Ok::<_, Infallible>(response.body(body).unwrap())
                        }
                    });
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
                }
            });
        });
        (address, received)
    }

    fn send(address: SocketAddr, timeout: Duration, is_compressed: bool) -> Outcome {
        let signal = Signal {
            protocol: Protocol::Grpc,
            endpoint: endpoint(&format!("http://{address}")),
            is_compressed,
            timeout,
            authorities: None,
            identity: None,
        };
        let way = Way::new(&signal, "/a.Service/Export");
        let parcel = way.parcel(&message(), 9).unwrap();
        let mut transport = way.transport().unwrap();
        // On a thread of its own, as always; a runtime within another may not wait.
        std::thread::spawn(move || transport.send(&parcel, timeout)).join().unwrap()
    }

    fn message() -> ExportMetricsServiceRequest {
        ExportMetricsServiceRequest { resource_metrics: vec![Default::default(); 50] }
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_request_arrives_as_it_was_with_its_deadline_and_who_sends_it() {
        for is_compressed in [false, true] {
            let (address, received) = serve(ok(b""));
            assert_eq!(send(address, LONG, is_compressed), Outcome::Taken);
            let (path, head, body) = received.lock().unwrap().pop().unwrap();
            let of = |name: &str| head.get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!((&*path, of("x-key"), of("authorization")), ("/a.Service/Export", "secret", "Bearer hush"));
            assert!(of("user-agent").starts_with(USER_AGENT), "{}", of("user-agent"));
            assert!(!of("grpc-timeout").is_empty(), "{head:?}");
            assert_eq!((of("grpc-encoding") == "gzip", body[0] == 1), (is_compressed, is_compressed));
            let mut bytes = Vec::new();
            if is_compressed {
                flate2::read::GzDecoder::new(&body[5..]).read_to_end(&mut bytes).unwrap();
            } else {
                bytes = body[5..].to_vec();
            }
            assert_eq!(ExportMetricsServiceRequest::decode(&*bytes).unwrap(), message());
        }
    }

    #[test]
    fn answers_are_read_from_the_wire() {
        // A partial success: three rejected, "old".
        let (address, _) = serve(ok(b"\x0a\x07\x08\x03\x12\x03old"));
        assert_eq!(
            send(address, LONG, false),
            Outcome::Partly { rejected: 3, why: "took a request in part: old".to_owned() }
        );
        let (address, _) = serve(ok(b"\xff rubbish"));
        assert!(matches!(send(address, LONG, false), Outcome::Partly { rejected: 0, .. }));
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(details(3, 0));
        let (address, _) = serve(failed(8, vec![("grpc-status-details-bin", encoded)]));
        let outcome = send(address, LONG, false);
        assert!(matches!(outcome, Outcome::Later { after: Some(LONG_ENOUGH), kind: "throttled", .. }), "{outcome:?}");
        let (address, _) = serve(failed(3, vec![("grpc-message", "no%20good".to_owned())]));
        let expected = Outcome::Refused { taken: 0, why: "answered InvalidArgument: no good".to_owned() };
        assert_eq!(send(address, LONG, false), expected);
    }

    const LONG_ENOUGH: Duration = Duration::from_secs(3);

    #[test]
    fn without_an_answer_it_is_tried_again() {
        let (address, received) = serve(Answer::Hangs);
        let outcome = send(address, Duration::from_millis(200), false);
        assert!(matches!(outcome, Outcome::Later { kind: "timeout", .. }), "{outcome:?}");
        assert_eq!(received.lock().unwrap().len(), 1);
        let (address, _) = serve(Answer::Breaks);
        let outcome = send(address, LONG, false);
        assert!(matches!(outcome, Outcome::Later { kind: "unreachable", .. }), "{outcome:?}");
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let outcome = send(gone, LONG, false);
        assert!(matches!(&outcome, Outcome::Later { kind: "unreachable", .. }), "{outcome:?}");
    }

    #[test]
    fn a_way_is_made_and_dropped_inside_of_an_applications_runtime() {
        let (address, _) = serve(ok(b""));
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { assert_eq!(send(address, LONG, false), Outcome::Taken) });
    }
}
