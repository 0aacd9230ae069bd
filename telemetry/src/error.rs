//! What can go wrong at the start of a program, said so that the message is enough.

use crate::metric::{CatalogError, PrefixError};
use std::fmt;

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
