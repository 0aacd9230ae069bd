//! What can be wrong with a file of runs.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a file of runs cannot be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file cannot be opened, read or written.
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Somebody else writes to it, and did so for as long as was waited.
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// It is a DuckDB database, and the program was compiled without the feature `duckdb`.
    NoDuckDb {
        /// Which.
        path: PathBuf,
    },
    /// It was written by a later version.
    Newer {
        /// Which.
        path: PathBuf,
        /// The version of its schema.
        version: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// DuckDB refused something.
    Database {
        /// Which file.
        path: PathBuf,
        /// In DuckDB's words.
        why: String,
    },
    /// There is no such run, or there are several.
    NoRun {
        /// What was asked for.
        asked: String,
        /// How many there are.
        found: usize,
    },
    /// A run's line cannot be read.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HistoryError::File { path, error } => write!(f, "{}: {error}", path.display()),
            HistoryError::Busy { path } => write!(f, "{}: another program writes to it", path.display()),
            HistoryError::NoDuckDb { path } => write!(
                f,
                "{}: a file of DuckDB needs the feature `duckdb`; with it, or for a name that ends in .jsonl, it can be used",
                path.display()
            ),
            HistoryError::Newer { path, version, known } => write!(
                f,
                "{}: its schema has version {version}, which is newer than {known}, the latest that this version of `telemetry` knows",
                path.display()
            ),
            HistoryError::Database { path, why } => write!(f, "{}: {why}", path.display()),
            HistoryError::NoRun { asked, found: 0 } => write!(
                f,
                "no run is `{asked}`; give the beginning of a run's id, a commit, a branch, `latest`, or `latest~1` for the one before"
            ),
            HistoryError::NoRun { asked, found } => {
                write!(f, "{found} runs begin with `{asked}`; give more of the id")
            }
            HistoryError::Damaged { why } => write!(f, "a run cannot be read: {why}"),
        }
    }
}

impl std::error::Error for HistoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            HistoryError::File { error, .. } => Some(error),
            _ => None,
        }
    }
}
