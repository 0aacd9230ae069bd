use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority, a receiver's certificate from it and a client's, in files that go when this is dropped.
///
/// ```
/// let tls = telemetry_sink::Tls::new();
/// // `OTEL_EXPORTER_OTLP_CERTIFICATE` is to name the authority.
/// assert!(std::fs::read_to_string(tls.authority())?.starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tls {
    files: TempDir,
    client_wanted: bool,
}

impl Tls {
    /// For `localhost` and `127.0.0.1`, valid now.
    ///
    /// # Panics
    /// Where the files cannot be written.
    pub fn new() -> Tls {
        Tls::made(&["localhost", "127.0.0.1"], false)
    }

    /// For another name, which is a reason to refuse it.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn for_name(name: &str) -> Tls {
        Tls::made(&[name], false)
    }

    /// Valid until the year 2001, which is another.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn expired() -> Tls {
        Tls::made(&["localhost", "127.0.0.1"], true)
    }

    /// Refuses clients that show no certificate of this authority.
    pub fn client_certificate_wanted(mut self) -> Tls {
        self.client_wanted = true;
        self
    }

    fn made(names: &[&str], expired: bool) -> Tls {
        let files = tempfile::tempdir().expect("a folder for certificates");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("randomness");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let write =
            |name: &str, text: String| std::fs::write(files.path().join(name), text).expect("a file for a certificate");
        write("authority.pem", authority.pem());
        for (who, names) in [("server", names), ("client", &["client"])] {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).expect("names");
            params.distinguished_name.push(DnType::CommonName, who);
            if expired {
                params.not_before = rcgen::date_time_ymd(2000, 1, 1);
                params.not_after = rcgen::date_time_ymd(2001, 1, 1);
            }
            let key = KeyPair::generate().expect("randomness");
            write(&format!("{who}.pem"), params.signed_by(&key, &authority).expect("a certificate").pem());
            write(&format!("{who}.key"), key.serialize_pem());
        }
        Tls { files, client_wanted: false }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// The authority's certificate, for `OTEL_EXPORTER_OTLP_CERTIFICATE`.
    pub fn authority(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// For `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`.
    pub fn client_certificate(&self) -> PathBuf {
        self.file("client.pem")
    }

    /// For `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
    pub fn client_key(&self) -> PathBuf {
        self.file("client.key")
    }

    /// What speaks TLS on a port for this protocol.
    pub(crate) fn acceptor(&self, protocol: &str) -> TlsAcceptor {
        let certificates = read(&self.file("server.pem"));
        let key = PrivateKeyDer::from_pem_file(self.file("server.key")).expect("a key that was just written");
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().expect("versions of TLS");
        let config = if self.client_wanted {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(read(&self.authority()));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.expect("an authority"))
        } else {
            config.with_no_client_auth()
        };
        let mut config = config.with_single_cert(certificates, key).expect("a certificate that fits its key");
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Tls {
    fn default() -> Tls {
        Tls::new()
    }
}

fn read(file: &Path) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_file_iter(file).expect("a file that was just written");
    certificates.collect::<Result<_, _>>().expect("certificates that were just written")
}
