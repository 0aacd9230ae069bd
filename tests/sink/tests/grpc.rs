//! The sink over gRPC and over TLS, asked by tonic's generated clients and by rustls.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use telemetry_sink::{Answer, Protocol, Signal, Sink, Tls};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};

/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("an answer in time") })
}

fn spans() -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { schema_url: "x".repeat(2_000), ..ResourceSpans::default() }],
    }
}

async fn export(sink: &Sink, compressed: bool) -> Result<String, Status> {
    let client = TraceServiceClient::connect(sink.grpc_endpoint()).await;
    let mut client = client.map_err(|error| Status::unknown(error.to_string()))?;
    if compressed {
        client = client.send_compressed(CompressionEncoding::Gzip);
    }
    client.export(spans()).await.map(|response| format!("{:?}", response.into_inner().partial_success))
}

#[test]
fn both_services_take_plain_and_compressed_messages() {
    let sink = Sink::start();
    run(async {
        assert_eq!(export(&sink, false).await.expect("taken"), "None");
        assert_eq!(export(&sink, true).await.expect("taken"), "None");
        let mut metrics = MetricsServiceClient::connect(sink.grpc_endpoint()).await.expect("a sink");
        metrics.export(ExportMetricsServiceRequest::default()).await.expect("taken");
    });
    let seen = sink.seen();
    let came: Vec<_> =
        seen.requests.iter().map(|request| (request.signal, request.protocol, request.encoding.as_deref())).collect();
    let grpc = Some(Protocol::Grpc);
    assert_eq!(
        came,
        [
            (Some(Signal::Traces), grpc, None),
            (Some(Signal::Traces), grpc, Some("gzip")),
            (Some(Signal::Metrics), grpc, None)
        ]
    );
    let [plain, zipped, _] = seen.requests.as_slice() else { panic!("three requests") };
    assert_eq!((plain.decoded_size, plain.decoded_size), (plain.size - 5, zipped.decoded_size));
    assert!(zipped.size < 200, "{}", zipped.size);
}

#[test]
fn the_script_is_played_over_grpc() {
    let sink = Sink::start();
    sink.script([
        Answer::code(8),
        Answer::code(14).retry_info(Duration::from_millis(1500)),
        Answer::Partial { rejected: 3, message: "old".to_owned() },
        Answer::status(503),
        Answer::Rubbish,
        Answer::Truncated,
        Answer::Close,
        Answer::Reset,
        Answer::code(3).late(Duration::from_millis(30)),
        Answer::Drip(Duration::from_micros(100)),
    ]);
    run(async {
        let plain = export(&sink, false).await.expect_err("RESOURCE_EXHAUSTED");
        assert_eq!((plain.code(), plain.details().len()), (Code::ResourceExhausted, 0));
        let busy = export(&sink, false).await.expect_err("UNAVAILABLE");
        assert_eq!(busy.code(), Code::Unavailable);
        let details = String::from_utf8_lossy(busy.details()).into_owned();
        assert!(details.contains("type.googleapis.com/google.rpc.RetryInfo"), "{details}");
        assert_eq!(
            export(&sink, false).await.expect("taken"),
            "Some(ExportTracePartialSuccess { rejected_spans: 3, error_message: \"old\" })"
        );
        for (what, code) in [("503", Code::Unavailable), ("rubbish", Code::Internal)] {
            assert_eq!(export(&sink, false).await.expect_err(what).code(), code, "{what}");
        }
        for what in ["truncated", "closed", "reset"] {
            assert_ne!(export(&sink, false).await.expect_err(what).code(), Code::Ok);
        }
        assert_eq!(export(&sink, false).await.expect_err("late").code(), Code::InvalidArgument);
        assert_eq!(export(&sink, false).await.expect("taken"), "None");
    });
    assert_eq!(sink.script_left(), 0);
}

#[test]
fn a_message_that_is_none_and_a_method_that_is_not_there_are_kept_as_such() {
    let sink = Sink::start();
    run(async {
        let channel =
            tonic::transport::Endpoint::from_shared(sink.grpc_endpoint()).expect("an address").connect().await;
        let mut client = tonic::client::Grpc::new(channel.expect("a sink"));
        for (path, code) in [
            ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Code::Internal),
            ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", Code::Unimplemented),
        ] {
            client.ready().await.expect("a connection");
            let codec = tonic_prost::ProstCodec::<String, ()>::default();
            // A text where a list of messages belongs.
            let sent =
                client.unary(tonic::Request::new("no message".to_owned()), path.parse().expect("a path"), codec).await;
            assert_eq!(sent.expect_err("refused").code(), code);
        }
    });
    let seen = sink.seen();
    assert_eq!((seen.requests.len(), seen.accepted().count()), (2, 0));
}

fn over_tls(sink: &Sink, trusted: bool, client: bool) -> Result<String, String> {
    let tls = sink.tls().expect("certificates");
    let mut roots = RootCertStore::empty();
    if trusted {
        let authority = CertificateDer::from_pem_file(tls.authority()).expect("the authority");
        roots.add(authority).expect("an authority");
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots);
    let config = if client {
        let chain = vec![CertificateDer::from_pem_file(tls.client_certificate()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(tls.client_key()).expect("a key");
        config.with_client_auth_cert(chain, key).expect("a certificate that fits its key")
    } else {
        config.with_no_client_auth()
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(sink.http_endpoint().replace("https://", "")).expect("a sink");
    let mut stream = StreamOwned::new(connection, socket);
    let body = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(body.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn tls_is_spoken_and_a_bad_certificate_is_one() {
    let start = |tls| Sink::builder().tls(tls).start().expect("a sink");
    let sink = start(Tls::new());
    assert_eq!(over_tls(&sink, true, false), Ok("HTTP/1.1 200 OK".to_owned()));
    for (what, tls, trusted, expected) in [
        ("untrusted", Tls::new(), false, "UnknownIssuer"),
        ("another's name", Tls::for_name("example.com"), true, "not valid for name"),
        ("expired", Tls::expired(), true, "expired"),
    ] {
        let error = over_tls(&start(tls), trusted, false).expect_err(what);
        assert!(error.contains(expected), "{what}: {error}");
    }
}

#[test]
fn a_client_without_a_certificate_is_turned_away_where_one_is_wanted() {
    let sink = Sink::builder().tls(Tls::new().client_certificate_wanted()).start().expect("a sink");
    assert_eq!(over_tls(&sink, true, true), Ok("HTTP/1.1 200 OK".to_owned()));
    let error = over_tls(&sink, true, false).expect_err("no certificate");
    assert!(error.contains("CertificateRequired"), "{error}");
    assert_eq!(sink.seen().requests.len(), 1);
}
