//! Why a run could not be configured, or an archive not be dealt with.

use std::fmt;
use std::path::PathBuf;

/// What was wrong. The API key is in no message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be read.
    Setting {
        /// Its variable, its method, or its place in a file.
        name: String,
        /// What was found. Empty where that is not to be shown.
        value: String,
        /// What it takes.
        takes: &'static str,
    },
    /// A configuration file that cannot be read.
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// An archive, or the folder that is to become one, that cannot be read or written.
    Archive {
        /// Which one.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// There is no API key.
    NoKey,
    /// The server did not take what was sent.
    Refused {
        /// What was sent.
        what: String,
        /// What it said.
        why: String,
    },
}

impl Error {
    pub(super) fn setting(name: &str, value: &str, takes: &'static str) -> Error {
        Error::Setting { name: name.to_owned(), value: value.to_owned(), takes }
    }

    pub(super) fn archive(path: impl Into<PathBuf>, why: impl fmt::Display) -> Error {
        Error::Archive { path: path.into(), why: why.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setting { name, value, takes } if value.is_empty() => write!(f, "{name} cannot be read; it takes {takes}"),
            Error::Setting { name, value, takes } => write!(f, "{name} is {value:?}; it takes {takes}"),
            Error::File { path, why } => write!(f, "{} could not be read: {why}", path.display()),
            Error::Archive { path, why } => write!(f, "{}: {why}", path.display()),
            Error::NoKey => f.write_str("there is no API key for Comet; set COMET_API_KEY, or api_key in the section [comet] of ~/.comet.config"),
            Error::Refused { what, why } => write!(f, "Comet did not take {what}: {why}"),
        }
    }
}

impl std::error::Error for Error {}
