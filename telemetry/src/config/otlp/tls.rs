//! Whom to trust, and who this program is.

use super::Identity;
use crate::config::file;
use crate::config::push::Authorities;
use crate::error::Error;
use std::path::Path;
use ureq::tls::{Certificate, PemItem, parse_pem};

/// The certificates of a file.
pub(super) fn authorities(name: &'static str, path: &str) -> Result<Authorities, Error> {
    let pem = read(name, path)?;
    let certificates: Vec<_> = items(name, path, &pem)?
        .iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(Certificate::der(certificate).to_vec()),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(unusable(name, path, "which has no certificate in PEM".to_owned()));
    }
    Ok(Authorities(certificates))
}

/// A file of certificates and one of a key, as they are.
pub(super) fn identity(certificate: (&'static str, &str), key: (&'static str, &str)) -> Result<Identity, Error> {
    authorities(certificate.0, certificate.1)?;
    let pem = read(key.0, key.1)?;
    if !items(key.0, key.1, &pem)?.iter().any(|item| matches!(item, PemItem::PrivateKey(_))) {
        return Err(unusable(key.0, key.1, "which has no private key in PEM".to_owned()));
    }
    Ok(Identity { certificates: read(certificate.0, certificate.1)?, key: pem })
}

fn read(name: &'static str, path: &str) -> Result<Vec<u8>, Error> {
    file::read(path).map_err(|error| unusable(name, path, format!("which cannot be read ({error})")))
}

fn items<'a>(name: &'static str, path: &str, pem: &'a [u8]) -> Result<Vec<PemItem<'a>>, Error> {
    // What is wrong is not told: it may be a piece of a key.
    parse_pem(pem).collect::<Result<_, _>>().map_err(|_| unusable(name, path, "which is no PEM".to_owned()))
}

fn unusable(name: &'static str, path: &str, why: String) -> Error {
    Error::File { name, path: Path::new(path).to_owned(), why }
}
