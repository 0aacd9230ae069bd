//! The endpoint over TLS, by rustls: versions 1.2 and 1.3, a certificate and a key from files.

use crate::config::server::{File, TlsFiles};
use crate::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::{Accept, TlsAcceptor};

/// Begins TLS on a connection.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    /// Which of them cannot be used, and why.
    pub(crate) fn new(files: &TlsFiles) -> Result<Acceptor, Error> {
        let certificates = CertificateDer::pem_file_iter(&files.certificate.path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refused(&files.certificate, why(error, "certificate")))?;
        if certificates.is_empty() {
            return Err(refused(&files.certificate, why(pem::Error::NoItemsFound, "certificate")));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key.path);
        let key = key.map_err(|error| refused(&files.key, why(error, "private key")))?;
        // Said outright, and not left to a default of the process, which the program may or may not have set.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions();
        let config = config.and_then(|config| config.with_no_client_auth().with_single_cert(certificates, key));
        let config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                refused(&files.key, format!("whose key is not that of the certificate in {:?}", files.certificate.path))
            }
            other => refused(&files.certificate, format!("which cannot be used with its key ({other})")),
        })?;
        Ok(Acceptor(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Accept<S> {
        self.0.accept(stream)
    }
}

fn refused(file: &File, why: String) -> Error {
    Error::File { name: file.setting, path: file.path.clone(), why }
}

fn why(error: pem::Error, what: &str) -> String {
    match error {
        pem::Error::Io(error) => format!("which cannot be read ({error})"),
        pem::Error::NoItemsFound => {
            format!("which holds no {what} in PEM (\"-----BEGIN {}-----\")", what.to_uppercase())
        }
        other => format!("which is not PEM throughout ({other})"),
    }
}

#[cfg(test)]
mod tests;
