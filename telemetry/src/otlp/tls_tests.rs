//! Both clients with TLS: who vouches for the receiver, and the program's own certificate.

use super::signal::Way;
use crate::config::otlp::{Identity, Protocol, Signal};
use crate::config::push::Authorities;
use crate::config::push::access::Endpoint;
use crate::push::Outcome;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src/server/tls", name].iter().collect()
}

/// A server for `localhost` that wants a certificate from whoever asks, and trusts its own alone.
fn server() -> ServerConfig {
    let certificate = CertificateDer::from_pem_file(file("localhost.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_file(file("localhost.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate], key).unwrap()
}

fn serve_http() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(server());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let mut request = [0; 4096];
            // Nothing comes of a client that is not trusted, or does not trust.
            if stream.read(&mut request).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    address
}

#[cfg(feature = "otlp-grpc")]
fn serve_grpc() -> SocketAddr {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use prost::bytes::Bytes;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = server();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let service = hyper::service::service_fn(|_: hyper::Request<hyper::body::Incoming>| async {
                    let mut trailers = ureq::http::HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().unwrap());
                    let body = Full::new(Bytes::from_static(&[0; 5])).with_trailers(async { Some(Ok(trailers)) });
                    let response = ureq::http::Response::builder().header("content-type", "application/grpc");
                    Ok::<_, std::convert::Infallible>(response.body(body).unwrap())
                });
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    address
}

fn send(address: SocketAddr, protocol: Protocol, is_trusted: bool, has_identity: bool) -> Outcome {
    let read = |name| std::fs::read(file(name)).unwrap();
    let trusted = CertificateDer::from_pem_file(file("localhost.pem")).unwrap().to_vec();
    let signal = Signal {
        protocol,
        endpoint: Endpoint {
            url: format!("https://localhost:{}/v1/traces", address.port()),
            authorization: None,
            headers: Vec::new(),
        },
        is_compressed: false,
        timeout: Duration::from_secs(10),
        authorities: is_trusted.then_some(Authorities(vec![trusted])),
        identity: has_identity
            .then(|| Identity { certificates: read("localhost.pem"), key: read("localhost.key.pem") }),
    };
    let way = Way::new(&signal, "/a.Service/Export");
    let parcel = way.parcel(&ExportTraceServiceRequest::default(), 1).unwrap();
    way.transport().unwrap().send(&parcel, Duration::from_secs(10))
}

fn check(address: SocketAddr, protocol: Protocol) {
    assert_eq!(send(address, protocol, true, true), Outcome::Taken, "{protocol:?}");
    for (is_trusted, has_identity) in [(false, true), (true, false)] {
        let outcome = send(address, protocol, is_trusted, has_identity);
        assert!(
            matches!(outcome, Outcome::Later { kind: "unreachable", .. }),
            "{protocol:?} {is_trusted}: {outcome:?}"
        );
    }
}

#[test]
fn both_sides_show_certificates_over_http() {
    check(serve_http(), Protocol::HttpProtobuf);
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn both_sides_show_certificates_over_grpc() {
    check(serve_grpc(), Protocol::Grpc);
}

#[test]
fn a_key_that_is_none_is_told_at_the_start() {
    let endpoint = Endpoint { url: "https://h/".to_owned(), authorization: None, headers: Vec::new() };
    let mut signal = Signal {
        protocol: Protocol::HttpProtobuf,
        endpoint,
        is_compressed: false,
        timeout: Duration::from_secs(1),
        authorities: None,
        identity: Some(Identity { certificates: b"no".to_vec(), key: b"no".to_vec() }),
    };
    assert!(Way::new(&signal, "/x").transport().is_err_and(|why| why.contains("certificate")));
    signal.identity = None;
    assert!(Way::new(&signal, "/x").transport().is_ok());
}
