//! What can go wrong at the start of a program, said so that the message is enough.

use crate::metric::{CatalogError, PrefixError};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why [`init`](crate::init()) or [`register`](crate::register) refused.
///
/// Shown the same by `Debug` as by `Display`: a `main` that returns it prints the former.
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// A variable of the environment, or what the builder was given, cannot be read.
    Setting {
        /// The variable or the builder's method.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it takes, as the end of a sentence.
        takes: &'static str,
    },
    /// A file that a setting names cannot be used.
    File {
        /// The variable or the builder's method.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        why: String,
    },
    /// The endpoint cannot listen, and [`strict`](crate::Builder::strict) was asked for.
    Endpoint {
        /// Where it was to listen.
        address: SocketAddr,
        /// What is in the way.
        why: String,
    },
    /// The program has been initialised before.
    AlreadyInitialised,
    /// Names of metrics stand for two things each.
    Catalog(CatalogError),
    /// A prefix cannot be given.
    Prefix(PrefixError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setting { name, value, takes } => write!(f, "{name} is {value:?}; it takes {takes}"),
            Error::File { name, path, why } => write!(f, "{name} names the file {path:?}, {why}"),
            Error::Endpoint { address, why } => write!(
                f,
                "cannot listen on {address} ({why}); set TELEMETRY_LISTEN to another address or port, such as \"9100\", or to \"off\", or \
                 TELEMETRY_STRICT to \"off\" to go on without"
            ),
            Error::AlreadyInitialised => f.write_str(
                "telemetry was initialised before in this process; call `init` once, at the start of `main`, and keep what it returns",
            ),
            Error::Catalog(error) => error.fmt(f),
            Error::Prefix(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Catalog(error) => Some(error),
            Error::Prefix(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CatalogError> for Error {
    #[cold]
    fn from(error: CatalogError) -> Error {
        Error::Catalog(error)
    }
}

impl From<PrefixError> for Error {
    #[cold]
    fn from(error: PrefixError) -> Error {
        Error::Prefix(error)
    }
}
