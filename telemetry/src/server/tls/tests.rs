use super::*;
use crate::config::server::Server as Settings;
use crate::server::tests::long;
use crate::server::{Listening, Server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate for `localhost` that signs itself, until 2120, its key, and another key: for these tests alone.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/tls/");

fn file(name: &str) -> PathBuf {
    Path::new(FILES).join(name)
}

fn acceptor(certificate: PathBuf, key: PathBuf) -> Result<Acceptor, String> {
    let certificate = File { setting: "TELEMETRY_TLS_CERT", path: certificate };
    let key = File { setting: "TELEMETRY_TLS_KEY", path: key };
    Acceptor::new(&TlsFiles { certificate, key }).map_err(|error| error.to_string())
}

fn start() -> Server {
    let tls = acceptor(file("localhost.pem"), file("localhost.key.pem")).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    Listening::start(address, &Settings::default(), Some(tls), || long(10_000)).unwrap().serve()
}

fn get(server: &Server) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("localhost.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(server.address()).unwrap());
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut response = String::new();
    // Ended as TLS wants it, else this is an error.
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn a_client_that_trusts_the_certificate_is_answered() {
    let server = start();
    let response = get(&server);
    assert!(response.starts_with("HTTP/1.1 200") && response.len() > 100_000, "{} bytes", response.len());
}

#[test]
fn mute_and_plain_clients_are_ended_and_keep_nobody_out() {
    let server = start();
    let start = Instant::now();
    let mut mute: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert of TLS, or a reset.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(get(&server).starts_with("HTTP/1.1 200"));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let last = mute.last_mut().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(last.read(&mut [0]).unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}

#[test]
fn a_file_that_cannot_be_used_says_which_and_why() {
    let (certificate, key, other) = (file("localhost.pem"), file("localhost.key.pem"), file("other.key.pem"));
    let refusal = |certificate: &Path, key: &Path| acceptor(certificate.into(), key.into()).map(drop).unwrap_err();
    let none = Path::new("/nowhere/cert.pem");
    for (refusal, expected) in [
        (
            refusal(none, &key),
            "TELEMETRY_TLS_CERT names the file \"/nowhere/cert.pem\", which cannot be read (No such file or directory"
                .to_owned(),
        ),
        (
            refusal(&certificate, none),
            "TELEMETRY_TLS_KEY names the file \"/nowhere/cert.pem\", which cannot be read".to_owned(),
        ),
        (
            refusal(&key, &key),
            format!(
                "TELEMETRY_TLS_CERT names the file {key:?}, which holds no certificate in PEM (\"-----BEGIN CERTIFICATE-----\")"
            ),
        ),
        (
            refusal(&certificate, &certificate),
            format!(
                "TELEMETRY_TLS_KEY names the file {certificate:?}, which holds no private key in PEM (\"-----BEGIN PRIVATE KEY-----\")"
            ),
        ),
        (
            refusal(&certificate, &other),
            format!(
                "TELEMETRY_TLS_KEY names the file {other:?}, whose key is not that of the certificate in {certificate:?}"
            ),
        ),
    ] {
        assert!(refusal.starts_with(&expected), "{refusal}\n{expected}");
    }
}
