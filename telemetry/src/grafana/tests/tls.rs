//! A server with a certificate of an authority of one's own.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src/server/tls", name].iter().collect()
}

#[test]
fn a_server_is_believed_where_its_authority_is_given_and_nowhere_else() {
    let certificate = CertificateDer::from_pem_file(file("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("localhost.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let thread = std::thread::spawn(move || {
        for _ in 0..2 {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, listener.accept().unwrap().0);
            // Nothing comes of a client that does not trust.
            if stream.read(&mut [0; 4096]).is_ok() {
                let body = r#"{"database":"ok"}"#;
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            }
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    let build = |builder: ClientBuilder| builder.retries(0).build().unwrap();
    let trusts = build(Client::builder(&url).certificate_authorities(std::fs::read(file("localhost.pem")).unwrap()));
    assert_eq!(trusts.health().unwrap().database, "ok");
    let error = build(Client::builder(&url)).health().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    thread.join().unwrap();
}
